using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Emulator.Machine;

namespace Emulator.Iommu;

/// <content>
/// Translations for masters that copy by direct spans. The way is that of every transaction (fact sheet 5), made short:
/// where a stream leads is worked out once and kept until a register changes, and descriptors are read where they lie in
/// RAM. What would fault, be traced or reach something that is no RAM is left to the plain way, untouched.
/// </content>
public sealed partial class Smmu400
{
    private const int RouteEntries = 16;

    // Derived from the state and the epoch, as _recent is.
    private readonly Route[] _routes = new Route[RouteEntries];
    private readonly DirectSpan[] _tables = new DirectSpan[3];
    private readonly ulong[] _lent = new ulong[SmmuParameters.MostTlbEntries / 64];
    private ulong _tablesEpoch;
    private ulong _lentEpoch;
    private ulong _evictionBumps;

    private enum RouteKind : byte
    {
        Unknown,

        /// <summary>The plain way decides.</summary>
        Plain,
        Unchanged,
        Tables,
    }

    /// <summary>
    /// Finds memory for an access that is made now: a missing TLB entry is fetched, exactly as the access itself would
    /// have it. False, and nothing has changed, where anything but success and plain memory would come of it.
    /// </summary>
    private bool TryReach(ulong address, DirectAccess access, in Transaction transaction, out DirectSpan span)
    {
        span = default;
        AccessKind kind = KindOf(access == DirectAccess.Write, transaction);
        ref readonly Route route = ref RouteOf(transaction.StreamId, kind);
        if (route.Kind == RouteKind.Plain || Trace.IsOn)
        {
            return false;
        }

        if (route.Kind == RouteKind.Unchanged)
        {
            return TryLend(address, access, transaction, out span);
        }

        int place = State.Tlb.Find(route.Vmid, address);
        if (place < 0)
        {
            return TryFetchEntry(in route, address, access, transaction, out span);
        }

        ref readonly SmmuTlbEntry entry = ref State.Tlb.Entries[place];
        if (((PagePermissions)entry.Permissions & route.Needed) != route.Needed)
        {
            return false;
        }

        Translation known = Hit(in entry, address);
        if (!TryLend(known.Physical, access, transaction, out DirectSpan inner))
        {
            return false;
        }

        MarkLent(place);
        span = UpstreamPort.Clip(inner, known);
        return true;
    }

    private bool TryFetchEntry(
        ref readonly Route route,
        ulong address,
        DirectAccess access,
        in Transaction transaction,
        out DirectSpan span
    )
    {
        span = default;
        if (_parameters.TlbEntries == 0 || !TryWalk(in route, address, out WalkResult leaf))
        {
            return false;
        }

        int shift = LpaeWalker.ShiftOf(leaf.Level);
        ulong within = address & ((1UL << shift) - 1);
        var found = new Translation(leaf.Output | within, address - within, leaf.Output, shift, TranslationSource.Walk);
        if (!TryLend(found.Physical, access, transaction, out DirectSpan inner))
        {
            return false;
        }

        MarkLent(KeepInTlb(route.Vmid, address, in leaf));
        span = UpstreamPort.Clip(inner, found);
        return true;
    }

    /// <summary>Keeps a translation in the TLB. Returns its place.</summary>
    private int KeepInTlb(ushort vmid, ulong address, ref readonly WalkResult leaf)
    {
        bool evicts = State.Tlb.Insert(_parameters.TlbEntries, vmid, address, in leaf, out int place);
        if (evicts && IsLent(place))
        {
            // Spans and recent look-ups of the translation that had to go would otherwise outlive it.
            _epoch.Bump();
            _evictionBumps++;
        }

        return place;
    }

    /// <summary>Walks in RAM alone. False where the walk would not end in a leaf that permits the access.</summary>
    private bool TryWalk(ref readonly Route route, ulong address, out WalkResult leaf)
    {
        Unsafe.SkipInit(out leaf);
        if (!route.Tables.IsLegal || address >> route.Tables.InputBits != 0)
        {
            return false;
        }

        ulong table = route.Tables.TableBase;
        int indexBits = route.Tables.StartIndexBits;
        for (int level = route.Tables.StartLevel; ; level++)
        {
            ulong index = (address >> LpaeWalker.ShiftOf(level)) & ((1UL << indexBits) - 1);
            if (!TryReadTable(level, table + (index << 3), out ulong descriptor))
            {
                return false;
            }

            descriptor = route.Tables.IsBigEndian ? BinaryPrimitives.ReverseEndianness(descriptor) : descriptor;
            if (LpaeWalker.IsInvalid(descriptor, level))
            {
                return false;
            }

            if (LpaeWalker.IsLeaf(descriptor, level))
            {
                leaf.Level = level;
                LpaeWalker.TakeLeaf(descriptor, ref leaf);
                return leaf.AccessFlag && (leaf.Permissions & route.Needed) == route.Needed;
            }

            table = descriptor & StageTwoTables.AddressMask & ~0xFFFUL;
            indexBits = 9;
        }
    }

    private bool TryReadTable(int level, ulong address, out ulong descriptor)
    {
        if (_tablesEpoch != _epoch.Value)
        {
            Array.Clear(_tables);
            _tablesEpoch = _epoch.Value;
        }

        ref DirectSpan table = ref _tables[level - 1];
        if (table.LengthBytes == 0 || !table.Contains(address, 8))
        {
            if (
                !_bus.TryGetDirectSpan(address, DirectAccess.Read, _walkSignals, out DirectSpan found)
                || !found.Contains(address, 8)
            )
            {
                descriptor = 0;
                return false;
            }

            table = found;
        }

        descriptor = BitConverter.ToUInt64(table.Array, table.Offset + (int)(address - table.Start));
        return true;
    }

    private bool TryLend(ulong physical, DirectAccess access, in Transaction transaction, out DirectSpan span) =>
        transaction.IsSecure
            ? _bus.TryGetDirectSpan(physical, access, UpstreamPort.AsNonSecure(transaction), out span)
            : _bus.TryGetDirectSpan(physical, access, transaction, out span);

    /// <summary>Where a stream leads: worked out anew when anything but the content of the TLB has changed.</summary>
    private ref readonly Route RouteOf(uint streamId, AccessKind kind)
    {
        uint who = WhoOf(streamId, kind);
        ref Route route = ref _routes[(int)((who ^ (who >> 4)) & (RouteEntries - 1))];
        ulong configuration = _epoch.Value - _evictionBumps;
        if (route.Kind == RouteKind.Unknown || route.Who != who || route.Configuration != configuration)
        {
            route = FindRoute(streamId, kind);
            route.Who = who;
            route.Configuration = configuration;
        }

        return ref route;
    }

    private Route FindRoute(uint streamId, AccessKind kind)
    {
        StreamMatch match = StreamMapping.Find(ref State, _parameters, streamId);
        if (match.Route == StreamRoute.Bypass)
        {
            return new Route { Kind = RouteKind.Unchanged };
        }

        if (match.Route != StreamRoute.Translate)
        {
            return new Route { Kind = RouteKind.Plain };
        }

        ref readonly SmmuContextBank bank = ref State.Banks[match.Bank];
        if (ContextBank.IsBlocked(in bank))
        {
            return new Route { Kind = RouteKind.Plain };
        }

        return (bank.SystemControl & ContextBank.Enable) == 0
            ? new Route { Kind = RouteKind.Unchanged }
            : new Route
            {
                Kind = RouteKind.Tables,
                Vmid = ContextBank.Vmid(in bank),
                Needed = NeededFor(StreamMapping.Override(State.StreamToContext[match.Group], kind)),
                Tables = StageTwoTables.Of(in bank),
            };
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

    /// <summary>Where the accesses of a stream lead.</summary>
    private struct Route
    {
        public ulong Configuration;
        public StageTwoTables Tables;
        public uint Who;
        public ushort Vmid;
        public RouteKind Kind;
        public PagePermissions Needed;
    }
}
