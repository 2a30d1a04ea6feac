namespace Emulator.Iommu;

/// <summary>
/// Walks stage-1 tables of the ARMv7 Short-descriptor format: two levels, sections of 1 MiB and 16 MiB, pages of 4 and
/// 64 KiB (fact sheet 6.2; Arm DDI 0406C B3.5). Domains do not exist in an SMMU: every domain is a client's.
/// </summary>
internal static class ShortDescriptors
{
    /// <summary>What a descriptor of the first level is.</summary>
    public enum FirstLevel : byte
    {
        /// <summary>Nothing is mapped.</summary>
        Fault,

        /// <summary>A table of the second level.</summary>
        Table,

        /// <summary>1 MiB.</summary>
        Section,

        /// <summary>16 MiB, in 40 bits of address.</summary>
        Supersection,
    }

    /// <summary>Sorts a descriptor of the first level. 11 is a section with PXN.</summary>
    public static FirstLevel KindOf(ulong descriptor) =>
        (descriptor & 3) switch
        {
            0 => FirstLevel.Fault,
            1 => FirstLevel.Table,
            _ => (descriptor >> 18 & 1) != 0 ? FirstLevel.Supersection : FirstLevel.Section,
        };

    /// <summary>Walks.</summary>
    public static void Walk(
        TableWalker walker,
        ref readonly TableShape shape,
        ulong input,
        ref readonly TableShape stageTwo,
        ref WalkResult result
    )
    {
        result.Level = 1;
        ulong index = (input >> 20) & ((1UL << shape.StartIndexBits) - 1);
        ulong at = shape.TableBase + (index << 2);
        if (!walker.TryFetch(in shape, in stageTwo, at, (int)index, 4, out ulong first, ref result))
        {
            return;
        }

        switch (KindOf(first))
        {
            case FirstLevel.Fault:
                result.Cause = ContextFaultCause.Translation;
                break;
            case FirstLevel.Table:
                WalkSecond(walker, in shape, input, in stageTwo, first, ref result);
                break;
            case FirstLevel.Section:
                TakeLeaf(
                    in shape,
                    first,
                    20,
                    first & 0xFFF0_0000,
                    SectionAp(first),
                    (first & (1 << 4)) != 0,
                    (first & 1) != 0,
                    ref result
                );
                break;
            default:
                ulong output = (first & 0xFF00_0000) | ((first >> 20 & 0xF) << 32) | ((first >> 5 & 0xF) << 36);
                TakeLeaf(
                    in shape,
                    first,
                    24,
                    output,
                    SectionAp(first),
                    (first & (1 << 4)) != 0,
                    (first & 1) != 0,
                    ref result
                );
                break;
        }
    }

    private static void WalkSecond(
        TableWalker walker,
        ref readonly TableShape shape,
        ulong input,
        ref readonly TableShape stageTwo,
        ulong table,
        ref WalkResult result
    )
    {
        result.Level = 2;
        ulong index = (input >> 12) & 0xFF;
        ulong at = (table & 0xFFFF_FC00) + (index << 2);
        if (!walker.TryFetch(in shape, in stageTwo, at, (int)index, 4, out ulong second, ref result))
        {
            return;
        }

        uint ap = (uint)(second >> 4 & 3) | (uint)(second >> 9 & 1) << 2;
        bool privilegedNever = (table & (1 << 2)) != 0;
        switch (second & 3)
        {
            case 0:
                result.Cause = ContextFaultCause.Translation;
                break;
            case 1:
                TakeLeaf(
                    in shape,
                    second,
                    16,
                    second & 0xFFFF_0000,
                    ap,
                    (second & (1 << 15)) != 0,
                    privilegedNever,
                    ref result
                );
                break;
            default:
                TakeLeaf(
                    in shape,
                    second,
                    12,
                    second & 0xFFFF_F000,
                    ap,
                    (second & 1) != 0,
                    privilegedNever,
                    ref result
                );
                break;
        }

        // nG stands elsewhere than in a section.
        result.IsGlobal = (second & (1 << 11)) == 0;
    }

    private static uint SectionAp(ulong descriptor) => (uint)(descriptor >> 10 & 3) | (uint)(descriptor >> 15 & 1) << 2;

    private static void TakeLeaf(
        ref readonly TableShape shape,
        ulong descriptor,
        int sizeBits,
        ulong output,
        uint ap,
        bool executeNever,
        bool privilegedNever,
        ref WalkResult result
    )
    {
        result.SizeBits = sizeBits;
        result.Output = output;
        result.Permissions = LeafPermissions.OfShort(ap, executeNever, privilegedNever, in shape);
        result.IsGlobal = (descriptor & (1 << 17)) == 0;
        result.AccessFlag = !shape.HasAccessFlag || (ap & 1) != 0;
        if (!result.AccessFlag && shape.AccessFlagFaults)
        {
            result.Cause = ContextFaultCause.AccessFlag;
        }
    }
}
