using System.Diagnostics;

namespace Emulator.Iommu;

/// <summary>How an access uses memory. The bits stand in the order of FSYNR0.WNR, PNU, IND (and of sGFSYNR0's).</summary>
[Flags]
internal enum AccessKind : byte
{
    /// <summary>An unprivileged data read.</summary>
    Read = 0,

    /// <summary>A write.</summary>
    Write = 1,

    /// <summary>A privileged access.</summary>
    Privileged = 2,

    /// <summary>An instruction fetch.</summary>
    Instruction = 4,
}

/// <summary>The causes of context faults, as bits of FSR (fact sheet 3.3, after Arm IHI 0062).</summary>
[Flags]
internal enum ContextFaultCause : uint
{
    /// <summary>No fault.</summary>
    None = 0,

    /// <summary>TF: no valid descriptor.</summary>
    Translation = 1 << 1,

    /// <summary>AFF: the access flag is clear.</summary>
    AccessFlag = 1 << 2,

    /// <summary>PF: the descriptor forbids the access.</summary>
    Permission = 1 << 3,

    /// <summary>EF: the bus answered a table read with an error.</summary>
    External = 1 << 4,

    /// <summary>ASF: an address has more bits than PASize allows (SMMUv2, AArch64 tables).</summary>
    AddressSize = 1 << 7,
}

/// <summary>The causes of global faults, as bits of sGFSR (fact sheet 2.6).</summary>
[Flags]
internal enum GlobalFaultCause : uint
{
    /// <summary>No fault.</summary>
    None = 0,

    /// <summary>ICF: S2CR.TYPE says fault, or is reserved.</summary>
    InvalidContext = 1 << 0,

    /// <summary>USF: no SMR matches.</summary>
    UnidentifiedStream = 1 << 1,

    /// <summary>SMCF: several SMRs match.</summary>
    StreamMatchConflict = 1 << 2,

    /// <summary>UCBF: S2CR.CBNDX names a bank that does not exist.</summary>
    UnimplementedContextBank = 1 << 3,

    /// <summary>UCIF: CBAR.IRPTNDX names an interrupt that does not exist.</summary>
    UnimplementedContextInterrupt = 1 << 4,
}

/// <summary>Which registers a refused transaction goes to.</summary>
internal enum FaultScope : byte
{
    /// <summary>There is no fault.</summary>
    None,

    /// <summary>The global ones: it reached no context bank.</summary>
    Global,

    /// <summary>Those of a context bank.</summary>
    Context,

    /// <summary>None: the bank has a fault outstanding and SCTLR.HUPCF = 0, so it is not even looked up.</summary>
    UnderFault,
}

/// <summary>What a context fault was found in.</summary>
internal enum FaultOrigin : byte
{
    /// <summary>Nothing was looked up.</summary>
    None,

    /// <summary>A descriptor in memory.</summary>
    Descriptor,

    /// <summary>An entry of the TLB; the tables were not read.</summary>
    TlbEntry,

    /// <summary>TCR: the address is too long, or the tables cannot have such a shape; the tables were not read.</summary>
    TableShape,
}

/// <summary>Why a transaction got no translation, with everything that the fault registers record.</summary>
/// <param name="Scope">Which registers.</param>
/// <param name="StatusBit">The bit of FSR or sGFSR.</param>
/// <param name="Bank">The context bank; -1 for global faults.</param>
/// <param name="Address">The address, to the byte.</param>
/// <param name="Syndrome">FSYNR0 or sGFSYNR0.</param>
/// <param name="StreamId">The stream.</param>
[DebuggerDisplay("{Scope} {StatusBit,h} bank {Bank} address {Address,h} syndrome {Syndrome,h} stream {StreamId,h}")]
internal readonly record struct Fault(
    FaultScope Scope,
    uint StatusBit,
    int Bank,
    ulong Address,
    uint Syndrome,
    uint StreamId
)
{
    /// <summary>What it was found in, for people: no register tells.</summary>
    public FaultOrigin Origin { get; init; }

    /// <summary>IPAFAR: the address that stage 2 refused.</summary>
    public ulong IntermediateAddress { get; init; }

    /// <summary>Where the failing descriptor is.</summary>
    public ulong DescriptorAddress { get; init; }

    /// <summary>The failing descriptor.</summary>
    public ulong Descriptor { get; init; }

    /// <summary>Whether SCTLR.CFCFG can stall it. An external abort cannot be: trying again would not help.</summary>
    public bool IsStallable =>
        Scope == FaultScope.UnderFault
        || (Scope == FaultScope.Context && (StatusBit & (uint)ContextFaultCause.External) == 0);

    /// <summary>A fault that no context bank takes.</summary>
    public static Fault OfStream(GlobalFaultCause cause, ulong address, AccessKind kind, uint streamId) =>
        new(FaultScope.Global, (uint)cause, -1, address, (uint)kind << 1, streamId);

    /// <summary>A fault in a context bank.</summary>
    public static Fault OfContext(
        ContextFaultCause cause,
        int bank,
        int level,
        ulong address,
        AccessKind kind,
        uint streamId
    )
    {
        uint syndrome = (uint)level | ((uint)kind << 4);
        if (cause == ContextFaultCause.External)
        {
            syndrome |= ContextBank.SyndromeWalkAbort;
        }

        return new Fault(FaultScope.Context, (uint)cause, bank, address, syndrome, streamId);
    }

    /// <summary>A transaction that met a bank with a fault outstanding.</summary>
    public static Fault Under(int bank, ulong address, AccessKind kind, uint streamId) =>
        new(FaultScope.UnderFault, 0, bank, address, (uint)kind << 4, streamId);
}

/// <summary>Where an address leads, as far as the mapping around it reaches.</summary>
/// <param name="Physical">The address behind the SMMU.</param>
/// <param name="Input">The first address of the mapping, before translation.</param>
/// <param name="Output">The first address of the mapping, after translation.</param>
/// <param name="SizeBits">The mapping has 2^SizeBits bytes; 64 where nothing is translated.</param>
/// <param name="Source">How it was found.</param>
[DebuggerDisplay("-> {Physical,h} ({Source})")]
internal readonly record struct Translation(
    ulong Physical,
    ulong Input,
    ulong Output,
    int SizeBits,
    TranslationSource Source
)
{
    /// <summary>The address unchanged.</summary>
    public static Translation Unchanged(ulong address, TranslationSource source) => new(address, 0, 0, 64, source);
}

/// <summary>How a translation was found.</summary>
internal enum TranslationSource : byte
{
    /// <summary>sCR0.CLIENTPD: the SMMU is off.</summary>
    Off,

    /// <summary>No SMR matches and sCR0.USFCFG lets it pass.</summary>
    Unmatched,

    /// <summary>S2CR.TYPE says bypass.</summary>
    Bypass,

    /// <summary>SCTLR.M = 0.</summary>
    ContextOff,

    /// <summary>The TLB had it.</summary>
    TlbHit,

    /// <summary>The tables were walked, and the TLB has it now.</summary>
    Walk,

    /// <summary>The tables were walked, and the result may not be kept (no TLB, or the access flag is clear).</summary>
    WalkNotKept,
}
