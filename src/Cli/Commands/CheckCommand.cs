using System.CommandLine;
using Emulator.Scenarios;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.Cli.Commands;

/// <summary><c>emulator check PATH...</c></summary>
internal static class CheckCommand
{
    public static Command Create(Lazy<ServiceProvider> services)
    {
        var paths = new Argument<string[]>("PATH")
        {
            Description = "Scenario files, or folders to search for .yaml and .yml files",
            Arity = ArgumentArity.OneOrMore,
        };
        var command = new ExplainedCommand(
            "check",
            "Read scenario files and report every mistake, without running anything.",
            "emulator check scenarios",
            "emulator check my-story.yaml"
        )
        {
            paths,
        };
        command.SetAction(parsed => Check(services.Value, parsed.GetRequiredValue(paths)));
        return command;
    }

    private static int Check(IServiceProvider services, string[] paths)
    {
        IReadOnlyList<string> files = ScenarioSet.Find(paths);
        if (files.Count == 0)
        {
            Console.Error.WriteLine("emulator: no scenario file matched");
            return ExitCodes.NothingMatched;
        }

        int wrong = 0;
        foreach (string file in files)
        {
            ScenarioReading reading = ScenarioSet.Read(services, file);
            wrong += reading.Errors.Count > 0 ? 1 : 0;
            foreach (ScenarioError error in reading.Errors)
            {
                Console.Error.WriteLine(error);
            }

            foreach (ScenarioError note in reading.Notes)
            {
                Console.Error.WriteLine(note with { Message = "note: " + note.Message });
            }
        }

        Console.WriteLine($"{Files(files.Count - wrong)} in order, {wrong} with mistakes");
        return wrong == 0 ? ExitCodes.Passed : ExitCodes.WrongInput;
    }

    private static string Files(int count) => count == 1 ? "1 file" : $"{count} files";
}
