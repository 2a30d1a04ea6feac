using System.Runtime.CompilerServices;
using Emulator.Machine;

namespace Emulator.Iommu;

/// <content>Walks of the stages of a context, one after the other, and the faults they end in (fact sheet 6.3).</content>
public sealed partial class Smmu
{
    // Derived from the registers and the epoch, so no part of the state.
    private LowerTables _lowerTables = new() { Bank = -1 };
    private TableShape _otherTables;

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
        entry = EmptyEntry(tag);
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

        ref readonly TableShape stageOne = ref StageOneShape(request.Match.StageOne, request.Address, out ulong input);
        return TryWalkFirst(request, in stageOne, input, in stageTwo, ref entry, ref mayKeep, out fault)
            && (
                !both
                || tag.Stages != TlbStages.Both
                || TryWalkSecond(request, in stageTwo, ref entry, ref mayKeep, out fault)
            );
    }

    /// <summary>
    /// The stage-1 tables of a bank for an address. Those of TTBR0 with 64-bit addresses are the same for all addresses that
    /// they reach, and are kept.
    /// </summary>
    private ref readonly TableShape StageOneShape(int bank, ulong address, out ulong input)
    {
        ulong epoch = _epoch.Value - _replacements;
        if (_lowerTables.Epoch == epoch && _lowerTables.Bank == bank && address >> _lowerTables.PlainBits == 0)
        {
            input = address;
            return ref _lowerTables.Shape;
        }

        ref readonly SmmuContextBank registers = ref State.Banks[bank];
        input = StageOneTables.Find(in registers, _parameters.AddressBits, address, out _otherTables);
        int plainBits = StageOneTables.PlainBits(in registers, in _otherTables);
        if (input != address || address >> plainBits != 0)
        {
            return ref _otherTables;
        }

        _lowerTables = new LowerTables
        {
            Shape = _otherTables,
            Epoch = epoch,
            Bank = bank,
            PlainBits = plainBits,
        };
        return ref _lowerTables.Shape;
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

        Fill(ref entry, in leaf, input);
        mayKeep &= leaf.AccessFlag;
        return true;
    }

    private static SmmuTlbEntry EmptyEntry(in TlbTag tag) =>
        new()
        {
            Vmid = tag.Vmid,
            Asid = tag.Asid,
            Stages = (byte)tag.Stages,
            Permissions2 = byte.MaxValue,
        };

    /// <summary>What one stage's leaf says.</summary>
    private static void Fill(ref SmmuTlbEntry entry, ref readonly WalkResult leaf, ulong input)
    {
        entry.SizeBits = (byte)leaf.SizeBits;
        entry.Page = input >> leaf.SizeBits;
        entry.Output = leaf.Output;
        entry.Level = (byte)leaf.Level;
        entry.Permissions = (byte)leaf.Permissions;
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

    /// <summary>The tables of a bank's TTBR0.</summary>
    private struct LowerTables
    {
        public TableShape Shape;
        public ulong Epoch;
        public int Bank;

        /// <summary>Addresses of so many bits are translated as they are.</summary>
        public int PlainBits;
    }
}
