namespace Emulator.Peripherals;

/// <content>The way of a request up the hierarchy.</content>
public sealed partial class PciFunction
{
    /// <summary>
    /// Routes a memory request of this function (PCI Express Base 2.4, 6.12; PCI Express to PCI Bridge 1.0, 2.3). On each bus
    /// the others that claim the address get it, unless access control redirects requests; otherwise the bridge takes it
    /// up, until it is at the host.
    /// </summary>
    private PciRoute RouteUp(ulong address)
    {
        ushort requesterId = RequesterId;
        bool isRedirected = false;
        PciFunction from = this;
        while (true)
        {
            PciBus bus = from.Bus;
            if (from.ReachesPeers && bus.TryClaim(false, address, from, out PciFunction? peer, out BaseAddress? bar))
            {
                bool stays = bus.IsExpress && from.AccessControl.HasFlag(AccessControl.RequestRedirect);
                if (!stays)
                {
                    PciRoute down = bar is null
                        ? peer!.Secondary!.RouteDown(false, address)
                        : PciRoute.To(peer!, bar, address);
                    return down with { RequesterId = requesterId };
                }

                isRedirected = true;
            }

            if (bus.Bridge is not { } bridge)
            {
                return new PciRoute(PciRouteEnd.Host, null, null, address, 0, requesterId);
            }

            if (bridge.Stop(requesterId, address, isRedirected) is { } end)
            {
                return end == PciRouteEnd.AccessViolation ? PciRoute.Violation(bridge) : PciRoute.Unsupported(bridge);
            }

            if (bridge.TurnsBack(address, isRedirected))
            {
                return bus.RouteDown(false, address) with { RequesterId = requesterId };
            }

            requesterId = bridge.RequesterIdAbove(requesterId);
            from = bridge;
        }
    }

    /// <summary>
    /// The function that a memory request to this address would reach here and now without leaving the root complex; null where
    /// the host or nobody would get it. Nothing is sent.
    /// </summary>
    public PciFunction? FindPeer(ulong address) =>
        RouteUp(address) is { End: PciRouteEnd.Function } route ? route.At : null;

    /// <summary>
    /// Whether what this function sends can get to others on its bus without going further up: always on a conventional bus,
    /// between the ports of a switch, and between functions of one device; between those of a root complex where it routes so.
    /// </summary>
    private bool ReachesPeers => Bus.Bridge is not null || Bus.Fabric.RoutesPeers;

    private bool IsPort => PortType is ExpressPortType.RootPort or ExpressPortType.DownstreamPort;

    /// <summary>Why a bridge does not take a request from its secondary side, or null.</summary>
    private PciRouteEnd? Stop(ushort requesterId, ulong address, bool isRedirected)
    {
        if (!IsBusMaster || !IsPoweredUp)
        {
            return PciRouteEnd.Unsupported;
        }

        AccessControl control = IsPort ? AccessControl : AccessControl.None;
        if (control.HasFlag(AccessControl.SourceValidation) && !IsBelow(requesterId >> 8))
        {
            return PciRouteEnd.AccessViolation;
        }

        bool isInside = Has(PciCommand.MemorySpace) && Forwards(false, address);
        if (!isInside || control.HasFlag(AccessControl.UpstreamForwarding))
        {
            return null;
        }

        // What lies below the bridge does not leave it upwards, except through the switch that redirects it.
        bool passes = isRedirected && PortType == ExpressPortType.UpstreamPort;
        return passes || TurnsBack(address, isRedirected) ? null : PciRouteEnd.Unsupported;
    }

    /// <summary>A root port without upstream forwarding sends a redirected request down again where the complex routes peers.</summary>
    private bool TurnsBack(ulong address, bool isRedirected) =>
        isRedirected
        && PortType == ExpressPortType.RootPort
        && Bus.Fabric.RoutesPeers
        && !AccessControl.HasFlag(AccessControl.UpstreamForwarding)
        && Has(PciCommand.MemorySpace)
        && Forwards(false, address);

    private bool IsBelow(int busNumber) =>
        busNumber >= Configuration.Get8(PciRegister.SecondaryBus)
        && busNumber <= Configuration.Get8(PciRegister.SubordinateBus);

    /// <summary>
    /// The ID under which a bridge passes on what comes from its secondary bus. A bridge to a conventional bus has no ID of the
    /// requester to pass on: PCI Express to PCI bridges use their secondary bus number with device and function 0, conventional
    /// bridges appear as themselves.
    /// </summary>
    private ushort RequesterIdAbove(ushort requesterId) =>
        PortType switch
        {
            ExpressPortType.RootPort or ExpressPortType.UpstreamPort or ExpressPortType.DownstreamPort => requesterId,
            ExpressPortType.ToConventionalBridge => (ushort)(Secondary!.Number << 8),
            _ => RequesterId,
        };
}
