using System.Diagnostics;

namespace Emulator.Machine;

/// <summary>
/// The bus port of a DMA master: where its transactions enter the machine. What stands behind it, the system bus or an
/// SMMU in front of it, and which stream ID its requesters carry, is the board's wiring; the master cannot tell.
/// </summary>
[DebuggerDisplay("{Name,nq} -> {TargetName,nq}")]
public sealed class MasterPort
{
    private IBusTarget? _target;
    private uint[] _streamIds = [];
    private int _streamIdShift;

    /// <summary>Creates a port that leads nowhere yet.</summary>
    public MasterPort(string name) => Name = name;

    /// <summary>The master's name.</summary>
    public string Name { get; }

    /// <summary>What it is connected to, by name, for the description of a board.</summary>
    public string TargetName { get; private set; } = "nothing";

    /// <summary>Grows when anything between this port and memory changes.</summary>
    public AddressMapEpoch Epoch { get; private set; } = new();

    /// <summary>The stream IDs of the wiring; empty when no IOMMU stands behind the port.</summary>
    public IReadOnlyList<uint> StreamIds => _streamIds;

    /// <summary>Wires the port.</summary>
    /// <param name="target">The bus, or the upstream side of an SMMU.</param>
    /// <param name="targetName">Its name.</param>
    /// <param name="epoch">The machine's epoch.</param>
    /// <param name="streamIds">The stream IDs, in the order of the device tree.</param>
    /// <param name="streamIdShift">Requester ID bits below this do not take part in choosing the stream ID.</param>
    public void Connect(
        IBusTarget target,
        string targetName,
        AddressMapEpoch epoch,
        ReadOnlySpan<uint> streamIds = default,
        int streamIdShift = 0
    )
    {
        _target = target;
        TargetName = targetName;
        Epoch = epoch;
        _streamIds = streamIds.ToArray();
        _streamIdShift = streamIdShift;
    }

    /// <summary>Makes the signals of one requester's accesses; masters keep them and use them for every access.</summary>
    public Transaction Signals(IBusInitiator initiator, uint requesterId, TransactionFlags flags, ulong tag = 0) =>
        new()
        {
            Initiator = initiator,
            RequesterId = requesterId,
            Flags = flags,
            Tag = tag,
            StreamId = StreamIdOf(requesterId),
        };

    /// <summary>The stream ID that a requester's accesses carry.</summary>
    public uint StreamIdOf(uint requesterId) =>
        _streamIds.Length == 0 ? 0 : _streamIds[Math.Min(requesterId >> _streamIdShift, (uint)_streamIds.Length - 1)];

    /// <summary>Reads. An unconnected port answers DECERR.</summary>
    public BusStatus Read(ulong address, Span<byte> data, in Transaction transaction) =>
        _target?.Read(address, data, transaction) ?? BusStatus.DecodeError;

    /// <summary>Writes. An unconnected port answers DECERR.</summary>
    public BusStatus Write(ulong address, ReadOnlySpan<byte> data, in Transaction transaction) =>
        _target?.Write(address, data, transaction) ?? BusStatus.DecodeError;

    /// <summary>See <see cref="IBusTarget.TryGetDirectSpan"/>.</summary>
    public bool TryGetDirectSpan(ulong address, DirectAccess access, in Transaction transaction, out DirectSpan span)
    {
        span = default;
        return _target is not null && _target.TryGetDirectSpan(address, access, transaction, out span);
    }

    /// <summary>See <see cref="IBusTarget.TryReachDirectly"/>.</summary>
    public bool TryReachDirectly(ulong address, DirectAccess access, in Transaction transaction, out DirectSpan span)
    {
        span = default;
        return _target is not null && _target.TryReachDirectly(address, access, transaction, out span);
    }
}
