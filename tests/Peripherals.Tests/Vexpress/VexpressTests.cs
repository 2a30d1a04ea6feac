using Emulator.Machine;

namespace Emulator.Peripherals.Tests;

public sealed class VexpressTests
{
    private readonly DeviceBench<VexpressSysreg> _board = new(context => new VexpressSysreg(context));

    [Fact]
    public void The_states_have_no_padding()
    {
        StatePadding.MustBeAbsent(_board.Device);
        StatePadding.MustBeAbsent(new DeviceBench<Sp810>(context => new Sp810(context)).Device);
    }

    [Fact]
    public void It_tells_which_board_and_which_processor_it_is()
    {
        _board["SYS_ID"].Should().Be(0x1190_F500);
        _board["SYS_PROCID0"].Should().Be(0x1400_0237);
        _board["SYS_PROCID1"].Should().Be(0xFF00_0000);
        new DeviceBench<VexpressSysreg>(
            context => new VexpressSysreg(context),
            ("emulator,sys-id", [0x0225_F500]),
            ("emulator,mci", [1])
        )["SYS_ID"]
            .Should()
            .Be(0x0225_F500);
    }

    [Fact]
    public void The_counters_count_time()
    {
        _board.Simulation.RunFor(VirtualTime.Second + VirtualTime.Microsecond);
        _board["SYS_24MHZ"].Should().Be(24_000_024);
        _board["SYS_100HZ"].Should().Be(100);
        _board.Device.Reset();
        _board["SYS_24MHZ"].Should().Be(0);
    }

    [Fact]
    public void Flags_are_set_and_cleared_bit_by_bit_and_some_survive_reset()
    {
        _board["SYS_FLAGS"] = 0xF0;
        _board["SYS_FLAGS"] = 0x0F;
        _board["SYS_FLAGSCLR"] = 0x81;
        _board["SYS_FLAGS"].Should().Be(0x7E);
        _board["SYS_NVFLAGS"] = 0x3;
        _board["SYS_NVFLAGSCLR"] = 0x1;
        _board.Device.Reset();
        _board["SYS_FLAGS"].Should().Be(0);
        _board["SYS_NVFLAGS"].Should().Be(2);
    }

    [Fact]
    public void LEDs_light()
    {
        _board["SYS_LED"] = 0x1A5;
        _board.Device.Leds.Should().Be(0xA5);
        _board["SYS_LED"].Should().Be(0xA5);
    }

    [Fact]
    public void A_configuration_function_that_is_not_modelled_fails_and_says_so()
    {
        _board["SYS_CFGCTRL"] = 0x8010_0000;
        _board["SYS_CFGSTAT"].Should().Be(3);
        _board["SYS_CFGCTRL"].Should().Be(0x0010_0000);
        _board["SYS_CFGSTAT"] = 0;
        _board["SYS_CFGCTRL"] = 0xC080_0000;
        _board["SYS_CFGSTAT"].Should().Be(1);
        _board.Problems.Should().Equal("sysreg.function", "sysreg.power");
    }

    [Fact]
    public void The_system_controller_keeps_its_control_register()
    {
        var controller = new DeviceBench<Sp810>(context => new Sp810(context));
        controller["SCCTRL"].Should().Be(9);
        controller["SCCTRL"] |= 1 << 15 | 1 << 17;
        controller["SCCTRL"].Should().Be(0x0002_8009);
        controller["SCPeriphID1"].Should().Be(0x18);
    }
}
