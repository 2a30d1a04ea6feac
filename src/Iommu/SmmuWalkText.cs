using Emulator.Machine;

namespace Emulator.Iommu;

/// <summary>Puts walks into words: what a descriptor is, why an address cannot be looked up.</summary>
internal static class SmmuWalkText
{
    /// <summary>What a descriptor means.</summary>
    public static string Meaning(in WalkStep step) =>
        step.Status != BusStatus.Okay ? $"the read is answered with {step.Status}: external abort"
        : step.Shape.Format == TableFormat.Short ? MeaningOfShort(step)
        : MeaningOfLong(step);

    /// <summary>Why no table was read.</summary>
    public static string Refusal(ref readonly TableShape shape, ShapeRefusal refusal, ulong input)
    {
        string name = shape.Stage == 1 ? "VA" : "IPA";
        string register = shape.TableRegister == 1 ? "1" : "0";
        return refusal switch
        {
            ShapeRefusal.BeyondInput =>
                $"{name} {Hexadecimal.Format(input)} has more than the {shape.InputBits} bits that TCR.T{register}SZ allows",
            ShapeRefusal.Disabled => $"TCR forbids walks by TTBR{register} (EPD{register})",
            ShapeRefusal.TableAddress => $"TTBR{register} has more bits than PASize allows",
            ShapeRefusal.IllegalSize => $"TCR is illegal: T{register}SZ has a value that the part does not take",
            _ => $"TCR is illegal: {shape.InputBits} bits of address cannot be walked from level {shape.StartLevel}",
        };
    }

    /// <summary>Why stage 2 did not even look for a stage-1 table.</summary>
    public static string RefusalOfTable(ShapeRefusal refusal, ulong intermediate) =>
        $"stage 2 refuses IPA {Hexadecimal.Format(intermediate)} of a stage-1 table without reading its own ({refusal})";

    /// <summary>A size in words.</summary>
    public static string Size(int sizeBits) =>
        sizeBits switch
        {
            < 20 => $"{1 << (sizeBits - 10)} KiB",
            < 30 => $"{1 << (sizeBits - 20)} MiB",
            _ => $"{1L << (sizeBits - 30)} GiB",
        };

    private static string MeaningOfLong(in WalkStep step)
    {
        TableShape shape = step.Shape;
        ulong descriptor = step.Descriptor;
        if ((descriptor & 1) == 0)
        {
            return "invalid: translation fault";
        }

        if (TableWalker.IsInvalid(descriptor, step.Level, in shape))
        {
            return $"reserved form (01 at level {step.Level}): translation fault";
        }

        if ((descriptor & shape.Forbidden) != 0)
        {
            return "its address has more bits than PASize allows: address size fault";
        }

        if (!TableWalker.IsLeaf(descriptor, step.Level))
        {
            ulong next = descriptor & shape.AddressField & ~((1UL << shape.GranuleBits) - 1);
            return "table -> " + Hexadecimal.Format(next) + TableLimits(in shape, descriptor);
        }

        int shift = shape.ShiftOf(step.Level);
        ulong output = descriptor & shape.AddressField & ~((1UL << shift) - 1);
        string kind = step.Level == 3 ? "page" : Size(shift) + " block";
        PagePermissions permissions =
            shape.Stage == 2
                ? LeafPermissions.OfStageTwo(descriptor)
                : LeafPermissions.OfStageOne(descriptor, 0, in shape);
        string flags =
            ((descriptor >> 10 & 1) == 0 ? ", access flag clear" : "")
            + (shape.Stage == 1 && (descriptor >> 11 & 1) != 0 ? ", not global" : "")
            + (shape.Stage == 1 && (descriptor >> 52 & 1) != 0 ? ", contiguous" : "");
        return $"{kind} {LeafPermissions.Text(permissions)}{flags} -> {Hexadecimal.Format(output)}";
    }

    private static string TableLimits(ref readonly TableShape shape, ulong descriptor) =>
        shape.Stage == 2 || (descriptor & LeafPermissions.TableLimits) == 0 ? ""
        : (descriptor >> 62 & 1) == 0 && (descriptor >> 61 & 1) == 0 ? ", XN below"
        : ", below: "
            + ((descriptor >> 62 & 1) != 0 ? "read-only " : "")
            + ((descriptor >> 61 & 1) != 0 ? "privileged only" : "").TrimEnd();

    private static string MeaningOfShort(in WalkStep step)
    {
        ulong descriptor = step.Descriptor;
        if ((descriptor & 3) == 0)
        {
            return "invalid: translation fault";
        }

        if (step.Level == 1)
        {
            return ShortDescriptors.KindOf(descriptor) switch
            {
                ShortDescriptors.FirstLevel.Table => "table -> " + Hexadecimal.Format(descriptor & 0xFFFF_FC00),
                ShortDescriptors.FirstLevel.Section => "section -> " + Hexadecimal.Format(descriptor & 0xFFF0_0000),
                _ => "supersection -> " + Hexadecimal.Format(descriptor & 0xFF00_0000),
            };
        }

        return (descriptor & 3) == 1
            ? "large page -> " + Hexadecimal.Format(descriptor & 0xFFFF_0000)
            : "small page -> " + Hexadecimal.Format(descriptor & 0xFFFF_F000);
    }
}
