namespace Emulator.Iommu;

/// <summary>The shape of stage-1 tables, which depends on the address: it chooses between TTBR0 and TTBR1.</summary>
internal static class StageOneTables
{
    private const int LeastTxSz = 16;
    private const int MostTxSz = 39;
    private const int UpstreamBits = 49;
    private const ulong LongAddressField = 0xFF_FFFF_FFFF;
    private const ulong WideAddressField = 0xFFFF_FFFF_FFFF;

    // TCR2.SEP: the bit from which addresses are sign-extended. 7 takes the upstream bus as it is.
    private static readonly int[] SignBits = [31, 35, 39, 41, 43, 47, 47, UpstreamBits - 1];

    /// <summary>Reads the registers.</summary>
    /// <param name="bank">A bank that does stage 1.</param>
    /// <param name="addressBits">How many bits the part's addresses have.</param>
    /// <param name="address">The address as it came.</param>
    /// <param name="shape">The tables.</param>
    /// <returns>The bits of the address that the tables translate.</returns>
    public static ulong Find(ref readonly SmmuContextBank bank, int addressBits, ulong address, out TableShape shape)
    {
        uint control = bank.SystemControl;
        shape = new TableShape
        {
            Stage = 1,
            Format = ContextBank.FormatOf(in bank),
            IsBigEndian = (control & ContextBank.BigEndianTables) != 0,
            AccessFlagFaults = (control & ContextBank.AccessFlagFaultDisable) == 0,
            HasAccessFlag = (control & ContextBank.AccessFlagEnable) != 0,
            WriteImpliesNoExecute = (control & ContextBank.WriteImpliesNoExecute) != 0,
            UnprivilegedWriteImpliesNoExecute = (control & ContextBank.UnprivilegedWriteImpliesNoExecute) != 0,
        };
        return shape.Format switch
        {
            TableFormat.AArch64 => FindWide(in bank, addressBits, address, ref shape),
            TableFormat.Long => FindLong(in bank, address, ref shape),
            _ => FindShort(in bank, address, ref shape),
        };
    }

    /// <summary>
    /// How many bits an address may have to be one that the tables of TTBR0 translate as it is, neither sign-extended nor
    /// refused; 0 where there are no such addresses, or where the tables are others for other addresses.
    /// </summary>
    public static int PlainBits(ref readonly SmmuContextBank bank, ref readonly TableShape shape) =>
        shape.Format == TableFormat.AArch64 && shape.TableRegister == 0 && shape.Refusal == ShapeRefusal.None
            ? Math.Min(shape.InputBits, SignBits[(bank.TranslationControl2 >> 15) & 7])
            : 0;

    /// <summary>
    /// The 64-bit address that a master's address stands for (TCR2.SEP). An address that is 64 bits wide already is taken as
    /// it is, so that TBI and the check of the upper bits mean something to masters without a real bus.
    /// </summary>
    public static ulong Extend(ulong address, uint control2)
    {
        int sign = SignBits[(control2 >> 15) & 7];
        return sign == UpstreamBits - 1 && address >> UpstreamBits != 0
            ? address
            : (ulong)((long)(address << (63 - sign)) >> (63 - sign));
    }

    private static ulong FindWide(
        ref readonly SmmuContextBank bank,
        int addressBits,
        ulong address,
        ref TableShape shape
    )
    {
        uint control = bank.TranslationControl;
        uint control2 = bank.TranslationControl2;
        ulong extended = Extend(address, control2);
        bool isUpper = (extended >> 55 & 1) != 0;
        uint half = isUpper ? control >> 16 : control;
        int size = (int)(half & 0x3F);
        uint granule = (half >> 14) & 3;
        bool is64KiB = granule == (isUpper ? 3u : 1u);
        bool ignoresTop = (control2 & (isUpper ? 1u << 6 : 1u << 5)) != 0;
        long top = ignoresTop ? (long)(extended << 8) >> 8 : (long)extended;
        ulong table = (isUpper ? bank.TableBase1 : bank.TableBase) & WideAddressField;
        int outputBits = TableShape.SizeOf(control2, addressBits);

        shape.TableRegister = isUpper ? 1 : 0;
        shape.GranuleBits = is64KiB ? 16 : 12;
        shape.InputBits = 64 - Math.Clamp(size, LeastTxSz, MostTxSz);
        shape.AddressField = WideAddressField;
        shape.Forbidden = WideAddressField & ~((1UL << outputBits) - 1);
        shape.Start(table, LevelFor(shape.InputBits, shape.GranuleBits));
        shape.Refusal =
            size is < LeastTxSz or > MostTxSz ? ShapeRefusal.IllegalSize
            : top >> shape.InputBits != (isUpper ? -1 : 0) ? ShapeRefusal.BeyondInput
            : (half & (1 << 7)) != 0 ? ShapeRefusal.Disabled
            : (table & shape.Forbidden) != 0 ? ShapeRefusal.TableAddress
            : ShapeRefusal.None;
        return extended & ((1UL << shape.InputBits) - 1);
    }

    /// <summary>32-bit addresses; T0SZ and T1SZ cut the two ends out of them (DDI 0406C, B3.6.4).</summary>
    private static ulong FindLong(ref readonly SmmuContextBank bank, ulong address, ref TableShape shape)
    {
        uint control = bank.TranslationControl;
        int low = (int)(control & 7);
        int high = (int)(control >> 16 & 7);
        var word = (uint)address;
        bool isUpper = high == 0 ? word > uint.MaxValue >> low : word >= ~(uint.MaxValue >> high);
        int size = isUpper ? high : low;
        shape.TableRegister = isUpper ? 1 : 0;
        shape.GranuleBits = 12;
        shape.InputBits = 32 - size;
        shape.MostSizeBits = size == 0 ? 32 - Math.Max(low, high) : 0;
        shape.AddressField = LongAddressField;
        shape.Start(
            (isUpper ? bank.TableBase1 : bank.TableBase) & LongAddressField,
            LevelFor(shape.InputBits, shape.GranuleBits)
        );
        shape.Refusal =
            address > uint.MaxValue || (!isUpper && (ulong)word >> shape.InputBits != 0) ? ShapeRefusal.BeyondInput
            : (control & (isUpper ? 1u << 23 : 1u << 7)) != 0 ? ShapeRefusal.Disabled
            : ShapeRefusal.None;
        return word & ((1UL << shape.InputBits) - 1);
    }

    /// <summary>32-bit addresses; TTBCR.N gives all but the lowest 2^(32-N) bytes to TTBR1 (DDI 0406C, B3.5.4).</summary>
    private static ulong FindShort(ref readonly SmmuContextBank bank, ulong address, ref TableShape shape)
    {
        uint control = bank.TranslationControl;
        int split = (int)(control & 7);
        var word = (uint)address;
        bool isUpper = split != 0 && word >> (32 - split) != 0;
        int tableBits = isUpper ? 14 : 14 - split;
        ulong table = isUpper ? bank.TableBase1 : bank.TableBase;
        shape.TableRegister = isUpper ? 1 : 0;
        shape.GranuleBits = 12;
        shape.InputBits = isUpper ? 32 : 32 - split;
        shape.StartLevel = 1;
        shape.StartIndexBits = shape.InputBits - 20;
        shape.AddressField = uint.MaxValue;
        shape.TableBase = table & uint.MaxValue & ~((1UL << tableBits) - 1);
        shape.Refusal =
            address > uint.MaxValue ? ShapeRefusal.BeyondInput
            : (control & (isUpper ? 1u << 5 : 1u << 4)) != 0 ? ShapeRefusal.Disabled
            : ShapeRefusal.None;
        return word;
    }

    /// <summary>4 less as many levels as the bits above the page need, at 9 or 13 bits each. A division takes longer.</summary>
    private static int LevelFor(int inputBits, int granuleBits)
    {
        int stride = granuleBits - 3;
        int left = inputBits - granuleBits;
        return left > 3 * stride ? 0
            : left > 2 * stride ? 1
            : left > stride ? 2
            : 3;
    }
}
