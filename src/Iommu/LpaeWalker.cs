using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Emulator.Machine;

namespace Emulator.Iommu;

/// <summary>What a stage-2 leaf descriptor permits.</summary>
[Flags]
internal enum PagePermissions : byte
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>S2AP[0].</summary>
    Read = 1,

    /// <summary>S2AP[1].</summary>
    Write = 2,

    /// <summary>XN = 0.</summary>
    Execute = 4,
}

/// <summary>
/// The shape of a bank's tables, from TCR, TTBR0 and SCTLR.E: Long-descriptor format, stage 2, 4 KiB granule
/// (fact sheet 3.2, 6.1; Arm DDI 0472 and DDI 0406 section B3.6).
/// </summary>
/// <param name="TableBase">The address of the first table, or of the first of up to 16 side by side.</param>
/// <param name="InputBits">How many bits an address may have: 32 - T0SZ, 25 to 40.</param>
/// <param name="StartLevel">Where the walk begins: 1 or 2, from SL0.</param>
/// <param name="StartIndexBits">How many bits index the first table.</param>
/// <param name="IsBigEndian">Whether descriptors are big-endian.</param>
[DebuggerDisplay("{InputBits} bits from level {StartLevel} at {TableBase,h}")]
internal readonly record struct StageTwoTables(
    ulong TableBase,
    int InputBits,
    int StartLevel,
    int StartIndexBits,
    bool IsBigEndian
)
{
    /// <summary>The bits of an address that a table holds: 40-bit output addresses.</summary>
    public const ulong AddressMask = 0xFF_FFFF_FFFF;

    private const int MostConcatenationBits = 4;

    /// <summary>Whether the combination exists. An illegal one faults before anything is fetched.</summary>
    public bool IsLegal => StartIndexBits >= 1 && StartIndexBits <= 9 + MostConcatenationBits;

    /// <summary>Reads the registers. TCR.S is not compared with T0SZ[3].</summary>
    public static StageTwoTables Of(ref readonly SmmuContextBank bank)
    {
        int size = ((int)(bank.TranslationControl & 0xF) ^ 8) - 8;
        int inputBits = 32 - size;
        int startLevel = (bank.TranslationControl & (1 << 6)) != 0 ? 1 : 2;
        int indexBits = inputBits - LpaeWalker.ShiftOf(startLevel);
        ulong alignment = (1UL << (3 + Math.Clamp(indexBits, 1, 9 + MostConcatenationBits))) - 1;
        return new StageTwoTables(
            bank.TableBase & AddressMask & ~alignment,
            inputBits,
            startLevel,
            indexBits,
            (bank.SystemControl & ContextBank.BigEndianTables) != 0
        );
    }
}

/// <summary>One descriptor that a walk fetched.</summary>
internal struct WalkStep
{
    /// <summary>The level.</summary>
    public int Level;

    /// <summary>The index in the table.</summary>
    public int Index;

    /// <summary>Where the descriptor is.</summary>
    public ulong Address;

    /// <summary>The descriptor, as it counts (after SCTLR.E).</summary>
    public ulong Descriptor;

    /// <summary>What the bus answered.</summary>
    public BusStatus Status;
}

/// <summary>The descriptors of a walk: three levels at most.</summary>
[InlineArray(3)]
internal struct WalkSteps
{
    private WalkStep _first;
}

/// <summary>The result of a walk: a leaf, or why there is none.</summary>
[DebuggerDisplay("{Cause} level {Level} -> {Output,h} {Permissions}")]
internal struct WalkResult
{
    /// <summary>Why there is no leaf; none when there is one.</summary>
    public ContextFaultCause Cause;

    /// <summary>The level of the leaf, or of the failing descriptor.</summary>
    public int Level;

    /// <summary>The address that the leaf maps to.</summary>
    public ulong Output;

    /// <summary>What the leaf permits.</summary>
    public PagePermissions Permissions;

    /// <summary>AF of the leaf.</summary>
    public bool AccessFlag;

    /// <summary>How many descriptors were fetched.</summary>
    public int StepCount;

    /// <summary>The descriptors.</summary>
    public WalkSteps Steps;
}

/// <summary>
/// Walks stage-2 tables of the Long-descriptor format in memory (fact sheet 6.2, 6.3). It decides what a descriptor is;
/// whether an access may use the leaf is the caller's question.
/// </summary>
internal static class LpaeWalker
{
    private const ulong Valid = 1;
    private const ulong TableOrPage = 2;

    /// <summary>The lowest address bit that a level's index takes: 30, 21, 12.</summary>
    public static int ShiftOf(int level) => 12 + 9 * (3 - level);

    /// <summary>Walks.</summary>
    /// <param name="bus">Where the tables are.</param>
    /// <param name="signals">The signals of the SMMU's own reads.</param>
    /// <param name="tables">The shape of the tables.</param>
    /// <param name="address">The address to look up.</param>
    /// <param name="result">What was found.</param>
    public static void Walk(
        IBusTarget bus,
        in Transaction signals,
        in StageTwoTables tables,
        ulong address,
        out WalkResult result
    )
    {
        result = default;
        if (!tables.IsLegal || address >> tables.InputBits != 0)
        {
            // Level 1 wherever the walk would have begun (DDI 0406C, TranslationTableWalkLD).
            result.Level = 1;
            result.Cause = ContextFaultCause.Translation;
            return;
        }

        ulong table = tables.TableBase;
        int indexBits = tables.StartIndexBits;
        for (int level = tables.StartLevel; ; level++)
        {
            ref WalkStep step = ref result.Steps[result.StepCount++];
            step.Level = level;
            step.Index = (int)(address >> ShiftOf(level)) & ((1 << indexBits) - 1);
            step.Address = table + ((ulong)step.Index << 3);
            step.Status = bus.ReadWord(step.Address, 8, out ulong descriptor, signals);
            step.Descriptor = tables.IsBigEndian ? BinaryPrimitives.ReverseEndianness(descriptor) : descriptor;
            result.Level = level;
            if (step.Status != BusStatus.Okay)
            {
                result.Cause = ContextFaultCause.External;
                return;
            }

            if (IsInvalid(step.Descriptor, level))
            {
                result.Cause = ContextFaultCause.Translation;
                return;
            }

            if (IsLeaf(step.Descriptor, level))
            {
                TakeLeaf(step.Descriptor, ref result);
                return;
            }

            table = step.Descriptor & StageTwoTables.AddressMask & ~0xFFFUL;
            indexBits = 9;
        }
    }

    /// <summary>Whether a descriptor maps nothing: bit 0 clear, or the reserved form at level 3.</summary>
    public static bool IsInvalid(ulong descriptor, int level) =>
        (descriptor & Valid) == 0 || (level == 3 && (descriptor & TableOrPage) == 0);

    /// <summary>Whether a valid descriptor is a page (level 3) or a block.</summary>
    public static bool IsLeaf(ulong descriptor, int level) => level == 3 || (descriptor & TableOrPage) == 0;

    /// <summary>The permissions of a leaf: S2AP[1:0] at [7:6], XN at [54].</summary>
    public static PagePermissions PermissionsOf(ulong leaf) =>
        (PagePermissions)((leaf >> 6) & 3) | ((leaf >> 54 & 1) == 0 ? PagePermissions.Execute : PagePermissions.None);

    /// <summary>What a leaf says; the level has been filled in.</summary>
    public static void TakeLeaf(ulong descriptor, ref WalkResult result)
    {
        result.Output = descriptor & StageTwoTables.AddressMask & ~((1UL << ShiftOf(result.Level)) - 1);
        result.Permissions = PermissionsOf(descriptor);
        result.AccessFlag = (descriptor >> 10 & 1) != 0;
    }
}
