using Emulator.Machine;

namespace Emulator.Peripherals;

/// <content>Memory requests that the function makes.</content>
public sealed partial class PciFunction
{
    /// <summary>A request does not cross 4 KiB (PCI Express Base 2.2.7).</summary>
    private const ulong PageBytes = 0x1000;

    private static readonly TraceKind Sent = new(
        "pci.request",
        Severity.Debug,
        "{function} {access} {length} bytes at {address} as {requester}: to {end}"
    );

    private static readonly TraceKind Refused = new(
        "pci.refused",
        Severity.Error,
        "{function} {access} {length} bytes at {address}: {reason} at {where}"
    );

    private static readonly TraceKind Silent = new(
        "pci.not-master",
        Severity.Warning,
        "{function} would access {address}, but Bus Master Enable is 0"
    );

    /// <summary>Reads memory as a bus master. When the answer is not OKAY the buffer's content means nothing.</summary>
    public BusStatus ReadMemory(ulong address, Span<byte> data)
    {
        while (!data.IsEmpty)
        {
            if (!TryRoute(address, data.Length, isWrite: false, out PciRoute route))
            {
                return Fail(route);
            }

            int length = (int)Math.Min((ulong)data.Length, route.RoomBytes);
            BusStatus status =
                route.End == PciRouteEnd.Host
                    ? Bus.Fabric.Upstream.Read(address, data[..length], Bus.Fabric.Signals(this, route.RequesterId))
                    : route.Target!.Read(
                        route.Offset,
                        data[..length],
                        new Transaction { Initiator = this, RequesterId = RequesterId }
                    );
            if (status != BusStatus.Okay)
            {
                Configuration.Change16(PciRegister.Status, 0, (int)ReceivedFor(status));
                return status;
            }

            data = data[length..];
            address += (ulong)length;
        }

        return BusStatus.Okay;
    }

    /// <summary>Writes memory as a bus master. Writes are posted: the answer is for tests, no function hears it.</summary>
    public BusStatus WriteMemory(ulong address, ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
        {
            if (!TryRoute(address, data.Length, isWrite: true, out PciRoute route))
            {
                return StatusOf(route);
            }

            int length = (int)Math.Min((ulong)data.Length, route.RoomBytes);
            BusStatus status =
                route.End == PciRouteEnd.Host
                    ? Bus.Fabric.Upstream.Write(address, data[..length], Bus.Fabric.Signals(this, route.RequesterId))
                    : route.Target!.Write(
                        route.Offset,
                        data[..length],
                        new Transaction { Initiator = this, RequesterId = RequesterId }
                    );
            if (status != BusStatus.Okay)
            {
                return status;
            }

            data = data[length..];
            address += (ulong)length;
        }

        return BusStatus.Okay;
    }

    private static BusStatus StatusOf(in PciRoute route) =>
        route.End == PciRouteEnd.AccessViolation ? BusStatus.SlaveError : BusStatus.DecodeError;

    /// <summary>A completer abort shows as a target abort, an unsupported request as a master abort.</summary>
    private static PciStatus ReceivedFor(BusStatus status) =>
        status == BusStatus.SlaveError ? PciStatus.ReceivedTargetAbort : PciStatus.ReceivedMasterAbort;

    private BusStatus Fail(in PciRoute route)
    {
        BusStatus status = StatusOf(route);
        if (IsBusMaster)
        {
            Configuration.Change16(PciRegister.Status, 0, (int)ReceivedFor(status));
        }

        return status;
    }

    private bool TryRoute(ulong address, int lengthBytes, bool isWrite, out PciRoute route)
    {
        Trace trace = Bus.Fabric.Trace;
        if (!IsBusMaster)
        {
            trace.Emit(Silent, Name, TraceField.Of("function", Name), TraceField.Hex("address", address));
            route = PciRoute.Unsupported(this);
            return false;
        }

        route = RouteUp(address);
        if (route.End == PciRouteEnd.Host)
        {
            route = route with { RoomBytes = PageBytes - (address & (PageBytes - 1)) };
        }

        bool succeeds = route.End is PciRouteEnd.Host or PciRouteEnd.Function;
        if (!succeeds || trace.IsOn)
        {
            Report(trace, address, lengthBytes, isWrite, route);
        }

        if (!succeeds)
        {
            route.At?.RecordRefusal(route.End, isWrite);
        }

        return succeeds;
    }

    private void Report(Trace trace, ulong address, int lengthBytes, bool isWrite, in PciRoute route)
    {
        bool succeeds = route.End is PciRouteEnd.Host or PciRouteEnd.Function;
        string reason = route.End == PciRouteEnd.AccessViolation ? "access control violation" : "unsupported request";
        trace.Emit(
            succeeds ? Sent : Refused,
            Name,
            TraceField.Of("function", Name),
            TraceField.Of("access", isWrite ? "writes" : "reads"),
            TraceField.Decimal("length", (ulong)lengthBytes),
            TraceField.Hex("address", address),
            TraceField.Hex("requester", route.RequesterId),
            TraceField.Of("end", route.At?.Name ?? "the host"),
            TraceField.Of("reason", reason),
            TraceField.Of("where", route.At?.Name ?? "the root complex")
        );
    }

    /// <summary>What a port writes down of a request that it refused (PCI Express Base 6.2, 6.12.3).</summary>
    private void RecordRefusal(PciRouteEnd end, bool isWrite)
    {
        ConfigurationLayout layout = Configuration.Layout;
        bool isViolation = end == PciRouteEnd.AccessViolation;
        if (layout.ErrorReportingAt is var at and not 0)
        {
            uint bit = isViolation ? 1u << 21 : 1u << 20;
            Configuration.Set32(at + 4, Configuration.Get32(at + 4) | bit);
        }

        if (layout.ExpressAt is var express and not 0)
        {
            const int NonFatal = 1 << 1;
            const int UnsupportedRequest = 1 << 3;
            int status = isViolation ? NonFatal : NonFatal | UnsupportedRequest;
            Configuration.Change16(express + ExpressCapabilityLayout.DeviceStatus, 0, status);
        }

        if (isViolation && !isWrite)
        {
            Configuration.Change16(PciRegister.SecondaryStatus, 0, (int)PciStatus.SignalledTargetAbort);
        }
    }
}
