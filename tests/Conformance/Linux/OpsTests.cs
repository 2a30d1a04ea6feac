using System.Text.Json;

namespace Emulator.Conformance.Linux;

/// <summary>
/// Holds the simulated kernels to what real ones did: every operation of every script, on the board of its command line. How
/// many agree is a floor that may only rise (ops-floor.json).
/// </summary>
public sealed class OpsTests
{
    private const int MostShown = 400;

    [Fact]
    public void The_simulated_kernels_do_what_the_recorded_ones_did()
    {
        var report = new Report("linux/ops");
        OpsRecording[] recordings = [.. OpsRecording.All()];
        if (recordings.Length == 0 || !OpsMachine.IsModelled)
        {
            report.Note(recordings.Length == 0 ? "no recordings" : "not run: there is no board 'virt' yet");
            report.Publish();
            Assert.Skip("nothing to run");
        }

        var differences = new SmmuDifferences();
        var scores = new SortedDictionary<string, int>(StringComparer.Ordinal);
        foreach (OpsRecording recording in recordings)
        {
            scores[recording.Name] = Replay(recording, differences, report);
        }

        report.Note($"{differences.Applied} differences are the SMMUv2's (smmu-v2.json)");
        report.Publish();
        string[] unused =
        [
            .. differences.Unused(recordings.Select(recording => recording.Scenario).ToHashSet(StringComparer.Ordinal)),
        ];
        if (Recordings.IsOwnCopy)
        {
            unused.Should().BeEmpty();
            Fallen(scores).Should().BeEmpty();
        }
    }

    private static int Replay(OpsRecording recording, SmmuDifferences differences, Report report)
    {
        int agreed = 0;
        try
        {
            var runner = new OpsRunner(OpsMachine.Create(recording));
            foreach (OpsOperation operation in recording.Operations)
            {
                OpsOutcome ours = runner.Run(operation.Text);
                OpsDifference[] left =
                [
                    .. OpsComparison
                        .Compare(operation, ours)
                        .Where(difference => !differences.Explains(recording, operation, difference)),
                ];
                agreed += left.Length == 0 ? 1 : 0;
                string? text =
                    left.Length == 0
                        ? null
                        : string.Join(
                            "; ",
                            left.Select(difference =>
                                $"{difference.Field}: recorded <{Shorten(difference.Recorded)}>, ours <{Shorten(difference.Ours)}>"
                            )
                        );
                report.Add($"{recording.Name} line {operation.Line} '{operation.Text}'", text);
            }
        }
        catch (Exception exception) when (exception is not Xunit.Sdk.XunitException)
        {
            // One script that cannot be run must not hide what became of the others.
            report.Note($"{recording.Name}: {exception.GetType().Name}: {exception.Message} {exception.StackTrace}");
        }

        report.Note(
            $"{recording.Name}: {recording.Operations.Count} calls, {agreed} agreed, {recording.Operations.Count - agreed} different"
        );
        return agreed;
    }

    private static string Shorten(string text)
    {
        string line = text.Replace("\n", " | ", StringComparison.Ordinal);
        return line.Length <= MostShown ? line : line[..MostShown] + "...";
    }

    private static IEnumerable<string> Fallen(SortedDictionary<string, int> scores)
    {
        string file = Path.Combine(Recordings.Root, "tests", "Conformance", "ops-floor.json");
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(file));
        foreach (JsonProperty floor in document.RootElement.EnumerateObject())
        {
            int agreed = scores.GetValueOrDefault(floor.Name);
            if (agreed < floor.Value.GetInt32())
            {
                yield return $"{floor.Name}: {agreed} agree, and {floor.Value.GetInt32()} did before";
            }
        }
    }
}
