using Emulator.Machine;

namespace Emulator.Iommu.Tests;

/// <summary>What MMU-500 and SMMUv2 have beside the SMMU-400: identification, fixed bits, contexts, operations.</summary>
public sealed class Mmu500Tests
{
    private const uint Tcr = 0x0080_3519; // 39 bits from level 1, TTBR1 off.
    private const uint Tcr2 = 0x0003_8015;

    private static readonly Transaction Cpu = new() { Flags = TransactionFlags.Privileged };

    private static SmmuBench Ls1088a() =>
        new(
            context =>
                context
                    .With("emulator,context-banks", 64)
                    .With("emulator,stream-match-groups", 128)
                    .With("emulator,register-page", 0x1_0000),
            part: SmmuPart.Mmu500
        );

    private static SmmuBench Generic(Action<StandaloneContext>? configure = null) =>
        new(configure, part: SmmuPart.Version2);

    /// <summary>Three levels at 0x8001_0000 that map the first 2 MiB by pages.</summary>
    private static SmmuBench WithPages(SmmuBench bench, ulong ttbr = 0x0001_0000_8001_0000, uint cbar = 0x0001_F300)
    {
        bench.RouteStageOne(0, Tcr, Tcr2, ttbr, cbar);
        bench.Poke(0x8001_0000, 0x8001_1003);
        bench.Poke(0x8001_1000, 0x8001_2003);
        return bench;
    }

    private static void Map(SmmuBench bench, ulong address, ulong leaf) =>
        bench.Poke(0x8001_2000 + (address >> 12 << 3), leaf);

    [Fact]
    public void The_identification_registers_are_those_of_an_LS1088A()
    {
        SmmuBench bench = Ls1088a();
        bench["IDR0"].Should().Be(0x7C01_3E80);
        bench["IDR1"].Should().Be(0xD000_0F40);
        bench["IDR2"].Should().Be(0x5555);
        bench["IDR7"].Should().Be(0x21);
        (bench["PIDR0"], bench["PIDR1"], bench["PIDR2"]).Should().Be((0x81, 0xB4, 0x1B));
        bench.Window.SizeBytes.Should().Be(0x80_0000);
        bench.Window.TryFind("CB63_SCTLR", out ulong offset, out _).Should().BeTrue();
        offset.Should().Be(0x7F_0000);
        bench.Window.TryFind("CBAR1", out offset, out _).Should().BeTrue();
        offset.Should().Be(0x1_0004);
    }

    [Fact]
    public void The_identification_registers_of_ZynqMP_differ_in_secure_software_only()
    {
        var bench = new SmmuBench(part: SmmuPart.Mmu500);
        bench["IDR0"].Should().Be(0xFC01_3E30 & 0x7FFF_FFFF);
        bench["IDR1"].Should().Be(0x3000_0F10);
        bench.Window.SizeBytes.Should().Be(0x2_0000);
    }

    [Fact]
    public void The_MMU_401_says_SMMUv1_and_walks_tables_of_64_KiB()
    {
        SmmuBench bench = new SmmuBench(part: SmmuPart.Mmu401).Route(tcr: 0x8000_7558, ttbr: 0x8002_0000);
        (bench["PIDR2"] >> 4).Should().Be(0);
        bench.Poke(0x8002_0000, 0x8003_0003);
        bench.Poke(0x8003_0008, 0x9000_07FF);
        bench.ReadShouldReach(0x1_2345, 0x9000_2345);
    }

    [Theory]
    [InlineData("sCR0", 0xFFFF_FFFF, 0x0FFF_FCC7)]
    [InlineData("sCR0", 0x0020_1C36, 0x0020_1C06)]
    [InlineData("sACR", 0xFFFF_FFFF, 0x0700_071C)]
    [InlineData("CBAR0", 0xFFFF_FFFF, 0x00FF_FFFF)]
    [InlineData("CBA2R0", 0xFFFF_FFFF, 0x3)]
    [InlineData("CB0_TCR2", 0x0, 0x60)]
    [InlineData("CB0_TCR2", 0xFFFF_FFFF, 0x4003_C077)]
    [InlineData("CB0_CONTEXTIDR", 0xFFFF_FFFF, 0xFFFF_FFFF)]
    public void Only_bits_that_exist_are_stored(string register, uint written, uint expected)
    {
        var bench = new SmmuBench(part: SmmuPart.Mmu500);
        bench[register] = written;
        bench[register].Should().Be(expected);
        bench.Trace.Count(Severity.Warning).Should().Be(0);
    }

    [Theory]
    [InlineData("sCR0", 0x0020_0001)]
    [InlineData("sACR", 0x0400_001C)]
    [InlineData("S2CR3", 0x0002_0000)]
    [InlineData("CBAR3", 0x0002_0000)]
    [InlineData("CB3_SCTLR", 0x100)]
    [InlineData("CB3_ACTLR", 0x3)]
    [InlineData("CB3_TCR2", 0x60)]
    public void Registers_have_their_reset_values(string register, uint expected) =>
        new SmmuBench(part: SmmuPart.Mmu500)[register].Should().Be(expected);

    [Fact]
    public void ACTLR_can_be_written_only_when_CACHE_LOCK_is_clear()
    {
        var bench = new SmmuBench(part: SmmuPart.Mmu500);
        bench["CB0_ACTLR"] = 1;
        bench["CB0_ACTLR"].Should().Be(3, "sACR.CACHE_LOCK is 1 after reset");
        bench["sACR"] = 0x1C;
        bench["CB0_ACTLR"] = 1;
        bench["CB0_ACTLR"].Should().Be(1);
    }

    [Fact]
    public void A_bank_for_stage_2_only_keeps_TYPE_0()
    {
        SmmuBench bench = Generic(context => context.With("emulator,stage-2-banks", 2));
        bench["CBAR1"] = 0x0001_0007;
        bench["CBAR1"].Should().Be(0x7);
        bench["CBAR2"] = 0x0001_0007;
        bench["CBAR2"].Should().Be(0x0001_0007);
    }

    [Theory]
    [InlineData(0x0002_0000u, 0x1u, "the reset type lets nothing pass stage 2")]
    [InlineData(0x0003_FF00u, 0x8u, "bank 255 does not exist")]
    [InlineData(0x0003_0100u, 0x1u, "bank 1 is none of stage 2")]
    public void A_context_that_cannot_translate_is_a_global_fault(uint cbar, uint gfsr, string why)
    {
        SmmuBench bench = WithPages(Generic(), cbar: cbar);
        bench["CBAR1"] = 0x0001_0000;
        bench.Read(0x1000, out _).Should().Be(BusStatus.SlaveError);
        bench["sGFSR"].Should().Be(gfsr, why);
    }

    [Fact]
    public void Global_entries_serve_every_ASID_and_survive_the_invalidation_of_one()
    {
        SmmuBench bench = WithPages(Generic());
        Map(bench, 0x1000, 0x0060_0000_9000_0747); // nG = 0
        Map(bench, 0x2000, 0x0060_0000_9000_1F47); // nG = 1
        bench.Read(0x1000, out _);
        bench.Read(0x2000, out _);
        Map(bench, 0x1000, 0);
        Map(bench, 0x2000, 0);
        bench["CB0_TLBIASID"] = 1;
        bench.ReadShouldReach(0x1000, 0x9000_0000);
        bench.Read(0x2000, out _).Should().Be(BusStatus.SlaveError);
        bench["CB0_FSR"] = 0x1FE;
        bench["CB0_TTBR0"] = 0x0002_0000_8001_0000;
        bench.ReadShouldReach(0x1000, 0x9000_0000);
        bench["CB0_TLBIALL"] = 0;
        bench.Read(0x1000, out _).Should().Be(BusStatus.SlaveError);
    }

    [Fact]
    public void An_ASID_keeps_its_own_entries()
    {
        SmmuBench bench = WithPages(Generic());
        Map(bench, 0x1000, 0x0060_0000_9000_0F47);
        bench.Read(0x1000, out _);
        Map(bench, 0x1000, 0x0060_0000_9500_0F47);
        bench["CB0_TTBR0"] = 0x0002_0000_8001_0000;
        bench.ReadShouldReach(0x1000, 0x9500_0000);
        bench["CB0_TTBR0"] = 0x0001_0000_8001_0000;
        bench.ReadShouldReach(0x1000, 0x9000_0000);
    }

    [Theory]
    [InlineData("CB0_TLBIVAA", 0x1UL)]
    [InlineData("CB0_TLBIVAAL", 0x1UL)]
    [InlineData("CB0_TLBIVAL", 0x0001_0000_0000_0001UL)]
    [InlineData("TLBIVMIDS1", 0UL)]
    [InlineData("TLBIVMID", 0UL)]
    [InlineData("TLBIALLNSNH", 0UL)]
    public void Every_invalidation_that_covers_an_entry_removes_it(string register, ulong operand)
    {
        SmmuBench bench = WithPages(Generic());
        Map(bench, 0x1000, 0x0060_0000_9000_0F47);
        bench.Read(0x1000, out _);
        Map(bench, 0x1000, 0);
        bench[register] = operand;
        bench.Read(0x1000, out _).Should().Be(BusStatus.SlaveError);
    }

    [Fact]
    public void An_operation_may_be_written_in_two_halves_upper_first()
    {
        SmmuBench bench = WithPages(Generic());
        Map(bench, 0x1000, 0x0060_0000_9000_0F47);
        bench.Read(0x1000, out _);
        Map(bench, 0x1000, 0);
        bench.Window.TryFind("CB0_TLBIVA", out ulong offset, out _);
        bench.Window.WriteWord(offset + 4, 4, 0x0001_0000, Cpu);
        bench.ReadShouldReach(0x1000, 0x9000_0000);
        bench.Window.WriteWord(offset, 4, 1, Cpu);
        bench.Read(0x1000, out _).Should().Be(BusStatus.SlaveError);
    }

    [Fact]
    public void An_address_translation_operation_leaves_its_result_in_PAR()
    {
        SmmuBench bench = WithPages(Generic());
        Map(bench, 0x1000, 0x0060_0000_9000_0F47); // AttrIndx 1: 0xFF
        bench["CB0_ATS1UR"] = 0x1000;
        bench["CB0_ATSR"].Should().Be(0);
        bench["CB0_PAR"].Should().Be(0xFF00_0000_9000_0000 | (3UL << 7) | (1 << 11));
        bench["CB0_ATS1UW"] = 0x2000;
        bench["CB0_PAR"].Should().Be(0x3_0000_0003, "F, TF, level 3");
        bench["CB0_FSR"].Should().Be(0x400, "operations record no context fault");
        bench["sGATS1PR"] = 0x1000;
        bench["sGPAR"].Should().Be(0xFF00_0000_9000_0000 | (3UL << 7) | (1 << 11));
    }

    [Fact]
    public void A_part_without_translation_operations_has_none_of_their_registers()
    {
        var bench = new SmmuBench(part: SmmuPart.Mmu500);
        (bench["IDR0"] >> 26 & 1).Should().Be(1);
        bench.Window.TryFind("CB0_ATS1PR", out _, out _).Should().BeFalse();
        bench.Window.TryFind("sGATS1PR", out _, out _).Should().BeFalse();
    }

    [Fact]
    public void Each_bank_has_an_interrupt_of_its_own()
    {
        SmmuBench bench = WithPages(Generic());
        bench.Read(0x1000, out _);
        bench.ContextLine(0).Level.Should().BeTrue();
        bench.ContextLine(1).Level.Should().BeFalse();
        bench["CB0_FSR"] = 0x2;
        bench.ContextLine(0).Level.Should().BeFalse();
    }

    [Fact]
    public void A_stalled_stage_1_access_is_looked_up_again()
    {
        SmmuBench bench = WithPages(Generic());
        bench["CB0_SCTLR"] = 0x10E7;
        var master = new TestMaster(bench.Upstream);
        master.Read(1, 0x1000, 4).Should().Be(BusStatus.Held);
        bench["CB0_FSR"].Should().Be(0x4000_0402);
        Map(bench, 0x1000, 0x0060_0000_9000_0F47);
        bench["CB0_FSR"] = 0x1FE;
        bench["CB0_RESUME"] = 0;
        master.Done.Should().ContainSingle().Which.Status.Should().Be(BusStatus.Okay);
    }

    [Fact]
    public void Short_descriptors_map_sections_supersections_and_pages()
    {
        SmmuBench bench = Generic().RouteStageOne(0, tcr: 0, tcr2: 0, ttbr: 0x8004_0000, cba2r: 0, sctlr: 0x63);
        void Poke(ulong address, uint value) => bench.Context.Bus.WriteWord(address, 4, value, Cpu);
        Poke(0x8004_0004, 0x9010_0C02); // 1 MiB, AP 11
        Poke(0x8004_0008, 0x8005_0001); // table
        for (uint n = 0; n < 16; n++)
        {
            Poke(0x8004_0040 + n * 4, 0x9150_0022 | (3 << 10) | (1 << 18)); // 16 MiB at 0x15_9100_0000
        }

        Poke(0x8005_0004, 0x9020_1032); // 4 KiB, AP 11
        Poke(0x8005_0008, 0x9020_2022); // 4 KiB, AP 10: unprivileged reads
        Poke(0x8005_0040, 0x9030_0031); // 64 KiB
        bench.ReadShouldReach(0x0012_3456, 0x9012_3456);
        bench.ReadShouldReach(0x0020_1234, 0x9020_1234);
        bench.ReadShouldReach(0x0021_0234, 0x9030_0234, flags: TransactionFlags.Privileged);
        bench.Smmu.TryTranslate(0x0100_0010, AccessKind.Read, default, out ulong physical, out _).Should().BeTrue();
        physical.Should().Be(0x15_9100_0010);
        bench.Write(0x0020_2000, 1).Should().Be(BusStatus.SlaveError);
        bench.ShouldHaveFaulted(0, 0x8, 0x0020_2000, 0x12);
        bench.Write(0x0020_2000, 1, flags: TransactionFlags.Privileged).Should().Be(BusStatus.Okay);
        bench.Read(0x0300_0000, out _).Should().Be(BusStatus.SlaveError);
        bench.ShouldHaveFaulted(0, 0x2, 0x0300_0000, 0x01);
        bench.Read(0x0020_3000, out _).Should().Be(BusStatus.SlaveError);
        bench.ShouldHaveFaulted(0, 0x2, 0x0020_3000, 0x02);
    }

    [Fact]
    public void Short_descriptors_split_the_address_space_by_N_and_obey_PD()
    {
        SmmuBench bench = Generic().RouteStageOne(0, tcr: 1, tcr2: 0, ttbr: 0x8004_0000, cba2r: 0, sctlr: 0x63);
        bench["CB0_TTBR1"] = 0x8005_0000;
        bench.Context.Bus.WriteWord(0x8004_0000, 4, 0x9010_0C02, Cpu);
        bench.Context.Bus.WriteWord(0x8005_0000 + 0x800 * 4, 4, 0x9020_0C02, Cpu);
        bench.ReadShouldReach(0x10, 0x9010_0010);
        bench.ReadShouldReach(0x8000_0010, 0x9020_0010);
        bench["CB0_TCR"] = 0x21;
        bench["TLBIALLNSNH"] = 0;
        bench.Read(0x8000_0010, out _).Should().Be(BusStatus.SlaveError);
        bench.ShouldHaveFaulted(0, 0x2, 0x8000_0010, 0x01);
    }

    [Fact]
    public void A_block_of_TTBR1_does_not_reach_into_the_addresses_of_TTBR0()
    {
        // T0SZ 7: the first 32 MiB are TTBR0's, and the first 1 GiB block of TTBR1 begins below that.
        SmmuBench bench = Generic().RouteStageOne(0, tcr: 0x8000_0007, tcr2: 0, ttbr: 0x8006_0000, cba2r: 0);
        bench["CB0_TTBR1"] = 0x8007_0000;
        bench.Poke(0x8006_0000, 0x0000_0000_9020_0F45);
        bench.Poke(0x8007_0000, 0x0000_0001_4000_0F45);
        bench.ReadShouldReach(0x0300_0000, 0x1_4300_0000);
        bench.ReadShouldReach(0x0000_1000, 0x9020_1000);
    }

    [Fact]
    public void The_trace_of_a_nested_walk_shows_every_descriptor_of_both_stages()
    {
        SmmuBench bench = WithPages(Generic(), cbar: 0x0003_0100);
        bench["CBAR1"] = 1;
        bench["CBA2R1"] = 1;
        bench["CB1_TCR"] = 0x8005_3559;
        bench["CB1_TTBR0"] = 0x8040_0000;
        bench["CB1_SCTLR"] = SmmuBench.Terminating;
        bench.Poke(0x8040_0010, 0x8000_07FD); // IPA 2 GiB..3 GiB is itself.
        Map(bench, 0x1000, 0x0060_0000_9000_0F47);
        var steps = new List<string>();
        bench.Trace.Add(new Listener(steps));
        bench.Read(0x1000, out _).Should().Be(BusStatus.Okay);
        steps.Should().HaveCount(7, "three of stage 1, one of stage 2 for each, and one for the page");
        steps[0].Should().Be("stage 2 L1[0x2] @0x8040_0010 = 0x8000_07fd 1 GiB block RW -> 0x8000_0000");
        steps[1].Should().Be("stage 1 L1[0x0] @0x8001_0000 = 0x8001_1003 table -> 0x8001_1000");
    }

    private sealed class Listener(List<string> steps) : ITraceSink
    {
        public void Write(TraceEvent traceEvent)
        {
            if (traceEvent.Kind.Name is "smmu.walk-step")
            {
                steps.Add(traceEvent.Message);
            }
        }
    }
}
