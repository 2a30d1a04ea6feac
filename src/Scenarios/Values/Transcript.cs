using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Emulator.Userland;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary>
/// The text of a console: lines with a prompt are typed, the lines below must come back. A text without a prompt is a script that
/// must succeed.
/// </summary>
internal sealed partial class Transcript
{
    private readonly IReadOnlyList<Command> _commands;
    private readonly bool _isScript;

    private Transcript(IReadOnlyList<Command> commands, bool isScript)
    {
        _commands = commands;
        _isScript = isScript;
    }

    public static Transcript Read(ReadingContext context, YamlNode node)
    {
        if (node is not YamlScalarNode { Value: { } text } scalar)
        {
            context.Fail(node, $"host takes a transcript, the text of a console, not {ReadingContext.Describe(node)}");
            return new Transcript([], isScript: false);
        }

        Place place = ReadingContext.PlaceOf(node);
        bool isBlock = scalar.Style is YamlDotNet.Core.ScalarStyle.Literal or YamlDotNet.Core.ScalarStyle.Folded;
        var first = new Place(
            place.Line + (isBlock ? 1 : 0),
            isBlock ? context.IndentationAfter(place) + 1 : place.Column
        );
        string[] lines = text.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n');
        bool isScript = !Array.Exists(lines, line => Prompt().IsMatch(line));
        if (isScript)
        {
            CheckCommand(context, text, first);
            return new Transcript([new Command(first, text, [])], isScript);
        }

        return new Transcript(Split(context, lines, first), isScript);
    }

    /// <summary>Reports a command that the shell cannot read.</summary>
    public static void CheckCommand(ReadingContext context, string text, Place place)
    {
        if (Shell.Check(text) is { State: not ShellInputState.Complete } wrong)
        {
            context.Fail(place, $"the shell cannot read this: {wrong.Message ?? "the command is not complete"}");
        }

        foreach (Match match in FunctionDefinition().Matches(text))
        {
            context.ShellFunctions.Add(match.Groups["name"].Value);
        }
    }

    /// <summary>Fails the step unless a command ended with a status.</summary>
    public static void CheckStatus(
        World world,
        HostConsole console,
        ulong wanted,
        Place place,
        IReadOnlyList<string> output
    )
    {
        world.Work(1, place);
        if ((ulong)console.Status != wanted)
        {
            throw new StepFailedException(
                new StepFailure(
                    place,
                    "the exit status is another one",
                    [string.Create(CultureInfo.InvariantCulture, $"exit {wanted}")],
                    [string.Create(CultureInfo.InvariantCulture, $"exit {console.Status}"), .. output.TakeLast(10)]
                )
            );
        }
    }

    /// <summary>Types the commands one after the other.</summary>
    public void Run(World world, HostConsole console, long patience, NumberValue? exit)
    {
        IReadOnlyList<string> output = console.TakeOutput();
        foreach (Command command in _commands)
        {
            if (command.Text.Length > 0)
            {
                console.TakeOutput();
                console.Start(command.Text, command.Place);
                console.RunToEnd(world, patience, command.Place);
                output = console.TakeOutput();
            }

            if (!_isScript && LinePattern.Compare(command.Expected, output) is { } difference)
            {
                string message =
                    command.Text.Length == 0
                        ? "the console showed something else before"
                        : $"'{command.Text.Split('\n')[0]}' printed something else";
                throw new StepFailedException(
                    new StepFailure(command.Place, message, difference.Expected, difference.Found)
                );
            }
        }

        if ((_isScript || exit is not null) && _commands.Count > 0)
        {
            CheckStatus(world, console, exit is null ? 0 : world.Number(exit), _commands[^1].Place, output);
        }
    }

    /// <summary><c>$ </c> or <c># </c>, after a directory or <c>[directory] </c> perhaps.</summary>
    [GeneratedRegex(
        @"^(?:\[[^\]\s]*\] |[~/][^\s#$]* ?)?[#$] ",
        RegexOptions.CultureInvariant | RegexOptions.NonBacktracking
    )]
    private static partial Regex Prompt();

    [GeneratedRegex(
        @"(?<name>[A-Za-z_][A-Za-z0-9_]*) *\( *\)",
        RegexOptions.CultureInvariant | RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture
    )]
    private static partial Regex FunctionDefinition();

    private static List<Command> Split(ReadingContext context, string[] lines, Place first)
    {
        var commands = new List<Command>();
        int index = 0;
        if (!Prompt().IsMatch(lines[0]))
        {
            commands.Add(new Command(first, "", ReadExpected(context, lines, first, ref index)));
        }

        while (index < lines.Length)
        {
            Match prompt = Prompt().Match(lines[index]);
            Place place = first with { Line = first.Line + index };
            var text = new StringBuilder(lines[index++][prompt.Length..]);
            if (prompt.Value is "# " && IsComment(context, text.ToString()))
            {
                context.Note(
                    place,
                    $"'# {Words.Shorten(text.ToString())}' begins with no command; it is taken as a comment"
                );
                if (ReadExpected(context, lines, first, ref index).Count > 0)
                {
                    context.Fail(place, $"nothing runs '# {Words.Shorten(text.ToString())}', so nothing can come back");
                }

                continue;
            }

            while (index < lines.Length && Shell.Check(text.ToString()).State == ShellInputState.Incomplete)
            {
                text.Append('\n').Append(lines[index++]);
            }

            CheckCommand(context, text.ToString(), place);
            commands.Add(new Command(place, text.ToString(), ReadExpected(context, lines, first, ref index)));
        }

        return commands;
    }

    private static List<ExpectedLine> ReadExpected(ReadingContext context, string[] lines, Place first, ref int index)
    {
        var expected = new List<ExpectedLine>();
        while (index < lines.Length && !Prompt().IsMatch(lines[index]))
        {
            expected.Add(ExpectedLine.Read(context, lines[index], first with { Line = first.Line + index }));
            index++;
        }

        return expected;
    }

    /// <summary>A line of prose: its first word is nothing that a shell could run.</summary>
    private static bool IsComment(ReadingContext context, string text)
    {
        string word = text.Split(
            [' ', '\t', ';', '|', '&', '<', '>', '(', ')'],
            2,
            StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries
        )
            is [{ } first, ..]
            ? first
            : "";
        return !Shell.CanBegin(word) && !context.ShellFunctions.Contains(word) && !FunctionDefinition().IsMatch(text);
    }

    /// <summary>A command of a transcript and what it must print; without a text, what must have been printed before.</summary>
    private sealed record Command(Place Place, string Text, IReadOnlyList<ExpectedLine> Expected);
}
