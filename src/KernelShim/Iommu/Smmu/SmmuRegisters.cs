namespace Emulator.KernelShim;

/// <summary>Registers of the SMMU's architecture, versions 1 and 2, and values that the driver writes (arm-smmu.h).</summary>
internal static class SmmuRegisters
{
    public const ulong Control0 = 0x000;
    public const ulong AuxiliaryControl = 0x010;
    public const ulong Identification0 = 0x020;
    public const ulong Identification1 = 0x024;
    public const ulong Identification2 = 0x028;
    public const ulong Identification7 = 0x03C;
    public const ulong GlobalFaultStatus = 0x048;
    public const ulong GlobalFaultSyndrome0 = 0x050;
    public const ulong InvalidateVmid = 0x064;
    public const ulong InvalidateNonSecure = 0x068;
    public const ulong InvalidateHypervisor = 0x06C;
    public const ulong GlobalSync = 0x070;
    public const ulong GlobalSyncStatus = 0x074;
    public const ulong StreamMatch = 0x800;
    public const ulong StreamToContext = 0xC00;

    public const ulong BankSystemControl = 0x000;
    public const ulong BankAuxiliaryControl = 0x004;
    public const ulong BankTranslationControl2 = 0x010;
    public const ulong BankTableBase0 = 0x020;
    public const ulong BankTableBase1 = 0x028;
    public const ulong BankTranslationControl = 0x030;
    public const ulong BankMemoryAttributes0 = 0x038;
    public const ulong BankMemoryAttributes1 = 0x03C;
    public const ulong BankFaultStatus = 0x058;
    public const ulong BankFaultAddress = 0x060;
    public const ulong BankFaultSyndrome0 = 0x068;
    public const ulong BankInvalidateAddressLast = 0x620;
    public const ulong BankInvalidateAsid = 0x610;
    public const ulong BankInvalidateIntermediateLast = 0x638;
    public const ulong BankSync = 0x7F0;
    public const ulong BankSyncStatus = 0x7F4;

    /// <summary>sCR0: CLIENTPD.</summary>
    public const uint ClientPortDisable = 1;

    /// <summary>sCR0: GFRE, GFIE, GCFGFRE, GCFGFIE, VMIDPNE, PTM.</summary>
    public const uint ControlOn = 0x1836;

    /// <summary>sCR0: USFCFG, streams that match nothing fault.</summary>
    public const uint UnmatchedFault = 1 << 10;

    /// <summary>sCR0: FB and BSU.</summary>
    public const uint Broadcasting = (1 << 13) | (3 << 14);

    /// <summary>sCR0: VMID16EN and EXIDENABLE are left as they are; SMCFCFG is fixed on an MMU-500.</summary>
    public const uint StreamMatchValid = 1u << 31;

    /// <summary>S2CR.TYPE: translate, bypass, fault.</summary>
    public const uint BypassStream = 1 << 16;

    /// <summary>S2CR.TYPE fault.</summary>
    public const uint FaultStream = 2 << 16;

    /// <summary>sGFSR.USF.</summary>
    public const uint UnidentifiedStream = 1 << 1;

    /// <summary>FSR: everything that is a fault, SS and MULTI.</summary>
    public const uint AnyFault = 0xC000_01FE;

    /// <summary>SCTLR: M TRE AFE CFRE CFIE; without CFCFG a fault ends the transaction.</summary>
    public const uint SystemControlOn = 0x67;

    /// <summary>SCTLR.ASIDPNE, set for stage 1.</summary>
    public const uint AsidPrivate = 1 << 12;

    /// <summary>CBAR: stage 1, stage 2 bypassed; BPSHCFG non-shareable, memory attributes write-back.</summary>
    public const uint StageOneAttributes = 0x0001_F300;

    /// <summary>MAIR0: non-cacheable, write-back, device, inner non-cacheable and outer write-back.</summary>
    public const uint MemoryAttributes = 0xF404_FF44;

    /// <summary>TCR of stage 1 without T0SZ: EPD1, TG0 4 KiB, SH0 inner, ORGN0 and IRGN0 write-back write-allocate.</summary>
    public const uint StageOneControl = 0x0080_3500;

    /// <summary>TCR2: SEP 7 (upstream), AS 16 bits; PASize goes into bits 2 to 0.</summary>
    public const uint StageOneControl2 = 0x0003_8010;

    /// <summary>VTCR without T0SZ, SL0 and PS: RES1, TG0 4 KiB, SH0 inner, ORGN0 and IRGN0 write-back write-allocate.</summary>
    public const uint StageTwoControl = 0x8000_3500;
}
