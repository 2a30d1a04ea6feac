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
        ulong rounded = (length + PageMask) & ~PageMask;
        bool isShared = flags.HasFlag(MapFlags.Shared);
        if (length == 0 || (offset & PageMask) != 0 || isShared == flags.HasFlag(MapFlags.Private))
        {
            return process.Refuse(
                Errno.EINVAL,
                "do_mmap",
                "the length is 0, the offset is no multiple of the page size, or not exactly one of MAP_SHARED and MAP_PRIVATE is given"
            );
        }

        if (rounded < length || rounded > MaximumMapping)
        {
            return process.Refuse(
                Errno.ENOMEM,
                "get_unmapped_area",
                "the length is larger than the address space has room for"
            );
        }

        ulong start;
        if (flags.HasFlag(MapFlags.Fixed))
        {
            if ((address & PageMask) != 0)
            {
                return process.Refuse(Errno.EINVAL, "get_unmapped_area", "MAP_FIXED needs a page-aligned address");
            }

            start = address;
        }
        else if (process.Memory.FindFree(rounded) is { } free)
        {
            start = free;
        }
        else
        {
            return process.Refuse(Errno.ENOMEM, "get_unmapped_area", "there is no free range of this length");
        }

        OpenFile? file = null;
        if (!flags.HasFlag(MapFlags.Anonymous))
        {
            file = process.FindFile(descriptor);
            if (file is null)
            {
                return BadDescriptor(process, descriptor);
            }

            if (!file.IsReadable || (isShared && protection.HasFlag(Protection.Write) && !file.IsWritable))
            {
                return process.Refuse(Errno.EACCES, "do_mmap", "the file was not opened for this access");
            }
        }

        var area = new VmArea
        {
            Start = start,
            End = start + rounded,
            Protection = protection,
            IsShared = isShared,
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

        Unmap(process, start, start + rounded);
        process.Memory.Add(area);
        return (long)start;
    }

    private Attempt MunmapCore(Process process, ulong address, ulong length)
    {
        Enter(process, "munmap");
        ulong rounded = (length + PageMask) & ~PageMask;
        if ((address & PageMask) != 0 || rounded == 0 || address + rounded < address)
        {
            return process.Refuse(Errno.EINVAL, "do_vmi_munmap", "the address is not page-aligned, or the length is 0");
        }

        Unmap(process, address, address + rounded);
        return 0;
    }

    private Attempt MprotectCore(Process process, ulong address, ulong length, Protection protection)
    {
        Enter(process, "mprotect");
        ulong end = address + ((length + PageMask) & ~PageMask);
        if ((address & PageMask) != 0 || end < address)
        {
            return process.Refuse(Errno.EINVAL, "do_mprotect_pkey", "the address is not page-aligned");
        }

        for (ulong at = address; at < end; )
        {
            if (process.Memory.Find(at) is not { } area)
            {
                return process.Refuse(Errno.ENOMEM, "do_mprotect_pkey", "the range holds what is not mapped");
            }

            VmArea part = process.Memory.Split(area, Math.Max(area.Start, address), Math.Min(area.End, end));
            part.Protection = protection;
            at = part.End;
        }

        return 0;
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
