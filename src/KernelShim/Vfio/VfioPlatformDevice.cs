using System.Buffers.Binary;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>
/// A platform or AMBA device in the hands of programs (drivers/vfio/platform/vfio_platform_common.c). Registers are reached by
/// loads and stores of the CPU; DMA is the device's own business, behind its IOMMU.
/// </summary>
/// <remarks>
/// There is no reset function for the devices of the shipped boards, so closing the last file frees the interrupts and leaves
/// the device as it is: a transfer that runs goes on until it ends or its IOMMU refuses an access, as on a real kernel.
/// </remarks>
internal sealed class VfioPlatformDevice : VfioDevice
{
    private const int OffsetShift = 40;
    private const ulong OffsetMask = (1UL << OffsetShift) - 1;
    private const uint PageMask = PageAllocator.PageBytes - 1;

    private readonly uint _flag;
    private readonly IReadOnlyList<DeviceResource> _regions;
    private readonly VfioPlatformIrq[] _irqs;

    public VfioPlatformDevice(
        VfioCore core,
        Device device,
        uint flag,
        IReadOnlyList<DeviceResource> regions,
        IReadOnlyList<int> interrupts,
        VfioReset? reset
    )
        : base(core, device)
    {
        ResetFunction = reset;
        _flag = flag;
        _regions = regions;
        _irqs = [.. interrupts.Select(number => new VfioPlatformIrq(core.Kernel, device.Name, number))];
    }

    /// <summary>What makes it quiet, or null.</summary>
    internal VfioReset? ResetFunction { get; }

    private CpuPort Cpu => Core.Kernel.Board.Cpu;

    internal override long Ioctl(Process process, uint command, ulong argument) =>
        command switch
        {
            VfioIoctl.DeviceGetInfo => GetInfo(process, argument),
            VfioIoctl.DeviceGetRegionInfo => GetRegionInfo(process, argument),
            VfioIoctl.DeviceGetIrqInfo => GetIrqInfo(process, argument),
            VfioIoctl.DeviceSetIrqs => VfioSetIrqs.Run(process, argument, _irqs),
            VfioIoctl.DeviceReset => Reset(process),
            _ => process.Refuse(Errno.ENOTTY, "vfio_platform_ioctl", $"0x{command:x} is no ioctl of a platform device"),
        };

    /// <summary>vfio_platform_read: 32 bits at a time where they fit, else 16, else 8.</summary>
    internal override long Read(Process process, ulong buffer, long count, ulong position)
    {
        const string Function = "vfio_platform_read";
        long error = Locate(process, Function, position, ref count, out ulong address);
        Span<byte> bytes = stackalloc byte[8];
        for (long done = 0; error == 0 && done < count; )
        {
            int size = Width(address, count - done);
            if (Cpu.Load(address, size, out ulong value) != BusStatus.Okay)
            {
                return KernelOops.ExternalAbort(process, Function, address, isWrite: false);
            }

            BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
            if (!process.Memory.TryWrite(buffer + (ulong)done, bytes[..size]))
            {
                return UserStruct.CannotWrite(process, "vfio_platform_read_mmio");
            }

            address += (ulong)size;
            done += size;
        }

        return error != 0 ? error : count;
    }

    /// <summary>vfio_platform_write.</summary>
    internal override long Write(Process process, ulong buffer, long count, ulong position)
    {
        const string Function = "vfio_platform_write";
        long error = Locate(process, Function, position, ref count, out ulong address);
        Span<byte> bytes = stackalloc byte[8];
        for (long done = 0; error == 0 && done < count; )
        {
            int size = Width(address, count - done);
            bytes.Clear();
            if (!process.Memory.TryRead(buffer + (ulong)done, bytes[..size]))
            {
                return UserStruct.CannotRead(process, "vfio_platform_write_mmio");
            }

            if (Cpu.Store(address, size, BinaryPrimitives.ReadUInt64LittleEndian(bytes)) != BusStatus.Okay)
            {
                return KernelOops.ExternalAbort(process, Function, address, isWrite: true);
            }

            address += (ulong)size;
            done += size;
        }

        return error != 0 ? error : count;
    }

    /// <summary>vfio_platform_mmap: shared mappings of whole pages of registers.</summary>
    internal override long Mmap(Process process, VmArea area, ulong offset, ulong lengthBytes)
    {
        ulong index = offset >> OffsetShift;
        ulong start = offset & OffsetMask;
        string? reason =
            !area.IsShared ? "registers are mapped MAP_SHARED"
            : index >= (ulong)_regions.Count ? $"there is no region {index}"
            : !CanMap(_regions[(int)index]) ? $"region {index} does not begin and end at pages"
            : start > _regions[(int)index].LengthBytes || lengthBytes > _regions[(int)index].LengthBytes - start
                ? $"it reaches beyond the 0x{_regions[(int)index].LengthBytes:x} bytes of region {index}"
            : null;
        if (reason is not null)
        {
            return process.Refuse(Errno.EINVAL, "vfio_platform_mmap", reason);
        }

        area.DeviceAddress = _regions[(int)index].Start + start;
        return 0;
    }

    /// <summary>vfio_platform_open_device for the first file.</summary>
    private protected override long Enable(Process process)
    {
        foreach (VfioPlatformIrq irq in _irqs)
        {
            irq.Open();
        }

        CallReset();
        return 0;
    }

    /// <summary>vfio_platform_close_device for the last file: interrupts are freed, eventfds forgotten.</summary>
    private protected override void Disable()
    {
        foreach (VfioPlatformIrq irq in _irqs)
        {
            irq.Close();
        }

        CallReset();
    }

    private static bool CanMap(DeviceResource region) =>
        region.LengthBytes >= PageAllocator.PageBytes && ((region.Start | region.LengthBytes) & PageMask) == 0;

    private static int Width(ulong address, long left) =>
        left >= 4 && address % 4 == 0 ? 4
        : left >= 2 && address % 2 == 0 ? 2
        : 1;

    /// <summary>Which registers an offset means. The count is cut at the end of the region.</summary>
    private long Locate(Process process, string function, ulong position, ref long count, out ulong address)
    {
        ulong index = position >> OffsetShift;
        ulong offset = position & OffsetMask;
        address = 0;
        if (index >= (ulong)_regions.Count)
        {
            return process.Refuse(Errno.EINVAL, function, $"there is no region {index}");
        }

        DeviceResource region = _regions[(int)index];
        if (offset >= region.LengthBytes)
        {
            return process.Refuse(Errno.EINVAL, function, $"offset 0x{offset:x} is beyond the end of region {index}");
        }

        count = (long)Math.Min((ulong)count, region.LengthBytes - offset);
        address = region.Start + offset;
        return 0;
    }

    private long GetInfo(Process process, ulong argument)
    {
        const string Function = "vfio_platform_ioctl";
        if (UserStruct.Take(process, argument, Function, 16, out VfioDeviceInfo info) is { } refused)
        {
            return refused;
        }

        info.Flags = _flag | (ResetFunction is null ? 0 : VfioFlags.DeviceReset);
        info.RegionCount = (uint)_regions.Count;
        info.IrqCount = (uint)_irqs.Length;
        return UserStruct.TryWrite(process, argument, info) ? 0 : UserStruct.CannotWrite(process, Function);
    }

    private long GetRegionInfo(Process process, ulong argument)
    {
        const string Function = "vfio_platform_ioctl";
        if (UserStruct.Take(process, argument, Function, 32, out VfioRegionInfo info) is { } refused)
        {
            return refused;
        }

        if (info.Index >= (uint)_regions.Count)
        {
            return process.Refuse(Errno.EINVAL, Function, $"there is no region {info.Index}");
        }

        DeviceResource region = _regions[(int)info.Index];
        info.Offset = (ulong)info.Index << OffsetShift;
        info.Size = region.LengthBytes;
        info.Flags = VfioFlags.RegionRead | VfioFlags.RegionWrite | (CanMap(region) ? VfioFlags.RegionMmap : 0);
        return UserStruct.TryWrite(process, argument, info) ? 0 : UserStruct.CannotWrite(process, Function);
    }

    private long GetIrqInfo(Process process, ulong argument)
    {
        const string Function = "vfio_platform_ioctl";
        if (UserStruct.Take(process, argument, Function, 16, out VfioIrqInfo info) is { } refused)
        {
            return refused;
        }

        if (info.Index >= (uint)_irqs.Length)
        {
            return process.Refuse(Errno.EINVAL, Function, $"there is no interrupt {info.Index}");
        }

        info.Flags = _irqs[info.Index].Flags;
        info.Count = 1;
        return UserStruct.TryWrite(process, argument, info) ? 0 : UserStruct.CannotWrite(process, Function);
    }

    private long Reset(Process process)
    {
        long error = CallReset();
        return error == 0
            ? 0
            : process.Refuse((Errno)(-error), "vfio_platform_call_reset", "there is no reset function for this device");
    }

    /// <summary>vfio_platform_call_reset; kernels before 4.2 know none and say nothing.</summary>
    private long CallReset()
    {
        if (ResetFunction is { } reset)
        {
            Print(LogLevel.Info, "reset");
            return reset.Reset(Device);
        }

        if (Core.Kernel.Profile.VfioPlatformHasResets)
        {
            Print(LogLevel.Warning, "no reset function found!");
        }

        return -(long)Errno.EINVAL;
    }

    private void Print(LogLevel level, string text) =>
        Core.Kernel.Log.Print(
            level,
            $"{(Core.Kernel.Profile.VfioLogsDevicePrefix ? Device.LogPrefix : "")}VFIO: {text}"
        );
}
