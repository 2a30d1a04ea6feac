using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>The root of a PCI hierarchy: what its buses and functions share.</summary>
internal abstract class PciFabric
{
    /// <summary>The number of the root bus.</summary>
    public abstract int FirstBus { get; }

    /// <summary>The trace.</summary>
    public abstract Trace Trace { get; }

    /// <summary>Where requests leave the root complex.</summary>
    public abstract MasterPort Upstream { get; }

    /// <summary>Whether the root complex routes requests between its own ports, instead of handing all to the IOMMU.</summary>
    public abstract bool RoutesPeers { get; }

    /// <summary>The signals of a request that leaves the root complex.</summary>
    public Transaction Signals(PciFunction function, ushort requesterId) =>
        Upstream.Signals(function, requesterId, TransactionFlags.None);

    /// <summary>Configuration changed: what has been looked up may be wrong now.</summary>
    public abstract void Changed();

    /// <summary>Drives an interrupt pin (0 to 3) of a function on the root bus.</summary>
    public abstract void DriveInterrupt(int devfn, int pin, bool level);
}
