namespace Emulator.Iommu.Tests;

/// <summary>What the reference says of an access: an address, or the fault of a stage.</summary>
internal readonly record struct Expected(uint Cause, int Stage, int Level, bool IsTable, ulong Physical);

/// <summary>The registers of a random context: stage 1 in bank 0, stage 2 in bank 1 (or alone in bank 0).</summary>
internal sealed record Registers(
    bool HasStageOne,
    bool HasStageTwo,
    bool IsWide,
    uint Tcr,
    uint Tcr2,
    ulong Ttbr0,
    ulong Ttbr1,
    uint Sctlr,
    uint Vtcr,
    ulong Vttbr,
    uint Sctlr2
)
{
    public int StageTwoBank => HasStageOne ? 1 : 0;

    public static Registers Random(Random random)
    {
        int stages = random.Next(1, 4);
        bool isWide = random.Next(4) > 0;
        ulong Table() => 0x8000_0000 + ((ulong)random.Next(4) << 16) + (random.Next(24) == 0 ? 0x4000_0000_0000UL : 0);
        uint tcr = isWide
            ? (uint)(random.Next(14, 42) | (random.Next(14, 42) << 16))
                | (random.Next(2) == 0 ? 1u << 14 : 0)
                | (random.Next(2) == 0 ? 3u << 30 : 2u << 30)
                | (random.Next(8) == 0 ? 1u << 7 : 0)
                | (random.Next(8) == 0 ? 1u << 23 : 0)
            : (1u << 31)
                | (uint)(random.Next(8) | (random.Next(8) << 16))
                | (random.Next(8) == 0 ? 1u << 7 : 0)
                | (random.Next(8) == 0 ? 1u << 23 : 0);
        uint tcr2 = (uint)random.Next(7) | (7u << 15) | ((uint)random.Next(4) << 5);
        uint sctlr = 0x67 | (random.Next(8) == 0 ? 8u : 0) | ((uint)random.Next(4) << 9);
        uint vtcr = isWide
            ? (1u << 31)
                | (uint)random.Next(16, 42)
                | ((uint)random.Next(4) << 6)
                | ((uint)random.Next(2) << 14)
                | ((uint)random.Next(7) << 16)
            : (1u << 31) | (uint)random.Next(16) | ((uint)random.Next(2) << 6);
        return new Registers(
            (stages & 1) != 0,
            (stages & 2) != 0,
            isWide,
            tcr,
            tcr2,
            Table(),
            Table(),
            sctlr,
            vtcr,
            Table(),
            0x67 | (random.Next(8) == 0 ? 8u : 0)
        );
    }

    public void WriteTo(SmmuBench bench)
    {
        if (HasStageOne)
        {
            bench["CBAR0"] = HasStageTwo ? 0x0003_0100u : 0x0001_0000;
            bench["CBA2R0"] = IsWide ? 1u : 0;
            bench["CB0_TCR"] = Tcr;
            bench["CB0_TCR2"] = Tcr2;
            bench["CB0_TTBR0"] = Ttbr0;
            bench["CB0_TTBR1"] = Ttbr1;
            bench["CB0_SCTLR"] = Sctlr;
        }

        if (HasStageTwo)
        {
            bench[$"CBAR{StageTwoBank}"] = 1;
            bench[$"CBA2R{StageTwoBank}"] = IsWide ? 1u : 0;
            bench[$"CB{StageTwoBank}_TCR"] = Vtcr;
            bench[$"CB{StageTwoBank}_TTBR0"] = Vttbr;
            bench[$"CB{StageTwoBank}_SCTLR"] = Sctlr2;
        }

        bench["TLBIALLNSNH"] = 0;
    }
}

/// <summary>
/// The reference: each access from the registers to the end, step by step as the Arm architecture manuals tell it, for
/// addresses of 48 bits (DDI 0487 D5.2 to D5.4) and of 32 and 40 bits (DDI 0406C B3.6).
/// </summary>
internal sealed class Reference(ulong[] words, Registers registers)
{
    private const ulong TablesAt = 0x8000_0000;
    private const ulong RamEnd = 0x9000_0000;

    public Registers Registers => registers;

    public Expected Translate(ulong address, AccessKind kind)
    {
        ulong intermediate = address;
        if (registers.HasStageOne)
        {
            Expected first = registers.IsWide ? WideStageOne(address, kind) : LongStageOne(address, kind);
            if (first.Cause != 0 || !registers.HasStageTwo)
            {
                return first;
            }

            intermediate = first.Physical;
        }

        return StageTwo(intermediate, kind);
    }

    private static Expected Fails(uint cause, int stage, int level, bool isTable = false) =>
        new(cause, stage, level, isTable, 0);

    private static int SizeOf(uint code) =>
        code switch
        {
            0 => 32,
            1 => 36,
            2 => 40,
            3 => 42,
            4 => 44,
            _ => 48,
        };

    private Expected WideStageOne(ulong va, AccessKind kind)
    {
        // A 49-bit bus: bit 48 is the sign of shorter addresses.
        if (va < 1UL << 49 && va >= 1UL << 48)
        {
            va |= ulong.MaxValue << 49;
        }

        bool upper = (va >> 55 & 1) == 1;
        int txsz = (int)(upper ? registers.Tcr >> 16 & 63 : registers.Tcr & 63);
        bool big = upper ? registers.Tcr >> 30 == 3 : (registers.Tcr >> 14 & 3) == 1;
        bool tbi = (registers.Tcr2 >> (upper ? 6 : 5) & 1) == 1;
        bool epd = (registers.Tcr >> (upper ? 23 : 7) & 1) == 1;
        if (txsz < 16 || txsz > 39 || epd)
        {
            return Fails(2, 1, 0);
        }

        for (int bit = 64 - txsz; bit < (tbi ? 56 : 64); bit++)
        {
            if ((va >> bit & 1) == 1 != upper)
            {
                return Fails(2, 1, 0);
            }
        }

        int grain = big ? 16 : 12;
        int level = 4 - (int)Math.Ceiling((64 - txsz - grain) / (double)(grain - 3));
        return Walk(
            upper ? registers.Ttbr1 : registers.Ttbr0,
            va & ((1UL << (64 - txsz)) - 1),
            64 - txsz,
            level,
            grain,
            SizeOf(registers.Tcr2 & 7),
            1,
            kind
        );
    }

    private Expected LongStageOne(ulong va, AccessKind kind)
    {
        if (va >> 32 != 0)
        {
            return Fails(2, 1, 1);
        }

        int t0 = (int)(registers.Tcr & 7);
        int t1 = (int)(registers.Tcr >> 16 & 7);
        bool fits0 = va < 1UL << (32 - t0);
        bool upper = t1 > 0 ? va >= (1UL << 32) - (1UL << (32 - t1)) : !fits0;
        bool epd = (registers.Tcr >> (upper ? 23 : 7) & 1) == 1;
        if ((!upper && !fits0) || epd)
        {
            return Fails(2, 1, 1);
        }

        int bits = 32 - (upper ? t1 : t0);
        ulong low = va & ((1UL << bits) - 1);
        ulong table = (upper ? registers.Ttbr1 : registers.Ttbr0) & 0xFF_FFFF_FFFF;
        return Walk(table, low, bits, bits > 30 ? 1 : 2, 12, 0, 1, kind);
    }

    private Expected StageTwo(ulong ipa, AccessKind kind)
    {
        int sl0 = (int)(registers.Vtcr >> 6 & 3);
        int bits;
        int grain = 12;
        int level;
        int size = 0;
        bool legal;
        if (registers.IsWide)
        {
            int t0 = (int)(registers.Vtcr & 63);
            grain = (registers.Vtcr >> 14 & 3) == 1 ? 16 : 12;
            level = grain == 16 ? 3 - sl0 : 2 - sl0;
            bits = 64 - t0;
            size = SizeOf(registers.Vtcr >> 16 & 7);
            legal = t0 is >= 16 and <= 39 && sl0 < 3 && bits <= size;
        }
        else
        {
            int t0 = (int)(registers.Vtcr & 15);
            bits = 32 - (t0 > 7 ? t0 - 16 : t0);
            level = 2 - sl0;
            legal = sl0 < 2;
        }

        int covered = grain + (grain - 3) * (4 - level);
        legal = legal && bits > covered - (grain - 3) && bits <= covered + 4;
        return !legal || (bits < 64 && ipa >> bits != 0)
            ? Fails(2, 2, registers.IsWide ? 0 : 1)
            : Walk(
                registers.Vttbr & (registers.IsWide ? ulong.MaxValue : 0xFF_FFFF_FFFF),
                ipa,
                bits,
                level,
                grain,
                size,
                2,
                kind
            );
    }

    private Expected Walk(
        ulong table,
        ulong input,
        int bits,
        int level,
        int grain,
        int size,
        int stage,
        AccessKind kind
    )
    {
        table &= 0xFFFF_FFFF_FFFF;
        if (size != 0 && table >> size != 0)
        {
            return Fails(0x80, stage, 0);
        }

        int stride = grain - 3;
        int shift = grain + stride * (3 - level);
        ulong entries = 1UL << (bits - shift);
        table -= table % (entries * 8);
        ulong at = table + (input >> shift) * 8;
        bool roBelow = false;
        bool privBelow = false;
        bool xnBelow = false;
        bool pxnBelow = false;
        while (true)
        {
            if (stage == 1 && registers.HasStageTwo)
            {
                Expected where = StageTwo(at, AccessKind.Read);
                if (where.Cause != 0)
                {
                    return where with { IsTable = true };
                }

                at = where.Physical;
            }

            if (at >= RamEnd)
            {
                return Fails(0x10, stage, level);
            }

            ulong place = (at - TablesAt) / 8;
            ulong d = at >= TablesAt && place < (ulong)words.Length ? words[place] : 0;
            bool one = (d & 1) == 1;
            bool two = (d & 2) == 2;
            bool blockHere = level == 2 || (level == 1 && grain == 12);
            if (!one || (!two && (level == 3 || !blockHere)))
            {
                return Fails(2, stage, level);
            }

            ulong address = d & (registers.IsWide ? 0xFFFF_FFFF_FFFFUL : 0xFF_FFFF_FFFFUL);
            if (size != 0 && address >> size != 0)
            {
                return Fails(0x80, stage, level);
            }

            if (level == 3 || !two)
            {
                uint control = stage == 1 ? registers.Sctlr : registers.Sctlr2;
                if ((d >> 10 & 1) == 0 && (control & 8) == 0)
                {
                    return Fails(4, stage, level);
                }

                bool may =
                    stage == 2 ? MayStageTwo(d, kind) : MayStageOne(d, kind, roBelow, privBelow, xnBelow, pxnBelow);
                ulong length = 1UL << shift;
                return may
                    ? new Expected(0, stage, level, false, address / length * length + input % length)
                    : Fails(8, stage, level);
            }

            roBelow |= (d >> 62 & 1) == 1;
            privBelow |= (d >> 61 & 1) == 1;
            xnBelow |= (d >> 60 & 1) == 1;
            pxnBelow |= (d >> 59 & 1) == 1;
            level++;
            shift -= stride;
            ulong index = input >> shift & ((1UL << stride) - 1);
            at = address / (1UL << grain) * (1UL << grain) + index * 8;
        }
    }

    private static bool MayStageTwo(ulong d, AccessKind kind)
    {
        bool read = (d >> 6 & 1) == 1;
        bool write = (d >> 7 & 1) == 1;
        return (kind & AccessKind.Write) == AccessKind.Write ? write
            : (kind & AccessKind.Instruction) == AccessKind.Instruction ? read && (d >> 54 & 1) == 0
            : read;
    }

    private bool MayStageOne(ulong d, AccessKind kind, bool roBelow, bool privBelow, bool xnBelow, bool pxnBelow)
    {
        bool privileged = (kind & AccessKind.Privileged) == AccessKind.Privileged;
        bool readOnly = (d >> 7 & 1) == 1 || roBelow;
        bool forUsers = (d >> 6 & 1) == 1 && !privBelow;
        if (!privileged && !forUsers)
        {
            return false;
        }

        if ((kind & AccessKind.Write) == AccessKind.Write)
        {
            return !readOnly;
        }

        if ((kind & AccessKind.Instruction) == AccessKind.Read)
        {
            return true;
        }

        bool xn = (d >> 54 & 1) == 1 || xnBelow;
        bool pxn = (d >> 53 & 1) == 1 || pxnBelow;
        bool wxn = (registers.Sctlr >> 9 & 1) == 1;
        bool uwxn = (registers.Sctlr >> 10 & 1) == 1;
        bool usersWrite = forUsers && !readOnly;
        if (!privileged)
        {
            return !xn && !(wxn && usersWrite);
        }

        bool never = registers.IsWide ? pxn || usersWrite : pxn || xn;
        return !never && !(wxn && !readOnly) && !(uwxn && usersWrite);
    }
}
