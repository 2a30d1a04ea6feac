using Emulator.Machine;

namespace Emulator.Iommu.Tests;

/// <summary>Stalling: a fault keeps the transaction, and software decides.</summary>
public sealed class StallTests
{
    private static SmmuBench Stalling(uint sctlr = SmmuBench.Stalling)
    {
        SmmuBench bench = new SmmuBench().Route(sctlr: sctlr);
        bench.MapPage(0x1000, 0x9000_07FF);
        return bench;
    }

    [Fact]
    public void A_stalled_write_goes_through_after_the_page_is_mapped_and_RESUME_retries()
    {
        SmmuBench bench = Stalling();
        var master = new TestMaster(bench.Upstream);
        master.Write(7, 0x3004, 0xAB).Should().Be(BusStatus.Held);
        bench["CB0_FSR"].Should().Be(0x4000_0002);
        bench["CB0_FAR"].Should().Be(0x3004);
        bench.ContextLine(0).Level.Should().BeTrue();
        master.Done.Should().BeEmpty();

        bench.MapPage(0x3000, 0x9000_37FF);
        bench["CB0_FSR"] = 0xC000_01FE;
        bench["CB0_FSR"].Should().Be(0x4000_0000, "SS stands until RESUME");
        bench.ContextLine(0).Level.Should().BeFalse();
        bench["CB0_RESUME"] = 0;

        bench["CB0_FSR"].Should().Be(0);
        master.Outcomes.Should().Equal((7UL, HeldOutcome.Repeat));
        master.Done.Should().ContainSingle().Which.Status.Should().Be(BusStatus.Okay);
        bench.Peek(0x9000_3004, 1).Should().Be(0xAB);
    }

    [Fact]
    public void RESUME_with_TnR_terminates_with_an_error()
    {
        SmmuBench bench = Stalling();
        var master = new TestMaster(bench.Upstream);
        master.Read(1, 0x3000, 4);
        bench["CB0_FSR"] = 0xC000_01FE;
        bench["CB0_RESUME"] = 1;
        master.Outcomes.Should().Equal((1UL, HeldOutcome.SlaveError));
        bench["CB0_FSR"].Should().Be(0);
    }

    [Fact]
    public void RESUME_with_TnR_completes_as_zero_without_CFRE()
    {
        SmmuBench bench = Stalling(SmmuBench.Stalling & ~0x20u);
        var master = new TestMaster(bench.Upstream);
        master.Read(1, 0x3000, 4);
        bench["CB0_RESUME"] = 1;
        master.Outcomes.Should().Equal((1UL, HeldOutcome.CompletedAsZero));
    }

    [Fact]
    public void A_retry_that_still_faults_stalls_again()
    {
        SmmuBench bench = Stalling();
        var master = new TestMaster(bench.Upstream);
        master.Read(1, 0x3000, 4);
        bench["CB0_FSR"] = 0xC000_01FE;
        bench["CB0_RESUME"] = 0;
        bench["CB0_FSR"].Should().Be(0x4000_0002);
        bench.ContextLine(0).Level.Should().BeTrue();
        bench["CB0_FSR"] = 0xC000_01FE;
        bench["CB0_RESUME"] = 1;
        master.Outcomes.Should().Equal((1UL, HeldOutcome.Repeat), (1UL, HeldOutcome.SlaveError));
    }

    [Fact]
    public void With_HUPCF_clear_later_transactions_queue_behind_the_fault_in_order()
    {
        SmmuBench bench = Stalling();
        var master = new TestMaster(bench.Upstream);
        master.Write(1, 0x3000, 1).Should().Be(BusStatus.Held);
        master.Write(2, 0x1000, 2).Should().Be(BusStatus.Held, "it is mapped, and must wait all the same");
        master.Write(3, 0x1000, 3).Should().Be(BusStatus.Held);
        bench["CB0_FSR"].Should().Be(0x4000_0002, "those that wait are no faults");

        bench["CB0_FSR"] = 0xC000_01FE;
        bench["CB0_RESUME"] = 1;
        master
            .Outcomes.Should()
            .Equal((1UL, HeldOutcome.SlaveError), (2UL, HeldOutcome.Repeat), (3UL, HeldOutcome.Repeat));
        master.Done.Select(done => done.Tag).Should().Equal(1, 2, 3);
        bench.Peek(0x9000_0000, 1).Should().Be(3);
    }

    [Fact]
    public void Each_of_several_faulting_transactions_is_reported_in_its_turn()
    {
        SmmuBench bench = Stalling(SmmuBench.Stalling | 0x100);
        var master = new TestMaster(bench.Upstream);
        master.Read(1, 0x3000, 1);
        master.Read(2, 0x4000, 1);
        master.Read(3, 0x1000, 1).Should().Be(BusStatus.Okay, "HUPCF lets it pass");
        bench["CB0_FSR"].Should().Be(0xC000_0002);
        bench["CB0_FAR"].Should().Be(0x3000);

        bench["CB0_FSR"] = 0xC000_01FE;
        bench["CB0_RESUME"] = 1;
        bench["CB0_FSR"].Should().Be(0x4000_0002);
        bench["CB0_FAR"].Should().Be(0x4000);
        bench["CB0_FSR"] = 0xC000_01FE;
        bench["CB0_RESUME"] = 1;
        bench["CB0_FSR"].Should().Be(0);
        master
            .Done.Select(done => (done.Tag, done.Status))
            .Should()
            .Equal((3UL, BusStatus.Okay), (1UL, BusStatus.SlaveError), (2UL, BusStatus.SlaveError));
    }

    [Fact]
    public void RESUME_before_FSR_is_cleared_does_not_lose_anybody()
    {
        SmmuBench bench = Stalling();
        var master = new TestMaster(bench.Upstream);
        master.Read(1, 0x3000, 1);
        master.Read(2, 0x1000, 1);
        bench["CB0_RESUME"] = 1;
        bench["CB0_FSR"].Should().Be(0x4000_0002, "the fault is outstanding still, so the second waits again");
        bench["CB0_FSR"] = 0x2;
        bench["CB0_RESUME"] = 0;
        master
            .Done.Select(done => (done.Tag, done.Status))
            .Should()
            .Equal((1UL, BusStatus.SlaveError), (2UL, BusStatus.Okay));
    }

    [Fact]
    public void Banks_resume_apart()
    {
        SmmuBench bench = Stalling().Route(stream: 9, bank: 1, group: 1, sctlr: SmmuBench.Stalling);
        var first = new TestMaster(bench.Upstream, "first");
        var second = new TestMaster(bench.Upstream, "second", stream: 9);
        first.Read(1, 0x3000, 1);
        second.Read(2, 0x3000, 1);
        bench["CB1_FSR"] = 0x2;
        bench["CB1_RESUME"] = 1;
        first.Outcomes.Should().BeEmpty();
        second.Outcomes.Should().Equal((2UL, HeldOutcome.SlaveError));
        bench["CB0_FSR"].Should().Be(0x4000_0002);
    }

    [Fact]
    public void A_CPU_is_never_held()
    {
        SmmuBench bench = Stalling();
        var cpu = new TestMaster(bench.Upstream, "cpu") { CanBeHeld = false };
        cpu.Read(1, 0x3000, 1).Should().Be(BusStatus.SlaveError);
        bench["CB0_FSR"].Should().Be(0x2);
        bench.Read(0x1000, out _).Should().Be(BusStatus.SlaveError, "HUPCF is 0");
    }

    [Fact]
    public void An_external_abort_of_a_walk_is_never_stalled()
    {
        SmmuBench bench = new SmmuBench(ramBytes: 0xA000_0000).Route(sctlr: SmmuBench.Stalling);
        bench.Poke(0x8001_0000, 0xFF_0000_0003);
        new TestMaster(bench.Upstream).Read(1, 0x3000, 1).Should().Be(BusStatus.SlaveError);
        bench["CB0_FSR"].Should().Be(0x10);
    }

    [Fact]
    public void RESUME_with_nothing_stalled_is_ignored()
    {
        SmmuBench bench = Stalling();
        ulong before = bench.Hash;
        bench["CB0_RESUME"] = 1;
        bench.Hash.Should().Be(before);
    }

    [Fact]
    public void A_master_that_was_killed_meanwhile_ignores_the_old_tag()
    {
        SmmuBench bench = Stalling();
        var master = new TestMaster(bench.Upstream);
        master.Write(1, 0x3000, 1);
        master.Kill();
        bench.MapPage(0x3000, 0x9000_37FF);
        bench["CB0_FSR"] = 0x2;
        bench["CB0_RESUME"] = 0;
        master.Done.Should().BeEmpty();
        bench.Peek(0x9000_3000).Should().Be(0);
        bench.Smmu.Explain().Should().BeEmpty();
    }

    [Fact]
    public void More_than_can_be_held_are_terminated()
    {
        SmmuBench bench = Stalling();
        var master = new TestMaster(bench.Upstream);
        for (ulong tag = 0; tag < SmmuHeldTransactions.Capacity; tag++)
        {
            master.Read(tag, 0x3000, 1).Should().Be(BusStatus.Held);
        }

        master.Read(1000, 0x3000, 1).Should().Be(BusStatus.SlaveError);
        bench["CB0_FSR"] = 0x2;
        bench.MapPage(0x3000, 0x9000_37FF);
        bench["CB0_RESUME"] = 0;
        master.Done.Should().HaveCount(SmmuHeldTransactions.Capacity + 1);
    }

    [Fact]
    public void Reset_forgets_what_was_held()
    {
        SmmuBench bench = Stalling();
        var master = new TestMaster(bench.Upstream);
        ulong fresh = new SmmuBench().Hash;
        master.Read(1, 0x3000, 1);
        bench.Smmu.Reset();
        bench.Hash.Should().Be(fresh);
        bench.ContextLine(0).Level.Should().BeFalse();
        bench["CB0_RESUME"] = 0;
        master.Outcomes.Should().BeEmpty();
    }

    [Fact]
    public void A_bank_stays_shut_from_clearing_FSR_until_RESUME()
    {
        SmmuBench bench = Stalling();
        var master = new TestMaster(bench.Upstream);
        master.Read(1, 0x3000, 1);
        bench["CB0_FSR"] = 0x2;
        master.Read(2, 0x1000, 1).Should().Be(BusStatus.Held);
        bench["CB0_RESUME"] = 1;
        master.Done.Select(done => done.Tag).Should().Equal(1, 2);
    }

    [Fact]
    public void A_resolved_stall_leaves_no_trace_in_the_state()
    {
        SmmuBench bench = Stalling();
        var master = new TestMaster(bench.Upstream);
        ulong before = bench.Hash;
        master.Read(1, 0x3000, 1);
        bench["CB0_FSR"] = 0x2;
        bench["CB0_RESUME"] = 1;
        bench["CB0_FAR"] = 0;
        bench["CB0_FSYNR0"] = 0;
        bench.Hash.Should().Be(before);
    }

    [Fact]
    public void A_master_that_writes_RESUME_itself_is_called_back_after_its_access()
    {
        SmmuBench bench = Stalling();
        bench.Context.Bus.Unmap(bench.Context.Bus.Find(0)!);
        bench.Context.Bus.Map("ram", 0, 0xA000_0000, bench.Ram);
        bench.Context.Bus.Map("smmu", 0xB000_0000, 0x1_0000, bench.Window);
        bench.MapPage(0x4000, 0xB000_87FF);
        bench["CB0_SCTLR"] = SmmuBench.Stalling | 0x100;
        var master = new TestMaster(bench.Upstream);
        master.Read(1, 0x3000, 1).Should().Be(BusStatus.Held);
        bench["CB0_FSR"] = 0x2;
        master.Write(2, 0x4008, 1, 0, 0, 0).Should().Be(BusStatus.Okay);
        master.Outcomes.Should().BeEmpty();
        bench.Context.Simulation.RunFor(0);
        master.Outcomes.Should().Equal((1UL, HeldOutcome.SlaveError));
    }
}
