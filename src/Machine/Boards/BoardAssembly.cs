using System.Globalization;
using Emulator.Machine.DeviceTrees;

namespace Emulator.Machine;

/// <summary>
/// One assembly of a board: first everything is made, then interrupt lines and master ports are wired, because a device
/// may be wired to one that comes later in the tree.
/// </summary>
internal sealed class BoardAssembly(Board board, Func<string, DeviceModel?> findModel)
{
    private readonly List<NodeContext> _contexts = [];
    private readonly Dictionary<string, IDevice> _byPath = new(StringComparer.Ordinal);

    public Board Board { get; } = board;

    private DeviceTree Tree => Board.HardwareTree;

    public Board Run(IReadOnlyList<Attachment> attachments)
    {
        AddMemory();
        AddCpus();
        foreach (DeviceTreeNode node in Tree.Nodes.Where(IsDevice))
        {
            AddDevice(
                node,
                attachments.FirstOrDefault(a => string.Equals(a.NodePath, node.Path, StringComparison.Ordinal))
            );
        }

        if (attachments.FirstOrDefault(attachment => !_byPath.ContainsKey(attachment.NodePath)) is { } lost)
        {
            throw new BoardException(
                $"board {Board.Name}: a device is attached to {lost.NodePath}, where the tree has no enabled device"
            );
        }

        foreach (NodeContext context in _contexts)
        {
            WireInterrupts(context);
            WireMappedInterrupts(context);
            WirePorts(context);
            WireDmaRequests(context);
            WirePins(context);
        }

        return Board;
    }

    private static bool IsDevice(DeviceTreeNode node) =>
        node.Parent is not null
        && node.IsEnabled
        && !IsMemory(node)
        && !IsBelow(node, "cpus", "chosen", "aliases", "reserved-memory", "__symbols__", "options")
        && node.SelfAndAncestors().All(ancestor => ancestor.IsEnabled && !HardwareFacts.IsFact(ancestor.Name))
        && node.Compatible.Count > 0;

    private static bool IsMemory(DeviceTreeNode node) =>
        node.FindProperty("device_type") is { LooksLikeStrings: true } type && type.ReadString() is "memory";

    private static bool IsBelow(DeviceTreeNode node, params ReadOnlySpan<string> names)
    {
        foreach (DeviceTreeNode ancestor in node.SelfAndAncestors())
        {
            if (ancestor.Parent is { Parent: null } && names.Contains(ancestor.Name))
            {
                return true;
            }
        }

        return false;
    }

    private static string NameOf(DeviceTreeNode node) => node.Labels.Count > 0 ? node.Labels[0] : node.Name;

    /// <summary><c>emulator,model</c> says what the part is where the tree calls it something else.</summary>
    private static IEnumerable<string> ModelNames(DeviceTreeNode node) =>
        node.FindProperty("emulator,model")?.ReadStrings() ?? node.Compatible;

    private void AddMemory()
    {
        foreach (RegEntry entry in Tree.ReadMemory())
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"memory@{entry.Address.Value:x}");
            if (entry.LengthBytes is 0 or > Ram.MaximumBytes)
            {
                throw new BoardException(
                    $"board {Board.Name}: {name} has {entry.LengthBytes} bytes; RAM has 1 to 2^46"
                );
            }

            var ram = new Ram(name, entry.LengthBytes);
            Board.Memory.Add(Board.Bus.Map(name, entry.Address.Value, entry.LengthBytes, ram));
        }
    }

    private void AddCpus()
    {
        IEnumerable<DeviceTreeNode> nodes = Tree.FindByPath("/cpus")?.Children ?? [];
        ulong[] affinities =
        [
            .. nodes.Where(node => node.BaseName is "cpu" && node.IsEnabled).Select(node => AffinityOf(node)),
        ];
        for (int n = 0; n < Math.Max(1, affinities.Length); n++)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"cpu{n}");
            ulong affinity = n < affinities.Length ? affinities[n] : 0;
            Board.Cpus.Add(new CpuPort(name, Board.Bus, Board.Simulation.Trace, n, affinity));
        }
    }

    /// <summary><c>reg</c> of a CPU is the affinity part of its MPIDR (Linux, Documentation/devicetree/bindings/arm/cpus.yaml).</summary>
    private static ulong AffinityOf(DeviceTreeNode cpu) =>
        cpu.FindProperty("reg") is { LengthBytes: 4 or 8 } reg ? reg.ReadUInt64() : 0;

    private void AddDevice(DeviceTreeNode node, Attachment? attachment)
    {
        DeviceModel? model = attachment is null
            ? ModelNames(node).Select(findModel).FirstOrDefault(candidate => candidate is not null)
            : new DeviceModel(node.Compatible[0], "attached device", attachment.Create);
        IReadOnlyList<RegEntry> reg = ReadReg(node);
        if (model is null && reg.Count == 0)
        {
            return;
        }

        var context = new NodeContext(this, node, NameOf(node), reg);
        IDevice? device = null;
        if (model is null)
        {
            MapStub(context, reg);
        }
        else
        {
            device = model.Create(context);
            _byPath[node.Path] = device;
        }

        _contexts.Add(context);
        Board.Devices.Add(
            new BoardDevice(
                context.Name,
                node.Path,
                node.Compatible,
                model?.Title,
                device,
                context.Regions,
                [.. context.Lines.Select(line => line.Line), .. context.MappedLines.Select(line => line.Line)],
                context.Ports
            )
        );
    }

    /// <summary><c>emulator,primecell-id</c> says what a PrimeCell that nobody models answers when it is asked what it is.</summary>
    private void MapStub(NodeContext context, IReadOnlyList<RegEntry> reg)
    {
        uint? id = context.Cells("emulator,primecell-id") is [var cell] ? cell : null;
        for (int index = 0; index < reg.Count; index++)
        {
            var stub = new StubTarget(
                context.Name,
                Board.Simulation.Trace,
                reg[index].LengthBytes,
                index == 0 ? id : null
            );
            context.MapRegisters(index, stub);
        }
    }

    /// <summary>The physical <c>reg</c> entries; none for a node on a bus that the CPU cannot reach (an I2C device).</summary>
    private static IReadOnlyList<RegEntry> ReadReg(DeviceTreeNode node)
    {
        if (!node.HasProperty("reg") || node.Parent!.SizeCells() == 0)
        {
            return [];
        }

        return node.ReadReg().All(entry => node.TranslateAddress(entry.Address) is not null)
            ? node.ReadPhysicalReg()
            : [];
    }

    private void WireInterrupts(NodeContext context)
    {
        if (context.Lines.Count == 0)
        {
            return;
        }

        IReadOnlyList<InterruptSpecifier> told = Tree.ReadInterrupts(context.Node);
        IReadOnlyList<InterruptSpecifier> wired = ReadWiring(context.Node) ?? told;
        var contradictions = new List<string>();
        foreach ((InterruptLine line, int index) in context.Lines)
        {
            if (index < 0 || index >= wired.Count)
            {
                continue;
            }

            InterruptSpecifier specifier = wired[index];
            if (!_byPath.TryGetValue(specifier.Controller.Path, out IDevice? device))
            {
                Board.Warnings.Add(
                    $"{context.Name}: {line.Name} goes to {specifier.Controller.Path}, which is not modelled; nothing will see it"
                );
                continue;
            }

            string problem = "it is no interrupt controller";
            uint[] cells = [.. specifier.Cells];
            InterruptInput input =
                (device as IInterruptController)?.FindInput(cells, out problem)
                ?? throw new BoardException(
                    $"{context.Node.Path}: interrupt {index} <{Show(cells)}> does not fit {device.Name}: {problem}"
                );
            line.Connect(input);
            if (index < told.Count && !told[index].Cells.SequenceEqual(cells))
            {
                contradictions.Add($"{line.Name} to {input.Name} (the tree says <{Show(told[index].Cells)}>)");
            }
        }

        if (contradictions.Count > 0)
        {
            Board.Warnings.Add(
                $"{context.Name}: wired otherwise than the device tree says, so a driver that believes the tree waits in vain: "
                    + contradictions[0]
                    + (contradictions.Count == 1 ? "" : $" and {contradictions.Count - 1} more")
            );
        }
    }

    /// <summary><c>emulator,interrupts</c>: how the hardware is wired where that is not what the tree says.</summary>
    private List<InterruptSpecifier>? ReadWiring(DeviceTreeNode node)
    {
        if (node.FindProperty("emulator,interrupts") is not { } property)
        {
            return null;
        }

        DeviceTreeNode parent =
            Tree.FindInterruptParent(node)
            ?? throw new BoardException($"{node.Path}: 'emulator,interrupts' needs an interrupt parent");
        uint[] cells = property.ReadCells();
        int count = (int)parent.GetProperty("#interrupt-cells").ReadUInt32();
        if (count == 0 || cells.Length % count != 0)
        {
            throw new BoardException(
                $"{node.Path}: 'emulator,interrupts' has {cells.Length} cells, which is no multiple of {count}"
            );
        }

        var wiring = new List<InterruptSpecifier>();
        for (int at = 0; at < cells.Length; at += count)
        {
            wiring.Add(Tree.ResolveInterrupt(parent, [], cells[at..(at + count)]));
        }

        return wiring;
    }

    /// <summary>Interrupts of what is on a device's own bus: where its <c>interrupt-map</c> leads.</summary>
    private void WireMappedInterrupts(NodeContext context)
    {
        foreach ((InterruptLine line, uint[] unitAddress, uint interrupt) in context.MappedLines)
        {
            if (!context.Node.HasProperty("interrupt-map"))
            {
                return;
            }

            InterruptSpecifier specifier = Tree.ResolveInterrupt(context.Node, unitAddress, [interrupt]);
            if (!_byPath.TryGetValue(specifier.Controller.Path, out IDevice? device))
            {
                Board.Warnings.Add(
                    $"{context.Name}: its interrupts go to {specifier.Controller.Path}, which is not modelled; nothing will see them"
                );
                return;
            }

            string problem = "it is no interrupt controller";
            line.Connect(
                (device as IInterruptController)?.FindInput([.. specifier.Cells], out problem)
                    ?? throw new BoardException(
                        $"{context.Node.Path}: interrupt-map leads to {device.Name} <{Show(specifier.Cells)}>: {problem}"
                    )
            );
        }
    }

    /// <summary>The devices of the facts below a device's node, by their models.</summary>
    private List<IDevice> CreateParts(NodeContext owner, IDevice device)
    {
        var parts = new List<IDevice>();
        foreach (DeviceTreeNode node in owner.Node.Children)
        {
            if (!HardwareFacts.IsFact(node.Name) || !node.IsEnabled || node.Compatible.Count == 0)
            {
                continue;
            }

            DeviceModel model =
                ModelNames(node).Select(findModel).FirstOrDefault(candidate => candidate is not null)
                ?? throw new BoardException($"{node.Path}: nobody models '{node.Compatible[0]}'");
            var context = new NodeContext(this, node, NameOf(node), [], device);
            IDevice part = model.Create(context);
            _byPath[node.Path] = part;
            parts.Add(part);
            Board.Devices.Add(new BoardDevice(context.Name, node.Path, node.Compatible, model.Title, part, [], [], []));
        }

        return parts;
    }

    private void WirePorts(NodeContext context)
    {
        if (context.Ports.Count == 0)
        {
            return;
        }

        if (context.Node.HasProperty("iommu-map") || context.Node.HasProperty("msi-map"))
        {
            WireRequesters(context);
            return;
        }

        (DeviceTreeNode Iommu, uint[] StreamIds)? wiring = FindIommu(context.Node);
        foreach (MasterPort port in context.Ports)
        {
            if (wiring is { } found && _byPath.GetValueOrDefault(found.Iommu.Path) is IIommu iommu)
            {
                int shift = (int)context.Cell("emulator,stream-id-shift", 0);
                port.Connect(iommu.Upstream, NameOf(found.Iommu), Board.Bus.Epoch, found.StreamIds, shift);
                continue;
            }

            if (wiring is { } missing)
            {
                Board.Warnings.Add(
                    $"{context.Name}: its IOMMU {missing.Iommu.Path} is not modelled; its accesses go straight to the bus"
                );
            }

            port.Connect(Board.Bus, Board.Bus.Name, Board.Bus.Epoch);
        }
    }

    /// <summary>A host bridge: the map tells of each requester ID which IOMMU it goes to, and its IDs there and at the ITS.</summary>
    private void WireRequesters(NodeContext context)
    {
        IReadOnlyList<MappedRange> streams = Tree.ReadIdMap(context.Node, "iommu-map");
        var ranges = new List<RequesterRange>();
        foreach (MappedRange range in streams)
        {
            if (_byPath.GetValueOrDefault(range.Target.Path) is not IIommu iommu)
            {
                Board.Warnings.Add(
                    $"{context.Name}: its IOMMU {range.Target.Path} is not modelled; its accesses go straight to the bus"
                );
                continue;
            }

            ranges.Add(
                new RequesterRange(range.First, range.FirstThere, range.Length, iommu.Upstream, NameOf(range.Target))
            );
        }

        RequesterRange[] devices =
        [
            .. Tree.ReadIdMap(context.Node, "msi-map")
                .Select(range => new RequesterRange(range.First, range.FirstThere, range.Length, null, "")),
        ];
        foreach (MasterPort port in context.Ports)
        {
            port.Connect(Board.Bus, Board.Bus.Name, Board.Bus.Epoch);
            port.MapRequesters(
                ranges,
                context.Cell("iommu-map-mask", uint.MaxValue),
                devices,
                context.Cell("msi-map-mask", uint.MaxValue)
            );
        }
    }

    private void WireDmaRequests(NodeContext context)
    {
        if (context.DmaRequests.Count == 0)
        {
            return;
        }

        bool hidden = context.Node.HasProperty("emulator,dmas");
        string property = hidden ? "emulator,dmas" : "dmas";
        IReadOnlyList<string> names = context.Strings(hidden ? "emulator,dma-names" : "dma-names") ?? [];
        IReadOnlyList<PhandleArgs> entries = Tree.ReadPhandleArgs(context.Node, property, "#dma-cells");
        foreach (DmaRequestLine line in context.DmaRequests)
        {
            for (int n = 0; n < Math.Min(names.Count, entries.Count); n++)
            {
                if (string.Equals(names[n], line.Name, StringComparison.Ordinal) && entries[n].Node is { } controller)
                {
                    WireDmaRequest(context, line, controller, [.. entries[n].Args]);
                    break;
                }
            }
        }
    }

    private void WireDmaRequest(NodeContext context, DmaRequestLine line, DeviceTreeNode controller, uint[] cells)
    {
        if (!_byPath.TryGetValue(controller.Path, out IDevice? device))
        {
            Board.Warnings.Add(
                $"{context.Name}: its DMA requests {line.Name} go to {controller.Path}, which is not modelled; nothing will see them"
            );
            return;
        }

        string problem = "it is no DMA controller";
        IDmaRequestInput input =
            (device as IDmaController)?.ConnectDma(cells, line, out problem)
            ?? throw new BoardException(
                $"{context.Node.Path}: DMA {line.Name} <{Show(cells)}> does not fit {device.Name}: {problem}"
            );
        line.Connect(input);
    }

    private void WirePins(NodeContext context)
    {
        foreach ((InterruptLine line, PhandleArgs pin) in context.PinLines)
        {
            if (!_byPath.TryGetValue(pin.Node!.Path, out IDevice? device))
            {
                Board.Warnings.Add(
                    $"{context.Name}: {line.Name} goes to {pin.Node.Path}, which is not modelled; nothing will see it"
                );
                continue;
            }

            string problem = "it has no pins";
            uint[] cells = [.. pin.Args];
            InterruptInput input =
                (device as IPinController)?.FindPin(cells, out problem)
                ?? throw new BoardException(
                    $"{context.Node.Path}: {line.Name} <{Show(cells)}> does not fit {device.Name}: {problem}"
                );
            line.Connect(input);
        }
    }

    private (DeviceTreeNode Iommu, uint[] StreamIds)? FindIommu(DeviceTreeNode node)
    {
        PhandleArgs[] iommus = [.. Tree.ReadIommus(node).Where(entry => entry.Node is not null)];
        if (iommus.Length > 0)
        {
            uint[] ids =
            [
                .. from entry in iommus
                where entry.Node == iommus[0].Node
                select entry.Args.Count > 0 ? entry.Args[0] : 0,
            ];
            return (iommus[0].Node!, ids);
        }

        foreach (DeviceTreeNode smmu in Tree.Nodes.Where(candidate => candidate.HasProperty("mmu-masters")))
        {
            foreach (MmuMaster master in Tree.ReadMmuMasters(smmu))
            {
                if (master.Master == node)
                {
                    return (smmu, [.. master.StreamIds]);
                }
            }
        }

        return null;
    }

    private static string Show(IEnumerable<uint> cells) =>
        string.Join(' ', cells.Select(cell => cell.ToString(CultureInfo.InvariantCulture)));

    /// <summary>The context of a node of the tree.</summary>
    private sealed class NodeContext(
        BoardAssembly assembly,
        DeviceTreeNode node,
        string name,
        IReadOnlyList<RegEntry> reg,
        IDevice? owner = null
    ) : DeviceContext
    {
        public DeviceTreeNode Node { get; } = node;

        public List<BusRegion> Regions { get; } = [];

        public List<(InterruptLine Line, int Index)> Lines { get; } = [];

        public List<MasterPort> Ports { get; } = [];

        public List<DmaRequestLine> DmaRequests { get; } = [];

        public override string Name { get; } = name;

        public override Simulation Simulation => assembly.Board.Simulation;

        public List<(InterruptLine Line, PhandleArgs Pin)> PinLines { get; } = [];

        public override IReadOnlyList<string> Children => [.. Node.Children.Select(child => child.Name)];

        public override InterruptLine? PinLine(string child, string property, out uint flags)
        {
            flags = 0;
            IReadOnlyList<PhandleArgs> pins = Node.FindChild(child) is { } at
                ? assembly.Tree.ReadPhandleArgs(at, property, "#gpio-cells")
                : [];
            if (pins is not [{ Node: not null } wanted, ..])
            {
                return null;
            }

            flags = wanted.Args.Count > 1 ? wanted.Args[1] : 0;
            var line = new InterruptLine(Simulation.Trace, Name, child);
            PinLines.Add((line, wanted));
            return line;
        }

        public override IDevice? Parent =>
            Node.Parent is { } parent ? assembly._byPath.GetValueOrDefault(parent.Path) : null;

        public override AddressMapEpoch Epoch => assembly.Board.Bus.Epoch;

        public override IBusTarget SystemBus => assembly.Board.Bus;

        public override uint[]? Cells(string property)
        {
            DeviceTreeProperty? found = Node.FindProperty(property);
            return found is null ? null
                : found.LengthBytes % 4 == 0 ? found.ReadCells()
                : [];
        }

        public override IReadOnlyList<string>? Strings(string property) => Node.FindProperty(property)?.ReadStrings();

        public override void MapRegisters(int index, IBusTarget target)
        {
            if (index >= reg.Count)
            {
                throw new BoardException(
                    $"{Node.Path}: its model needs a 'reg' entry {index}, and the node has {reg.Count}"
                );
            }

            string region = reg.Count == 1 ? Name : string.Create(CultureInfo.InvariantCulture, $"{Name}[{index}]");
            Regions.Add(assembly.Board.Bus.Map(region, reg[index].Address.Value, reg[index].LengthBytes, target));
        }

        public override ulong RegisterSize(int index) => index < reg.Count ? reg[index].LengthBytes : 0;

        public override InterruptLine Interrupt(int index, string pin)
        {
            var line = new InterruptLine(Simulation.Trace, Name, pin);
            Lines.Add((line, index));
            return line;
        }

        public List<(InterruptLine Line, uint[] UnitAddress, uint Interrupt)> MappedLines { get; } = [];

        public override IDevice? Owner => owner;

        public override IReadOnlyList<RangeEntry> Ranges => Node.ReadRanges() ?? [];

        public override void MapRange(int index, IBusTarget target)
        {
            RangeEntry range = Ranges[index];
            ulong start =
                Node.TranslateAddress(range.Parent)
                ?? throw new BoardException($"{Node.Path}: 'ranges' entry {index} is not reachable from the CPU");
            string region = string.Create(CultureInfo.InvariantCulture, $"{Name}.window[{index}]");
            Regions.Add(assembly.Board.Bus.Map(region, start, range.LengthBytes, target));
        }

        public override IReadOnlyList<IDevice> CreateParts(IDevice owner) => assembly.CreateParts(this, owner);

        public override InterruptLine MappedInterrupt(uint[] unitAddress, uint interrupt, string pin)
        {
            var line = new InterruptLine(Simulation.Trace, Name, pin);
            MappedLines.Add((line, unitAddress, interrupt));
            return line;
        }

        public override MasterPort MasterPort()
        {
            var port = new MasterPort(Name);
            Ports.Add(port);
            return port;
        }

        public override DmaRequestLine DmaRequest(IDmaClient client, string name)
        {
            var line = new DmaRequestLine(client, name);
            DmaRequests.Add(line);
            return line;
        }

        public override CpuPort? Cpu(int number) =>
            number < assembly.Board.Cpus.Count ? assembly.Board.Cpus[number] : null;
    }
}
