namespace Emulator.Iommu;

/// <summary>The shape of stage-2 tables.</summary>
internal static class StageTwoTables
{
    private const int LeastT0Sz = 16;
    private const int MostT0Sz = 39;
    private const ulong LongAddressField = 0xFF_FFFF_FFFF;
    private const ulong WideAddressField = 0xFFFF_FFFF_FFFF;

    /// <summary>Parts with smaller addresses have no level above the usual first one (DDI 0487, D5.2.3).</summary>
    private const int BitsForTheUppermostLevel = 43;

    /// <summary>Reads the registers. TCR.S is not compared with T0SZ[3].</summary>
    /// <param name="bank">A bank that does stage 2.</param>
    /// <param name="addressBits">How many bits the part's addresses have.</param>
    /// <param name="isVersion2">Whether CBA2R chooses the format.</param>
    /// <param name="shape">The tables.</param>
    public static void Find(ref readonly SmmuContextBank bank, int addressBits, bool isVersion2, out TableShape shape)
    {
        uint control = bank.SystemControl;
        shape = new TableShape
        {
            Stage = 2,
            Format = isVersion2 ? ContextBank.FormatOf(in bank) : TableFormat.Long,
            IsBigEndian = (control & ContextBank.BigEndianTables) != 0,
            AccessFlagFaults = (control & ContextBank.AccessFlagFaultDisable) == 0,
        };
        if (shape.Format == TableFormat.AArch64)
        {
            FindWide(in bank, addressBits, ref shape);
        }
        else
        {
            FindLong(in bank, isVersion2, ref shape);
        }
    }

    private static void FindWide(ref readonly SmmuContextBank bank, int addressBits, ref TableShape shape)
    {
        uint control = bank.TranslationControl;
        int size = (int)(control & 0x3F);
        int first = (int)(control >> 6 & 3);
        bool is64KiB = (control >> 14 & 3) == 1;
        int outputBits = TableShape.SizeOf(control >> 16, addressBits);
        ulong table = bank.TableBase & WideAddressField;
        shape.GranuleBits = is64KiB ? 16 : 12;
        shape.InputBits = 64 - Math.Clamp(size, LeastT0Sz, MostT0Sz);
        shape.AddressField = WideAddressField;
        shape.Forbidden = WideAddressField & ~((1UL << outputBits) - 1);
        shape.Start(table, (is64KiB ? 3 : 2) - first);
        bool isUppermost = shape.StartLevel == (is64KiB ? 1 : 0);
        shape.Refusal =
            size is < LeastT0Sz or > MostT0Sz || shape.InputBits > outputBits ? ShapeRefusal.IllegalSize
            : first == 3
            || !shape.StartsLegally(TableShape.MostConcatenationBits)
            || (isUppermost && addressBits < BitsForTheUppermostLevel)
                ? ShapeRefusal.IllegalStart
            : (table & shape.Forbidden) != 0 ? ShapeRefusal.TableAddress
            : ShapeRefusal.None;
    }

    /// <summary>T0SZ is signed, from -8 to 7 (DDI 0406C, B4.1.160). MMU-401 adds a granule of 64 KiB.</summary>
    private static void FindLong(ref readonly SmmuContextBank bank, bool isVersion2, ref TableShape shape)
    {
        uint control = bank.TranslationControl;
        int size = ((int)(control & 0xF) ^ 8) - 8;
        int first = (int)(control >> 6 & (isVersion2 ? 3u : 1u));
        bool is64KiB = !isVersion2 && (control & ContextBank.Granule64KiB) != 0;
        shape.GranuleBits = is64KiB ? 16 : 12;
        shape.InputBits = 32 - size;
        shape.AddressField = LongAddressField;
        shape.Start(bank.TableBase & LongAddressField, (is64KiB ? 3 : 2) - first);
        shape.Refusal =
            first > 1 || !shape.StartsLegally(TableShape.MostConcatenationBits)
                ? ShapeRefusal.IllegalStart
                : ShapeRefusal.None;
    }
}
