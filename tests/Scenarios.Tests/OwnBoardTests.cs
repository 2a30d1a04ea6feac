using System.Text;
using Emulator.Machine.DeviceTrees;

namespace Emulator.Scenarios.Tests;

/// <summary>A board from the user's own device tree beside the scenario.</summary>
public sealed class OwnBoardTests
{
    private const string Common = """
        / {
          #address-cells = <1>;
          #size-cells = <1>;
          memory@1000 { device_type = "memory"; reg = <0x1000 0x1000>; };
        };
        """;

    private const string Board = """
        /dts-v1/;
        /include/ "common.dtsi"
        / { clock: rtc@9000 { compatible = "arm,pl031"; reg = <0x9000 0x1000>; }; thing@a000 { compatible = "acme,thing"; reg = <0xa000 0x100>; }; };
        """;

    private const string Steps = """
        kernel: none
        steps:
          - mmio: { write: { clock.RTCMR: 5, 0x1000: 6, thing@a000: 7 } }
        """;

    [Theory]
    [InlineData("mine.dts", "mine.dts", "common.dtsi")]
    [InlineData("boards/mine.dts", "boards/mine.dts", "boards/common.dtsi")]
    public void A_source_is_a_board_and_finds_what_it_includes_beside_itself(
        string board,
        string file,
        string included
    ) =>
        Bench
            .Run(
                Text(board, "mmio: { write: { clock.RTCMR: 5, 0x1000: 6 } }"),
                sink: null,
                (file, Encoding.UTF8.GetBytes(Board)),
                (included, Encoding.UTF8.GetBytes(Common))
            )
            .Passed.Should()
            .BeTrue();

    [Fact]
    public void A_blob_is_a_board()
    {
        DeviceTree tree = DtsReader.Parse(
            Board.Replace("/include/ \"common.dtsi\"", Common, StringComparison.Ordinal),
            "x"
        );

        Bench
            .Run(
                Text("mine.dtb", "mmio: { write: { rtc@9000.RTCMR: 5 } }"),
                sink: null,
                ("mine.dtb", DtbWriter.Write(tree))
            )
            .Passed.Should()
            .BeTrue();
    }

    [Theory]
    [InlineData(
        "../mine.dts",
        "test.yaml:2:8: '../mine.dts' is not a file beside the scenario; write a relative path without '..'"
    )]
    [InlineData(
        "other.dts",
        "test.yaml:2:8: there is no file 'other.dts' beside the scenario (links are not followed; 16 MiB at most)"
    )]
    [InlineData("broken.dts", "test.yaml:2:8: broken.dts:1:13: *")]
    [InlineData(
        "outside.dts",
        "test.yaml:2:8: '../secret.dtsi' is not a file beside the scenario; write a relative path without '..'"
    )]
    [InlineData("overlap.dts", "test.yaml:2:8: board overlap.dts: Region *")]
    public void A_board_that_cannot_be_made_is_a_mistake_of_the_file(string board, string error)
    {
        string[] errors = Bench.Errors(
            Text(board, "wait: { time: 1ns }"),
            ("broken.dts", "/dts-v1/; / oops"u8.ToArray()),
            ("outside.dts", "/dts-v1/; /include/ \"../secret.dtsi\" / { };"u8.ToArray()),
            (
                "overlap.dts",
                "/dts-v1/; / { #address-cells = <1>; #size-cells = <1>; a@0 { compatible = \"x\"; reg = <0 8>; }; b@4 { compatible = \"x\"; reg = <4 8>; }; };"u8.ToArray()
            )
        );

        errors.Should().Contain(line => Matches(line, error), string.Join('\n', errors));
    }

    [Fact]
    public void A_board_of_ones_own_has_no_options() =>
        Bench
            .Errors(
                "name: a\nboard: mine.dts\noptions: { x: 1 }\n" + Steps,
                ("mine.dts", Encoding.UTF8.GetBytes(Board)),
                ("common.dtsi", Encoding.UTF8.GetBytes(Common))
            )
            .Should()
            .Contain("test.yaml:3:12: a board of your own has no options; change its device tree");

    [Fact]
    public void A_device_that_nobody_models_has_no_register_names() =>
        Bench
            .Errors(
                Text("mine.dts", "mmio: { write: { thing@a000.X: 1 } }"),
                ("mine.dts", Encoding.UTF8.GetBytes(Board)),
                ("common.dtsi", Encoding.UTF8.GetBytes(Common))
            )
            .Should()
            .Equal("test.yaml:5:22: thing@a000 is not modelled, so it has no register names; use an address");

    private static bool Matches(string line, string pattern) =>
        pattern.EndsWith('*')
            ? line.StartsWith(pattern[..^1], StringComparison.Ordinal)
            : string.Equals(line, pattern, StringComparison.Ordinal);

    private static string Text(string board, string step) =>
        $"name: own board\nboard: {board}\nkernel: none\nsteps:\n  - {step}\n";
}
