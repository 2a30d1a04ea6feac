using System.Diagnostics;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim;

/// <summary>A memory resource of a device (struct resource).</summary>
/// <param name="Start">The first physical address.</param>
/// <param name="LengthBytes">Its length.</param>
public readonly record struct DeviceResource(ulong Start, ulong LengthBytes)
{
    /// <summary>The last address.</summary>
    public ulong End => Start + LengthBytes - 1;
}

/// <summary>A device of the driver core (struct device).</summary>
[DebuggerDisplay("{Name,nq} on {Bus?.Name,nq}, driver {Driver?.Name ?? \"none\",nq}")]
public class Device
{
    private IReadOnlyList<int>? _interrupts;

    /// <summary>Its name: <c>2c0a0000.dma</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The bus it is on.</summary>
    public BusType? Bus { get; set; }

    /// <summary>The device it hangs below, or null.</summary>
    public Device? Parent { get; init; }

    /// <summary>Its node in the device tree, or null.</summary>
    public DeviceTreeNode? Node { get; init; }

    /// <summary>The directory of sysfs it lies in where that is not its parent's; null mostly.</summary>
    internal DirectoryInode? HomeDirectory { get; init; }

    /// <summary>The service of a PCI Express port that it is, or null.</summary>
    internal PciePortService? Service { get; init; }

    /// <summary>Its memory resources.</summary>
    public IReadOnlyList<DeviceResource> Resources { get; init; } = [];

    /// <summary>Its interrupts, as Linux numbers, in the order of the tree.</summary>
    public IReadOnlyList<int> Interrupts
    {
        get => _interrupts ??= FindInterrupts?.Invoke() ?? [];
        init => _interrupts = value;
    }

    /// <summary>Finds <see cref="Interrupts"/> when they are first asked for.</summary>
    public Func<IReadOnlyList<int>>? FindInterrupts { get; init; }

    /// <summary>The peripheral ID of an AMBA device.</summary>
    public uint PeripheralId { get; set; }

    /// <summary>Its directory in sysfs; set when it is added.</summary>
    public DirectoryInode? Directory { get; set; }

    /// <summary>The driver that has it, or null.</summary>
    public Driver? Driver { get; set; }

    /// <summary>driver_override, or null.</summary>
    public string? DriverOverride { get; set; }

    /// <summary>Its IOMMU group, or null.</summary>
    public IommuGroup? Group { get; set; }

    /// <summary>Whether only a write to a driver's bind file binds it (the per-device flag proposed in 2013, never merged).</summary>
    public bool BindsBySysfsOnly { get; set; }

    /// <summary>Whether its driver is giving it up and waits for users to let go (vfio_unregister_group_dev).</summary>
    public bool IsLeavingDriver { get; internal set; }

    /// <summary>What its driver keeps for it (dev_set_drvdata).</summary>
    public object? DriverData { get; set; }

    /// <summary>Its compatible strings.</summary>
    public IReadOnlyList<string> Compatible => Node?.Compatible ?? [];

    /// <summary>The prefix of its log lines: the driver, else the bus, then the name (dev_driver_string).</summary>
    public string LogPrefix => $"{Driver?.Name ?? Bus?.Name ?? ""} {Name}: ";
}

/// <summary>A driver (struct device_driver). Registered drivers are tried in the order of their registration.</summary>
[DebuggerDisplay("{Name,nq}")]
public abstract class Driver
{
    /// <summary>Its name, that of its directory in sysfs.</summary>
    public abstract string Name { get; }

    /// <summary>The name of its bus: platform, amba.</summary>
    public abstract string BusName { get; }

    /// <summary>Its module in /sys/module, or null when it has none.</summary>
    public virtual string? Module => null;

    /// <summary>Whether it matches a device without driver_override (its id table).</summary>
    public abstract bool Matches(Device device);

    /// <summary>Whether it matches every device of the platform bus (match_any_dev, proposed in 2013, never merged).</summary>
    public virtual bool MatchesAnyDevice => false;

    /// <summary>Whether only a write to its bind file gives it a device (sysfs_bind_only, proposed in 2013, never merged).</summary>
    public virtual bool BindsBySysfsOnly => false;

    /// <summary>Takes a device: 0, or a negative errno.</summary>
    public abstract long Probe(Device device);

    /// <summary>Gives a device up.</summary>
    public abstract void Remove(Device device);

    /// <summary>Whether it has no bind and unbind files (suppress_bind_attrs).</summary>
    public virtual bool SuppressesBindAttributes => false;

    /// <summary>Whether it may have devices of a group that user space owns (driver_managed_dma).</summary>
    public virtual bool ManagesDma => false;

    /// <summary>
    /// Where an unbind must wait before <see cref="Remove"/> may be called: a queue woken when users let the device go; null
    /// when nobody uses it. May be asked repeatedly, the first time tells users to go.
    /// </summary>
    public virtual WaitQueue? PrepareRemoval(Device device) => null;
}
