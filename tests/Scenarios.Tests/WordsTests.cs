using Emulator.Machine;

namespace Emulator.Scenarios.Tests;

/// <summary>Misspelt words, durations, and text that is fit for a terminal.</summary>
public sealed class WordsTests
{
    [Theory]
    [InlineData("memry", "memory")]
    [InlineData("mmeory", "memory")]
    [InlineData("MEMORY", "memory")]
    [InlineData("exepct", "expect")]
    [InlineData("xyzzy", null)]
    [InlineData("", null)]
    public void The_nearest_word_is_found(string word, string? nearest) =>
        Words.Nearest(word, ["mmio", "memory", "expect"]).Should().Be(nearest);

    [Fact]
    public void Among_equally_near_words_the_first_wins() => Words.Nearest("CSR", ["CSR0", "CSR1"]).Should().Be("CSR0");

    [Fact]
    public void Very_long_words_are_not_compared() =>
        Words.Nearest(new string('a', 500_000), [new string('a', 500_001)]).Should().BeNull();

    [Theory]
    [InlineData("stps", "; did you mean 'steps'? Valid keys: name, steps")]
    [InlineData("xyzzy", "; valid keys: name, steps")]
    public void The_list_of_valid_words_reads_well_with_and_without_a_near_one(string word, string text) =>
        Words.DidYouMean(word, "Valid keys", ["name", "steps"]).Should().Be(text);

    [Fact]
    public void A_long_text_is_quoted_short_and_on_one_line() =>
        Words.Shorten("a\nb" + new string('x', 100)).Should().Be("a b" + new string('x', 57) + "...");

    [Theory]
    [InlineData("250ns", 250_000)]
    [InlineData("1.5us", 1_500_000)]
    [InlineData("1.5µs", 1_500_000)]
    [InlineData("10ms", 10_000_000_000)]
    [InlineData("2s", 2_000_000_000_000)]
    [InlineData("1min", 60_000_000_000_000)]
    [InlineData("7ps", 7)]
    [InlineData(" 1 ms ", 1_000_000_000)]
    public void Durations_have_units(string text, long picoseconds)
    {
        VirtualTime.TryParse(text, out long time).Should().BeTrue();
        time.Should().Be(picoseconds);
    }

    [Theory]
    [InlineData("10")]
    [InlineData("ms")]
    [InlineData("-1ms")]
    [InlineData("1e3ms")]
    [InlineData("0.5ps")]
    [InlineData("1 hour")]
    [InlineData("99999999999999s")]
    public void What_is_no_duration_is_refused_with_its_place(string text) =>
        Bench
            .StepErrors($"  - wait: {{ time: '{text}' }}")
            .Should()
            .Equal($"test.yaml:5:19: 'time:' takes a duration such as 250ns, 1.5us, 10ms or 2s, not '{text}'");

    [Fact]
    public void Control_characters_do_not_reach_a_terminal()
    {
        Printable.Of("a\u001b[31mb\tc\nd\u0085\u0007").Should().Be("a?[31mb\tc\nd??");
        Bench
            .Errors("name: \"\\e[31m\"\nboard: \"\\e]0;title\\a\"\nkernel: none\nsteps: []\n")
            .Should()
            .ContainSingle()
            .Which.Should()
            .StartWith("test.yaml:2:8: there is no board '?]0;title?'");
    }
}
