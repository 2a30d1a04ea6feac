using System.Globalization;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>virtio-mmio (drivers/virtio/virtio_mmio.c): takes transports that have a device behind them; none of ours has.</summary>
internal sealed class VirtioMmioDriver(Kernel kernel) : Driver
{
    private const ulong Magic = 0x000;
    private const ulong Version = 0x004;
    private const ulong DeviceId = 0x008;
    private const uint ExpectedMagic = 0x7472_6976;

    public override string Name => "virtio-mmio";

    public override string BusName => "platform";

    public override string? Module => "virtio_mmio";

    public override bool Matches(Device device) => device.Compatible.Contains("virtio,mmio", StringComparer.Ordinal);

    /// <summary>virtio_mmio_probe: a device ID of 0 is a placeholder and no error.</summary>
    public override long Probe(Device device)
    {
        if (device.Resources.Count == 0)
        {
            kernel.Log.Print(LogLevel.Error, device.LogPrefix + kernel.Profile.InvalidResourceText);
            return -(long)Errno.EINVAL;
        }

        uint magic = Read(device, Magic);
        if (magic != ExpectedMagic)
        {
            Log(device, LogLevel.Warning, $"Wrong magic value 0x{magic:x8}!");
            return -(long)Errno.ENODEV;
        }

        uint version = Read(device, Version);
        if (version is < 1 or > 2)
        {
            Log(device, LogLevel.Error, $"Version {version} not supported!");
            return -(long)Errno.ENXIO;
        }

        if (Read(device, DeviceId) is var id and not 0)
        {
            Log(device, LogLevel.Info, $"device {id} is of a kind that this kernel has no driver for");
        }

        return -(long)Errno.ENODEV;
    }

    public override void Remove(Device device) { }

    private uint Read(Device device, ulong register)
    {
        return kernel.Board.Cpu.Load(device.Resources[0].Start + register, 4, out ulong value) == BusStatus.Okay
            ? (uint)value
            : 0;
    }

    private void Log(Device device, LogLevel level, FormattableString text) =>
        kernel.Log.Print(level, device.LogPrefix + text.ToString(CultureInfo.InvariantCulture));
}
