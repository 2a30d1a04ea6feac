namespace Emulator.Scenarios.Tests;

/// <summary>Time, interrupts taken at the GIC, and what must never happen.</summary>
public sealed class WaitTests
{
    private const string GicOn = """
          - mmio: { write: { gic.GICD_CTLR: 1, gic.GICD_ISENABLER3: 1, gic.GICD_ITARGETSR24: 1, gic.GICC_PMR: 0xf0, gic.GICC_CTLR: 1 } }

        """;

    private const string SetPending = "  - mmio: { write: { gic.GICD_ISPENDR3: 1 } }\n";

    [Fact]
    public void A_pending_interrupt_is_taken_handled_and_ended() =>
        Bench.Pass(
            GicOn
                + SetPending
                + """
                  - expect: { interrupts: { pending: [SPI 64, INTID 96], idle: [SPI 65, PPI 11, SGI 3] } }
                  - wait: { interrupt: SPI 64, within: 1us, handler: { 0x8000_0000: 42 } }
                  - expect: { interrupts: { idle: [SPI 64] } }
                  - mmio: { read: 0x8000_0000, equals: 42 }
                  - mmio: { read: gic.GICD_ISACTIVER3, equals: 0 }
                """
        );

    [Fact]
    public void An_alarm_of_the_clock_is_waited_for_in_virtual_time() =>
        Bench.Pass(
            """
              - mmio: { write: { gic.GICD_CTLR: 1, gic.GICD_ISENABLER1: 0x10, gic.GICD_ITARGETSR9: 1, gic.GICC_PMR: 0xf0, gic.GICC_CTLR: 1 } }
              - mmio: { read: rtc.RTCDR, as: now }
              - mmio: { write: { rtc.RTCMR: now + 3, rtc.RTCIMSC: 1 } }
              - never: { interrupt: SPI 4, within: 1900ms }
              - wait: { interrupt: SPI 4, within: 2s, handler: { rtc.RTCICR: 1 } }
              - mmio: { read: rtc.RTCDR, equals: now + 3 }
            """
        );

    [Theory]
    [InlineData("", "SPI 64 is not enabled in the GIC distributor")]
    [InlineData(GicOn, "SPI 64 is enabled and not pending")]
    [InlineData(
        GicOn + SetPending + "  - mmio: { write: { gic.GICC_CTLR: 0 } }\n",
        "SPI 64 is pending but not signalled (group, priority mask or target)"
    )]
    public void An_interrupt_that_does_not_come_says_where_it_stays(string before, string reason)
    {
        StepFailure failure = Bench.Fail(before + "  - wait: { interrupt: SPI 64, within: 1us }");

        failure.Message.Should().Be("SPI 64 did not come within 1us");
        failure.Expected.Should().Equal("SPI 64 taken");
        failure.Found.Should().Equal($"the CPU's IRQ input stays low; {reason}");
    }

    [Fact]
    public void Another_interrupt_is_not_mistaken_for_the_one_that_is_waited_for()
    {
        StepFailure failure = Bench.Fail(GicOn + SetPending + "  - wait: { interrupt: SPI 65, within: 1us }");

        failure.Message.Should().Be("another interrupt came");
        failure.Expected.Should().Equal("SPI 65");
        failure.Found.Should().Equal("SPI 64");
    }

    [Theory]
    [InlineData("SPI 988", "SPI takes 0..987, not 988")]
    [InlineData("PPI 16", "PPI takes 0..15, not 16")]
    [InlineData("SGI 16", "SGI takes 0..15, not 16")]
    [InlineData("INTID 1020", "INTID takes 0..1019, not 1020")]
    public void Interrupt_numbers_have_their_ranges(string interrupt, string message) =>
        Bench.Fail($"  - wait: {{ interrupt: {interrupt}, within: 1us }}").Message.Should().Be(message);

    [Theory]
    [InlineData("pending: [SPI 64]", "SPI 64 is not pending at the GIC", "pending", "not pending")]
    [InlineData("idle: [SPI 66, SPI 65]", "SPI 65 is pending at the GIC", "not pending", "pending")]
    public void Interrupts_at_the_GIC_are_expected(string expectation, string message, string expected, string found)
    {
        StepFailure failure = Bench.Fail(
            "  - mmio: { write: { gic.GICD_ISPENDR3: 2 } }\n  - expect: { interrupts: { " + expectation + " } }"
        );

        failure.Message.Should().Be(message);
        failure.Expected.Should().Equal(expected);
        failure.Found.Should().Equal(found);
    }

    [Fact]
    public void A_register_is_polled_until_it_has_its_value() =>
        Bench.Pass(
            """
              - mmio: { read: rtc.RTCDR, as: now }
              - wait: { register: rtc.RTCDR, equals: now + 2, within: 3s, every: 1ms }
              - wait: { register: rtc.RTCDR, mask: 0, equals: 0, within: 1ns }
            """
        );

    [Fact]
    public void A_register_that_keeps_its_value_fails_the_wait()
    {
        StepFailure failure = Bench.Fail("  - wait: { register: smmu.sCR0, equals: 0, within: 1us }");

        failure.Message.Should().Be("smmu.sCR0 did not get its value within 1us");
        failure.Expected.Should().Equal("0x0");
        failure.Found.Should().Equal("0x1");
        failure.Time.Should().Be(1_000_000);
    }

    [Fact]
    public void What_must_never_happen_may_stay_away() =>
        Bench.Pass(
            GicOn
                + """
                  - never: { interrupt: SPI 64, within: 1us }
                  - never: { register: smmu.sCR0, equals: 0, within: 1us }
                  - never: { register: smmu.sCR0, mask: 0x2, equals: 2, within: 1us }
                  - never: { changes: 0x8000_0000, size: 4KiB, within: 1us }
                """
        );

    [Theory]
    [InlineData("interrupt: SPI 64", "SPI 64 was never to come", "SPI 64 not pending", "pending")]
    [InlineData("register: smmu.sCR0, equals: 1", "smmu.sCR0 was never to be 0x1", "not 0x1", "0x1")]
    public void What_must_never_happen_fails_when_it_does(string never, string message, string expected, string found)
    {
        StepFailure failure = Bench.Fail(GicOn + SetPending + $"  - never: {{ {never}, within: 1us }}");

        failure.Message.Should().Be(message);
        failure.Expected.Should().Equal(expected);
        failure.Found.Should().Equal(found);
        failure.Time.Should().BeLessThan(1_000_000);
    }

    [Fact]
    public void Time_passes_by_fixed_costs()
    {
        ScenarioResult result = Bench.Run(
            Bench.Scenario(
                """
                  - let: { a: 1 }
                  - mmio: { write: { 0x8000_0000: 1, 0x8000_0004: 2 } }
                  - mmio: { read: 0x8000_0000 }
                  - memory: { at: 0x8000_0000, size: 10, fill: { byte: 1 } }
                  - memory: { at: 0x8000_0000, size: 4KiB, fill: { byte: 1 } }
                  - tables: { at: 0x8001_0000, as: t }
                  - wait: { time: 1us }
                """
            )
        );

        const long Nanoseconds = (2 * 50) + 50 + 50 + (64 * 50) + 50 + 1000;
        result.VirtualTime.Should().Be(Nanoseconds * 1000);
    }
}
