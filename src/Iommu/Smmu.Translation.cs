using System.Runtime.CompilerServices;
using Emulator.Machine;

namespace Emulator.Iommu;

/// <content>The way of a transaction: stream, bank, TLB, tables, permission (fact sheet 5).</content>
public sealed partial class Smmu
{
    private const int PageBits = 12;
    private const ulong PageMask = (1UL << PageBits) - 1;
    private const int RecentBits = 10;
    private const int RecentStreams = 16;

    // Derived from the state and the epoch, so not part of the state; a hit changes nothing and cannot be observed.
    private readonly Recent[] _recent = CreateRecent();
    private readonly RecentStream[] _recentStreams = CreateRecentStreams();

    // The descriptors of the walk that is being traced.
    private readonly List<WalkStep> _traced = [];

    // How often the epoch was bumped for the sake of a replaced TLB entry alone.
    private ulong _replacements;

    /// <summary>Finds where an access leads.</summary>
    /// <returns>False when it faults.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryTranslate(
        ulong address,
        AccessKind kind,
        in Transaction transaction,
        out ulong physical,
        out Fault fault
    )
    {
        uint who = WhoOf(transaction.StreamId, kind);
        ref Recent recent = ref _recent[SlotOf(address, who)];
        if (recent.Page == address >> PageBits && recent.Who == who && recent.Epoch == _epoch.Value && !Trace.IsOn)
        {
            physical = address + recent.Offset;
            Unsafe.SkipInit(out fault);
            return true;
        }

        return TranslateSlowly(address, kind, transaction, ref recent, out physical, out fault);
    }

    /// <summary>
    /// Finds where an access would lead if that can be told without reading tables. Changes nothing: a TLB miss is not
    /// filled here, so the first access to a page goes the plain way and only later ones are direct.
    /// </summary>
    internal bool TryFindKnown(ulong address, AccessKind kind, in Transaction transaction, out Translation translation)
    {
        translation = default;
        StreamMatch match = Match(transaction.StreamId & _parameters.StreamIdMask);
        if (match.Route != StreamRoute.Translate)
        {
            translation = Translation.Unchanged(address, match.Source);
            return match.Route == StreamRoute.Bypass;
        }

        if (BlockedBank(match) >= 0)
        {
            return false;
        }

        Lookup lookup = LookupOf(match, address);
        if (lookup.Tag.Stages == TlbStages.None)
        {
            translation = Translation.Unchanged(address, TranslationSource.ContextOff);
            return true;
        }

        int found = State.Tlb.Find(lookup.Tag, lookup.Address);
        if (found < 0)
        {
            return false;
        }

        ref readonly SmmuTlbEntry entry = ref State.Tlb.Entries[found];
        kind = StreamMapping.Override(State.StreamToContext[match.Group], kind);
        MarkLent(found);
        translation = Hit(in entry, address);
        return LeafPermissions.Permit((PagePermissions)(entry.Permissions & entry.Permissions2), kind);
    }

    /// <summary>The kind of access that the signals say, before S2CR overrides it.</summary>
    internal static AccessKind KindOf(bool isWrite, in Transaction transaction) =>
        (isWrite ? AccessKind.Write : AccessKind.Read)
        | (AccessKind)(transaction.Flags & (TransactionFlags.Privileged | TransactionFlags.Instruction));

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TranslateSlowly(
        ulong address,
        AccessKind kind,
        in Transaction transaction,
        ref Recent recent,
        out ulong physical,
        out Fault fault
    )
    {
        if (!Translate(address, kind, transaction.StreamId, out Translation translation, out fault))
        {
            physical = 0;
            return false;
        }

        physical = translation.Physical;
        if (translation.Source != TranslationSource.WalkNotKept)
        {
            recent = new Recent
            {
                Page = address >> PageBits,
                Who = WhoOf(transaction.StreamId, kind),
                Epoch = _epoch.Value,
                Offset = physical - address,
            };
        }

        return true;
    }

    private bool Translate(ulong address, AccessKind kind, uint streamId, out Translation translation, out Fault fault)
    {
        translation = default;
        Unsafe.SkipInit(out fault);
        streamId &= _parameters.StreamIdMask;
        StreamMatch match = Match(streamId);
        if (match.Route == StreamRoute.Bypass)
        {
            translation = Translation.Unchanged(address, match.Source);
            TraceBypass(match, address, kind, streamId);
            return true;
        }

        if (match.Group >= 0)
        {
            kind = StreamMapping.Override(State.StreamToContext[match.Group], kind);
        }

        if (match.Route == StreamRoute.Fault)
        {
            fault = Fault.OfStream(match.Cause, address, kind, streamId);
            return false;
        }

        int blocked = BlockedBank(match);
        if (blocked >= 0)
        {
            fault = Fault.Under(blocked, address, kind, streamId);
            return false;
        }

        Lookup lookup = LookupOf(match, address);
        if (lookup.Tag.Stages == TlbStages.None)
        {
            translation = Translation.Unchanged(address, TranslationSource.ContextOff);
            TraceBypass(match with { Source = TranslationSource.ContextOff }, address, kind, streamId);
            return true;
        }

        var request = new Request(match, lookup, address, kind, streamId);
        return TryTlb(request, out translation, out fault, out bool found)
            || (!found && TryTables(request, out translation, out fault));
    }

    private bool TryTlb(in Request request, out Translation translation, out Fault fault, out bool found)
    {
        Unsafe.SkipInit(out translation);
        Unsafe.SkipInit(out fault);
        int place = State.Tlb.Find(request.Lookup.Tag, request.Lookup.Address);
        found = place >= 0;
        if (!found)
        {
            return false;
        }

        ref readonly SmmuTlbEntry entry = ref State.Tlb.Entries[place];
        var first = (PagePermissions)entry.Permissions;
        var permissions = (PagePermissions)(entry.Permissions & entry.Permissions2);
        if (!LeafPermissions.Permit(permissions, request.Kind))
        {
            TraceRefusingEntry(request, permissions);
            bool isFirst = !LeafPermissions.Permit(first, request.Kind);
            bool isStage1 = isFirst && (request.Lookup.Tag.Stages & TlbStages.Stage1) != TlbStages.None;
            ulong within = request.Lookup.Address & ((1UL << entry.SizeBits) - 1);
            ulong intermediate =
                isStage1 ? 0
                : isFirst ? request.Address
                : entry.Intermediate | within;
            int level = isFirst ? entry.Level : entry.Level2;
            fault = FaultOf(request, ContextFaultCause.Permission, isStage1 ? 1 : 2, level, intermediate, false) with
            {
                Origin = FaultOrigin.TlbEntry,
            };
            return false;
        }

        // Marked as lent, here and below, because the look-up that is under way may be kept among the recent ones.
        MarkLent(place);
        translation = Hit(in entry, request.Lookup.Address);
        TraceTranslation(request, translation, permissions);
        return true;
    }

    private bool TryTables(in Request request, out Translation translation, out Fault fault)
    {
        Unsafe.SkipInit(out translation);
        if (!TryWalk(request, true, Trace.IsOn ? _traced : null, out SmmuTlbEntry entry, out bool mayKeep, out fault))
        {
            return false;
        }

        bool keep = mayKeep && _parameters.TlbEntries > 0;
        if (keep)
        {
            MarkLent(KeepInTlb(in entry));
        }

        translation = Hit(in entry, request.Lookup.Address) with
        {
            Source = keep ? TranslationSource.Walk : TranslationSource.WalkNotKept,
        };
        TraceTranslation(request, translation, (PagePermissions)(entry.Permissions & entry.Permissions2));
        return true;
    }

    private static Translation Hit(ref readonly SmmuTlbEntry entry, ulong address)
    {
        ulong within = address & ((1UL << entry.SizeBits) - 1);
        return new Translation(
            entry.Output | within,
            address - within,
            entry.Output,
            entry.SizeBits,
            TranslationSource.TlbHit
        );
    }

    /// <summary>The bank of the context that has a fault outstanding and lets nothing pass (SCTLR.HUPCF = 0), or -1.</summary>
    private int BlockedBank(in StreamMatch match) =>
        ContextBank.IsBlocked(in State.Banks[match.Bank]) ? match.Bank
        : match.StageTwo >= 0 && ContextBank.IsBlocked(in State.Banks[match.StageTwo]) ? match.StageTwo
        : -1;

    /// <summary>What the TLB is asked: the stages that are on, and the address as they see it.</summary>
    private Lookup LookupOf(in StreamMatch match, ulong address)
    {
        TlbStages stages = TlbStages.None;
        ushort asid = 0;
        if (match.StageOne >= 0 && ContextBank.IsOn(in State.Banks[match.StageOne]))
        {
            ref readonly SmmuContextBank bank = ref State.Banks[match.StageOne];
            stages = TlbStages.Stage1;
            asid = ContextBank.Asid(in bank);
            if ((bank.Attributes2 & ContextBank.WideAddresses) != 0)
            {
                address = StageOneTables.Extend(address, bank.TranslationControl2);
            }
        }

        if (match.StageTwo >= 0 && ContextBank.IsOn(in State.Banks[match.StageTwo]))
        {
            stages |= TlbStages.Stage2;
        }

        int owner = match.StageTwo >= 0 ? match.StageTwo : match.Bank;
        return new Lookup(new TlbTag(stages, ContextBank.Vmid(in State.Banks[owner]), asid), address);
    }

    private StreamMatch Match(uint streamId)
    {
        ref RecentStream recent = ref _recentStreams[streamId & (RecentStreams - 1)];
        ulong epoch = _epoch.Value - _replacements;
        if (recent.StreamId != streamId || recent.Epoch != epoch)
        {
            recent = new RecentStream
            {
                StreamId = streamId,
                Epoch = epoch,
                Match = StreamMapping.Find(ref State, _parameters, streamId),
            };
        }

        return recent.Match;
    }

    private static uint WhoOf(uint streamId, AccessKind kind) => (streamId << 3) | (uint)kind;

    private static int SlotOf(ulong address, uint who) =>
        (int)(((address >> PageBits) + ((ulong)who << 40)) * 0x9E37_79B9_7F4A_7C15 >> (64 - RecentBits));

    private static Recent[] CreateRecent()
    {
        var recent = new Recent[1 << RecentBits];
        Array.Fill(recent, new Recent { Page = ulong.MaxValue });
        return recent;
    }

    private static RecentStream[] CreateRecentStreams()
    {
        var recent = new RecentStream[RecentStreams];
        Array.Fill(recent, new RecentStream { StreamId = uint.MaxValue });
        return recent;
    }

    /// <summary>What the TLB is asked.</summary>
    private readonly record struct Lookup(TlbTag Tag, ulong Address);

    /// <summary>One access on its way through a context.</summary>
    private readonly record struct Request(
        StreamMatch Match,
        Lookup Lookup,
        ulong Address,
        AccessKind Kind,
        uint StreamId
    );

    /// <summary>A translation that was used a moment ago.</summary>
    private struct Recent
    {
        public ulong Page;
        public ulong Offset;
        public ulong Epoch;
        public uint Who;
    }

    /// <summary>A stream that was matched a moment ago.</summary>
    private struct RecentStream
    {
        public ulong Epoch;
        public StreamMatch Match;
        public uint StreamId;
    }
}
