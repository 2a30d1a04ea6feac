using System.Diagnostics;

namespace Emulator.Iommu;

/// <summary>The formats of translation tables, in the order of FSR.FORMAT.</summary>
internal enum TableFormat : byte
{
    /// <summary>ARMv7 short descriptors (V7S).</summary>
    Short,

    /// <summary>ARMv7 long descriptors (V7L, LPAE).</summary>
    Long,

    /// <summary>AArch64.</summary>
    AArch64,
}

/// <summary>Why an address cannot be looked up at all; no table is read.</summary>
internal enum ShapeRefusal : byte
{
    /// <summary>It can.</summary>
    None,

    /// <summary>The address has more bits than TxSZ allows.</summary>
    BeyondInput,

    /// <summary>TCR.EPDn (PDn) forbids walks for this half.</summary>
    Disabled,

    /// <summary>TCR.TxSZ has a value that no part has.</summary>
    IllegalSize,

    /// <summary>TCR.SL0 and T0SZ do not fit: no table, or more than 16, would be needed at the first level.</summary>
    IllegalStart,

    /// <summary>TTBRn has more bits than TCR.PASize allows.</summary>
    TableAddress,
}

/// <summary>
/// The tables of one stage for one address: what SCTLR, TCR, TCR2 and TTBRn of a bank say (fact sheet 3.2, 6.1; Arm DDI
/// 0406C B3.6, DDI 0487 D5.2).
/// </summary>
[DebuggerDisplay("{Format} stage {Stage}: {InputBits} bits from level {StartLevel} at {TableBase,h} {Refusal}")]
internal struct TableShape
{
    /// <summary>The address of the first table, or of the first of up to 16 side by side.</summary>
    public ulong TableBase;

    /// <summary>The bits of a descriptor that hold an address.</summary>
    public ulong AddressField;

    /// <summary>The bits of an address that must be zero: above TCR.PASize.</summary>
    public ulong Forbidden;

    /// <summary>How many bits of the address are looked up.</summary>
    public int InputBits;

    /// <summary>12 for tables and pages of 4 KiB, 16 for 64 KiB.</summary>
    public int GranuleBits;

    /// <summary>Where the walk begins.</summary>
    public int StartLevel;

    /// <summary>How many bits index the first table.</summary>
    public int StartIndexBits;

    /// <summary>
    /// A block may reach into addresses that belong to the other TTBR; what the TLB keeps of it must not: at most 2^this bytes.
    /// 0 where that cannot be.
    /// </summary>
    public int MostSizeBits;

    /// <summary>Which TTBR.</summary>
    public int TableRegister;

    /// <summary>1 or 2.</summary>
    public byte Stage;

    /// <summary>The format.</summary>
    public TableFormat Format;

    /// <summary>Why nothing can be looked up.</summary>
    public ShapeRefusal Refusal;

    /// <summary>SCTLR.E: descriptors are big-endian.</summary>
    public bool IsBigEndian;

    /// <summary>SCTLR.AFFD = 0: a clear access flag is a fault.</summary>
    public bool AccessFlagFaults;

    /// <summary>SCTLR.AFE: AP[0] of short descriptors is an access flag.</summary>
    public bool HasAccessFlag;

    /// <summary>SCTLR.WXN.</summary>
    public bool WriteImpliesNoExecute;

    /// <summary>SCTLR.UWXN.</summary>
    public bool UnprivilegedWriteImpliesNoExecute;

    /// <summary>How many bits each level indexes.</summary>
    public readonly int Stride => GranuleBits - 3;

    /// <summary>
    /// The level that faults show where no descriptor was read: 0 in AArch64, 1 in AArch32, wherever the walk would have
    /// begun (DDI 0487 AArch64.TranslationTableWalk, DDI 0406C TranslationTableWalkLD).
    /// </summary>
    public readonly int RefusalLevel => Format == TableFormat.AArch64 ? 0 : 1;

    /// <summary>Why an address cannot be looked up. One that is too long says so before a table that lies too high does.</summary>
    public readonly ShapeRefusal RefusalOf(ulong input) =>
        Refusal is ShapeRefusal.None or ShapeRefusal.TableAddress
        && Format != TableFormat.Short
        && input >> InputBits != 0
            ? ShapeRefusal.BeyondInput
            : Refusal;

    /// <summary>The lowest address bit that a level's index takes.</summary>
    public readonly int ShiftOf(int level) => GranuleBits + Stride * (3 - level);

    /// <summary>Whether a descriptor with [1:0] = 01 is a block at a level.</summary>
    public readonly bool HasBlocksAt(int level) => level == 2 || (level == 1 && GranuleBits == 12);

    /// <summary>Chooses the first table, so that indices of the given bits stay inside; the low bits of TTBR do not count.</summary>
    public void Start(ulong table, int level)
    {
        StartLevel = level;
        StartIndexBits = InputBits - ShiftOf(level);
        ulong alignment = (1UL << (3 + Math.Clamp(StartIndexBits, 1, Stride + MostConcatenationBits))) - 1;
        TableBase = table & ~alignment;
    }

    /// <summary>Whether the first level can begin here: one index bit at least, at most 16 tables side by side.</summary>
    public readonly bool StartsLegally(int mostTablesBits) =>
        StartLevel is >= 0 and <= 3 && StartIndexBits >= 1 && StartIndexBits <= Stride + mostTablesBits;

    /// <summary>Up to 16 tables may lie side by side at the first level of stage 2.</summary>
    public const int MostConcatenationBits = 4;

    /// <summary>How many bits a code of PASize (TCR2, IDR2) stands for, within what the part has.</summary>
    public static int SizeOf(uint code, int addressBits) => Math.Min(Sizes[(int)(code & 7)], addressBits);

    private static ReadOnlySpan<byte> Sizes => [32, 36, 40, 42, 44, 48, 48, 48];
}
