using System.Text;

namespace Emulator.Userland;

/// <summary>The buses below bridges, and lspci -t's picture of them.</summary>
/// <remarks>How functions find their bus, where the kernel does not tell and where bus numbers are odd, is as in ls-tree.c.</remarks>
internal sealed class LspciTree
{
    private const int LongestLine = 1023;

    private readonly LspciOptions _show;
    private readonly Bridge _host = new(
        null,
        domain: 0,
        primary: uint.MaxValue,
        secondary: 0,
        subordinate: uint.MaxValue
    );
    private readonly List<Bridge> _bridges;
    private readonly Dictionary<PciFunction, Bridge> _bridgeOf = [];
    private readonly Dictionary<PciFunction, Bridge> _above = [];

    /// <summary>Builds the tree.</summary>
    /// <param name="functions">All functions, in the order of their addresses.</param>
    /// <param name="show">How to show it.</param>
    public LspciTree(IReadOnlyList<PciFunction> functions, LspciOptions show)
    {
        _show = show;
        _bridges = [_host];
        AddBridges(functions);
        foreach (Bridge bridge in _bridges)
        {
            if (ParentOf(bridge) is { } parent)
            {
                parent.Children.Insert(0, bridge);
            }
        }

        foreach (Bridge bridge in _bridges)
        {
            bridge.FindOrAdd(bridge.Domain, (int)bridge.Secondary);
        }

        foreach (PciFunction function in functions)
        {
            Insert(function, _host);
        }
    }

    /// <summary>The bridge above a function; null on a root bus.</summary>
    public PciFunction? BridgeAbove(PciFunction function) => _above.GetValueOrDefault(function)?.Function;

    /// <summary>The picture.</summary>
    public string Draw()
    {
        var output = new StringBuilder();
        DrawBridge(_host, new StringBuilder(), output);
        return output.ToString();
    }

    private void AddBridges(IReadOnlyList<PciFunction> functions)
    {
        foreach (PciFunction function in functions)
        {
            if (function.Class >> 8 == 6 && function.HeaderType is 1 or 2)
            {
                PciConfig config = function.Config;
                Add(function, (uint)config.Byte(0x18), (uint)config.Byte(0x19), (uint)config.Byte(0x1A));
            }
        }

        foreach (PciFunction function in functions)
        {
            if (function.Parent is { } parent && !_bridgeOf.ContainsKey(parent))
            {
                uint bus = (uint)function.Address.Bus;
                Add(parent, (uint)parent.Address.Bus, bus, bus);
            }
        }
    }

    private void Add(PciFunction function, uint primary, uint secondary, uint subordinate)
    {
        var bridge = new Bridge(function, function.Address.Domain, primary, secondary, subordinate);
        _bridges.Add(bridge);
        _bridgeOf[function] = bridge;
    }

    /// <summary>The bridge above a bridge: the kernel's word, or the narrowest that has its primary bus behind it.</summary>
    private Bridge? ParentOf(Bridge bridge)
    {
        if (bridge.Function?.Parent is { } parent && _bridgeOf.TryGetValue(parent, out Bridge? known))
        {
            return known;
        }

        Bridge? best = null;
        foreach (Bridge candidate in _bridges)
        {
            bool isSameDomain = candidate == _host || candidate.Domain == bridge.Domain;
            bool hasIt = bridge.Primary >= candidate.Secondary && bridge.Primary <= candidate.Subordinate;
            if (candidate != bridge && isSameDomain && hasIt && (best is null || best.Width > candidate.Width))
            {
                best = candidate;
            }
        }

        return best;
    }

    private void Insert(PciFunction function, Bridge bridge)
    {
        PciAddress at = function.Address;
        if (function.Parent is { } parent && _bridgeOf.TryGetValue(parent, out Bridge? above))
        {
            Put(function, above, above.Buses.Count > 0 ? above.Buses[0] : above.FindOrAdd(at.Domain, at.Bus));
        }
        else if (bridge.Find(at.Domain, at.Bus) is { } bus)
        {
            Put(function, bridge, bus);
        }
        else if (bridge.Children.Find(child => child.Has(at)) is { } child)
        {
            Insert(function, child);
        }
        else
        {
            Put(function, bridge, bridge.FindOrAdd(at.Domain, at.Bus));
        }
    }

    private void Put(PciFunction function, Bridge bridge, Bus bus)
    {
        bus.Functions.Add(function);
        _above[function] = bridge;
    }

    private bool IsShown(PciFunction function) =>
        !_show.IsFiltered
        || _show.Filter.Matches(function)
        || (_bridgeOf.TryGetValue(function, out Bridge? bridge) && bridge.Buses.Exists(IsShown));

    private bool IsShown(Bus bus) => !_show.IsFiltered || bus.Functions.Exists(IsShown);

    private void DrawBridge(Bridge bridge, StringBuilder line, StringBuilder output)
    {
        line.Append('-');
        int start = line.Length;
        if (bridge.Buses is [var only])
        {
            if (!IsShown(only))
            {
                End(line, output);
                return;
            }

            line.Append(bridge == _host ? $"[{bridge.Domain:x4}:{only.Number:x2}]-" : "");
            DrawBus(only, line, output);
            return;
        }

        Bus[] shown = [.. bridge.Buses.Where(IsShown)];
        foreach (Bus bus in shown)
        {
            line.Length = start;
            line.Append(bus == bridge.Buses[^1] ? '\\' : '+').Append($"-[{bus.Domain:x4}:{bus.Number:x2}]-");
            DrawBus(bus, line, output);
        }

        if (shown.Length == 0)
        {
            End(line, output);
        }
    }

    private void DrawBus(Bus bus, StringBuilder line, StringBuilder output)
    {
        PciFunction[] shown = [.. bus.Functions.Where(IsShown)];
        if (shown.Length == 0)
        {
            End(line, output);
        }
        else if (bus.Functions.Count == 1)
        {
            line.Append("--");
            DrawFunction(shown[0], line, output);
        }
        else
        {
            int start = line.Length;
            foreach (PciFunction function in shown)
            {
                line.Length = start;
                line.Append(function == bus.Functions[^1] ? "\\-" : "+-");
                DrawFunction(function, line, output);
            }
        }
    }

    private void DrawFunction(PciFunction function, StringBuilder line, StringBuilder output)
    {
        line.Append($"{function.Address.Slot:x2}.{function.Address.Function:x}");
        if (_bridgeOf.TryGetValue(function, out Bridge? bridge))
        {
            line.Append(
                bridge.Secondary == 0 ? "-"
                : bridge.Secondary == bridge.Subordinate ? $"-[{bridge.Secondary:x2}]-"
                : $"-[{bridge.Secondary:x2}-{bridge.Subordinate:x2}]-"
            );
            DrawBridge(bridge, line, output);
            return;
        }

        line.Append(_show.Verbose > 0 ? $"  {_show.Names.Full(function.Vendor, function.Device)}" : "");
        End(line, output);
    }

    /// <summary>Ends a line, and leaves of it what connects the next ones.</summary>
    private static void End(StringBuilder line, StringBuilder output)
    {
        bool isTooLong = line.Length >= LongestLine;
        output.Append(line, 0, Math.Min(line.Length, LongestLine)).Append(isTooLong ? "...\n" : "\n");
        for (int n = 0; n < line.Length; n++)
        {
            line[n] = line[n] is '+' or '|' ? '|' : ' ';
        }
    }

    private sealed class Bus(int domain, int number)
    {
        public int Domain => domain;

        public int Number => number;

        public List<PciFunction> Functions { get; } = [];
    }

    private sealed class Bridge(PciFunction? function, int domain, uint primary, uint secondary, uint subordinate)
    {
        /// <summary>The bridge's function; null of the host's bridge, above all root buses.</summary>
        public PciFunction? Function => function;

        public int Domain => domain;

        public uint Primary => primary;

        public uint Secondary => secondary;

        public uint Subordinate => subordinate;

        public List<Bridge> Children { get; } = [];

        public List<Bus> Buses { get; } = [];

        public uint Width => unchecked(Subordinate - Primary);

        public bool Has(PciAddress at) => Domain == at.Domain && Secondary <= at.Bus && at.Bus <= Subordinate;

        public Bus? Find(int domain, int number) => Buses.Find(bus => bus.Domain == domain && bus.Number == number);

        public Bus FindOrAdd(int domain, int number)
        {
            if (Find(domain, number) is { } found)
            {
                return found;
            }

            var bus = new Bus(domain, number);
            Buses.Add(bus);
            return bus;
        }
    }
}
