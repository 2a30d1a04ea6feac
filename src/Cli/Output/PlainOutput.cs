using System.Globalization;
using Emulator.Cli.Commands;
using Emulator.Machine;
using Emulator.Scenarios;

namespace Emulator.Cli.Output;

/// <summary>One line a scenario, for logs and pipes.</summary>
internal sealed class PlainOutput(TextWriter output, TextWriter errors) : IRunOutput
{
    public void Start(int files)
    {
        // Lines speak for themselves.
    }

    public void Show(FileOutcome outcome)
    {
        output.WriteLine(Headline(outcome));
        foreach (string line in Details(outcome))
        {
            errors.WriteLine(line);
        }
    }

    public void Finish(IReadOnlyList<FileOutcome> outcomes) => output.WriteLine(Summary(outcomes));

    public static string Word(FileOutcome outcome) =>
        outcome.Passed ? "ok   "
        : outcome.Fault is not null || outcome.Result is null ? "ERROR"
        : "FAIL ";

    public static string Headline(FileOutcome outcome)
    {
        string time = outcome.Result is { } result ? $" ({VirtualTime.Format(result.VirtualTime)})" : "";
        string name = outcome.Result is null ? "" : $": {outcome.Name.ReplaceLineEndings(" ")}";
        return Printable.Of($"{Word(outcome)} {outcome.File}{name}{time}");
    }

    public static IEnumerable<string> Details(FileOutcome outcome)
    {
        foreach (string warning in outcome.Result?.BoardWarnings ?? [])
        {
            yield return $"  warning: {warning}";
        }

        foreach (ScenarioError error in outcome.Errors)
        {
            yield return error.ToString();
        }

        if (outcome.Fault is { } fault)
        {
            yield return $"a fault of the emulator itself: {fault}";
        }

        if (outcome.Result?.Failure is { } failure)
        {
            yield return FailureText.Of(outcome.Result.Scenario, failure);
        }
    }

    public static string Summary(IReadOnlyList<FileOutcome> outcomes)
    {
        int passed = outcomes.Count(outcome => outcome.Passed);
        int failed = outcomes.Count(outcome => outcome.Result is { Passed: false });
        int wrong = outcomes.Count - passed - failed;
        string summary = string.Create(CultureInfo.InvariantCulture, $"{passed} passed, {failed} failed");
        return outcomes.Count == 0 ? "no scenario matched"
            : wrong == 0 ? summary
            : string.Create(CultureInfo.InvariantCulture, $"{summary}, {wrong} could not be run");
    }
}
