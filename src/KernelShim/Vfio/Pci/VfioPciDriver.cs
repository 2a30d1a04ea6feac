using System.Globalization;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>
/// vfio-pci (drivers/vfio/pci/vfio_pci.c): it takes any function that driver_override gives it, and those that new_id names.
/// </summary>
internal sealed class VfioPciDriver(Kernel kernel, VfioPciModule module) : PciDriver
{
    private const uint Intel = 0x8086;

    /// <summary>Functions that let a program escape or hang the machine (vfio_pci_dev_in_denylist): QAT and DSA of Intel.</summary>
    private static readonly uint[] Denylist = [0x0435, 0x0443, 0x0B25, 0x0CFE, 0x19E2, 0x19E3, 0x37C8, 0x37C9];

    private static readonly PciDeviceId[] Table = [new(null, null, OverrideOnly: true)];

    public override string Name => "vfio-pci";

    public override string? Module => "vfio_pci";

    public override IReadOnlyList<PciDeviceId> Ids => Table;

    public override bool ManagesDma => true;

    public override Func<PciDevice, int, long>? ConfigureSriov => Configure;

    /// <summary>vfio_pci_probe, vfio_pci_core_register_device, vfio_register_group_dev.</summary>
    public override long Probe(PciDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (IsDenied(device) || device.HeaderType != 0)
        {
            return -(long)Errno.EINVAL;
        }

        if (device.Sriov is { Functions.Count: > 0 })
        {
            kernel.Pci.Warn(device, "Cannot bind to PF with SR-IOV enabled");
            return -(long)Errno.EBUSY;
        }

        long refused = kernel.Vfio!.SetGroup(device);
        if (refused != 0)
        {
            return refused;
        }

        var vfio = new VfioPciDevice(kernel.Vfio, module, device);
        vfio.Power.TrySet(VfioPciPower.D0);
        device.DriverData = vfio;
        kernel.Vfio.Register(vfio);
        vfio.Power.StartIdling(!module.DisablesIdleD3);
        return 0;
    }

    /// <summary>vfio_unregister_group_dev: an unbind waits until programs, who are asked, have closed the function.</summary>
    public override WaitQueue? PrepareRemoval(Device device)
    {
        if (device is PciDevice { Sriov: { } sriov } && PciSriovFiles.FindUsers(sriov) is { } users)
        {
            return users;
        }

        if (device?.DriverData is not VfioPciDevice { OpenCount: > 0 } vfio)
        {
            return null;
        }

        vfio.AskForRelease();
        return vfio.Released;
    }

    /// <summary>vfio_pci_core_unregister_device: virtual functions go with it.</summary>
    public override void Remove(PciDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (device.DriverData is not VfioPciDevice vfio)
        {
            return;
        }

        if (device.Sriov is { Functions.Count: > 0 } sriov)
        {
            sriov.Disable();
        }

        vfio.Power.StopIdling();
        vfio.Disconnect();
        kernel.Vfio!.Unregister(vfio);
        device.DriverData = null;
    }

    /// <summary>
    /// vfio_pci_bus_notifier: a virtual function of ours gets driver_override before any driver is offered it, so that the host
    /// does not use what the physical function's program can change.
    /// </summary>
    internal override void Capture(PciDevice physical, PciDevice function)
    {
        kernel.Pci.Info(physical, $"Captured SR-IOV VF {function.Name} driver_override");
        function.DriverOverride = Name;
    }

    private bool IsDenied(PciDevice device)
    {
        if (device.VendorId != Intel || !Denylist.Contains(device.DeviceId))
        {
            return false;
        }

        string id = string.Create(CultureInfo.InvariantCulture, $"{device.VendorId:x4}:{device.DeviceId:x4}");
        kernel.Pci.Warn(
            device,
            module.DisablesDenylist
                ? $"device denylist disabled - allowing device {id}."
                : $"{id} exists in vfio-pci device denylist, driver probing disallowed."
        );
        return !module.DisablesDenylist;
    }

    /// <summary>vfio_pci_sriov_configure: only where the administrator has allowed it.</summary>
    private long Configure(PciDevice device, int count)
    {
        if (!module.EnablesSriov)
        {
            return -(long)Errno.ENOENT;
        }

        // The physical function must not sleep while it has virtual ones.
        VfioPciPower power = ((VfioPciDevice)device.DriverData!).Power;
        if (count == 0)
        {
            device.Sriov!.Disable();
            power.Suspend();
            return 0;
        }

        power.Resume();
        power.TrySet(VfioPciPower.D0);
        long error = device.Sriov!.Enable(count);
        if (error == 0)
        {
            return count;
        }

        power.Suspend();
        return error;
    }
}
