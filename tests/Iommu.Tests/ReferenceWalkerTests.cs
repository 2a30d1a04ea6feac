using System.Runtime.InteropServices;
using Emulator.Machine;
using FsCheck;
using FsCheck.Fluent;

namespace Emulator.Iommu.Tests;

/// <summary>
/// The model against a second walker, written straight from the description of the format (Arm DDI 0406, B3.6), on
/// random registers and tables. Neither knows the other's code.
/// </summary>
public sealed class ReferenceWalkerTests
{
    private const ulong TablesAt = 0x8000_0000;
    private const int TableWords = 512 * 20;
    private const ulong RamEnd = 0x9000_0000;

    [Fact]
    public void Random_tables_translate_as_the_reference_walker_says() => Compare(corrupt: false, cases: 4000);

    [Fact]
    public void Corrupted_descriptors_give_nothing_but_architectural_faults() => Compare(corrupt: true, cases: 2000);

    private static void Compare(bool corrupt, int cases)
    {
        SmmuBench bench = new SmmuBench(ramBytes: RamEnd).Route();
        ulong[] words = new ulong[TableWords];
        int faults = 0;
        int hits = 0;
        Prop.ForAll(
                Gen.Choose(0, int.MaxValue).ToArbitrary(),
                seed =>
                {
                    var random = new Random(seed);
                    Fill(random, words, corrupt);
                    bench.Context.Bus.Write(TablesAt, MemoryMarshal.AsBytes<ulong>(words), default);
                    uint tcr = (uint)random.Next(0x60) | 0x8000_3500;
                    ulong ttbr =
                        TablesAt + ((ulong)random.Next(3) << 14) + (ulong)random.Next(2) * (ulong)random.Next(0x1000);
                    bool isWrite = random.Next(2) == 0;
                    bool noFlagFault = random.Next(8) == 0;
                    bench["CB0_SCTLR"] = SmmuBench.Terminating | (noFlagFault ? 8u : 0);
                    bench["CB0_TCR"] = tcr;
                    bench["CB0_TTBR0"] = ttbr;
                    bench["TLBIVMID"] = 1;
                    for (int n = 0; n < 4; n++)
                    {
                        int bits = random.Next(12, 42);
                        ulong address = (ulong)random.NextInt64() & ((1UL << bits) - 1);
                        Expected expected = Reference(words, tcr, ttbr, address, isWrite, noFlagFault);
                        var signals = new Transaction();
                        AccessKind kind = Smmu.KindOf(isWrite, signals);
                        bool translated = bench.Smmu.TryTranslate(
                            address,
                            kind,
                            signals,
                            out ulong physical,
                            out Fault fault
                        );
                        translated.Should().Be(expected.Fsr == 0);
                        if (translated)
                        {
                            hits++;
                            physical.Should().Be(expected.Physical);
                            bench.Smmu.TryTranslate(address, kind, signals, out physical, out _).Should().BeTrue();
                            physical.Should().Be(expected.Physical, "a TLB hit is no other place");
                        }
                        else
                        {
                            faults++;
                            fault.StatusBit.Should().Be(expected.Fsr);
                            fault.Syndrome.Should().Be(expected.Fsynr0);
                            bench.Smmu.Refuse(fault, signals, isWrite).Should().Be(BusStatus.SlaveError);
                            bench.ShouldHaveFaulted(0, expected.Fsr, address, expected.Fsynr0);
                        }
                    }
                }
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(cases));
        faults.Should().BeGreaterThan(cases / 4);
        hits.Should().BeGreaterThan(corrupt ? 0 : cases / 4);
    }

    private static void Fill(Random random, ulong[] words, bool corrupt)
    {
        for (int n = 0; n < words.Length; n++)
        {
            ulong noise = (ulong)random.NextInt64() << 1;
            if (corrupt)
            {
                words[n] = noise | (uint)random.Next(2);
                continue;
            }

            // Mostly tables inside the area and mostly good leaves, with the ignored bits at random.
            ulong ignored = noise & 0xFFF0_0000_0000_0B3C;
            ulong flags = (random.Next(5) > 0 ? 0x400UL : 0) | (random.Next(4) > 0 ? 0xC0 : noise & 0xC0);
            words[n] = random.Next(8) switch
            {
                0 => noise & ~1UL,
                1 or 2 => ignored | flags | (noise & 0xFF_C000_0000) | 1,
                _ => ignored | flags | (TablesAt + ((ulong)random.Next(20) << 12)) | 3,
            };
        }
    }

    private static Expected Reference(
        ulong[] words,
        uint tcr,
        ulong ttbr,
        ulong ipa,
        bool isWrite,
        bool accessFlagFaultDisabled
    )
    {
        uint wnr = isWrite ? 0x10u : 0;
        int t0sz = (int)(tcr & 0xF);
        if (t0sz >= 8)
        {
            t0sz -= 16;
        }

        int width = 32 - t0sz;
        bool startsAtLevel1 = (tcr & 0x40) != 0;
        uint start = startsAtLevel1 ? 1u : 2u;

        // One start table covers 22..30 bits at level 2 and 31..39 bits at level 1; up to 16 may lie side by side.
        bool legal = startsAtLevel1 ? width is >= 31 and <= 43 : width is >= 22 and <= 34;
        if (!legal || ipa >= 1UL << width)
        {
            return new Expected(0x2, wnr | 1, 0);
        }

        int startShift = startsAtLevel1 ? 30 : 21;
        ulong startBytes = 8UL << (width - startShift);
        ulong first = ttbr / startBytes * startBytes;
        ulong at = first + (ipa >> startShift) * 8;
        for (uint level = start; ; level++)
        {
            if (at + 8 > RamEnd)
            {
                return new Expected(0x10, 0x400 | wnr | level, 0);
            }

            ulong place = (at - TablesAt) / 8;
            ulong d = at >= TablesAt && place < (ulong)words.Length ? words[place] : 0;
            uint type = (uint)(d & 3);
            if (type is 0 or 2 || (level == 3 && type == 1))
            {
                return new Expected(0x2, wnr | level, 0);
            }

            if (level < 3 && type == 3)
            {
                ulong next = d & 0xFF_FFFF_F000;
                at = next + ((ipa >> (level == 1 ? 21 : 12)) & 0x1FF) * 8;
                continue;
            }

            if ((d & 0x400) == 0 && !accessFlagFaultDisabled)
            {
                return new Expected(0x4, wnr | level, 0);
            }

            if ((d & (isWrite ? 0x80u : 0x40u)) == 0)
            {
                return new Expected(0x8, wnr | level, 0);
            }

            ulong size = level switch
            {
                1 => 1UL << 30,
                2 => 1UL << 21,
                _ => 1UL << 12,
            };
            ulong output = (d & 0xFF_FFFF_F000) / size * size;
            return new Expected(0, 0, output + ipa % size);
        }
    }

    private readonly record struct Expected(uint Fsr, uint Fsynr0, ulong Physical);
}
