using System.Diagnostics;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>A PCI bus or PCI Express link, and the functions on it.</summary>
[DebuggerDisplay("bus {Number,h} with {Functions.Count} functions")]
public sealed partial class PciBus
{
    private readonly PciFunction?[] _byDevfn = new PciFunction?[256];
    private readonly List<PciFunction> _functions = [];
    private readonly List<PciFunction> _bridges = [];

    internal PciBus(PciFabric fabric, PciFunction? bridge, bool isExpress)
    {
        Fabric = fabric;
        Bridge = bridge;
        IsExpress = isExpress;
    }

    /// <summary>The bridge whose secondary bus it is; null for a root bus.</summary>
    public PciFunction? Bridge { get; }

    /// <summary>Whether it is a link, or the inside of a root complex or switch, and not a shared conventional bus.</summary>
    public bool IsExpress { get; }

    /// <summary>The functions in order of device and function number.</summary>
    public IReadOnlyList<PciFunction> Functions => _functions;

    /// <summary>Its number, which software gave to its bridge.</summary>
    public int Number => Bridge?.Configuration.Get8(PciRegister.SecondaryBus) ?? Fabric.FirstBus;

    internal PciFabric Fabric { get; }

    /// <summary>Whether the bus is held in reset by its bridge.</summary>
    internal bool IsInReset =>
        Bridge is not null && (Bridge.Configuration.Get16(PciRegister.BridgeControl) & (1 << 6)) != 0;

    /// <summary>Whether the bus is a point-to-point link below a port, where only device 0 is.</summary>
    internal bool IsLink => Bridge?.PortType is ExpressPortType.RootPort or ExpressPortType.DownstreamPort;

    internal PciFunction? this[int devfn] => _byDevfn[devfn] is { IsPresent: true } function ? function : null;

    /// <summary>Notes a bridge, in order of device and function number, so that cycles need not look at every card.</summary>
    internal void AddBridge(PciFunction bridge)
    {
        int place = _bridges.FindIndex(known => known.Devfn > bridge.Devfn);
        _bridges.Insert(place < 0 ? _bridges.Count : place, bridge);
    }

    internal void Add(PciFunction function)
    {
        if (_byDevfn[function.Devfn] is { } other)
        {
            throw new BoardException(
                $"{function.Name}: slot {function.Devfn >> 3}.{function.Devfn & 7} is taken by {other.Name}"
            );
        }

        if (IsLink && function.Devfn >> 3 != 0 && function.Model.VirtualizedBy is null)
        {
            throw new BoardException(
                $"{function.Name}: {Bridge!.Name} is a port, and a link has only device 0, not {function.Devfn >> 3}"
            );
        }

        _byDevfn[function.Devfn] = function;
        int place = _functions.FindIndex(known => known.Devfn > function.Devfn);
        _functions.Insert(place < 0 ? _functions.Count : place, function);
        Fabric.Changed();
    }

    /// <summary>
    /// The function that a configuration cycle with this bus number reaches: type 0 on its own bus, type 1 through the bridges
    /// whose secondary and subordinate numbers include it (PCI Express Base 7.3.3).
    /// </summary>
    internal PciFunction? Route(int busNumber, int devfn)
    {
        PciBus bus = this;
        while (busNumber != bus.Number)
        {
            if (bus.BridgeTo(busNumber) is not { } bridge)
            {
                return null;
            }

            bus = bridge.Secondary!;
        }

        bool isElsewhere = devfn >> 3 != 0 && bus.IsLink && !bus.Bridge!.ForwardsAri;
        return isElsewhere ? null : bus[devfn];
    }

    private PciFunction? BridgeTo(int busNumber)
    {
        foreach (PciFunction function in _bridges)
        {
            if (
                function.Secondary is { IsInReset: false }
                && busNumber >= function.Configuration.Get8(PciRegister.SecondaryBus)
                && busNumber <= function.Configuration.Get8(PciRegister.SubordinateBus)
            )
            {
                return function;
            }
        }

        return null;
    }
}
