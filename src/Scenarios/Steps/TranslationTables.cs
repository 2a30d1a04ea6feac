using Emulator.Machine;

namespace Emulator.Scenarios;

/// <summary>
/// What tables are made of. All have a granule of 4 KiB and 64-bit descriptors (Arm DDI 0406C B3.6, DDI 0487 D5.3).
/// </summary>
/// <param name="Word">Its name in scenarios.</param>
/// <param name="Stage">1 or 2.</param>
/// <param name="IsWide">AArch64 rather than AArch32 tables.</param>
/// <param name="UsualBits">How many bits of address are translated where the scenario does not say.</param>
/// <param name="MostBits">The most.</param>
internal sealed record TablesFormat(string Word, int Stage, bool IsWide, int UsualBits, int MostBits)
{
    /// <summary>What an SMMUv1 walks.</summary>
    public static TablesFormat LpaeStage2 { get; } = new("lpae-stage-2", 2, false, 32, 40);

    public static TablesFormat WideStage1 { get; } = new("aarch64-stage-1", 1, true, 39, 48);

    public static TablesFormat WideStage2 { get; } = new("aarch64-stage-2", 2, true, 39, 48);

    public static IReadOnlyList<TablesFormat> All { get; } = [LpaeStage2, WideStage1, WideStage2];

    /// <summary>Where the walk begins; stage 2 puts up to 16 tables side by side rather than begin higher.</summary>
    public int StartLevel(int inputBits) =>
        IsWide
            ? inputBits <= 30
                ? 2
                : inputBits <= (Stage == 2 ? 43 : 39)
                    ? 1
                    : 0
            : inputBits <= 30
                ? 2
                : 1;

    /// <summary>The attributes of a leaf: normal write-back memory, inner shareable, and who may access it.</summary>
    public ulong Attributes(bool mayRead, bool mayWrite) =>
        Stage == 2
            ? 0x33C | (mayRead ? 1UL << 6 : 0) | (mayWrite ? 1UL << 7 : 0)
            : 0xB04 | (mayRead ? 1UL << 6 : 0) | (mayWrite ? 0 : 1UL << 7);

    /// <summary>
    /// TCR for these tables: inner shareable, write-back walks. SMMUv1: EAE, SL0, T0SZ with its sign (DDI 0472). Stage 1: TTBR1
    /// off. Stage 2 of SMMUv2: PASize 48 bits.
    /// </summary>
    public ulong ControlRegister(int inputBits)
    {
        int start = StartLevel(inputBits);
        if (!IsWide)
        {
            ulong size = (ulong)(32 - inputBits) & 0xF;
            return 0x8000_3500 | (start == 1 ? 0x40UL : 0) | ((size >> 3) << 4) | size;
        }

        ulong wide = (ulong)(64 - inputBits);
        return Stage == 1 ? 0x0080_3500 | wide : 0x8005_3500 | ((ulong)(2 - start) << 6) | wide;
    }
}

/// <summary>
/// Writes translation tables as a driver of an SMMU does: by loads and stores of the tables in RAM. It keeps nothing of the
/// mapping outside RAM.
/// </summary>
internal sealed class TranslationTables
{
    public const ulong PageBytes = 4096;

    public const ulong AccessFlag = 1UL << 10;

    public const ulong Contiguous = 1UL << 52;

    private const ulong Valid = 1;
    private const ulong TableOrPage = 2;

    private readonly World _world;
    private readonly int _startLevel;
    private readonly int _inputBits;
    private readonly ulong _root;
    private readonly ulong _end;
    private ulong _free;

    private TranslationTables(World world, TablesFormat format, ulong root, ulong end, int inputBits)
    {
        _world = world;
        Format = format;
        _root = root;
        _end = end;
        _inputBits = inputBits;
        _startLevel = format.StartLevel(inputBits);
        _free = root + RootBytes;
    }

    private ulong RootBytes => Math.Max(PageBytes, (ulong)8 << (_inputBits - Shift(_startLevel)));

    public TablesFormat Format { get; }

    private ulong AddressMask => Format.IsWide ? 0x0000_FFFF_FFFF_F000UL : 0x0000_00FF_FFFF_F000UL;

    public static TranslationTables Create(
        World world,
        string name,
        TablesFormat format,
        ulong root,
        ulong room,
        int inputBits,
        Place place
    )
    {
        var tables = new TranslationTables(world, format, root, root + room, inputBits);
        ulong rootBytes = tables.RootBytes;
        if (root % rootBytes != 0)
        {
            throw StepFailedException.At(
                place,
                $"the first table takes {rootBytes} bytes and must be aligned to them; {Hexadecimal.Format(root)} is not"
            );
        }

        if (room < rootBytes)
        {
            throw StepFailedException.At(place, $"'room:' is too small: the first table alone takes {rootBytes} bytes");
        }

        world.StoreBytes(null, root, new byte[World.BoundedSize(room, place)], place);
        world.Variables.Set(name, root);
        world.Variables.Set(name + ".tcr", format.ControlRegister(inputBits));
        world.Variables.Set(name + ".end", root + room);
        world.Tables[name] = tables;
        return tables;
    }

    public static TranslationTables Find(World world, string name) => world.Tables[name];

    public void Map(ulong iova, ulong to, ulong size, ulong block, ulong attributes, Place place)
    {
        int level = block switch
        {
            PageBytes => 3,
            2UL << 20 => 2,
            1UL << 30 => 1,
            _ => throw StepFailedException.At(place, "'block:' is 4KiB, 2MiB or 1GiB"),
        };
        if (level < _startLevel)
        {
            throw StepFailedException.At(place, $"with {_inputBits} input bits the tables begin below 1 GiB blocks");
        }

        if (((iova | to | size) & (block - 1)) != 0 || size == 0)
        {
            throw StepFailedException.At(place, $"'iova:', 'to:' and 'size:' must be multiples of {block} bytes");
        }

        CheckInput(iova, size, place);
        if (to > AddressMask || size > AddressMask + PageBytes - to)
        {
            throw StepFailedException.At(place, $"the output address has more than {(Format.IsWide ? 48 : 40)} bits");
        }

        for (ulong offset = 0; offset < size; offset += block)
        {
            ulong entry = FindEntry(iova + offset, level, place);
            Store(entry, (to + offset) | attributes | Valid | (level == 3 ? TableOrPage : 0), place);
        }
    }

    public void Unmap(ulong iova, ulong size, Place place)
    {
        if (((iova | size) & (PageBytes - 1)) != 0 || size == 0)
        {
            throw StepFailedException.At(place, "'iova:' and 'size:' must be multiples of 4 KiB");
        }

        CheckInput(iova, size, place);
        for (ulong offset = 0; offset < size; )
        {
            offset += UnmapOne(iova + offset, size - offset, place);
        }
    }

    private static int Shift(int level) => 12 + (3 - level) * 9;

    private void CheckInput(ulong iova, ulong size, Place place)
    {
        ulong limit = 1UL << _inputBits;
        if (iova >= limit || size > limit - iova)
        {
            throw StepFailedException.At(
                place,
                $"the tables translate {_inputBits} bits; {Hexadecimal.Format(iova)} is outside"
            );
        }
    }

    private ulong UnmapOne(ulong iova, ulong left, Place place)
    {
        ulong table = _root;
        for (int level = _startLevel; ; level++)
        {
            ulong entry = EntryOf(table, iova, level);
            ulong descriptor = Load(entry, place);
            ulong covered = 1UL << Shift(level);
            bool isTable = level < 3 && (descriptor & 3) == (Valid | TableOrPage);
            if (isTable)
            {
                table = descriptor & AddressMask;
                continue;
            }

            if ((descriptor & Valid) != 0 && (iova % covered != 0 || left < covered))
            {
                throw StepFailedException.At(
                    place,
                    $"{Hexadecimal.Format(iova)} lies in a block of {covered} bytes; unmap the whole block"
                );
            }

            Store(entry, 0, place);
            return covered - iova % covered;
        }
    }

    private ulong FindEntry(ulong iova, int lastLevel, Place place)
    {
        ulong table = _root;
        for (int level = _startLevel; level < lastLevel; level++)
        {
            ulong entry = EntryOf(table, iova, level);
            ulong descriptor = Load(entry, place);
            if ((descriptor & Valid) == 0)
            {
                descriptor = NewTable(place) | Valid | TableOrPage;
                Store(entry, descriptor, place);
            }
            else if ((descriptor & TableOrPage) == 0)
            {
                throw StepFailedException.At(
                    place,
                    $"{Hexadecimal.Format(iova)} lies in a block that is mapped already"
                );
            }

            table = descriptor & AddressMask;
        }

        return EntryOf(table, iova, lastLevel);
    }

    private ulong EntryOf(ulong table, ulong iova, int level)
    {
        ulong index = iova >> Shift(level);
        return table + (level == _startLevel ? index : index & 0x1FF) * 8;
    }

    private ulong NewTable(Place place)
    {
        if (_free + PageBytes > _end)
        {
            throw StepFailedException.At(
                place,
                $"the tables need more room than {_end - _root} bytes; give a larger 'room:'"
            );
        }

        ulong table = _free;
        _free += PageBytes;
        return table;
    }

    private ulong Load(ulong address, Place place) => _world.Load(address, 8, place, "a translation table");

    private void Store(ulong address, ulong value, Place place) =>
        _world.Store(address, 8, value, place, "a translation table");
}
