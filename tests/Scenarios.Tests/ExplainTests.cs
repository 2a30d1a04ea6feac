namespace Emulator.Scenarios.Tests;

/// <summary><c>explain:</c> and the AArch64 formats of <c>tables:</c>.</summary>
public sealed class ExplainTests
{
    private const string Mapped = """
          - tables: { at: 0x8010_0000, as: t, map: [{ iova: 0x1000, to: 0x9000_0000, size: 4KiB, access: ro }] }
          - mmio:
              write:
                smmu.SMR0: 0x8000_0000
                smmu.S2CR0: 0
                smmu.CBAR0: 1
                smmu.CB0_TTBR0: t
                smmu.CB0_TCR: t.tcr
                smmu.CB0_SCTLR: 0x67
                smmu.sCR0: 0x406
        """;

    [Fact]
    public void An_SMMU_that_is_off_says_so() =>
        Bench.Pass(
            "  - explain: { on: smmu, stream: 3, iova: 0x1234, shows: [sCR0.CLIENTPD is 1, \"-> 0x1234, unchanged\"] }"
        );

    [Fact]
    public void Every_descriptor_is_shown_and_nothing_changes() =>
        Bench.Pass(
            Mapped
                + """

                  - explain:
                      on: smmu
                      stream: 0
                      iova: 0x1abc
                      shows:
                        - "stream 0x0: SMR0 matches, context bank 0: stage 2"
                        - "TLB: no entry of VMID 1"
                        - L1[0x0] @0x8010_0000 = 0x8010_1003 table -> 0x8010_1000
                        - L2[0x0] @0x8010_1000 = 0x8010_2003 table -> 0x8010_2000
                        - page RO -> 0x9000_0000
                        - "-> 0x9000_0abc (4 KiB RO)"
                  - explain: { on: smmu, stream: 0, iova: 0x1abc, access: write, shows: ["permission fault, write, IPA 0x1abc, level 3"] }
                  - explain: { on: smmu, stream: 1, iova: 0x1abc, shows: [no SMR matches, "unidentified stream fault"] }
                  - explain: { on: smmu, stream: 0, iova: 0x1000, shows: ["TLB: no entry"] }
                  - expect: { registers: { smmu.CB0_FSR: 0, smmu.sGFSR: 0 } }
                  - expect: { trace: clean }
                """
        );

    [Fact]
    public void What_is_not_shown_fails_with_all_the_lines()
    {
        StepFailure failure = Bench.Fail("  - explain: { on: smmu, stream: 3, iova: 0x1234, shows: [page RW] }");
        failure.Message.Should().Be("smmu translates otherwise: 'page RW' is not shown");
        failure.Found.Should().HaveCount(2);
    }

    [Fact]
    public void A_device_that_is_no_SMMU_is_a_mistake_of_the_file() =>
        Bench
            .Read(Bench.Scenario("  - explain: { on: dma0, stream: 0, iova: 0 }"))
            .Errors.Should()
            .ContainSingle()
            .Which.ToString()
            .Should()
            .Contain("board fvp-ve has no SMMU 'dma0'");

    [Theory]
    [InlineData("rw", 0xF47UL)]
    [InlineData("ro", 0xFC7UL)]
    [InlineData("none", 0xF87UL)]
    public void A_stage_1_page_has_the_attributes_that_Linux_gives_it(string access, ulong leaf) =>
        Bench.Pass(
            $$"""
              - tables:
                  at: 0x8010_0000
                  as: t
                  format: aarch64-stage-1
                  input-bits: 48
                  map: [{ iova: 0x0, to: 0x9000_0000, size: 4KiB, access: {{access}} }]
              - expect: { value: t.tcr, equals: 0x0080_3510 }
              - expect: { memory: 0x8010_0000, size: 8, quads: [0x8010_1003] }
              - expect: { memory: 0x8010_3000, size: 8, quads: [0x9000_0000 + {{leaf}}] }
            """
        );

    [Fact]
    public void Stage_2_of_SMMUv2_begins_as_its_TCR_says() =>
        Bench.Pass(
            """
              - tables: { at: 0x8010_0000, as: t, format: aarch64-stage-2, map: [{ iova: 0, to: 0, size: 2MiB, block: 2MiB }] }
              - expect: { value: t.tcr, equals: 0x8005_3559 }
              - expect: { memory: 0x8010_1000, size: 8, quads: [0x7FD] }
            """
        );
}
