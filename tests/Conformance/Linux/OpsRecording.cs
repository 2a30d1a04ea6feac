using System.Text.Json;

namespace Emulator.Conformance.Linux;

/// <summary>A line of the kernel log that appeared during an operation.</summary>
/// <param name="Level">Its level.</param>
/// <param name="Text">Its text.</param>
internal readonly record struct OpsLogLine(int Level, string Text);

/// <summary>What an operation did.</summary>
/// <param name="Result">What it returned: a number, or <c>fd</c>.</param>
/// <param name="Errno">The name of the errno of a failed one, or null.</param>
/// <param name="Output">The data that came back, by lines.</param>
/// <param name="Log">The lines of the kernel log.</param>
internal sealed record OpsOutcome(
    string Result,
    string? Errno,
    IReadOnlyList<string> Output,
    IReadOnlyList<OpsLogLine> Log
);

/// <summary>An operation of a script, and what was recorded of it.</summary>
/// <param name="Line">Its line in SCENARIO.ops, from 1; its place in the recording where there is no script.</param>
/// <param name="Text">The operation.</param>
/// <param name="Recorded">What it did.</param>
internal sealed record OpsOperation(int Line, string Text, OpsOutcome Recorded);

/// <summary>A script as one kernel ran it (ops/SCENARIO/KERNEL.rec.json, linux/README.md).</summary>
/// <param name="Scenario">The script's name.</param>
/// <param name="Kernel">Which kernel: k61, k612, k612o.</param>
/// <param name="CommandLine">QEMU's command line.</param>
/// <param name="Operations">The operations.</param>
internal sealed record OpsRecording(
    string Scenario,
    string Kernel,
    string CommandLine,
    IReadOnlyList<OpsOperation> Operations
)
{
    private const string Suffix = ".rec.json";

    /// <summary>Its name in reports.</summary>
    public string Name => $"{Scenario}/{Kernel}";

    /// <summary>All recordings below linux/ops, in order of their names.</summary>
    public static IEnumerable<OpsRecording> All()
    {
        string folder = Path.Combine(Recordings.Folder, "linux", "ops");
        if (!Directory.Exists(folder))
        {
            yield break;
        }

        foreach (
            string file in Directory
                .GetFiles(folder, "*" + Suffix, SearchOption.AllDirectories)
                .Order(StringComparer.Ordinal)
        )
        {
            yield return Read(file);
        }
    }

    private static OpsRecording Read(string file)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(file));
        JsonElement root = document.RootElement;
        string scenario = root.Text("scenario");
        int[] lines = ScriptLines(Path.Combine(Path.GetDirectoryName(file)!, scenario + ".ops"));
        JsonElement[] operations = [.. root.GetProperty("ops").EnumerateArray()];
        return new OpsRecording(
            scenario,
            Path.GetFileName(file)[..^Suffix.Length],
            root.Text("cmdline"),
            [
                .. operations.Select(
                    (operation, index) =>
                        new OpsOperation(
                            lines.Length == operations.Length ? lines[index] : index + 1,
                            operation.Text("op"),
                            Outcome(operation)
                        )
                ),
            ]
        );
    }

    private static OpsOutcome Outcome(JsonElement operation) =>
        new(
            operation.GetProperty("ret").ToString(),
            operation.GetProperty("errno").GetString(),
            [.. operation.GetProperty("out").EnumerateArray().Select(line => line.GetString()!)],
            [
                .. operation
                    .GetProperty("klog")
                    .EnumerateArray()
                    .Select(line => new OpsLogLine(line.GetProperty("level").GetInt32(), line.Text("text"))),
            ]
        );

    /// <summary>The lines of a script that hold operations.</summary>
    private static int[] ScriptLines(string file) =>
        File.Exists(file)
            ?
            [
                .. File.ReadLines(file)
                    .Select((text, index) => (Text: text.Trim(), Line: index + 1))
                    .Where(line => line.Text.Length > 0 && line.Text[0] != '#')
                    .Select(line => line.Line),
            ]
            : [];
}
