using Emulator.Machine;

namespace Emulator.Peripherals.Tests;

public sealed class GicV2Tests
{
    private const int Spi = 96;

    private static GicBench OneLevelInterrupt()
    {
        GicBench gic = new GicBench().Started();
        gic.Enable(Spi);
        return gic;
    }

    private static GicBench OneEdgeInterrupt()
    {
        GicBench gic = new GicBench().Started();
        gic.MakeEdge(Spi);
        gic.Enable(Spi);
        return gic;
    }

    [Fact]
    public void The_state_has_no_padding() => StatePadding.MustBeAbsent(new GicBench().Gic);

    [Fact]
    public void An_idle_controller_reads_1023_and_leaves_the_cpu_alone()
    {
        GicBench gic = OneLevelInterrupt();
        gic.Acknowledge().Should().Be(1023);
        gic.Cpus[0].Irq.Level.Should().BeFalse();
        gic.Problems.Should().Be(0);
    }

    [Fact]
    public void A_level_interrupt_follows_its_wire_until_it_is_taken()
    {
        GicBench gic = OneLevelInterrupt();
        gic.SetLine(Spi, true);
        gic.Cpus[0].Irq.Level.Should().BeTrue();
        gic.Bit("GICD_ISPENDR", Spi).Should().BeTrue();
        gic.SetLine(Spi, false);
        gic.Cpus[0].Irq.Level.Should().BeFalse();
        gic.Bit("GICD_ISPENDR", Spi).Should().BeFalse();
        gic.Acknowledge().Should().Be(1023);
    }

    [Fact]
    public void A_level_interrupt_that_was_taken_is_active_and_pending_while_its_wire_is_high()
    {
        GicBench gic = OneLevelInterrupt();
        gic.SetLine(Spi, true);
        gic.Acknowledge().Should().Be(Spi);
        gic.Bit("GICD_ISACTIVER", Spi).Should().BeTrue();
        gic.Bit("GICD_ISPENDR", Spi).Should().BeTrue();
        gic.Cpus[0].Irq.Level.Should().BeFalse();
        gic.SetLine(Spi, false);
        gic.Bit("GICD_ISPENDR", Spi).Should().BeFalse();
    }

    [Fact]
    public void A_level_interrupt_of_a_device_that_was_not_quieted_comes_again_after_its_end()
    {
        GicBench gic = OneLevelInterrupt();
        gic.SetLine(Spi, true);
        for (int round = 0; round < 3; round++)
        {
            gic.Acknowledge().Should().Be(Spi);
            gic.End(Spi);
            gic.Cpus[0].Irq.Level.Should().BeTrue();
        }

        gic.Acknowledge();
        gic.SetLine(Spi, false);
        gic.End(Spi);
        gic.Cpus[0].Irq.Level.Should().BeFalse();
    }

    [Fact]
    public void Clearing_pending_takes_back_what_software_set_and_not_a_wire()
    {
        GicBench gic = OneLevelInterrupt();
        gic.Write("GICD_ISPENDR3", 1);
        gic.Cpus[0].Irq.Level.Should().BeTrue();
        gic.Write("GICD_ICPENDR3", 1);
        gic.Cpus[0].Irq.Level.Should().BeFalse();
        gic.SetLine(Spi, true);
        gic.Write("GICD_ICPENDR3", 1);
        gic.Cpus[0].Irq.Level.Should().BeTrue();
    }

    [Fact]
    public void Acknowledging_a_level_interrupt_takes_what_software_set()
    {
        GicBench gic = OneLevelInterrupt();
        gic.Write("GICD_ISPENDR3", 1);
        gic.Acknowledge().Should().Be(Spi);
        gic.End(Spi);
        gic.Cpus[0].Irq.Level.Should().BeFalse();
    }

    [Fact]
    public void A_rising_edge_is_kept_after_the_wire_fell()
    {
        GicBench gic = OneEdgeInterrupt();
        gic.Pulse(Spi);
        gic.Cpus[0].Irq.Level.Should().BeTrue();
        gic.Acknowledge().Should().Be(Spi);
        gic.Bit("GICD_ISPENDR", Spi).Should().BeFalse();
        gic.End(Spi);
        gic.Acknowledge().Should().Be(1023);
    }

    [Fact]
    public void A_wire_that_stays_high_is_one_edge()
    {
        GicBench gic = OneEdgeInterrupt();
        gic.SetLine(Spi, true);
        gic.Acknowledge().Should().Be(Spi);
        gic.End(Spi);
        gic.Acknowledge().Should().Be(1023);
    }

    [Fact]
    public void An_edge_while_the_interrupt_is_active_is_not_lost()
    {
        GicBench gic = OneEdgeInterrupt();
        gic.Pulse(Spi);
        gic.Acknowledge();
        gic.Pulse(Spi);
        gic.Bit("GICD_ISPENDR", Spi).Should().BeTrue();
        gic.Bit("GICD_ISACTIVER", Spi).Should().BeTrue();
        gic.Cpus[0].Irq.Level.Should().BeFalse();
        gic.End(Spi);
        gic.Acknowledge().Should().Be(Spi);
    }

    [Fact]
    public void Several_edges_before_the_acknowledge_are_one_interrupt()
    {
        GicBench gic = OneEdgeInterrupt();
        gic.Pulse(Spi);
        gic.Pulse(Spi);
        gic.Acknowledge().Should().Be(Spi);
        gic.End(Spi);
        gic.Acknowledge().Should().Be(1023);
    }

    [Fact]
    public void A_disabled_interrupt_never_reaches_an_acknowledge()
    {
        GicBench gic = OneEdgeInterrupt();
        gic.Pulse(Spi);
        gic.Disable(Spi);
        gic.Cpus[0].Irq.Level.Should().BeFalse();
        gic.Acknowledge().Should().Be(1023);
        gic.Read("GICC_HPPIR").Should().Be(1023);
        gic.Bit("GICD_ISPENDR", Spi).Should().BeTrue("a disabled interrupt still becomes pending");
        gic.Enable(Spi);
        gic.Acknowledge().Should().Be(Spi);
    }

    [Fact]
    public void Closing_the_distributor_or_the_interface_hides_every_interrupt()
    {
        GicBench gic = OneLevelInterrupt();
        gic.SetLine(Spi, true);
        gic.Write("GICD_CTLR", 0);
        gic.Acknowledge().Should().Be(1023);
        gic.Write("GICD_CTLR", 1);
        gic.Write("GICC_CTLR", 0);
        gic.Acknowledge().Should().Be(1023);
        gic.Write("GICC_CTLR", 1);
        gic.Acknowledge().Should().Be(Spi);
    }

    [Fact]
    public void The_priority_mask_lets_only_more_urgent_interrupts_through()
    {
        GicBench gic = OneLevelInterrupt();
        gic.SetLine(Spi, true);
        gic.Write("GICC_PMR", 0xA0);
        gic.Cpus[0].Irq.Level.Should().BeFalse();
        gic.Acknowledge().Should().Be(1023);
        gic.Read("GICC_HPPIR").Should().Be(Spi, "it does not look at the mask");
        gic.Write("GICC_PMR", 0xA8);
        gic.Acknowledge().Should().Be(Spi);
    }

    [Fact]
    public void The_most_urgent_comes_first_and_the_lowest_number_among_equals()
    {
        GicBench gic = new GicBench().Started();
        gic.Enable(40, 0xA0);
        gic.Enable(50, 0x80);
        gic.Enable(60, 0x80);
        gic.SetLine(40, true);
        gic.SetLine(60, true);
        gic.SetLine(50, true);
        gic.Acknowledge().Should().Be(50);
        gic.SetLine(50, false);
        gic.End(50);
        gic.Acknowledge().Should().Be(60);
        gic.SetLine(60, false);
        gic.End(60);
        gic.Acknowledge().Should().Be(40);
    }

    [Fact]
    public void A_more_urgent_interrupt_preempts_and_priorities_unwind_like_a_stack()
    {
        GicBench gic = new GicBench().Started();
        gic.Enable(40, 0xA0);
        gic.Enable(50, 0x80);
        gic.Read("GICC_RPR").Should().Be(0xFF);
        gic.SetLine(40, true);
        gic.Acknowledge().Should().Be(40);
        gic.Read("GICC_RPR").Should().Be(0xA0);
        gic.SetLine(50, true);
        gic.Cpus[0].Irq.Level.Should().BeTrue();
        gic.Acknowledge().Should().Be(50);
        gic.Read("GICC_RPR").Should().Be(0x80);
        gic.Read("GICC_APR0").Should().Be(1 << 16 | 1 << 20);
        gic.SetLine(50, false);
        gic.End(50);
        gic.Read("GICC_RPR").Should().Be(0xA0);
        gic.End(40);
        gic.Read("GICC_RPR").Should().Be(0xFF);
    }

    [Theory]
    [InlineData(2, true)]
    [InlineData(4, true)]
    [InlineData(5, false)]
    [InlineData(7, false)]
    public void The_binary_point_says_which_bits_of_a_priority_preempt(uint binaryPoint, bool preempts)
    {
        GicBench gic = new GicBench().Started();
        gic.Write("GICC_BPR", binaryPoint);
        gic.Enable(40, 0xA0);
        gic.Enable(50, 0x80);
        gic.SetLine(40, true);
        gic.Acknowledge();
        gic.SetLine(50, true);
        gic.Cpus[0].Irq.Level.Should().Be(preempts);
        gic.Acknowledge().Should().Be(preempts ? 50u : 1023u);
    }

    [Fact]
    public void The_binary_point_does_not_go_below_the_implemented_priority_bits()
    {
        GicBench gic = new();
        gic.Write("GICC_BPR", 0);
        gic.Write("GICC_ABPR", 0);
        gic.Read("GICC_BPR").Should().Be(2);
        gic.Read("GICC_ABPR").Should().Be(3);
    }

    [Fact]
    public void Five_bits_of_a_priority_are_kept_and_bytes_can_be_written_alone()
    {
        GicBench gic = new();
        gic.Write("GICD_IPRIORITYR24", 0x1122_3344);
        gic.Read("GICD_IPRIORITYR24").Should().Be(0x1020_3040);
        gic.WriteByte("GICD_IPRIORITYR", 98, 0xFF);
        gic.Read("GICD_IPRIORITYR24").Should().Be(0x10F8_3040);
        gic.ReadByte("GICD_IPRIORITYR", 99).Should().Be(0x10);
    }

    [Fact]
    public void With_split_ends_the_priority_drops_first_and_the_interrupt_ends_at_DIR()
    {
        GicBench gic = OneLevelInterrupt();
        gic.Enable(40, 0xA0);
        gic.Write("GICC_CTLR", 1 | 1 << 9);
        gic.SetLine(Spi, true);
        gic.Acknowledge();
        gic.End(Spi);
        gic.Read("GICC_RPR").Should().Be(0xFF);
        gic.Bit("GICD_ISACTIVER", Spi).Should().BeTrue();
        gic.Cpus[0].Irq.Level.Should().BeFalse("it is still active");
        gic.SetLine(40, true);
        gic.Acknowledge().Should().Be(40, "others of the same priority may come");
        gic.Write("GICC_DIR", Spi);
        gic.Bit("GICD_ISACTIVER", Spi).Should().BeFalse();
        gic.Problems.Should().Be(0);
    }

    [Fact]
    public void DIR_without_split_ends_and_ends_without_acknowledge_are_ignored_and_reported()
    {
        GicBench gic = OneLevelInterrupt();
        gic.SetLine(Spi, true);
        gic.End(Spi);
        gic.Problems.Should().Be(1);
        gic.Acknowledge();
        gic.Write("GICC_DIR", Spi);
        gic.Problems.Should().Be(2);
        gic.Bit("GICD_ISACTIVER", Spi).Should().BeTrue();
        gic.End(1023);
        gic.Read("GICC_RPR").Should().Be(0xA0, "ending a spurious interrupt ends nothing");
        gic.Problems.Should().Be(2);
    }

    [Fact]
    public void A_shared_line_stays_pending_until_all_its_sources_are_low()
    {
        GicBench gic = OneLevelInterrupt();
        InterruptLine first = gic.NewLine(Spi);
        InterruptLine second = gic.NewLine(Spi);
        first.Set(true);
        second.Set(true);
        first.Set(false);
        gic.Cpus[0].Irq.Level.Should().BeTrue();
        second.Set(false);
        gic.Cpus[0].Irq.Level.Should().BeFalse();
    }

    [Fact]
    public void Active_bits_can_be_set_and_cleared_by_software()
    {
        GicBench gic = OneLevelInterrupt();
        gic.SetLine(Spi, true);
        gic.Write("GICD_ISACTIVER3", 1);
        gic.Cpus[0].Irq.Level.Should().BeFalse();
        gic.Write("GICD_ICACTIVER3", 1);
        gic.Cpus[0].Irq.Level.Should().BeTrue();
    }

    [Fact]
    public void A_shared_interrupt_goes_to_its_targets_and_the_first_to_acknowledge_takes_it()
    {
        GicBench gic = new GicBench(cpus: 3).Started();
        gic.Enable(Spi, targets: 0b110);
        gic.SetLine(Spi, true);
        gic.Cpus.Select(cpu => cpu.Irq.Level).Should().Equal(false, true, true);
        gic.Acknowledge(0).Should().Be(1023);
        gic.Acknowledge(2).Should().Be(Spi);
        gic.Acknowledge(1).Should().Be(1023);
        gic.Cpus.Select(cpu => cpu.Irq.Level).Should().Equal(false, false, false);
        gic.End(Spi, cpu: 2);
        gic.Cpus.Select(cpu => cpu.Irq.Level).Should().Equal(false, true, true);
    }

    [Fact]
    public void Per_cpu_registers_are_each_cpus_own()
    {
        GicBench gic = new GicBench(cpus: 2).Started();
        gic.Enable(27, priority: 0x40, cpu: 1);
        gic.Read("GICD_ISENABLER0", 0).Should().Be(0xFFFF);
        gic.Read("GICD_ISENABLER0", 1).Should().Be(0x0800_FFFF);
        gic.ReadByte("GICD_IPRIORITYR", 27, 0).Should().Be(0);
        gic.ReadByte("GICD_IPRIORITYR", 27, 1).Should().Be(0x40);
        gic.SetLine(27, true, cpu: 1);
        gic.Cpus.Select(cpu => cpu.Irq.Level).Should().Equal(false, true);
        gic.Acknowledge(1).Should().Be(27);
    }

    [Fact]
    public void A_per_cpu_line_wired_to_several_cpus_reaches_each()
    {
        GicBench gic = new GicBench(cpus: 4).Started();
        InterruptInput input = gic.Gic.FindInput([1, 9, 0xA04], out _)!;
        var line = new InterruptLine(gic.Context.Simulation.Trace, "source", "maintenance");
        line.Connect(input);
        line.Set(true);
        Enumerable.Range(0, 4).Select(cpu => gic.Bit("GICD_ISPENDR", 25, cpu)).Should().Equal(false, true, false, true);
        line.Set(false);
        gic.Bit("GICD_ISPENDR", 25, 1).Should().BeFalse();
    }

    [Fact]
    public void The_first_target_registers_are_read_only_and_tell_a_cpu_who_it_is()
    {
        GicBench gic = new(cpus: 3);
        gic.Write("GICD_ITARGETSR7", 0xFFFF_FFFF, cpu: 2);
        gic.Read("GICD_ITARGETSR7", 2).Should().Be(0x0404_0404);
        gic.Read("GICD_ITARGETSR0", 1).Should().Be(0x0202_0202);
        gic.WriteByte("GICD_ITARGETSR", 33, 0xFF);
        gic.Read("GICD_ITARGETSR8").Should().Be(0x0000_0700);
    }

    [Fact]
    public void With_one_cpu_the_target_registers_read_zero_and_everything_goes_to_it()
    {
        GicBench gic = OneLevelInterrupt();
        gic.Read("GICD_ITARGETSR0").Should().Be(0);
        gic.Read("GICD_ITARGETSR24").Should().Be(0);
        gic.SetLine(Spi, true);
        gic.Cpus[0].Irq.Level.Should().BeTrue();
    }

    [Theory]
    [InlineData(0x0005_0003u, true, false, true)]
    [InlineData(0x0100_0003u, true, false, true)]
    [InlineData(0x0200_0003u, false, true, false)]
    [InlineData(0x0300_0003u, false, false, false)]
    public void Software_interrupts_go_to_the_list_to_the_others_or_to_oneself(
        uint request,
        bool zero,
        bool one,
        bool two
    )
    {
        GicBench gic = new GicBench(cpus: 3).Started();
        gic.Write("GICD_SGIR", request, cpu: 1);
        gic.Cpus.Select(cpu => cpu.Irq.Level).Should().Equal(zero, one, two);
    }

    [Fact]
    public void A_software_interrupt_names_its_source_and_each_source_counts()
    {
        GicBench gic = new GicBench(cpus: 3).Started();
        gic.Write("GICD_SGIR", 0x0001_0005, cpu: 2);
        gic.Write("GICD_SGIR", 0x0001_0005, cpu: 1);
        gic.Read("GICD_SPENDSGIR1").Should().Be(0x0000_0600);
        gic.Acknowledge().Should().Be(1 << 10 | 5);
        gic.End(1 << 10 | 5);
        gic.Acknowledge().Should().Be(2 << 10 | 5);
        gic.End(2 << 10 | 5);
        gic.Acknowledge().Should().Be(1023);
    }

    [Fact]
    public void Pending_software_interrupts_are_set_and_cleared_byte_by_byte()
    {
        GicBench gic = new GicBench(cpus: 2).Started();
        gic.WriteByte("GICD_SPENDSGIR", 5, 0b10);
        gic.WriteByte("GICD_SPENDSGIR", 6, 0b11);
        gic.Read("GICD_SPENDSGIR1").Should().Be(0x0003_0200);
        gic.WriteByte("GICD_CPENDSGIR", 6, 0b01);
        gic.Read("GICD_CPENDSGIR1").Should().Be(0x0002_0200, "the other bytes were not written");
        gic.Read("GICD_ISPENDR0").Should().Be(0x60);
        gic.Write("GICD_ICPENDR0", 0xFFFF);
        gic.Read("GICD_ISPENDR0").Should().Be(0x60, "this register does not reach software interrupts");
    }

    [Fact]
    public void Software_interrupts_are_always_enabled_and_always_edges()
    {
        GicBench gic = new();
        gic.Write("GICD_ICENABLER0", 0xFFFF_FFFF);
        gic.Write("GICD_ICFGR0", 0);
        gic.Write("GICD_ICFGR1", 0xFFFF_FFFF);
        gic.Read("GICD_ISENABLER0").Should().Be(0xFFFF);
        gic.Read("GICD_ICFGR0").Should().Be(0xAAAA_AAAA);
        gic.Read("GICD_ICFGR1").Should().Be(0, "per-CPU interrupts of this model are levels");
    }

    [Fact]
    public void Identification_tells_the_number_of_interrupts_and_cpus()
    {
        GicBench gic = new(cpus: 4, security: true);
        gic.Read("GICD_TYPER").Should().Be(15 | 3 << 5 | 1 << 10);
        gic.Read("GICD_IIDR").Should().Be(0x0200_043B);
        (gic.Read("GICC_IIDR") & 0xFF0FFF).Should().Be(0x02043B);
        gic.Read("GICD_PIDR2").Should().Be(0x2B);
    }

    [Fact]
    public void Registers_of_interrupts_that_do_not_exist_ignore_writes()
    {
        GicBench gic = new();
        gic.Write("GICD_ISENABLER16", 0xFFFF_FFFF);
        gic.Write("GICD_IPRIORITYR128", 0xFFFF_FFFF);
        gic.Write("GICD_ICFGR32", 0xFFFF_FFFF);
        gic.Read("GICD_ISENABLER16").Should().Be(0);
        gic.Read("GICD_IPRIORITYR128").Should().Be(0);
        gic.Read("GICD_ICFGR32").Should().Be(0);
    }

    [Fact]
    public void Group_0_is_signalled_as_FIQ_where_software_asks_for_it()
    {
        GicBench gic = new GicBench().Started();
        gic.Write("GICD_IGROUPR3", 0b10);
        gic.Write("GICC_CTLR", 0b1111);
        gic.Enable(Spi);
        gic.Enable(Spi + 1, 0x80);
        gic.SetLine(Spi, true);
        gic.Cpus[0].Fiq.Level.Should().BeTrue();
        gic.Cpus[0].Irq.Level.Should().BeFalse();
        gic.SetLine(Spi + 1, true);
        gic.Cpus[0].Fiq.Level.Should().BeFalse("the other one is more urgent");
        gic.Cpus[0].Irq.Level.Should().BeTrue();
    }

    [Fact]
    public void A_group_that_the_interface_keeps_back_keeps_back_less_urgent_ones_too()
    {
        GicBench gic = new GicBench().Started();
        gic.Write("GICD_IGROUPR3", 0b10);
        gic.Enable(Spi, 0x80);
        gic.Enable(Spi + 1, 0xA0);
        gic.SetLine(Spi, true);
        gic.SetLine(Spi + 1, true);
        gic.Write("GICC_CTLR", 0b110);
        gic.Cpus[0].Irq.Level.Should().BeFalse("group 0 is more urgent and not signalled");
        gic.Acknowledge().Should().Be(1023);
        gic.Write("GICD_CTLR", 2);
        gic.Acknowledge().Should().Be(Spi + 1, "the distributor does not forward group 0 any more");
    }

    [Theory]
    [InlineData(new uint[] { 0, 4 }, "three cells")]
    [InlineData(new uint[] { 2, 0, 4 }, "not 2")]
    [InlineData(new uint[] { 0, 480, 4 }, "no SPI 480")]
    [InlineData(new uint[] { 1, 16, 4 }, "no PPI 16")]
    [InlineData(new uint[] { 0, 1, 3 }, "not 3")]
    [InlineData(new uint[] { 0, 1, 0x104 }, "only a PPI")]
    [InlineData(new uint[] { 1, 1, 0x204 }, "no CPU")]
    public void A_wrong_specifier_is_refused_with_a_reason(uint[] specifier, string reason)
    {
        new GicBench().Gic.FindInput(specifier, out string problem).Should().BeNull();
        problem.Should().Contain(reason);
    }

    [Fact]
    public void Pages_64_KiB_apart_show_the_interface_at_their_ends_too()
    {
        GicBench gic = new(interfaceSize: 0x2_0000);
        gic.Cpus[0].Load(GicBench.Interface + 0xF0FC, 4, out ulong value);
        value.Should().Be(0x0202_043B);
        gic.Cpus[0].Load(GicBench.Interface + 0x1_F000, 4, out _);
        gic.Context.Simulation.Trace.Problems.Should().ContainSingle().Which.Message.Should().Contain("GICC_DIR");
    }

    [Fact]
    public void A_reset_forgets_everything_but_the_wires()
    {
        GicBench gic = OneLevelInterrupt();
        gic.SetLine(Spi, true);
        gic.Acknowledge();
        gic.Gic.Reset();
        gic.Cpus[0].Irq.Level.Should().BeFalse();
        gic.Read("GICD_CTLR").Should().Be(0);
        gic.Read("GICD_SPISR2").Should().Be(1);
        gic.Started().Enable(Spi);
        gic.Acknowledge().Should().Be(Spi);
    }

    [Fact]
    public void What_happens_to_an_interrupt_can_be_read_in_the_trace()
    {
        GicBench gic = OneLevelInterrupt();
        var tail = new TailTraceSink(100);
        gic.Context.Simulation.Trace.Add(tail);
        gic.SetLine(Spi, true);
        gic.End(gic.Acknowledge());
        tail.Events.Where(traced => traced.Kind.Name.StartsWith("gic.", StringComparison.Ordinal))
            .Select(traced => traced.Message)
            .Should()
            .Equal(
                "SPI 64 (96) -> cpu0 IRQ",
                "cpu0 acknowledges SPI 64 (96)",
                "cpu0 ends SPI 64 (96): priority drop, inactive",
                "SPI 64 (96) -> cpu0 IRQ"
            );
    }
}
