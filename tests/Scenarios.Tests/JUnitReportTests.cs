using System.Text;
using System.Xml.Linq;

namespace Emulator.Scenarios.Tests;

/// <summary>The report that CI systems read.</summary>
public sealed class JUnitReportTests
{
    [Fact]
    public void Cases_failures_and_errors_are_counted_and_told()
    {
        XElement suite = Write(
            new ReportedCase("a.yaml", "passes", 1_500_000_000_000, null, null),
            new ReportedCase("b.yaml", "fails", 0, "b.yaml:1:1: no\nmore", null),
            new ReportedCase("c.yaml", "c.yaml", 0, null, "c.yaml:2:2: unknown")
        );

        suite.Attribute("tests")!.Value.Should().Be("3");
        suite.Attribute("failures")!.Value.Should().Be("1");
        suite.Attribute("errors")!.Value.Should().Be("1");
        XElement[] cases = [.. suite.Elements("testcase")];
        cases[0].Attribute("time")!.Value.Should().Be("1.500000");
        cases[0].Elements().Should().BeEmpty();
        cases[1].Element("failure")!.Attribute("message")!.Value.Should().Be("b.yaml:1:1: no");
        cases[1].Element("failure")!.Value.Should().Be("b.yaml:1:1: no\nmore");
        cases[2].Element("error")!.Value.Should().Be("c.yaml:2:2: unknown");
    }

    [Fact]
    public void Whatever_stands_in_a_name_or_a_report_the_XML_is_valid()
    {
        string odd =
            string.Concat(Enumerable.Range(0, 0x30).Select(code => (char)code)) + "\uFFFE\uD800x\uDC00😀<&>\"'";

        XElement suite = Write(new ReportedCase(odd, odd, 0, odd, odd));

        suite.Element("testcase")!.Attribute("name")!.Value.Should().EndWith("x\uFFFD😀<&>\"'");
    }

    private static XElement Write(params ReportedCase[] cases)
    {
        using var stream = new MemoryStream();
        using (var writer = new StreamWriter(stream, new UTF8Encoding(false)))
        {
            JUnitReport.Write(writer, cases);
        }

        return XDocument.Parse(Encoding.UTF8.GetString(stream.ToArray())).Root!.Element("testsuite")!;
    }
}
