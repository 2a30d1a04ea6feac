using Emulator.Machine;

namespace Emulator.Peripherals.Tests;

public sealed class Pl031Tests
{
    private readonly StandaloneContext _context = new("rtc");

    private Simulation Simulation => _context.Simulation;

    private bool Line => _context.Lines["RTCINTR"].Level;

    private Pl031 Make(uint epoch = 0)
    {
        var rtc = new Pl031(_context.With("emulator,epoch", epoch));
        _context.Bus.Map("rtc", 0, 0x1000, _context.Registers[0]);
        return rtc;
    }

    private uint Read(ulong offset)
    {
        _context.Bus.ReadWord(offset, 4, out ulong value, default).Should().Be(BusStatus.Okay);
        return (uint)value;
    }

    private void Write(ulong offset, uint value) =>
        _context.Bus.WriteWord(offset, 4, value, default).Should().Be(BusStatus.Okay);

    [Fact]
    public void The_state_has_no_padding() => StatePadding.MustBeAbsent(Make());

    [Fact]
    public void The_counter_counts_whole_seconds_from_its_epoch()
    {
        Make(epoch: 1_570_442_709);
        Simulation.RunUntil(7 * VirtualTime.Second - 1);
        Read(0x000).Should().Be(1_570_442_715);
        Simulation.RunUntil(7 * VirtualTime.Second);
        Read(0x000).Should().Be(1_570_442_716);
    }

    [Fact]
    public void Loading_a_time_does_not_move_the_second()
    {
        Make();
        Simulation.RunUntil(VirtualTime.Second / 4 * 3);
        Write(0x008, 1000);
        Read(0x000).Should().Be(1000);
        Read(0x008).Should().Be(1000);
        Simulation.RunUntil(VirtualTime.Second);
        Read(0x000).Should().Be(1001);
        Read(0x008).Should().Be(1000, "it reads as written");
    }

    [Fact]
    public void The_counter_wraps_after_32_bits()
    {
        Make(epoch: 0xFFFF_FFFF);
        Simulation.RunUntil(VirtualTime.Second);
        Read(0x000).Should().Be(0);
    }

    [Fact]
    public void The_alarm_comes_at_the_second_that_equals_the_match()
    {
        Make(epoch: 100);
        Write(0x010, 1);
        Simulation.RunUntil(VirtualTime.Second / 2);
        Write(0x004, 103);
        Simulation.RunUntil(3 * VirtualTime.Second - 1);
        Line.Should().BeFalse();
        Simulation.RunUntil(3 * VirtualTime.Second);
        Line.Should().BeTrue();
        Read(0x014).Should().Be(1);
        Read(0x018).Should().Be(1);
    }

    [Fact]
    public void A_masked_alarm_is_kept_raw()
    {
        Make();
        Write(0x004, 1);
        Simulation.RunUntil(2 * VirtualTime.Second);
        Read(0x014).Should().Be(1);
        Read(0x018).Should().Be(0);
        Line.Should().BeFalse();
        Write(0x010, 1);
        Line.Should().BeTrue();
        Write(0x010, 0);
        Line.Should().BeFalse();
    }

    [Fact]
    public void A_match_that_is_now_comes_at_once_and_stays_cleared()
    {
        Make(epoch: 100);
        Write(0x010, 1);
        Write(0x004, 100);
        Line.Should().BeTrue();
        Write(0x01C, 0);
        Line.Should().BeTrue("zeros clear nothing");
        Write(0x01C, 1);
        Line.Should().BeFalse();
        Simulation.RunUntil(10 * VirtualTime.Second);
        Line.Should().BeFalse();
    }

    [Fact]
    public void A_match_in_the_past_waits_for_the_wrap()
    {
        Make(epoch: 100);
        Write(0x010, 1);
        Write(0x004, 99);
        Simulation.RunUntil(1000 * VirtualTime.Second);
        Line.Should().BeFalse();
        Write(0x008, 0xFFFF_FFFE);
        Simulation.RunFor(101 * VirtualTime.Second - 1);
        Line.Should().BeFalse();
        Simulation.RunFor(1);
        Read(0x000).Should().Be(99);
        Line.Should().BeTrue();
    }

    [Fact]
    public void Moving_the_time_past_the_match_skips_it_and_moving_it_back_arms_it_again()
    {
        Make(epoch: 100);
        Write(0x010, 1);
        Write(0x004, 105);
        Write(0x008, 200);
        Simulation.RunUntil(10 * VirtualTime.Second);
        Line.Should().BeFalse();
        Write(0x008, 104);
        Simulation.RunUntil(11 * VirtualTime.Second);
        Line.Should().BeTrue();
    }

    [Fact]
    public void The_match_of_zero_after_reset_comes_with_the_wrap_only()
    {
        Make(epoch: 0xFFFF_FFFD);
        Write(0x010, 1);
        Line.Should().BeFalse();
        Simulation.RunUntil(3 * VirtualTime.Second);
        Line.Should().BeTrue();
    }

    [Fact]
    public void A_reset_cancels_the_alarm()
    {
        Pl031 rtc = Make(epoch: 100);
        Write(0x004, 101);
        rtc.Reset();
        Simulation.RunUntil(5 * VirtualTime.Second);
        Read(0x014).Should().Be(0);
        Read(0x000).Should().Be(105);
    }

    [Fact]
    public void Its_identification_is_that_of_a_PL031()
    {
        Make();
        ulong id = 0;
        for (int part = 0; part < 4; part++)
        {
            id |= (ulong)Read(0xFE0 + 4 * (ulong)part) << (8 * part);
        }

        (id & 0x000F_FFFF).Should().Be(0x0004_1031);
        Read(0xFFC).Should().Be(0xB1);
        Read(0x00C).Should().Be(1);
        Simulation.Trace.Count(Severity.Warning).Should().Be(0);
    }

    [Fact]
    public void A_byte_access_is_reported()
    {
        Make();
        _context.Bus.ReadWord(0, 1, out ulong value, default);
        value.Should().Be(0);
        Simulation.Trace.Problems.Should().ContainSingle().Which.Kind.Name.Should().Be("register.size");
    }
}
