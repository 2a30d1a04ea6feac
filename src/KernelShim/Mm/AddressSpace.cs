using System.Diagnostics;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>Protection of a mapping (PROT_*).</summary>
[Flags]
public enum Protection
{
    /// <summary>Not accessible.</summary>
    None = 0,

    /// <summary>PROT_READ.</summary>
    Read = 1,

    /// <summary>PROT_WRITE.</summary>
    Write = 2,

    /// <summary>PROT_EXEC.</summary>
    Execute = 4,
}

/// <summary>A mapping of a process (struct vm_area_struct).</summary>
[DebuggerDisplay("{Start,h}..{End,h} {Protection} {Name,nq}")]
public sealed class VmArea
{
    /// <summary>The first address.</summary>
    public required ulong Start { get; init; }

    /// <summary>The address after the last.</summary>
    public required ulong End { get; set; }

    /// <summary>What may be done with it.</summary>
    public required Protection Protection { get; set; }

    /// <summary>MAP_SHARED.</summary>
    public bool IsShared { get; init; }

    /// <summary>What it shows in /proc/PID/maps.</summary>
    public string Name { get; init; } = "";

    /// <summary>The physical address behind <see cref="Start"/>, for device memory; null for memory of its own.</summary>
    public ulong? DeviceAddress { get; set; }

    /// <summary>Whether device memory answers now: an access to a page that its driver has taken away is SIGBUS. Null for always.</summary>
    public Func<bool>? IsReachable { get; set; }

    /// <summary>The file it maps, which it keeps open; null for anonymous memory.</summary>
    public OpenFile? File { get; init; }
}

/// <summary>
/// The memory of a process (struct mm_struct). Anonymous pages are pages of the board's RAM, taken when first touched; device
/// mappings reach the bus with the width of the access.
/// </summary>
[DebuggerDisplay("{Areas.Count} areas, {_pages.Count} pages")]
public sealed class AddressSpace(PageAllocator allocator, CpuPort cpu)
{
    private const ulong PageBytes = PageAllocator.PageBytes;
    private const ulong MmapBase = 0x4000_0000;

    /// <summary>The first address that no process has (TASK_SIZE of a 3 GiB user space on ARM).</summary>
    public const ulong TaskSize = 0xBF00_0000;

    /// <summary>No process has more mappings (sysctl_max_map_count).</summary>
    public const int MaximumAreas = 65_530;

    private readonly List<VmArea> _areas = [];
    private readonly Dictionary<ulong, UserPage> _pages = [];

    /// <summary>All pages by physical address, those that only a pin keeps among them.</summary>
    private readonly Dictionary<ulong, UserPage> _frames = [];

    /// <summary>The mappings in order of address.</summary>
    public IReadOnlyList<VmArea> Areas => _areas;

    /// <summary>Pages locked for DMA, counted against RLIMIT_MEMLOCK.</summary>
    public long LockedPages { get; set; }

    /// <summary>Finds a free range (mmap's choice: from the mmap base upwards, lowest first).</summary>
    public ulong? FindFree(ulong lengthBytes)
    {
        ulong at = MmapBase;
        foreach (VmArea area in _areas)
        {
            if (area.End <= at)
            {
                continue;
            }

            if (area.Start >= at && area.Start - at >= lengthBytes)
            {
                break;
            }

            at = area.End;
        }

        return at <= TaskSize && lengthBytes <= TaskSize - at ? at : null;
    }

    /// <summary>Adds a mapping; the range must be free.</summary>
    public void Add(VmArea area)
    {
        ArgumentNullException.ThrowIfNull(area);
        _areas.Insert(IndexFrom(area.Start), area);
    }

    /// <summary>The mapping that holds an address, or null.</summary>
    public VmArea? Find(ulong address)
    {
        int index = IndexFrom(address);
        return index < _areas.Count && _areas[index].Start <= address ? _areas[index] : null;
    }

    /// <summary>Removes mappings in a range, cutting those that reach beyond it. Pinned pages live on until unpinned.</summary>
    public IReadOnlyList<VmArea> Remove(ulong start, ulong end)
    {
        int first = IndexFrom(start);
        int last = first;
        while (last < _areas.Count && _areas[last].Start < end)
        {
            last++;
        }

        List<VmArea> gone = _areas.GetRange(first, last - first);
        _areas.RemoveRange(first, gone.Count);
        foreach (VmArea area in gone)
        {
            if (area.Start < start)
            {
                Add(Part(area, area.Start, start));
            }

            if (area.End > end)
            {
                Add(Part(area, end, area.End));
            }

            for (ulong page = Math.Max(area.Start, start); page < Math.Min(area.End, end); page += PageBytes)
            {
                Release(page);
            }
        }

        return gone;
    }

    /// <summary>
    /// Cuts a mapping so that the given range is one of its own, and returns that one; null when that would be more mappings
    /// than a process may have.
    /// </summary>
    public VmArea? Split(VmArea area, ulong start, ulong end)
    {
        ArgumentNullException.ThrowIfNull(area);
        if (area.Start == start && area.End == end)
        {
            return area;
        }

        if (_areas.Count >= MaximumAreas)
        {
            return null;
        }

        _areas.RemoveAt(IndexFrom(area.Start));
        if (area.Start < start)
        {
            Add(Part(area, area.Start, start));
            area.File?.Get();
        }

        if (area.End > end)
        {
            Add(Part(area, end, area.End));
            area.File?.Get();
        }

        VmArea middle = Part(area, start, end);
        Add(middle);
        return middle;
    }

    /// <summary>Reads user memory: copy_from_user. False where it would fault.</summary>
    public bool TryRead(ulong address, Span<byte> data) => Copy(address, data, default, isWrite: false);

    /// <summary>Writes user memory: copy_to_user. False where it would fault.</summary>
    public bool TryWrite(ulong address, ReadOnlySpan<byte> data) => Copy(address, default, data, isWrite: true);

    /// <summary>
    /// Reads memory for a person to look at: changes nothing, so pages that nobody has touched are not made and device
    /// registers are not read. False where it would have to.
    /// </summary>
    public bool TryPeek(ulong address, Span<byte> data)
    {
        for (int done = 0; done < data.Length; )
        {
            ulong at = address + (ulong)done;
            ulong offset = at & (PageBytes - 1);
            bool isMemory = Find(at) is { DeviceAddress: null } area && area.Protection.HasFlag(Protection.Read);
            if (!isMemory || !_pages.TryGetValue(at - offset, out UserPage? page))
            {
                return false;
            }

            int piece = (int)Math.Min((ulong)(data.Length - done), PageBytes - offset);
            if (cpu.Load(page.Physical + offset, data.Slice(done, piece)) != BusStatus.Okay)
            {
                return false;
            }

            done += piece;
        }

        return true;
    }

    /// <summary>A load by the program itself: RAM, or a device register through a mapping, as one access.</summary>
    public bool TryLoad(ulong address, int sizeBytes, out ulong value, out BusStatus status)
    {
        value = 0;
        status = BusStatus.Okay;
        if (!TryTranslate(address, isWrite: false, out ulong physical))
        {
            return false;
        }

        status = IsGone(address) ? BusStatus.DecodeError : cpu.Load(physical, sizeBytes, out value);
        return true;
    }

    /// <summary>A store by the program itself.</summary>
    public bool TryStore(ulong address, int sizeBytes, ulong value, out BusStatus status)
    {
        status = BusStatus.Okay;
        if (!TryTranslate(address, isWrite: true, out ulong physical))
        {
            return false;
        }

        status = IsGone(address) ? BusStatus.DecodeError : cpu.Store(physical, sizeBytes, value);
        return true;
    }

    /// <summary>
    /// Pins the page at an address for DMA: it keeps its place in RAM until unpinned, whatever the process does
    /// (pin_user_pages). False where there is no memory, or none that may be written.
    /// </summary>
    public bool TryPin(ulong address, bool forWriting, out ulong physical)
    {
        physical = 0;
        VmArea? area = Find(address);
        bool allowed =
            area is { DeviceAddress: null }
            && area.Protection.HasFlag(Protection.Read)
            && (!forWriting || area.Protection.HasFlag(Protection.Write));
        if (!allowed || !TryGetPage(address & ~(PageBytes - 1), out UserPage? page))
        {
            return false;
        }

        page!.Pins++;
        physical = page.Physical;
        return true;
    }

    /// <summary>Unpins a page by its physical address.</summary>
    public void Unpin(ulong physical)
    {
        UserPage? page = _frames.GetValueOrDefault(physical);
        if (page is not null && --page.Pins == 0 && page.IsOrphan)
        {
            _frames.Remove(physical);
            allocator.Free(physical);
        }
    }

    /// <summary>Gives everything back: the process has ended. The files that were mapped, in order of address.</summary>
    internal IReadOnlyList<OpenFile?> Clear()
    {
        foreach (ulong page in _pages.Keys.Order().ToArray())
        {
            Release(page);
        }

        OpenFile?[] files = [.. _areas.Select(area => area.File)];
        _areas.Clear();
        return files;
    }

    /// <summary>The first mapping that ends after an address: its index, or the number of mappings.</summary>
    private int IndexFrom(ulong address)
    {
        int low = 0;
        int high = _areas.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_areas[middle].End <= address)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    private static VmArea Part(VmArea area, ulong start, ulong end) =>
        new()
        {
            Start = start,
            End = end,
            Protection = area.Protection,
            IsShared = area.IsShared,
            Name = area.Name,
            DeviceAddress = area.DeviceAddress + (start - area.Start),
            IsReachable = area.IsReachable,
            File = area.File,
        };

    private void Release(ulong virtualPage)
    {
        if (!_pages.Remove(virtualPage, out UserPage? page))
        {
            return;
        }

        if (page.Pins > 0)
        {
            page.IsOrphan = true;
            return;
        }

        _frames.Remove(page.Physical);
        allocator.Free(page.Physical);
    }

    /// <summary>Whether the driver of a device mapping has taken its pages away (a fault that ends in VM_FAULT_SIGBUS).</summary>
    private bool IsGone(ulong address) => Find(address) is { IsReachable: { } isReachable } && !isReachable();

    private bool TryTranslate(ulong address, bool isWrite, out ulong physical)
    {
        physical = 0;
        VmArea? area = Find(address);
        if (area is null || !area.Protection.HasFlag(isWrite ? Protection.Write : Protection.Read))
        {
            return false;
        }

        if (area.DeviceAddress is { } device)
        {
            physical = device + (address - area.Start);
            return true;
        }

        if (!TryGetPage(address & ~(PageBytes - 1), out UserPage? page))
        {
            return false;
        }

        physical = page!.Physical + (address & (PageBytes - 1));
        return true;
    }

    private bool TryGetPage(ulong virtualPage, out UserPage? page)
    {
        if (_pages.TryGetValue(virtualPage, out page))
        {
            return true;
        }

        if (!allocator.TryAllocate(out ulong physical))
        {
            return false;
        }

        page = new UserPage { Physical = physical };
        _pages[virtualPage] = page;
        _frames[physical] = page;
        return true;
    }

    private bool Copy(ulong address, Span<byte> into, ReadOnlySpan<byte> from, bool isWrite)
    {
        int length = isWrite ? from.Length : into.Length;
        for (int done = 0; done < length; )
        {
            ulong at = address + (ulong)done;
            if (at < address || !TryTranslate(at, isWrite, out ulong physical) || IsGone(at))
            {
                return false;
            }

            int piece = Math.Min(length - done, (int)(PageBytes - (at & (PageBytes - 1))));
            BusStatus status = isWrite
                ? cpu.Store(physical, from.Slice(done, piece))
                : cpu.Load(physical, into.Slice(done, piece));
            if (status != BusStatus.Okay)
            {
                return false;
            }

            done += piece;
        }

        return true;
    }

    private sealed class UserPage
    {
        public required ulong Physical { get; init; }

        public int Pins { get; set; }

        public bool IsOrphan { get; set; }
    }
}
