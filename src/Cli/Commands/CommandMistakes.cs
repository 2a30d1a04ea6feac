using System.CommandLine;
using System.CommandLine.Parsing;
using Emulator.Scenarios;

namespace Emulator.Cli.Commands;

/// <summary>Says what is wrong with a command line: in a line each, with the word that was meant.</summary>
internal static class CommandMistakes
{
    /// <summary>The mistakes; none when the command line is in order.</summary>
    public static IReadOnlyList<string> Find(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        var mistakes = new List<string>();
        IEnumerable<string> unmatched = parsed.UnmatchedTokens;
        if (command.Subcommands.Count > 0)
        {
            unmatched = unmatched.Take(1); // what follows an unknown command could be right
        }

        string[] options = [.. TakenForArguments(parsed)];
        mistakes.AddRange((options.Length > 0 ? options : unmatched).Select(token => Unknown(command, token)));
        if (mistakes.Count == 0)
        {
            mistakes.AddRange(parsed.Errors.Select(error => error.Message));
        }

        return mistakes;
    }

    /// <summary>The line that says where to read on.</summary>
    public static string SeeAlso(ParseResult parsed)
    {
        IEnumerable<string> names = parsed.CommandResult.RecurseCommands().Select(command => command.Name).Reverse();
        return $"See: emulator {string.Concat(names.Skip(1).Select(name => name + " "))}--help";
    }

    /// <summary>
    /// A command that takes any number of paths takes a misspelt option for one. What begins with a dash and is no file is
    /// an option; what follows <c>--</c> is not.
    /// </summary>
    private static IEnumerable<string> TakenForArguments(ParseResult parsed)
    {
        string[] words = [.. parsed.Tokens.TakeWhile(token => token.Type != TokenType.DoubleDash).Select(t => t.Value)];
        return parsed
            .CommandResult.Command.Arguments.SelectMany(argument => parsed.GetResult(argument)?.Tokens ?? [])
            .Select(token => token.Value)
            .Where(value => value.Length > 1 && value[0] == '-' && !Path.Exists(value) && words.Contains(value));
    }

    private static string Unknown(Command command, string token)
    {
        bool isOption = token.StartsWith('-');
        IEnumerable<string> known = isOption
            ? command.Options.SelectMany(option => option.Aliases.Prepend(option.Name)).Append("--help")
            : command.Subcommands.Select(subcommand => subcommand.Name);
        string what =
            isOption ? $"there is no option '{token}'"
            : command.Subcommands.Count > 0 ? $"there is no command '{token}'"
            : $"'{token}' is more than the command takes";
        return what + Words.DidYouMean(token, known);
    }

    private static IEnumerable<Command> RecurseCommands(this CommandResult result)
    {
        for (SymbolResult? at = result; at is CommandResult command; at = at.Parent)
        {
            yield return command.Command;
        }
    }
}
