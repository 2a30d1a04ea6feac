using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>vfio-pci (drivers/vfio/pci/vfio_pci.c): takes functions that driver_override or new_id give it.</summary>
internal sealed class VfioPciDriver(Kernel kernel) : PciDriver
{
    private static readonly PciDeviceId[] Table = [new(null, null, OverrideOnly: true)];

    public override string Name => "vfio-pci";

    public override string? Module => "vfio_pci";

    public override IReadOnlyList<PciDeviceId> Ids => Table;

    public override bool ManagesDma => true;

    public override long Probe(PciDevice device)
    {
        if (device.IsBridge)
        {
            return -(long)Errno.EINVAL;
        }

        long error = kernel.Vfio!.SetGroup(device);
        if (error != 0)
        {
            return error;
        }

        var vfio = new VfioPciDevice(kernel.Vfio, device);
        device.DriverData = vfio;
        kernel.Vfio.Register(vfio);
        return 0;
    }

    public override void Remove(PciDevice device)
    {
        if (device.DriverData is VfioPciDevice vfio)
        {
            vfio.Disconnect();
            kernel.Vfio!.Unregister(vfio);
            device.DriverData = null;
        }
    }

    public override WaitQueue? PrepareRemoval(Device device)
    {
        if (device?.DriverData is not VfioPciDevice { OpenCount: > 0 } vfio)
        {
            return null;
        }

        vfio.Request();
        return vfio.Released;
    }
}

/// <summary>
/// A function in the hands of programs, no more of it than opening, information, reading, writing and the request to let it go:
/// the rest of vfio-pci is refused.
/// </summary>
internal sealed class VfioPciDevice(VfioCore core, PciDevice device) : VfioDevice(core, device)
{
    private const ulong ConfigurationRegion = 7;

    private bool _wasAsked;
    private EventFile? _request;

    private CpuPort Cpu => Core.Kernel.Board.Cpu;

    public void Request()
    {
        if (_wasAsked)
        {
            return;
        }

        _wasAsked = true;
        if (_request is { } file)
        {
            Core.Kernel.Log.Print(LogLevel.Notice, $"{device.LogPrefix}Relaying device request to user (#0)");
            file.Signal();
        }
        else
        {
            Core.Kernel.Log.Print(
                LogLevel.Warning,
                $"{device.LogPrefix}No device request channel registered, blocked until released by user"
            );
        }
    }

    internal override long Ioctl(Process process, uint command, ulong argument)
    {
        switch (command)
        {
            case VfioIoctl.DeviceGetInfo:
                if (
                    UserStruct.Take(process, argument, "vfio_pci_ioctl_get_info", 16, out VfioDeviceInfo info) is
                    { } bad
                )
                {
                    return bad;
                }

                info.Flags = (PciReset.MethodsOf(device).Count > 0 ? 1u : 0) | 2;
                info.RegionCount = 9;
                info.IrqCount = 5;
                return UserStruct.TryWrite(process, argument, info) ? 0 : UserStruct.CannotWrite(process, "x");
            case VfioIoctl.DeviceSetIrqs:
                Span<byte> bytes = stackalloc byte[24];
                process.Memory.TryRead(argument, bytes);
                if (BitConverter.ToInt32(bytes[8..]) == 4)
                {
                    _request = process.FindFile(BitConverter.ToInt32(bytes[20..])) as EventFile;
                    return 0;
                }

                return process.Refuse(Errno.EINVAL, "vfio_pci_ioctl_set_irqs", "not yet");
            default:
                return process.Refuse(Errno.ENOTTY, "vfio_pci_core_ioctl", "not yet");
        }
    }

    internal override long Read(Process process, ulong buffer, long count, ulong position)
    {
        if (Refusal(process, ref count, position) is { } refused)
        {
            return refused;
        }

        if (position >> 40 == ConfigurationRegion)
        {
            int at = (int)(position & 0xFFF);
            byte[] bytes = new byte[count];
            for (int n = 0; n < count; n++)
            {
                bytes[n] = device.ReadByte(at + n);
            }

            process.Memory.TryWrite(buffer, bytes);
            return count;
        }

        byte[] data = new byte[count];
        Cpu.Load(device.Regions[(int)(position >> 40)].Start + (position & 0xFF_FFFF), data);
        process.Memory.TryWrite(buffer, data);
        return count;
    }

    internal override long Write(Process process, ulong buffer, long count, ulong position)
    {
        if (Refusal(process, ref count, position) is { } refused)
        {
            return refused;
        }

        byte[] data = new byte[count];
        process.Memory.TryRead(buffer, data);
        if (position >> 40 == ConfigurationRegion)
        {
            for (int n = 0; n < count; n++)
            {
                device.WriteByte((int)(position & 0xFFF) + n, data[n]);
            }

            return count;
        }

        Cpu.Store(device.Regions[(int)(position >> 40)].Start + (position & 0xFF_FFFF), data);
        return count;
    }

    /// <summary>vfio_pci_core_rw: only BARs of memory and configuration space are reached so far.</summary>
    private long? Refusal(Process process, ref long count, ulong position)
    {
        ulong region = position >> 40;
        ulong offset = position & ((1UL << 40) - 1);
        ulong size =
            region == ConfigurationRegion ? (ulong)device.ConfigurationBytes
            : region < ConfigurationRegion - 1 && device.Regions[region] is { IsMemory: true, Parent: not null } bar
                ? bar.Size
            : 0;
        if (offset >= size)
        {
            return process.Refuse(
                Errno.EINVAL,
                "vfio_pci_core_rw",
                $"there is nothing at 0x{offset:x} of region {region}"
            );
        }

        count = (long)Math.Min((ulong)count, size - offset);
        return null;
    }

    internal override long Mmap(Process process, VmArea area, ulong offset, ulong lengthBytes) =>
        process.Refuse(Errno.EINVAL, "vfio_pci_core_mmap", "not yet");

    private protected override long Enable(Process process)
    {
        _wasAsked = false;
        return Core.Kernel.Pci.Enable(device);
    }

    private protected override void Disable()
    {
        _request = null;
        Core.Kernel.Pci.Disable(device);
    }
}
