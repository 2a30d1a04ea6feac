using System.CommandLine;
using System.Globalization;
using Emulator.Cli.Output;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.Cli.Commands;

/// <summary><c>emulator run PATH...</c></summary>
internal static class RunCommand
{
    public static Command Create(Lazy<ServiceProvider> services, CancellationToken interrupted)
    {
        // csharpier-ignore
        var paths = new Argument<string[]>("PATH") { Description = "Scenario files, or folders to search for .yaml and .yml files", Arity = ArgumentArity.OneOrMore };
        // csharpier-ignore
        var filter = new Option<string?>("--filter") { Description = "Run only scenarios whose file or name contains TEXT", HelpName = "TEXT" };
        // csharpier-ignore
        var jobs = new Option<int>("--jobs", "-j") { Description = "Run N scenarios at once (output stays in order)", HelpName = "N", DefaultValueFactory = _ => Environment.ProcessorCount };
        // csharpier-ignore
        var junit = new Option<string?>("--report-junit") { Description = "Write a JUnit XML report to FILE", HelpName = "FILE" };
        // csharpier-ignore
        var trace = new Option<string?>("--trace") { Description = "Write every event to FILE; JSON lines if it ends in .jsonl, text otherwise", HelpName = "FILE" };
        // csharpier-ignore
        var repeat = new Option<int>("--repeat") { Description = "Run each scenario N times and compare the traces", HelpName = "N", DefaultValueFactory = _ => 1 };
        // csharpier-ignore
        var step = new Option<bool>("--step") { Description = "Show each DMA instruction with its bus traffic; Enter or n goes on, c runs on, q quits, h helps" };
        // csharpier-ignore
        var plain = new Option<bool>("--no-color") { Description = "No colours and no live progress" };
        var command = new ExplainedCommand(
            "run",
            "Run scenario files.",
            "emulator run scenarios",
            "emulator run scenarios/fvp-ve --filter stall",
            "emulator run scenarios --jobs 2 --report-junit results.xml",
            "emulator run page-copy.yaml --trace trace.txt",
            "emulator run page-copy.yaml --repeat 3",
            "emulator run page-copy.yaml --step"
        )
        {
            paths,
            filter,
            jobs,
            junit,
            trace,
            repeat,
            step,
            plain,
        };
        foreach (Option<int> count in new[] { jobs, repeat })
        {
            count.Validators.Add(result =>
            {
                if (
                    result.Tokens.Count == 1
                    && (!int.TryParse(result.Tokens[0].Value, CultureInfo.InvariantCulture, out int n) || n < 1)
                )
                {
                    result.AddError($"{count.Name} takes a whole number from 1, not '{result.Tokens[0].Value}'");
                }
            });
        }

        command.SetAction(parsed =>
        {
            var options = new RunOptions
            {
                Paths = parsed.GetRequiredValue(paths),
                Filter = parsed.GetValue(filter),
                Jobs = parsed.GetValue(jobs),
                JUnitFile = parsed.GetValue(junit),
                TraceFile = parsed.GetValue(trace),
                Repeat = parsed.GetValue(repeat),
                Step = parsed.GetValue(step),
                Plain = parsed.GetValue(plain),
            };
            return new ScenarioBatch(services.Value, options, interrupted).Run(CreateOutput(options));
        });
        return command;
    }

    /// <summary>NO_COLOR (no-color.org) counts when it is not empty; a dumb terminal knows no control sequences.</summary>
    private static bool IsPlainTerminal =>
        Environment.GetEnvironmentVariable("NO_COLOR") is { Length: > 0 }
        || Environment.GetEnvironmentVariable("TERM") is null or "" or "dumb";

    /// <summary>Spectre.Console is loaded only where there is a terminal to draw on: it costs tens of milliseconds.</summary>
    private static IRunOutput CreateOutput(RunOptions options) =>
        options.Plain || options.Step || Console.IsOutputRedirected || IsPlainTerminal
            ? new PlainOutput(Console.Out, Console.Error)
            : new TerminalOutput();
}
