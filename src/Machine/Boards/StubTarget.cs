using System.Diagnostics;

namespace Emulator.Machine;

/// <summary>
/// Stands where the device tree has a device and nobody models it: reads give 0, writes are ignored, and every access is
/// reported, so that nobody mistakes it for a model.
/// </summary>
[DebuggerDisplay("stub {_name,nq}")]
internal sealed class StubTarget(string name, Trace trace) : IBusTarget
{
    private static readonly TraceKind ReadIgnored = new(
        "stub.read",
        Severity.Warning,
        "not modelled: {who} reads {length} bytes at offset {offset} and gets 0"
    );

    private static readonly TraceKind WriteIgnored = new(
        "stub.write",
        Severity.Warning,
        "not modelled: {who} writes {value} ({length} bytes) at offset {offset}; ignored"
    );

    private readonly string _name = name;

    /// <inheritdoc/>
    public BusStatus Read(ulong address, Span<byte> data, in Transaction transaction)
    {
        data.Clear();
        trace.Emit(
            ReadIgnored,
            _name,
            TraceField.Of("who", transaction.InitiatorName),
            TraceField.Decimal("length", (ulong)data.Length),
            TraceField.Hex("offset", address)
        );
        return BusStatus.Okay;
    }

    /// <inheritdoc/>
    public BusStatus Write(ulong address, ReadOnlySpan<byte> data, in Transaction transaction)
    {
        trace.Emit(
            WriteIgnored,
            _name,
            TraceField.Of("who", transaction.InitiatorName),
            TraceField.Bytes("value", data),
            TraceField.Decimal("length", (ulong)data.Length),
            TraceField.Hex("offset", address)
        );
        return BusStatus.Okay;
    }
}
