using System.Diagnostics;

namespace Emulator.Scenarios.Tests;

/// <summary>A scenario is untrusted: whatever it asks for ends soon, with the reason.</summary>
public sealed class BoundsTests
{
    [Theory]
    [InlineData(
        "  - wait: { time: 100s }\n  - wait: { time: 1ps }",
        "the scenario has used all the virtual time it may (100s)"
    )]
    [InlineData("  - wait: { time: 1000min }", "the scenario has used all the virtual time it may (100s)")]
    [InlineData(
        "  - wait: { register: 0x8000_0000, equals: 1, within: 90s, every: 1ps }",
        "20000000 events and DMA instructions without an end; does a program run for ever?"
    )]
    [InlineData(
        "  - repeat: { times: 1000, steps: [ { repeat: { times: 10000, steps: [ { let: { a: 1 } } ] } } ] }",
        "the scenario has made 5000000 steps; that is the limit"
    )]
    [InlineData(
        "  - repeat: { times: 1000000, steps: [ { repeat: { times: 1000000, steps: [] } } ] }",
        "the scenario has computed 100000000 numbers, accesses and blocks of 64 bytes; that is the limit"
    )]
    [InlineData(
        "  - repeat: { times: 1000000, steps: [ { expect: { memory: 0x8000_0000, size: 64MiB, fill: { byte: 0 } } } ] }",
        "the scenario has computed 100000000 numbers, accesses and blocks of 64 bytes; that is the limit"
    )]
    [InlineData(
        "  - repeat: { times: 1000000, steps: [ { tables: { at: 0x8010_0000, as: t, room: 32MiB } } ] }",
        "the scenario has computed 100000000 numbers, accesses and blocks of 64 bytes; that is the limit"
    )]
    [InlineData(
        "  - repeat: { times: 32, as: n, steps: [ { memory: { at: 0x8000_0000 + (n * 64MiB), size: 64MiB, fill: { byte: 1 } } } ] }",
        "the scenario has touched more than 1024 MiB of memory; that is the limit"
    )]
    public void A_scenario_that_asks_for_too_much_is_ended(string steps, string message)
    {
        var watch = Stopwatch.StartNew();

        Bench.Fail(steps).Message.Should().Be(message);

        // No measurement: it tells a bound from none.
        watch.Elapsed.Should().BeLessThan(TimeSpan.FromMinutes(3));
    }

    [Fact]
    public void A_program_that_never_ends_is_ended_and_its_last_instructions_are_shown()
    {
        const string Steps = """
              - memory: { at: 0x8030_0000, size: 4KiB, as: code }
              - dma330: { on: dma0, at: code, bytes: "18 2C 01 00" }
              - wait: { register: dma0.CSR0, mask: 0xf, equals: 0, within: 90s, every: 1ms }
            """;

        ScenarioResult result = Bench.Run(Bench.Scenario(Steps));

        result
            .Failure!.Message.Should()
            .Be("20000000 events and DMA instructions without an end; does a program run for ever?");
        result.Failure.LastEvents.Should().Contain(traced => traced.Message.Contains("DMANOP"));
    }

    [Fact]
    public void The_whole_of_the_virtual_time_can_be_used() => Bench.Pass("  - wait: { time: 100s }");
}
