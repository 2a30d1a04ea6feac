using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// What is behind a base address register of a stand-in: reads give 0, writes are ignored, and each access is reported, so
/// that nobody mistakes it for a model.
/// </summary>
internal sealed class UnmodelledMemory(string device, string what, Trace trace) : IBusTarget
{
    private static readonly TraceKind ReadIgnored = new(
        "pci.unmodelled-read",
        Severity.Warning,
        "not modelled: {who} reads {length} bytes at offset {offset} of {what} and gets 0"
    );

    private static readonly TraceKind WriteIgnored = new(
        "pci.unmodelled-write",
        Severity.Warning,
        "not modelled: {who} writes {value} at offset {offset} of {what}; ignored"
    );

    public BusStatus Read(ulong address, Span<byte> data, in Transaction transaction)
    {
        data.Clear();
        trace.Emit(
            ReadIgnored,
            device,
            TraceField.Of("who", transaction.InitiatorName),
            TraceField.Decimal("length", (ulong)data.Length),
            TraceField.Hex("offset", address),
            TraceField.Of("what", what)
        );
        return BusStatus.Okay;
    }

    public BusStatus Write(ulong address, ReadOnlySpan<byte> data, in Transaction transaction)
    {
        trace.Emit(
            WriteIgnored,
            device,
            TraceField.Of("who", transaction.InitiatorName),
            TraceField.Bytes("value", data),
            TraceField.Hex("offset", address),
            TraceField.Of("what", what)
        );
        return BusStatus.Okay;
    }
}
