using System.Text;
using Emulator.Machine.DeviceTrees;

namespace Emulator.Machine.Tests.DeviceTrees;

public sealed class DtcDifferentialTests
{
    public static TheoryData<string> AcceptedNames => [.. SourceSamples.Accepted.Keys];

    public static TheoryData<string> RefusedNames => [.. SourceSamples.Refused.Keys];

    [Theory]
    [MemberData(nameof(AcceptedNames))]
    public void A_source_gives_the_blob_and_the_texts_that_dtc_gives(string name) =>
        CompareWithDtc(SourceSamples.Accepted[name]);

    [Theory]
    [MemberData(nameof(RefusedNames))]
    public void What_dtc_refuses_is_refused_with_a_place(string name)
    {
        string source = SourceSamples.Refused[name];
        DtcOracle.Dtc(source, "-q", "-I", "dts", "-O", "dtb").ExitCode.Should().NotBe(0);
        Action parse = () => DtsReader.Parse(source, "bad.dts");
        parse.Should().Throw<DeviceTreeException>().Which.Errors.Should().OnlyContain(error => error.Line > 0);
    }

    [Fact]
    public void Random_sources_give_the_blobs_and_the_texts_that_dtc_gives()
    {
        for (int seed = 0; seed < Rounds(150); seed++)
        {
            CompareWithDtc(new RandomSources(seed).Source());
        }
    }

    [Fact]
    public void Sources_with_small_mistakes_are_accepted_or_refused_as_dtc_does()
    {
        int accepted = 0;
        int refused = 0;
        for (int seed = 0; seed < Rounds(200); seed++)
        {
            string source = SourceMistakes.Make(
                seed % 2 == 0 ? BoardSource.Text : new RandomSources(seed).Source(),
                seed
            );
            DtcOracle.Outcome dtc = DtcOracle.Dtc(source, "-q", "-I", "dts", "-O", "dtb");
            if (dtc.Errors.Contains("Assertion", StringComparison.Ordinal))
            {
                // Some checks of dtc fall over values of an unexpected length.
                continue;
            }
            byte[]? blob = null;
            string refusal = "";
            try
            {
                blob = DtbWriter.Write(DtsReader.Parse(source, "test.dts"));
            }
            catch (DeviceTreeException exception)
            {
                refusal = exception.Message;
            }
            string because = $"seed {seed}: dtc says '{dtc.Errors}', we say '{refusal}'"
                .Replace('{', '(')
                .Replace('}', ')');
            (blob is not null).Should().Be(dtc.ExitCode == 0, because);
            if (blob is not null)
            {
                blob.Should().Equal(dtc.Output, because);
            }
            accepted += blob is null ? 0 : 1;
            refused += blob is null ? 1 : 0;
        }
        accepted.Should().BeGreaterThan(30);
        refused.Should().BeGreaterThan(30);
    }

    [Fact]
    public void Expressions_have_the_values_that_dtc_gives_them()
    {
        RandomSources random = new(1);
        string cells = string.Join('\n', Enumerable.Range(0, 3000).Select(i => $"({random.Inner(1 + (i % 5))})"));
        string source = $"/dts-v1/;\n/ {{ a = /bits/ 64 <{cells}>; }};";
        DtcOracle.Outcome dtc = DtcOracle.Dtc(source, "-q", "-I", "dts", "-O", "dtb");
        dtc.ExitCode.Should().Be(0, dtc.Errors);
        DtbWriter.Write(DtsReader.Parse(source, "test.dts")).Should().Equal(dtc.Output);
    }

    [Theory]
    [InlineData("-p", "100")]
    [InlineData("-S", "4096")]
    [InlineData("-S", "1")]
    [InlineData("-a", "64")]
    [InlineData("-R", "3")]
    [InlineData("-b", "5")]
    [InlineData("-V", "16")]
    [InlineData("-V", "17")]
    [InlineData("-s", "")]
    [InlineData("-A", "")]
    public void Options_do_what_dtc_does(string option, string value)
    {
        int number = value.Length > 0 ? int.Parse(value, System.Globalization.CultureInfo.InvariantCulture) : 0;
        DtcOptions options = new()
        {
            BootCpuId = string.Equals(option, "-b", StringComparison.Ordinal) ? (uint)number : null,
            Sort = string.Equals(option, "-s", StringComparison.Ordinal),
            GenerateAliases = string.Equals(option, "-A", StringComparison.Ordinal),
            Blob = option switch
            {
                "-p" => new DtbWriterOptions { PaddingBytes = number },
                "-S" => new DtbWriterOptions { MinimumLengthBytes = number },
                "-a" => new DtbWriterOptions { AlignmentBytes = number },
                "-R" => new DtbWriterOptions { ExtraReservations = number },
                "-V" => new DtbWriterOptions { Version = number },
                _ => DtbWriterOptions.Default,
            },
        };
        byte[] source = Encoding.UTF8.GetBytes(BoardSource.Text);
        string[] arguments = value.Length > 0 ? [option, value] : [option];
        byte[] expected = DtcOracle.Dtc(source, ["-q", "-I", "dts", "-O", "dtb", .. arguments]).Output;
        DtcFacade.Convert(source, options).Output.Should().Equal(expected);
    }

    [Fact]
    public void A_whole_board_gives_what_dtc_gives() => CompareWithDtc(BoardSource.Text);

    [Theory]
    [InlineData("/ { a { reg = <1>; }; b@1 { }; c@2 { ranges = <1 2>; }; };")]
    [InlineData("/ { reg = <1>; ranges; a@0x1 { reg = <>; }; b@01 { reg = <0 1 2>; }; };")]
    [InlineData("/ { #address-cells = <1>; #size-cells = <0>; a@1 { reg = <1>; ranges; dma-ranges = <1>; }; };")]
    [InlineData("/ { interrupts = <1>; a { interrupt-parent = <7>; interrupts = <1>; }; };")]
    [InlineData("/ { interrupt-parent = <&a>; a: a { }; b { interrupts = <1>; c = [00]; }; };")]
    [InlineData(
        "/ { interrupt-parent = <&a>; a: a { interrupt-controller; #interrupt-cells = <3>; }; b { interrupts = <1 2>; }; };"
    )]
    [InlineData("/ { a { interrupts = [00]; interrupt-parent = <0>; }; };\n/ { a { }; d@1 { }; };\n&{/d@1} { x; };")]
    [InlineData(
        "/ { bus { compatible = \"simple-bus\"; ranges; x@01 { }; }; p { device_type = \"pci\"; x@0,0 { }; }; };"
    )]
    public void Warnings_are_those_of_dtc(string body)
    {
        string source = "/dts-v1/;\n" + body;
        string[] names =
        [
            "reg_format",
            "ranges_format",
            "dma_ranges_format",
            "unit_address_vs_reg",
            "unit_address_format",
            "avoid_default_addr_size",
            "interrupts_property",
        ];
        foreach (bool fromBlob in new[] { false, true })
        {
            byte[] input = fromBlob
                ? DtcOracle.Dtc(source, "-q", "-I", "dts", "-O", "dtb").Output
                : Encoding.UTF8.GetBytes(source);
            string all = DtcOracle.Dtc(input, "-I", fromBlob ? "dtb" : "dts", "-O", "dtb").Errors;
            IEnumerable<string> expected = all.Replace("\n  also", "\u00a7  also", StringComparison.Ordinal)
                .Split('\n')
                .Where(line =>
                    names.Any(name => line.Contains($"Warning ({name}): /", StringComparison.Ordinal))
                    && !line.Contains("Failed prerequisite", StringComparison.Ordinal)
                )
                .Select(line => line.Replace('\u00a7', '\n'));
            DtcFacade.Convert(input, new DtcOptions()).Warnings.Should().Equal(expected, all);
        }
    }

    /// <summary>For longer runs by hand, DEVICETREE_ROUNDS multiplies the rounds.</summary>
    private static int Rounds(int usual) =>
        int.TryParse(
            Environment.GetEnvironmentVariable("DEVICETREE_ROUNDS"),
            System.Globalization.CultureInfo.InvariantCulture,
            out int factor
        )
            ? usual * factor
            : usual;

    internal static void CompareWithDtc(string source)
    {
        foreach (bool symbols in new[] { false, true })
        {
            string[] option = symbols ? ["-q", "-@"] : ["-q"];
            DtcOracle.Outcome blob = DtcOracle.Dtc(source, [.. option, "-I", "dts", "-O", "dtb"]);
            blob.ExitCode.Should().Be(0, "dtc says {0} of\n{1}", blob.Errors, source);
            DeviceTree tree = DtsReader.Parse(
                source,
                "test.dts",
                options: new DtsReaderOptions { GenerateSymbols = symbols }
            );
            DtsWriter
                .Write(tree)
                .Should()
                .Be(
                    Encoding.UTF8.GetString(DtcOracle.Dtc(source, [.. option, "-I", "dts", "-O", "dts"]).Output),
                    source
                );
            DtbWriter.Write(tree).Should().Equal(blob.Output, source);
            string decompiled = DtcOracle.Dtc(blob.Output, "-q", "-I", "dtb", "-O", "dts").Text;
            DtsWriter.Write(DtbReader.Read(blob.Output, "test.dtb")).Should().Be(decompiled, source);
        }
    }
}
