using System.Runtime.CompilerServices;
using Emulator.Machine;

namespace Emulator.Iommu;

/// <content>The way of a transaction: stream, bank, TLB, tables, permission (fact sheet 5).</content>
public sealed partial class Smmu400
{
    private const int PageBits = 12;
    private const ulong PageMask = (1UL << PageBits) - 1;
    private const int RecentEntries = 64;

    // Derived from the state and the epoch, so not part of the state; a hit changes nothing and cannot be observed.
    private readonly Recent[] _recent = CreateRecent();

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
        StreamMatch match = StreamMapping.Find(ref State, _parameters, transaction.StreamId);
        if (match.Route != StreamRoute.Translate)
        {
            translation = Translation.Unchanged(address, match.Source);
            return match.Route == StreamRoute.Bypass;
        }

        ref readonly SmmuContextBank bank = ref State.Banks[match.Bank];
        if (ContextBank.IsBlocked(in bank))
        {
            return false;
        }

        if ((bank.SystemControl & ContextBank.Enable) == 0)
        {
            translation = Translation.Unchanged(address, TranslationSource.ContextOff);
            return true;
        }

        int found = State.Tlb.Find(ContextBank.Vmid(in bank), address);
        if (found < 0)
        {
            return false;
        }

        ref readonly SmmuTlbEntry entry = ref State.Tlb.Entries[found];
        kind = StreamMapping.Override(State.StreamToContext[match.Group], kind);
        MarkLent(found);
        translation = Hit(in entry, address);
        return IsPermitted((PagePermissions)entry.Permissions, kind);
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
        fault = default;
        streamId &= _parameters.StreamIdMask;
        StreamMatch match = StreamMapping.Find(ref State, _parameters, streamId);
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

        ref readonly SmmuContextBank bank = ref State.Banks[match.Bank];
        if (ContextBank.IsBlocked(in bank))
        {
            fault = Fault.Under(match.Bank, address, kind, streamId);
            return false;
        }

        if ((bank.SystemControl & ContextBank.Enable) == 0)
        {
            translation = Translation.Unchanged(address, TranslationSource.ContextOff);
            TraceBypass(match with { Source = TranslationSource.ContextOff }, address, kind, streamId);
            return true;
        }

        return TryTlb(match.Bank, address, kind, streamId, out translation, out fault, out bool found)
            || (!found && TryTables(match.Bank, address, kind, streamId, out translation, out fault));
    }

    private bool TryTlb(
        int bankIndex,
        ulong address,
        AccessKind kind,
        uint streamId,
        out Translation translation,
        out Fault fault,
        out bool found
    )
    {
        translation = default;
        fault = default;
        ushort vmid = ContextBank.Vmid(in State.Banks[bankIndex]);
        int place = State.Tlb.Find(vmid, address);
        found = place >= 0;
        if (!found)
        {
            return false;
        }

        ref readonly SmmuTlbEntry entry = ref State.Tlb.Entries[place];
        var permissions = (PagePermissions)entry.Permissions;
        if (!IsPermitted(permissions, kind))
        {
            TraceRefusingEntry(bankIndex, address, in entry);
            fault = Fault.OfContext(ContextFaultCause.Permission, bankIndex, entry.Level, address, kind, streamId) with
            {
                Origin = FaultOrigin.TlbEntry,
            };
            return false;
        }

        MarkLent(place);
        translation = Hit(in entry, address);
        TraceTranslation(bankIndex, vmid, translation, permissions, kind, streamId);
        return true;
    }

    private bool TryTables(
        int bankIndex,
        ulong address,
        AccessKind kind,
        uint streamId,
        out Translation translation,
        out Fault fault
    )
    {
        translation = default;
        fault = default;
        ref readonly SmmuContextBank bank = ref State.Banks[bankIndex];
        StageTwoTables tables = StageTwoTables.Of(in bank);
        LpaeWalker.Walk(_bus, _walkSignals, tables, address, out WalkResult leaf);
        TraceWalk(bankIndex, tables, address, in leaf);

        ContextFaultCause cause = leaf.Cause;
        if (cause == ContextFaultCause.None)
        {
            bool accessFlagMatters = (bank.SystemControl & ContextBank.AccessFlagFaultDisable) == 0;
            cause =
                accessFlagMatters && !leaf.AccessFlag ? ContextFaultCause.AccessFlag
                : !IsPermitted(leaf.Permissions, kind) ? ContextFaultCause.Permission
                : ContextFaultCause.None;
        }

        if (cause != ContextFaultCause.None)
        {
            WalkStep last = leaf.StepCount > 0 ? leaf.Steps[leaf.StepCount - 1] : default;
            fault = Fault.OfContext(cause, bankIndex, leaf.Level, address, kind, streamId) with
            {
                Origin = leaf.StepCount > 0 ? FaultOrigin.Descriptor : FaultOrigin.TableShape,
                DescriptorAddress = last.Address,
                Descriptor = last.Descriptor,
            };
            return false;
        }

        ushort vmid = ContextBank.Vmid(in bank);
        bool keep = leaf.AccessFlag && _parameters.TlbEntries > 0;
        if (keep)
        {
            // Marked as lent, because the look-up that is under way may be kept among the recent ones.
            MarkLent(KeepInTlb(vmid, address, in leaf));
        }

        int shift = LpaeWalker.ShiftOf(leaf.Level);
        ulong within = address & ((1UL << shift) - 1);
        TranslationSource source = keep ? TranslationSource.Walk : TranslationSource.WalkNotKept;
        translation = new Translation(leaf.Output | within, address - within, leaf.Output, shift, source);
        TraceTranslation(bankIndex, vmid, translation, leaf.Permissions, kind, streamId);
        return true;
    }

    private static Translation Hit(ref readonly SmmuTlbEntry entry, ulong address)
    {
        int shift = LpaeWalker.ShiftOf(entry.Level);
        ulong within = address & ((1UL << shift) - 1);
        return new Translation(entry.Output | within, address - within, entry.Output, shift, TranslationSource.TlbHit);
    }

    private static bool IsPermitted(PagePermissions permissions, AccessKind kind) =>
        (permissions & NeededFor(kind)) == NeededFor(kind);

    private static PagePermissions NeededFor(AccessKind kind) =>
        (kind & AccessKind.Write) == AccessKind.Write ? PagePermissions.Write
        : (kind & AccessKind.Instruction) == AccessKind.Instruction ? PagePermissions.Read | PagePermissions.Execute
        : PagePermissions.Read;

    private static uint WhoOf(uint streamId, AccessKind kind) => (streamId << 3) | (uint)kind;

    private static int SlotOf(ulong address, uint who) =>
        (int)((address >> PageBits) ^ (who * 5)) & (RecentEntries - 1);

    private static Recent[] CreateRecent()
    {
        var recent = new Recent[RecentEntries];
        Array.Fill(recent, new Recent { Page = ulong.MaxValue });
        return recent;
    }

    /// <summary>A translation that was used a moment ago.</summary>
    private struct Recent
    {
        public ulong Page;
        public ulong Offset;
        public ulong Epoch;
        public uint Who;
    }
}
