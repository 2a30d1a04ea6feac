using System.Text.RegularExpressions;

namespace Emulator.Scenarios;

/// <summary>
/// A line that must come: <c>...</c> stands for any lines, <c>/regex/</c> for one that matches, anything else for itself. The time
/// before a line of the kernel log is compared only where it is written.
/// </summary>
internal sealed partial class ExpectedLine
{
    // Linear in the line, whatever the pattern; making one costs milliseconds, so that it is made once, by the reader.
    private const RegexOptions Options = RegexOptions.CultureInvariant | RegexOptions.NonBacktracking;

    private readonly Regex? _regex;

    private ExpectedLine(string text, Regex? regex)
    {
        Text = text;
        _regex = regex;
    }

    /// <summary>As it is written.</summary>
    public string Text { get; }

    /// <summary>Whether it stands for any number of lines.</summary>
    public bool IsGap => Text.Trim() is "...";

    /// <summary>Reads a line that must come as a whole.</summary>
    public static ExpectedLine Read(ReadingContext context, string text, Place place) =>
        new(text, IsRegex(text) ? Make(context, $"^(?:{text[1..^1]})$", place) : null);

    /// <summary>Reads a text or pattern that must be in a line.</summary>
    public static ExpectedLine ReadPart(ReadingContext context, string text, Place place) =>
        new(text, IsRegex(text) ? Make(context, text[1..^1], place) : null);

    /// <summary>Reads the lines of a text.</summary>
    public static ExpectedLine[] ReadAll(ReadingContext context, string text, Place place) =>
        [.. Lines(text).Select(line => Read(context, line, place))];

    /// <summary>The lines of a text, without empty ones at the end.</summary>
    public static string[] Lines(string text) =>
        text.Length == 0 ? [] : text.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n');

    /// <summary>Whether a line is this one.</summary>
    public bool Matches(string line) =>
        MatchesExactly(line)
        || (LogTime().Match(line) is { Success: true } time && MatchesExactly(line[time.Length..]));

    /// <summary>Whether a line holds this, which was read as a part.</summary>
    public bool IsIn(string line) => _regex?.IsMatch(line) ?? line.Contains(Text, StringComparison.Ordinal);

    [GeneratedRegex(@"^\[ *[0-9]+\.[0-9]{6}\] ", RegexOptions.CultureInvariant)]
    private static partial Regex LogTime();

    private static bool IsRegex(string text) => text.Length > 2 && text[0] == '/' && text[^1] == '/';

    private static Regex? Make(ReadingContext context, string pattern, Place place)
    {
        try
        {
            return new Regex(pattern, Options, TimeSpan.FromSeconds(1));
        }
        catch (Exception exception) when (exception is ArgumentException or NotSupportedException)
        {
            context.Fail(place, $"this is no regular expression: {exception.Message}");
            return null;
        }
    }

    private bool MatchesExactly(string line) =>
        string.Equals(Text, line, StringComparison.Ordinal) || (_regex?.IsMatch(line) ?? false);
}
