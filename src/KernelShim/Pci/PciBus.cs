using System.Diagnostics;
using System.Globalization;

namespace Emulator.KernelShim;

/// <summary>A PCI bus (struct pci_bus).</summary>
[DebuggerDisplay("{Name,nq}: {Devices.Count} functions")]
public sealed class PciBus
{
    private readonly Dictionary<int, PciDevice> _byDevfn = [];
    private readonly List<PciDevice> _devices = [];
    private readonly List<PciBus> _children = [];
    private int _aliasing;

    internal PciBus(PciHost host, PciBus? parent, PciDevice? bridge, int number, int end)
    {
        Host = host;
        Parent = parent;
        Bridge = bridge;
        Number = number;
        End = end;
    }

    /// <summary>The host bridge it is below.</summary>
    public PciHost Host { get; }

    /// <summary>The bus above, or null on a root bus.</summary>
    public PciBus? Parent { get; }

    /// <summary>The bridge whose secondary bus it is; null on a root bus and on a virtual bus of virtual functions.</summary>
    public PciDevice? Bridge { get; }

    /// <summary>Its number.</summary>
    public int Number { get; }

    /// <summary>The last bus number below (busn_res.end).</summary>
    public int End { get; internal set; }

    /// <summary>Its functions in order of discovery.</summary>
    public IReadOnlyList<PciDevice> Devices => _devices;

    /// <summary>The buses below, in order of discovery.</summary>
    public IReadOnlyList<PciBus> Children => _children;

    /// <summary>Whether it is a host bridge's own bus.</summary>
    public bool IsRoot => Parent is null;

    /// <summary>Its name in the log: <c>0000:01</c>.</summary>
    public string Name => string.Create(CultureInfo.InvariantCulture, $"{Host.Domain:x4}:{Number:x2}");

    /// <summary>How the log shows its numbers: <c>[bus 01-05]</c> (%pR of busn_res).</summary>
    public string RangeText => BusRange(Number, End);

    /// <summary>What BRIDGE_CONTROL shall hold (bridge_ctl).</summary>
    internal ushort BridgeControl { get; set; }

    /// <summary>Its directory in sysfs.</summary>
    internal DirectoryInode? Directory { get; set; }

    /// <summary>Whether a function of the bus uses another function's requester ID.</summary>
    internal bool HasAliases => _aliasing > 0;

    /// <summary>A function by device and function number, or null.</summary>
    public PciDevice? Find(int devfn) => _byDevfn.GetValueOrDefault(devfn);

    internal static string BusRange(int first, int last) =>
        first == last
            ? string.Create(CultureInfo.InvariantCulture, $"[bus {first:x2}]")
            : string.Create(CultureInfo.InvariantCulture, $"[bus {first:x2}-{last:x2}]");

    internal void Add(PciDevice device)
    {
        _devices.Add(device);
        _byDevfn.Add(device.Devfn, device);
        _aliasing += device.AliasFunctions is null ? 0 : 1;
    }

    internal void Remove(PciDevice device)
    {
        if (_byDevfn.Remove(device.Devfn))
        {
            _devices.Remove(device);
            _aliasing -= device.AliasFunctions is null ? 0 : 1;
        }
    }

    internal void Add(PciBus child) => _children.Add(child);

    internal void Remove(PciBus child) => _children.Remove(child);

    /// <summary>
    /// Whether offsets from 256 on can be reached: not behind a bridge to conventional PCI
    /// (pci_bridge_child_ext_cfg_accessible).
    /// </summary>
    internal bool HasExtendedConfiguration =>
        Bridge is not { } bridge
        || (
            bridge.OnBus.HasExtendedConfiguration
            && bridge
                is {
                    IsExpress: true,
                    ExpressType: PciExpressType.RootPort or PciExpressType.Upstream or PciExpressType.Downstream
                }
        );

    /// <summary>The windows that resources of its functions may lie in (pci_bus_for_each_resource).</summary>
    internal IReadOnlyList<PciResource> Windows =>
        Bridge is { } bridge ? bridge.Windows
        : IsRoot ? Host.Windows
        : Parent!.Windows;
}

/// <summary>A host bridge (struct pci_host_bridge): its way to make configuration cycles, its windows, its root bus.</summary>
[DebuggerDisplay("PCI host {Domain}")]
public sealed class PciHost
{
    internal PciHost(IPciConfiguration configuration, int domain, Device? device, int firstBus, int lastBus)
    {
        Configuration = configuration;
        Domain = domain;
        Device = device;
        Root = new PciBus(this, null, null, firstBus, lastBus);
    }

    /// <summary>Its configuration cycles.</summary>
    public IPciConfiguration Configuration { get; }

    /// <summary>Its domain.</summary>
    public int Domain { get; }

    /// <summary>Its platform device; null where firmware described it otherwise.</summary>
    public Device? Device { get; }

    /// <summary>Its root bus.</summary>
    public PciBus Root { get; }

    /// <summary>Its node in the device tree, or null.</summary>
    public Machine.DeviceTrees.DeviceTreeNode? Node { get; internal init; }

    internal List<PciResource> Windows { get; } = [];

    /// <summary>Where the CPU sees I/O port 0.</summary>
    internal ulong? IoBase { get; set; }

    /// <summary>The CPU's address of an I/O port; false without a window of them.</summary>
    internal bool TryTranslateIo(ulong port, out ulong address)
    {
        address = (IoBase ?? 0) + port;
        return IoBase is not null;
    }

    /// <summary>The directory pci0000:00.</summary>
    internal DirectoryInode? Directory { get; set; }

    /// <summary>Whether bus numbers that firmware gave are given anew (PCI_REASSIGN_ALL_BUS of pci-host-common).</summary>
    internal bool ReassignsBuses { get; init; }
}
