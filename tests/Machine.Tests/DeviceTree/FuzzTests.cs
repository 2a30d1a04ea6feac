using System.Text;
using Emulator.Machine.DeviceTrees;
using FsCheck;
using FsCheck.Fluent;

namespace Emulator.Machine.Tests.DeviceTrees;

/// <summary>Whatever the input is, the answer is a tree or a <see cref="DeviceTreeException"/>.</summary>
public sealed class FuzzTests
{
    private static readonly string[] Pieces =
    [
        "/dts-v1/;",
        "/plugin/;",
        "/memreserve/",
        "/ {",
        "};",
        "{",
        "}",
        ";",
        "<",
        ">",
        "[",
        "]",
        "(",
        ")",
        "&l",
        "&{/n}",
        "l:",
        "n",
        "n@1",
        " = ",
        "\"s\\x",
        "\"",
        "'a'",
        "'",
        "0x1",
        "1",
        "?",
        ":",
        "-",
        "<<",
        "/",
        "%",
        ",",
        "/bits/ 16",
        "/incbin/",
        "/include/ \"f\"",
        "/delete-node/",
        "/delete-property/",
        "/omit-if-no-ref/",
        "phandle",
        "# 1 \"x\"",
        "\n#define",
        "/*",
        "//",
        "\\",
        "\u00e9",
        "\ud800",
        "\0",
        "de",
    ];

    private static readonly byte[] Blob = DtbWriter.Write(
        DtsReader.Parse(BoardSource.Text, "board.dts", options: new DtsReaderOptions { GenerateSymbols = true })
    );

    private static readonly DeviceTree Board = DtsReader.Parse(BoardSource.Text, "board.dts");

    [Fact]
    public void Any_text_is_read_or_refused() =>
        Prop.ForAll<string>(text =>
            {
                Survives(text);
                Survives("/dts-v1/; / {" + text);
            })
            .Check(Config.QuickThrowOnFailure.WithMaxTest(1000));

    [Fact]
    public void Any_sequence_of_words_of_the_language_is_read_or_refused() =>
        Prop.ForAll(
                Gen.Elements(Pieces).ListOf().ToArbitrary(),
                words =>
                {
                    string text = string.Join(' ', words);
                    Survives(text);
                    Survives("/dts-v1/; / { l: n { a = <" + text);
                    Survives("/dts-v1/; /plugin/; / { " + text);
                    SurvivesEdit(text);
                }
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    [Fact]
    public void A_real_source_with_changed_characters_is_read_or_refused()
    {
        Random random = new(7);
        for (int round = 0; round < 1500; round++)
        {
            StringBuilder text = new(BoardSource.Text);
            for (int i = random.Next(1, 6); i > 0; i--)
            {
                int at = random.Next(text.Length);
                _ = random.Next(3) switch
                {
                    0 => text.Remove(at, Math.Min(random.Next(1, 40), text.Length - at)),
                    1 => text.Insert(at, Pieces[random.Next(Pieces.Length)]),
                    _ => text.Replace(text[at], (char)random.Next(32, 127), at, 1),
                };
            }
            Survives(text.ToString());
        }
    }

    [Fact]
    public void Any_bytes_are_read_or_refused() =>
        Prop.ForAll<byte[]>(bytes => SurvivesBlob(bytes)).Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    [Fact]
    public void A_real_blob_with_changed_bytes_is_read_or_refused()
    {
        Random random = new(8);
        for (int round = 0; round < 6000; round++)
        {
            byte[] bytes = [.. Blob];
            for (int i = random.Next(1, 5); i > 0; i--)
            {
                // The header and the tokens deserve more than their share.
                int at = random.Next(2) == 0 ? random.Next(56) : random.Next(bytes.Length / 4) * 4;
                bytes[Math.Min(at + random.Next(4), bytes.Length - 1)] = (byte)(
                    random.Next(2) == 0 ? random.Next(10) : random.Next(256)
                );
            }
            SurvivesBlob(bytes);
        }
    }

    [Fact]
    public void A_blob_cut_off_anywhere_is_refused_with_an_offset()
    {
        for (int length = 0; length < Blob.Length; length++)
        {
            Action read = () => DtbReader.Read(Blob.AsSpan(0, length), "cut.dtb");
            read.Should().Throw<DeviceTreeException>().WithMessage("cut.dtb: at byte 0x*");
        }
    }

    [Theory]
    [InlineData("/dts-v1/; / { ", "n { ")]
    [InlineData("/dts-v1/; / { a = <", "(")]
    [InlineData("/dts-v1/; / { a = <(", "-")]
    [InlineData("/dts-v1/; / { a = <(", "1 ? 1 : ")]
    [InlineData("/dts-v1/; / { a = <(", "1 ? ")]
    [InlineData("/dts-v1/; / { a = <(1", " + 1")]
    [InlineData("/dts-v1/; / { ", "l: ")]
    [InlineData("/dts-v1/; ", "/dts-v1/; ")]
    public void Endless_nesting_is_refused_and_does_not_overflow_the_stack(string head, string piece) =>
        Survives(head + string.Concat(Enumerable.Repeat(piece, 50_000)));

    [Fact]
    public void A_file_that_includes_itself_is_refused()
    {
        DtsInclude self = new("self.dtsi", Encoding.UTF8.GetBytes("/include/ \"self\" /include/ \"self\""));
        Action parse = () => DtsReader.Parse("/dts-v1/; /include/ \"self\"", "test.dts", (_, _) => self);
        parse.Should().Throw<DeviceTreeException>().WithMessage("*include itself*");
    }

    private static void Survives(string text)
    {
        try
        {
            DeviceTree tree = DtsReader.Parse(text, "fuzz.dts", (_, _) => null);
            SurvivesBindings(tree);
            _ = DtsWriter.Write(tree);
            DtbReader.Read(DtbWriter.Write(tree), "fuzz.dtb").Nodes.Count().Should().Be(tree.Nodes.Count());
        }
        catch (DeviceTreeException refusal)
        {
            refusal.Errors.Should().NotBeEmpty();
        }
    }

    private static void SurvivesEdit(string text)
    {
        try
        {
            _ = DtsReader.ParseOnto(Board, text, "edit.dts");
        }
        catch (DeviceTreeException refusal)
        {
            refusal.Errors.Should().NotBeEmpty();
        }
    }

    private static void SurvivesBlob(byte[] bytes)
    {
        try
        {
            DeviceTree tree = DtbReader.Read(bytes, "fuzz.dtb");
            _ = DtsWriter.Write(tree);
            SurvivesBindings(tree);
            _ = DeviceTreeOverlay.Apply(Board, tree);
            _ = DtcFacade.Convert(bytes);
        }
        catch (DeviceTreeException refusal)
        {
            refusal.Errors.Should().NotBeEmpty();
        }
    }

    private static void SurvivesBindings(DeviceTree tree)
    {
        foreach (DeviceTreeNode node in tree.Nodes)
        {
            Action[] readers =
            [
                () => node.ReadPhysicalReg(),
                () => node.ReadRanges(),
                () => tree.ReadInterrupts(node),
                () => tree.ReadClocks(node),
                () => tree.ReadGpios(node),
                () => tree.ReadIommus(node),
                () => tree.ReadMmuMasters(node),
                () => tree.MapIommu(node, 8),
                () => tree.MapMsi(node, 8),
                () => tree.ReadMemory(),
                () => tree.ReadStdoutPath(),
                () => _ = node.IsEnabled,
                () => _ = node.Compatible,
            ];
            foreach (Action reader in readers)
            {
                try
                {
                    reader();
                }
                catch (DeviceTreeException)
                {
                    // A broken property may be refused; anything else would fail the test.
                }
            }
        }
    }
}
