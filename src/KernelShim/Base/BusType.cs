using System.Diagnostics;
using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim;

/// <summary>
/// A bus of the driver core (struct bus_type): its devices, its drivers in order of registration, and what is special to it:
/// matching, attributes, uevent variables.
/// </summary>
[DebuggerDisplay("{Name,nq}: {Devices.Count} devices, {Drivers.Count} drivers")]
public class BusType(string name)
{
    /// <summary>Its name.</summary>
    public string Name { get; } = name;

    /// <summary>Its devices in order of addition.</summary>
    public IList<Device> Devices { get; } = [];

    /// <summary>Its drivers in order of registration.</summary>
    public IList<Driver> Drivers { get; } = [];

    /// <summary>drivers_autoprobe.</summary>
    public bool AutoProbe { get; set; } = true;

    /// <summary>Whether its devices have driver_override.</summary>
    public bool HasDriverOverride { get; init; }

    /// <summary>/sys/bus/NAME.</summary>
    public DirectoryInode? Directory { get; set; }

    /// <summary>
    /// A device by the name that user space wrote, or null: one final newline is ignored, nothing else is
    /// (bus_find_device_by_name, sysfs_streq).
    /// </summary>
    public Device? FindDevice(string name)
    {
        ReadOnlySpan<char> wanted = CString(name);
        if (wanted is [.., '\n'])
        {
            wanted = wanted[..^1];
        }

        foreach (Device device in Devices)
        {
            if (wanted.SequenceEqual(device.Name))
            {
                return device;
            }
        }

        return null;
    }

    /// <summary>A driver by its exact name, or null.</summary>
    public Driver? FindDriver(string name) =>
        Drivers.FirstOrDefault(driver => string.Equals(driver.Name, name, StringComparison.Ordinal));

    /// <summary>
    /// Whether a driver may have a device (the bus's match). While driver_override is set it alone decides, by exact
    /// comparison with the driver's name.
    /// </summary>
    public bool Match(Device device, Driver driver)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(driver);
        return device.DriverOverride is { } wanted
            ? string.Equals(wanted, driver.Name, StringComparison.Ordinal)
            : MatchTables(device, driver);
    }

    /// <summary>Matching by the driver's tables.</summary>
    protected virtual bool MatchTables(Device device, Driver driver) => driver.Matches(device);

    /// <summary>What the bus does before a driver's probe; a negative errno keeps the driver from the device.</summary>
    internal virtual long PrepareProbe(Device device) => 0;

    /// <summary>Adds the files that this bus gives its drivers.</summary>
    internal virtual void AddDriverFiles(Driver driver, DirectoryInode directory) { }

    /// <summary>Adds the attributes that this bus gives its devices.</summary>
    internal virtual void AddAttributes(Device device, DirectoryInode directory) { }

    /// <summary>The IOMMUs that stand before a device (of_iommu_configure).</summary>
    internal virtual IReadOnlyList<IommuSpecifier> IommuSpecifiers(Kernel kernel, Device device) =>
        IommuSpecifier.OfNode(kernel.Tree, device.Node);

    /// <summary>
    /// The group that a device has to be in for what stands between it and its IOMMU (pci_device_group); null for one of its
    /// own (generic_device_group).
    /// </summary>
    internal virtual IommuGroup? FindGroup(Kernel kernel, Device device) => null;

    /// <summary>
    /// Whether message interrupts of a device are isolated by the controller that takes them (msi_device_has_isolated_msi);
    /// a device without any has none that are.
    /// </summary>
    internal virtual bool HasIsolatedMessages(Kernel kernel, Device device) =>
        device.Node is { } node
        && kernel.Tree.ReadMsiParents(node) is [{ Node: { } controller }, ..]
        && SmmuDriver.IsIsolating(controller);

    /// <summary>The variables that this bus adds to a device's uevent.</summary>
    internal virtual IEnumerable<string> UeventVariables(Device device) => [];

    /// <summary>What C sees of a written text: everything before the first NUL.</summary>
    internal static ReadOnlySpan<char> CString(string text)
    {
        int end = text.IndexOf('\0', StringComparison.Ordinal);
        return end < 0 ? text : text.AsSpan(0, end);
    }
}
