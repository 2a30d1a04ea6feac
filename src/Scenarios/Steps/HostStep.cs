using System.Text;
using System.Text.RegularExpressions;
using Emulator.Machine;
using Emulator.Userland;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary>
/// <c>host:</c> a transcript of a console of the simulated Linux: lines with a prompt are typed, the lines below must come back.
/// A block without a prompt is a script that must succeed.
/// </summary>
internal sealed partial class HostStep : Step
{
    private const RegexOptions LineOptions = RegexOptions.CultureInvariant | RegexOptions.NonBacktracking;

    private const long DefaultPatience = 60 * VirtualTime.Second;

    private readonly List<Command> _commands;
    private readonly NumberValue? _exit;
    private readonly bool _isScript;

    private HostStep(Place place, List<Command> commands, NumberValue? exit, bool isScript)
        : base(place)
    {
        _commands = commands;
        _exit = exit;
        _isScript = isScript;
    }

    public static Step Read(ReadingContext context, YamlNode node)
    {
        NumberValue? exit = null;
        YamlNode text = node;
        if (node is YamlMappingNode)
        {
            var map = new MapReader(context, node, "host");
            exit = map.Number("exit");
            if (!map.Has("run"))
            {
                context.Fail(map.Place, "host needs 'run:', the transcript");
            }

            text = map.Node("run") ?? node;
            map.Finish();
        }

        Place place = ReadingContext.PlaceOf(text);
        if (context.IsBareMetal)
        {
            context.Fail(node, "host needs a kernel; the scenario says 'kernel: none'");
            return new HostStep(place, [], exit, isScript: false);
        }

        if (text is not YamlScalarNode { Value: { } transcript } scalar)
        {
            context.Fail(text, $"host takes a transcript, the text of a console, not {ReadingContext.Describe(text)}");
            return new HostStep(place, [], exit, isScript: false);
        }

        bool isBlock = scalar.Style is YamlDotNet.Core.ScalarStyle.Literal or YamlDotNet.Core.ScalarStyle.Folded;
        long firstLine = place.Line + (isBlock ? 1 : 0);
        string[] lines = transcript.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n');
        bool isScript = !Array.Exists(lines, line => Prompt().IsMatch(line));
        List<Command> commands = isScript
            ? [new Command(new Place(firstLine, place.Column), transcript, [])]
            : Split(context, lines, firstLine, place.Column);
        foreach (Command command in commands)
        {
            if (Shell.Check(command.Text) is { State: not ShellInputState.Complete } wrong)
            {
                context.Fail(
                    command.Place,
                    $"the shell cannot read this: {wrong.Message ?? "the command is not complete"}"
                );
            }
        }

        return new HostStep(place, commands, exit, isScript);
    }

    public override void Run(World world)
    {
        HostConsole console = world.Console(Place);
        foreach (Command command in _commands)
        {
            IReadOnlyList<string> output = console.Run(world, command.Text, DefaultPatience, command.Place);
            if (!_isScript && !Matches(command.Expected, output))
            {
                string shown = command.Text.Split('\n')[0];
                throw new StepFailedException(
                    new StepFailure(
                        command.Place,
                        $"'{shown}' printed something else",
                        [.. command.Expected],
                        [.. output]
                    )
                );
            }
        }

        ulong wanted = _exit is null ? 0 : world.Number(_exit);
        if ((_isScript || _exit is not null) && (ulong)console.Status != wanted)
        {
            string[] output = [.. console.LastOutput.TakeLast(10)];
            throw new StepFailedException(
                new StepFailure(
                    _commands[^1].Place,
                    "the exit status is another one",
                    [$"exit {wanted}"],
                    [$"exit {console.Status}", .. output]
                )
            );
        }
    }

    /// <summary><c>$ </c> or <c># </c>, after a directory or <c>[directory] </c> perhaps.</summary>
    [GeneratedRegex(
        @"^(?:\[[^\]\s]*\] |[~/][^\s#$]* ?)?[#$] ",
        RegexOptions.CultureInvariant | RegexOptions.NonBacktracking
    )]
    private static partial Regex Prompt();

    private static List<Command> Split(ReadingContext context, string[] lines, long firstLine, long column)
    {
        var commands = new List<Command>();
        int index = 0;
        while (index < lines.Length)
        {
            Match prompt = Prompt().Match(lines[index]);
            var place = new Place(firstLine + index, column);
            if (!prompt.Success)
            {
                context.Fail(place, "output before the first command; a transcript begins with a prompt, '# ' or '$ '");
                return commands;
            }

            var text = new StringBuilder(lines[index++][prompt.Length..]);
            while (index < lines.Length && Shell.Check(text.ToString()).State == ShellInputState.Incomplete)
            {
                text.Append('\n').Append(lines[index++]);
            }

            var expected = new List<string>();
            while (index < lines.Length && !Prompt().IsMatch(lines[index]))
            {
                if (IsRegex(lines[index]))
                {
                    CheckRegex(context, lines[index], new Place(firstLine + index, column));
                }

                expected.Add(lines[index++]);
            }

            commands.Add(new Command(place, text.ToString(), expected));
        }

        return commands;
    }

    /// <summary><c>...</c> stands for any lines, <c>/regex/</c> for one that matches, the others for themselves.</summary>
    private static bool Matches(IReadOnlyList<string> expected, IReadOnlyList<string> output)
    {
        int at = 0;
        int line = 0;
        int lastGap = -1;
        int gapEnd = 0;
        while (line < output.Count)
        {
            if (at < expected.Count && expected[at].Trim() is "...")
            {
                lastGap = at++;
                gapEnd = line;
            }
            else if (at < expected.Count && MatchesLine(expected[at], output[line]))
            {
                at++;
                line++;
            }
            else if (lastGap >= 0)
            {
                // The last gap takes one line more; what earlier ones took can stay, as with a * of a file name pattern.
                at = lastGap + 1;
                line = ++gapEnd;
            }
            else
            {
                return false;
            }
        }

        return expected.Skip(at).All(wanted => wanted.Trim() is "...");
    }

    private static bool MatchesLine(string wanted, string line) =>
        string.Equals(wanted, line, StringComparison.Ordinal)
        || (IsRegex(wanted) && Regex.IsMatch(line, Whole(wanted), LineOptions, TimeSpan.FromSeconds(1)));

    private static bool IsRegex(string wanted) => wanted.Length > 2 && wanted[0] == '/' && wanted[^1] == '/';

    private static string Whole(string wanted) => $"^(?:{wanted[1..^1]})$";

    private static void CheckRegex(ReadingContext context, string wanted, Place place)
    {
        try
        {
            _ = new Regex(Whole(wanted), LineOptions, TimeSpan.FromSeconds(1));
        }
        catch (Exception exception) when (exception is ArgumentException or NotSupportedException)
        {
            context.Fail(place, $"this is no regular expression: {exception.Message}");
        }
    }

    /// <summary>A command of a transcript and what it must print.</summary>
    private sealed record Command(Place Place, string Text, IReadOnlyList<string> Expected);
}
