using System.Text.Json;

namespace Emulator.Conformance.Linux;

/// <summary>
/// The differences that come of an SMMUv2 where the recordings had an SMMUv3: rows of smmu-v2.json (script, line, field,
/// recorded, ours, why), with <c>kernel</c> where only one of them differs. Nothing else is allowed to differ.
/// </summary>
internal sealed class SmmuDifferences
{
    private readonly List<Row> _rows = [];

    public SmmuDifferences()
    {
        string file = Path.Combine(Recordings.Root, "tests", "Conformance", "smmu-v2.json");
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(file));
        foreach (JsonElement row in document.RootElement.EnumerateArray())
        {
            _rows.Add(
                new Row(
                    row.Text("script"),
                    row.TryGetProperty("kernel", out JsonElement kernel) ? kernel.GetString() : null,
                    row.GetProperty("line").GetInt32(),
                    row.Text("field"),
                    row.Text("recorded"),
                    row.Text("ours")
                )
            );
        }
    }

    /// <summary>How many rows were applied.</summary>
    public int Applied => _rows.Count(row => row.Uses > 0);

    /// <summary>Whether a row says that this difference is the SMMU's.</summary>
    public bool Explains(OpsRecording recording, OpsOperation operation, OpsDifference difference)
    {
        Row? found = _rows.Find(row =>
            string.Equals(row.Script, recording.Scenario, StringComparison.Ordinal)
            && (row.Kernel is null || string.Equals(row.Kernel, recording.Kernel, StringComparison.Ordinal))
            && row.Line == operation.Line
            && string.Equals(row.Field, difference.Field, StringComparison.Ordinal)
            && string.Equals(row.Recorded, difference.Recorded, StringComparison.Ordinal)
            && string.Equals(row.Ours, difference.Ours, StringComparison.Ordinal)
        );
        if (found is null)
        {
            return false;
        }

        found.Uses++;
        return true;
    }

    /// <summary>Rows of the scripts that were run, of which nothing differed that way.</summary>
    public IEnumerable<string> Unused(IReadOnlySet<string> scripts) =>
        _rows
            .Where(row => row.Uses == 0 && scripts.Contains(row.Script))
            .Select(row => $"smmu-v2.json: {row.Script} line {row.Line} {row.Field} no longer differs so");

    private sealed record Row(string Script, string? Kernel, int Line, string Field, string Recorded, string Ours)
    {
        public int Uses { get; set; }
    }
}
