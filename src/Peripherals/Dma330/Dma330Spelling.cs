namespace Emulator.Peripherals;

/// <summary>Finds the word that somebody who mistyped another one probably meant.</summary>
internal static class Dma330Spelling
{
    private const int LongestWord = 24;

    // A bound on the work that a long text full of mistakes can cause.
    private const int MostCandidates = 200;

    /// <summary>": did you mean X?" for the nearest candidate, or nothing if none is near.</summary>
    public static string Hint(string word, IEnumerable<string> candidates) =>
        Nearest(word, candidates) is { } nearest ? $": did you mean {nearest}?" : "";

    private static string? Nearest(string word, IEnumerable<string> candidates)
    {
        if (word.Length > LongestWord)
        {
            return null;
        }

        string? nearest = null;
        var best = Math.Clamp(word.Length / 3, 1, 2) + 1;
        foreach (var candidate in candidates.Take(MostCandidates))
        {
            var distance =
                candidate.Length > 3 && candidate[3..].Equals(word, StringComparison.OrdinalIgnoreCase)
                    ? 0 // "MOV" for "DMAMOV"
                    : Distance(word.ToUpperInvariant(), candidate.ToUpperInvariant());
            if (distance < best)
            {
                nearest = candidate;
                best = distance;
            }
        }

        return nearest;
    }

    /// <summary>Number of insertions, deletions, substitutions and swaps of neighbours between two words.</summary>
    private static int Distance(string left, string right)
    {
        if (right.Length > LongestWord)
        {
            return int.MaxValue;
        }

        var rows = new int[left.Length + 1, right.Length + 1];
        for (var i = 0; i <= left.Length; i++)
        {
            for (var j = 0; j <= right.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    rows[i, j] = i + j;
                    continue;
                }

                var change = left[i - 1] == right[j - 1] ? 0 : 1;
                var distance = Math.Min(rows[i - 1, j - 1] + change, 1 + Math.Min(rows[i - 1, j], rows[i, j - 1]));
                if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1])
                {
                    distance = Math.Min(distance, rows[i - 2, j - 2] + 1);
                }

                rows[i, j] = distance;
            }
        }

        return rows[left.Length, right.Length];
    }
}
