using Emulator.Machine;

namespace Emulator.Iommu.Tests;

/// <summary>The published vectors of the fact sheet, sets A and B: tables, an access, the address or the fault.</summary>
public sealed class StageTwoVectorTests
{
    private static SmmuBench SetA()
    {
        SmmuBench bench = new SmmuBench().Route(bank: 2);
        bench.Poke(0x8001_0000, 0x0000_0000_8001_1003);
        bench.Poke(0x8001_0008, 0x0000_0000_C000_07FD);
        bench.Poke(0x8001_0010, 0x0000_0000_8001_2003);
        bench.Poke(0x8001_1000, 0x0000_0000_8001_3003);
        bench.Poke(0x8001_1008, 0x0000_0008_8020_07FD);
        bench.Poke(0x8001_1018, 0x0000_0000_9060_077D);
        bench.Poke(0x8001_3080, 0x9001_07FF);
        bench.Poke(0x8001_3088, 0x9001_177F);
        bench.Poke(0x8001_3090, 0x9001_27BF);
        bench.Poke(0x8001_3098, 0x9001_33FF);
        bench.Poke(0x8001_30A0, 0x9001_47FD);
        for (ulong n = 0; n < 16; n++)
        {
            bench.Poke(0x8001_3100 + (8 * n), 0x0010_0000_9002_07FF + (0x1000 * n));
        }

        return bench;
    }

    private static SmmuBench SetB(uint tcr = 0x8002_3558, ulong ttbr = 0x8002_0000)
    {
        SmmuBench bench = new SmmuBench().Route(tcr: tcr, ttbr: ttbr);
        bench.Poke(0x8002_1000, 0x0000_0000_8002_2003);
        bench.Poke(0x8002_2000, 0x0000_0000_8002_3003);
        bench.Poke(0x8002_3008, 0x0000_0004_5678_97FF);
        bench.Poke(0x8002_1FF8, 0x0000_00FF_C000_07FD);
        bench.Poke(0x8010_FFF8, 0x0000_0001_2340_07FD);
        return bench;
    }

    [Theory]
    [InlineData("A1, a page", 0x0001_0ABC, 0x9001_0ABC)]
    [InlineData("A3, a 1 GiB block", 0x4012_3456, 0xC012_3456)]
    [InlineData("A4, a 2 MiB block", 0x0031_2344, 0x8_8031_2344)]
    [InlineData("A5, a page of a contiguous run", 0x0002_5800, 0x9002_5800)]
    public void A_mapped_read_arrives_where_the_leaf_says(string vector, ulong address, ulong physical)
    {
        SmmuBench bench = SetA();
        bench.ReadShouldReach(address, physical);
        bench["CB2_FSR"].Should().Be(0, vector);
    }

    [Fact]
    public void A_mapped_write_arrives_where_the_leaf_says() => SetA().WriteShouldReach(0x0001_0ABC, 0x9001_0ABC);

    [Theory]
    [InlineData("A6, a write to a read-only page", true, 0x0001_1000, 0x8, 0x13)]
    [InlineData("A7, a read of a write-only page", false, 0x0001_2008, 0x8, 0x03)]
    [InlineData("A8, a clear access flag", false, 0x0001_3000, 0x4, 0x03)]
    [InlineData("A9, the reserved form at level 3", false, 0x0001_4000, 0x2, 0x03)]
    [InlineData("A10, an empty entry at level 2", false, 0x0040_0000, 0x2, 0x02)]
    [InlineData("A11, an empty entry at level 1", true, 0xC000_0000, 0x2, 0x11)]
    [InlineData("A12, a write to a read-only block", true, 0x0060_0010, 0x8, 0x12)]
    [InlineData("A13, more address bits than T0SZ allows", false, 0x1_0000_0000, 0x2, 0x01)]
    public void A_refused_access_leaves_cause_address_and_syndrome(
        string vector,
        bool isWrite,
        ulong address,
        uint fsr,
        uint fsynr0
    )
    {
        SmmuBench bench = SetA();
        BusStatus status = isWrite ? bench.Write(address, 1) : bench.Read(address, out _);
        status.Should().Be(BusStatus.SlaveError, vector);
        bench.ShouldHaveFaulted(2, fsr, address, fsynr0);
    }

    [Theory]
    [InlineData("B1, the second of two concatenated tables", 0x80_0000_1234, 0x4_5678_9234)]
    [InlineData("B2, its last entry", 0xFF_C123_4567, 0xFF_C123_4567)]
    public void Forty_bits_walk_two_concatenated_level_1_tables(string vector, ulong address, ulong physical)
    {
        SmmuBench bench = SetB();
        bench.ReadShouldReach(address, physical);
        bench["CB0_FSR"].Should().Be(0, vector);
    }

    [Theory]
    [InlineData("B3, beyond 40 bits", false, 0x100_0000_0000, 0x01)]
    [InlineData("B4, an empty entry of the first table", true, 0x7F_FFFF_F000, 0x11)]
    public void Forty_bit_tables_fault_at_level_1(string vector, bool isWrite, ulong address, uint fsynr0)
    {
        SmmuBench bench = SetB();
        BusStatus status = isWrite ? bench.Write(address, 1) : bench.Read(address, out _);
        status.Should().Be(BusStatus.SlaveError, vector);
        bench.ShouldHaveFaulted(0, 0x2, address, fsynr0);
    }

    [Fact]
    public void Sixteen_concatenated_level_2_tables_take_34_bits() =>
        SetB(tcr: 0x8002_351E, ttbr: 0x8010_0000).ReadShouldReach(0x3_FFE0_0010, 0x1_2340_0010); // B5

    [Fact]
    public void An_address_beyond_the_input_size_faults_at_level_1_even_where_the_walk_begins_at_level_2()
    {
        SmmuBench bench = SetB(tcr: 0x8002_351E, ttbr: 0x8010_0000);
        bench.Read(0x4_0000_0000, out _).Should().Be(BusStatus.SlaveError);
        bench.ShouldHaveFaulted(0, 0x2, 0x4_0000_0000, 0x01);
    }

    [Theory]
    [InlineData(0x8002_3518, "40 bits from level 2 would need 1024 tables (B6)")]
    [InlineData(0x8000_3542, "30 bits leave level 1 no index")]
    public void An_illegal_start_faults_without_reading_memory(uint tcr, string why)
    {
        // No memory at all: a fetch would be an external abort.
        SmmuBench bench = new SmmuBench(ramBytes: 0x1000).Route(tcr: tcr);
        bench.Read(0x1234, out _).Should().Be(BusStatus.SlaveError, why);
        bench["CB0_FSR"].Should().Be(0x2, why);
        bench.Trace.Problems.Should().NotContain(problem => problem.Kind.Name == "bus.miss");
    }

    [Fact]
    public void A_set_access_flag_fault_disable_lets_old_pages_pass()
    {
        SmmuBench bench = SetA();
        bench["CB2_SCTLR"] = SmmuBench.Terminating | 0x8;
        bench.ReadShouldReach(0x0001_3000, 0x9001_3000);
        bench["CB2_SCTLR"] = SmmuBench.Terminating;
        bench.Read(0x0001_3000, out _).Should().Be(BusStatus.SlaveError, "such a leaf is not kept in the TLB");
    }

    [Fact]
    public void Instruction_fetches_obey_XN_and_show_in_the_syndrome()
    {
        SmmuBench bench = SetA();
        bench.Poke(0x8001_30A8, 0x0040_0000_9001_57FF);
        bench.ReadShouldReach(0x0001_5000, 0x9001_5000);
        bench.Read(0x0001_5000, out _, flags: TransactionFlags.Instruction | TransactionFlags.Privileged);
        bench.ShouldHaveFaulted(2, 0x8, 0x0001_5000, 0x63);
        bench.ReadShouldReach(0x0001_0ABC, 0x9001_0ABC, flags: TransactionFlags.Instruction);
    }

    [Fact]
    public void S2CR_can_override_privilege_and_instruction()
    {
        SmmuBench bench = SetA();
        bench["S2CR0"] = 2 | (3u << 24) | (2u << 26);
        bench.Read(0x0001_4000, out _, flags: TransactionFlags.Instruction);
        bench.ShouldHaveFaulted(2, 0x2, 0x0001_4000, 0x23);
        bench["S2CR0"] = 2 | (2u << 24) | (3u << 26);
        bench.Read(0x0001_4000, out _, flags: TransactionFlags.Privileged);
        bench.ShouldHaveFaulted(2, 0x2, 0x0001_4000, 0x43);
    }

    [Fact]
    public void Big_endian_tables_are_read_as_such()
    {
        SmmuBench bench = new SmmuBench().Route(sctlr: SmmuBench.Terminating | 0x10);
        bench.Poke(0x8001_0008, System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(0x0000_0000_C000_07FDUL));
        bench.ReadShouldReach(0x4012_3456, 0xC012_3456);
    }

    [Fact]
    public void A_switched_off_bank_passes_addresses_unchanged()
    {
        SmmuBench bench = SetA();
        bench["CB2_SCTLR"] = SmmuBench.Terminating & ~1u;
        bench.ReadShouldReach(0x0001_1000, 0x0001_1000);
        bench.WriteShouldReach(0x7_0000_0000, 0x7_0000_0000);
    }

    [Fact]
    public void A_table_outside_memory_is_an_external_abort_of_the_walk()
    {
        SmmuBench bench = new SmmuBench(ramBytes: 0xA000_0000).Route();
        bench.Poke(0x8001_0000, 0xFF_0000_0003);
        bench.Write(0x0000_1008, 1).Should().Be(BusStatus.SlaveError);
        bench.ShouldHaveFaulted(0, 0x10, 0x1008, 0x412);
    }

    [Fact]
    public void An_external_abort_of_a_translated_access_is_the_masters_own_affair()
    {
        SmmuBench bench = new SmmuBench(ramBytes: 0xA000_0000).Route();
        bench.Poke(0x8001_0008, 0x0000_00FF_C000_07FD);
        bench.Read(0x4000_0000, out _).Should().Be(BusStatus.DecodeError);
        bench["CB0_FSR"].Should().Be(0);
        bench["sGFSR"].Should().Be(0);
    }
}
