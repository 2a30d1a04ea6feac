namespace Emulator.KernelShim;

/// <content>MAP_DMA and UNMAP_DMA: the checks in the order in which the kernel makes them.</content>
internal sealed partial class VfioType1
{
    private const uint MapProtection = VfioFlags.MapRead | VfioFlags.MapWrite;

    private Errno WrapErrno => Profile.Type1ReturnsEoverflowOnWrap ? Errno.EOVERFLOW : Errno.EINVAL;

    private long MapDma(Process process, ulong argument)
    {
        const string Function = "vfio_iommu_type1_map_dma";
        if (UserStruct.Take(process, argument, Function, 32, out VfioDmaMap map) is { } refused)
        {
            return refused;
        }

        uint known = MapProtection | (Profile.Type1HasVaddrUpdate ? VfioFlags.MapVaddr : 0);
        return (map.Flags & ~known) != 0
            ? process.Refuse(Errno.EINVAL, Function, $"flags 0x{map.Flags:x} hold unknown bits")
            : Map(process, map);
    }

    /// <summary>vfio_dma_do_map.</summary>
    private long Map(Process process, VfioDmaMap map)
    {
        const string Function = "vfio_dma_do_map";
        bool setsVaddr = (map.Flags & VfioFlags.MapVaddr) != 0;
        if (Profile.PointersAre32Bits && (map.Size > uint.MaxValue || map.Vaddr > uint.MaxValue))
        {
            return process.Refuse(Errno.EINVAL, Function, "size or vaddr does not fit the 32 bits of this kernel");
        }

        if ((map.Flags & MapProtection) == 0 != setsVaddr)
        {
            return process.Refuse(Errno.EINVAL, Function, "neither READ nor WRITE is given, or VADDR with one of them");
        }

        if (map.Size == 0 || ((map.Size | map.Iova | map.Vaddr) & (SmallestPage - 1)) != 0)
        {
            return process.Refuse(
                Errno.EINVAL,
                Function,
                $"size is 0, or size 0x{map.Size:x}, iova 0x{map.Iova:x} or vaddr 0x{map.Vaddr:x} is no multiple of 0x{SmallestPage:x}"
            );
        }

        ulong lastVaddr = Profile.PointersAre32Bits ? (uint)(map.Vaddr + map.Size - 1) : map.Vaddr + map.Size - 1;
        if (map.Iova + map.Size - 1 < map.Iova || lastVaddr < map.Vaddr)
        {
            return process.Refuse(WrapErrno, Function, "the range wraps around the end of the address space");
        }

        DmaMapping? present = _mappings.Within(map.Iova, map.Iova + map.Size - 1).FirstOrDefault();
        if (setsVaddr)
        {
            return SetVaddr(process, present, map);
        }

        if (present is not null)
        {
            return process.Refuse(
                Errno.EEXIST,
                Function,
                $"the mapping 0x{present.Iova:x}..0x{present.Last:x} is in the way"
            );
        }

        if (_mappings.Count >= _mappingLimit)
        {
            return process.Refuse(Errno.ENOSPC, Function, $"dma_entry_limit, {_mappings.Count}, is reached");
        }

        if (Profile.Type1ChecksIovaRanges && !IsPermitted(map.Iova, map.Iova + map.Size - 1))
        {
            return process.Refuse(
                Errno.EINVAL,
                "vfio_iommu_iova_dma_valid",
                $"0x{map.Iova:x}..0x{map.Iova + map.Size - 1:x} is not inside one permitted range"
            );
        }

        var mapping = new DmaMapping(
            map.Iova,
            map.Vaddr,
            map.Size,
            ((map.Flags & VfioFlags.MapRead) != 0 ? IommuProtection.Read : IommuProtection.None)
                | ((map.Flags & VfioFlags.MapWrite) != 0 ? IommuProtection.Write : IommuProtection.None),
            process
        );
        long error = Pin(process, mapping);
        error = error != 0 ? error : MapPinned(process, mapping);
        if (error != 0)
        {
            mapping.Unpin();
            return error;
        }

        _mappings.Add(mapping);
        return 0;
    }

    private static long SetVaddr(Process process, DmaMapping? mapping, VfioDmaMap map)
    {
        const string Function = "vfio_dma_do_map";
        if (mapping is null)
        {
            return process.Refuse(Errno.ENOENT, Function, "VADDR: there is no mapping");
        }

        if (!mapping.IsVaddrInvalid || mapping.Iova != map.Iova || mapping.LengthBytes != map.Size)
        {
            return process.Refuse(
                Errno.EINVAL,
                Function,
                "VADDR: the mapping's address was not taken away, or its range is another one"
            );
        }

        mapping.Vaddr = map.Vaddr;
        mapping.IsVaddrInvalid = false;
        return 0;
    }

    /// <summary>
    /// Pins the pages one by one, each counted against the caller's limit (vfio_pin_pages_remote). Registers of a device that
    /// the process has mapped take their place without being pinned or counted.
    /// </summary>
    private long Pin(Process process, DmaMapping mapping)
    {
        AddressSpace memory = process.Memory;
        bool forWriting = mapping.Protection.HasFlag(IommuProtection.Write);
        ulong limitPages = process.MemlockLimitBytes / PageBytes;
        for (ulong at = 0; at < mapping.LengthBytes; at += PageBytes)
        {
            ulong address = mapping.Vaddr + at;
            if (memory.Find(address) is { DeviceAddress: { } device } area)
            {
                if (!area.Protection.HasFlag(forWriting ? Protection.Write : Protection.Read))
                {
                    return CannotPin(process, address);
                }

                mapping.AddPage(device + (address - area.Start), isPinned: false);
                continue;
            }

            if (!memory.TryPin(address, forWriting, out ulong physical))
            {
                return CannotPin(process, address);
            }

            memory.LockedPages++;
            mapping.AddPage(physical, isPinned: true);
            if ((ulong)memory.LockedPages > limitPages && !process.Has(Capabilities.IpcLock))
            {
                core.Kernel.Log.Print(
                    LogLevel.Warning,
                    $"{Profile.Type1PinFunction}: RLIMIT_MEMLOCK ({limitPages * PageBytes}) exceeded"
                );
                return process.Refuse(
                    Errno.ENOMEM,
                    Profile.Type1PinFunction,
                    $"more than the {limitPages * PageBytes} bytes of RLIMIT_MEMLOCK would be locked"
                );
            }
        }

        return 0;
    }

    private static long CannotPin(Process process, ulong address) =>
        process.Refuse(
            Errno.EFAULT,
            "vaddr_get_pfns",
            $"0x{address:x} is not mapped in the process, or not with the access that the device asks for"
        );

    /// <summary>vfio_iommu_map for each run of each domain; on failure nothing stays mapped.</summary>
    private long MapPinned(Process process, DmaMapping mapping)
    {
        foreach (PhysicalRun run in mapping.Runs)
        {
            foreach (Domain domain in _domains)
            {
                long error = MapRun(domain, mapping, run);
                if (error == 0)
                {
                    continue;
                }

                UnmapRuns(mapping, run, domain);
                return process.Refuse(
                    (Errno)(-error),
                    "iommu_map",
                    $"the page tables do not take 0x{mapping.Iova + run.Offset:x} -> 0x{run.Physical:x}"
                );
            }
        }

        return 0;
    }

    /// <summary>Unmaps what was mapped before a run failed in a domain: the earlier runs, and this run in the earlier domains.</summary>
    private void UnmapRuns(DmaMapping mapping, in PhysicalRun failed, Domain inDomain)
    {
        bool isBefore = true;
        foreach (Domain domain in _domains)
        {
            isBefore &= domain != inDomain;
            ulong length = failed.Offset + (isBefore ? failed.LengthBytes : 0);
            if (length > 0)
            {
                domain.Iommu.Unmap(mapping.Iova, length);
            }
        }
    }

    private long UnmapDma(Process process, ulong argument)
    {
        const string Function = "vfio_iommu_type1_unmap_dma";
        if (UserStruct.Take(process, argument, Function, 24, out VfioDmaUnmap unmap) is { } refused)
        {
            return refused;
        }

        if ((unmap.Flags & ~Profile.Type1UnmapFlags) != 0)
        {
            return process.Refuse(Errno.EINVAL, Function, $"flags 0x{unmap.Flags:x} hold unknown bits");
        }

        bool wantsDirty = (unmap.Flags & VfioFlags.UnmapGetDirtyBitmap) != 0;
        VfioBitmap bitmap = default;
        if (wantsDirty)
        {
            if ((unmap.Flags & (VfioFlags.UnmapAll | VfioFlags.UnmapVaddr)) != 0)
            {
                return process.Refuse(Errno.EINVAL, Function, "GET_DIRTY_BITMAP together with ALL or VADDR");
            }

            if (unmap.ArgumentBytes < 48)
            {
                return UserStruct.TooSmall(process, Function, unmap.ArgumentBytes, 48);
            }

            if (!UserStruct.TryRead(process, argument + 24, out bitmap))
            {
                return UserStruct.CannotRead(process, Function);
            }

            long error = CheckBitmap(process, unmap.Size, bitmap);
            if (error != 0)
            {
                return error;
            }
        }

        long result = Unmap(process, ref unmap, wantsDirty, bitmap);
        if (result != 0)
        {
            return result;
        }

        return UserStruct.TryWrite(process, argument, unmap) ? 0 : UserStruct.CannotWrite(process, Function);
    }

    /// <summary>vfio_dma_do_unmap.</summary>
    private long Unmap(Process process, ref VfioDmaUnmap unmap, bool wantsDirty, VfioBitmap bitmap)
    {
        const string Function = "vfio_dma_do_unmap";
        bool isAll = (unmap.Flags & VfioFlags.UnmapAll) != 0;
        ulong mask = SmallestPage - 1;
        if ((unmap.Iova & mask) != 0)
        {
            return process.Refuse(Errno.EINVAL, Function, $"iova 0x{unmap.Iova:x} is no multiple of 0x{mask + 1:x}");
        }

        if (isAll ? (unmap.Iova | unmap.Size) != 0 : unmap.Size == 0 || (unmap.Size & mask) != 0)
        {
            return process.Refuse(
                Errno.EINVAL,
                Function,
                isAll ? "ALL with an iova or a size" : $"size 0x{unmap.Size:x} is 0 or no multiple of 0x{mask + 1:x}"
            );
        }

        ulong last = isAll ? ulong.MaxValue : unmap.Iova + unmap.Size - 1;
        if (last < unmap.Iova)
        {
            return process.Refuse(WrapErrno, Function, "the range wraps around the end of the address space");
        }

        if (wantsDirty && (bitmap.PageBytes != SmallestPage || !_tracksDirtyPages))
        {
            return process.Refuse(Errno.EINVAL, Function, "dirty tracking is off, or pgsize is not the smallest page");
        }

        if (_isV2 && !isAll && Bisects(unmap.Iova, last))
        {
            return process.Refuse(Errno.EINVAL, Function, "type1v2: the range begins or ends inside a mapping");
        }

        if ((unmap.Flags & VfioFlags.UnmapVaddr) != 0)
        {
            return InvalidateVaddr(process, ref unmap, last);
        }

        long error = wantsDirty ? WriteDirty(process, unmap.Iova, last, bitmap) : 0;
        if (error != 0)
        {
            return error;
        }

        ulong removed = 0;
        foreach (DmaMapping mapping in _mappings.Within(unmap.Iova, last).ToList())
        {
            // Type1 v1: a range that begins inside a mapping unmaps nothing (the historical behaviour the code keeps).
            if (!_isV2 && unmap.Iova > mapping.Iova)
            {
                break;
            }

            removed += mapping.LengthBytes;
            Remove(mapping);
            _mappings.Remove(mapping);
        }

        unmap.Size = removed;
        return 0;
    }

    private bool Bisects(ulong iova, ulong last) =>
        (_mappings.Find(iova) is { } head && head.Iova != iova)
        || (_mappings.Find(last) is { } tail && tail.Last != last);

    private long InvalidateVaddr(Process process, ref VfioDmaUnmap unmap, ulong last)
    {
        List<DmaMapping> meant = [.. _mappings.Within(unmap.Iova, last)];
        if (meant.Exists(mapping => mapping.IsVaddrInvalid))
        {
            return process.Refuse(Errno.EINVAL, "vfio_dma_do_unmap", "VADDR: the address was taken away before");
        }

        unmap.Size = 0;
        foreach (DmaMapping mapping in meant)
        {
            mapping.IsVaddrInvalid = true;
            unmap.Size += mapping.LengthBytes;
        }

        return 0;
    }
}
