using Emulator.Machine;

namespace Emulator.Peripherals.Tests;

public sealed class S3c2440I2cTests
{
    // 16 MHz and a divider of 16 x 4: a clock of SCL takes 4 us, a byte with its acknowledge 36 us.
    private readonly DeviceBench<S3c2440I2c> _bus = new(
        context => new S3c2440I2c(context),
        ("emulator,clock-frequency", [16_000_000])
    );

    [Fact]
    public void The_state_has_no_padding() => StatePadding.MustBeAbsent(_bus.Device);

    [Fact]
    public void An_address_that_nobody_answers_ends_in_no_acknowledge_after_nine_clocks()
    {
        Start();
        _bus.Simulation.RunFor(35 * VirtualTime.Microsecond);
        _bus.Line("I2C").Should().BeFalse();
        _bus.Simulation.RunFor(VirtualTime.Microsecond);
        _bus.Line("I2C").Should().BeTrue();
        _bus["IICSTAT"].Should().Be(0xF1);
        (_bus["IICCON"] & 0x10).Should().Be(0x10);
    }

    [Fact]
    public void Clearing_the_pending_bit_lets_the_next_byte_go_and_setting_it_does_nothing()
    {
        Start();
        _bus.Simulation.RunFor(36 * VirtualTime.Microsecond);
        _bus["IICCON"] = 0xB3;
        _bus.Line("I2C").Should().BeTrue("1 leaves it");
        _bus["IICCON"] = 0xA3;
        _bus.Line("I2C").Should().BeFalse();
        _bus.Simulation.RunFor(36 * VirtualTime.Microsecond);
        _bus.Line("I2C").Should().BeTrue();
    }

    [Fact]
    public void A_stop_ends_the_transfer()
    {
        Start();
        _bus["IICSTAT"] = 0xD0;
        _bus.Simulation.RunFor(VirtualTime.Millisecond);
        _bus.Line("I2C").Should().BeFalse();
        _bus["IICSTAT"].Should().Be(0xD0);
    }

    [Fact]
    public void The_address_takes_writes_while_the_output_is_off_and_the_data_while_it_is_on()
    {
        _bus["IICADD"] = 0x42;
        _bus["IICDS"] = 0x99;
        _bus["IICSTAT"] = 0xD0;
        _bus["IICADD"] = 0x17;
        _bus["IICDS"] = 0x55;
        _bus["IICADD"].Should().Be(0x42);
        _bus["IICDS"].Should().Be(0x55);
    }

    [Fact]
    public void Without_the_interrupt_enabled_a_byte_passes_silently()
    {
        Start(control: 0x83);
        _bus.Simulation.RunFor(VirtualTime.Millisecond);
        _bus.Line("I2C").Should().BeFalse();
        _bus["IICSTAT"].Should().Be(0xF1);
    }

    private void Start(uint control = 0xA3)
    {
        _bus["IICCON"] = control;
        _bus["IICSTAT"] = 0xD0;
        _bus["IICDS"] = 0x70;
        _bus["IICSTAT"] = 0xF0;
    }
}
