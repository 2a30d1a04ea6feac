using Emulator.Machine;
using FsCheck;
using FsCheck.Fluent;

namespace Emulator.Peripherals.Tests;

public sealed class Sp804Tests
{
    private const uint Run = 0x80;
    private const uint Periodic = 0x40;
    private const uint Interrupt = 0x20;
    private const uint Wide = 0x02;
    private const uint OneShot = 0x01;

    private readonly DeviceBench<Sp804> _timers = new(context => new Sp804(context));

    private void RunTicks(long ticks) => _timers.Simulation.RunFor(ticks * VirtualTime.Microsecond);

    [Fact]
    public void The_state_has_no_padding() => StatePadding.MustBeAbsent(_timers.Device);

    [Fact]
    public void After_reset_both_stand()
    {
        RunTicks(10);
        _timers["Timer0Value"].Should().Be(0xFFFF_FFFF);
        _timers["Timer1Control"].Should().Be(0x20);
        _timers["TimerPeriphID1"].Should().Be(0x18);
    }

    [Fact]
    public void A_periodic_timer_interrupts_every_load_ticks()
    {
        _timers["Timer0Load"] = 100;
        _timers["Timer0Control"] = Run | Periodic | Interrupt | Wide;
        RunTicks(40);
        _timers["Timer0Value"].Should().Be(60);
        RunTicks(59);
        _timers.Line("TIMINTC").Should().BeFalse();
        for (int round = 0; round < 3; round++)
        {
            RunTicks(1);
            _timers.Line("TIMINTC").Should().BeTrue();
            _timers["Timer0Value"].Should().Be(100);
            _timers["Timer0MIS"].Should().Be(1);
            _timers["Timer0IntClr"] = 1;
            _timers.Line("TIMINTC").Should().BeFalse();
            RunTicks(99);
        }
    }

    [Fact]
    public void A_one_shot_stays_at_zero_until_it_is_loaded_again()
    {
        _timers["Timer1Load"] = 5;
        _timers["Timer1Control"] = Run | Interrupt | Wide | OneShot;
        RunTicks(5);
        _timers.Line("TIMINTC").Should().BeTrue();
        _timers["Timer1IntClr"] = 0;
        RunTicks(1000);
        _timers["Timer1Value"].Should().Be(0);
        _timers["Timer1RIS"].Should().Be(0);
        _timers["Timer1Load"] = 7;
        RunTicks(7);
        _timers["Timer1RIS"].Should().Be(1);
    }

    [Fact]
    public void A_free_running_timer_goes_on_from_its_greatest_value()
    {
        _timers["Timer0Load"] = 3;
        _timers["Timer0Control"] = Run | Interrupt;
        RunTicks(3);
        _timers["Timer0Value"].Should().Be(0);
        _timers["Timer0RIS"].Should().Be(1);
        RunTicks(1);
        _timers["Timer0Value"].Should().Be(0xFFFF, "it has 16 bits");
        _timers["Timer0IntClr"] = 1;
        RunTicks(0xFFFE);
        _timers["Timer0RIS"].Should().Be(0);
        RunTicks(1);
        _timers["Timer0RIS"].Should().Be(1);
    }

    [Fact]
    public void The_prescaler_divides_by_16_or_256()
    {
        _timers["Timer0Load"] = 10;
        _timers["Timer0Control"] = Run | Periodic | Interrupt | Wide | 1 << 2;
        RunTicks(159);
        _timers["Timer0RIS"].Should().Be(0);
        RunTicks(1);
        _timers["Timer0RIS"].Should().Be(1);
        _timers["Timer1Load"] = 1000;
        _timers["Timer1Control"] = Run | Wide | 2 << 2;
        RunTicks(2560);
        _timers["Timer1Value"].Should().Be(990);
    }

    [Fact]
    public void A_background_load_counts_from_the_next_period()
    {
        _timers["Timer0Load"] = 100;
        _timers["Timer0Control"] = Run | Periodic | Wide;
        RunTicks(50);
        _timers["Timer0BGLoad"] = 10;
        _timers["Timer0Value"].Should().Be(50);
        _timers["Timer0Load"].Should().Be(10);
        RunTicks(53);
        _timers["Timer0Value"].Should().Be(7);
    }

    [Fact]
    public void A_load_of_zero_interrupts_at_once()
    {
        _timers["Timer0Load"] = 0;
        _timers["Timer0Control"] = Run | Interrupt | OneShot | Wide;
        _timers.Line("TIMINTC").Should().BeTrue();
    }

    [Fact]
    public void Stopping_keeps_the_value()
    {
        _timers["Timer0Load"] = 100;
        _timers["Timer0Control"] = Run | Wide;
        RunTicks(30);
        _timers["Timer0Control"] = Wide;
        RunTicks(1000);
        _timers["Timer0Value"].Should().Be(70);
        _timers["Timer0Control"] = Run | Wide;
        RunTicks(1);
        _timers["Timer0Value"].Should().Be(69);
    }

    [Fact]
    public void Nothing_is_scheduled_while_the_interrupt_stands()
    {
        _timers["Timer0Load"] = 1;
        _timers["Timer0Control"] = Run | Periodic | Wide;
        RunTicks(1);
        _timers.Simulation.Events.Count.Should().Be(0);
        RunTicks(1_000_000);
        _timers["Timer0IntClr"] = 1;
        _timers.Simulation.Events.Count.Should().Be(1);
    }

    [Fact]
    public void The_two_interrupts_can_be_wired_separately()
    {
        var timers = new DeviceBench<Sp804>(context => new Sp804(context), ("emulator,separate-interrupts", [1]))
        {
            ["Timer1Load"] = 1,
            ["Timer1Control"] = Run | Interrupt | Wide,
        };
        timers.Simulation.RunFor(VirtualTime.Microsecond);
        timers.Line("TIMINT1").Should().BeFalse();
        timers.Line("TIMINT2").Should().BeTrue();
    }

    [Fact]
    public void The_computed_value_is_that_of_a_counter_that_ticks()
    {
        Prop.ForAll(
                Gen.Choose(1, 40).ToArbitrary(),
                Gen.Choose(0, 3).ToArbitrary(),
                Gen.Choose(0, 30).ArrayOf(20).ToArbitrary(),
                AgreesWithTicking
            )
            .Check(Config.QuickThrowOnFailure);
    }

    private static void AgreesWithTicking(int load, int mode, int[] waits)
    {
        bool periodic = (mode & 1) != 0;
        bool oneShot = (mode & 2) != 0;
        var timers = new DeviceBench<Sp804>(context => new Sp804(context))
        {
            ["Timer0Load"] = (uint)load,
            ["Timer0Control"] = Run | Interrupt | (periodic ? Periodic : 0) | (oneShot ? OneShot : 0),
        };
        int value = load;
        uint raw = 0;
        foreach (int wait in waits)
        {
            for (int tick = 0; tick < wait && !(oneShot && value == 0); tick++)
            {
                value = (value - 1) & 0xFFFF;
                raw |= value == 0 ? 1u : 0;
                value = value == 0 && periodic && !oneShot ? load : value;
            }

            timers.Simulation.RunFor(wait * VirtualTime.Microsecond);
            timers["Timer0Value"].Should().Be((uint)value);
            timers["Timer0RIS"].Should().Be(raw);
            timers.Line("TIMINTC").Should().Be(raw != 0);
            if (wait % 3 == 0)
            {
                timers["Timer0IntClr"] = 1;
                raw = 0;
            }
        }
    }
}
