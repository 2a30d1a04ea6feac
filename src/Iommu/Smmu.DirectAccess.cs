using Emulator.Machine;

namespace Emulator.Iommu;

/// <content>
/// Translations for masters that copy by direct spans. The way is that of every transaction, made short: tables are read
/// where they lie in RAM. What would fault, be traced or reach something that is no RAM is left to the plain way, untouched.
/// </content>
public sealed partial class Smmu
{
    // The TLB's places of which a span or a recent look-up is about. Derived from the state and the epoch, as _recent is.
    private readonly ulong[] _lent = new ulong[(SmmuParameters.MostTlbEntries + 63) / 64];
    private ulong _lentEpoch;

    // What the registers say about streams that were used a moment ago. Derived, as above.
    private const int Ways = 32;
    private readonly Way[] _ways = CreateWays();

    /// <summary>
    /// Finds memory for an access that is made now: a missing TLB entry is fetched, exactly as the access itself would
    /// have it. False, and nothing has changed, where anything but success and plain memory would come of it.
    /// </summary>
    private bool TryReach(ulong address, DirectAccess access, in Transaction transaction, out DirectSpan span)
    {
        span = default;
        if (Trace.IsOn)
        {
            return false;
        }

        ref Way way = ref WayOf(access, in transaction);
        switch (way.Kind)
        {
            case WayKind.Unchanged:
                return TryLend(address, access, transaction, out span);
            case WayKind.StageTwo:
                return !ContextBank.IsBlocked(in State.Banks[way.Match.Bank])
                    && TryReachThroughStageTwo(ref way, address, access, transaction, out span);
            case WayKind.Context:
                return BlockedBank(way.Match) < 0
                    && TryReachThroughContext(ref way, address, access, transaction, out span);
            default:
                return false;
        }
    }

    /// <summary>What the registers say about accesses of a stream, worked out once.</summary>
    private ref Way WayOf(DirectAccess access, in Transaction transaction)
    {
        uint streamId = transaction.StreamId & _parameters.StreamIdMask;
        AccessKind kind = KindOf(access == DirectAccess.Write, transaction);
        uint who = WhoOf(streamId, kind);
        ulong epoch = _epoch.Value - _replacements;
        ref Way way = ref _ways[who & (Ways - 1)];
        if (way.Who != who || way.Epoch != epoch)
        {
            FindWay(streamId, kind, ref way);
            way.Who = who;
            way.Epoch = epoch;
        }

        return ref way;
    }

    private void FindWay(uint streamId, AccessKind kind, ref Way way)
    {
        StreamMatch match = Match(streamId);
        way = new Way { Match = match, StreamId = streamId };
        if (match.Route != StreamRoute.Translate)
        {
            way.Kind = match.Route == StreamRoute.Bypass ? WayKind.Unchanged : WayKind.Closed;
            return;
        }

        way.Access = StreamMapping.Override(State.StreamToContext[match.Group], kind);
        way.Tag = LookupOf(match, 0).Tag;
        way.Kind = way.Tag.Stages == TlbStages.Stage2 ? WayKind.StageTwo : WayKind.Context;
        if (way.Kind == WayKind.StageTwo)
        {
            StageTwoTables.Find(
                in State.Banks[match.StageTwo],
                _parameters.AddressBits,
                _parameters.IsVersion2,
                out way.Tables
            );
        }
    }

    /// <summary>The short form for contexts of stage 2 alone, whose tables are the same for every address.</summary>
    private bool TryReachThroughStageTwo(
        ref Way way,
        ulong address,
        DirectAccess access,
        in Transaction transaction,
        out DirectSpan span
    )
    {
        int place = State.Tlb.Find(way.Tag, address);
        if (place >= 0)
        {
            return TryReachByEntry(place, way.Access, address, access, transaction, out span);
        }

        span = default;
        if (_parameters.TlbEntries == 0)
        {
            return false;
        }

        BeginQuietWalk();
        _walker.Walk(in way.Tables, address, out WalkResult leaf);
        _walker.ReadsLentMemoryOnly = false;
        if (
            leaf.Cause != ContextFaultCause.None
            || !leaf.AccessFlag
            || !LeafPermissions.Permit(leaf.Permissions, way.Access)
        )
        {
            return false;
        }

        SmmuTlbEntry entry = EmptyEntry(way.Tag);
        Fill(ref entry, in leaf, address);
        return TryKeep(in entry, address, access, transaction, out span);
    }

    private bool TryReachThroughContext(
        ref Way way,
        ulong address,
        DirectAccess access,
        in Transaction transaction,
        out DirectSpan span
    )
    {
        Lookup lookup = LookupOf(way.Match, address);
        if (lookup.Tag.Stages == TlbStages.None)
        {
            return TryLend(address, access, transaction, out span);
        }

        int place = State.Tlb.Find(lookup.Tag, lookup.Address);
        if (place >= 0)
        {
            return TryReachByEntry(place, way.Access, address, access, transaction, out span);
        }

        span = default;
        if (_parameters.TlbEntries == 0)
        {
            return false;
        }

        BeginQuietWalk();
        var request = new Request(way.Match, lookup, address, way.Access, way.StreamId);
        bool found = TryWalk(request, both: true, record: null, out SmmuTlbEntry entry, out bool mayKeep, out _);
        _walker.ReadsLentMemoryOnly = false;
        return found && mayKeep && TryKeep(in entry, address, access, transaction, out span);
    }

    private void BeginQuietWalk()
    {
        _walker.Begin(_epoch.Value - _replacements);
        _walker.Record = null;
        _walker.ReadsLentMemoryOnly = true;
    }

    private bool TryReachByEntry(
        int place,
        AccessKind kind,
        ulong address,
        DirectAccess access,
        in Transaction transaction,
        out DirectSpan span
    )
    {
        ref readonly SmmuTlbEntry entry = ref State.Tlb.Entries[place];
        if (
            !LeafPermissions.Permit((PagePermissions)(entry.Permissions & entry.Permissions2), kind)
            || !TryLendMapped(in entry, address, access, transaction, out span)
        )
        {
            span = default;
            return false;
        }

        MarkLent(place);
        return true;
    }

    /// <summary>Lends what a translation leads to, and keeps the translation in the TLB, or neither.</summary>
    private bool TryKeep(
        ref readonly SmmuTlbEntry entry,
        ulong address,
        DirectAccess access,
        in Transaction transaction,
        out DirectSpan span
    )
    {
        if (!TryLendMapped(in entry, address, access, transaction, out span))
        {
            return false;
        }

        MarkLent(KeepInTlb(in entry));
        return true;
    }

    /// <summary>Lends the memory behind an address as far as a mapping reaches.</summary>
    private bool TryLendMapped(
        ref readonly SmmuTlbEntry entry,
        ulong address,
        DirectAccess access,
        in Transaction transaction,
        out DirectSpan span
    )
    {
        ulong within = (1UL << entry.SizeBits) - 1;
        if (!TryLend(entry.Output | (address & within), access, transaction, out DirectSpan inner))
        {
            span = default;
            return false;
        }

        span = UpstreamPort.Clip(in inner, address & ~within, entry.Output, entry.SizeBits);
        return true;
    }

    private bool TryLend(ulong physical, DirectAccess access, in Transaction transaction, out DirectSpan span) =>
        transaction.IsSecure
            ? _bus.TryGetDirectSpan(physical, access, UpstreamPort.AsNonSecure(transaction), out span)
            : _bus.TryGetDirectSpan(physical, access, transaction, out span);

    /// <summary>Keeps a translation in the TLB. Returns its place.</summary>
    private int KeepInTlb(ref readonly SmmuTlbEntry entry)
    {
        bool evicts = State.Tlb.Insert(_parameters.TlbEntries, in entry, out int place);
        if (evicts && IsLent(place))
        {
            // Spans and recent look-ups of the translation that had to go would otherwise outlive it. What streams lead to
            // is as before.
            _epoch.Bump();
            _replacements++;
        }

        return place;
    }

    /// <summary>A span or a recent look-up of the entry is about: when it goes, they must go.</summary>
    private void MarkLent(int place)
    {
        if (_lentEpoch != _epoch.Value)
        {
            Array.Clear(_lent);
            _lentEpoch = _epoch.Value;
        }

        _lent[place >> 6] |= 1UL << place;
    }

    private bool IsLent(int place) => _lentEpoch == _epoch.Value && ((_lent[place >> 6] >> place) & 1) != 0;

    private static Way[] CreateWays()
    {
        var ways = new Way[Ways];
        Array.Fill(ways, new Way { Who = uint.MaxValue });
        return ways;
    }

    /// <summary>How accesses of a stream go.</summary>
    private enum WayKind : byte
    {
        /// <summary>They fault.</summary>
        Closed,

        /// <summary>They are not translated.</summary>
        Unchanged,

        /// <summary>Through one context, stage 2 alone.</summary>
        StageTwo,

        /// <summary>Through a context in which stage 1 takes part, or which is off.</summary>
        Context,
    }

    /// <summary>What the registers say about one kind of access of a stream.</summary>
    private struct Way
    {
        public ulong Epoch;
        public StreamMatch Match;
        public TableShape Tables;
        public TlbTag Tag;
        public uint Who;
        public uint StreamId;
        public AccessKind Access;
        public WayKind Kind;
    }
}
