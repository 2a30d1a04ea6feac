namespace Emulator.KernelShim;

/// <summary>The registers of a context bank that the driver uses, and their bits (fact sheet 3).</summary>
internal static class ContextBankRegisters
{
    /// <summary>SCTLR.</summary>
    public const ulong SystemControl = 0x000;

    /// <summary>RESUME.</summary>
    public const ulong Resume = 0x008;

    /// <summary>TTBR0, the low word.</summary>
    public const ulong TableBaseLow = 0x020;

    /// <summary>TTBR0, the high word.</summary>
    public const ulong TableBaseHigh = 0x024;

    /// <summary>TTBCR.</summary>
    public const ulong TranslationControl = 0x030;

    /// <summary>FSR.</summary>
    public const ulong FaultStatus = 0x058;

    /// <summary>FAR, the low word.</summary>
    public const ulong FaultAddress = 0x060;

    /// <summary>FSYNR0.</summary>
    public const ulong FaultSyndrome = 0x068;

    /// <summary>FSR_FAULT: MULTI, SS, and every cause.</summary>
    public const uint AnyFault = 0xC000_01FE;

    /// <summary>FSR_IGN: causes that the driver does not expect (AFF, ASF, TLBMCF, TLBLKF).</summary>
    public const uint UnexpectedFaults = (1 << 2) | (1 << 5) | (1 << 6) | (1 << 7);

    /// <summary>FSR_SS: a transaction is stalled.</summary>
    public const uint Stalled = 1 << 30;

    /// <summary>RESUME_TERMINATE.</summary>
    public const uint Terminate = 1;

    /// <summary>SCTLR: M, TRE, AFE, CFRE, CFIE.</summary>
    public const uint TranslateAndReport = 0x67;

    /// <summary>SCTLR.CFCFG.</summary>
    public const uint StallFaults = 0x80;

    /// <summary>TTBCR: EAE, inner shareable write-back tables, start at level 1, T0SZ 0.</summary>
    public const uint LongDescriptors32 = 0x8000_3540;
}
