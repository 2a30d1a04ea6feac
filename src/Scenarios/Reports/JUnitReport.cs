using System.Globalization;
using System.Text;
using System.Xml;
using Emulator.Machine;

namespace Emulator.Scenarios;

/// <summary>One test case of a report.</summary>
/// <param name="File">The scenario file.</param>
/// <param name="Name">The scenario's name, or the file's when it could not be read.</param>
/// <param name="Time">Virtual time in picoseconds.</param>
/// <param name="Failure">The report of a failed expectation, or null.</param>
/// <param name="Error">Why the file could not be run, or null.</param>
public sealed record ReportedCase(string File, string Name, long Time, string? Failure, string? Error);

/// <summary>Writes the JUnit XML that CI systems read. Times are virtual, so that the report repeats exactly.</summary>
public static class JUnitReport
{
    /// <summary>Writes a report.</summary>
    public static void Write(TextWriter writer, IReadOnlyList<ReportedCase> cases)
    {
        ArgumentNullException.ThrowIfNull(cases);
        var settings = new XmlWriterSettings
        {
            Indent = true,
            NewLineChars = "\n",
            CheckCharacters = false,
        };
        using var xml = XmlWriter.Create(writer, settings);
        xml.WriteStartElement("testsuites");
        xml.WriteStartElement("testsuite");
        xml.WriteAttributeString("name", "emulator");
        xml.WriteAttributeString("tests", Number(cases.Count));
        xml.WriteAttributeString("failures", Number(cases.Count(reported => reported.Failure is not null)));
        xml.WriteAttributeString("errors", Number(cases.Count(reported => reported.Error is not null)));
        foreach (ReportedCase reported in cases)
        {
            xml.WriteStartElement("testcase");
            xml.WriteAttributeString("classname", Clean(reported.File));
            xml.WriteAttributeString("name", Clean(reported.Name));
            xml.WriteAttributeString("file", Clean(reported.File));
            decimal seconds = reported.Time / (decimal)VirtualTime.Second;
            xml.WriteAttributeString("time", seconds.ToString("0.000000", CultureInfo.InvariantCulture));
            WriteProblem(xml, "failure", reported.Failure);
            WriteProblem(xml, "error", reported.Error);
            xml.WriteEndElement();
        }

        xml.WriteEndElement();
        xml.WriteEndElement();
    }

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static void WriteProblem(XmlWriter xml, string element, string? text)
    {
        if (text is null)
        {
            return;
        }

        xml.WriteStartElement(element);
        xml.WriteAttributeString("message", Clean(text.Split('\n')[0]));
        xml.WriteString(Clean(text));
        xml.WriteEndElement();
    }

    /// <summary>XML 1.0 has no room for most control characters and for halves of surrogate pairs.</summary>
    private static string Clean(string text)
    {
        var clean = new StringBuilder(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            bool fits = !rune.IsBmp || XmlConvert.IsXmlChar((char)rune.Value);
            clean.Append(fits ? rune.ToString() : "?");
        }

        return clean.ToString();
    }
}
