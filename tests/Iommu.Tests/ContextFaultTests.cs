using Emulator.Machine;

namespace Emulator.Iommu.Tests;

/// <summary>Recording and reporting of context faults.</summary>
public sealed class ContextFaultTests
{
    [Fact]
    public void The_first_fault_wins_and_later_ones_set_MULTI()
    {
        SmmuBench bench = new SmmuBench().Route(stream: 3, sctlr: SmmuBench.Terminating | 0x100);
        bench.MapPage(0x1000, 0x9000_077F);
        bench.Read(0x5008, out _, stream: 3);
        bench.Write(0x1010, 1, stream: 3);
        bench.ShouldHaveFaulted(0, 0x8000_0002, 0x5008, 0x03, stream: 3);
    }

    [Fact]
    public void Writing_ones_clears_each_bit_alone()
    {
        var bench = new SmmuBench();
        bench["CB1_FSRRESTORE"] = 0x8000_01FE;
        bench["CB1_FSR"] = 0x2;
        bench["CB1_FSR"].Should().Be(0x8000_01FC);
        bench["CB1_FSR"] = 0x8000_0000;
        bench["CB1_FSR"].Should().Be(0x1FC);
        bench["CB1_FSR"] = 0;
        bench["CB1_FSR"].Should().Be(0x1FC);
    }

    [Fact]
    public void FSRRESTORE_sets_bits_and_leaves_the_syndrome()
    {
        SmmuBench bench = new SmmuBench().Route();
        bench["CB0_FAR"] = 0x1234;
        bench["CB0_FSRRESTORE"] = 0x4000_0002;
        bench["CB0_FSR"].Should().Be(0x2, "SS is not software's to set");
        bench["CB0_FAR"].Should().Be(0x1234);
        bench.ContextLine(0).Level.Should().BeTrue();
    }

    [Fact]
    public void Without_CFRE_a_terminated_access_reads_zero_and_is_dropped()
    {
        SmmuBench bench = new SmmuBench().Route(sctlr: 0x47);
        bench.MapPage(0x1000, 0x9000_077F);
        bench.Poke(0x9000_0000, 0x77);
        bench.Write(0x1000, 1).Should().Be(BusStatus.Okay);
        bench.Peek(0x9000_0000).Should().Be(0x77);
        bench.Read(0x4000, out ulong value).Should().Be(BusStatus.Okay);
        value.Should().Be(0);
        bench.ShouldHaveFaulted(0, 0x8, 0x1000, 0x13);
    }

    [Fact]
    public void With_HUPCF_clear_a_fault_shuts_the_bank_until_FSR_is_clear()
    {
        SmmuBench bench = new SmmuBench().Route(stream: 1).Route(stream: 2, bank: 1, group: 1);
        bench.MapPage(0x1000, 0x9000_07FF);
        bench.Read(0x1000, out _, stream: 1).Should().Be(BusStatus.Okay);
        bench.Read(0x5000, out _, stream: 1).Should().Be(BusStatus.SlaveError);
        bench
            .Read(0x1000, out _, stream: 1)
            .Should()
            .Be(BusStatus.SlaveError, "it was in the TLB, and is not looked up");
        bench.Read(0x1000, out _, stream: 2).Should().Be(BusStatus.Okay, "another bank goes on");
        bench.ShouldHaveFaulted(0, 0x2, 0x5000, 0x03, stream: 1);
        bench.Read(0x1000, out _, stream: 1).Should().Be(BusStatus.Okay);
    }

    [Fact]
    public void With_HUPCF_set_others_pass_while_a_fault_is_outstanding()
    {
        SmmuBench bench = new SmmuBench().Route(sctlr: SmmuBench.Terminating | 0x100);
        bench.MapPage(0x1000, 0x9000_07FF);
        bench.Read(0x5000, out _).Should().Be(BusStatus.SlaveError);
        bench.ReadShouldReach(0x1234, 0x9000_0234);
        bench.ShouldHaveFaulted(0, 0x2, 0x5000, 0x03);
    }

    [Fact]
    public void The_context_line_follows_CFIE_and_the_fault_bits()
    {
        SmmuBench bench = new SmmuBench().Route(sctlr: 0x27);
        bench.Read(0x5000, out _);
        bench.ContextLine(0).Level.Should().BeFalse("CFIE is 0");
        bench["CB0_SCTLR"] = SmmuBench.Terminating;
        bench.ContextLine(0).Level.Should().BeTrue();
        bench["CB0_FSR"] = 0x2;
        bench.ContextLine(0).Level.Should().BeFalse();
    }

    [Fact]
    public void Banks_share_a_line_by_IRPTNDX()
    {
        SmmuBench bench = new SmmuBench(context => context.With("emulator,context-interrupts", 3));
        bench.Route(stream: 1, bank: 1).Route(stream: 2, bank: 2, group: 1).Route(stream: 3, bank: 3, group: 2);
        bench["CBAR1"] = 0x0200_0002;
        bench["CBAR2"] = 0x0200_0003;
        bench["CBAR3"] = 0x0100_0004;
        bench.Read(0x5000, out _, stream: 1);
        bench.Read(0x5000, out _, stream: 2);
        (bench.ContextLine(0).Level, bench.ContextLine(1).Level, bench.ContextLine(2).Level)
            .Should()
            .Be((false, false, true));
        bench["CB1_FSR"] = 0x2;
        bench.ContextLine(2).Level.Should().BeTrue("bank 2 still asks");
        bench["CB2_FSR"] = 0x2;
        bench.ContextLine(2).Level.Should().BeFalse();
        bench.Read(0x5000, out _, stream: 3);
        bench.ContextLine(1).Level.Should().BeTrue();
    }

    [Fact]
    public void Faults_are_errors_in_the_trace_with_a_sentence_to_learn_from()
    {
        SmmuBench bench = new SmmuBench(ramBytes: 0xA000_0000).Route(sctlr: SmmuBench.Terminating | 0x100);
        bench.MapPage(0x1000, 0x9000_077F);
        bench.Poke(0x8001_0008, 0xFF_0000_0003);
        bench.Write(0x3000, 1);
        bench.Read(0x1000, out _);
        bench.Write(0x1000, 1);
        bench.Read(0x1_0000_0000, out _);
        bench.Read(0x4000_0000, out _);
        TraceEvent[] faults =
        [
            .. bench.Trace.Problems.Where(problem => problem.Kind.Name.StartsWith("smmu.", StringComparison.Ordinal)),
        ];
        faults.Should().OnlyContain(fault => fault.Kind.Severity == Severity.Error);
        const string Later = "; an earlier fault is still recorded, so only MULTI shows it";
        faults
            .Select(fault => fault.Message)
            .Should()
            .Equal(
                "context bank 0: translation fault, write, IPA 0x3000, level 3, stream 0x0, by somebody "
                    + "(descriptor @0x8001_3018 = 0x0)",
                "context bank 0: permission fault, write, IPA 0x1000, level 3, stream 0x0, by somebody "
                    + "(by a TLB entry; the tables were not read)"
                    + Later,
                "context bank 0: translation fault, read, IPA 0x1_0000_0000, level 1, stream 0x0, by somebody "
                    + "(TCR allows no such address or tables; they were not read)"
                    + Later,
                "context bank 0: external abort, read, IPA 0x4000_0000, reading the table of level 2, stream 0x0, "
                    + "by somebody (no descriptor can be read at 0xff_0000_0000)"
                    + Later
            );
        faults[0]
            .Fields.Select(field => $"{field.Name}={field.Value}")
            .Should()
            .Contain(["scope=CB0", "access=write", "address=0x3000", "stream=0x0", "status=0x2", "syndrome=0x13"]);
    }

    [Fact]
    public void The_SMMU_explains_what_is_wrong_now()
    {
        SmmuBench bench = new SmmuBench().Route(sctlr: SmmuBench.Stalling);
        bench.Smmu.Explain().Should().BeEmpty();
        var master = new TestMaster(bench.Upstream, "dma0");
        bench.MapPage(0x1000, 0x9000_07FF);
        master.Write(1, 0x3000, 1);
        bench.Read(0x1000, out _, stream: 9);
        bench
            .Smmu.Explain()
            .Should()
            .Equal(
                "global: unidentified stream fault (no SMR matches), read, address 0x1000, stream 0x9",
                "context bank 0: translation fault, write, IPA 0x3000, level 3, stream 0x0, stalled",
                "context bank 0 holds a write of dma0 to IPA 0x3000: it waits for CB0_RESUME"
            );
    }

    [Fact]
    public void A_walk_shows_step_by_step_in_the_trace()
    {
        SmmuBench bench = new SmmuBench().Route();
        bench.MapPage(0x10000, 0x9001_07FF);
        var tail = new TailTraceSink(100);
        bench.Trace.Add(tail);
        bench.Read(0x1_0ABC, out _);
        bench.Read(0x1_0ABC, out _);
        bench.Trace.Remove(tail);
        tail.Events.Select(line => line.Message)
            .Should()
            .Equal(
                "bank 0: TLB miss, walking for IPA 0x1_0abc (32 bits, level 1 table at 0x8001_0000)",
                "L1[0x0] @0x8001_0000 = 0x8001_1003 table -> 0x8001_1000",
                "L2[0x0] @0x8001_1000 = 0x8001_3003 table -> 0x8001_3000",
                "L3[0x10] @0x8001_3080 = 0x9001_07ff page RW -> 0x9001_0000",
                "stream 0x0 bank 0 VMID 1: read IPA 0x1_0abc -> 0x9001_0abc (walked, 4 KiB RW)",
                "stream 0x0 bank 0 VMID 1: read IPA 0x1_0abc -> 0x9001_0abc (TLB hit, 4 KiB RW)"
            );
    }
}
