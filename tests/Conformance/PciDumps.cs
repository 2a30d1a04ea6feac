using System.Globalization;
using System.Text.RegularExpressions;

namespace Emulator.Conformance;

/// <summary>The configuration dumps of a recorded topology (format: linux/README.md).</summary>
internal static partial class PciDumps
{
    /// <summary>The command line of a recording.</summary>
    public static string CommandLine(string text) => CommandLinePattern().Match(text).Groups["line"].Value;

    /// <summary>The functions' configuration spaces in a phase, by requester ID.</summary>
    public static SortedDictionary<int, byte[]> Read(string text, string phase)
    {
        var dumps = new SortedDictionary<int, byte[]>();
        string heading = $"@@ {phase}/config\n";
        int start = text.IndexOf(heading, StringComparison.Ordinal);
        if (start < 0)
        {
            return dumps;
        }

        start += heading.Length;
        int end = text.IndexOf("\n@@", start, StringComparison.Ordinal);
        foreach (string section in text[start..end].Split("== ", StringSplitOptions.RemoveEmptyEntries))
        {
            string[] lines = section.Split('\n');
            dumps[RequesterId(lines[0])] = ReadBytes(lines[1..]);
        }

        return dumps;
    }

    /// <summary>dddd:bb:dd.f without the domain.</summary>
    private static int RequesterId(string name)
    {
        int bus = int.Parse(name.AsSpan(5, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        int device = int.Parse(name.AsSpan(8, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return (bus << 8) | (device << 3) | (name[11] - '0');
    }

    /// <summary>od -Ax -tx1: a star repeats the line before it.</summary>
    private static byte[] ReadBytes(IEnumerable<string> lines)
    {
        var bytes = new List<byte>();
        byte[] last = [];
        foreach (string line in lines)
        {
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 0 || words[0] is "*")
            {
                continue;
            }

            int address = int.Parse(words[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            while (bytes.Count < address)
            {
                bytes.AddRange(last);
            }

            last = [.. words.Skip(1).Select(word => Convert.ToByte(word, 16))];
            bytes.AddRange(last);
        }

        return [.. bytes];
    }

    [GeneratedRegex("^# cmdline: (?<line>.*)$", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex CommandLinePattern();
}
