using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Emulator.Conformance.Linux;

/// <summary>
/// The whole way: the board of a recording's command line, the simulated 6.1 on it, the recorded commands (setpci by our
/// setpci), and what our lspci then reads of the simulated sysfs, beside what was recorded. Interrupt numbers are not compared
/// (linux/README.md).
/// </summary>
public sealed partial class LspciOfKernelTests
{
    [Fact]
    public void Lspci_of_the_simulated_kernel_prints_what_was_recorded()
    {
        var report = new Report("linux/topologies, lspci of the simulated kernel");
        var totals = new Totals();
        foreach (LspciRecording recording in LspciRecording.All())
        {
            string? difference = null;
            try
            {
                difference = Replay(recording, totals);
            }
            catch (Exception wrong) when (wrong is not Xunit.Sdk.XunitException)
            {
                difference = wrong.ToString();
            }

            report.Add(recording.Name, difference);
        }

        report.Note(
            string.Create(
                CultureInfo.InvariantCulture,
                $"lines of -nn -vv: {totals.Lines} ran, {totals.EqualLines} agreed; trees: {totals.Trees} ran, {totals.EqualTrees} agreed"
            )
        );
        report.Publish();
        if (report.Ran == 0)
        {
            Assert.Skip($"no recordings in {Recordings.Folder}");
        }

        report.Differences.Should().BeEmpty();
    }

    private static string? Replay(LspciRecording recording, Totals totals)
    {
        string folder = Path.Combine(Recordings.Folder, "linux", "topologies");
        string[] parts = recording.Name.Split('/');
        using JsonDocument document = JsonDocument.Parse(
            File.ReadAllText(Path.Combine(folder, parts[0], "topology.json"))
        );
        JsonElement run = document
            .RootElement.GetProperty("runs")
            .EnumerateArray()
            .First(item => string.Equals(item.Text("id"), parts[1], StringComparison.Ordinal));
        string text = File.ReadAllText(Path.Combine(folder, recording.Name + ".txt"));
        TopologyMachine machine = TopologyMachine.Boot("k61", PciDumps.CommandLine(text));
        var shell = new OpsMachine(machine.Kernel);
        string? difference = null;
        foreach (JsonElement phase in run.GetProperty("phases").EnumerateArray())
        {
            foreach (JsonElement command in phase.GetProperty("commands").EnumerateArray())
            {
                string line = command.Text("line");
                if (line.StartsWith("setpci ", StringComparison.Ordinal))
                {
                    Run(shell, line);
                }
                else
                {
                    machine.Run(line, null);
                }
            }

            string name = phase.Text("name");
            if (recording.Phases.Contains(name))
            {
                bool isSame = Lines(recording.Tree(name))
                    .SequenceEqual(Run(shell, "lspci -nn -tv"), StringComparer.Ordinal);
                totals.Trees++;
                totals.EqualTrees += isSame ? 1 : 0;
                difference ??= isSame ? null : $"the tree of {name}";
            }
        }

        string[] there = Lines(Irq().Replace(recording.Verbose, "IRQ n"));
        string[] here = [.. Run(shell, "lspci -nn -vv").Select(line => Irq().Replace(line, "IRQ n"))];
        totals.Lines += there.Length;
        totals.EqualLines += there
            .Zip(here)
            .Count(pair => string.Equals(pair.First, pair.Second, StringComparison.Ordinal));
        string[] wrong =
        [
            .. there
                .Zip(here)
                .Where(pair => !string.Equals(pair.First, pair.Second, StringComparison.Ordinal))
                .Select(pair => $"\"{pair.Second}\", recorded \"{pair.First}\"")
                .Distinct(StringComparer.Ordinal)
                .Take(6),
        ];
        return difference
            ?? (wrong.Length > 0 ? string.Join("\n           ", wrong) : null)
            ?? (there.Length != here.Length ? $"{here.Length} lines, recorded {there.Length}" : null);
    }

    private static string[] Lines(string text) => text.TrimEnd('\n').Split('\n');

    private static string[] Run(OpsMachine shell, string command)
    {
        var output = new List<string>();
        shell.Shell(shell.Kernel.Init, command, output);
        return Lines(string.Join('\n', output));
    }

    [GeneratedRegex(@"IRQ \d+", RegexOptions.CultureInvariant)]
    private static partial Regex Irq();

    private sealed class Totals
    {
        public int Lines { get; set; }

        public int EqualLines { get; set; }

        public int Trees { get; set; }

        public int EqualTrees { get; set; }
    }
}
