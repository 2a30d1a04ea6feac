namespace Emulator.Scenarios.Tests;

/// <summary><c>dma330:</c> steps, and the faults that a real transfer leaves in the SMMU.</summary>
public sealed class Dma330StepTests
{
    private const string Memories = """
          - memory: { at: 0x8010_0000, iova: 0x0000, size: 4KiB, as: src, fill: { random: 1 } }
          - memory: { at: 0x8020_0000, iova: 0x1000, size: 4KiB, as: dst, fill: { byte: 0xff } }
          - memory: { at: 0x8030_0000, iova: 0x2000, size: 4KiB, as: code }

        """;

    private const string Copy = """
                DMAMOV CCR, SB16 SS128 SAI SP2 DB16 DS128 DAI DP2
                DMAMOV SAR, $(src.iova)
                DMAMOV DAR, $(target)
                DMALD
                DMAST
                DMAWMB
                DMAEND

        """;

    [Fact]
    public void A_program_is_assembled_with_its_variables_stored_and_started() =>
        Bench.Pass(
            """
              - memory: { at: 0x8010_0000, size: 256, as: src, fill: { random: 1 } }
              - memory: { at: 0x8020_0000, size: 256, as: dst, fill: { byte: 0xff } }
              - memory: { at: 0x8030_0000, size: 256, as: code }
              - let: { target: dst, n: 2 }
              - dma330:
                  on: dma$n
                  channel: n + 1
                  at: code
                  program: |

            """
                + Copy
                + """
                  - wait: { register: dma$n.CSR3, mask: 0xf, equals: 0, within: 1ms }
                  - expect: { memory: dst, equals: src }
                  - expect: { registers: { dma2.SAR3: src.end, dma2.DAR3: dst.end } }
                  - expect: { trace: clean }
                """
        );

    [Fact]
    public void Bytes_are_stored_as_they_are_and_need_not_be_started() =>
        Bench.Pass(
            """
              - dma330: { on: dma0, at: 0x8000_0000, bytes: "18 00", start: false }
              - expect: { memory: 0x8000_0000, bytes: "18 00" }
              - wait: { time: 1us }
              - expect: { registers: { dma0.CPC0: 0, dma0.CSR0: 0 } }
              - dma330: { on: dma0, at: 0x8000_0000, bytes: "18 00", pc: 0x8000_0001 }
              - wait: { register: dma0.CPC0, equals: 0x8000_0001, within: 1us }
            """
        );

    [Fact]
    public void A_channel_is_killed()
    {
        Bench.Pass(
            """
              - dma330: { on: dma0, at: 0x8000_0000, channel: 4, program: "DMAWFE 3" }
              - wait: { register: dma0.CSR4, mask: 0xf, equals: 4, within: 1us }
              - dma330: { on: dma0, channel: 4, kill: true }
              - wait: { register: dma0.CSR4, mask: 0xf, equals: 0, within: 1us }
            """
        );
        Bench
            .Fail("  - dma330: { on: dma0, channel: 8, kill: true }")
            .Message.Should()
            .Be("the DMA-330 has channels 0..7, not 8");
    }

    [Theory]
    [InlineData("- dma330: { on: dma0 }", "5:13: dma330 needs 'at:'", "5:13: dma330 needs one of: program:, bytes:")]
    [InlineData(
        "- dma330: { on: dma0, at: 0x8000_0000, bytes: xyz }",
        "5:49: 'bytes:' takes pairs of hexadecimal digits such as 'BC 01 F9 42 BE 00'"
    )]
    [InlineData(
        "- dma330: { on: dma0, at: 0x8000_0000, bytes: '00', program: DMAEND }",
        "5:42: dma330 takes 'program:' or 'bytes:', not both"
    )]
    [InlineData(
        "- dma330: { on: dma0, at: 0x8000_0000, ns: 1, program: DMAEND }",
        "5:46: 'ns:' is true or false, not '1'"
    )]
    [InlineData("- dma330: { on: dma0, kill: true, at: 0 }", "5:37: unknown key 'at' in dma330*")]
    public void A_mistake_has_its_place(string step, params string[] errors)
    {
        string[] found = Bench.StepErrors("  " + step);

        found.Should().HaveCount(errors.Length);
        found
            .Zip(errors)
            .Should()
            .OnlyContain(pair =>
                pair.First.StartsWith("test.yaml:" + pair.Second.TrimEnd('*'), StringComparison.Ordinal)
            );
    }

    [Fact]
    public void A_mistake_in_a_program_has_its_line_and_column_of_the_file_when_read_and_when_run()
    {
        const string Step = """
              - let: { n: 9 }
              - dma330:
                  on: dma0
                  at: 0x8000_0000
                  program: |
                    DMANOP
                    DMASEV {0}
                    DMAEDN
            """;

        string[] read = Bench.StepErrors(Step.Replace("{0}", "0", StringComparison.Ordinal));
        StepFailure run = Bench.Fail(
            Step.Replace("{0}", "$(n * 9)", StringComparison.Ordinal)
                .Replace("DMAEDN", "DMAEND", StringComparison.Ordinal)
        );

        read.Should().ContainSingle().Which.Should().StartWith("test.yaml:12:9: ").And.Contain("DMAEND");
        run.Place.Line.Should().Be(11);
        run.Place.Column.Should().Be(16);
    }

    [Fact]
    public void A_program_above_4_GiB_cannot_be_started() =>
        Bench
            .Fail("  - dma330: { on: dma0, at: 0x8000_0000, pc: 4GiB, program: DMAEND }")
            .Message.Should()
            .Be("the DMA-330 has 32-bit addresses; it cannot start at 0x1_0000_0000");

    [Theory]
    [InlineData(
        "0x67",
        "dst.iova",
        "ro",
        "kind: permission, write: true, stalled: false, address: 0x1000, level: 3, stream: 0"
    )]
    [InlineData(
        "0x67",
        "0x3000",
        "rw",
        "kind: translation, write: true, multiple: false, stalled: false, address: 0x3000, level: 3, stream: 0"
    )]
    [InlineData("0x67", "0x4000_0000", "rw", "kind: translation, write: true, address: 0x4000_0000, level: 1")]
    [InlineData("0xe7", "0x3000", "rw", "kind: translation, write: true, stalled: true, address: 0x3000")]
    public void A_store_that_the_SMMU_stops_is_described_by_its_fault_registers(
        string control,
        string target,
        string access,
        string fault
    ) =>
        Bench.Pass(
            Memories
                + Setup(control, access)
                + Transfer(target)
                + $$"""
                  - wait: { register: smmu.CB0_FSR, mask: 0x1fe, equals: {{(access is "ro" ? 8 : 2)}}, within: 1ms }
                  - expect: { fault: { on: smmu, bank: 0, {{fault}} } }
                  - expect: { memory: dst, fill: { byte: 0xff } }
                """
        );

    [Fact]
    public void A_stream_that_nothing_matches_is_a_global_fault() =>
        Bench.Pass(
            Memories
                + Setup("0x67", "rw").Replace("0x8008_0000", "0x8000_0005", StringComparison.Ordinal)
                + Transfer("dst.iova")
                + """
                  - wait: { register: smmu.sGFSR.USF, equals: 1, within: 1ms }
                  - expect: { fault: { on: smmu, kind: unidentified-stream, write: false, address: code.iova, stream: 0 } }
                """
        );

    [Fact]
    public void A_failure_explains_the_fault_of_the_devices()
    {
        StepFailure failure = Bench.Fail(
            Memories
                + Setup("0x67", "ro")
                + Transfer("dst.iova")
                + "  - wait: { time: 10us }\n  - expect: { memory: dst, equals: src }"
        );

        failure
            .Explanations.Should()
            .Contain(text =>
                text.StartsWith("smmu: context bank 0: permission fault, write", StringComparison.Ordinal)
            );
        failure.Explanations.Should().Contain(text => text.StartsWith("dma0: channel 0", StringComparison.Ordinal));
    }

    [Fact]
    public void What_the_wait_polls_for_ends_with_the_interrupt_never_coming() =>
        Bench.Pass(
            Memories
                + Setup("0x67", "rw")
                + Transfer("dst.iova")
                + """
                  - never: { interrupt: SPI 60, within: 100us }
                  - expect: { memory: dst, size: 256, equals: src }
                  - expect: { fault: { on: smmu, bank: 0, kind: none } }
                """
        );

    private static string Setup(string control, string access) =>
        $$"""
              - tables:
                  at: 0x8001_0000
                  as: tables
                  map:
                    - { iova: src.iova, to: src, size: 4KiB }
                    - { iova: dst.iova, to: dst, size: 4KiB, access: {{access}} }
                    - { iova: code.iova, to: code, size: 4KiB }
              - mmio:
                  write:
                    smmu.SMR0: 0x8008_0000
                    smmu.S2CR0: 0
                    smmu.CBAR0: 1
                    smmu.CB0_TTBR0: tables
                    smmu.CB0_TCR: tables.tcr
                    smmu.CB0_SCTLR: {{control}}
                    smmu.TLBIALLNSNH: 0
                    smmu.sCR0: 0x406

            """;

    private static string Transfer(string target) =>
        $"  - let: {{ target: {target} }}\n  - dma330:\n      on: dma0\n      at: code\n      program: |\n" + Copy;
}
