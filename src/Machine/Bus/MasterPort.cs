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
    private RequesterRange[] _streams = [];
    private RequesterRange[] _devices = [];
    private uint _streamMask;
    private uint _deviceMask;

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

    /// <summary>
    /// Wires the port of a bus of many requesters, as <c>iommu-map</c> and <c>msi-map</c> say: requesters in a range go to its IOMMU with
    /// an ID of that range, the others straight to the target; an ITS knows them by the ID of a device range.
    /// </summary>
    public void MapRequesters(
        IEnumerable<RequesterRange> streams,
        uint streamMask,
        IEnumerable<RequesterRange> devices,
        uint deviceMask
    )
    {
        _streams = [.. streams];
        _devices = [.. devices];
        _streamMask = streamMask;
        _deviceMask = deviceMask;
        if (_streams.Length > 0)
        {
            TargetName = _streams[0].TargetName;
        }
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
            DeviceId = Find(_devices, requesterId & _deviceMask) is { } device
                ? device.IdOf(requesterId & _deviceMask)
                : 0,
        };

    /// <summary>The stream ID that a requester's accesses carry.</summary>
    public uint StreamIdOf(uint requesterId) =>
        _streams.Length > 0 ? Find(_streams, requesterId & _streamMask)?.IdOf(requesterId & _streamMask) ?? 0
        : _streamIds.Length == 0 ? 0
        : _streamIds[Math.Min(requesterId >> _streamIdShift, (uint)_streamIds.Length - 1)];

    /// <summary>Reads. An unconnected port answers DECERR.</summary>
    public BusStatus Read(ulong address, Span<byte> data, in Transaction transaction) =>
        TargetOf(transaction)?.Read(address, data, transaction) ?? BusStatus.DecodeError;

    /// <summary>Writes. An unconnected port answers DECERR.</summary>
    public BusStatus Write(ulong address, ReadOnlySpan<byte> data, in Transaction transaction) =>
        TargetOf(transaction)?.Write(address, data, transaction) ?? BusStatus.DecodeError;

    /// <summary>See <see cref="IBusTarget.TryGetDirectSpan"/>.</summary>
    public bool TryGetDirectSpan(ulong address, DirectAccess access, in Transaction transaction, out DirectSpan span)
    {
        span = default;
        return TargetOf(transaction) is { } target && target.TryGetDirectSpan(address, access, transaction, out span);
    }

    /// <summary>See <see cref="IBusTarget.TryReachDirectly"/>.</summary>
    public bool TryReachDirectly(ulong address, DirectAccess access, in Transaction transaction, out DirectSpan span)
    {
        span = default;
        return TargetOf(transaction) is { } target && target.TryReachDirectly(address, access, transaction, out span);
    }

    private static RequesterRange? Find(RequesterRange[] ranges, uint requesterId)
    {
        foreach (RequesterRange range in ranges)
        {
            if (requesterId - range.First < range.Length)
            {
                return range;
            }
        }

        return null;
    }

    private IBusTarget? TargetOf(in Transaction transaction) =>
        _streams.Length == 0 ? _target
        : Find(_streams, transaction.RequesterId & _streamMask) is { } range ? range.Target
        : _target;
}

/// <summary>Requester IDs that are known elsewhere by other IDs.</summary>
/// <param name="First">The first requester ID.</param>
/// <param name="FirstThere">What it is called there.</param>
/// <param name="Length">How many.</param>
/// <param name="Target">Where their transactions go; null where only the ID is asked for.</param>
/// <param name="TargetName">Its name.</param>
public sealed record RequesterRange(uint First, uint FirstThere, uint Length, IBusTarget? Target, string TargetName)
{
    /// <summary>What a requester of this range is called there.</summary>
    public uint IdOf(uint requesterId) => unchecked(requesterId - First + FirstThere);
}
