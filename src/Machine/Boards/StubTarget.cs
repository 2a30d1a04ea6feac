using System.Diagnostics;

namespace Emulator.Machine;

/// <summary>
/// Stands where the device tree has a device and nobody models it: reads give 0, writes are ignored, and every access is
/// reported, so that nobody mistakes it for a model. Only what it is can be read without a report, where the tree says it:
/// the identification registers of a PrimeCell, in the last 32 bytes.
/// </summary>
[DebuggerDisplay("stub {_name,nq}")]
internal sealed class StubTarget : IBusTarget
{
    private const int IdBytes = 0x20;
    private const uint PrimeCell = 0xB105_F00D;

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

    private readonly string _name;
    private readonly Trace _trace;
    private readonly byte[]? _id;
    private readonly ulong _idStart;

    /// <summary>Creates a stub.</summary>
    /// <param name="name">Whose.</param>
    /// <param name="trace">Where accesses are reported.</param>
    /// <param name="lengthBytes">The length of its registers.</param>
    /// <param name="primeCellId">Its peripheral ID; null for what is no PrimeCell.</param>
    public StubTarget(string name, Trace trace, ulong lengthBytes, uint? primeCellId)
    {
        _name = name;
        _trace = trace;
        if (primeCellId is { } id && lengthBytes >= IdBytes)
        {
            _idStart = lengthBytes - IdBytes;
            _id = Identification(id);
        }
    }

    /// <inheritdoc/>
    public BusStatus Read(ulong address, Span<byte> data, in Transaction transaction)
    {
        if (_id is not null && address >= _idStart && address - _idStart + (ulong)data.Length <= IdBytes)
        {
            _id.AsSpan((int)(address - _idStart), data.Length).CopyTo(data);
            return BusStatus.Okay;
        }

        data.Clear();
        _trace.Emit(
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
        _trace.Emit(
            WriteIgnored,
            _name,
            TraceField.Of("who", transaction.InitiatorName),
            TraceField.Bytes("value", data),
            TraceField.Decimal("length", (ulong)data.Length),
            TraceField.Hex("offset", address)
        );
        return BusStatus.Okay;
    }

    /// <summary>PeriphID0 to 3 and PCellID0 to 3, each a byte in a word.</summary>
    private static byte[] Identification(uint peripheralId)
    {
        byte[] bytes = new byte[IdBytes];
        for (int n = 0; n < 4; n++)
        {
            bytes[4 * n] = (byte)(peripheralId >> (8 * n));
            bytes[16 + 4 * n] = (byte)(PrimeCell >> (8 * n));
        }

        return bytes;
    }
}
