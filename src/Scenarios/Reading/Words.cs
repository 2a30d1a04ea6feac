namespace Emulator.Scenarios;

/// <summary>Finds the word that somebody meant.</summary>
public static class Words
{
    /// <summary>Nobody misspells a longer word, and the comparison takes the product of the lengths.</summary>
    private const int LongestWord = 100;

    private const int ShownCharacters = 60;

    /// <summary>
    /// The candidate nearest to a misspelt word (insertions, deletions, replacements and swaps of neighbours count 1
    /// each), or null when none is near. Among equals the first wins.
    /// </summary>
    public static string? Nearest(string word, IEnumerable<string> candidates)
    {
        ArgumentNullException.ThrowIfNull(word);
        ArgumentNullException.ThrowIfNull(candidates);
        if (word.Length is 0 or > LongestWord)
        {
            return null;
        }

        string? best = null;
        int bestDistance = Math.Min(Math.Max(2, word.Length / 3), word.Length - 1) + 1;
        foreach (string candidate in candidates)
        {
            if (Math.Abs(candidate.Length - word.Length) >= bestDistance)
            {
                continue;
            }

            int distance = Distance(word.ToUpperInvariant(), candidate.ToUpperInvariant());
            if (distance < bestDistance)
            {
                best = candidate;
                bestDistance = distance;
            }
        }

        return best;
    }

    /// <summary>"; did you mean 'x'?", or nothing.</summary>
    public static string DidYouMean(string word, IEnumerable<string> candidates) =>
        Nearest(word, candidates) is { } near ? $"; did you mean '{near}'?" : "";

    /// <summary>"; did you mean 'x'? Valid keys: x, y", or "; valid keys: x, y" when no word is near.</summary>
    /// <param name="word">The misspelt word.</param>
    /// <param name="what">What the candidates are, with a capital: <c>Valid keys</c>.</param>
    /// <param name="candidates">The valid words.</param>
    public static string DidYouMean(string word, string what, IReadOnlyCollection<string> candidates)
    {
        ArgumentNullException.ThrowIfNull(what);
        string list = candidates is { Count: > 0 } ? string.Join(", ", candidates) : "none";
        return Nearest(word, candidates) is { } near
            ? $"; did you mean '{near}'? {what}: {list}"
            : $"; {char.ToLowerInvariant(what[0])}{what[1..]}: {list}";
    }

    /// <summary>A text as messages quote it: one line, not long.</summary>
    public static string Shorten(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string line = text.Length > ShownCharacters ? text[..ShownCharacters] + "..." : text;
        return line.ReplaceLineEndings(" ");
    }

    private static int Distance(string left, string right)
    {
        int[] beforeLast = new int[right.Length + 1];
        int[] last = [.. Enumerable.Range(0, right.Length + 1)];
        for (int i = 1; i <= left.Length; i++)
        {
            int[] current = new int[right.Length + 1];
            current[0] = i;
            for (int j = 1; j <= right.Length; j++)
            {
                int cost = left[i - 1] == right[j - 1] ? 0 : 1;
                int distance = Math.Min(Math.Min(current[j - 1] + 1, last[j] + 1), last[j - 1] + cost);
                if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1])
                {
                    distance = Math.Min(distance, beforeLast[j - 2] + 1);
                }

                current[j] = distance;
            }

            (beforeLast, last) = (last, current);
        }

        return last[right.Length];
    }
}
