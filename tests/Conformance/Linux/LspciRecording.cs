using System.Globalization;
using System.Text.RegularExpressions;

namespace Emulator.Conformance.Linux;

/// <summary>A function in a phase of a recorded topology.</summary>
/// <param name="Name">Its address.</param>
/// <param name="Fields">The line of the section <c>devices</c>: path, vendor, device, class, driver, group.</param>
/// <param name="Config">Its configuration space.</param>
internal sealed record RecordedFunction(string Name, IReadOnlyDictionary<string, string> Fields, byte[] Config);

/// <summary>What lspci printed in the recordings of topologies (linux/README.md), and what it printed it of.</summary>
internal sealed partial class LspciRecording
{
    private readonly Dictionary<string, string[]> _sections = new(StringComparer.Ordinal);

    private LspciRecording(string name, string file)
    {
        Name = name;
        var phases = new List<string>();
        string section = "";
        var lines = new List<string>();
        foreach (string line in File.ReadLines(file).Append("@@ end"))
        {
            if (!line.StartsWith("@@ ", StringComparison.Ordinal))
            {
                lines.Add(line);
                continue;
            }

            _sections[section] = [.. lines];
            lines.Clear();
            section = line[3..];
            if (section.EndsWith("/config", StringComparison.Ordinal))
            {
                phases.Add(section[..^"/config".Length]);
            }
        }

        Phases = phases;
    }

    /// <summary>The topology and the run.</summary>
    public string Name { get; }

    /// <summary>The phases with dumps of configuration spaces.</summary>
    public IReadOnlyList<string> Phases { get; }

    /// <summary>What <c>lspci -nn -vv</c> printed at the end.</summary>
    public string Verbose => Text("final/lspci-vv");

    /// <summary>All recordings of 6.1, in order of their names.</summary>
    public static IEnumerable<LspciRecording> All()
    {
        string folder = Path.Combine(Recordings.Folder, "linux", "topologies");
        if (!Directory.Exists(folder))
        {
            yield break;
        }

        foreach (
            string file in Directory
                .GetFiles(folder, "k61-*.txt", SearchOption.AllDirectories)
                .Order(StringComparer.Ordinal)
        )
        {
            yield return new LspciRecording(Path.GetRelativePath(folder, file)[..^".txt".Length], file);
        }
    }

    /// <summary>What <c>lspci -nn -tv</c> printed in a phase.</summary>
    public string Tree(string phase) => Text($"{phase}/lspci-tree");

    /// <summary>The functions of a phase.</summary>
    public IReadOnlyList<RecordedFunction> Functions(string phase)
    {
        Dictionary<string, byte[]> configs = Configs(_sections[$"{phase}/config"]);
        return
        [
            .. _sections[$"{phase}/devices"]
                .Select(line => line.Split(' '))
                .Select(words => new RecordedFunction(
                    words[0],
                    words[1..].Select(word => word.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]),
                    configs[words[0]]
                )),
        ];
    }

    /// <summary>What the verbose text says of a function behind a title; null when it says nothing.</summary>
    public string? Said(string name, string pattern)
    {
        string text = Verbose
            .Split("\n\n")
            .First(block => block.StartsWith(name["0000:".Length..], StringComparison.Ordinal));
        Match match = Regex.Match(text, pattern, RegexOptions.Multiline | RegexOptions.CultureInvariant);
        return match.Success ? match.Groups[1].Value : null;
    }

    /// <summary>A size as lspci writes it.</summary>
    public static ulong Size(string text)
    {
        ulong unit = text[^1] switch
        {
            'K' => 1UL << 10,
            'M' => 1UL << 20,
            'G' => 1UL << 30,
            _ => 1,
        };
        return ulong.Parse(text.TrimEnd('K', 'M', 'G'), CultureInfo.InvariantCulture) * unit;
    }

    private string Text(string section) => string.Join('\n', _sections[section]);

    private static Dictionary<string, byte[]> Configs(string[] lines)
    {
        var configs = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        List<byte> bytes = [];
        bool repeats = false;
        foreach (string line in lines)
        {
            if (line.StartsWith("== ", StringComparison.Ordinal))
            {
                bytes = [];
                configs[line[3..]] = [];
            }
            else if (line is "*")
            {
                repeats = true;
            }
            else if (line.Split(' ') is [var at, .. var row])
            {
                int offset = int.Parse(at, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
                while (repeats && bytes.Count < offset)
                {
                    bytes.AddRange(bytes[^16..]);
                }

                repeats = false;
                bytes.AddRange(row.Select(word => Convert.ToByte(word, 16)));
                configs[configs.Keys.Last()] = [.. bytes];
            }
        }

        return configs;
    }
}
