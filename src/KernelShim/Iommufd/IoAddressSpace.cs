using System.Diagnostics;
using System.Numerics;

namespace Emulator.KernelShim;

/// <summary>
/// An address space of devices as iommufd has it (struct io_pagetable of drivers/iommu/iommufd/io_pagetable.c): mappings that live by
/// themselves, and the domains that follow them.
/// </summary>
[DebuggerDisplay("{_areas.Count} areas, {_domains.Count} domains")]
internal sealed class IoAddressSpace
{
    private const ulong PageBytes = PageAllocator.PageBytes;

    private readonly List<DmaMapping> _areas = [];
    private readonly List<IommuDomain> _domains = [];
    private readonly List<(ulong Start, ulong End, object Owner)> _reserved = [];

    /// <summary>What addresses are multiples of: 1 until a domain has pages (iova_alignment).</summary>
    public ulong Alignment =>
        _domains.Count == 0 ? 1 : _domains.Max(domain => domain.PageSizes & (~domain.PageSizes + 1));

    /// <summary>The page sizes that every domain takes (iommufd_get_pagesizes).</summary>
    public ulong PageSizes
    {
        get
        {
            ulong sizes = ulong.MaxValue;
            foreach (IommuDomain domain in _domains)
            {
                sizes &= domain.PageSizes;
            }

            return (sizes & (PageBytes - 1)) != 0 ? sizes & ~(PageBytes - 1) | PageBytes : sizes;
        }
    }

    /// <summary>The ranges that may be mapped, in order.</summary>
    public IReadOnlyList<(ulong Start, ulong End)> Ranges
    {
        get
        {
            var ranges = new List<(ulong Start, ulong End)>();
            ulong next = 0;
            foreach ((ulong start, ulong end, _) in _reserved.OrderBy(range => range.Start))
            {
                if (start > next)
                {
                    ranges.Add((next, start - 1));
                }

                if (end == ulong.MaxValue)
                {
                    return ranges;
                }

                next = Math.Max(next, end + 1);
            }

            ranges.Add((next, ulong.MaxValue));
            return ranges;
        }
    }

    /// <summary>iopt_map_user_pages: at a fixed address, or where there is room, which is told.</summary>
    public long Map(
        Process process,
        ref ulong iova,
        ulong vaddr,
        ulong length,
        IommuProtection protection,
        bool isFixed
    )
    {
        const string Function = "iopt_alloc_area_pages";
        if (length == 0)
        {
            return process.Refuse(Errno.EINVAL, "iopt_alloc_pages", "the length is 0");
        }

        if (vaddr + length < vaddr)
        {
            return process.Refuse(Errno.EOVERFLOW, "iopt_alloc_pages", "the process's addresses wrap around");
        }

        if (!isFixed && FindRoom(process, vaddr, length, out iova) is var refused and not 0)
        {
            return refused;
        }

        if ((iova & (Alignment - 1)) != 0)
        {
            return process.Refuse(Errno.EINVAL, "iopt_check_iova", $"0x{iova:x} is no multiple of 0x{Alignment:x}");
        }

        if (iova + (length - 1) < iova)
        {
            return process.Refuse(Errno.EOVERFLOW, "iopt_check_iova", "the range wraps around");
        }

        ulong last = iova + (length - 1);
        if (IsReserved(iova, last))
        {
            return process.Refuse(Errno.EINVAL, "iopt_check_iova", $"0x{iova:x}..0x{last:x} meets a reserved range");
        }

        if (Overlaps(iova, last))
        {
            return process.Refuse(Errno.EEXIST, "iopt_check_iova", $"0x{iova:x}..0x{last:x} meets another mapping");
        }

        if (((vaddr | length) & (Alignment - 1)) != 0)
        {
            return process.Refuse(Errno.EINVAL, Function, $"vaddr or length is no multiple of 0x{Alignment:x}");
        }

        var area = new DmaMapping(iova, vaddr, length, protection, process);
        long error = _domains.Count == 0 ? 0 : Fill(process, area);
        if (error == 0)
        {
            ulong start = iova;
            int place = _areas.FindIndex(other => other.Iova > start);
            _areas.Insert(place < 0 ? _areas.Count : place, area);
        }

        return error;
    }

    /// <summary>iopt_unmap_iova_range: whole mappings only. ENOENT where one would be cut, or nothing is there.</summary>
    public long Unmap(Process process, ulong iova, ulong length, out ulong unmapped)
    {
        const string Function = "iopt_unmap_iova_range";
        unmapped = 0;
        if (length == 0)
        {
            return process.Refuse(Errno.EINVAL, "iopt_unmap_iova", "the length is 0");
        }

        if (iova + (length - 1) < iova)
        {
            return process.Refuse(Errno.EOVERFLOW, "iopt_unmap_iova", "the range wraps around");
        }

        ulong last = iova + (length - 1);
        DmaMapping[] inside = [.. _areas.Where(area => area.Iova <= last && area.Last >= iova)];
        if (inside.Any(area => area.Iova < iova || area.Last > last))
        {
            return process.Refuse(Errno.ENOENT, Function, "a mapping reaches beyond the range, and is not cut");
        }

        if (inside.Length == 0)
        {
            return process.Refuse(Errno.ENOENT, Function, "nothing is mapped there");
        }

        foreach (DmaMapping area in inside)
        {
            unmapped += area.LengthBytes;
            Remove(area);
        }

        return 0;
    }

    /// <summary>iopt_unmap_all.</summary>
    public ulong UnmapAll()
    {
        ulong unmapped = 0;
        foreach (DmaMapping area in _areas.ToArray())
        {
            unmapped += area.LengthBytes;
            Remove(area);
        }

        return unmapped;
    }

    /// <summary>
    /// iopt_table_enforce_dev_resv_regions: ranges that no mapping may use while an owner stands. EADDRINUSE when one does already.
    /// </summary>
    public long Reserve(Process process, object owner, IEnumerable<(ulong Start, ulong End)> ranges)
    {
        foreach ((ulong start, ulong end) in ranges)
        {
            if (Overlaps(start, end))
            {
                Release(owner);
                return process.Refuse(
                    Errno.EADDRINUSE,
                    "iopt_reserve_iova",
                    $"a mapping uses 0x{start:x}..0x{end:x}, which the device cannot do without"
                );
            }

            _reserved.Add((start, end, owner));
        }

        return 0;
    }

    /// <summary>iopt_remove_reserved_iova.</summary>
    public void Release(object owner) => _reserved.RemoveAll(range => ReferenceEquals(range.Owner, owner));

    /// <summary>iopt_table_add_domain: all mappings appear in it.</summary>
    public long AddDomain(Process process, IommuDomain domain)
    {
        foreach (DmaMapping area in _areas)
        {
            long error = area.Runs.Count == 0 ? MappingPins.Pin(process, area) : 0;
            for (int n = 0; error == 0 && n < area.Runs.Count; n++)
            {
                error = MapRun(domain, area, area.Runs[n]);
            }

            if (error != 0)
            {
                foreach (DmaMapping done in _areas)
                {
                    domain.Unmap(done.Iova, done.LengthBytes);
                }

                return error;
            }
        }

        _domains.Add(domain);
        return 0;
    }

    /// <summary>iopt_table_remove_domain: with the last one pages are let go, and the mappings stay.</summary>
    public void RemoveDomain(IommuDomain domain)
    {
        _domains.Remove(domain);
        foreach (DmaMapping area in _areas)
        {
            domain.Unmap(area.Iova, area.LengthBytes);
            if (_domains.Count == 0)
            {
                area.Unpin();
            }
        }
    }

    /// <summary>Whether anything is mapped in a range.</summary>
    public bool HasMapping(ulong start, ulong last) => Overlaps(start, last);

    private static long MapRun(IommuDomain domain, DmaMapping area, in PhysicalRun run) =>
        domain.Map(area.Iova + run.Offset, run.Physical, run.LengthBytes, area.Protection | IommuProtection.Cache);

    private void Remove(DmaMapping area)
    {
        foreach (IommuDomain domain in _domains)
        {
            domain.Unmap(area.Iova, area.LengthBytes);
        }

        area.Unpin();
        _areas.Remove(area);
    }

    /// <summary>iopt_fill_domains_pages.</summary>
    private long Fill(Process process, DmaMapping area)
    {
        long error = MappingPins.Pin(process, area);
        foreach (IommuDomain domain in _domains)
        {
            for (int n = 0; error == 0 && n < area.Runs.Count; n++)
            {
                error = MapRun(domain, area, area.Runs[n]);
            }
        }

        if (error != 0)
        {
            _domains.ForEach(domain => domain.Unmap(area.Iova, area.LengthBytes));
            area.Unpin();
        }

        return error;
    }

    private bool IsReserved(ulong start, ulong last) =>
        _reserved.Exists(range => range.Start <= last && range.End >= start);

    private bool Overlaps(ulong start, ulong last) => _areas.Exists(area => area.Iova <= last && area.Last >= start);

    /// <summary>iopt_alloc_iova: the lowest room above page 0 that keeps the memory's alignment.</summary>
    private long FindRoom(Process process, ulong vaddr, ulong length, out ulong iova)
    {
        const string Function = "iopt_alloc_iova";
        iova = 0;
        if (length >= ulong.MaxValue / 2)
        {
            return process.Refuse(Errno.EOVERFLOW, Function, "the length is more than half of all addresses");
        }

        ulong natural = vaddr == 0 ? ulong.MaxValue : vaddr & (~vaddr + 1);
        ulong alignment = Math.Min(BitOperations.RoundUpToPowerOf2(length), natural);
        if (alignment < Alignment)
        {
            return process.Refuse(Errno.EINVAL, Function, $"vaddr or length is no multiple of 0x{Alignment:x}");
        }

        foreach ((ulong start, ulong end) in Ranges)
        {
            ulong at = Aligned(Math.Max(start, PageBytes), alignment);
            while (at >= start && at <= end && end - at >= length - 1)
            {
                ulong first = at;
                DmaMapping? blocking = _areas.Find(area => area.Iova <= first + (length - 1) && area.Last >= first);
                if (blocking is null)
                {
                    iova = at;
                    return 0;
                }

                at = Aligned(blocking.Last + 1, alignment);
            }
        }

        return process.Refuse(Errno.ENOSPC, Function, "no range of this length is free");
    }

    private static ulong Aligned(ulong address, ulong alignment) =>
        unchecked(address + (alignment - 1)) & ~(alignment - 1);
}
