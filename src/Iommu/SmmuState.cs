using System.Diagnostics;
using System.Runtime.CompilerServices;
using Emulator.Machine;

namespace Emulator.Iommu;

/// <summary>What an SMMU remembers: its registers, its TLB and the transactions it holds. One value without padding.</summary>
public struct SmmuState
{
    /// <summary>sGFAR.</summary>
    public ulong GlobalFaultAddress;

    /// <summary>sGPAR.</summary>
    public ulong GlobalPhysicalAddress;

    /// <summary>The context banks.</summary>
    public SmmuContextBanks Banks;

    /// <summary>The held transactions, oldest first.</summary>
    public SmmuHeldTransactions Held;

    /// <summary>The TLB.</summary>
    public SmmuTlb Tlb;

    /// <summary>SMRn.</summary>
    public SmmuStreamRegisters StreamMatch;

    /// <summary>S2CRn.</summary>
    public SmmuStreamRegisters StreamToContext;

    /// <summary>sCR0.</summary>
    public uint Control;

    /// <summary>sCR2: the VMID of bypassing transactions.</summary>
    public uint Control2;

    /// <summary>sACR.</summary>
    public uint AuxiliaryControl;

    /// <summary>sGFSR.</summary>
    public uint GlobalFaultStatus;

    /// <summary>sGFSYNR0.</summary>
    public uint GlobalFaultSyndrome0;

    /// <summary>sGFSYNR1.</summary>
    public uint GlobalFaultSyndrome1;

    /// <summary>How many of <see cref="Held"/> are in use.</summary>
    public uint HeldCount;

    /// <summary>The upper word of a 64-bit operation that is written in two halves, upper half first.</summary>
    public uint OperandHigh;
}

/// <summary>The registers of one context bank, those of its page and its two in GR1.</summary>
[DebuggerDisplay("SCTLR {SystemControl,h} FSR {FaultStatus,h} TTBR0 {TableBase,h}")]
public struct SmmuContextBank
{
    /// <summary>TTBR0.</summary>
    public ulong TableBase;

    /// <summary>TTBR1.</summary>
    public ulong TableBase1;

    /// <summary>FAR.</summary>
    public ulong FaultAddress;

    /// <summary>IPAFAR.</summary>
    public ulong FaultIntermediateAddress;

    /// <summary>PAR.</summary>
    public ulong PhysicalAddress;

    /// <summary>SCTLR.</summary>
    public uint SystemControl;

    /// <summary>ACTLR.</summary>
    public uint AuxiliaryControl;

    /// <summary>TCR (TTBCR).</summary>
    public uint TranslationControl;

    /// <summary>TCR2.</summary>
    public uint TranslationControl2;

    /// <summary>MAIR0 (PRRR).</summary>
    public uint MemoryAttributes0;

    /// <summary>MAIR1 (NMRR).</summary>
    public uint MemoryAttributes1;

    /// <summary>CONTEXTIDR.</summary>
    public uint ContextId;

    /// <summary>FSR, without the fixed FORMAT.</summary>
    public uint FaultStatus;

    /// <summary>FSYNR0.</summary>
    public uint FaultSyndrome;

    /// <summary>CBARn.</summary>
    public uint Attributes;

    /// <summary>CBA2Rn.</summary>
    public uint Attributes2;

    /// <summary>CBFRSYNRAn.</summary>
    public uint FaultStream;
}

/// <summary>A transaction that waits for RESUME. Who made it is a wire, and kept beside the state.</summary>
[DebuggerDisplay("bank {Bank} stream {StreamId,h} address {Address,h} tag {Tag}")]
public struct SmmuHeldTransaction
{
    /// <summary>The initiator's mark.</summary>
    public ulong Tag;

    /// <summary>The I/O virtual address.</summary>
    public ulong Address;

    /// <summary>The stream ID.</summary>
    public uint StreamId;

    /// <summary>The context bank.</summary>
    public byte Bank;

    /// <summary>1 for a write.</summary>
    public byte IsWrite;

    /// <summary>1 when it faulted itself; 0 when it only waits behind one that did (SCTLR.HUPCF = 0).</summary>
    public byte Faulted;

    /// <summary>Keeps the struct free of padding.</summary>
    public byte Filler;
}

/// <summary>All context banks.</summary>
[InlineArray(SmmuParameters.MostContextBanks)]
public struct SmmuContextBanks
{
    private SmmuContextBank _first;
}

/// <summary>SMRn or S2CRn.</summary>
[InlineArray(SmmuParameters.MostStreamMatchGroups)]
public struct SmmuStreamRegisters
{
    private uint _first;
}

/// <summary>All places for held transactions.</summary>
[InlineArray(Capacity)]
public struct SmmuHeldTransactions
{
    /// <summary>How many can be held; what comes beyond is terminated.</summary>
    public const int Capacity = 64;

    private SmmuHeldTransaction _first;
}
