using System.Globalization;

namespace Emulator.KernelShim;

/// <summary>
/// shpchp, the driver of conventional bridges with a hot-plug controller (drivers/pci/hotplug/shpchp_core.c). The
/// controller's own registers are not modelled: the driver takes the bridge, switches it on and goes no further.
/// </summary>
internal sealed class ShpcDriver(Kernel kernel) : PciDriver
{
    private static readonly PciDeviceId[] Table = [new(null, null, Class: 0x0604_00, ClassMask: uint.MaxValue)];

    public override string Name => "shpchp";

    public override string? Module => "shpchp";

    public override IReadOnlyList<PciDeviceId> Ids => Table;

    public override bool ManagesDma => true;

    public override long Probe(PciDevice device)
    {
        if (device.FindCapability(PciCapabilityId.HotPlug) == 0)
        {
            return -(long)Errno.ENODEV;
        }

        kernel.Pci.Info(
            device,
            string.Create(
                CultureInfo.InvariantCulture,
                $"HPC vendor_id {device.VendorId:x} device_id {device.DeviceId:x} ss_vid {device.SubsystemVendorId:x} ss_did {device.SubsystemId:x}"
            )
        );
        ReadRegisters(device);
        long error = kernel.Pci.Enable(device);
        if (error != 0)
        {
            return error;
        }

        if (kernel.Pci.Messages.TryEnable(device, 1, out _))
        {
            kernel.Pci.SetMaster(device);
        }

        return 0;
    }

    /// <summary>shpc_init reads the controller's registers through the capability: a number, then the word.</summary>
    private static void ReadRegisters(PciDevice device)
    {
        const int slotConfiguration = 3;
        const int registersBeforeSlots = 9;
        int slots = (int)ReadIndirect(device, slotConfiguration) & 0x1F;
        for (int register = 0; register < registersBeforeSlots + slots; register++)
        {
            ReadIndirect(device, register);
        }
    }

    private static uint ReadIndirect(PciDevice device, int register)
    {
        int at = device.FindCapability(PciCapabilityId.HotPlug);
        device.WriteByte(at + 2, (byte)register);
        return device.ReadDword(at + 4);
    }

    public override void Remove(PciDevice device)
    {
        kernel.Pci.Messages.Disable(device);
        kernel.Pci.Disable(device);
    }
}
