using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>
/// /dev/mem (drivers/char/mem.c) of a kernel without STRICT_DEVMEM, which arm came to have in 3.x as an option that is off
/// by default: RAM can be read, written and mapped, device registers mapped.
/// </summary>
internal sealed class PhysicalMemoryFile : OpenFile
{
    /// <summary>Physical addresses have 40 bits with LPAE (PHYS_MASK).</summary>
    private const ulong PhysicalEnd = 1UL << 40;

    private const int MaximumBytes = 64 << 10;

    public override string Description => "/dev/mem";

    /// <inheritdoc/>
    public override bool HasUnsignedOffsets => true;

    public static OpenResult Open(Process process, OpenFlags flags) =>
        process.Has(Capabilities.SysRawIo)
            ? new PhysicalMemoryFile { Flags = flags }
            : OpenResult.Refused(process.Refuse(Errno.EPERM, "open_port", "/dev/mem needs CAP_SYS_RAWIO"));

    public override Attempt Read(Process process, ulong buffer, long count, long position)
    {
        byte[] bytes = new byte[Math.Min(count, MaximumBytes)];
        if (
            !IsRam(process, position, bytes.Length)
            || process.Kernel.Board.Cpu.Load((ulong)position, bytes) != BusStatus.Okay
        )
        {
            return process.Refuse(Errno.EFAULT, "read_mem", "the range is not RAM (valid_phys_addr_range)");
        }

        return process.Memory.TryWrite(buffer, bytes)
            ? bytes.Length
            : process.Refuse(Errno.EFAULT, "read_mem", "the buffer is not in the process's memory");
    }

    public override Attempt Write(Process process, ulong buffer, long count, long position)
    {
        byte[] bytes = new byte[Math.Min(count, MaximumBytes)];
        if (!IsRam(process, position, bytes.Length))
        {
            return process.Refuse(Errno.EFAULT, "write_mem", "the range is not RAM (valid_phys_addr_range)");
        }

        if (!process.Memory.TryRead(buffer, bytes))
        {
            return process.Refuse(Errno.EFAULT, "write_mem", "the buffer is not in the process's memory");
        }

        return process.Kernel.Board.Cpu.Store((ulong)position, bytes) == BusStatus.Okay
            ? bytes.Length
            : process.Refuse(Errno.EFAULT, "write_mem", "the bus answers with an error");
    }

    public override long Mmap(Process process, VmArea area, ulong offset, ulong lengthBytes)
    {
        if (offset >= PhysicalEnd || lengthBytes > PhysicalEnd - offset)
        {
            return process.Refuse(Errno.EINVAL, "mmap_mem", "there are no such physical addresses");
        }

        area.DeviceAddress = offset;
        return 0;
    }

    private static bool IsRam(Process process, long position, int length) =>
        process.Kernel.Board.Memory.Any(region =>
            (ulong)position >= region.Start
            && (ulong)position <= region.Last
            && (ulong)length <= region.Last - (ulong)position + 1
        );
}
