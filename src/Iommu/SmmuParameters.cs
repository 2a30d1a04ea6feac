using Emulator.Machine;

namespace Emulator.Iommu;

/// <summary>
/// How an SMMU was built: the choices its integrator made, given by <c>emulator,*</c> cells of its node, and the
/// identification registers that follow from them.
/// </summary>
internal sealed record SmmuParameters
{
    /// <summary>64 KiB of registers with 4 KiB pages leave room for 8 context banks.</summary>
    public const int MostContextBanks = 8;

    /// <summary>The most stream match register groups (SMR and S2CR).</summary>
    public const int MostStreamMatchGroups = 128;

    /// <summary>The most TLB entries.</summary>
    public const int MostTlbEntries = 512;

    /// <summary>IDR1.NUMCB.</summary>
    public int ContextBanks { get; init; } = 8;

    /// <summary>IDR0.NUMSMRG.</summary>
    public int StreamMatchGroups { get; init; } = 32;

    /// <summary>IDR0.NUMSIDB.</summary>
    public int StreamIdBits { get; init; } = 15;

    /// <summary>IDR0.NUMIRPT: how many context interrupt outputs there are.</summary>
    public int ContextInterrupts { get; init; } = 1;

    /// <summary>How many translations the TLB keeps; 0 is an SMMU that walks the tables for every access.</summary>
    public int TlbEntries { get; init; } = 64;

    /// <summary>The bits of a stream ID that take part in matching.</summary>
    public uint StreamIdMask => (1u << StreamIdBits) - 1;

    /// <summary>IDR0: S2TS, SMS, PTFS = LPAE only, NUMIRPT, CTTW, NUMSIDB, NUMSMRG.</summary>
    public uint Idr0 =>
        (1u << 29)
        | (1u << 27)
        | (1u << 24)
        | ((uint)ContextInterrupts << 16)
        | (1u << 14)
        | ((uint)StreamIdBits << 9)
        | (uint)StreamMatchGroups;

    /// <summary>IDR1: 4 KiB pages, NUMPAGENDXB 2 (8 pages of each half), every bank stage 2 only.</summary>
    public uint Idr1 => (2u << 28) | ((uint)ContextBanks << 16) | (uint)ContextBanks;

    /// <summary>IDR2: output and intermediate addresses of 40 bits.</summary>
    public static uint Idr2 => 0x22;

    /// <summary>Reads the cells of a node.</summary>
    /// <exception cref="BoardException">A value that no such part can have.</exception>
    public static SmmuParameters From(DeviceContext context) =>
        new()
        {
            ContextBanks = Cell(context, "emulator,context-banks", 8, 1, MostContextBanks),
            StreamMatchGroups = Cell(context, "emulator,stream-match-groups", 32, 1, MostStreamMatchGroups),
            StreamIdBits = Cell(context, "emulator,stream-id-bits", 15, 1, 15),
            ContextInterrupts = Cell(context, "emulator,context-interrupts", 1, 1, 128),
            TlbEntries = Cell(context, "emulator,tlb-entries", 64, 0, MostTlbEntries),
        };

    private static int Cell(DeviceContext context, string property, uint otherwise, uint least, uint most)
    {
        uint value = context.Cell(property, otherwise);
        return value >= least && value <= most
            ? (int)value
            : throw new BoardException($"{context.Name}: {property} is {value}; an SMMU-400 has {least} to {most}.");
    }
}
