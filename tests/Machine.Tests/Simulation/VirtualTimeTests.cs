using FsCheck;
using FsCheck.Fluent;

namespace Emulator.Machine.Tests;

public sealed class VirtualTimeTests
{
    [Theory]
    [InlineData("0ps", 0)]
    [InlineData("1ps", 1)]
    [InlineData("250ns", 250_000)]
    [InlineData("1.5us", 1_500_000)]
    [InlineData("1.5µs", 1_500_000)]
    [InlineData("10ms", 10_000_000_000)]
    [InlineData("10 ms", 10_000_000_000)]
    [InlineData(" 2s ", 2_000_000_000_000)]
    [InlineData("0.000000000001s", 1)]
    [InlineData("1min", 60_000_000_000_000)]
    [InlineData(".5ns", 500)]
    [InlineData("9223372036854775807ps", long.MaxValue)]
    public void A_duration_is_read_as_people_write_it(string text, long picoseconds)
    {
        VirtualTime.TryParse(text, out long read).Should().BeTrue();
        read.Should().Be(picoseconds);
    }

    [Theory]
    [InlineData("")]
    [InlineData("10")]
    [InlineData("ms")]
    [InlineData("10 parsecs")]
    [InlineData("-1ms")]
    [InlineData("+1ms")]
    [InlineData("1.5ps")]
    [InlineData("0.0000000000001s")]
    [InlineData("1e3ms")]
    [InlineData("1,000ms")]
    [InlineData("1.ms")]
    [InlineData("10MS")]
    [InlineData("9223372036854775808ps")]
    [InlineData("9223373s")]
    [InlineData("never")]
    [InlineData("0x10ms")]
    public void Other_texts_are_no_durations(string text)
    {
        VirtualTime.TryParse(text, out long read).Should().BeFalse();
        read.Should().Be(0);
    }

    [Theory]
    [InlineData(0, "0ps")]
    [InlineData(999, "999ps")]
    [InlineData(1_000, "1ns")]
    [InlineData(1_500_000, "1.5us")]
    [InlineData(10_000_000_000, "10ms")]
    [InlineData(90_000_000_000_000, "90s")]
    [InlineData(1_000_000_000_001, "1.000000000001s")]
    [InlineData(-1_500, "-1.5ns")]
    [InlineData(long.MaxValue, "never")]
    [InlineData(long.MaxValue - 1, "9223372.036854775806s")]
    [InlineData(long.MinValue, "-9223372.036854775808s")]
    public void A_time_is_written_in_the_largest_unit_that_keeps_it_exact(long picoseconds, string text) =>
        VirtualTime.Format(picoseconds).Should().Be(text);

    [Fact]
    public void What_is_written_reads_back_as_the_same_time()
    {
        Gen<long> times = Gen.Select(
            Gen.Choose(0, int.MaxValue).ArrayOf(3),
            parts => (((long)parts[0] << 32) | (uint)parts[1]) >> (parts[2] % 63)
        );
        Prop.ForAll(
                times.ToArbitrary(),
                time => VirtualTime.TryParse(VirtualTime.Format(time), out long read) && read == time
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(1000));
    }

    [Theory]
    [InlineData(1, 1_000_000_000_000)]
    [InlineData(24_000_000, 41_667)]
    [InlineData(1_000_000_000, 1_000)]
    [InlineData(3_000_000_000, 333)]
    [InlineData(long.MaxValue, 1)]
    public void A_cycle_is_rounded_to_the_nearest_picosecond_and_never_nothing(long hertz, long picoseconds) =>
        VirtualTime.CycleOf(hertz).Should().Be(picoseconds);

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void A_clock_that_stands_has_no_cycle(long hertz) =>
        FluentActions.Invoking(() => VirtualTime.CycleOf(hertz)).Should().Throw<ArgumentOutOfRangeException>();

    [Fact]
    public void A_sum_of_times_stops_at_never()
    {
        VirtualTime.Add(1, 2).Should().Be(3);
        VirtualTime.Add(1, VirtualTime.Never).Should().Be(VirtualTime.Never);
        VirtualTime.Add(VirtualTime.Never, 1).Should().Be(VirtualTime.Never);
        VirtualTime.Add(VirtualTime.Never - 1, 1).Should().Be(VirtualTime.Never);
    }
}
