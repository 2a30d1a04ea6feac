using Emulator.Machine;

namespace Emulator.Iommu;

/// <content>What software asks of the SMMU by registers: invalidations (fact sheet 8), address translations (2.1, 3).</content>
public sealed partial class Smmu
{
    private const ulong WideAddressMask = (1UL << 56) - 1;
    private const ulong UpperWord = 0xFFFF_FFFF_0000_0000;
    private const ulong ParFault = 1;
    private const ulong ParLongFormat = 1 << 11;
    private const int ParLevelShift = 32;
    private const ulong ParStageTwo = 1UL << 35;
    private const ulong OutputPageMask = 0xFFFF_FFFF_F000;

    private void InvalidateVmid(ushort vmid, TlbStages stages = TlbStages.Both) =>
        AfterInvalidation(State.Tlb.InvalidateVmid(vmid, stages), "VMID " + Hexadecimal.Format(vmid));

    private void InvalidateAll() => AfterInvalidation(State.Tlb.InvalidateAll(), "every VMID");

    private void InvalidateAsid(int bank, ulong operand)
    {
        var asid = (ushort)operand;
        ushort vmid = OwnerOf(bank);
        AfterInvalidation(
            State.Tlb.InvalidateAsid(vmid, asid),
            $"VMID {Hexadecimal.Format(vmid)} ASID {Hexadecimal.Format(asid)}"
        );
    }

    /// <summary>By virtual address; the operand's layout follows CBA2R.VA64 (fact sheet 8).</summary>
    private void InvalidateAddress(int bank, ulong operand, bool everyAsid)
    {
        bool isWide = (State.Banks[bank].Attributes2 & ContextBank.WideAddresses) != 0;
        ulong address = isWide ? (operand & ((1UL << 44) - 1)) << PageBits : operand & 0xFFFF_F000;
        var asid = isWide ? (ushort)(operand >> 48) : (byte)operand;
        ulong mask = isWide ? WideAddressMask : uint.MaxValue;
        ushort vmid = OwnerOf(bank);
        AfterInvalidation(
            State.Tlb.InvalidateAddress(vmid, everyAsid ? null : asid, address, mask),
            $"VMID {Hexadecimal.Format(vmid)} VA {Hexadecimal.Format(address)}"
                + (everyAsid ? "" : " ASID " + Hexadecimal.Format(asid))
        );
    }

    private void InvalidateIntermediate(int bank, ulong operand)
    {
        ulong address = (operand & ((1UL << 36) - 1)) << PageBits;
        ushort vmid = OwnerOf(bank);
        AfterInvalidation(
            State.Tlb.InvalidateIntermediate(vmid, address),
            $"VMID {Hexadecimal.Format(vmid)} IPA {Hexadecimal.Format(address)}"
        );
    }

    /// <summary>The VMID of a bank's context: a nested one belongs to its stage-2 bank.</summary>
    private ushort OwnerOf(int bank)
    {
        ref readonly SmmuContextBank own = ref State.Banks[bank];
        int second = ContextBank.StageTwoBank(in own);
        return ContextBank.TypeOf(in own) == ContextType.Nested && second < _parameters.ContextBanks
            ? ContextBank.Vmid(in State.Banks[second])
            : ContextBank.Vmid(in own);
    }

    private void AfterInvalidation(int removed, string what)
    {
        ConfigurationChanged();
        TraceInvalidation(what, removed);
    }

    /// <summary>
    /// Takes a 64-bit operation that may come in two halves, the upper first, as drivers write it on 32-bit buses. False while
    /// the lower one is still to come.
    /// </summary>
    private bool TryTakeOperand(ulong value, ulong lanes, out ulong operand)
    {
        if (lanes == UpperWord)
        {
            State.OperandHigh = (uint)(value >> 32);
            operand = 0;
            return false;
        }

        operand = lanes == ulong.MaxValue ? value : value | ((ulong)State.OperandHigh << 32);
        State.OperandHigh = 0;
        return true;
    }

    /// <summary>CBn_ATS1xx: translates by stage 1; where the bank is nested, its tables are read through stage 2.</summary>
    private void TranslateByBank(int bank, ulong operand, AccessKind kind) =>
        State.Banks[bank].PhysicalAddress = Operate(bank, operand & ~PageMask, kind, both: false);

    /// <summary>sGATSxxx: the bank is in the operand's low byte.</summary>
    private void TranslateGlobally(ulong operand, AccessKind kind, bool both) =>
        State.GlobalPhysicalAddress = Operate((byte)operand, operand & ~PageMask, kind, both);

    /// <summary>Walks for an address translation operation. Neither TLB nor fault registers take part.</summary>
    /// <returns>PAR.</returns>
    private ulong Operate(int bank, ulong address, AccessKind kind, bool both)
    {
        StreamMatch match = StreamMapping.Enter(ref State, _parameters, bank, -1);
        if (match.Route != StreamRoute.Translate)
        {
            return ParFault;
        }

        Lookup lookup = LookupOf(match, address);
        if (!both && match.StageOne >= 0 && (lookup.Tag.Stages & TlbStages.Stage1) == TlbStages.None)
        {
            return address & OutputPageMask;
        }

        if (lookup.Tag.Stages == TlbStages.None)
        {
            return address & OutputPageMask;
        }

        var request = new Request(match, lookup, address, kind, 0);
        if (!TryWalk(request, both, Trace.IsOn ? _traced : null, out SmmuTlbEntry entry, out _, out Fault fault))
        {
            ulong stage = fault.Bank == match.StageTwo ? ParStageTwo : 0;
            return ParFault | fault.StatusBit | ((ulong)(fault.Syndrome & 3) << ParLevelShift) | stage;
        }

        ulong physical = entry.Output | (lookup.Address & ((1UL << entry.SizeBits) - 1));
        return (physical & OutputPageMask) | AttributesOf(match, in entry);
    }

    /// <summary>PAR's attributes of a stage-1 leaf: ATTR by MAIR, SH, and the mark of the long format.</summary>
    private ulong AttributesOf(in StreamMatch match, ref readonly SmmuTlbEntry entry)
    {
        if (match.StageOne < 0 || ContextBank.FormatOf(in State.Banks[match.StageOne]) == TableFormat.Short)
        {
            return 0;
        }

        ref readonly SmmuContextBank bank = ref State.Banks[match.StageOne];
        ulong attributes = ((ulong)bank.MemoryAttributes1 << 32) | bank.MemoryAttributes0;
        ulong attribute = (attributes >> (entry.Attributes & 7) * 8) & 0xFF;
        return (attribute << 56) | ((ulong)(entry.Attributes >> 4 & 3) << 7) | ParLongFormat;
    }
}
