using System.Globalization;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;

namespace Emulator.Boards;

/// <summary>
/// Plugs devices into a board by QEMU's <c>-device</c> strings: each becomes a node of hardware facts below the host bridge, at
/// the place where QEMU would put it (QEMU 7.2, hw/pci/pci.c, do_pci_register_device; docs/pcie.txt).
/// </summary>
public static class QemuDevices
{
    /// <summary>The names that are known.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [.. QemuDeviceType.All.Select(type => type.Name).Append(QemuPlugging.Subsystem)];

    /// <summary>Plugs devices in, in order.</summary>
    /// <param name="tree">The tree of the hardware, which is changed.</param>
    /// <param name="devices">Strings such as <c>pcie-root-port,id=r1,bus=pcie.0,addr=1</c>.</param>
    /// <exception cref="BoardException">A device, a property or a bus is not known, or a slot is taken.</exception>
    public static void Plug(DeviceTree tree, IEnumerable<string> devices)
    {
        ArgumentNullException.ThrowIfNull(tree);
        ArgumentNullException.ThrowIfNull(devices);
        DeviceTreeNode host =
            tree.FindCompatible("pci-host-ecam-generic").FirstOrDefault()
            ?? throw new BoardException("the board has no PCI host bridge to plug devices into");
        var plugging = new QemuPlugging(host);
        foreach (string device in devices)
        {
            plugging.Plug(device);
        }
    }
}

/// <summary>One run of plugging devices in.</summary>
internal sealed class QemuPlugging
{
    public const string Subsystem = "nvme-subsys";
    private const string RootBus = "pcie.0";

    private readonly Dictionary<string, Bus> _buses = new(StringComparer.Ordinal);
    private readonly HashSet<string> _subsystems = new(StringComparer.Ordinal);
    private readonly HashSet<(uint, uint)> _slots = [];
    private uint _networkCards;

    public QemuPlugging(DeviceTreeNode host)
    {
        var root = new Bus(host, RootBus, QemuBus.Switch);
        foreach (DeviceTreeNode node in host.Children.Where(node => node.HasProperty("reg")))
        {
            int devfn = (int)(node.GetProperty("reg").ReadCells()[0] >> 8) & 0xFF;
            root.Functions[devfn] = node;
        }

        _buses[RootBus] = root;
    }

    /// <summary>Plugs one device in.</summary>
    public void Plug(string text)
    {
        IReadOnlyList<string> parts = QemuValue.SplitOption(text);
        Dictionary<string, string> values = ReadValues(text, parts);
        if (parts[0] is Subsystem)
        {
            PlugSubsystem(text, values);
            return;
        }

        QemuDeviceType type =
            QemuDeviceType.All.FirstOrDefault(known => string.Equals(known.Name, parts[0], StringComparison.Ordinal))
            ?? throw new BoardException(
                $"'-device {text}': '{parts[0]}' is not modelled; devices: {string.Join(", ", QemuDevices.Names)}"
            );
        Bus bus = FindBus(text, Take(values, "bus"));
        string? id = Take(values, "id");
        bool isMultiFunction = ReadMultiFunction(text, Take(values, "multifunction"));
        int devfn = ReadPlace(text, bus, Take(values, "addr"));
        CheckFunctions(text, bus, devfn, isMultiFunction);
        DeviceTreeNode node = MakeNode(bus, type, id, devfn, isMultiFunction);
        foreach ((string name, string value) in values)
        {
            QemuProperty property =
                type.Properties.FirstOrDefault(known => string.Equals(known.Name, name, StringComparison.Ordinal))
                ?? throw new BoardException(
                    $"'-device {text}': '{type.Name}' has no property '{name}' here; it takes "
                        + string.Join(", ", type.Properties.Select(known => known.Name).Concat(CommonProperties))
                );
            if (property.Apply(node, value) is { } problem)
            {
                throw new BoardException($"'-device {text}': {name}: {problem}");
            }
        }

        Complete(text, type, node);
        bus.Functions[devfn] = node;
        if (type.Bus != QemuBus.None && id is not null)
        {
            _buses[id] = new Bus(node, id, type.Bus);
        }
    }

    private static IEnumerable<string> CommonProperties => ["id", "bus", "addr", "multifunction"];

    private static Dictionary<string, string> ReadValues(string text, IReadOnlyList<string> parts)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string part in parts.Skip(1))
        {
            int equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                throw new BoardException($"'-device {text}': '{part}' is not of the form name=value");
            }

            values[part[..equals]] = part[(equals + 1)..];
        }

        return values;
    }

    private static string? Take(Dictionary<string, string> values, string name) =>
        values.Remove(name, out string? value) ? value : null;

    private static bool ReadMultiFunction(string text, string? value) =>
        value is null
            ? false
            : QemuValue.ReadSwitch(value)
                ?? throw new BoardException($"'-device {text}': multifunction: '{value}' is neither on nor off");

    private void PlugSubsystem(string text, Dictionary<string, string> values)
    {
        string id = Take(values, "id") ?? throw new BoardException($"'-device {text}': an NVMe subsystem needs an id");
        if (values.Keys.FirstOrDefault(name => name is not "nqn") is { } unknown)
        {
            throw new BoardException(
                $"'-device {text}': '{Subsystem}' has no property '{unknown}' here; it takes id, nqn"
            );
        }

        _subsystems.Add(id);
    }

    private Bus FindBus(string text, string? name) =>
        _buses.GetValueOrDefault(name ?? RootBus)
        ?? throw new BoardException(
            $"'-device {text}': there is no bus '{name}' yet; buses: {string.Join(", ", _buses.Keys.Order(StringComparer.Ordinal))}"
        );

    /// <summary>The slot: as asked for, or the lowest that is free.</summary>
    private static int ReadPlace(string text, Bus bus, string? address)
    {
        bool isLink = bus.Kind == QemuBus.Link;
        int first = bus.Kind == QemuBus.HotPlug ? 1 : 0;
        if (address is not null)
        {
            int devfn =
                QemuValue.ReadDevfn(address)
                ?? throw new BoardException(
                    $"'-device {text}': addr: '{address}' is no SLOT or SLOT.FUNCTION (hexadecimal, up to 1f.7)"
                );
            if (isLink && devfn >> 3 != 0)
            {
                throw new BoardException(
                    $"'-device {text}': slot {devfn >> 3} is not valid, the port {bus.Name} has only slot 0"
                );
            }

            return devfn >> 3 >= first
                ? devfn
                : throw new BoardException(
                    $"'-device {text}': slot 0 of {bus.Name} belongs to its hot-plug controller; 1 to 31 are for cards"
                );
        }

        for (int slot = first; slot < (isLink ? 1 : 32); slot++)
        {
            if (!bus.IsSlotUsed(slot))
            {
                return slot << 3;
            }
        }

        throw new BoardException($"'-device {text}': no slot of {bus.Name} is free");
    }

    private static void CheckFunctions(string text, Bus bus, int devfn, bool isMultiFunction)
    {
        string place = string.Create(CultureInfo.InvariantCulture, $"{devfn >> 3:x}.{devfn & 7}");
        if (bus.Functions.TryGetValue(devfn, out DeviceTreeNode? other))
        {
            throw new BoardException($"'-device {text}': slot {place} of {bus.Name} is taken by {other.BaseName}");
        }

        bool isFirst = (devfn & 7) == 0;
        if (!isFirst && bus.Functions.TryGetValue(devfn & ~7, out DeviceTreeNode? zero))
        {
            if (!zero.HasProperty("emulator,multi-function"))
            {
                throw new BoardException(
                    $"'-device {text}': a single function device cannot be populated in function {place}; "
                        + "function 0 needs multifunction=on"
                );
            }
        }

        if (isFirst && !isMultiFunction && bus.IsSlotUsed(devfn >> 3))
        {
            throw new BoardException(
                $"'-device {text}': {place} indicates single function, but other functions of the slot are populated"
            );
        }
    }

    private static DeviceTreeNode MakeNode(Bus bus, QemuDeviceType type, string? id, int devfn, bool isMultiFunction)
    {
        string unit = (devfn & 7) == 0 ? $"{devfn >> 3:x}" : $"{devfn >> 3:x},{devfn & 7:x}";
        DeviceTreeNode node = bus.Node.AddChild($"{HardwareFacts.Prefix}{type.Name}@{unit}");
        if (id is not null)
        {
            node.AddLabel(id);
        }

        node.SetStrings("compatible", HardwareFacts.Prefix + type.Name);
        node.SetCells("reg", (uint)devfn << 8, 0, 0, 0, 0);
        if (type.Bus != QemuBus.None)
        {
            node.SetCells("#address-cells", 3);
            node.SetCells("#size-cells", 2);
        }

        if (isMultiFunction)
        {
            node.SetCells("emulator,multi-function");
        }

        return node;
    }

    /// <summary>What QEMU makes of the properties together, and what it refuses.</summary>
    private void Complete(string text, QemuDeviceType type, DeviceTreeNode node)
    {
        switch (type.Name)
        {
            case "pcie-root-port" or "ioh3420" or "xio3130-downstream":
                (uint, uint) slot = (Cell(node, "emulator,chassis", 0), Cell(node, "emulator,slot", 0));
                if (!_slots.Add(slot))
                {
                    throw new BoardException(
                        $"'-device {text}': slot {slot.Item2} of chassis {slot.Item1} exists already; a slot's numbers are unique"
                    );
                }

                break;
            case "pci-bridge" when Cell(node, "emulator,chassis", 0) == 0:
                throw new BoardException($"'-device {text}': each bridge needs a chassis_nr above 0");
            case "e1000e" or "e1000":
                if (!node.HasProperty("emulator,mac"))
                {
                    const uint FirstFree = 0x0012_3456;
                    node.SetCells("emulator,mac", 0x5254, FirstFree + _networkCards++);
                }

                break;
            case "nvme":
                CompleteNvme(text, node);
                break;
        }
    }

    private void CompleteNvme(string text, DeviceTreeNode node)
    {
        string? subsystem = node.FindProperty("emulator,subsystem")?.ReadString();
        if (subsystem is not null && !_subsystems.Contains(subsystem))
        {
            throw new BoardException($"'-device {text}': there is no {Subsystem} '{subsystem}' yet");
        }

        if (!node.HasProperty("emulator,serial"))
        {
            throw new BoardException($"'-device {text}': an NVMe controller needs a serial");
        }

        if (Cell(node, "emulator,virtual-functions", 0) == 0)
        {
            return;
        }

        if (subsystem is null)
        {
            throw new BoardException($"'-device {text}': SR-IOV needs a subsystem");
        }

        // Interrupt vectors that can be given to virtual functions are not the controller's own.
        uint vectors = Cell(node, "emulator,msix-vectors", 65);
        uint flexible = Cell(node, "emulator,flexible-interrupts", 0);
        node.SetCells("emulator,msix-vectors", Math.Max(1, vectors - Math.Min(vectors, flexible)));
    }

    private static uint Cell(DeviceTreeNode node, string property, uint otherwise) =>
        node.FindProperty(property)?.ReadUInt32() ?? otherwise;

    private sealed class Bus(DeviceTreeNode node, string name, QemuBus kind)
    {
        public DeviceTreeNode Node { get; } = node;

        public string Name { get; } = name;

        public QemuBus Kind { get; } = kind;

        public SortedDictionary<int, DeviceTreeNode> Functions { get; } = [];

        public bool IsSlotUsed(int slot) => Functions.Keys.Any(devfn => devfn >> 3 == slot);
    }
}
