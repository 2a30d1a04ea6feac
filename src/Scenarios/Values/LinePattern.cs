using System.Text.RegularExpressions;

namespace Emulator.Scenarios;

/// <summary>
/// Lines that must come: <c>...</c> stands for any lines, <c>/regex/</c> for one that matches as a whole, the others for
/// themselves. The time before a line of the kernel log is compared only where it is written.
/// </summary>
internal static partial class LinePattern
{
    /// <summary>A report shows this many lines that agree, and as many from the first that does not.</summary>
    private const int ShownLines = 8;

    private const RegexOptions Options = RegexOptions.CultureInvariant | RegexOptions.NonBacktracking;

    /// <summary>Whether a line stands for any number of lines.</summary>
    public static bool IsGap(string wanted) => wanted.Trim() is "...";

    /// <summary>What is wrong with a line, or null.</summary>
    public static string? Problem(string wanted)
    {
        try
        {
            if (IsRegex(wanted))
            {
                _ = new Regex(Whole(wanted), Options, TimeSpan.FromSeconds(1));
            }

            return null;
        }
        catch (Exception exception) when (exception is ArgumentException or NotSupportedException)
        {
            return $"this is no regular expression: {exception.Message}";
        }
    }

    /// <summary>Whether one line is what was wanted.</summary>
    public static bool Matches(string wanted, string line) =>
        MatchesExactly(wanted, line)
        || (LogTime().Match(line) is { Success: true } time && MatchesExactly(wanted, line[time.Length..]));

    /// <summary>Whether a line holds a text, or matches a regular expression somewhere.</summary>
    public static bool IsIn(string wanted, string line) =>
        IsRegex(wanted)
            ? Regex.IsMatch(line, wanted[1..^1], Options, TimeSpan.FromSeconds(1))
            : line.Contains(wanted, StringComparison.Ordinal);

    /// <summary>Compares lines with what was wanted.</summary>
    /// <returns>
    /// Null when they are that; else both side by side, as far as they agree in the words of the output, from there on as they are.
    /// </returns>
    public static LineDifference? Compare(IReadOnlyList<string> expected, IReadOnlyList<string> output)
    {
        int at = 0;
        int line = 0;
        int lastGap = -1;
        int gapEnd = 0;
        int[] matched = new int[expected.Count];
        int[] best = [];
        int bestLine = 0;
        while (line < output.Count)
        {
            if (at < expected.Count && IsGap(expected[at]))
            {
                lastGap = at++;
                gapEnd = line;
            }
            else if (at < expected.Count && Matches(expected[at], output[line]))
            {
                matched[at++] = line++;
            }
            else if (lastGap >= 0)
            {
                // The last gap takes one line more; what earlier ones took can stay, as with a * of a file name pattern.
                at = lastGap + 1;
                line = ++gapEnd;
            }
            else
            {
                break;
            }

            if (at > best.Length)
            {
                (best, bestLine) = (matched[..at], line);
            }
        }

        return line == output.Count && expected.Skip(at).All(IsGap)
            ? null
            : Show(expected, output, best, Math.Max(bestLine, 0));
    }

    private static LineDifference Show(
        IReadOnlyList<string> expected,
        IReadOnlyList<string> output,
        int[] matched,
        int line
    )
    {
        IEnumerable<string> agreed = matched
            .Select((found, at) => IsGap(expected[at]) ? "..." : output[found])
            .TakeLast(ShownLines);
        string[] common = [.. agreed];
        return new LineDifference(
            [.. common, .. expected.Skip(matched.Length).Take(ShownLines)],
            [.. common, .. output.Skip(line).Take(ShownLines)]
        );
    }

    [GeneratedRegex(@"^\[ *\d+\.\d{6}\] ", Options)]
    private static partial Regex LogTime();

    private static bool MatchesExactly(string wanted, string line) =>
        string.Equals(wanted, line, StringComparison.Ordinal)
        || (IsRegex(wanted) && Regex.IsMatch(line, Whole(wanted), Options, TimeSpan.FromSeconds(1)));

    private static bool IsRegex(string wanted) => wanted.Length > 2 && wanted[0] == '/' && wanted[^1] == '/';

    private static string Whole(string wanted) => $"^(?:{wanted[1..^1]})$";
}

/// <summary>Lines that differ from what was wanted.</summary>
/// <param name="Expected">What was wanted.</param>
/// <param name="Found">What came.</param>
internal sealed record LineDifference(IReadOnlyList<string> Expected, IReadOnlyList<string> Found);
