namespace Emulator.Iommu;

/// <summary>
/// The bits of a context bank's registers: CBAR, SCTLR, FSR, FSYNR0 (fact sheet 2.8, 3.1, 3.3; stage-2 layout of
/// Arm DDI 0472).
/// </summary>
internal static class ContextBank
{
    /// <summary>SCTLR.M: translate.</summary>
    public const uint Enable = 1 << 0;

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

    /// <summary>The bits of SCTLR that exist.</summary>
    public const uint SystemControlMask = 0x0FEF_C1FF;

    /// <summary>The bits of TCR that can be written: SH0, ORGN0, IRGN0, SL0, S, T0SZ.</summary>
    public const uint TranslationControlMask = 0x3F5F;

    /// <summary>TCR.EAE reads as one: there is no other format.</summary>
    public const uint TranslationControlReset = 1u << 31;

    /// <summary>The bits of TTBR0 that can be written: a 40-bit address of at least 8 bytes' alignment.</summary>
    public const ulong TableBaseMask = 0xFF_FFFF_FFF8;

    /// <summary>FSR.MULTI: further faults came, whose details are lost.</summary>
    public const uint Multiple = 1u << 31;

    /// <summary>FSR.SS: transactions are stalled.</summary>
    public const uint Stalled = 1u << 30;

    /// <summary>FSR[8:1]: the causes.</summary>
    public const uint AnyFault = 0x1FE;

    /// <summary>What writing FSR can clear.</summary>
    public const uint ClearableStatus = Multiple | AnyFault;

    /// <summary>FSYNR0.PTWF: the walk itself met an external abort.</summary>
    public const uint SyndromeWalkAbort = 1 << 10;

    /// <summary>The bits of CBAR that can be written: IRPTNDX and VMID; TYPE is always 0, stage 2 only.</summary>
    public const uint AttributesMask = 0xFF00_00FF;

    /// <summary>CBAR.VMID.</summary>
    public static ushort Vmid(ref readonly SmmuContextBank bank) => (byte)bank.Attributes;

    /// <summary>CBAR.IRPTNDX.</summary>
    public static int InterruptIndex(ref readonly SmmuContextBank bank) => (int)(bank.Attributes >> 24);

    /// <summary>Whether the bank asks for its interrupt.</summary>
    public static bool WantsInterrupt(ref readonly SmmuContextBank bank) =>
        (bank.SystemControl & FaultInterrupt) != 0 && (bank.FaultStatus & AnyFault) != 0;

    /// <summary>Whether later transactions must wait or die without a look-up (SCTLR.HUPCF = 0).</summary>
    public static bool IsBlocked(ref readonly SmmuContextBank bank) =>
        bank.FaultStatus != 0 && (bank.SystemControl & HitUnderFault) == 0;
}
