using Emulator.Machine;

namespace Emulator.Peripherals.Tests;

public sealed class GicV3Tests
{
    private const int Spi = 96;
    private const ulong Pending = 0x200;
    private const ulong Active = 0x300;

    private static GicV3Bench OneInterrupt(int cpus = 1)
    {
        GicV3Bench gic = new GicV3Bench(cpus).Started();
        gic.Enable(Spi);
        return gic;
    }

    [Fact]
    public void The_states_have_no_padding()
    {
        var bench = new GicV3Bench();
        StatePadding.MustBeAbsent(bench.Gic);
        StatePadding.MustBeAbsent(bench.Its);
    }

    [Fact]
    public void It_says_what_QEMU_s_says_224_SPIs_LPIs_and_16_bits_of_interrupt_numbers()
    {
        var gic = new GicV3Bench();
        gic.Read(GicV3Bench.Distributor + 4, 4).Should().Be(0x037A_0007);
        gic.Read(GicV3Bench.Distributor + 0xFFE8, 4).Should().Be(0x3B);
        gic.Read(GicV3Bench.Distributor, 4).Should().Be(0x50, "affinity routing is on and there is one security state");
        gic.Get("ICC_SRE_EL1").Should().Be(7);
    }

    [Fact]
    public void Redistributors_say_whose_they_are_and_which_is_the_last()
    {
        var gic = new GicV3Bench(cpus: 3);
        gic.Read(GicV3Bench.Private(0, 8), 8).Should().Be(1);
        gic.Read(GicV3Bench.Private(1, 8), 8).Should().Be(1UL << 32 | 1 << 8 | 1);
        gic.Read(GicV3Bench.Private(2, 8), 8).Should().Be(2UL << 32 | 2 << 8 | 1 << 4 | 1);
        gic.Read(GicV3Bench.Private(2, 12), 4).Should().Be(2, "the halves of a doubleword can be read alone");
    }

    [Fact]
    public void A_level_interrupt_is_taken_ended_and_comes_again_while_its_wire_is_high()
    {
        GicV3Bench gic = OneInterrupt();
        gic.Acknowledge().Should().Be(1023);
        gic.SetLine(Spi, true);
        for (int round = 0; round < 3; round++)
        {
            gic.Cpus[0].Irq.Level.Should().BeTrue();
            gic.Acknowledge().Should().Be(Spi);
            gic.Bit(Active, Spi).Should().BeTrue();
            gic.Cpus[0].Irq.Level.Should().BeFalse();
            gic.End(Spi);
        }

        gic.SetLine(Spi, false);
        gic.Cpus[0].Irq.Level.Should().BeFalse();
        gic.Problems.Should().Be(0);
    }

    [Fact]
    public void An_edge_is_kept_and_one_that_comes_while_active_is_not_lost()
    {
        GicV3Bench gic = OneInterrupt();
        gic.MakeEdge(Spi);
        gic.SetLine(Spi, true);
        gic.SetLine(Spi, false);
        gic.Acknowledge().Should().Be(Spi);
        gic.SetLine(Spi, true);
        gic.SetLine(Spi, false);
        gic.Bit(Pending, Spi).Should().BeTrue();
        gic.End(Spi);
        gic.Acknowledge().Should().Be(Spi);
    }

    [Fact]
    public void With_EOImode_1_the_end_drops_the_priority_and_DIR_deactivates()
    {
        GicV3Bench gic = OneInterrupt();
        gic.Set("ICC_CTLR_EL1", 2);
        gic.SetLine(Spi, true);
        gic.Acknowledge().Should().Be(Spi);
        gic.Get("ICC_RPR_EL1").Should().Be(0xA0);
        gic.End(Spi);
        gic.Get("ICC_RPR_EL1").Should().Be(0xFF);
        gic.Bit(Active, Spi).Should().BeTrue();
        gic.Set("ICC_DIR_EL1", Spi);
        gic.Bit(Active, Spi).Should().BeFalse();
    }

    [Fact]
    public void A_more_urgent_interrupt_preempts_and_an_equal_one_waits()
    {
        GicV3Bench gic = OneInterrupt();
        gic.Enable(97, priority: 0xA0);
        gic.Enable(98, priority: 0x20);
        gic.SetLine(97, true);
        gic.Acknowledge().Should().Be(97);
        gic.SetLine(Spi, true);
        gic.Acknowledge().Should().Be(1023);
        gic.SetLine(98, true);
        gic.Acknowledge().Should().Be(98);
    }

    [Fact]
    public void A_shared_interrupt_goes_to_the_CPU_that_its_route_names()
    {
        GicV3Bench gic = OneInterrupt(cpus: 2);
        gic.Route(Spi, 1);
        gic.SetLine(Spi, true);
        gic.Cpus[0].Irq.Level.Should().BeFalse();
        gic.Cpus[1].Irq.Level.Should().BeTrue();
        gic.Acknowledge(cpu: 0).Should().Be(1023);
        gic.Acknowledge(cpu: 1).Should().Be(Spi);
        gic.Route(97, 9);
        gic.Enable(97);
        gic.SetLine(97, true);
        gic.Cpus.Should().OnlyContain(cpu => !cpu.Irq.Level, "nobody has affinity 9");
    }

    [Fact]
    public void A_software_interrupt_reaches_the_CPUs_of_the_list_or_all_others()
    {
        GicV3Bench gic = new GicV3Bench(cpus: 3).Started();
        for (int cpu = 0; cpu < 3; cpu++)
        {
            gic.Enable(5, cpu: cpu);
        }

        gic.Set("ICC_SGI1R_EL1", 5UL << 24 | 0b100, cpu: 0);
        gic.Acknowledge(1).Should().Be(1023);
        gic.Acknowledge(2).Should().Be(5);
        gic.End(5, 2);
        gic.Set("ICC_SGI1R_EL1", 5UL << 24 | 1UL << 40, cpu: 1);
        gic.Acknowledge(0).Should().Be(5);
        gic.Acknowledge(1).Should().Be(1023);
        gic.Acknowledge(2).Should().Be(5);
    }

    [Fact]
    public void Group_0_comes_as_FIQ_and_is_acknowledged_by_IAR0()
    {
        var gic = new GicV3Bench();
        gic.Write(GicV3Bench.Distributor, 4, 3);
        gic.Write(GicV3Bench.Private(0, 0x14), 4, 0);
        gic.Set("ICC_PMR_EL1", 0xFF);
        gic.Set("ICC_IGRPEN0_EL1", 1);
        gic.Enable(Spi);
        gic.SetLine(Spi, true);
        (gic.Cpus[0].Irq.Level, gic.Cpus[0].Fiq.Level).Should().Be((false, true));
        gic.Acknowledge().Should().Be(1023);
        gic.Get("ICC_IAR0_EL1").Should().Be(Spi);
        gic.Set("ICC_EOIR0_EL1", Spi);
        gic.Bit(Active, Spi).Should().BeFalse();
    }

    [Fact]
    public void A_redistributor_that_sleeps_forwards_nothing()
    {
        GicV3Bench gic = OneInterrupt();
        gic.Write(GicV3Bench.Private(0, 0x14), 4, 2);
        gic.Read(GicV3Bench.Private(0, 0x14), 4).Should().Be(6, "its children sleep too");
        gic.SetLine(Spi, true);
        gic.Cpus[0].Irq.Level.Should().BeFalse();
        gic.Write(GicV3Bench.Private(0, 0x14), 4, 0);
        gic.Cpus[0].Irq.Level.Should().BeTrue();
    }

    [Fact]
    public void Private_interrupts_belong_to_each_CPU()
    {
        GicV3Bench gic = new GicV3Bench(cpus: 2).Started();
        gic.Enable(27, cpu: 1);
        gic.SetLine(27, true, cpu: 0);
        gic.SetLine(27, true, cpu: 1);
        gic.Cpus[0].Irq.Level.Should().BeFalse();
        gic.Acknowledge(1).Should().Be(27);
    }

    [Fact]
    public void The_distributor_s_registers_of_private_interrupts_read_as_zero()
    {
        GicV3Bench gic = OneInterrupt();
        gic.Enable(27);
        gic.Read(GicV3Bench.Distributor + 0x100, 4).Should().Be(0);
        gic.Write(GicV3Bench.Distributor + 0x100, 4, uint.MaxValue);
        gic.Read(GicV3Bench.Private(0, 0x1_0100), 4).Should().Be(1 << 27);
    }

    [Fact]
    public void A_specifier_that_fits_nothing_is_refused()
    {
        var gic = new GicV3Bench();
        gic.Gic.FindInput([0, 224, 4], out string problem).Should().BeNull();
        problem.Should().Be("there is no SPI 224: this GIC has 224, from 0");
        gic.Gic.FindInput([0, 5], out problem).Should().BeNull();
        problem.Should().StartWith("an interrupt of a GICv3 takes three cells");
    }
}
