using System.Globalization;
using System.Text;
using Emulator.Machine;
using FsCheck;
using FsCheck.Fluent;

namespace Emulator.KernelShim.Tests;

/// <summary>The tables in RAM: descriptors bit by bit, random mappings against a dictionary, and real transfers through them.</summary>
public sealed class StageTwoPageTableTests
{
    private const IommuProtection ReadWrite = IommuProtection.Read | IommuProtection.Write | IommuProtection.Cache;
    private const ulong Contiguous = 1UL << 52;
    private const ulong PageBytes = 4096;
    private const int Window = 48;

    [Fact]
    public void Descriptors_are_those_of_the_3_16_driver()
    {
        (FvpKernel machine, IommuDomain domain) = Create();
        domain.Map(0x0000, 0x9000_0000, PageBytes, ReadWrite);
        domain.Map(0x1000, 0x9000_5000, PageBytes, IommuProtection.Read | IommuProtection.Cache);
        domain.Map(0x2000, 0x9000_6000, PageBytes, IommuProtection.Write | IommuProtection.Cache);
        domain.Map(0x3000, 0x9000_7000, PageBytes, IommuProtection.Read | IommuProtection.Write);
        domain.Map(0x4000, 0x9000_8000, PageBytes, ReadWrite | IommuProtection.NoExecute);
        domain.Map(0x5000, 0x9000_9000, PageBytes, ReadWrite);
        domain.Unmap(0x5000, PageBytes).Should().Be(PageBytes);

        Entry(machine, 0x0000).Should().Be(0x9000_07FF);
        Entry(machine, 0x1000).Should().Be(0x9000_577F);
        Entry(machine, 0x2000).Should().Be(0x9000_67BF);
        Entry(machine, 0x3000).Should().Be(0x9000_77D7);
        Entry(machine, 0x4000).Should().Be(0x0060_0000_9000_87FF);
        (Entry(machine, 0x5000) & 3).Should().Be(0, "what was unmapped faults");
        Entry(machine, 0x6000).Should().Be(0);
    }

    [Fact]
    public void Aligned_runs_of_64_KiB_have_the_contiguous_hint_and_lose_it_when_a_page_goes()
    {
        (FvpKernel machine, IommuDomain domain) = Create();
        domain.Map(0x1_0000, 0x9001_0000, 0x1_8000, ReadWrite);
        Enumerable.Range(0x10, 16).Should().OnlyContain(page => (Entry(machine, (ulong)page << 12) & Contiguous) != 0);
        Enumerable.Range(0x20, 8).Should().OnlyContain(page => (Entry(machine, (ulong)page << 12) & Contiguous) == 0);

        domain.Unmap(0x1_3000, PageBytes);
        Enumerable.Range(0x10, 16).Should().OnlyContain(page => (Entry(machine, (ulong)page << 12) & Contiguous) == 0);
        domain.Translate(0x1_2ABC).Should().Be(0x9001_2ABC);
        domain.Translate(0x1_3ABC).Should().BeNull();

        domain.Map(0x4_0000, 0x9004_1000, 0x2_0000, ReadWrite);
        (Entry(machine, 0x4_0000) & Contiguous).Should().Be(0, "the physical run is not aligned");
    }

    [Fact]
    public void Mappings_that_cannot_be_are_refused()
    {
        (FvpKernel machine, IommuDomain domain) = Create();

        domain.Map(0x800, 0x9000_0000, PageBytes, ReadWrite).Should().Be(-(long)Errno.EINVAL);
        machine.Log.Last().Should().Be("iommu: unaligned: iova 0x800 pa 0x90000000 size 0x1000 min_pagesz 0x1000");
        domain.Map(0xFFFF_F000, 0x9000_0000, 2 * PageBytes, ReadWrite).Should().Be(-(long)Errno.ERANGE);
        domain.Map(0x1_0000_0000, 0x9000_0000, PageBytes, ReadWrite).Should().Be(-(long)Errno.ERANGE);
        domain.Map(0, 0x100_0000_0000, PageBytes, ReadWrite).Should().Be(-(long)Errno.ERANGE);
        domain.Map(0xFFFF_F000, 0x9000_0000, PageBytes, ReadWrite).Should().Be(0);
        domain.Translate(0xFFFF_FFFF).Should().Be(0x9000_0FFF);
        domain.Translate(0x1_0000_0000).Should().BeNull();
        domain.Unmap(0x1_0000_0000, PageBytes).Should().Be(0);
        machine.Smmu!.CreateDomain()!.Map(0, 0x9000_0000, PageBytes, ReadWrite).Should().Be(-(long)Errno.ENODEV);
    }

    [Fact]
    public void Without_memory_for_tables_a_mapping_leaves_nothing_behind()
    {
        var machine = new FvpKernel(editHardware: tree =>
            tree.FindByPath("/memory@80000000")!.SetCells("reg", 0, 0x8000_0000, 0, 0x0120_0000)
        );
        IommuDomain domain = machine.Smmu!.CreateDomain()!;
        domain.Attach(machine.AddDmac(0)).Should().Be(0);
        PageAllocator pages = machine.Kernel.Pages;
        while (pages.FreePages > 2 && pages.TryAllocate(out _)) { }

        domain.Map(0x1F_F000, 0x9000_0000, 2 * PageBytes, ReadWrite).Should().Be(-(long)Errno.ENOMEM);

        domain.Translate(0x1F_F000).Should().BeNull();
        machine.Smmu.CreateDomain().Should().BeNull();
    }

    [Fact]
    public void A_large_mapping_crosses_every_level()
    {
        (FvpKernel machine, IommuDomain domain) = Create();
        domain.Map(0x3FFF_F000, 0x8000_0000, 0x4000_0000, ReadWrite).Should().Be(0);
        domain.Translate(0x3FFF_F123).Should().Be(0x8000_0123);
        domain.Translate(0x4000_0000).Should().Be(0x8000_1000);
        domain.Translate(0x7FFF_EFFF).Should().Be(0xBFFF_FFFF);
        domain.Translate(0x7FFF_F000).Should().BeNull();
        domain.Unmap(0x3FFF_F000, 0x4000_0000).Should().Be(0x4000_0000);
        domain.Translate(0x4000_0000).Should().BeNull();
        machine.Simulation.Trace.Problems.Should().BeEmpty();
    }

    [Fact]
    public void Any_sequence_of_maps_and_unmaps_translates_as_a_dictionary_says()
    {
        Gen<Change> change =
            from isMap in Gen.Elements(true, true, false)
            from first in Gen.Choose(0, 1_100)
            from pages in Gen.OneOf(Gen.Choose(1, 40), Gen.Choose(1, 600), Gen.Elements(16, 32, 512))
            from physical in Gen.Choose(0, 4_000)
            select new Change(isMap, (ulong)first, (ulong)pages, (ulong)physical);
        Prop.ForAll(Gen.ListOf(change, 12).ToArbitrary(), Holds).Check(Config.QuickThrowOnFailure.WithMaxTest(60));

        static void Holds(IEnumerable<Change> changes)
        {
            (_, IommuDomain domain) = Create();
            var expected = new SortedDictionary<ulong, ulong>();
            foreach (Change one in changes)
            {
                for (ulong page = 0; page < one.Pages; page++)
                {
                    if (one.IsMap)
                    {
                        expected[one.First + page] = 0x9_0000 + one.Physical + page;
                    }
                    else
                    {
                        expected.Remove(one.First + page);
                    }
                }

                ulong length = one.Pages * PageBytes;
                if (one.IsMap)
                {
                    domain.Map(one.First << 12, (0x9_0000 + one.Physical) << 12, length, ReadWrite).Should().Be(0);
                }
                else
                {
                    domain.Unmap(one.First << 12, length).Should().Be(length);
                }
            }

            for (ulong page = 0; page < 1_800; page++)
            {
                ulong? found = domain.Translate(page << 12 | 0x5A);
                ulong? wanted = expected.TryGetValue(page, out ulong at) ? at << 12 | 0x5A : null;
                Assert.Equal(wanted, found);
            }
        }
    }

    [Fact]
    public void A_DMA_controller_copies_through_the_tables_whatever_was_mapped_before()
    {
        Gen<int[]> pages = Gen.Choose(0, 1_000).Select(seed => Enumerable.Range(0, Window).ToArray().Shuffled(seed));
        Prop.ForAll(pages.Two().ToArbitrary(), pair => Copies(pair.Item1, pair.Item2))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(15));
    }

    [Fact]
    public void After_an_unmap_the_TLB_gives_nothing_away()
    {
        (FvpKernel machine, IommuDomain domain) = Create();
        domain.Map(0x0000, 0x9000_0000, 3 * PageBytes, ReadWrite);
        machine.Store(0x9000_2000, 0x2000, Copy(0x0000, 0x1000, bytes: 128));
        RunChannel(machine);
        machine.ChannelStatus(0, 0).Should().Be(0);

        domain.Unmap(0x0000, PageBytes);
        RunChannel(machine);

        machine.ChannelStatus(0, 0).Should().Be(0xF);
        machine.Log.Last().Should().EndWith("iova=0x00000000, fsynr=0x3, cb=0");
    }

    private static void Copies(int[] before, int[] after)
    {
        (FvpKernel machine, IommuDomain domain) = Create();
        const ulong Arena = 0x9000_0000;
        for (int page = 0; page < Window; page++)
        {
            byte[] content = new byte[PageBytes];
            new Random(page).NextBytes(content);
            machine.Board.Cpu.Store(Arena + (ulong)page * PageBytes, content);
            domain.Map((ulong)page * PageBytes, Arena + (ulong)before[page] * PageBytes, PageBytes, ReadWrite);
        }

        domain.Map(0x10_0000, Arena + 0x10_0000, 0x2_0000, ReadWrite).Should().Be(0);
        const string End = "DMAWMB\nDMAEND\n";
        machine.Store(Arena + 0x10_0000, 0x10_0000, CopyAll() + End);
        RunChannel(machine, 0x10_0000);
        Check(machine, before);

        domain.Unmap(0, Window * PageBytes);
        for (int page = 0; page < Window; page++)
        {
            domain.Map((ulong)page * PageBytes, Arena + (ulong)after[page] * PageBytes, PageBytes, ReadWrite);
        }

        RunChannel(machine, 0x10_0000);
        Check(machine, after);
        machine.Log.Should().NotContain(text => text.Contains("fault", StringComparison.Ordinal));
    }

    /// <summary>The first bytes of each page of the window, to pages of the destination one after the other.</summary>
    private static string CopyAll()
    {
        var program = new StringBuilder();
        for (int page = 0; page < Window; page++)
        {
            program.Append(
                CultureInfo.InvariantCulture,
                $"{Copy((uint)page * 4096, (uint)(0x11_0000 + page * 128), 128, isLast: false)}\n"
            );
        }

        return program.ToString();
    }

    private static void Check(FvpKernel machine, int[] order)
    {
        byte[] found = new byte[128];
        byte[] wanted = new byte[128];
        for (int page = 0; page < Window; page++)
        {
            machine.Board.Cpu.Load(0x9011_0000 + (ulong)page * 128, found);
            machine.Board.Cpu.Load(0x9000_0000 + (ulong)order[page] * PageBytes, wanted);
            found.SequenceEqual(wanted).Should().BeTrue("page {0} is mapped to {1}", page, order[page]);
        }
    }

    private static string Copy(uint source, uint destination, int bytes, bool isLast = true) =>
        $"DMAMOV CCR, SB16 SS64 SAI SP2 DB16 DS64 DAI DP2\nDMAMOV SAR, 0x{source:x}\nDMAMOV DAR, 0x{destination:x}\n"
        + string.Concat(Enumerable.Repeat("DMALD\nDMAST\n", bytes / 128))
        + (isLast ? "DMAWMB\nDMAEND\n" : "");

    private static void RunChannel(FvpKernel machine, uint address = 0x2000)
    {
        machine.StartChannel(0, 0, address);
        machine.RunFor(VirtualTime.Millisecond);
    }

    private static (FvpKernel Machine, IommuDomain Domain) Create()
    {
        var machine = new FvpKernel();
        IommuDomain domain = machine.Smmu!.CreateDomain()!;
        domain.Attach(machine.AddDmac(0)).Should().Be(0);
        return (machine, domain);
    }

    /// <summary>The last-level descriptor for an IOVA, found as the hardware finds it; 0 when there is no table.</summary>
    private static ulong Entry(FvpKernel machine, ulong iova)
    {
        CpuPort cpu = machine.Board.Cpu;
        cpu.Load(machine.FindRegister("smmu.CB0_TTBR0"), 8, out ulong at);
        for (int level = 1; level < 3; level++)
        {
            cpu.Load(at + (iova >> (39 - 9 * level) & 511) * 8, 8, out ulong table);
            if ((table & 3) != 3)
            {
                return 0;
            }

            at = table & ~0xFFFUL;
        }

        cpu.Load(at + (iova >> 12 & 511) * 8, 8, out ulong entry);
        return entry;
    }

    private sealed record Change(bool IsMap, ulong First, ulong Pages, ulong Physical);
}

/// <summary>Shuffles repeatably.</summary>
internal static class Shuffling
{
    public static int[] Shuffled(this int[] values, int seed)
    {
        new Random(seed).Shuffle(values);
        return values;
    }
}
