namespace Emulator.Scenarios.Tests;

/// <summary>Memory, registers, values, the trace: what passes, and what a failure shows.</summary>
public sealed class MemoryAndRegisterTests
{
    [Theory]
    [InlineData("fill: { byte: 0xab }", "ab ab ab ab ab ab ab ab ab ab")]
    [InlineData("fill: { count: 0xfe }", "fe ff 00 01 02 03 04 05 06 07")]
    [InlineData("fill: { word: 0x1122_3344 }", "44 33 22 11 44 33 22 11 44 33")]
    [InlineData("fill: { random: 0 }", "af cd 1d 7b 39 a8 20 e2 f4 65")]
    [InlineData("bytes: DE AD bee f", "de ad be ef 00 00 00 00 00 00")]
    [InlineData("words: [0x0403_0201, 5]", "01 02 03 04 05 00 00 00 00 00")]
    [InlineData("quads: [0x0807_0605_0403_0201]", "01 02 03 04 05 06 07 08 00 00")]
    [InlineData("text: 'aé$'", "61 c3 a9 24 00 00 00 00 00 00")]
    [InlineData("file: f.bin", "09 08 07 00 00 00 00 00 00 00")]
    public void Every_pattern_puts_its_bytes_and_is_recognised_again(string pattern, string bytes)
    {
        Bench.Pass(
            $$"""
              - memory: { at: 0x8000_0000, size: 10, {{pattern}} }
              - expect: { memory: 0x8000_0000, bytes: {{bytes}} }
              - expect: { memory: 0x8000_0000, size: 10, {{pattern}} }
            """,
            ("f.bin", [9, 8, 7])
        );
    }

    [Fact]
    public void A_difference_is_shown_side_by_side_with_the_place_in_the_named_memory() =>
        Bench
            .FailureReport(
                """
                  - memory: { at: 0x8000_0000, size: 64, as: src, fill: { count: 0 } }
                  - memory: { at: 0x8000_1000, size: 64, as: dst, fill: { count: 0 } }
                  - memory: { at: dst + 0x21, bytes: ff }
                  - expect: { memory: dst, equals: src }
                """
            )
            .Should()
            .Be(
                """
                test.yaml:8:23: memory at dst + 0x0 (0x8000_1000) differs from src + 0x0 (0x8000_0000): first difference at dst + 0x21 (0x8000_1021), 1 of 64 bytes differ
                   |
                 8 |   - expect: { memory: dst, equals: src }
                   |                       ^
                    expected                                                     found
                  ! 0x8000_1020: 20 21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f   0x8000_1020: 20 ff 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f
                    0x8000_1030: 30 31 32 33 34 35 36 37 38 39 3a 3b 3c 3d 3e 3f   0x8000_1030: 30 31 32 33 34 35 36 37 38 39 3a 3b 3c 3d 3e 3f
                  at 150ns of virtual time
                """.ReplaceLineEndings("\n")
            );

    [Theory]
    [InlineData("bytes: 01 02 03 04 05", "5 bytes cannot be compared with the 4 bytes of this memory")]
    [InlineData(
        "bytes: 01 02 03 05",
        "memory at m + 0x0 (0x8000_0000) differs: first difference at m + 0x3 (0x8000_0003), 1 of 4 bytes differ"
    )]
    [InlineData(
        "equals: m + 1",
        "memory at m + 0x0 (0x8000_0000) differs from m + 0x1 (0x8000_0001): first difference at m + 0x0 (0x8000_0000), 4 of 4 bytes differ"
    )]
    [InlineData("words: [0x1_0000_0000]", "0x100000000 does not fit in a word of 32 bits")]
    [InlineData("equals: 0x2", "reading 4 bytes at 0x2 gave DECERR")]
    public void An_expectation_of_memory_fails(string expected, string message) =>
        Bench
            .Fail(
                $$"""
                  - memory: { at: 0x8000_0000, as: m, bytes: 01 02 03 04 }
                  - expect: { memory: m, size: 4, {{expected}} }
                """
            )
            .Message.Should()
            .Be(message);

    [Theory]
    [InlineData("at: 0x8000_0000, size: 2, bytes: 01 02 03", "3 bytes do not fit in the 2 bytes of this memory")]
    [InlineData("at: 0x8000_0000, size: 0, fill: { byte: 1 }", "a memory step takes 1 byte to 64 MiB, not 0 bytes")]
    [InlineData(
        "at: 0x8000_0000, size: 65MiB, fill: { byte: 1 }",
        "a memory step takes 1 byte to 64 MiB, not 68157440 bytes"
    )]
    [InlineData("at: 0xffff_fff0, size: 32, fill: { byte: 1 }", "writing 32 bytes at 0xffff_fff0 gave DECERR")]
    [InlineData(
        "at: 0xffff_ffff_ffff_fff0, size: 32, fill: { byte: 1 }",
        "writing 32 bytes at 0xffff_ffff_ffff_fff0 gave DECERR"
    )]
    public void A_memory_step_fails(string memory, string message) =>
        Bench.Fail($"  - memory: {{ {memory} }}").Message.Should().Be(message);

    [Fact]
    public void Registers_fields_addresses_and_templates_are_read_and_written() =>
        Bench.Pass(
            """
              - mmio: { write: { smmu.CB3_TTBR0: 0x8001_0000, smmu.CB3_SCTLR.CFIE: 1 } }
              - let: { n: 3 }
              - mmio: { read: smmu.CB$(n)_TTBR0, as: base, equals: 0x8001_0000 }
              - mmio: { read: "smmu.CB$(n)_SCTLR", mask: 0x40, equals: 0x40 }
              - expect: { registers: { smmu.CB3_SCTLR.CFIE: 1, smmu.CB3_SCTLR: { mask: 0x1, equals: 0 } } }
              - expect: { value: base + 1, equals: 0x8001_0001 }
              - mmio: { write: { 0x8000_0000: 0x1122_3344 } }
              - mmio: { read: 0x8000_0002, size: 2, equals: 0x1122 }
              - mmio: { read: 0x8000_0000, size: 8, equals: 0x1122_3344 }
              - mmio: { write: { 0x8000_0004: 0xff }, size: 1 }
              - expect: { registers: { 0x8000_0004: 0xff } }
              - expect: { trace: clean }
            """
        );

    [Theory]
    [InlineData("mmio: { read: smmu.sCR0, equals: 7 }", "5:38: smmu.sCR0 has another value", "0x7", "0x1")]
    [InlineData("expect: { registers: { smmu.sCR0: 7 } }", "5:28: smmu.sCR0 has another value", "0x7", "0x1")]
    [InlineData(
        "expect: { registers: { smmu.sCR0.CLIENTPD: 0 } }",
        "5:28: smmu.sCR0.CLIENTPD has another value",
        "0x0",
        "0x1"
    )]
    [InlineData("expect: { registers: { 0x8000_0000: 7 } }", "5:28: 0x8000_0000 has another value", "0x7", "0x0")]
    [InlineData("expect: { value: 1 + 1, equals: 3 }", "5:13: 1 + 1 has another value", "0x3", "0x2")]
    [InlineData("mmio: { read: 0x4 }", "5:19: reading 0x4 gave DECERR", "OKAY", "DECERR")]
    [InlineData("mmio: { write: { 0x4: 1 } }", "5:22: writing 0x4 gave DECERR", "OKAY", "DECERR")]
    [InlineData(
        "mmio: { read: 0x8000_0000, fails: DECERR }",
        "5:19: the access to 0x8000_0000 was to fail",
        "DECERR",
        "OKAY"
    )]
    [InlineData(
        "mmio: { write: { 0x4: 1 }, fails: SLVERR }",
        "5:22: the access to 0x4 was to fail",
        "SLVERR",
        "DECERR"
    )]
    public void A_value_that_differs_is_shown_beside_the_one_that_was_wanted(
        string step,
        string message,
        string expected,
        string found
    )
    {
        StepFailure failure = Bench.Fail("  - " + step);

        $"{failure.Place.Line}:{failure.Place.Column}: {failure.Message}".Should().Be(message);
        failure.Expected.Should().Equal(expected);
        failure.Found.Should().Equal(found);
    }

    [Theory]
    [InlineData("mmio: { write: { smmu.sCR0.CLIENTPD: 2 } }", "2 does not fit in smmu.sCR0.CLIENTPD, which takes 0..1")]
    [InlineData("mmio: { write: { 0x8000_0000: 256 }, size: 1 }", "0x100 does not fit in the 8 bits of 0x8000_0000")]
    [InlineData(
        "mmio: { write: { smmu.sCR0: 0x1_0000_0000 } }",
        "0x1_0000_0000 does not fit in the 32 bits of smmu.sCR0"
    )]
    [InlineData(
        "mmio: { read: smmu$(3).sCR0 }",
        "board fvp-ve has no device 'smmu3'; did you mean 'smmu'? See: emulator boards show fvp-ve"
    )]
    [InlineData("let: { a: 1 / 0 }", "division by zero")]
    [InlineData("repeat: { times: 0 - 1, steps: [] }", "repeat takes at most 1000000 times, not 18446744073709551615")]
    public void What_only_running_can_know_fails_with_the_reason(string step, string message) =>
        Bench.Fail("  - " + step).Message.Should().Be(message);

    [Fact]
    public void A_variable_that_a_repetition_never_set_fails_where_it_is_used() =>
        Bench
            .FailureReport(
                """
                  - repeat: { times: 0, steps: [ { let: { late: 1 } } ] }
                  - let: { use: 2 * late }
                """
            )
            .Should()
            .Be(
                """
                test.yaml:6:21: there is no variable 'late'
                   |
                 6 |   - let: { use: 2 * late }
                   |                     ^
                  at 0ps of virtual time
                """.ReplaceLineEndings("\n")
            );

    [Fact]
    public void Accesses_that_are_to_fail_and_stubs_are_counted_in_the_trace()
    {
        Bench.Pass(
            """
              - mmio: { read: 0x4, fails: DECERR }
              - expect: { trace: { errors: 1, warnings: 1 } }
              - mmio: { read: 0x0800_0000, equals: 0 }
              - expect: { trace: { warnings: 2 } }
            """
        );
        Bench
            .FailureReport(
                """
                  - mmio: { read: 0x4, fails: DECERR }
                  - expect: { trace: clean }
                """
            )
            .Should()
            .Be(
                """
                test.yaml:6:22: the trace does not hold the expected number of errors
                   |
                 6 |   - expect: { trace: clean }
                   |                      ^
                    expected   found
                  ! 0 errors   1 errors
                  !            [     0.000000] error: bus cpu0 reads 4 bytes at 0x4 (requester 0x0, stream 0x0, non-secure): nothing is there
                  at 50ns of virtual time
                """.ReplaceLineEndings("\n")
            );
    }

    [Fact]
    public void A_failure_shows_the_last_events_before_it()
    {
        StepFailure failure = Bench.Fail(
            """
              - repeat: { times: 20, as: n, steps: [ { mmio: { write: { smmu.CB0_TTBR0: n << 12 } } } ] }
              - expect: { value: 1, equals: 2 }
            """
        );

        failure.LastEvents.Should().HaveCount(12);
        failure.LastEvents[^1].ToString().Should().Be("[     0.950000] smmu SMMU-400 CB0_TTBR0 <- 0x1_3000");
        failure.Time.Should().Be(1_000_000);
    }

    [Fact]
    public void The_caret_stands_under_its_column_also_after_tabs()
    {
        string report = Bench.FailureReport("  - expect:\t{ value:\t1, equals:\t2 }");

        report.Should().Contain("\n 5 |   - expect:\t{ value:\t1, equals:\t2 }\n   |            \t^\n");
    }

    [Fact]
    public void Secure_accesses_see_what_is_secure() =>
        Bench.Pass(
            """
              - mmio: { read: gic.GICD_CTLR, secure: true, equals: 0 }
              - mmio: { write: { gic.GICD_CTLR: 3 }, secure: true }
              - mmio: { read: gic.GICD_CTLR, secure: true, equals: 3 }
              - mmio: { read: gic.GICD_CTLR, equals: 1 }
            """
        );
}
