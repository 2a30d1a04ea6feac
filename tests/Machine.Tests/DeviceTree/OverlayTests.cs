using System.Text;
using Emulator.Machine.DeviceTrees;

namespace Emulator.Machine.Tests.DeviceTrees;

public sealed class OverlayTests
{
    private const string Plugin = """
        /dts-v1/;
        /plugin/;
        &dma1 {
            status = "okay";
            dma-coherent = <1>;
            peer = <&extra &uart0>, <&gic>;
            extra: extra@1 { reg = <1>; self = <&extra>; };
        };
        &{/keys} { second { gpios = <&gpio 7 0>; }; };
        / {
            fragment@9 {
                target-path = "/soc";
                __overlay__ { added: new@2c0f0000 { reg = <0x2c0f0000 0x1000>; interrupt-parent = <&gic>; }; };
            };
        };
        &added { late; };
        """;

    private static readonly DtsReaderOptions WithSymbols = new() { GenerateSymbols = true };

    [Theory]
    [InlineData(Plugin)]
    [InlineData("/dts-v1/;\n/plugin/;\n&a { b = <&c>; };\n&{/x} { };\nl: &n { };\n/ { n: n { }; };")]
    [InlineData(
        "/dts-v1/;\n/plugin/;\n/ { n: n { p = <&n>, <1 &foreign &n>, \"s\", <&foreign>; }; };\n&n { q; };\nl: &n { r; };"
    )]
    [InlineData("/dts-v1/;\n/plugin/;\n/ { };")]
    public void A_plugin_compiles_as_with_dtc(string source)
    {
        foreach (bool symbols in new[] { false, true })
        {
            DtcOracle.Outcome dtc = DtcOracle.Dtc(
                source,
                [.. symbols ? ["-@"] : Array.Empty<string>(), "-q", "-O", "dtb"]
            );
            Func<DeviceTree> parse = () =>
                DtsReader.Parse(source, "plugin.dts", options: new DtsReaderOptions { GenerateSymbols = symbols });
            if (dtc.ExitCode == 0)
            {
                DtbWriter.Write(parse()).Should().Equal(dtc.Output);
            }
            else
            {
                parse.Should().Throw<DeviceTreeException>();
            }
        }
    }

    [Fact]
    public void An_overlay_applied_here_gives_the_tree_that_fdtoverlay_gives()
    {
        byte[] board = DtbWriter.Write(DtsReader.Parse(BoardSource.Text, "board.dts", options: WithSymbols));
        byte[] overlay = DtbWriter.Write(DtsReader.Parse(Plugin, "plugin.dts", options: WithSymbols));
        string expected = DtsWriter.Write(DtbReader.Read(DtcOracle.FdtOverlay(board, overlay), "out.dtb"));

        DeviceTree fromBlobs = DeviceTreeOverlay.Apply(
            DtbReader.Read(board, "board.dtb"),
            DtbReader.Read(overlay, "plugin.dtbo")
        );
        DtsWriter.Write(fromBlobs).Should().Be(expected);

        // The second application finds the symbols the first one added.
        byte[] second = DtbWriter.Write(
            DtsReader.Parse("/dts-v1/;\n/plugin/;\n&added { x = <&extra>; };", "second.dts")
        );
        DtsWriter
            .Write(DeviceTreeOverlay.Apply(fromBlobs, DtbReader.Read(second, "second.dtbo")))
            .Should()
            .Be(DtsWriter.Write(DtbReader.Read(DtcOracle.FdtOverlay(board, overlay, second), "out.dtb")));
    }

    [Fact]
    public void An_overlay_reaches_a_base_from_source_by_its_labels()
    {
        DeviceTree board = DtsReader.Parse(BoardSource.Text, "board.dts");
        DeviceTree merged = DeviceTreeOverlay.Apply(board, DtsReader.Parse(Plugin, "plugin.dts"));

        DeviceTreeNode dma = merged.GetByPath("/soc/dma@2c0a0000");
        dma.Status.Should().Be("okay");
        uint[] peer = dma.GetProperty("peer").ReadCells();
        merged.FindByPhandle(peer[0])!.Path.Should().Be("/soc/dma@2c0a0000/extra@1");
        merged.FindByPhandle(peer[1])!.Path.Should().Be("/soc/serial@2c090000");
        merged.FindByPhandle(peer[2])!.Path.Should().Be("/interrupt-controller@2c001000");
        merged.GetByPath("/soc/new@2c0f0000").HasProperty("late").Should().BeTrue();
        merged.FindByLabel("extra")!.GetProperty("self").ReadUInt32().Should().Be(peer[0]);
        board.GetByPath("/soc/dma@2c0a0000").HasProperty("peer").Should().BeFalse("the base stays as it is");
    }

    [Theory]
    [InlineData("&nowhere { };", "no such label")]
    [InlineData("&{/nowhere} { };", "no node /nowhere")]
    [InlineData("/ { fragment@0 { __overlay__ { }; }; };", "neither 'target' nor 'target-path'")]
    [InlineData("/ { fragment@0 { target = <0x999>; __overlay__ { }; }; };", "0x999")]
    [InlineData("/ { __fixups__ { gic = \"/x:y:z\"; }; };", "path:property:offset")]
    [InlineData("/ { a; __fixups__ { gic = \"/:a:0\"; }; };", "no cell at byte 0")]
    [InlineData("/ { __local_fixups__ { a = <0>; }; };", "does not have")]
    [InlineData("/ { __local_fixups__ { n { a = <0>; }; }; };", "no counterpart")]
    public void An_overlay_that_does_not_fit_is_refused(string body, string reason)
    {
        DeviceTree board = DtsReader.Parse(BoardSource.Text, "board.dts");
        DeviceTree overlay = DtsReader.Parse("/dts-v1/;\n/plugin/;\n" + body, "plugin.dts");
        Action apply = () => DeviceTreeOverlay.Apply(board, overlay);
        apply.Should().Throw<DeviceTreeException>().WithMessage($"*{reason}*");
    }

    [Theory]
    [InlineData("&dma1 { /delete-property/ status; };")]
    [InlineData("&dma1 { /delete-node/ child; };")]
    public void A_deletion_in_an_overlay_is_refused_as_no_blob_can_carry_it(string body)
    {
        Action parse = () => DtsReader.Parse("/dts-v1/;\n/plugin/;\n" + body, "plugin.dts");
        parse.Should().Throw<DeviceTreeException>().WithMessage("plugin.dts:3:9:*overlay cannot delete*");
    }

    [Fact]
    public void An_edit_changes_a_copy_of_the_tree_as_if_it_stood_at_the_end_of_the_source()
    {
        const string edit = """
            &dma1 { compatible = "arm,pl330"; /delete-property/ dma-coherent; other = <&uart0 &fresh>, "x", &gpio; };
            &{/soc} { fresh: fresh@1 { reg = <1 1>; }; };
            /delete-node/ &low;
            """;
        DeviceTree board = DtsReader.Parse(BoardSource.Text, "board.dts");
        DeviceTree edited = DtsReader.ParseOnto(board, edit, "edit.dts");

        edited.GetByPath("/soc/dma@2c0a0000").Compatible.Should().Equal("arm,pl330");
        edited.FindByPath("/soc/device@10").Should().BeNull();
        edited.FindByLabel("fresh")!.Location.ToString().Should().StartWith("edit.dts:2:");
        board.GetByPath("/soc/dma@2c0a0000").Compatible.Should().HaveCount(2);

        // Only phandles may differ: the tree kept those it had.
        static string Shape(DeviceTree tree) => string.Join('\n', tree.Nodes.Select(node => node.Path));
        Shape(edited).Should().Be(Shape(DtsReader.Parse(BoardSource.Text + edit, "board.dts")));
        DtsWriter.Write(DtsReader.ParseOnto(board, "", "none.dts")).Should().Be(DtsWriter.Write(board));
    }

    [Theory]
    [InlineData("&dma1 { /delete-property/ nothing; };", "edit.dts:1:9: *'nothing'*")]
    [InlineData("&dma1 { /delete-node/ nothing; };", "edit.dts:1:9: *'nothing'*")]
    [InlineData("&nothing { };", "edit.dts:1:1: *'nothing'*")]
    [InlineData("/dts-v1/; /plugin/; &dma1 { };", "*apply it as an overlay*")]
    [InlineData("/delete-node/ &gic;", "*refers to the label 'gic'*")]
    public void An_edit_that_misses_its_object_is_refused(string edit, string message)
    {
        DeviceTree board = DtsReader.Parse(BoardSource.Text, "board.dts");
        Action parse = () => DtsReader.ParseOnto(board, edit, "edit.dts");
        parse.Should().Throw<DeviceTreeException>().WithMessage(message);
    }

    [Fact]
    public void A_tree_from_a_blob_is_edited_by_the_labels_of_its_symbols()
    {
        byte[] blob = DtbWriter.Write(DtsReader.Parse(BoardSource.Text, "board.dts", options: WithSymbols));
        DeviceTree edited = DtsReader.ParseOnto(
            DtbReader.Read(blob, "board.dtb"),
            "&uart0 { x = <&gic>; };",
            "edit.dts"
        );
        edited.GetByPath("serial0").GetProperty("x").ReadUInt32().Should().Be(edited.FindByLabel("gic")!.Phandle);
        Encoding.ASCII.GetString(blob).Should().Contain("__symbols__");
    }
}
