namespace Emulator.KernelShim.Tests;

/// <summary>
/// The rules of grouping written down once more from their description (facts of VFIO, section 2.3), over the made-up tree
/// alone: joins one function after the other and gives each a number.
/// </summary>
internal sealed class NaiveGroups
{
    private const int Required = 0x01 | 0x04 | 0x08 | 0x10;

    private readonly Dictionary<FakeFunction, int> _groups = [];
    private readonly Dictionary<FakeFunction, FakeFunction?> _parents = [];
    private readonly Dictionary<FakeFunction, List<FakeFunction>> _buses = [];
    private int _next;

    public NaiveGroups(List<FakeFunction> root) => Note(root, null);

    public int Join(FakeFunction function)
    {
        int group = Existing(function) ?? _next++;
        _groups[function] = group;
        return group;
    }

    private void Note(List<FakeFunction> bus, FakeFunction? above)
    {
        foreach (FakeFunction function in bus)
        {
            _parents[function] = above;
            _buses[function] = bus;
            Note(function.Below, function);
        }
    }

    private int? Existing(FakeFunction function)
    {
        // 1. Bridges that take ownership of what comes from behind them.
        FakeFunction unit = function;
        if (GroupOf(unit) is { } own)
        {
            return own;
        }

        for (FakeFunction? bridge = _parents[function]; bridge is not null; bridge = _parents[bridge])
        {
            bool takesOwnership = bridge.Type is null or PciExpressType.PciBridge or PciExpressType.PcieBridge;
            if (!takesOwnership)
            {
                continue;
            }

            unit = bridge;
            if (GroupOf(unit) is { } group)
            {
                return group;
            }
        }

        // 2. Up to where every port to the root redirects what goes to peers.
        for (FakeFunction? bridge = _parents[unit]; bridge is not null; bridge = _parents[bridge])
        {
            bool isPathIsolated = true;
            for (FakeFunction? port = bridge; port is not null; port = _parents[port])
            {
                isPathIsolated &= IsIsolated(port);
            }

            if (isPathIsolated)
            {
                break;
            }

            unit = bridge;
            if (GroupOf(unit) is { } group)
            {
                return group;
            }
        }

        // 3. Functions of the slot that are as little isolated as the unit.
        if (!IsMultifunction(unit) || IsIsolated(unit))
        {
            return null;
        }

        return _buses[unit]
            .Where(other => other != unit && other.Devfn >> 3 == unit.Devfn >> 3 && !IsIsolated(other))
            .Select(GroupOf)
            .FirstOrDefault(group => group is not null);
    }

    private int? GroupOf(FakeFunction function) => _groups.TryGetValue(function, out int group) ? group : null;

    private static bool IsMultifunction(FakeFunction function) =>
        (function.Devfn & 7) != 0 || (function.Read(0x0E, 1) & 0x80) != 0;

    private static bool IsIsolated(FakeFunction function)
    {
        switch (function.Type)
        {
            case null or PciExpressType.PciBridge or PciExpressType.PcieBridge or PciExpressType.EventCollector:
                return false;
            case PciExpressType.RootPort or PciExpressType.Downstream:
                break;
            default:
                if (!IsMultifunction(function))
                {
                    return true;
                }

                break;
        }

        return function.Access is { } words && (Required & words.Capability & ~words.Control) == 0;
    }
}
