using Emulator.Machine;

namespace Emulator.Scenarios.Tests;

/// <summary>The same scenario gives the same trace, alone or among others.</summary>
public sealed class DeterminismTests
{
    [Fact]
    public void The_same_scenario_gives_the_same_trace_twice()
    {
        (string first, _) = Trace(3);
        (string second, _) = Trace(3);

        first.Should().NotBeEmpty();
        second.Should().Be(first);
    }

    [Fact]
    public void A_trace_changes_neither_the_outcome_nor_the_time()
    {
        (_, ScenarioResult traced) = Trace(3);
        ScenarioResult plain = Bench.Runner.Run(traced.Scenario);

        plain.VirtualTime.Should().Be(traced.VirtualTime);
        plain.Passed.Should().Be(traced.Passed);
    }

    [Fact]
    public void Scenarios_that_run_at_once_give_what_they_give_alone()
    {
        string[] alone = [.. Enumerable.Range(0, 16).Select(seed => Trace(seed).Text)];
        string[] together =
        [
            .. Enumerable
                .Range(0, 16)
                .AsParallel()
                .AsOrdered()
                .WithDegreeOfParallelism(4)
                .Select(seed => Trace(seed).Text),
        ];

        together.Should().Equal(alone);
    }

    private static (string Text, ScenarioResult Result) Trace(int seed)
    {
        using var text = new StringWriter();
        ScenarioResult result = Bench.Run(
            Bench.Scenario(
                $$"""
                  - memory: { at: 0x8000_0000, size: 4KiB, as: src, fill: { random: {{seed}} } }
                  - tables: { at: 0x8010_0000, as: t, map: [ { iova: 0, to: src, size: 4KiB } ] }
                  - mmio: { write: { smmu.CB0_TTBR0: t, smmu.CB0_TCR: t.tcr, smmu.CB0_FSRRESTORE: {{seed % 8}} << 1 } }
                  - mmio: { read: rtc.RTCDR, as: now }
                  - mmio: { write: { gic.GICD_CTLR: 1, gic.GICD_ISENABLER1: 0x10, gic.GICC_PMR: 0xf0, gic.GICC_CTLR: 1 } }
                  - mmio: { write: { gic.GICD_ITARGETSR9: 1, rtc.RTCMR: now + {{(seed % 3) + 1}}, rtc.RTCIMSC: 1 } }
                  - wait: { interrupt: SPI 4, within: 5s, handler: { rtc.RTCICR: 1 } }
                """
            ),
            new TextTraceSink(text)
        );
        result.Passed.Should().BeTrue();
        return (text.ToString(), result);
    }
}
