namespace Emulator.KernelShim;

/// <summary>Pins the memory behind a mapping of iommufd, counted against the caller's limit (pfn_reader_user_pin, update_mm_locked_vm).</summary>
internal static class MappingPins
{
    private const ulong PageBytes = PageAllocator.PageBytes;

    /// <summary>0; EFAULT where memory is missing or read-only, ENOMEM beyond RLIMIT_MEMLOCK.</summary>
    public static long Pin(Process process, DmaMapping mapping)
    {
        AddressSpace memory = mapping.Memory;
        bool forWriting = mapping.Protection.HasFlag(IommuProtection.Write);
        ulong limitPages = process.MemlockLimitBytes / PageBytes;
        ulong first = mapping.Vaddr & ~(PageBytes - 1);
        ulong last = mapping.Vaddr + mapping.LengthBytes - 1;
        for (ulong at = first; at <= last; at += PageBytes)
        {
            if (!memory.TryPin(at, forWriting, out ulong physical))
            {
                mapping.Unpin();
                return process.Refuse(
                    Errno.EFAULT,
                    "pfn_reader_user_pin",
                    $"0x{at:x} is not mapped in the process, or not with the access that the device asks for"
                );
            }

            memory.LockedPages++;
            mapping.AddPage(physical, isPinned: true);
            if ((ulong)memory.LockedPages > limitPages && !process.Has(Capabilities.IpcLock))
            {
                mapping.Unpin();
                return process.Refuse(
                    Errno.ENOMEM,
                    "iopt_pages_update_pinned",
                    $"more than the {limitPages * PageBytes} bytes of RLIMIT_MEMLOCK would be locked"
                );
            }
        }

        return 0;
    }
}
