using System.Text.Json;

namespace Emulator.Machine.Tests;

public sealed class TraceTests
{
    private static readonly TraceKind Steps = new("test.step", Severity.Debug, "step {n} at {address} of {what}");
    private static readonly TraceKind Starts = new("test.start", Severity.Info, "starts");
    private static readonly TraceKind Odd = new("test.odd", Severity.Warning, "odd value {value}");
    private static readonly TraceKind Broken = new("test.broken", Severity.Error, "broken: {what}");

    private readonly Simulation _simulation = new();

    private Trace Trace => _simulation.Trace;

    [Fact]
    public void Off_it_keeps_and_counts_nothing_but_problems()
    {
        Trace.IsOn.Should().BeFalse();
        Emit(Steps);
        Emit(Starts);
        Trace.Problems.Should().BeEmpty();
        Trace.Count(Severity.Debug).Should().Be(0);
        Trace.Count(Severity.Info).Should().Be(0);
    }

    [Fact]
    public void Problems_are_kept_and_counted_without_any_listener()
    {
        Trace.Emit(Odd, "dma0", TraceField.Hex("value", 0x12345));
        Trace.Emit(Broken, "dma0", TraceField.Of("what", "the axle"));
        Trace.Count(Severity.Warning).Should().Be(1);
        Trace.Count(Severity.Error).Should().Be(1);
        Trace.Problems.Select(problem => problem.Message).Should().Equal("odd value 0x1_2345", "broken: the axle");
    }

    [Fact]
    public void Of_very_many_problems_the_first_are_kept_and_all_are_counted()
    {
        for (int n = 0; n < Trace.KeptProblems + 500; n++)
        {
            Trace.Emit(Odd, "dma0", TraceField.Decimal("value", (ulong)n));
        }

        Trace.Count(Severity.Warning).Should().Be(Trace.KeptProblems + 500);
        Trace.Problems.Should().HaveCount(Trace.KeptProblems);
        Trace.Problems[0].Message.Should().Be("odd value 0");
    }

    [Fact]
    public void A_listener_gets_everything_in_order_from_when_it_is_added_until_it_is_removed()
    {
        var tail = new TailTraceSink(10);
        Emit(Starts);
        Trace.Add(tail);
        Trace.IsOn.Should().BeTrue();
        Emit(Steps);
        Emit(Odd);
        Trace.Remove(tail);
        Trace.IsOn.Should().BeFalse();
        Emit(Broken);
        tail.Events.Select(happened => happened.Kind.Name).Should().Equal("test.step", "test.odd");
        Trace.Count(Severity.Debug).Should().Be(1);
    }

    [Fact]
    public void Every_one_of_several_listeners_gets_every_event()
    {
        var first = new TailTraceSink(10);
        var second = new HashTraceSink();
        Trace.Add(first);
        Trace.Add(second);
        Emit(Steps);
        Trace.Remove(first);
        Trace.IsOn.Should().BeTrue();
        Emit(Steps);
        first.Events.Should().HaveCount(1);
        second.Count.Should().Be(2);
    }

    [Fact]
    public void A_tail_keeps_the_last_events()
    {
        var tail = new TailTraceSink(3);
        Trace.Add(tail);
        for (ulong n = 0; n < 10; n++)
        {
            Trace.Emit(Odd, "dma0", TraceField.Decimal("value", n));
        }

        tail.Events.Select(happened => happened.Fields[0].Number).Should().Equal(7, 8, 9);
    }

    [Fact]
    public void The_text_is_a_line_with_time_source_severity_and_sentence()
    {
        using var writer = new StringWriter();
        Trace.Add(new TextTraceSink(writer));
        Trace.Emit(Starts, "dma0");
        _simulation.RunUntil(1_500_001);
        Trace.Emit(
            Steps,
            "dma0",
            TraceField.Decimal("n", 12),
            TraceField.Hex("address", 0x8000_0000),
            TraceField.Of("what", "channel 2")
        );
        _simulation.RunUntil(12_345_678 * VirtualTime.Microsecond);
        Trace.Emit(Odd, "rtc", TraceField.Hex("value", 0xFFFF));
        Trace.Emit(Broken, "rtc", TraceField.Bytes("what", [1, 2, 3]));
        writer
            .ToString()
            .Should()
            .Be(
                "[     0.000000] dma0 starts\n"
                    + "[     1.500001] dma0 step 12 at 0x8000_0000 of channel 2\n"
                    + "[12345678.000000] warning: rtc odd value 0xffff\n"
                    + "[12345678.000000] error: rtc broken: 010203\n"
            );
    }

    [Fact]
    public void The_json_is_an_object_per_line_in_which_64_bit_numbers_keep_all_their_bits()
    {
        using var writer = new StringWriter();
        Trace.Add(new JsonTraceSink(writer));
        _simulation.RunUntil(1_500_000);
        Trace.Emit(
            Steps,
            "dma0",
            TraceField.Decimal("n", 12),
            TraceField.Hex("address", 0xFFFF_FFFF_FFFF_FFFF),
            TraceField.Of("what", "a \"quoted\" <µs>\n\\ text")
        );
        Trace.Emit(Odd, "rtc", TraceField.Hex("value", 0));
        string[] lines = writer.ToString().Split('\n');
        lines.Should().HaveCount(3).And.HaveElementAt(2, "");
        lines[0]
            .Should()
            .Be(
                "{\"t\":1500000,\"source\":\"dma0\",\"kind\":\"test.step\",\"severity\":\"debug\",\"n\":12,"
                    + "\"address\":\"0xffffffffffffffff\",\"what\":\"a \\\"quoted\\\" <µs>\\n\\\\ text\"}"
            );
        using JsonDocument document = JsonDocument.Parse(lines[0]);
        document.RootElement.GetProperty("what").GetString().Should().Be("a \"quoted\" <µs>\n\\ text");
        using JsonDocument second = JsonDocument.Parse(lines[1]);
        second.RootElement.GetProperty("severity").GetString().Should().Be("warning");
        second.RootElement.GetProperty("value").GetString().Should().Be("0x0");
    }

    [Fact]
    public void Equal_traces_have_equal_hashes_and_other_traces_others()
    {
        HashOf(1, 2, 3).Should().Be(HashOf(1, 2, 3));
        HashOf(1, 2, 3).Should().NotBe(HashOf(1, 3, 2));
        HashOf(1, 2, 3).Should().NotBe(HashOf(1, 2));
        new HashTraceSink().Value.Should().Be(StateHash.Seed);

        static ulong HashOf(params ulong[] values)
        {
            var simulation = new Simulation();
            var hash = new HashTraceSink();
            simulation.Trace.Add(hash);
            foreach (ulong value in values)
            {
                simulation.RunFor(1);
                simulation.Trace.Emit(Odd, "dma0", TraceField.Decimal("value", value));
            }

            hash.Count.Should().Be(values.Length);
            return hash.Value;
        }
    }

    [Fact]
    public void A_sentence_with_names_that_nobody_gave_leaves_them_out()
    {
        var kind = new TraceKind("test.names", Severity.Warning, "{first} and {missing} {unclosed");
        Trace.Emit(kind, "dma0", TraceField.Of("first", "{missing}"), TraceField.Of("other", "x"));
        Trace.Problems[0].Message.Should().Be("{missing} and  {unclosed");
    }

    [Theory]
    [InlineData("5A", "0x5a")]
    [InlineData("3412", "0x1234")]
    [InlineData("78563412", "0x1234_5678")]
    [InlineData("8877665544332211", "0x1122_3344_5566_7788")]
    [InlineData("010203", "010203")]
    [InlineData("", "")]
    [InlineData("000102030405060708090A0B0C0D0E0F", "000102030405060708090A0B0C0D0E0F")]
    [InlineData("000102030405060708090A0B0C0D0E0F10", "000102030405060708090A0B0C0D0E0F...")]
    public void Bytes_are_shown_as_the_word_they_are_or_in_memory_order(string bytes, string shown) =>
        TraceField.Bytes("data", Convert.FromHexString(bytes)).Value.Should().Be(shown);

    [Theory]
    [InlineData(0, "0x0")]
    [InlineData(0xFFFF, "0xffff")]
    [InlineData(0x1_0000, "0x1_0000")]
    [InlineData(0x8000_0000, "0x8000_0000")]
    [InlineData(0x10_0000_0000, "0x10_0000_0000")]
    [InlineData(ulong.MaxValue, "0xffff_ffff_ffff_ffff")]
    public void Hexadecimal_has_groups_of_four_digits_from_five_digits_on(ulong value, string text) =>
        Hexadecimal.Format(value).Should().Be(text);

    private void Emit(TraceKind kind) => Trace.Emit(kind, "dma0");
}
