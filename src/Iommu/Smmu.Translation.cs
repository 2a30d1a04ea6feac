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
        if (keep && State.Tlb.Insert(_parameters.TlbEntries, in entry))
        {
            // Spans and recent look-ups of the translation that had to go would otherwise outlive it. What streams lead to
            // is as before.
            _epoch.Bump();
            _replacements++;
        }

        translation = Hit(in entry, request.Lookup.Address) with
        {
            Source = keep ? TranslationSource.Walk : TranslationSource.WalkNotKept,
        };
        TraceTranslation(request, translation, (PagePermissions)(entry.Permissions & entry.Permissions2));
        return true;
    }

    /// <summary>
    /// Walks the tables of the stages that take part; without <paramref name="both"/> the output of stage 1 is enough. A leaf
    /// that the access may not use is a fault.
    /// </summary>
    private bool TryWalk(
        in Request request,
        bool both,
        List<WalkStep>? record,
        out SmmuTlbEntry entry,
        out bool mayKeep,
        out Fault fault
    )
    {
        _walker.Begin(_epoch.Value - _replacements);
        _walker.Record = record;
        TlbTag tag = request.Lookup.Tag;
        entry = new SmmuTlbEntry
        {
            Vmid = tag.Vmid,
            Asid = tag.Asid,
            Stages = (byte)tag.Stages,
            Permissions2 = byte.MaxValue,
        };
        TableShape stageTwo = default;
        if ((tag.Stages & TlbStages.Stage2) != TlbStages.None)
        {
            StageTwoTables.Find(
                in State.Banks[request.Match.StageTwo],
                _parameters.AddressBits,
                _parameters.IsVersion2,
                out stageTwo
            );
        }

        ulong address = request.Lookup.Address;
        mayKeep = true;
        if ((tag.Stages & TlbStages.Stage1) == TlbStages.None)
        {
            return TryWalkOne(request, in stageTwo, address, address, ref entry, ref mayKeep, out fault);
        }

        ulong input = StageOneTables.Find(
            in State.Banks[request.Match.StageOne],
            _parameters.AddressBits,
            request.Address,
            out TableShape stageOne
        );
        return TryWalkFirst(request, in stageOne, input, in stageTwo, ref entry, ref mayKeep, out fault)
            && (
                !both
                || tag.Stages != TlbStages.Both
                || TryWalkSecond(request, in stageTwo, ref entry, ref mayKeep, out fault)
            );
    }

    private bool TryWalkOne(
        in Request request,
        ref readonly TableShape shape,
        ulong input,
        ulong intermediate,
        ref SmmuTlbEntry entry,
        ref bool mayKeep,
        out Fault fault
    )
    {
        _walker.Walk(in shape, input, out WalkResult leaf);
        TraceWalk(request, in shape, input, in leaf);
        if (!TryTake(request, ref leaf, intermediate, out fault))
        {
            return false;
        }

        entry.SizeBits = (byte)leaf.SizeBits;
        entry.Page = input >> leaf.SizeBits;
        entry.Output = leaf.Output;
        entry.Level = (byte)leaf.Level;
        entry.Permissions = (byte)leaf.Permissions;
        mayKeep &= leaf.AccessFlag;
        return true;
    }

    private bool TryWalkFirst(
        in Request request,
        ref readonly TableShape shape,
        ulong input,
        ref readonly TableShape stageTwo,
        ref SmmuTlbEntry entry,
        ref bool mayKeep,
        out Fault fault
    )
    {
        _walker.Walk(in shape, input, in stageTwo, out WalkResult leaf);
        TraceWalk(request, in shape, input, in leaf);
        if (!TryTake(request, ref leaf, leaf.Intermediate, out fault))
        {
            return false;
        }

        int sizeBits = shape.MostSizeBits == 0 ? leaf.SizeBits : Math.Min(leaf.SizeBits, shape.MostSizeBits);
        entry.SizeBits = (byte)sizeBits;
        entry.Page = request.Lookup.Address >> sizeBits;
        entry.Output = (leaf.Output | (input & ((1UL << leaf.SizeBits) - 1))) & ~((1UL << sizeBits) - 1);
        entry.Level = (byte)leaf.Level;
        entry.Permissions = (byte)leaf.Permissions;
        entry.Attributes = (byte)((leaf.Descriptor >> 2 & 7) | (leaf.Descriptor >> 8 & 3) << 4);
        entry.IsGlobal = leaf.IsGlobal ? (byte)1 : (byte)0;
        mayKeep &= leaf.AccessFlag;
        return true;
    }

    private bool TryWalkSecond(
        in Request request,
        ref readonly TableShape stageTwo,
        ref SmmuTlbEntry entry,
        ref bool mayKeep,
        out Fault fault
    )
    {
        ulong address = request.Lookup.Address;
        ulong intermediate = entry.Output | (address & ((1UL << entry.SizeBits) - 1));
        _walker.Walk(in stageTwo, intermediate, out WalkResult leaf);
        TraceWalk(request, in stageTwo, intermediate, in leaf);
        if (!TryTake(request, ref leaf, intermediate, out fault))
        {
            return false;
        }

        int sizeBits = Math.Min(entry.SizeBits, leaf.SizeBits);
        ulong within = (1UL << sizeBits) - 1;
        entry.SizeBits = (byte)sizeBits;
        entry.Page = address >> sizeBits;
        entry.Intermediate = intermediate & ~within;
        entry.Output = (leaf.Output | (intermediate & ((1UL << leaf.SizeBits) - 1))) & ~within;
        entry.Level2 = (byte)leaf.Level;
        entry.Permissions2 = (byte)leaf.Permissions;
        mayKeep &= leaf.AccessFlag;
        return true;
    }

    /// <summary>Whether a walk ended at a leaf that the access may use; if not, the fault.</summary>
    private static bool TryTake(in Request request, ref WalkResult leaf, ulong intermediate, out Fault fault)
    {
        Unsafe.SkipInit(out fault);
        if (leaf.Cause == ContextFaultCause.None && !LeafPermissions.Permit(leaf.Permissions, request.Kind))
        {
            leaf.Cause = ContextFaultCause.Permission;
        }

        if (leaf.Cause == ContextFaultCause.None)
        {
            return true;
        }

        fault = FaultOf(request, leaf.Cause, leaf.Stage, leaf.Level, intermediate, leaf.IsStageOneWalk) with
        {
            Origin = leaf.Refusal == ShapeRefusal.None ? FaultOrigin.Descriptor : FaultOrigin.TableShape,
            DescriptorAddress = leaf.DescriptorAddress,
            Descriptor = leaf.Descriptor,
        };
        return false;
    }

    /// <summary>
    /// A fault of a stage is recorded in that stage's bank. FAR holds the address as the master gave it, IPAFAR what stage 2
    /// refused; a table read is no write, whatever the access is (fact sheet 6.3).
    /// </summary>
    private static Fault FaultOf(
        in Request request,
        ContextFaultCause cause,
        int stage,
        int level,
        ulong intermediate,
        bool isStageOneWalk
    )
    {
        StreamMatch match = request.Match;
        int bank = stage == 1 ? match.StageOne : match.StageTwo;
        AccessKind kind = isStageOneWalk ? request.Kind & ~AccessKind.Write : request.Kind;
        Fault fault = Fault.OfContext(cause, bank, level, request.Address, kind, request.StreamId);
        if (stage == 1)
        {
            return fault;
        }

        uint nested =
            match.StageOne < 0
                ? 0
                : ((uint)match.StageOne << 16)
                    | ContextBank.SyndromeNested
                    | (isStageOneWalk ? ContextBank.SyndromeStage1Walk : 0);
        return fault with { Syndrome = fault.Syndrome | nested, IntermediateAddress = intermediate };
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
