using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Emulator.Cli.Output;
using Emulator.Machine;
using Emulator.Scenarios;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.Cli.Commands;

/// <summary>What became of one file.</summary>
/// <param name="File">The file.</param>
/// <param name="Name">The scenario's name, or the file's when it could not be read.</param>
/// <param name="Result">The result, when it ran.</param>
/// <param name="Errors">The mistakes, when it did not.</param>
/// <param name="Fault">A fault of the emulator itself, or null.</param>
internal sealed record FileOutcome(
    string File,
    string Name,
    ScenarioResult? Result,
    IReadOnlyList<ScenarioError> Errors,
    string? Fault
)
{
    public bool Passed => Result is { Passed: true } && Fault is null;
}

/// <summary>Runs a set of scenario files, several at once, and shows the outcomes in the order of the files.</summary>
internal sealed class ScenarioBatch(IServiceProvider services, RunOptions options, CancellationToken interrupted)
{
    private static readonly JsonSerializerOptions Json = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly ScenarioRunner _runner = services.GetRequiredService<ScenarioRunner>();

    public int Run(IRunOutput output)
    {
        IReadOnlyList<string> files = ScenarioSet.Find(options.Paths);
        using StreamWriter? traceFile = options.TraceFile is null ? null : OpenForWriting(options.TraceFile);
        bool oneAtATime = traceFile is not null || options.Step;
        int jobs = oneAtATime ? 1 : Math.Min(options.Jobs, Math.Max(1, files.Count));
        var outcomes = new List<FileOutcome>();
        output.Start(files.Count);
        foreach (FileOutcome? outcome in RunAll(files, jobs, file => RunFile(file, traceFile)))
        {
            if (outcome is not null)
            {
                outcomes.Add(outcome);
                output.Show(outcome);
            }
        }

        output.Finish(outcomes);
        if (options.JUnitFile is not null)
        {
            WriteJUnit(options.JUnitFile, outcomes);
        }

        return ExitCode(outcomes);
    }

    private static StreamWriter OpenForWriting(string file)
    {
        try
        {
            return new StreamWriter(file, append: false) { NewLine = "\n" };
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new UserErrorException($"cannot write '{file}': {exception.Message}");
        }
    }

    /// <summary>Runs files on up to <paramref name="jobs"/> threads, at most a few ahead, and yields in order.</summary>
    private IEnumerable<FileOutcome?> RunAll(IReadOnlyList<string> files, int jobs, Func<string, FileOutcome?> run)
    {
        if (jobs == 1)
        {
            foreach (string file in files)
            {
                interrupted.ThrowIfCancellationRequested();
                yield return run(file);
            }

            yield break;
        }

        foreach (
            FileOutcome? outcome in files
                .AsParallel()
                .AsOrdered()
                .WithDegreeOfParallelism(jobs)
                .WithMergeOptions(ParallelMergeOptions.NotBuffered)
                .WithCancellation(interrupted)
                .Select(run)
        )
        {
            yield return outcome;
        }
    }

    private FileOutcome? RunFile(string file, StreamWriter? traceFile)
    {
        string name = file;
        try
        {
            ScenarioReading reading = ScenarioSet.Read(services, file);
            name = reading.Name;
            return !Matches(file, name) ? null
                : reading.Scenario is { } scenario ? RunScenario(scenario, traceFile)
                : new FileOutcome(file, name, null, reading.Errors, null);
        }
        catch (Exception exception) when (exception is not (OperationCanceledException or IOException))
        {
            // A fault of ours in one scenario must not hide the outcomes of the others. An IOException is the trace file's.
            string place = exception.StackTrace?.Split('\n').FirstOrDefault()?.Trim() ?? "";
            return new FileOutcome(file, name, null, [], $"{exception.GetType().Name}: {exception.Message} {place}");
        }
    }

    private bool Matches(string file, string name) =>
        options.Filter is not { } filter
        || file.Contains(filter, StringComparison.OrdinalIgnoreCase)
        || name.Contains(filter, StringComparison.OrdinalIgnoreCase);

    private FileOutcome RunScenario(Scenario scenario, StreamWriter? traceFile)
    {
        ScenarioResult result = _runner.Run(scenario, CreateSink(scenario, traceFile));
        string? fault = options.Repeat > 1 ? CompareRepetitions(scenario) : null;
        return new FileOutcome(scenario.File, scenario.Name, result, [], fault);
    }

    private ITraceSink? CreateSink(Scenario scenario, StreamWriter? traceFile)
    {
        if (options.Step)
        {
            return new StepSink(scenario, Console.In, Console.Out, Console.IsInputRedirected);
        }

        if (traceFile is null)
        {
            return null;
        }

        if (options.TraceFile!.EndsWith(".jsonl", StringComparison.Ordinal))
        {
            traceFile.WriteLine(JsonSerializer.Serialize(new { scenario = scenario.File, name = scenario.Name }, Json));
            return new JsonTraceSink(traceFile);
        }

        traceFile.WriteLine($"# {scenario.File}: {scenario.Name.ReplaceLineEndings(" ")}");
        return new TextTraceSink(traceFile);
    }

    private string? CompareRepetitions(Scenario scenario)
    {
        var first = new HashTraceSink();
        _runner.Run(scenario, first);
        for (int run = 2; run <= options.Repeat; run++)
        {
            interrupted.ThrowIfCancellationRequested();
            var again = new HashTraceSink();
            _runner.Run(scenario, again);
            if (again.Value != first.Value)
            {
                return string.Create(
                    CultureInfo.InvariantCulture,
                    $"run {run} gave another trace ({again.Value:x16}, {again.Count} events) than run 1 ({first.Value:x16}, {first.Count} events)"
                );
            }
        }

        return null;
    }

    private static void WriteJUnit(string file, List<FileOutcome> outcomes)
    {
        using StreamWriter writer = OpenForWriting(file);
        JUnitReport.Write(
            writer,
            [
                .. outcomes.Select(outcome => new ReportedCase(
                    outcome.File,
                    outcome.Name,
                    outcome.Result?.VirtualTime ?? 0,
                    outcome.Result?.Failure is { } failure ? FailureText.Of(outcome.Result.Scenario, failure) : null,
                    outcome.Fault ?? (outcome.Errors.Count > 0 ? string.Join('\n', outcome.Errors) : null)
                )),
            ]
        );
    }

    private static int ExitCode(List<FileOutcome> outcomes) =>
        outcomes.Count == 0 ? ExitCodes.NothingMatched
        : outcomes.Exists(outcome => outcome.Fault is not null) ? ExitCodes.InternalFault
        : outcomes.Exists(outcome => outcome.Errors.Count > 0) ? ExitCodes.WrongInput
        : outcomes.Exists(outcome => !outcome.Passed) ? ExitCodes.ExpectationFailed
        : ExitCodes.Passed;
}
