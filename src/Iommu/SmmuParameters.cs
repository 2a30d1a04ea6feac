using System.Numerics;
using Emulator.Machine;

namespace Emulator.Iommu;

/// <summary>
/// How an SMMU was built: the choices its integrator made, given by <c>emulator,*</c> cells of its node, and the
/// identification registers that follow from them (fact sheet 1, 2.5).
/// </summary>
internal sealed record SmmuParameters
{
    /// <summary>The most context banks of any part (MMU-500).</summary>
    public const int MostContextBanks = 128;

    /// <summary>The most stream match register groups (SMR and S2CR).</summary>
    public const int MostStreamMatchGroups = 128;

    /// <summary>The most TLB entries.</summary>
    public const int MostTlbEntries = 512;

    /// <summary>64 KiB of registers with 4 KiB pages leave room for 8 context banks.</summary>
    private const int MostContextBanksOfVersion1 = 8;

    // The codes of PASize, IAS, OAS.
    private static readonly int[] SizesOfAddresses = [32, 36, 40, 42, 44, 48];

    /// <summary>The part.</summary>
    public required SmmuPart Part { get; init; }

    /// <summary>IDR1.NUMCB.</summary>
    public int ContextBanks { get; init; } = 8;

    /// <summary>IDR1.NUMS2CB: the first so many banks can do stage 2 only.</summary>
    public int StageTwoBanks { get; init; } = 8;

    /// <summary>IDR0.NUMSMRG.</summary>
    public int StreamMatchGroups { get; init; } = 32;

    /// <summary>IDR0.NUMSIDB.</summary>
    public int StreamIdBits { get; init; } = 15;

    /// <summary>How many context interrupt outputs there are; in SMMUv2 one for each bank.</summary>
    public int ContextInterrupts { get; init; } = 1;

    /// <summary>How many translations the TLB keeps; 0 is an SMMU that walks the tables for every access.</summary>
    public int TlbEntries { get; init; } = 64;

    /// <summary>IDR1.PAGESIZE: 12 for register pages of 4 KiB, 16 for 64 KiB.</summary>
    public int RegisterPageBits { get; init; } = 12;

    /// <summary>IDR2.IAS and OAS: how many bits intermediate and output addresses have.</summary>
    public int AddressBits { get; init; } = 40;

    /// <summary>IDR0.ATOSNS = 0: there are address translation operations.</summary>
    public bool HasTranslationOperations { get; init; }

    /// <summary>IDR0.CTTW: table walks are coherent.</summary>
    public bool HasCoherentWalks { get; init; } = true;

    /// <summary>Whether it is SMMUv2.</summary>
    public bool IsVersion2 => Part.Version == 2;

    /// <summary>The bits of a stream ID that take part in matching.</summary>
    public uint StreamIdMask => (1u << StreamIdBits) - 1;

    /// <summary>The bits of an output address.</summary>
    public ulong AddressMask => (1UL << AddressBits) - 1;

    /// <summary>How many register pages the global space has, and the context banks again.</summary>
    public int RegisterPages => Math.Max(8, (int)BitOperations.RoundUpToPowerOf2((uint)ContextBanks));

    /// <summary>IDR0. MMU-400: S2TS, SMS, PTFS = LPAE only, NUMIRPT, CTTW. SMMUv2: all stages and formats; NUMIRPT is 1.</summary>
    public uint Idr0 =>
        (1u << 29)
        | (1u << 27)
        | (
            IsVersion2
                ? (1u << 30) | (1u << 28) | (1u << 16) | (1u << 13)
                : (1u << 24) | ((uint)ContextInterrupts << 16)
        )
        | (IsVersion2 && !HasTranslationOperations ? 1u << 26 : 0)
        | (HasCoherentWalks ? 1u << 14 : 0)
        | ((uint)StreamIdBits << 9)
        | (uint)StreamMatchGroups;

    /// <summary>IDR1: page size, NUMPAGENDXB, how many banks and how many of them do stage 2 only.</summary>
    public uint Idr1 =>
        (RegisterPageBits == 16 ? 1u << 31 : 0)
        | ((uint)(BitOperations.Log2((uint)RegisterPages) - 1) << 28)
        | ((uint)StageTwoBanks << 16)
        | (IsVersion2 ? 0xF00u : 0)
        | (uint)ContextBanks;

    /// <summary>IDR2: sizes of addresses; in SMMUv2 the AArch64 granules too, and an upstream bus of 49 bits.</summary>
    public uint Idr2
    {
        get
        {
            uint size = (uint)Array.IndexOf(SizesOfAddresses, AddressBits);
            return size | (size << 4) | (IsVersion2 ? 0x5500u : 0);
        }
    }

    /// <summary>What a part has where nobody chooses otherwise.</summary>
    public static SmmuParameters Usual(SmmuPart part) =>
        part.Version == 1
            ? new SmmuParameters { Part = part }
            : new SmmuParameters
            {
                Part = part,
                ContextBanks = 16,
                StageTwoBanks = 0,
                StreamMatchGroups = 48,
                ContextInterrupts = 16,
                AddressBits = 48,
                HasCoherentWalks = false,
                HasTranslationOperations = !part.HasReadOnlyControls,
            };

    /// <summary>Reads the cells of a node.</summary>
    /// <exception cref="BoardException">A value that no such part can have.</exception>
    public static SmmuParameters From(DeviceContext context, SmmuPart part)
    {
        SmmuParameters usual = Usual(part);
        int Cell(string property, int otherwise, int least, int most) =>
            ReadCell(context, part, "emulator," + property, otherwise, least, most);

        int mostBanks = part.Version == 1 ? MostContextBanksOfVersion1 : MostContextBanks;
        int banks = Cell("context-banks", usual.ContextBanks, 1, mostBanks);
        var parameters = new SmmuParameters
        {
            Part = part,
            ContextBanks = banks,
            StageTwoBanks = part.HasStage1 ? Cell("stage-2-banks", 0, 0, banks) : banks,
            StreamMatchGroups = Cell("stream-match-groups", usual.StreamMatchGroups, 1, MostStreamMatchGroups),
            StreamIdBits = Cell("stream-id-bits", 15, 1, 15),
            ContextInterrupts = part.Version == 1 ? Cell("context-interrupts", 1, 1, 128) : banks,
            TlbEntries = Cell("tlb-entries", 64, 0, MostTlbEntries),
            RegisterPageBits =
                Cell("register-page", 1 << usual.RegisterPageBits, 1 << 12, 1 << 16) == 1 << 16 ? 16 : 12,
            AddressBits = Cell("address-bits", usual.AddressBits, 32, part.Version == 1 ? 40 : 48),
            HasTranslationOperations =
                Cell("translation-operations", usual.HasTranslationOperations ? 1 : 0, 0, 1) != 0,
            HasCoherentWalks = Cell("coherent-walks", usual.HasCoherentWalks ? 1 : 0, 0, 1) != 0,
        };
        return Array.IndexOf(SizesOfAddresses, parameters.AddressBits) >= 0
            ? parameters
            : throw new BoardException(
                $"{context.Name}: emulator,address-bits is {parameters.AddressBits}; it is 32, 36, 40, 42, 44 or 48."
            );
    }

    private static int ReadCell(
        DeviceContext context,
        SmmuPart part,
        string property,
        int otherwise,
        int least,
        int most
    )
    {
        uint value = context.Cell(property, (uint)otherwise);
        return value >= least && value <= most
            ? (int)value
            : throw new BoardException($"{context.Name}: {property} is {value}; an {part.Name} has {least} to {most}.");
    }
}
