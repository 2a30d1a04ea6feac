namespace Emulator.KernelShim;

/// <summary>An entry of a driver's table of devices (struct pci_device_id).</summary>
/// <param name="Vendor">The vendor; null for any.</param>
/// <param name="Device">The device; null for any.</param>
/// <param name="SubsystemVendor">The subsystem's vendor; null for any.</param>
/// <param name="SubsystemDevice">The subsystem's device; null for any.</param>
/// <param name="Class">The class.</param>
/// <param name="ClassMask">Which bits of the class count.</param>
/// <param name="DriverData">A number for the driver.</param>
/// <param name="OverrideOnly">Whether it counts only while driver_override names the driver.</param>
public sealed record PciDeviceId(
    uint? Vendor,
    uint? Device,
    uint? SubsystemVendor = null,
    uint? SubsystemDevice = null,
    uint Class = 0,
    uint ClassMask = 0,
    ulong DriverData = 0,
    bool OverrideOnly = false
)
{
    /// <summary>pci_match_one_device.</summary>
    public bool Matches(uint vendor, uint device, uint subsystemVendor, uint subsystemDevice, uint deviceClass) =>
        (Vendor is null || Vendor == vendor)
        && (Device is null || Device == device)
        && (SubsystemVendor is null || SubsystemVendor == subsystemVendor)
        && (SubsystemDevice is null || SubsystemDevice == subsystemDevice)
        && ((Class ^ deviceClass) & ClassMask) == 0;

    internal bool Matches(PciDevice device) =>
        Matches(device.VendorId, device.DeviceId, device.SubsystemVendorId, device.SubsystemId, device.Class);
}

/// <summary>A driver of PCI functions (struct pci_driver).</summary>
public abstract class PciDriver : Driver
{
    /// <inheritdoc/>
    public sealed override string BusName => "pci";

    /// <summary>Its table.</summary>
    public abstract IReadOnlyList<PciDeviceId> Ids { get; }

    /// <summary>What user space added by new_id, in order.</summary>
    public IList<PciDeviceId> DynamicIds { get; } = [];

    /// <summary>Turns virtual functions on and off (sriov_configure); null when the driver does not.</summary>
    /// <remarks>The first argument is the function, the second how many; the answer is that number or a negative errno.</remarks>
    public virtual Func<PciDevice, int, long>? ConfigureSriov => null;

    /// <summary>pci_match_device without driver_override.</summary>
    public sealed override bool Matches(Device device) =>
        device is PciDevice function
        && (DynamicIds.Any(id => id.Matches(function)) || Ids.Any(id => !id.OverrideOnly && id.Matches(function)));

    /// <inheritdoc/>
    public sealed override long Probe(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return Probe((PciDevice)device);
    }

    /// <inheritdoc/>
    public sealed override void Remove(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        Remove((PciDevice)device);
    }

    /// <summary>Takes a function: 0, or a negative errno.</summary>
    public abstract long Probe(PciDevice device);

    /// <summary>Gives a function up.</summary>
    public abstract void Remove(PciDevice device);

    /// <summary>A virtual function of one of its functions has appeared; no driver has been offered it yet.</summary>
    internal virtual void Capture(PciDevice physical, PciDevice function) { }
}
