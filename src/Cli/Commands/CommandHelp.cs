using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Emulator.Cli.Commands;

/// <summary>
/// A command with lines that show its use. They stand at the end of its own help; lists of commands show only the
/// description, in a line.
/// </summary>
internal sealed class ExplainedCommand(string name, string description, params string[] examples)
    : Command(name, description)
{
    public IReadOnlyList<string> Examples { get; } = examples;
}

/// <summary>Shows the help of System.CommandLine and after it what is worth knowing besides.</summary>
internal sealed class CommandHelp(SynchronousCommandLineAction help, IReadOnlyList<string> rootExamples)
    : SynchronousCommandLineAction
{
    private const string ExitCodesText = """
        Exit codes:
          0    all passed
          1    an expectation failed
          2    a file or an option is wrong
          3    a fault of the emulator itself
          5    nothing matched
          130  interrupted
        """;

    /// <summary>Takes the place of the help action of a root command.</summary>
    public static void Install(RootCommand root, params string[] rootExamples)
    {
        HelpOption option = root.Options.OfType<HelpOption>().Single();
        option.Action = new CommandHelp((SynchronousCommandLineAction)option.Action!, rootExamples);
    }

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        using var text = new StringWriter { NewLine = "\n" };
        TextWriter output = parseResult.InvocationConfiguration.Output;
        parseResult.InvocationConfiguration.Output = text;
        int code = help.Invoke(parseResult);
        parseResult.InvocationConfiguration.Output = output;
        output.WriteLine(text.ToString().TrimEnd());

        Command command = parseResult.CommandResult.Command;
        output.WriteLine("\nExamples:");
        foreach (string example in (command as ExplainedCommand)?.Examples ?? rootExamples)
        {
            output.WriteLine($"  {example}");
        }

        if (command is RootCommand)
        {
            output.WriteLine($"\n{ExitCodesText}");
        }

        return code;
    }
}
