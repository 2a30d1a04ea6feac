namespace Emulator.Iommu;

/// <summary>What stages a context bank does, and with whom (CBAR.TYPE).</summary>
internal enum ContextType : byte
{
    /// <summary>Stage 2 only: the bank's registers have the stage-2 layout.</summary>
    Stage2,

    /// <summary>Stage 1 only.</summary>
    Stage1,

    /// <summary>Stage 1, and no access passes stage 2.</summary>
    Stage1ThenFault,

    /// <summary>Stage 1, then stage 2 by the bank that CBAR.CBNDX names.</summary>
    Nested,
}

/// <summary>
/// The bits of a context bank's registers: CBAR, CBA2R, SCTLR, TCR, TCR2, FSR, FSYNR0 (fact sheet 2.8, 3.1 to 3.3;
/// stage-2 layout of SMMUv1: Arm DDI 0472).
/// </summary>
internal static class ContextBank
{
    /// <summary>SCTLR.M: translate.</summary>
    public const uint Enable = 1 << 0;

    /// <summary>SCTLR.AFE: AP[0] of short descriptors is an access flag.</summary>
    public const uint AccessFlagEnable = 1 << 2;

    /// <summary>SCTLR.AFFD: a clear access flag is no fault.</summary>
    public const uint AccessFlagFaultDisable = 1 << 3;

    /// <summary>SCTLR.E: tables are big-endian.</summary>
    public const uint BigEndianTables = 1 << 4;

    /// <summary>SCTLR.CFRE: a terminated transaction is answered with an error.</summary>
    public const uint FaultReport = 1 << 5;

    /// <summary>SCTLR.CFIE: a fault raises the context interrupt.</summary>
    public const uint FaultInterrupt = 1 << 6;

    /// <summary>SCTLR.CFCFG: a faulting transaction is stalled rather than terminated.</summary>
    public const uint FaultStall = 1 << 7;

    /// <summary>SCTLR.HUPCF: other transactions go on while a fault is outstanding.</summary>
    public const uint HitUnderFault = 1 << 8;

    /// <summary>SCTLR.WXN: what can be written cannot be executed.</summary>
    public const uint WriteImpliesNoExecute = 1 << 9;

    /// <summary>SCTLR.UWXN: what unprivileged accesses can write, privileged ones cannot execute.</summary>
    public const uint UnprivilegedWriteImpliesNoExecute = 1 << 10;

    /// <summary>The bits of SCTLR that exist in SMMUv1 without stage 1.</summary>
    public const uint SystemControlMask = 0x0FEF_C1FF;

    /// <summary>The bits of SCTLR that exist in SMMUv2: WXN, UWXN, ASIDPNE, PTW, MTCFG and UCI as well.</summary>
    public const uint SystemControlMask2 = 0x4FFF_F7FF;

    /// <summary>The bits of TCR that can be written in SMMUv1: SH0, ORGN0, IRGN0, SL0, S, T0SZ.</summary>
    public const uint TranslationControlMask = 0x3F5F;

    /// <summary>TCR.EAE reads as one in SMMUv1: there is no other format.</summary>
    public const uint TranslationControlReset = 1u << 31;

    /// <summary>TCR.EAE of a stage-1 bank with AArch32 tables: Long-descriptor format.</summary>
    public const uint ExtendedAddresses = 1u << 31;

    /// <summary>TCR.TG0 of MMU-401: a granule of 64 KiB.</summary>
    public const uint Granule64KiB = 1 << 14;

    /// <summary>TCR2: PASize, AS, SEP and the two NSCFG; TBI is fixed on MMU-500.</summary>
    public const uint TranslationControl2Mask = 0x4003_C017;

    /// <summary>TCR2.TBI0 and TBI1.</summary>
    public const uint TopByteIgnored = 0x60;

    /// <summary>The bits of TTBR0 that can be written in SMMUv1: a 40-bit address of at least 8 bytes' alignment.</summary>
    public const ulong TableBaseMask = 0xFF_FFFF_FFF8;

    /// <summary>FSR.MULTI: further faults came, whose details are lost.</summary>
    public const uint Multiple = 1u << 31;

    /// <summary>FSR.SS: transactions are stalled.</summary>
    public const uint Stalled = 1u << 30;

    /// <summary>FSR[8:1]: the causes.</summary>
    public const uint AnyFault = 0x1FE;

    /// <summary>What writing FSR can clear.</summary>
    public const uint ClearableStatus = Multiple | AnyFault;

    /// <summary>FSYNR0.NESTED: a stage-2 fault of a transaction that came through a stage-1 bank.</summary>
    public const uint SyndromeNested = 1 << 2;

    /// <summary>FSYNR0.S1PTWF: a stage-2 fault on reading a stage-1 table.</summary>
    public const uint SyndromeStage1Walk = 1 << 3;

    /// <summary>FSYNR0.PTWF: the walk itself met an external abort.</summary>
    public const uint SyndromeWalkAbort = 1 << 10;

    /// <summary>The bits of CBAR that can be written in SMMUv1: IRPTNDX and VMID; TYPE is always 0, stage 2 only.</summary>
    public const uint AttributesMask = 0xFF00_00FF;

    /// <summary>The bits of CBAR that can be written in SMMUv2: all but IRPTNDX.</summary>
    public const uint AttributesMask2 = 0x00FF_FFFF;

    /// <summary>CBAR.TYPE of MMU-500 after reset: stage 1, stage 2 faults.</summary>
    public const uint AttributesReset2 = 2 << 16;

    /// <summary>CBA2R.VA64: AArch64 tables.</summary>
    public const uint WideAddresses = 1 << 0;

    /// <summary>CBAR.VMID.</summary>
    public static ushort Vmid(ref readonly SmmuContextBank bank) => (byte)bank.Attributes;

    /// <summary>CBAR.TYPE.</summary>
    public static ContextType TypeOf(ref readonly SmmuContextBank bank) => (ContextType)((bank.Attributes >> 16) & 3);

    /// <summary>CBAR.CBNDX of a nested bank: the bank of its stage 2.</summary>
    public static int StageTwoBank(ref readonly SmmuContextBank bank) => (byte)(bank.Attributes >> 8);

    /// <summary>CBAR.IRPTNDX.</summary>
    public static int InterruptIndex(ref readonly SmmuContextBank bank) => (int)(bank.Attributes >> 24);

    /// <summary>Whether SCTLR.M is set.</summary>
    public static bool IsOn(ref readonly SmmuContextBank bank) => (bank.SystemControl & Enable) != 0;

    /// <summary>Whether the bank asks for its interrupt.</summary>
    public static bool WantsInterrupt(ref readonly SmmuContextBank bank) =>
        (bank.SystemControl & FaultInterrupt) != 0 && (bank.FaultStatus & AnyFault) != 0;

    /// <summary>Whether later transactions must wait or die without a look-up (SCTLR.HUPCF = 0).</summary>
    public static bool IsBlocked(ref readonly SmmuContextBank bank) =>
        bank.FaultStatus != 0 && (bank.SystemControl & HitUnderFault) == 0;

    /// <summary>The format of a bank's tables in SMMUv2.</summary>
    public static TableFormat FormatOf(ref readonly SmmuContextBank bank) =>
        (bank.Attributes2 & WideAddresses) != 0 ? TableFormat.AArch64
        : TypeOf(in bank) == ContextType.Stage2 || (bank.TranslationControl & ExtendedAddresses) != 0 ? TableFormat.Long
        : TableFormat.Short;

    /// <summary>The ASID of a stage-1 bank: that of the TTBR which TCR.A1 names, or of CONTEXTIDR.</summary>
    public static ushort Asid(ref readonly SmmuContextBank bank)
    {
        TableFormat format = FormatOf(in bank);
        if (format == TableFormat.Short)
        {
            return (byte)bank.ContextId;
        }

        ulong table = (bank.TranslationControl & (1 << 22)) != 0 ? bank.TableBase1 : bank.TableBase;
        bool isWide = format == TableFormat.AArch64 && (bank.TranslationControl2 & (1 << 4)) != 0;
        return isWide ? (ushort)(table >> 48) : (byte)(table >> 48);
    }
}
