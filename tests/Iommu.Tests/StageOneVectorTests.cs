using Emulator.Machine;

namespace Emulator.Iommu.Tests;

/// <summary>The published vectors of the fact sheet, sets C to E and T5: stage 1 and nested translation of MMU-500.</summary>
public sealed class StageOneVectorTests
{
    private const TransactionFlags Fetch = TransactionFlags.Instruction;

    private static SmmuBench SetC(uint tcr2 = 0x0003_8015)
    {
        SmmuBench bench = new SmmuBench(part: SmmuPart.Mmu500).RouteStageOne(
            bank: 0,
            tcr: 0x0080_3510,
            tcr2: tcr2,
            ttbr: 0x0001_0000_8020_0000
        );
        bench.Poke(0x8020_0008, 0x0000_0000_8020_1003);
        bench.Poke(0x8020_0010, 0x0000_0000_0000_0F45);
        bench.Poke(0x8020_1FF8, 0x0000_0000_8020_2003);
        bench.Poke(0x8020_1008, 0x0060_0001_4000_0F45);
        bench.Poke(0x8020_1010, 0x4000_0000_8020_4003);
        bench.Poke(0x8020_2FF8, 0x0000_0000_8020_3003);
        bench.Poke(0x8020_2000, 0x0060_0002_0020_0F45);
        bench.Poke(0x8020_4000, 0x0060_0003_0000_0F45);
        bench.Poke(0x8020_3FD8, 0x0060_0000_A5A5_AF47);
        bench.Poke(0x8020_3FD0, 0x0060_0000_A5A5_BFC7);
        bench.Poke(0x8020_3FC8, 0x0060_0000_A5A5_CF07);
        bench.Poke(0x8020_3FC0, 0x0060_0000_A5A5_DB47);
        bench.Poke(0x8020_3FB8, 0x0000_0000_A5A5_EF47);
        return bench;
    }

    private static SmmuBench SetD()
    {
        SmmuBench bench = new SmmuBench(part: SmmuPart.Mmu500).RouteStageOne(
            bank: 0,
            tcr: 0x0080_7510,
            tcr2: 0x0003_8015,
            ttbr: 0x8030_0000
        );
        bench.Poke(0x8030_0020, 0x0000_0000_8031_0003);
        bench.Poke(0x8031_8D10, 0x0000_0000_8032_0003);
        bench.Poke(0x8031_8D18, 0x0060_0009_4000_0F45);
        bench.Poke(0x8032_B3C0, 0x0060_0000_1234_0F47);
        return bench;
    }

    private static SmmuBench SetE()
    {
        SmmuBench bench = new SmmuBench(part: SmmuPart.Mmu500).RouteStageOne(
            bank: 5,
            tcr: 0x0080_3519,
            tcr2: 0x0003_8015,
            ttbr: 0x4000_0000,
            cbar: 0x0003_0600
        );
        bench["CBAR6"] = 7;
        bench["CBA2R6"] = 1;
        bench["CB6_TCR"] = 0x8005_3559;
        bench["CB6_TTBR0"] = 0x8040_0000;
        bench["CB6_SCTLR"] = SmmuBench.Terminating;
        bench.Poke(0x8040_0008, 0x0000_0009_4000_07FD);
        bench.Poke(0x9_4000_0000, 0x4000_1003);
        bench.Poke(0x9_4000_0008, 0x8000_0003);
        bench.Poke(0x9_4000_1000, 0x4000_2003);
        bench.Poke(0x9_4000_2008, 0x0060_0000_4003_4F47);
        bench.Poke(0x9_4000_2010, 0x0060_0000_9000_0F47);
        return bench;
    }

    [Theory]
    [InlineData("C1, a page", 0xFF_FFFF_B123, 0xA5A5_A123, TransactionFlags.None)]
    [InlineData("C3, an executable page", 0xFF_FFFF_7000, 0xA5A5_E000, Fetch)]
    [InlineData("C4, a privileged read", 0xFF_FFFF_9000, 0xA5A5_C000, TransactionFlags.Privileged)]
    [InlineData("C7, a 1 GiB block", 0x80_4012_3456, 0x1_4012_3456, TransactionFlags.None)]
    [InlineData("C9, a read under APTable read-only", 0x80_8000_0000, 0x3_0000_0000, TransactionFlags.None)]
    public void A_mapped_read_arrives_where_the_leaf_says(
        string vector,
        ulong address,
        ulong physical,
        TransactionFlags flags
    )
    {
        SmmuBench bench = SetC();
        bench.ReadShouldReach(address, physical, flags: flags);
        bench["CB0_FSR"].Should().Be(0x400, vector);
    }

    [Fact]
    public void A_mapped_write_arrives_where_the_block_says() => SetC().WriteShouldReach(0xFF_C01F_FFFC, 0x2_003F_FFFC); // C8

    [Theory]
    [InlineData("C2, a write to a read-only page", true, 0xFF_FFFF_A040, 0x408, 0x13, TransactionFlags.None)]
    [InlineData("C3, a fetch of a page with XN", false, 0xFF_FFFF_B000, 0x408, 0x43, Fetch)]
    [InlineData(
        "C4, an unprivileged read of a privileged page",
        false,
        0xFF_FFFF_9000,
        0x408,
        0x03,
        TransactionFlags.None
    )]
    [InlineData("C5, an empty entry at level 0", false, 0x1000, 0x402, 0x00, TransactionFlags.None)]
    [InlineData("C6, an empty entry at level 1", true, 0x80_0000_0000, 0x402, 0x11, TransactionFlags.None)]
    [InlineData("C9, a write under APTable read-only", true, 0x80_8000_0000, 0x408, 0x12, TransactionFlags.None)]
    [InlineData("C10, the reserved block at level 0", false, 0x100_0000_0000, 0x402, 0x00, TransactionFlags.None)]
    [InlineData("C11, a clear access flag", false, 0xFF_FFFF_8000, 0x404, 0x03, TransactionFlags.None)]
    [InlineData("C13, an empty entry at level 3", false, 0xFF_FFFF_C000, 0x402, 0x03, TransactionFlags.None)]
    public void A_refused_access_leaves_cause_address_and_syndrome(
        string vector,
        bool isWrite,
        ulong address,
        uint fsr,
        uint fsynr0,
        TransactionFlags flags
    )
    {
        SmmuBench bench = SetC();
        BusStatus status = isWrite ? bench.Write(address, 1, flags: flags) : bench.Read(address, out _, flags: flags);
        status.Should().Be(BusStatus.SlaveError, vector);
        bench.ShouldHaveFaulted(0, fsr, address, fsynr0, format: 0x400);
    }

    [Fact]
    public void An_output_address_beyond_PASize_is_an_address_size_fault() // C12
    {
        SmmuBench bench = SetC(tcr2: 0x0003_8010);
        bench.Read(0x80_4000_0000, out _).Should().Be(BusStatus.SlaveError);
        bench.ShouldHaveFaulted(0, 0x480, 0x80_4000_0000, 0x01, format: 0x400);
    }

    [Theory]
    [InlineData("D1, a 64 KiB page", 0x1234_5678_9ABC, 0x1234_9ABC)]
    [InlineData("D2, a 512 MiB block", 0x1234_7ABC_DEF0, 0x9_5ABC_DEF0)]
    public void A_granule_of_64_KiB_has_larger_pages_and_blocks(string vector, ulong address, ulong physical)
    {
        SmmuBench bench = SetD();
        bench.ReadShouldReach(address, physical);
        bench["CB0_FSR"].Should().Be(0x400, vector);
    }

    [Fact]
    public void A_granule_of_64_KiB_faults_at_level_3() // D3
    {
        SmmuBench bench = SetD();
        bench.Write(0x1234_5679_0004, 1).Should().Be(BusStatus.SlaveError);
        bench.ShouldHaveFaulted(0, 0x402, 0x1234_5679_0004, 0x13, format: 0x400);
    }

    [Fact]
    public void A_nested_write_passes_both_stages() => SetE().WriteShouldReach(0x1678, 0x9_4003_4678); // E1

    [Theory]
    [InlineData("E2, stage 2 does not map a stage-1 table", false, 0x4000_0000, 0x8000_0000, 0x0005_000D)]
    [InlineData("E3, stage 2 does not map the page", true, 0x2010, 0x9000_0010, 0x0005_0015)]
    public void A_stage_2_fault_of_a_nested_access_goes_to_the_stage_2_bank(
        string vector,
        bool isWrite,
        ulong address,
        ulong intermediate,
        uint fsynr0
    )
    {
        SmmuBench bench = SetE();
        BusStatus status = isWrite ? bench.Write(address, 1) : bench.Read(address, out _);
        status.Should().Be(BusStatus.SlaveError, vector);
        bench["CB6_IPAFAR"].Should().Be(intermediate);
        bench["CB5_FSR"].Should().Be(0x400);
        bench.ContextLine(6).Level.Should().BeTrue();
        bench.ContextLine(5).Level.Should().BeFalse();
        bench.ShouldHaveFaulted(6, 0x402, address, fsynr0, format: 0x400);
    }

    [Fact]
    public void A_stage_1_fault_of_a_nested_access_goes_to_the_stage_1_bank()
    {
        SmmuBench bench = SetE();
        bench.Read(0x5000, out _).Should().Be(BusStatus.SlaveError);
        bench["CB6_FSR"].Should().Be(0x400);
        bench.ShouldHaveFaulted(5, 0x402, 0x5000, 0x03, format: 0x400);
    }

    [Fact]
    public void An_invalidation_by_address_takes_the_entries_of_its_ASID_only() // T5
    {
        SmmuBench bench = SetC();
        bench.ReadShouldReach(0xFF_FFFF_B123, 0xA5A5_A123);
        bench.Poke(0x8020_3FD8, 0);
        bench.ReadShouldReach(0xFF_FFFF_B123, 0xA5A5_A123);
        bench["CB0_TLBIVA"] = 0x0002_0000_0FFF_FFFB;
        bench.ReadShouldReach(0xFF_FFFF_B123, 0xA5A5_A123);
        bench["CB0_TLBIVA"] = 0x0001_0000_0FFF_FFFB;
        bench.Read(0xFF_FFFF_B123, out _).Should().Be(BusStatus.SlaveError);
        bench.ShouldHaveFaulted(0, 0x402, 0xFF_FFFF_B123, 0x03, format: 0x400);
    }

    [Fact]
    public void A_table_outside_memory_is_an_external_abort_of_the_walk()
    {
        SmmuBench bench = new SmmuBench(ramBytes: 0x1_0000_0000, part: SmmuPart.Mmu500).RouteStageOne(
            bank: 0,
            tcr: 0x0080_3519,
            tcr2: 0x0003_8015,
            ttbr: 0x8020_0000
        );
        bench.Poke(0x8020_0000, 0x9_0000_0003);
        bench.Read(0x1000, out _).Should().Be(BusStatus.SlaveError);
        bench.ShouldHaveFaulted(0, 0x410, 0x1000, 0x402, format: 0x400);
    }

    [Fact]
    public void An_address_beyond_stage_2_is_a_translation_fault_even_where_TTBR_is_too_high_as_well()
    {
        SmmuBench bench = SetE();
        bench["CB6_TCR"] = 0x8000_3560; // 32 bits, PASize 32.
        bench["CB6_TTBR0"] = 0x9_0000_0000;
        bench["CB5_SCTLR"] = 0;
        bench.Read(0x1_0000_0000, out _).Should().Be(BusStatus.SlaveError);
        (bench["CB6_FSR"] & 0x1FE).Should().Be(0x2);
        bench["CB6_FSR"] = 0x1FE;
        bench.Read(0x1000, out _).Should().Be(BusStatus.SlaveError);
        (bench["CB6_FSR"] & 0x1FE).Should().Be(0x80);
    }
}
