namespace Emulator.Scenarios;

/// <summary>Compares what came, line by line, with what had to come.</summary>
internal static class LinePattern
{
    /// <summary>A report shows this many lines that agree, and as many from the first that does not.</summary>
    private const int ShownLines = 8;

    /// <summary>Compares lines with what was wanted.</summary>
    /// <returns>
    /// Null when they are that; else both side by side, as far as they agree in the words of the output, from there on as they are.
    /// </returns>
    public static LineDifference? Compare(IReadOnlyList<ExpectedLine> expected, IReadOnlyList<string> output)
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
            if (at < expected.Count && expected[at].IsGap)
            {
                lastGap = at++;
                gapEnd = line;
            }
            else if (at < expected.Count && expected[at].Matches(output[line]))
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

        return line == output.Count && expected.Skip(at).All(wanted => wanted.IsGap)
            ? null
            : Show(expected, output, best, Math.Max(bestLine, 0));
    }

    private static LineDifference Show(
        IReadOnlyList<ExpectedLine> expected,
        IReadOnlyList<string> output,
        int[] matched,
        int line
    )
    {
        IEnumerable<string> agreed = matched
            .Select((found, at) => expected[at].IsGap ? "..." : output[found])
            .TakeLast(ShownLines);
        string[] common = [.. agreed];
        return new LineDifference(
            [.. common, .. expected.Skip(matched.Length).Take(ShownLines).Select(wanted => wanted.Text)],
            [.. common, .. output.Skip(line).Take(ShownLines)]
        );
    }
}

/// <summary>Lines that differ from what was wanted.</summary>
/// <param name="Expected">What was wanted.</param>
/// <param name="Found">What came.</param>
internal sealed record LineDifference(IReadOnlyList<string> Expected, IReadOnlyList<string> Found);
