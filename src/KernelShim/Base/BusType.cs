using System.Diagnostics;

namespace Emulator.KernelShim;

/// <summary>A bus of the driver core (struct bus_type): its devices, its drivers in order of registration.</summary>
[DebuggerDisplay("{Name,nq}: {Devices.Count} devices, {Drivers.Count} drivers")]
public sealed class BusType(string name)
{
    /// <summary>Its name.</summary>
    public string Name { get; } = name;

    /// <summary>Its devices in order of addition.</summary>
    public IList<Device> Devices { get; } = [];

    /// <summary>Its drivers in order of registration.</summary>
    public IList<Driver> Drivers { get; } = [];

    /// <summary>drivers_autoprobe.</summary>
    public bool AutoProbe { get; set; } = true;

    /// <summary>/sys/bus/NAME.</summary>
    public DirectoryInode? Directory { get; set; }

    /// <summary>A device by name, or null.</summary>
    public Device? FindDevice(string name) =>
        Devices.FirstOrDefault(device => string.Equals(device.Name, name, StringComparison.Ordinal));
}
