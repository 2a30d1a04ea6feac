using System.Runtime.InteropServices;
using Emulator.Machine;

namespace Emulator.Iommu.Tests;

/// <summary>
/// Stage 1, stage 2 and nested translation of SMMUv2 against a walker written straight from the description of the formats
/// (Arm DDI 0487 D5, DDI 0406C B3), without a TLB, on random registers, tables, attributes and accesses.
/// <c>EMULATOR_TRANSLATIONS</c> asks for more than the usual few thousand.
/// </summary>
public sealed class NestedReferenceTests
{
    private const ulong TablesAt = 0x8000_0000;
    private const ulong RamEnd = 0x9000_0000;
    private const int TableWords = 8192 * 6;
    private const int UsualTranslations = 12_000;
    private const int AccessesPerTables = 16;

    private static int Translations =>
        int.TryParse(
            Environment.GetEnvironmentVariable("EMULATOR_TRANSLATIONS"),
            System.Globalization.CultureInfo.InvariantCulture,
            out int wanted
        )
            ? wanted
            : UsualTranslations;

    [Fact]
    public void Random_tables_translate_as_the_reference_walker_says()
    {
        Tally tally = Compare(corrupt: false, Translations);
        tally.Passed.Should().BeGreaterThan(Translations / 20);
        tally.Causes.Keys.Should().Contain([0x2u, 0x4u, 0x8u, 0x80u]);
        tally.TableFaults.Should().BePositive("some stage-1 tables lie where stage 2 has nothing");
    }

    [Fact]
    public void Corrupted_descriptors_give_nothing_but_architectural_faults()
    {
        Tally tally = Compare(corrupt: true, Translations);
        uint[] architectural = [0x2, 0x4, 0x8, 0x10, 0x80];
        tally.Causes.Keys.Should().BeSubsetOf(architectural);
    }

    private static Tally Compare(bool corrupt, int translations)
    {
        var random = new Random(corrupt ? 2 : 1);
        ulong[] words = new ulong[TableWords];
        var bench = new SmmuBench(ramBytes: RamEnd, part: SmmuPart.Version2);
        bench["sCR0"] = SmmuBench.On;
        bench["SMR0"] = 0x8000_0000;
        bench["S2CR0"] = 0;
        var tally = new Tally();
        int rounds = (translations + AccessesPerTables - 1) / AccessesPerTables;
        for (int round = 0; round < rounds; round++)
        {
            if (round % 8 == 0)
            {
                Fill(random, words, corrupt);
            }

            bench.Context.Bus.Write(TablesAt, MemoryMarshal.AsBytes<ulong>(words), default);
            Registers registers = Registers.Random(random);
            registers.WriteTo(bench);
            for (int n = 0; n < AccessesPerTables; n++)
            {
                CompareOne(bench, new Reference(words, registers), RandomAddress(random, registers), random, tally);
            }

            if (round % 8 != 7)
            {
                Disturb(random, words, corrupt);
            }
        }

        return tally;
    }

    private static void CompareOne(SmmuBench bench, Reference reference, ulong address, Random random, Tally tally)
    {
        var kind = (AccessKind)random.Next(8);
        if ((kind & AccessKind.Write) == AccessKind.Write)
        {
            kind &= ~AccessKind.Instruction;
        }

        Expected expected = reference.Translate(address, kind);
        for (int time = 0; time < 2; time++)
        {
            bool passed = bench.Smmu.TryTranslate(address, kind, default, out ulong physical, out Fault fault);
            string why = $"{reference.Registers} address {address:x} {kind} time {time}: expected {expected}";
            passed.Should().Be(expected.Cause == 0, why);
            if (passed)
            {
                physical.Should().Be(expected.Physical, why);
                continue;
            }

            fault.StatusBit.Should().Be(expected.Cause, why);
            fault.Bank.Should().Be(expected.Stage == 1 ? 0 : reference.Registers.StageTwoBank, why);
            (fault.Syndrome & 3).Should().Be((uint)expected.Level, why);
            ((fault.Syndrome >> 3 & 1) != 0).Should().Be(expected.IsTable, why);
            fault.Address.Should().Be(address);
        }

        tally.Add(expected);
    }

    private static ulong RandomAddress(Random random, Registers registers)
    {
        int bits = random.Next(20, registers.IsWide ? 50 : 33);
        ulong address = (ulong)random.NextInt64() & ((1UL << bits) - 1);
        return registers.IsWide && registers.HasStageOne && random.Next(3) == 0
            ? ~address & (random.Next(8) == 0 ? ulong.MaxValue >> 8 : ulong.MaxValue)
            : address;
    }

    /// <summary>Good and bad entries; the tables are few, so most pointers lead to one of them.</summary>
    private static void Fill(Random random, ulong[] words, bool corrupt)
    {
        for (int n = 0; n < words.Length; n++)
        {
            words[n] = Descriptor(random, corrupt);
        }
    }

    private static void Disturb(Random random, ulong[] words, bool corrupt)
    {
        for (int n = 0; n < 256; n++)
        {
            words[random.Next(words.Length)] = Descriptor(random, corrupt);
        }
    }

    private static ulong Descriptor(Random random, bool corrupt)
    {
        ulong noise = (ulong)random.NextInt64() << 1;
        if (corrupt)
        {
            return noise | (uint)random.Next(2);
        }

        ulong upper = random.Next(3) > 0 ? 0 : noise & 0x7870_0000_0000_0000;
        ulong flags = (random.Next(8) > 0 ? 0x400UL : 0) | (random.Next(3) > 0 ? 0x40 : noise & 0xC0) | (noise & 0xB3C);
        flags |= random.Next(3) > 0 ? 0x80UL : 0;
        ulong output = random.Next(12) == 0 ? noise & 0xFFFF_C000_0000 : noise & 0x1_FFFF_0000;
        ulong table = TablesAt + ((ulong)random.Next(TableWords / 8192) << 16);
        return random.Next(10) switch
        {
            0 => noise & ~1UL,
            1 or 2 => upper | flags | (output & 0xFFFF_C000_0000) | 1,
            3 => upper | flags | output | 3,
            _ => upper | flags | table | 3,
        };
    }

    private sealed class Tally
    {
        public int Passed { get; private set; }

        public int TableFaults { get; private set; }

        public SortedDictionary<uint, int> Causes { get; } = [];

        public void Add(in Expected expected)
        {
            if (expected.Cause == 0)
            {
                Passed++;
                return;
            }

            Causes[expected.Cause] = Causes.GetValueOrDefault(expected.Cause) + 1;
            TableFaults += expected.IsTable ? 1 : 0;
        }
    }
}
