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
