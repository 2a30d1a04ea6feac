using System.Globalization;

namespace Emulator.KernelShim;

/// <summary>
/// The PCI core (drivers/pci): host bridges, buses and functions as configuration cycles show them, and their life from
/// discovery to removal.
/// </summary>
public sealed partial class PciCore
{
    private readonly Kernel _kernel;
    private readonly List<PciHost> _hosts = [];
    private readonly Dictionary<(int Domain, int Number), PciBus> _buses = [];
    private readonly PciBusType _type;

    private PciCore(Kernel kernel)
    {
        _kernel = kernel;
        _type = new PciBusType(this);
        Messages = new PciMessages(kernel) { Domain = new PciItsMessages(kernel) };
        AcsIsRequested = kernel.BootsByAcpi;
    }

    /// <summary>MSI and MSI-X.</summary>
    public PciMessages Messages { get; }

    /// <summary>The host bridges in order of registration.</summary>
    public IReadOnlyList<PciHost> Hosts => _hosts;

    /// <summary>
    /// Whether somebody asked for access control (pci_request_acs): functions discovered from then on have theirs switched
    /// on. On device-tree boots the first driver that is probed asks, after everything has been discovered; with ACPI the
    /// tables ask before.
    /// </summary>
    public bool AcsIsRequested { get; private set; }

    /// <summary>All functions, bus by bus in order of discovery.</summary>
    public IEnumerable<PciDevice> Devices => _type.Devices.OfType<PciDevice>();

    internal KernelProfile Profile => _kernel.Profile;

    internal Kernel Kernel => _kernel;

    /// <summary>Gives the kernel its PCI bus (pci_driver_init).</summary>
    public static PciCore Start(Kernel kernel)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        var core = new PciCore(kernel);
        kernel.Pci = core;
        ((DriverCore)kernel.Drivers).AddBus(core._type);
        core._type.AddFiles();
        return core;
    }

    /// <summary>pci_request_acs.</summary>
    public void RequestAcs() => AcsIsRequested = true;

    /// <summary>A function by its address, or null.</summary>
    public PciDevice? Find(int domain, int bus, int devfn) => FindBus(domain, bus)?.Find(devfn);

    /// <summary>A bus by its number, or null (pci_find_bus).</summary>
    public PciBus? FindBus(int domain, int number) => _buses.GetValueOrDefault((domain, number));

    /// <summary>
    /// Adds a host bridge that no device tree describes, finds what is behind it and offers it to drivers. Bus numbers stay as
    /// they are, and without a window nothing gets an address.
    /// </summary>
    /// <param name="configuration">Its configuration cycles.</param>
    /// <param name="domain">Its domain, which no other bridge has.</param>
    /// <param name="memoryStart">Where its window of memory lies.</param>
    /// <param name="memoryBytes">How large the window is; 0 for none.</param>
    public PciHost AddHost(IPciConfiguration configuration, int domain, ulong memoryStart = 0, ulong memoryBytes = 0)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var host = new PciHost(configuration, domain, null, 0, byte.MaxValue);
        if (memoryBytes > 0)
        {
            host.Windows.Add(
                new PciResource
                {
                    Flags = ResourceFlags.Memory,
                    Start = memoryStart,
                    End = memoryStart + memoryBytes - 1,
                }
            );
        }

        Register(host);
        Scan(host);
        if (memoryBytes > 0)
        {
            new PciAssignment(this).AssignUnassigned(host.Root);
        }

        AddDevices(host.Root);
        return host;
    }

    /// <summary>
    /// Registers a host bridge and finds what is behind it; addresses are assigned by <see cref="PciAssignment"/> and drivers
    /// are offered what was found by <see cref="AddDevices"/>.
    /// </summary>
    internal void Register(PciHost host)
    {
        _hosts.Add(host);
        _buses[(host.Domain, host.Root.Number)] = host.Root;
        DirectoryInode home = host.Device?.Directory ?? _kernel.Files.Sys.GetOrAddDirectory("devices");
        host.Directory = home.AddDirectory("pci" + host.Root.Name);
        PciBusFiles.Add(_kernel, host.Root, host.Directory);
    }

    /// <summary>pci_scan_child_bus of a root bus.</summary>
    internal void Scan(PciHost host) => new PciScanner(this).ScanChildBus(host.Root);

    /// <summary>
    /// pci_bus_add_devices: what was found goes to sysfs and to drivers, a whole bus before those below it.
    /// </summary>
    internal void AddDevices(PciBus bus)
    {
        foreach (PciDevice device in bus.Devices.ToArray())
        {
            if (!device.IsAdded)
            {
                AddDevice(device);
            }
        }

        foreach (PciDevice device in bus.Devices.ToArray())
        {
            if (device.Subordinate is { } below)
            {
                AddDevices(below);
            }
        }
    }

    /// <summary>pci_bus_add_device.</summary>
    internal void AddDevice(PciDevice device)
    {
        device.IsAdded = true;
        _kernel.Drivers.Add(device);
    }

    /// <summary>pci_alloc_dev: a function that has answered.</summary>
    internal PciDevice CreateDevice(PciBus bus, int devfn, PciDevice? physicalFunction) =>
        new(bus, devfn)
        {
            Name = string.Create(
                CultureInfo.InvariantCulture,
                $"{bus.Host.Domain:x4}:{bus.Number:x2}:{devfn >> 3:x2}.{devfn & 7}"
            ),
            Bus = _type,
            Parent = bus.Bridge ?? physicalFunction?.Parent,
            HomeDirectory = bus.IsRoot ? bus.Host.Directory : null,
            Node = PciNodes.Find(bus, devfn),
            PhysicalFunction = physicalFunction,
        };

    /// <summary>pci_device_add: capabilities are set up, and the function is on its bus.</summary>
    internal void Add(PciDevice device)
    {
        new PciDeviceInit(this).Initialize(device);
        device.OnBus.Add(device);
    }

    /// <summary>pci_add_new_bus.</summary>
    internal PciBus AddBus(PciBus parent, PciDevice? bridge, int number, int end)
    {
        var bus = new PciBus(parent.Host, parent, bridge, number, end);
        parent.Add(bus);
        _buses[(bus.Host.Domain, number)] = bus;
        if (bridge is not null)
        {
            bridge.Subordinate = bus;
            if (!bus.HasExtendedConfiguration)
            {
                Info(bus, "extended config space not accessible");
            }
        }

        return bus;
    }

    /// <summary>pci_bus_update_busn_res_end.</summary>
    internal void UpdateBusEnd(PciBus bus, int end)
    {
        string before = bus.RangeText;
        bus.End = end;
        Info(bus, $"busn_res: {before} end is updated to {end.ToString("x2", CultureInfo.InvariantCulture)}");
    }

    internal void Forget(PciBus bus) => _buses.Remove((bus.Host.Domain, bus.Number));

    /// <summary>pci_resource_alignment: virtual functions' BARs are aligned as one of them.</summary>
    internal ulong AlignmentOf(PciDevice device, PciResource resource) =>
        resource.Index is >= PciDevice.IovResources and < PciDevice.BridgeResources && device.Sriov is { } sriov
            ? sriov.AlignmentOf(resource)
            : resource.Alignment;

    internal void Info(PciDevice device, string text) => _kernel.Log.Print(LogLevel.Info, device.LogPrefix + text);

    internal void Warn(PciDevice device, string text) => _kernel.Log.Print(LogLevel.Warning, device.LogPrefix + text);

    internal void Error(PciDevice device, string text) => _kernel.Log.Print(LogLevel.Error, device.LogPrefix + text);

    internal void Info(PciBus bus, string text) => _kernel.Log.Print(LogLevel.Info, $"pci_bus {bus.Name}: {text}");
}
