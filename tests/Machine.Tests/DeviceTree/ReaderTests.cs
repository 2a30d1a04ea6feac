using System.Text;
using Emulator.Machine.DeviceTrees;

namespace Emulator.Machine.Tests.DeviceTrees;

public sealed class ReaderTests
{
    private static DeviceTree Parse(string body) => DtsReader.Parse("/dts-v1/;\n" + body, "t.dts");

    private static string Refusal(string text) =>
        FluentActions
            .Invoking(() => DtsReader.Parse(text, "t.dts"))
            .Should()
            .Throw<DeviceTreeException>()
            .Which.Message;

    [Fact]
    public void A_label_that_is_defined_twice_is_refused_with_both_places()
    {
        Refusal("/dts-v1/;\n/ {\n  l: a { };\n  l: b { };\n};")
            .Should()
            .Be("t.dts:4:8: label 'l' is defined twice: on /a (first at t.dts:3:8) and on /b");
    }

    [Theory]
    [InlineData("/dts-v1/;\n/ { a = <FOO>; };", "t.dts:2:10: *run cpp first*")]
    [InlineData(
        "/dts-v1/;\n  #include <x.h>\n/ { };",
        "t.dts:2:3: #include is a C preprocessor directive: run cpp first*"
    )]
    [InlineData("/dts-v1/;\n/ {\n# 30 \"x.dtsi\" 2\n  a = <(1/0)>;\n};", "x.dtsi:30:11: division by zero")]
    [InlineData("/dts-v1/;\n/ { n { }; a; };", "t.dts:2:12: properties must precede subnodes*")]
    [InlineData("/dts-v1/;\n/ { a = <&x>; };", "t.dts:2:5: /: property 'a' refers to the label 'x'*")]
    [InlineData("/dts-v1/;\n/ { a = <0x1ffffffff>; };", "t.dts:2:10: 0x1ffffffff does not fit*two cells*")]
    [InlineData("/ { };", "t.dts:1:1: *'/dts-v1/;'*")]
    public void A_mistake_is_shown_at_its_place_with_the_way_to_mend_it(string text, string message) =>
        Refusal(text).Should().Match(message);

    [Fact]
    public void All_mistakes_that_do_not_hide_others_are_reported_at_once() =>
        Refusal("/dts-v1/;\n/ { a = <(1/0) 0x100000000>; };\n&x { };").Split('\n').Should().HaveCount(3);

    [Fact]
    public void A_comment_or_a_property_may_look_like_a_directive() =>
        Parse("/ { #define = <1>; /*\n#include <x>\n*/ };").Root.GetProperty("#define").ReadUInt32().Should().Be(1);

    [Fact]
    public void Included_files_are_found_by_the_resolver_and_named_in_errors()
    {
        Dictionary<string, byte[]> files = new(StringComparer.Ordinal)
        {
            ["dir/a.dtsi"] = Encoding.UTF8.GetBytes("n { b = /incbin/(\"data\"), /incbin/(\"data\", 1, 2), <5>; };\n"),
            ["inc/data"] = [1, 2, 3, 4],
            ["inc/bad"] = Encoding.UTF8.GetBytes("\n!"),
        };
        DtsIncludeResolver resolver = DtcFacade.SearchIn(["inc"], files.GetValueOrDefault);
        DeviceTree tree = DtsReader.Parse("/dts-v1/; / { /include/ \"a.dtsi\" };", "dir/t.dts", resolver);
        DeviceTreeProperty b = tree.GetByPath("/n").GetProperty("b");
        b.Value.ToArray().Should().Equal(1, 2, 3, 4, 2, 3, 0, 0, 0, 5);
        b.Location.File.Should().Be("dir/a.dtsi");
        DtsWriter.FormatValue(b).Should().Be("[01 02 03 04], [02 03], <0x05>");

        Action bad = () => DtsReader.Parse("/dts-v1/; / { /include/ \"bad\" };", "dir/t.dts", resolver);
        bad.Should().Throw<DeviceTreeException>().WithMessage("inc/bad:2:1:*");
        Action missing = () => DtsReader.Parse("/dts-v1/; /include/ \"none\"", "dir/t.dts", resolver);
        missing.Should().Throw<DeviceTreeException>().WithMessage("dir/t.dts:1:11:*\"none\"*");
        Action tooLong = () => DtsReader.Parse("/dts-v1/; / { a = /incbin/(\"data\", 3, 2); };", "t.dts", resolver);
        tooLong.Should().Throw<DeviceTreeException>().WithMessage("*only 4 bytes*");
    }

    [Fact]
    public void Nodes_nest_as_deep_as_Linux_reads_them_and_no_deeper()
    {
        static string Nest(int depth) =>
            "/dts-v1/; / {"
            + string.Concat(Enumerable.Repeat("n {", depth))
            + string.Concat(Enumerable.Repeat("};", depth))
            + "};";
        DeviceTree deep = DtsReader.Parse(Nest(DtsReader.MaximumDepth), "t.dts");
        DtbReader.Read(DtbWriter.Write(deep), "t.dtb").Nodes.Should().HaveCount(DtsReader.MaximumDepth + 1);
        Refusal(Nest(DtsReader.MaximumDepth + 1)).Should().Contain("nested more than 64 deep");
    }

    [Fact]
    public void Values_are_read_by_their_shape_and_refused_in_another()
    {
        DeviceTreeNode root = Parse("/ { n = <1>; w = <1 2>; s = \"a\", \"\u00e9\"; e; };").Root;
        root.GetProperty("n").ReadUInt32().Should().Be(1);
        root.GetProperty("w").ReadUInt64().Should().Be(0x1_0000_0002);
        root.GetProperty("s").ReadStrings().Should().Equal("a", "\u00e9");
        FluentActions
            .Invoking(() => root.GetProperty("w").ReadUInt32())
            .Should()
            .Throw<DeviceTreeException>()
            .WithMessage("t.dts:2:14: /: property 'w': expected one 32-bit cell*");
        FluentActions.Invoking(() => root.GetProperty("e").ReadString()).Should().Throw<DeviceTreeException>();
        FluentActions
            .Invoking(() => root.GetProperty("x"))
            .Should()
            .Throw<DeviceTreeException>()
            .WithMessage("*no property 'x'*");
    }

    [Fact]
    public void A_tree_can_be_built_and_changed_by_hand()
    {
        DeviceTree tree = new();
        DeviceTreeNode uart = tree.Root.AddChild("soc").AddChild("serial@1000");
        uart.SetStrings("compatible", "arm,pl011", "arm,primecell");
        uart.SetCells("reg", 0x1000, 0x100);
        uart.AddLabel("uart0");
        uart.Rename("serial@2000");
        uart.RenameProperty("reg", "old-reg").Should().BeTrue();
        uart.RemoveProperty("none").Should().BeFalse();
        tree.EnsurePhandle(uart).Should().Be(1);
        tree.FindByPhandle(1).Should().BeSameAs(uart);
        tree.FindByLabel("uart0")!.Path.Should().Be("/soc/serial@2000");
        tree.FindCompatible("arm,primecell").Should().Equal(uart);
        uart.UnitAddress.Should().Be("2000");
        DeviceTree copy = tree.DeepClone();
        uart.Remove();
        tree.Nodes.Should().HaveCount(2);
        DtsWriter
            .Write(copy)
            .Should()
            .Be(
                "/dts-v1/;\n\n/ {\n\n\tsoc {\n\n\t\tuart0: serial@2000 {\n\t\t\tcompatible = \"arm,pl011\", \"arm,primecell\";\n"
                    + "\t\t\told-reg = <0x1000 0x100>;\n\t\t\tphandle = <0x01>;\n\t\t};\n\t};\n};\n"
            );
        copy.Root.AddChild(uart.DeepClone());
        copy.GetByPath("/serial").Compatible.Should().HaveCount(2);
        FluentActions.Invoking(() => tree.Root.AddChild("soc")).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => uart.AddChild(uart)).Should().Throw<ArgumentException>();
    }

    [Fact]
    public void Our_own_text_reads_back_as_the_same_blob()
    {
        byte[] blob = DtbWriter.Write(DtsReader.Parse(BoardSource.Text, "board.dts"));
        string text = DtsWriter.Write(DtbReader.Read(blob, "board.dtb"));
        DtbWriter.Write(DtsReader.Parse(text, "again.dts")).Should().Equal(blob);
    }
}
