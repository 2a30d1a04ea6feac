using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>mmap(2) flags.</summary>
[Flags]
public enum MapFlags
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>MAP_SHARED.</summary>
    Shared = 1,

    /// <summary>MAP_PRIVATE.</summary>
    Private = 2,

    /// <summary>MAP_FIXED.</summary>
    Fixed = 0x10,

    /// <summary>MAP_ANONYMOUS.</summary>
    Anonymous = 0x20,

    /// <summary>MAP_LOCKED.</summary>
    Locked = 0x2000,
}

/// <content>Calls on memory: mmap, munmap, mprotect (mm/mmap.c).</content>
public sealed partial class Syscalls
{
    private const ulong PageMask = PageAllocator.PageBytes - 1;

    private const string TooManyMappings = "the process has as many mappings as it may (vm.max_map_count)";

    /// <summary>No process maps more than this, so that a wrong length cannot exhaust the host.</summary>
    private const ulong MaximumMapping = 1UL << 30;

    private Attempt MmapCore(
        Process process,
        ulong address,
        ulong length,
        Protection protection,
        MapFlags flags,
        int descriptor,
        ulong offset
    )
    {
        Enter(process, "mmap");
        if ((offset & PageMask) != 0)
        {
            return process.Refuse(Errno.EINVAL, "sys_mmap", "the offset is no multiple of the page size");
        }

        OpenFile? file = flags.HasFlag(MapFlags.Anonymous) ? null : process.FindFile(descriptor);
        if (file is null && !flags.HasFlag(MapFlags.Anonymous))
        {
            return BadDescriptor(process, descriptor);
        }

        ulong rounded = (length + PageMask) & ~PageMask;
        long start = FindPlace(process, address, length, rounded, flags);
        if (start < 0)
        {
            return start;
        }

        long error = CheckMapping(process, file, protection, flags);
        if (error != 0)
        {
            return error;
        }

        ulong end = (ulong)start + rounded;
        Unmap(process, (ulong)start, end);
        var area = new VmArea
        {
            Start = (ulong)start,
            End = end,
            Protection = protection,
            IsShared = flags.HasFlag(MapFlags.Shared),
            File = file,
            Name = file?.Description ?? "",
        };
        if (file is not null)
        {
            long result = file.Mmap(process, area, offset, rounded);
            if (result < 0)
            {
                return result;
            }

            file.Get();
        }

        process.Memory.Add(area);
        return start;
    }

    private Attempt MunmapCore(Process process, ulong address, ulong length)
    {
        Enter(process, "munmap");
        ulong rounded = (length + PageMask) & ~PageMask;
        bool isBeyond = address > AddressSpace.TaskSize || length > AddressSpace.TaskSize - address;
        if ((address & PageMask) != 0 || rounded == 0 || isBeyond)
        {
            return process.Refuse(
                Errno.EINVAL,
                "do_munmap",
                "the address is not page-aligned, the length is 0, or the range leaves the address space"
            );
        }

        ulong end = address + rounded;
        bool isHole = process.Memory.Find(address) is { } area && area.Start < address && area.End > end;
        if (isHole && process.Memory.Areas.Count >= AddressSpace.MaximumAreas)
        {
            return process.Refuse(Errno.ENOMEM, "do_munmap", TooManyMappings);
        }

        Unmap(process, address, end);
        return 0;
    }

    private Attempt MprotectCore(Process process, ulong address, ulong length, Protection protection)
    {
        Enter(process, "mprotect");
        if ((address & PageMask) != 0)
        {
            return process.Refuse(Errno.EINVAL, "sys_mprotect", "the address is not page-aligned");
        }

        ulong rounded = (length + PageMask) & ~PageMask;
        ulong end = address + rounded;
        if (length != 0 && end <= address)
        {
            return process.Refuse(Errno.ENOMEM, "sys_mprotect", "the range leaves the address space");
        }

        for (ulong at = address; at < end; )
        {
            if (process.Memory.Find(at) is not { } area)
            {
                return process.Refuse(Errno.ENOMEM, "sys_mprotect", "the range holds what is not mapped");
            }

            if (protection.HasFlag(Protection.Write) && area is { IsShared: true, File.IsWritable: false })
            {
                return process.Refuse(Errno.EACCES, "sys_mprotect", "the mapped file was not opened for writing");
            }

            if (process.Memory.Split(area, at, Math.Min(area.End, end)) is not { } part)
            {
                return process.Refuse(Errno.ENOMEM, "split_vma", TooManyMappings);
            }

            part.Protection = protection;
            at = part.End;
        }

        return 0;
    }

    /// <summary>do_mmap_pgoff up to get_unmapped_area: where the mapping goes, or a negative errno.</summary>
    private static long FindPlace(Process process, ulong address, ulong length, ulong rounded, MapFlags flags)
    {
        const string Function = "get_unmapped_area";
        if (length == 0)
        {
            return process.Refuse(Errno.EINVAL, "do_mmap_pgoff", "the length is 0");
        }

        if (rounded < length || rounded > MaximumMapping)
        {
            return process.Refuse(Errno.ENOMEM, Function, "the length is larger than the address space has room for");
        }

        if (process.Memory.Areas.Count >= AddressSpace.MaximumAreas)
        {
            return process.Refuse(Errno.ENOMEM, "do_mmap_pgoff", TooManyMappings);
        }

        if (!flags.HasFlag(MapFlags.Fixed))
        {
            return process.Memory.FindFree(rounded) is { } free
                ? (long)free
                : process.Refuse(Errno.ENOMEM, Function, "there is no free range of this length");
        }

        return address > AddressSpace.TaskSize - rounded
                ? process.Refuse(Errno.ENOMEM, Function, "the range leaves the address space")
            : (address & PageMask) != 0
                ? process.Refuse(Errno.EINVAL, Function, "MAP_FIXED needs a page-aligned address")
            : (long)address;
    }

    /// <summary>The rest of do_mmap_pgoff: the kind of mapping, and what the file was opened for.</summary>
    private static long CheckMapping(Process process, OpenFile? file, Protection protection, MapFlags flags)
    {
        const string Function = "do_mmap_pgoff";
        bool isShared = flags.HasFlag(MapFlags.Shared);
        return isShared == flags.HasFlag(MapFlags.Private)
                ? process.Refuse(Errno.EINVAL, Function, "not exactly one of MAP_SHARED and MAP_PRIVATE is given")
            : file is null ? 0
            : !file.IsReadable || (isShared && protection.HasFlag(Protection.Write) && !file.IsWritable)
                ? process.Refuse(Errno.EACCES, Function, "the file was not opened for this access")
            : 0;
    }

    private static void Unmap(Process process, ulong start, ulong end)
    {
        foreach (VmArea gone in process.Memory.Remove(start, end))
        {
            bool isWhole = gone.Start >= start && gone.End <= end;
            if (isWhole)
            {
                gone.File?.Put(process);
            }
            else if (gone.Start < start && gone.End > end)
            {
                gone.File?.Get();
            }
        }
    }
}
