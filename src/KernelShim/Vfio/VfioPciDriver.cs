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
