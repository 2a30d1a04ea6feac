using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>Where a request ends.</summary>
internal enum PciRouteEnd
{
    /// <summary>At a register or memory of a function.</summary>
    Function,

    /// <summary>At the host: it leaves the root complex for the IOMMU.</summary>
    Host,

    /// <summary>Nowhere: whoever received it does not support it, or (conventional) nobody claimed it.</summary>
    Unsupported,

    /// <summary>At a port whose access control stopped it.</summary>
    AccessViolation,
}

/// <summary>The way of a request through the fabric.</summary>
/// <param name="End">Where it ends.</param>
/// <param name="At">The function that answers or refuses; null where the host does.</param>
/// <param name="Target">What answers.</param>
/// <param name="Offset">The address there.</param>
/// <param name="RoomBytes">How many bytes can be accessed there in one piece.</param>
/// <param name="RequesterId">The requester ID with which it arrives: bridges to conventional buses put their own on it.</param>
internal readonly record struct PciRoute(
    PciRouteEnd End,
    PciFunction? At,
    IBusTarget? Target,
    ulong Offset,
    ulong RoomBytes,
    ushort RequesterId
)
{
    internal static PciRoute To(PciFunction function, BaseAddress bar, ulong address)
    {
        ulong offset = address - bar.Address(function.Configuration);
        return new PciRoute(PciRouteEnd.Function, function, bar.Target, offset, bar.LengthBytes - offset, 0);
    }

    internal static PciRoute Unsupported(PciFunction? at) => new(PciRouteEnd.Unsupported, at, null, 0, 0, 0);

    internal static PciRoute Violation(PciFunction at) => new(PciRouteEnd.AccessViolation, at, null, 0, 0, 0);
}
