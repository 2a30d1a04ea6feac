namespace Emulator.Conformance.Linux;

/// <summary>How one operation here differs from the recording.</summary>
/// <param name="Field">result, output or log.</param>
/// <param name="Recorded">What was recorded.</param>
/// <param name="Ours">What happened here.</param>
internal readonly record struct OpsDifference(string Field, string Recorded, string Ours);

/// <summary>Compares what an operation did with what was recorded: result and errno, output, text of the log lines.</summary>
internal static class OpsComparison
{
    public static IEnumerable<OpsDifference> Compare(OpsOperation operation, OpsOutcome ours)
    {
        OpsOutcome recorded = operation.Recorded;
        if (!Same(Result(recorded), Result(ours)))
        {
            yield return new OpsDifference("result", Result(recorded), Result(ours));
        }

        string there = Lines(operation.Text, recorded.Output);
        string here = Lines(operation.Text, ours.Output);
        if (!Same(there, here))
        {
            yield return new OpsDifference("output", there, here);
        }

        there = Lines(operation.Text, recorded.Log.Select(line => line.Text));
        here = Lines(operation.Text, ours.Log.Select(line => line.Text));
        if (!Same(there, here))
        {
            yield return new OpsDifference("log", there, here);
        }
    }

    private static string Result(OpsOutcome outcome) =>
        outcome.Errno is null ? outcome.Result : $"{outcome.Result} {outcome.Errno}";

    private static string Lines(string operation, IEnumerable<string> lines) =>
        string.Join('\n', lines.Select(line => OpsText.Normalize(operation, line)));

    private static bool Same(string left, string right) => string.Equals(left, right, StringComparison.Ordinal);
}
