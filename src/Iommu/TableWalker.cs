using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Emulator.Machine;

namespace Emulator.Iommu;

/// <summary>One descriptor that a walk fetched, for people.</summary>
/// <param name="Shape">The tables it belongs to.</param>
/// <param name="Level">The level.</param>
/// <param name="Index">The index in the table.</param>
/// <param name="Address">Where the descriptor is: physical, or for stage 1 of a nested walk an intermediate address.</param>
/// <param name="Descriptor">The descriptor, as it counts (after SCTLR.E).</param>
/// <param name="Status">What the bus answered.</param>
internal readonly record struct WalkStep(
    TableShape Shape,
    int Level,
    int Index,
    ulong Address,
    ulong Descriptor,
    BusStatus Status
);

/// <summary>The result of a walk: a leaf, or why there is none.</summary>
[DebuggerDisplay("{Cause} stage {Stage} level {Level} -> {Output,h} {Permissions}")]
internal struct WalkResult
{
    /// <summary>Where the failing descriptor is, or the leaf.</summary>
    public ulong DescriptorAddress;

    /// <summary>The failing descriptor, or the leaf.</summary>
    public ulong Descriptor;

    /// <summary>The first address that the leaf maps to.</summary>
    public ulong Output;

    /// <summary>The intermediate address that stage 2 refused, when it refused one of stage 1's tables.</summary>
    public ulong Intermediate;

    /// <summary>Why there is no leaf; none when there is one.</summary>
    public ContextFaultCause Cause;

    /// <summary>The level of the leaf, or of the failing descriptor.</summary>
    public int Level;

    /// <summary>The leaf maps 2^SizeBits bytes.</summary>
    public int SizeBits;

    /// <summary>What the leaf permits.</summary>
    public PagePermissions Permissions;

    /// <summary>Why no table was read at all.</summary>
    public ShapeRefusal Refusal;

    /// <summary>The stage that found the cause.</summary>
    public byte Stage;

    /// <summary>Whether stage 2 refused a read of stage 1's tables.</summary>
    public bool IsStageOneWalk;

    /// <summary>AF of the leaf.</summary>
    public bool AccessFlag;

    /// <summary>nG = 0 of a stage-1 leaf: it holds for every ASID.</summary>
    public bool IsGlobal;
}

/// <summary>
/// Walks translation tables in memory (fact sheet 6.2, 6.3; Arm DDI 0406C B3.6, DDI 0487 D5.3): it decides what a descriptor
/// is and whether its access flag is a fault; whether an access may use the leaf is the caller's question. Stage-1 tables of
/// a nested context are read through stage 2.
/// </summary>
internal sealed class TableWalker(IBusTarget bus, Transaction signals)
{
    private static readonly TableShape NoStage = new() { GranuleBits = 12 };

    private const ulong Valid = 1;
    private const ulong TableOrPage = 2;

    private const int LentPieceBits = 16;
    private const int LentBits = 7;

    // Memory that tables were read from, in pieces of 64 KiB, as long as the stamp stands. Derived, so no state.
    private readonly DirectSpan[] _lent = new DirectSpan[1 << LentBits];
    private ulong _stamp;

    /// <summary>Says what the address map's generation is; memory that was lent under another one is not used any more.</summary>
    public void Begin(ulong stamp)
    {
        if (stamp != _stamp)
        {
            _stamp = stamp;
            Array.Clear(_lent);
        }
    }

    /// <summary>
    /// Whether a descriptor that is not in lent memory ends the walk as if the bus had refused it, so that nobody sees the walk.
    /// </summary>
    public bool ReadsLentMemoryOnly { get; set; }

    /// <summary>Who wants to see each descriptor; nobody by default.</summary>
    public List<WalkStep>? Record { get; set; }

    /// <summary>Walks tables at physical addresses.</summary>
    public void Walk(ref readonly TableShape shape, ulong input, out WalkResult result) =>
        Walk(in shape, input, in NoStage, out result);

    /// <summary>Walks tables whose addresses stage 2 translates first; a shape of stage 0 is none.</summary>
    public void Walk(
        ref readonly TableShape shape,
        ulong input,
        ref readonly TableShape stageTwo,
        out WalkResult result
    )
    {
        result = default;
        result.Stage = shape.Stage;
        ShapeRefusal refusal = shape.RefusalOf(input);
        if (refusal != ShapeRefusal.None)
        {
            result.Level = shape.RefusalLevel;
            result.Cause =
                refusal == ShapeRefusal.TableAddress ? ContextFaultCause.AddressSize : ContextFaultCause.Translation;
            result.Refusal = refusal;
        }
        else if (shape.Format == TableFormat.Short)
        {
            ShortDescriptors.Walk(this, in shape, input, in stageTwo, ref result);
        }
        else
        {
            WalkLong(in shape, input, in stageTwo, ref result);
        }
    }

    /// <summary>Whether a descriptor maps nothing: bit 0 clear, or a form that is reserved at its level.</summary>
    public static bool IsInvalid(ulong descriptor, int level, ref readonly TableShape shape) =>
        (descriptor & Valid) == 0 || ((descriptor & TableOrPage) == 0 && (level == 3 || !shape.HasBlocksAt(level)));

    /// <summary>Whether a valid descriptor is a page (level 3) or a block.</summary>
    public static bool IsLeaf(ulong descriptor, int level) => level == 3 || (descriptor & TableOrPage) == 0;

    /// <summary>Reads a descriptor. False when it could not be read; the result then says why.</summary>
    public bool TryFetch(
        ref readonly TableShape shape,
        ref readonly TableShape stageTwo,
        ulong address,
        int index,
        int sizeBytes,
        out ulong descriptor,
        ref WalkResult result
    )
    {
        ulong physical = address;
        if (stageTwo.Stage != 0 && !TryTranslateTable(in stageTwo, address, out physical, ref result))
        {
            descriptor = 0;
            return false;
        }

        BusStatus status = ReadWord(physical, sizeBytes, out descriptor);
        if (shape.IsBigEndian)
        {
            descriptor =
                sizeBytes == 8
                    ? BinaryPrimitives.ReverseEndianness(descriptor)
                    : BinaryPrimitives.ReverseEndianness((uint)descriptor);
        }

        result.DescriptorAddress = address;
        result.Descriptor = descriptor;
        Record?.Add(new WalkStep(shape, result.Level, index, address, descriptor, status));
        if (status != BusStatus.Okay)
        {
            result.Cause = ContextFaultCause.External;
            return false;
        }

        return true;
    }

    /// <summary>Reads from lent memory where there is some; the bus answers everything else, errors included.</summary>
    private BusStatus ReadWord(ulong address, int sizeBytes, out ulong value)
    {
        ref DirectSpan lent = ref LentFor(address);
        if (!lent.Contains(address, sizeBytes))
        {
            if (ReadsLentMemoryOnly)
            {
                value = 0;
                return BusStatus.SlaveError;
            }

            BusStatus status = bus.ReadWord(address, sizeBytes, out value, signals);

            // Memory that nobody has written yet is not borrowed: it would come into being by that.
            bool isWritten = status == BusStatus.Okay && value != 0;
            if (!isWritten || !bus.TryGetDirectSpan(address, DirectAccess.Read, signals, out lent))
            {
                lent = default;
            }

            return status;
        }

        ref byte first = ref lent.Array[lent.Offset + (int)(address - lent.Start)];
        value = sizeBytes == 8 ? Unsafe.ReadUnaligned<ulong>(ref first) : Unsafe.ReadUnaligned<uint>(ref first);
        return BusStatus.Okay;
    }

    private void WalkLong(
        ref readonly TableShape shape,
        ulong input,
        ref readonly TableShape stageTwo,
        ref WalkResult result
    )
    {
        ulong table = shape.TableBase;
        ulong limits = 0;
        int shift = shape.ShiftOf(shape.StartLevel);
        ulong indexMask = (1UL << shape.StartIndexBits) - 1;
        ulong granule = ~((1UL << shape.GranuleBits) - 1);
        bool isPlain = stageTwo.Stage == 0 && Record is null && !shape.IsBigEndian;
        for (int level = shape.StartLevel; ; level++)
        {
            result.Level = level;
            ulong index = (input >> shift) & indexMask;
            ulong at = table + (index << 3);
            if (isPlain && TryReadLent(at, out ulong descriptor))
            {
                result.DescriptorAddress = at;
                result.Descriptor = descriptor;
            }
            else if (!TryFetch(in shape, in stageTwo, at, (int)index, 8, out descriptor, ref result))
            {
                return;
            }

            if (IsInvalid(descriptor, level, in shape))
            {
                result.Cause = ContextFaultCause.Translation;
                return;
            }

            if ((descriptor & shape.Forbidden) != 0)
            {
                result.Cause = ContextFaultCause.AddressSize;
                return;
            }

            if (IsLeaf(descriptor, level))
            {
                result.SizeBits = shift;
                result.Output = descriptor & shape.AddressField & ~((1UL << shift) - 1);
                TakeLeaf(in shape, descriptor, limits, ref result);
                return;
            }

            limits |= descriptor;
            table = descriptor & shape.AddressField & granule;
            indexMask = (1UL << shape.Stride) - 1;
            shift -= shape.Stride;
        }
    }

    private ref DirectSpan LentFor(ulong address) =>
        ref Unsafe.Add(
            ref MemoryMarshal.GetArrayDataReference(_lent),
            (nint)(address >> LentPieceBits & ((1 << LentBits) - 1))
        );

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryReadLent(ulong address, out ulong value)
    {
        ref DirectSpan lent = ref LentFor(address);
        if (!lent.Contains(address, 8))
        {
            value = 0;
            return false;
        }

        value = Unsafe.ReadUnaligned<ulong>(ref lent.Array[lent.Offset + (int)(address - lent.Start)]);
        return true;
    }

    private static void TakeLeaf(ref readonly TableShape shape, ulong descriptor, ulong limits, ref WalkResult result)
    {
        result.AccessFlag = (descriptor >> 10 & 1) != 0;
        if (shape.Stage == 2)
        {
            result.Permissions = LeafPermissions.OfStageTwo(descriptor);
        }
        else
        {
            result.Permissions = LeafPermissions.OfStageOne(descriptor, limits, in shape);
            result.IsGlobal = (descriptor >> 11 & 1) == 0;
        }

        if (!result.AccessFlag && shape.AccessFlagFaults)
        {
            result.Cause = ContextFaultCause.AccessFlag;
        }
    }

    /// <summary>Leads the address of a stage-1 descriptor through stage 2, which must let it be read.</summary>
    private bool TryTranslateTable(
        ref readonly TableShape stageTwo,
        ulong address,
        out ulong physical,
        ref WalkResult result
    )
    {
        Walk(in stageTwo, address, out WalkResult inner);
        if (inner.Cause == ContextFaultCause.None && !LeafPermissions.Permit(inner.Permissions, AccessKind.Read))
        {
            inner.Cause = ContextFaultCause.Permission;
        }

        physical = inner.Output | (address & ((1UL << inner.SizeBits) - 1));
        if (inner.Cause == ContextFaultCause.None)
        {
            return true;
        }

        inner.IsStageOneWalk = true;
        inner.Intermediate = address;
        result = inner;
        return false;
    }
}
