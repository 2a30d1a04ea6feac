using Emulator.Machine;

namespace Emulator.Iommu.Tests;

/// <summary>Which stream goes where, and the global faults of those that go nowhere (set G as an MMU-400 sees it).</summary>
public sealed class StreamMappingTests
{
    [Fact]
    public void After_reset_everything_bypasses() // G1
    {
        var bench = new SmmuBench();
        bench["sCR0"].Should().Be(1);
        bench.ReadShouldReach(0x12_3456_7890, 0x12_3456_7890, stream: 0x42A);
        bench.WriteShouldReach(0x1000, 0x1000, flags: TransactionFlags.Secure);
    }

    [Fact]
    public void An_unmatched_stream_is_a_global_fault_with_its_stream_and_direction() // G2, G7, G8
    {
        var bench = new SmmuBench();
        bench["sCR0"] = SmmuBench.On;
        bench.Write(0x1234, 1, stream: 0x42A).Should().Be(BusStatus.SlaveError);
        bench["sGFSR"].Should().Be(0x2);
        bench["sGFSYNR0"].Should().Be(0x2);
        bench["sGFSYNR1"].Should().Be(0x42A);
        bench["sGFSYNR2"].Should().Be(0);
        bench["sGFAR"].Should().Be(0x1234);
        bench.GlobalLine.Level.Should().BeTrue();
        bench.Peek(0x1234, 1).Should().Be(0);

        bench.Write(0x5678, 1, stream: 0x429);
        bench["sGFSR"].Should().Be(0x8000_0002);
        bench["sGFSYNR1"].Should().Be(0x42A, "the first fault wins");
        bench["sGFAR"].Should().Be(0x1234);

        bench["sGFSR"] = 0x8000_0000;
        bench["sGFSR"].Should().Be(0x2, "writing one clears that bit alone");
        bench.GlobalLine.Level.Should().BeTrue();
        bench["sGFSR"] = 0x2;
        bench["sGFSR"].Should().Be(0);
        bench.GlobalLine.Level.Should().BeFalse();
    }

    [Fact]
    public void Reads_of_an_unmatched_stream_have_a_clear_syndrome()
    {
        var bench = new SmmuBench();
        bench["sCR0"] = SmmuBench.On;
        bench.Read(0x1234, out _, stream: 7);
        bench["sGFSYNR0"].Should().Be(0);
        bench["sGFSR"] = 0x2;
        bench.Read(0x1234, out _, stream: 7, flags: TransactionFlags.Privileged | TransactionFlags.Instruction);
        bench["sGFSYNR0"].Should().Be(0xC);
    }

    [Fact]
    public void An_unmatched_stream_bypasses_without_USFCFG() // G3
    {
        var bench = new SmmuBench();
        bench["sCR0"] = SmmuBench.On & ~0x400u;
        bench.ReadShouldReach(0x1234, 0x1234, stream: 0x42A);
        bench["sGFSR"].Should().Be(0);
    }

    [Fact]
    public void Two_matching_groups_are_a_conflict_even_when_they_agree() // G4
    {
        var bench = new SmmuBench();
        bench["sCR0"] = SmmuBench.On;
        bench["SMR0"] = 0xFC00_0001;
        bench["SMR1"] = 0x8000_0401;
        bench["S2CR0"] = 0x1_0000;
        bench["S2CR1"] = 0x1_0000;
        bench.Read(0x1000, out _, stream: 0x401).Should().Be(BusStatus.SlaveError);
        bench["sGFSR"].Should().Be(0x4);
        bench["sGFSYNR1"].Should().Be(0x401);
        bench.ReadShouldReach(0x1000, 0x1000, stream: 0xC01);
    }

    [Fact]
    public void A_fault_entry_is_an_invalid_context_fault() // G5
    {
        var bench = new SmmuBench();
        bench["sCR0"] = SmmuBench.On;
        bench["SMR0"] = 0xFC00_0001;
        bench["S2CR0"] = 0x2_0000;
        bench.Read(0x1000, out _, stream: 0xC01).Should().Be(BusStatus.SlaveError);
        bench["sGFSR"].Should().Be(0x1);
        bench["S2CR0"] = 0x3_0000;
        bench["sGFSR"] = 0x1;
        bench.Read(0x1000, out _, stream: 0xC01).Should().Be(BusStatus.SlaveError, "the reserved type is a fault too");
        bench["S2CR0"] = 0x1_0000;
        bench.ReadShouldReach(0x1000, 0x1000, stream: 0xC01); // G6
    }

    [Theory]
    [InlineData(0x0001, true)]
    [InlineData(0x0401, true)]
    [InlineData(0x7C01, true)]
    [InlineData(0x0002, false)]
    [InlineData(0x0003, false)]
    public void A_mask_bit_takes_the_id_bit_out_of_the_comparison(uint stream, bool matches)
    {
        var bench = new SmmuBench();
        bench["sCR0"] = SmmuBench.On;
        bench["SMR5"] = 0xFC00_0001;
        bench["S2CR5"] = 0x1_0000;
        bench.Read(0x1000, out _, stream).Should().Be(matches ? BusStatus.Okay : BusStatus.SlaveError);
    }

    [Fact]
    public void An_invalid_group_never_matches()
    {
        var bench = new SmmuBench();
        bench["sCR0"] = SmmuBench.On;
        bench["SMR0"] = 0x7FFF_0000;
        bench["S2CR0"] = 0x1_0000;
        bench.Read(0x1000, out _).Should().Be(BusStatus.SlaveError);
    }

    [Fact]
    public void A_bank_that_does_not_exist_is_an_unimplemented_context_bank_fault()
    {
        SmmuBench bench = new SmmuBench(context => context.With("emulator,context-banks", 4)).Route(bank: 3);
        bench["S2CR0"] = 4;
        bench.Read(0x1000, out _).Should().Be(BusStatus.SlaveError);
        bench["sGFSR"].Should().Be(0x8);
    }

    [Fact]
    public void An_interrupt_that_does_not_exist_is_an_unimplemented_context_interrupt_fault()
    {
        SmmuBench bench = new SmmuBench(context => context.With("emulator,context-interrupts", 2)).Route();
        bench["CBAR0"] = 0x0200_0001;
        bench.Read(0x1000, out _).Should().Be(BusStatus.SlaveError);
        bench["sGFSR"].Should().Be(0x10);
    }

    [Fact]
    public void Without_GFRE_a_global_fault_reads_zero_and_drops_writes()
    {
        var bench = new SmmuBench();
        bench["sCR0"] = 0x400;
        bench.Poke(0x1000, 0x55);
        bench.Read(0x1000, out ulong value).Should().Be(BusStatus.Okay);
        value.Should().Be(0);
        bench.Write(0x1000, 0x66).Should().Be(BusStatus.Okay);
        bench.Peek(0x1000).Should().Be(0x55);
        bench["sGFSR"].Should().Be(0x8000_0002);
        bench.GlobalLine.Level.Should().BeFalse("GFIE is 0");
    }

    [Theory]
    [InlineData(15u, 0x7FFF)]
    [InlineData(8u, 0xFF)]
    public void Software_finds_the_width_of_stream_ids_by_writing_ones(uint bits, uint mask)
    {
        var bench = new SmmuBench(context => context.With("emulator,stream-id-bits", bits));
        bench["SMR0"] = 0x7FFF_7FFF;
        bench["SMR0"].Should().Be((mask << 16) | mask);
        (bench["IDR0"] >> 9 & 0xF).Should().Be(bits);
    }

    [Fact]
    public void A_master_that_claims_to_be_secure_is_confined_like_any_other()
    {
        SmmuBench bench = new SmmuBench().Route();
        bench.MapPage(0x1000, 0x9000_07FF);
        bench.ReadShouldReach(0x1008, 0x9000_0008, flags: TransactionFlags.Secure);
        bench.Write(0x2000, 1, flags: TransactionFlags.Secure).Should().Be(BusStatus.SlaveError);
        bench.ShouldHaveFaulted(0, 0x2, 0x2000, 0x13);
        bench.Write(0x2000, 1, stream: 5, flags: TransactionFlags.Secure).Should().Be(BusStatus.SlaveError);
        bench["sGFSR"].Should().Be(0x2);
    }

    [Fact]
    public void What_leaves_the_SMMU_is_non_secure()
    {
        var bench = new SmmuBench(ramBytes: 0x1000);
        var witness = new Witness();
        bench.Context.Bus.Map("witness", 0x10_0000, 0x1000, witness);
        bench.Read(0x10_0000, out _, flags: TransactionFlags.Secure | TransactionFlags.Privileged);
        witness.Flags.Should().Be(TransactionFlags.Privileged);
        bench.Write(0x10_0000, 1, flags: TransactionFlags.Secure);
        witness.Flags.Should().Be(TransactionFlags.None);
    }

    private sealed class Witness : IBusTarget
    {
        public TransactionFlags Flags { get; private set; }

        public BusStatus Read(ulong address, Span<byte> data, in Transaction transaction)
        {
            Flags = transaction.Flags;
            return BusStatus.Okay;
        }

        public BusStatus Write(ulong address, ReadOnlySpan<byte> data, in Transaction transaction)
        {
            Flags = transaction.Flags;
            return BusStatus.Okay;
        }
    }
}
