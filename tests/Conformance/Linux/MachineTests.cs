using System.Globalization;
using System.Text.RegularExpressions;

namespace Emulator.Conformance.Linux;

/// <summary>
/// Compares what the recorded 6.1 says of its machine with ours: the device tree property by property, interrupts, memory map, log,
/// GPIOs, clock. What is missing or different is counted and shown; the counts are floors that may only rise. The SMMUv2 in the
/// place of an SMMUv3 shows here as it is.
/// </summary>
public sealed partial class MachineTests
{
    /// <summary>How many lines agreed when this was last looked at.</summary>
    private static readonly SortedDictionary<string, int> Floor = new(StringComparer.Ordinal)
    {
        ["devicetree-base"] = 286,
        ["dmesg"] = 52,
        ["gpiochip"] = 4,
        ["proc-interrupts"] = 11,
        ["proc-iomem"] = 20,
        ["rtc"] = 7,
    };

    [Fact]
    public void What_the_kernel_says_of_its_machine_is_compared_with_the_recorded_one()
    {
        string folder = Path.Combine(Recordings.Folder, "linux", "machine", "k61");
        if (!Directory.Exists(folder))
        {
            Assert.Skip($"no recordings in {folder}");
        }

        TopologyMachine machine = TopologyMachine.Boot("k61", PciDumps.CommandLine(Text(folder, "cmdline")));
        var agreed = new SortedDictionary<string, int>(StringComparer.Ordinal)
        {
            ["devicetree-base"] = Compare("devicetree-base", Properties(folder), line => Property(machine, line)),
            ["gpiochip"] = Compare("gpiochip", Attributes(folder, "gpiochip"), line => Attribute(machine, line)),
            ["rtc"] = Compare("rtc", Attributes(folder, "rtc"), line => Attribute(machine, line)),
        };
        foreach (string name in new[] { "dmesg", "proc-interrupts", "proc-iomem" })
        {
            string ours = name switch
            {
                "dmesg" => Log(machine),
                "proc-interrupts" => machine.ReadText("/proc/interrupts"),
                _ => machine.ReadText("/proc/iomem"),
            };
            var present = ours.Split('\n').Select(Normal).ToHashSet(StringComparer.Ordinal);
            agreed[name] = Compare(
                name,
                Lines(folder, name),
                line => present.Contains(Normal(line)) ? null : LineComparison.Missing
            );
        }

        if (Recordings.IsOwnCopy)
        {
            agreed.Where(pair => pair.Value < Floor[pair.Key]).Should().BeEmpty();
        }
    }

    private static int Compare(string name, IEnumerable<string> lines, Func<string, string?> compare) =>
        LineComparison.Run($"linux/machine/{name}", lines, compare);

    /// <summary>Without times and numbers of interrupts, and with one blank for many: columns depend on the numbers in them, which differ.</summary>
    private static string Normal(string line) =>
        Blanks().Replace(Counts().Replace(Time().Replace(line, ""), "COUNT"), " ").TrimEnd();

    /// <summary><c>PATH = XX XX ...</c> of each property.</summary>
    private static IEnumerable<string> Properties(string folder)
    {
        string? property = null;
        var bytes = new List<string>();
        foreach (string line in Lines(folder, "devicetree-base").Append("== "))
        {
            if (!line.StartsWith("== ", StringComparison.Ordinal))
            {
                bytes.Add(line.Trim());
                continue;
            }

            if (property is not null)
            {
                yield return $"{property} = {string.Join(' ', bytes)}";
            }

            property = line.Length > 3 ? line[3..line.LastIndexOf(' ')] : null;
            bytes.Clear();
        }
    }

    private static string? Property(TopologyMachine machine, string line)
    {
        int equals = line.IndexOf(" = ", StringComparison.Ordinal);
        string? ours = Read(() =>
            BitConverter.ToString(machine.ReadBytes("/sys/firmware/devicetree/base" + line[..equals]))
        );
        string recorded = line[(equals + 3)..].Replace(' ', '-').ToUpperInvariant();
        return ours is null ? LineComparison.Missing
            : string.Equals(ours, recorded, StringComparison.Ordinal) ? null
            : $"ours {ours}";
    }

    /// <summary>The lines <c>PATH: VALUE</c>; the listings of folders between them are compared elsewhere.</summary>
    private static IEnumerable<string> Attributes(string folder, string name) =>
        Lines(folder, name).Where(line => line.StartsWith('/') && line.Contains(": ", StringComparison.Ordinal));

    private static string? Attribute(TopologyMachine machine, string line)
    {
        int colon = line.IndexOf(": ", StringComparison.Ordinal);
        string? ours = Read(() => machine.ReadText(line[..colon]));
        return ours is null ? LineComparison.Missing
            : string.Equals(ours.Split('\n')[0], line[(colon + 2)..], StringComparison.Ordinal) ? null
            : string.Create(CultureInfo.InvariantCulture, $"ours {ours}");
    }

    private static string Log(TopologyMachine machine)
    {
        var lines = new List<string>();
        machine.Shell.Shell(machine.Kernel.Init, "dmesg", lines);
        return string.Join('\n', lines);
    }

    private static string? Read(Func<string> read)
    {
        try
        {
            return read();
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static IEnumerable<string> Lines(string folder, string name) =>
        Text(folder, name)
            .Split('\n')
            .Where(line => line.Length > 0 && !line.StartsWith("# ", StringComparison.Ordinal));

    private static string Text(string folder, string name) => File.ReadAllText(Path.Combine(folder, name + ".txt"));

    [GeneratedRegex(@"^\[ *\d+\.\d+\] ", RegexOptions.ExplicitCapture)]
    private static partial Regex Time();

    [GeneratedRegex(@"^ *\d+:( +\d+){1,2}(?= )|(?<=^IPI\d:)( +\d+){2}", RegexOptions.ExplicitCapture)]
    private static partial Regex Counts();

    [GeneratedRegex(" +", RegexOptions.ExplicitCapture)]
    private static partial Regex Blanks();
}
