using System.Text.Json;

namespace Emulator.Conformance;

/// <summary>
/// Holds the models to recordings of other implementations: QEMU's device models and its CPU's page-table walks. Another folder
/// of the same format is run by <c>EMULATOR_GOLDEN=DIR</c>; what is missing or not modelled is reported, never passed over.
/// </summary>
public sealed class ConformanceTests
{
    [Fact]
    public void The_DMA_330_agrees_with_the_recordings_of_QEMU()
    {
        var report = new Report("qemu-pl330");
        foreach (JsonElement vector in Recordings.Vectors("qemu-pl330"))
        {
            string name = vector.Text("name");
            if (!vector.Flag("qemu_only"))
            {
                report.Add(name, new Pl330Replay(vector).Run());
            }
            else if (new Pl330Replay(vector).Run(preferManual: true) is { } difference)
            {
                string deviations = string.Join(
                    ", ",
                    vector.GetProperty("deviations").EnumerateObject().Select(item => item.Name)
                );
                report.Note($"{name} rests on QEMU's own ways ({deviations}): {difference}");
            }
        }

        Conclude(report);
    }

    [Fact]
    public void The_PL031_agrees_with_the_recordings_of_QEMU()
    {
        var report = new Report("qemu-pl031");
        foreach (JsonElement vector in Recordings.Vectors("qemu-pl031"))
        {
            report.Add(vector.Text("name"), Pl031Replay.Run(vector));
        }

        Conclude(report);
    }

    [Fact]
    public void The_SMMU_walks_tables_as_the_recorded_CPU_does()
    {
        var report = new Report("qemu-ptw");
        foreach (
            (string format, string pattern) in new[]
            {
                ("lpae32", "ptw-lpae32.jsonl"),
                ("aarch64", "ptw.jsonl"),
                ("aarch64", "ptw-spec.jsonl"),
            }
        )
        {
            foreach (JsonElement vector in Recordings.Vectors("qemu-ptw", pattern))
            {
                string? difference = PageTableReplay.Run(vector, format);
                if (difference is not null && Advisory(vector) is { } tag)
                {
                    report.Note($"{vector.Text("name")} ({tag}, which an SMMU may do otherwise): {difference}");
                }
                else
                {
                    report.Add(vector.Text("name"), difference);
                }
            }
        }

        Conclude(report);
    }

    [Fact]
    public void The_PCI_device_edu_agrees_with_the_recordings_of_QEMU()
    {
        var report = new Report("qemu-edu");
        foreach (JsonElement vector in Recordings.Vectors("qemu-edu"))
        {
            report.Add(vector.Text("name"), EduReplay.Run(vector));
        }

        Conclude(report);
    }

    [Fact]
    public void What_software_cannot_change_in_configuration_space_is_as_recorded()
    {
        var report = new Report("linux/topologies (read-only configuration)");
        string folder = Path.Combine(Recordings.Folder, "linux", "topologies");
        foreach (string topology in FoldersOf(folder))
        {
            string text = File.ReadAllText(Path.Combine(topology, "k61-dt.txt"));
            foreach ((string name, string? difference) in PciDumpComparison.Run(Path.GetFileName(topology), text))
            {
                report.Add(name, difference);
            }
        }

        Conclude(report);
    }

    private static IEnumerable<string> FoldersOf(string folder) =>
        Directory.Exists(folder) ? Directory.GetDirectories(folder).Order(StringComparer.Ordinal) : [];

    private static void Conclude(Report report)
    {
        report.Publish();
        if (report.Ran == 0)
        {
            Assert.Skip($"no recordings in {Recordings.Folder}");
        }

        report.Differences.Should().BeEmpty();
    }

    /// <summary>The tag that makes a case a matter of the implementation, or null.</summary>
    private static string? Advisory(JsonElement vector) =>
        vector
            .GetProperty("tags")
            .EnumerateArray()
            .Select(tag => tag.GetString())
            .FirstOrDefault(tag => tag is "illegal-txsz" or "illegal-sl0");
}
