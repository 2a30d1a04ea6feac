using System.Globalization;
using System.Text.Json;

namespace Emulator.Conformance.Linux;

/// <summary>
/// Holds the simulated kernels to how real ones found functions, gave them addresses and put them into groups: every run and
/// phase of every recorded topology.
/// </summary>
public sealed class TopologyTests
{
    [Fact]
    public void Functions_and_groups_come_out_as_recorded()
    {
        var report = new Report("linux/topologies");
        var totals = new SortedDictionary<string, (int Ran, int Agreed)>(StringComparer.Ordinal);
        string folder = Path.Combine(Recordings.Folder, "linux", "topologies");
        string[] topologies = Directory.Exists(folder)
            ? [.. Directory.GetDirectories(folder).Order(StringComparer.Ordinal)]
            : [];
        if (!TopologyMachine.HasInterrupts)
        {
            report.Note("not run: the kernel has no driver for the board's interrupt controller");
            report.Publish();
            Assert.Skip("nothing to run");
        }

        foreach (string topology in topologies)
        {
            Replay(topology, report, totals);
        }

        foreach ((string kind, (int ran, int agreed)) in totals)
        {
            report.Note(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{kind}: {ran} ran, {agreed} agreed, {ran - agreed} differ"
                )
            );
        }

        report.Publish();
        if (topologies.Length == 0)
        {
            Assert.Skip($"no recordings in {folder}");
        }

        report.Differences.Should().BeEmpty();
    }

    private static void Replay(string topology, Report report, SortedDictionary<string, (int Ran, int Agreed)> totals)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(Path.Combine(topology, "topology.json")));
        foreach (JsonElement run in document.RootElement.GetProperty("runs").EnumerateArray())
        {
            string id = run.Text("id");
            string name = $"{Path.GetFileName(topology)} {id}";
            try
            {
                TopologyScore score = TopologyReplay.Run(run, File.ReadAllText(Path.Combine(topology, id + ".txt")));
                foreach ((string kind, (int ran, int agreed)) in score.Counts)
                {
                    (int total, int equal) = totals.GetValueOrDefault(kind);
                    totals[kind] = (total + ran, equal + agreed);
                }

                report.Add(name, score.Differences.Count == 0 ? null : string.Join("\n           ", score.Differences));
            }
            catch (Exception wrong) when (wrong is not Xunit.Sdk.XunitException)
            {
                report.Add(name, wrong.ToString());
            }
        }
    }
}
