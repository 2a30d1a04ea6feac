namespace Emulator.KernelShim.Tests;

/// <summary>Random trees of ports, switches, bridges and cards with random ACS words, from a seed.</summary>
internal sealed class RandomTrees(int seed)
{
    private const int MostFunctions = 60;
    private const int MostBridges = 40;

    private readonly Random _random = new(seed);
    private int _functions;
    private int _bridges;

    public FakeTree Make()
    {
        var tree = new FakeTree();
        Fill(tree.Root, Place.RootBus, depth: 0);
        return tree;
    }

    /// <summary>What a bus is behind.</summary>
    private enum Place
    {
        RootBus,
        Link,
        SwitchBus,
        Conventional,
    }

    private void Fill(List<FakeFunction> bus, Place place, int depth)
    {
        int devices = place == Place.Link ? 1 : _random.Next(1, 5);
        for (int device = 0; device < devices && _functions < MostFunctions; device++)
        {
            int functions = _random.Next(3) == 0 ? _random.Next(2, 5) : 1;
            for (int function = 0; function < functions && _functions < MostFunctions; function++)
            {
                Add(bus, place, device << 3 | function, functions > 1, depth);
            }
        }
    }

    private void Add(List<FakeFunction> bus, Place place, int devfn, bool isMultifunction, int depth)
    {
        _functions++;
        bool mayBridge = depth < 5 && _bridges < MostBridges;
        (PciExpressType? type, bool isBridge, Place below) = (place, mayBridge ? _random.Next(6) : 5) switch
        {
            (Place.RootBus, 0 or 1 or 2) => ((PciExpressType?)PciExpressType.RootPort, true, Place.Link),
            (Place.RootBus, 3) => (PciExpressType.PciBridge, true, Place.Conventional),
            (Place.RootBus, 4) => (null, true, Place.Conventional),
            (Place.RootBus, _) => (_random.Next(2) == 0 ? PciExpressType.RootComplexEndpoint : null, false, default),
            (Place.Link, 0 or 1) => (PciExpressType.Upstream, true, Place.SwitchBus),
            (Place.Link, 2) => (PciExpressType.PciBridge, true, Place.Conventional),
            (Place.Link, _) => (PciExpressType.Endpoint, false, default),
            (Place.SwitchBus, _) when mayBridge => (PciExpressType.Downstream, true, Place.Link),
            (Place.SwitchBus, _) => (PciExpressType.Endpoint, false, default),
            (_, 0) => (null, true, Place.Conventional),
            _ => (null, false, default),
        };
        var function = new FakeFunction(devfn, isBridge, type, type is null ? null : Access(), isMultifunction);
        bus.Add(function);
        if (isBridge)
        {
            _bridges++;
            Fill(function.Below, below, depth + 1);
        }
    }

    private (int Capability, int Control)? Access() =>
        _random.Next(4) switch
        {
            0 => null,
            1 => (0x5F, 0x1D),
            _ => (_random.Next(0x80), _random.Next(0x80)),
        };
}
