namespace Emulator.KernelShim;

/// <summary>The driver core (drivers/base): buses, devices, drivers, and what sysfs shows of them.</summary>
public interface IDriverCore
{
    /// <summary>The buses by name.</summary>
    IReadOnlyDictionary<string, BusType> Buses { get; }

    /// <summary>Adds a device: sysfs, IOMMU group, and a driver if one matches (device_add).</summary>
    void Add(Device device);

    /// <summary>Removes a device (device_del).</summary>
    void Remove(Device device);

    /// <summary>Registers a driver: its directory appears, devices without a driver are offered to it (driver_register).</summary>
    void Register(Driver driver);

    /// <summary>Unregisters a driver; its devices lose it.</summary>
    void Unregister(Driver driver);

    /// <summary>Ends the unbinding of a device whose users have let it go after the writer of <c>unbind</c> was killed.</summary>
    void FinishUnbind(Device device);

    /// <summary>The directory of a module in /sys/module; one that is built in is added (lookup_or_create_module_kobject).</summary>
    DirectoryInode AddModule(string name);
}
