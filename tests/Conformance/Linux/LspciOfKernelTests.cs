using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Emulator.Conformance.Linux;

/// <summary>
/// The whole way: the board of a recording's command line, the simulated 6.1 on it, the recorded commands (setpci by our
/// setpci), and what our lspci then reads of the simulated sysfs, beside what was recorded. Trees must agree; of the verbose text
/// it is reported which kinds of lines do not yet, for these are the kernel's. Interrupt numbers are not compared (linux/README.md).
/// </summary>
public sealed partial class LspciOfKernelTests
{
    /// <summary>So many of a thousand lines agreed when this was written; the simulated kernel can only come nearer.</summary>
    private const int AgreedOfThousand = 990;

    [Fact]
    public void Lspci_of_the_simulated_kernel_prints_what_was_recorded()
    {
        var report = new Report("linux/topologies, lspci of the simulated kernel");
        var kinds = new SortedDictionary<string, int>(StringComparer.Ordinal);
        (int Ran, int Agreed) lines = default;
        foreach (LspciRecording recording in LspciRecording.All())
        {
            TopologyMachine machine = Boot(recording, out JsonElement run);
            report.Add(recording.Name, ReplayTrees(recording, machine, run));
            string[] recorded = Lines(recording.Verbose);
            (int agreed, IReadOnlyList<string> missing, IReadOnlyList<string> extra) = LineDifferences.Compare(
                recorded,
                Lines(Run(machine, "lspci -nn -vv"))
            );
            lines = (lines.Ran + recorded.Length, lines.Agreed + agreed);
            foreach (
                string kind in missing
                    .Select(line => $"recorded only: {Kind(line)}")
                    .Concat(extra.Select(line => $"ours only: {Kind(line)}"))
            )
            {
                kinds[kind] = kinds.GetValueOrDefault(kind) + 1;
            }
        }

        report.Note(
            string.Create(CultureInfo.InvariantCulture, $"lines of -nn -vv: {lines.Ran} ran, {lines.Agreed} agreed")
        );
        foreach ((string kind, int count) in kinds.OrderByDescending(item => item.Value))
        {
            report.Note(string.Create(CultureInfo.InvariantCulture, $"{count, 4} {kind}"));
        }

        report.Publish();
        if (report.Ran == 0)
        {
            Assert.Skip($"no recordings in {Recordings.Folder}");
        }

        report.Differences.Should().BeEmpty();
        (lines.Agreed * 1000).Should().BeGreaterThanOrEqualTo(lines.Ran * AgreedOfThousand);
    }

    private static TopologyMachine Boot(LspciRecording recording, out JsonElement run)
    {
        string folder = Path.Combine(Recordings.Folder, "linux", "topologies");
        string[] parts = recording.Name.Split('/');
        using JsonDocument document = JsonDocument.Parse(
            File.ReadAllText(Path.Combine(folder, parts[0], "topology.json"))
        );
        run = document
            .RootElement.GetProperty("runs")
            .EnumerateArray()
            .First(item => string.Equals(item.Text("id"), parts[1], StringComparison.Ordinal))
            .Clone();
        string text = File.ReadAllText(Path.Combine(folder, recording.Name + ".txt"));
        return TopologyMachine.Boot("k61", PciDumps.CommandLine(text));
    }

    /// <summary>Runs the commands of all phases; the first phase whose tree differs, or null.</summary>
    private static string? ReplayTrees(LspciRecording recording, TopologyMachine machine, JsonElement run)
    {
        string? difference = null;
        foreach (JsonElement phase in run.GetProperty("phases").EnumerateArray())
        {
            foreach (JsonElement command in phase.GetProperty("commands").EnumerateArray())
            {
                string line = command.Text("line");
                if (line.StartsWith("setpci ", StringComparison.Ordinal))
                {
                    Run(machine, line);
                }
                else
                {
                    machine.Run(line, null);
                }
            }

            string name = phase.Text("name");
            if (recording.Phases.Contains(name, StringComparer.Ordinal))
            {
                string ours = Run(machine, "lspci -nn -tv");
                bool isSame = string.Equals(recording.Tree(name).TrimEnd('\n'), ours, StringComparison.Ordinal);
                difference ??= isSame ? null : $"the tree of {name} is\n{ours}";
            }
        }

        return difference;
    }

    private static string[] Lines(string text) => Irq().Replace(text.TrimEnd('\n'), "IRQ n").Split('\n');

    private static string Run(TopologyMachine machine, string command)
    {
        var output = new List<string>();
        machine.Shell.Shell(machine.Kernel.Init, command, output);
        return string.Join('\n', output);
    }

    /// <summary>A line without what is different in every place.</summary>
    private static string Kind(string line) => Number().Replace(line.Trim(), "n");

    [GeneratedRegex(@"IRQ \d+", RegexOptions.CultureInvariant)]
    private static partial Regex Irq();

    [GeneratedRegex(@"\b(?:[0-9a-f]{7,}|\d+)\b", RegexOptions.CultureInvariant)]
    private static partial Regex Number();
}
