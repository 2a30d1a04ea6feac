namespace Emulator.KernelShim;

/// <summary>
/// The driver core (drivers/base): buses, devices, drivers, and what sysfs shows of them. Its parts are named after the files
/// of the Linux tree: registration here, binding in <c>DriverCore.Binding</c> (dd.c), the files that user space writes in
/// <c>DriverCore.Attributes</c> (bus.c, core.c).
/// </summary>
public sealed partial class DriverCore : IDriverCore
{
    private const string WaitingForSupplier = "waiting_for_supplier";

    private readonly Kernel _kernel;
    private readonly SortedDictionary<string, BusType> _buses = new(StringComparer.Ordinal);
    private readonly DirectoryInode _platformRoot;

    /// <summary>Creates the core with the buses platform and amba (driver_init).</summary>
    public DriverCore(Kernel kernel)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        _kernel = kernel;
        _platformRoot = Sys("devices").AddDirectory("platform");
        _platformRoot.AddAttribute("uevent", AttributeMode.ReadWrite, () => "", StoreUevent);
        AddBus(new PlatformBus(kernel.Profile));
        AddBus(new AmbaBus(kernel.Profile));
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, BusType> Buses => _buses;

    /// <summary>
    /// Run before a driver's probe (the bus's dma_configure): 0, or a negative errno that keeps the driver from the device.
    /// Set by whoever knows owners of groups; null where there are none.
    /// </summary>
    public Func<Device, Driver, long>? ConfigureDma { get; set; }

    /// <summary>Undoes <see cref="ConfigureDma"/> after a failed probe or an unbind (the bus's dma_cleanup).</summary>
    public Action<Device, Driver>? CleanUpDma { get; set; }

    /// <summary>Adds a bus: its directories and files appear (bus_register).</summary>
    public void AddBus(BusType bus)
    {
        ArgumentNullException.ThrowIfNull(bus);
        _buses.Add(bus.Name, bus);
        DirectoryInode directory = Sys("bus").AddDirectory(bus.Name);
        bus.Directory = directory;
        directory.AddDirectory("devices");
        directory.AddDirectory("drivers");
        directory.AddAttribute(
            "uevent",
            AttributeMode.WriteOnly,
            null,
            (process, text) => StoreUevent(process, directory, text)
        );
        directory.AddAttribute(
            "drivers_probe",
            AttributeMode.WriteOnly,
            null,
            (process, text) => StoreDriversProbe(process, bus, text)
        );
        directory.AddAttribute(
            "drivers_autoprobe",
            AttributeMode.ReadWrite,
            () => bus.AutoProbe ? "1\n" : "0\n",
            (_, text) => StoreAutoProbe(bus, text)
        );
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">It has no bus, or its name is taken.</exception>
    public void Add(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        BusType bus = device.Bus ?? throw new InvalidOperationException($"{device.Name} is on no bus.");
        DirectoryInode directory = HomeOf(device).AddDirectory(device.Name);
        device.Directory = directory;
        directory.AddAttribute(
            "uevent",
            AttributeMode.ReadWrite,
            () => ShowUevent(device),
            (process, text) => StoreUevent(process, device, text)
        );
        if (device.Node is { } node && FindNodeDirectory(node.Path) is { } nodeDirectory)
        {
            directory.AddRelativeLink("of_node", nodeDirectory);
        }

        directory.AddRelativeLink("subsystem", bus.Directory!);
        AddCoreFiles(device, directory);
        bus.AddAttributes(device, directory);
        if (_kernel.Profile.HasSysfsBindOnly)
        {
            directory.AddAttribute(
                "sysfs_bind_only",
                AttributeMode.ReadWrite,
                () => device.BindsBySysfsOnly ? "1\n" : "0\n",
                (process, text) => StoreBindsBySysfsOnly(process, device, text)
            );
        }

        if (bus.HasDriverOverride)
        {
            directory.AddAttribute(
                "driver_override",
                AttributeMode.ReadWrite,
                () => (device.DriverOverride ?? "(null)") + "\n",
                (process, text) => StoreDriverOverride(process, device, text)
            );
        }

        BusDirectory(bus, "devices").AddRelativeLink(device.Name, directory);
        bus.Devices.Add(device);
        _kernel.Iommus?.OnDeviceAdded(device);
        if (bus.AutoProbe)
        {
            Attach(device);
            RetryDeferred();
        }
    }

    /// <inheritdoc/>
    public void Remove(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (device is not { Bus: { } bus, Directory: { } directory } || !bus.Devices.Contains(device))
        {
            return;
        }

        _deferred.Remove(device);
        Release(device);
        bus.Devices.Remove(device);
        BusDirectory(bus, "devices").Remove(device.Name);
        _kernel.Iommus?.OnDeviceRemoved(device);
        directory.Parent?.Remove(directory.Name);
        device.Directory = null;
    }

    /// <inheritdoc/>
    public void Register(Driver driver)
    {
        ArgumentNullException.ThrowIfNull(driver);
        BusType bus = _buses[driver.BusName];
        if (bus.FindDriver(driver.Name) is not null)
        {
            _kernel.Log.Print(LogLevel.Error, $"Error: Driver '{driver.Name}' is already registered, aborting...");
            return;
        }

        DirectoryInode directory = BusDirectory(bus, "drivers").AddDirectory(driver.Name);
        bus.Drivers.Add(driver);
        if (bus.AutoProbe)
        {
            Attach(driver);
        }

        AddDriverFiles(bus, driver, directory);
        RetryDeferred();
    }

    /// <inheritdoc/>
    public void Unregister(Driver driver)
    {
        ArgumentNullException.ThrowIfNull(driver);
        BusType bus = _buses[driver.BusName];
        if (!bus.Drivers.Remove(driver))
        {
            return;
        }

        foreach (Device device in bus.Devices.Where(device => ReferenceEquals(device.Driver, driver)).ToArray())
        {
            Release(device);
        }

        if (driver.Module is { } module)
        {
            (AddModule(module).Find("drivers") as DirectoryInode)?.Remove($"{bus.Name}:{driver.Name}");
        }

        BusDirectory(bus, "drivers").Remove(driver.Name);
    }

    /// <inheritdoc/>
    public DirectoryInode AddModule(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        DirectoryInode modules = Sys("module");
        string plain = name.Replace('-', '_');
        if (modules.Find(plain) is DirectoryInode present)
        {
            return present;
        }

        DirectoryInode directory = modules.AddDirectory(plain);
        directory.AddAttribute("uevent", AttributeMode.WriteOnly, null, StoreUevent);
        return directory;
    }

    private static DirectoryInode BusDirectory(BusType bus, string name) => (DirectoryInode)bus.Directory!.Find(name)!;

    private DirectoryInode Sys(string name) => _kernel.Files.Sys.GetOrAddDirectory(name);

    private DirectoryInode HomeOf(Device device) =>
        device.HomeDirectory
        ?? device.Parent?.Directory
        ?? (device.Node is not null && _kernel.Profile.DevicesDirectlyUnderSysDevices ? Sys("devices") : _platformRoot);

    /// <summary>
    /// What every device of the tree has by configuration: its power management, and whether it waits for another device until it
    /// has been bound once (device_add_attrs, dpm_sysfs_add).
    /// </summary>
    private void AddCoreFiles(Device device, DirectoryInode directory)
    {
        bool isOfTheTree = device.Bus is PlatformBus or AmbaBus;
        if (isOfTheTree && _kernel.Profile.HasPowerManagement)
        {
            PowerFiles.Add(directory, canWakeUp: false);
        }

        if (isOfTheTree && device.Node is not null && _kernel.Profile.LinksDevicesByTree)
        {
            directory.AddAttribute(WaitingForSupplier, AttributeMode.ReadOnly, () => "0\n");
        }
    }

    internal DirectoryInode? FindNodeDirectory(string path)
    {
        Inode? at = DeviceTreeFiles.Find(_kernel);
        foreach (string part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            at = (at as DirectoryInode)?.Find(part);
        }

        return at as DirectoryInode;
    }

    private void AddDriverFiles(BusType bus, Driver driver, DirectoryInode directory)
    {
        directory.AddAttribute(
            "uevent",
            AttributeMode.WriteOnly,
            null,
            (process, text) => StoreUevent(process, directory, text)
        );
        if (!driver.SuppressesBindAttributes)
        {
            directory.AddAttribute(
                "bind",
                AttributeMode.WriteOnly,
                null,
                (process, text) => StoreBind(process, bus, driver, text)
            );
            directory.AddBlockingAttribute(
                "unbind",
                AttributeMode.WriteOnly,
                (process, text) => StoreUnbind(process, bus, driver, text)
            );
        }

        bus.AddDriverFiles(driver, directory);
        if (driver.Module is { } name)
        {
            DirectoryInode module = AddModule(name);
            directory.AddRelativeLink("module", module);
            module.GetOrAddDirectory("drivers").AddRelativeLink($"{bus.Name}:{driver.Name}", directory);
        }
    }
}
