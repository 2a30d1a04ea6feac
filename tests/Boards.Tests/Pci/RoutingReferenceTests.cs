using System.Globalization;
using Emulator.Machine;
using Emulator.Peripherals;

namespace Emulator.Boards.Tests;

/// <summary>
/// Random trees with random windows, decoders and access control against a naive router that is written straight from the rules:
/// it knows the whole tree and asks of every pair of functions. <c>PCI_TREES</c> sets how many.
/// </summary>
public sealed class RoutingReferenceTests
{
    private const ulong Memory = 0x4000_0000;

    [Fact]
    public void Requests_end_where_a_naive_router_says()
    {
        int count = int.TryParse(
            Environment.GetEnvironmentVariable("PCI_TREES"),
            CultureInfo.InvariantCulture,
            out int wanted
        )
            ? wanted
            : 120;
        int ends = 0;
        for (int seed = 0; seed < count; seed++)
        {
            var tree = new RandomTree(seed);
            foreach (RandomTree.Node card in tree.Cards)
            {
                foreach (ulong address in tree.Addresses)
                {
                    string expected = NaiveRouter.End(tree, card, address);
                    tree.Send(card, address)
                        .Should()
                        .Be(expected, $"seed {seed}: {card.Name} to {address:x}\n{tree.Describe()}");
                    ends |= 1 << (expected.Length == 0 ? 0 : expected[0] & 31);
                }
            }
        }

        int.PopCount(ends).Should().BeGreaterThanOrEqualTo(4, "all kinds of ends are met");
    }

    /// <summary>The rules, function by function: nothing is looked up, everything is asked again.</summary>
    private static class NaiveRouter
    {
        public static string End(RandomTree tree, RandomTree.Node card, ulong address)
        {
            if (!card.IsMaster)
            {
                return "refused";
            }

            bool isRedirected = false;
            for (RandomTree.Node from = card; ; from = from.Parent!)
            {
                if (from.Parent is null)
                {
                    return "host";
                }

                RandomTree.Node? peer = tree.Nodes.FirstOrDefault(node =>
                    node.Parent == from.Parent && node != from && Claims(node, address)
                );
                if (peer is not null)
                {
                    if (!from.Parent.IsConventional && from.Redirects)
                    {
                        isRedirected = true;
                    }
                    else
                    {
                        return Descend(tree, peer, address);
                    }
                }

                RandomTree.Node bridge = from.Parent;
                if (!bridge.IsMaster)
                {
                    return "refused";
                }

                if (bridge.Validates && (card.Bus < bridge.Secondary || card.Bus > bridge.Subordinate))
                {
                    return "violation";
                }

                bool isInside = bridge.Decodes && address >= bridge.Start && address <= bridge.Last;
                bool passes = bridge.Forwards || (isRedirected && bridge.Kind is "x3130-upstream");
                if (isInside && !passes)
                {
                    return "refused";
                }
            }
        }

        private static bool Claims(RandomTree.Node node, ulong address) =>
            node.Decodes && address >= node.Start && address <= node.Last;

        private static string Descend(RandomTree tree, RandomTree.Node node, ulong address)
        {
            while (node.IsBridge)
            {
                RandomTree.Node? below = tree.Nodes.FirstOrDefault(child =>
                    child.Parent == node && Claims(child, address)
                );
                if (below is null)
                {
                    return "refused";
                }

                node = below;
            }

            return node.Name;
        }
    }

    /// <summary>A tree of ports, switches and bridges, with an edu in most places.</summary>
    private sealed class RandomTree
    {
        private readonly Random _random;
        private readonly PciBoard _board;
        private readonly List<string> _devices = [];
        private int _buses;

        public RandomTree(int seed)
        {
            _random = new Random(seed);
            int ports = 1 + _random.Next(3);
            for (int n = 0; n < ports; n++)
            {
                string acs = _random.Next(3) == 0 ? ",disable-acs=on" : "";
                Node port = Add(null, "pcie-root-port", $"addr={n + 1},chassis=1,slot={Nodes.Count}{acs}", n + 1);
                port.HasControl = acs.Length == 0;
                Below(port, 0);
            }

            Add(null, "edu", $"addr={ports + 1}", ports + 1);
            _board = new PciBoard([.. _devices]);
            foreach (Node node in Nodes)
            {
                Configure(node);
            }

            foreach (Node port in Nodes.Where(node => node.HasControl && _random.Next(4) == 0))
            {
                Renumber(port);
            }
        }

        public List<Node> Nodes { get; } = [];

        public IEnumerable<Node> Cards => Nodes.Where(node => !node.IsBridge);

        public IEnumerable<ulong> Addresses =>
            Nodes
                .SelectMany(node => new[] { node.Start, node.Last & ~3UL })
                .Append(Memory)
                .Where(at => at != 0)
                .Distinct();

        public string Describe() =>
            string.Join(
                '\n',
                Nodes.Select(node => $"{node.Name} {node.Kind} in {node.Parent?.Name} {node.Start:x}-{node.Last:x}")
            );

        public string Send(Node card, ulong address)
        {
            var sink = new LastEnd();
            _board.Board.Simulation.Trace.Add(sink);
            _board.Device<Edu>(card.Name).Function.ReadMemory(address, new byte[4]);
            _board.Board.Simulation.Trace.Remove(sink);
            return sink.End;
        }

        private void Below(Node port, int depth)
        {
            switch (_random.Next(depth > 1 ? 2 : 5))
            {
                case 0:
                    return;
                case 1:
                    AddCard(port, 0);
                    return;
                case 2:
                    Node bridge = Add(port, "pcie-pci-bridge", "", 0);
                    for (int n = 1; n < 4; n++)
                    {
                        AddCard(bridge, n);
                    }

                    return;
                case 3:
                    Node upstream = Add(port, "x3130-upstream", "", 0);
                    for (int n = 0; n < 2 + _random.Next(2); n++)
                    {
                        Node down = Add(upstream, "xio3130-downstream", $"addr={n},chassis=2,slot={Nodes.Count}", n);
                        Below(down, depth + 1);
                    }

                    return;
                default:
                    Add(port, "edu", "addr=0.0,multifunction=on", 0);
                    Add(port, "edu", "addr=0.1", 0).Function = 1;
                    return;
            }
        }

        private void AddCard(Node bus, int device) => Add(bus, "edu", $"addr={device}", device);

        private Node Add(Node? parent, string kind, string more, int device)
        {
            var node = new Node
            {
                Name = $"n{Nodes.Count}",
                Kind = kind,
                Parent = parent,
                Device = device,
            };
            Nodes.Add(node);
            string bus = parent?.Name ?? "pcie.0";
            _devices.Add($"{kind},id={node.Name},bus={bus}{(more.Length == 0 ? "" : "," + more)}");
            return node;
        }

        /// <summary>Numbers and windows as enumeration would give them, some of them wrong.</summary>
        private void Configure(Node node)
        {
            node.Bus = node.Parent?.Secondary ?? 0;
            node.IsMaster = _random.Next(8) != 0;
            node.Decodes = _random.Next(6) != 0;
            uint command = (node.IsMaster ? 4u : 0) | (node.Decodes ? 2u : 0);
            if (node.IsBridge)
            {
                node.Secondary = ++_buses;
                node.Subordinate = _buses + Nodes.Count(other => other.IsBridge && other.IsBelow(node));
                _board.SetBuses(node.Bus, node.Device, 0, node.Secondary, node.Subordinate);
                ulong first = (ulong)_random.Next(0x100, 0x110);
                ulong last = first + (ulong)_random.Next(8);
                node.Start = first << 20;
                node.Last = (last << 20) | 0xF_FFFF;
                _board.Write(node.Bus, node.Device, 0, 0x20, (uint)((first << 4) | (last << 20)));
                Control(node);
            }
            else
            {
                node.Start = (ulong)_random.Next(0x100, 0x118) << 20;
                node.Last = node.Start + 0xF_FFFF;
                _board.Write(node.Bus, node.Device, node.Function, 0x10, (uint)node.Start);
            }

            _board.Write(node.Bus, node.Device, node.Function, 4, command, 2);
        }

        /// <summary>What is below keeps the bus numbers that it has captured.</summary>
        private void Renumber(Node port)
        {
            const int Elsewhere = 100;
            port.Secondary += Elsewhere;
            port.Subordinate += Elsewhere;
            _board.SetBuses(port.Bus, port.Device, 0, port.Secondary, port.Subordinate);
        }

        private void Control(Node node)
        {
            if (!node.HasControl)
            {
                return;
            }

            uint control = (uint)_random.Next(0x20);
            _board.Write(node.Bus, node.Device, 0, 0x14E, control, 2);
            node.Validates = (control & 1) != 0;
            node.Redirects = (control & 4) != 0;
            node.Forwards = (control & 0x10) != 0;
        }

        public sealed class Node
        {
            public string Name { get; init; } = "";

            public string Kind { get; init; } = "";

            public Node? Parent { get; init; }

            public int Device { get; init; }

            public int Function { get; set; }

            public int Bus { get; set; }

            public int Secondary { get; set; }

            public int Subordinate { get; set; }

            public ulong Start { get; set; }

            public ulong Last { get; set; }

            public bool IsMaster { get; set; }

            public bool Decodes { get; set; }

            public bool HasControl { get; set; }

            public bool Validates { get; set; }

            public bool Redirects { get; set; }

            public bool Forwards { get; set; }

            public bool IsBridge => Kind is not "edu";

            public bool IsConventional => Kind is "pcie-pci-bridge";

            public bool IsBelow(Node other)
            {
                for (Node? node = Parent; node is not null; node = node.Parent)
                {
                    if (node == other)
                    {
                        return true;
                    }
                }

                return false;
            }
        }

        /// <summary>What the trace says of the request.</summary>
        private sealed class LastEnd : ITraceSink
        {
            public string End { get; private set; } = "nothing";

            public void Write(TraceEvent traceEvent)
            {
                string Field(string name) =>
                    traceEvent.Fields.First(field => string.Equals(field.Name, name, StringComparison.Ordinal)).Value;
                End = traceEvent.Kind.Name switch
                {
                    "pci.request" => Field("end") is "the host" ? "host" : Field("end"),
                    "pci.not-master" => "refused",
                    "pci.refused" => Field("reason") is "unsupported request" ? "refused" : "violation",
                    _ => End,
                };
            }
        }
    }
}
