using Emulator.Machine;

namespace Emulator.Peripherals.Tests;

public sealed class Sp805Tests
{
    private readonly DeviceBench<Sp805> _dog = new(context => new Sp805(context), ("emulator,clock-hz", [1_000]));

    private void RunTicks(long ticks) => _dog.Simulation.RunFor(ticks * VirtualTime.Millisecond);

    [Fact]
    public void The_state_has_no_padding() => StatePadding.MustBeAbsent(_dog.Device);

    [Fact]
    public void It_sleeps_until_its_interrupt_is_enabled()
    {
        RunTicks(1000);
        _dog["WdogValue"].Should().Be(0xFFFF_FFFF);
        _dog["WdogLoad"] = 9;
        _dog["WdogControl"] = 1;
        RunTicks(4);
        _dog["WdogValue"].Should().Be(5);
        _dog.Line("WDOGINT").Should().BeFalse();
        RunTicks(6);
        _dog.Line("WDOGINT").Should().BeTrue();
    }

    [Fact]
    public void A_dog_that_is_fed_is_quiet()
    {
        _dog["WdogLoad"] = 9;
        _dog["WdogControl"] = 3;
        for (int round = 0; round < 10; round++)
        {
            RunTicks(9);
            _dog["WdogIntClr"] = 1;
        }

        _dog.Line("WDOGINT").Should().BeFalse();
        _dog.Problems.Should().BeEmpty();
    }

    [Fact]
    public void Running_out_twice_asks_for_a_reset_once()
    {
        _dog["WdogLoad"] = 9;
        _dog["WdogControl"] = 3;
        RunTicks(10);
        _dog.Line("WDOGINT").Should().BeTrue();
        _dog.Line("WDOGRES").Should().BeFalse();
        RunTicks(10);
        _dog.Line("WDOGRES").Should().BeTrue();
        RunTicks(100);
        _dog.Problems.Should().Equal("watchdog.reset");
        _dog.Device.Reset();
        _dog.Line("WDOGRES").Should().BeFalse();
    }

    [Fact]
    public void Without_leave_to_reset_it_only_interrupts()
    {
        _dog["WdogLoad"] = 9;
        _dog["WdogControl"] = 1;
        RunTicks(100);
        _dog["WdogMIS"].Should().Be(1);
        _dog.Line("WDOGRES").Should().BeFalse();
    }

    [Fact]
    public void The_lock_protects_every_other_register()
    {
        _dog["WdogLock"].Should().Be(0);
        _dog["WdogLock"] = 1;
        _dog["WdogLoad"] = 9;
        _dog["WdogControl"] = 3;
        _dog["WdogLock"].Should().Be(1);
        _dog["WdogLoad"].Should().Be(0xFFFF_FFFF);
        _dog["WdogControl"].Should().Be(0);
        _dog.Problems.Should().Equal("watchdog.locked", "watchdog.locked");
        _dog["WdogLock"] = 0x1ACC_E551;
        _dog["WdogControl"] = 3;
        _dog["WdogControl"].Should().Be(3);
    }

    [Fact]
    public void Disabling_stops_it_and_enabling_begins_anew()
    {
        _dog["WdogLoad"] = 9;
        _dog["WdogControl"] = 1;
        RunTicks(5);
        _dog["WdogControl"] = 0;
        RunTicks(100);
        _dog["WdogValue"].Should().Be(4);
        _dog["WdogRIS"].Should().Be(0);
        _dog["WdogControl"] = 1;
        _dog["WdogValue"].Should().Be(9);
    }
}
