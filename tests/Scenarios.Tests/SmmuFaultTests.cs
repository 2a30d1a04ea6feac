namespace Emulator.Scenarios.Tests;

/// <summary>
/// The fault registers of the SMMU in words. They are put in place through the RESTORE registers, as software that saves
/// and restores an SMMU does.
/// </summary>
public sealed class SmmuFaultTests
{
    private const string ContextFault = """
          - mmio:
              write:
                smmu.CB2_FSRRESTORE: 0xc000_0008
                smmu.CB2_FSYNR0: 0x13
                smmu.CB2_FAR: 0x5000
                smmu.CBFRSYNRA2: 0x8

        """;

    private const string GlobalFault = """
          - mmio:
              write:
                smmu.sGFSRRESTORE: 0x2
                smmu.sGFSYNR0: 0x2
                smmu.sGFSYNR1: 0x9
                smmu.sGFAR: 0x7000

        """;

    [Fact]
    public void A_context_fault_is_described_by_all_its_registers() =>
        Bench.Pass(
            ContextFault
                + "  - expect: { fault: { on: smmu, bank: 2, kind: permission, write: true, multiple: true, stalled: false, "
                + "address: 0x5000, level: 3, stream: 0x8 } }\n"
                + "  - expect: { fault: { on: smmu, bank: 1, kind: none } }\n"
                + "  - expect: { fault: { on: smmu, kind: none } }\n"
        );

    [Fact]
    public void A_global_fault_is_described_by_all_its_registers() =>
        Bench.Pass(
            GlobalFault
                + "  - expect: { fault: { on: smmu, kind: unidentified-stream, write: true, multiple: false, address: 0x7000, stream: 9 } }\n"
        );

    [Fact]
    public void Another_fault_is_shown_side_by_side() =>
        Bench
            .FailureReport(
                ContextFault
                    + "  - expect: { fault: { on: smmu, bank: 2, kind: translation, write: true, address: 0x6000, level: 3 } }"
            )
            .Should()
            .StartWith(
                """
                test.yaml:11:22: the fault registers of smmu show something else
                    |
                 11 |   - expect: { fault: { on: smmu, bank: 2, kind: translation, write: true, address: 0x6000, level: 3 } }
                    |                      ^
                    expected            found
                  ! kind: translation   kind: permission
                    write: true         write: true
                  ! address: 0x6000     address: 0x5000
                    level: 0x3          level: 0x3
                  at 200ns of virtual time
                """.ReplaceLineEndings("\n")
            );

    [Theory]
    [InlineData("smmu.CB2_FSRRESTORE: 0x2", "bank: 2, kind: translation")]
    [InlineData("smmu.CB2_FSRRESTORE: 0x4", "bank: 2, kind: access-flag")]
    [InlineData("smmu.CB2_FSRRESTORE: 0x8", "bank: 2, kind: permission")]
    [InlineData("smmu.CB2_FSRRESTORE: 0x10", "bank: 2, kind: external")]
    [InlineData("smmu.CB2_FSRRESTORE: 0x20", "bank: 2, kind: tlb-conflict")]
    [InlineData("smmu.sGFSRRESTORE: 0x1", "kind: invalid-context")]
    [InlineData("smmu.sGFSRRESTORE: 0x2", "kind: unidentified-stream")]
    [InlineData("smmu.sGFSRRESTORE: 0x4", "kind: stream-conflict")]
    [InlineData("smmu.sGFSRRESTORE: 0x8", "kind: unimplemented-bank")]
    [InlineData("smmu.sGFSRRESTORE: 0x20", "kind: configuration-access")]
    public void Every_kind_has_a_word(string write, string fault) =>
        Bench.Pass($"  - mmio: {{ write: {{ {write} }} }}\n  - expect: {{ fault: {{ on: smmu, {fault} }} }}\n");

    [Fact]
    public void No_fault_is_an_expectation_too()
    {
        StepFailure failure = Bench.Fail(GlobalFault + "  - expect: { fault: { on: smmu, kind: none } }");

        failure.Expected.Should().Equal("kind: none");
        failure.Found.Should().Equal("kind: unidentified-stream");
    }

    [Fact]
    public void A_bank_that_is_not_there_is_named() =>
        Bench
            .Fail("  - expect: { fault: { on: smmu, bank: 9, kind: none } }")
            .Message.Should()
            .StartWith("smmu has no register 'CB9_FSR'");
}
