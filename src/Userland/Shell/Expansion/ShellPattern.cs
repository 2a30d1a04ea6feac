using System.Buffers;
using System.Text;

namespace Emulator.Userland;

/// <summary>
/// Shell patterns (XCU 2.14): <c>*</c>, <c>?</c>, <c>[a-z]</c>, <c>[!x]</c>; a backslash takes a character's meaning away.
/// </summary>
internal static class ShellPattern
{
    /// <summary>How many steps all matching for one expansion may take.</summary>
    public const long Budget = 64_000_000;

    private static readonly SearchValues<char> Special = SearchValues.Create("*?[]\\-!^");

    /// <summary>The pattern that matches exactly a text.</summary>
    public static string Quote(string text)
    {
        if (text.AsSpan().IndexOfAny(Special) < 0)
        {
            return text;
        }

        var quoted = new StringBuilder(text.Length + 8);
        foreach (char c in text)
        {
            if (Special.Contains(c))
            {
                quoted.Append('\\');
            }

            quoted.Append(c);
        }

        return quoted.ToString();
    }

    /// <summary>The text a pattern stands for when nothing matches it.</summary>
    public static string Unquote(string pattern)
    {
        if (!pattern.Contains('\\', StringComparison.Ordinal))
        {
            return pattern;
        }

        var text = new StringBuilder(pattern.Length);
        for (int at = 0; at < pattern.Length; at++)
        {
            if (pattern[at] == '\\' && at + 1 < pattern.Length)
            {
                at++;
            }

            text.Append(pattern[at]);
        }

        return text.ToString();
    }

    /// <summary>Whether anything in it is more than a character.</summary>
    public static bool IsPattern(string pattern)
    {
        for (int at = 0; at < pattern.Length; at++)
        {
            switch (pattern[at])
            {
                case '\\':
                    at++;
                    break;
                case '*' or '?' or '[':
                    return true;
            }
        }

        return false;
    }

    /// <summary>Whether the whole text matches.</summary>
    /// <exception cref="ShellException">It takes longer than <see cref="Budget"/>.</exception>
    public static bool Matches(string pattern, string text)
    {
        long budget = Budget;
        return Matches(pattern, text, ref budget);
    }

    /// <summary>
    /// Whether the whole text matches. The steps, the product of the lengths at most, are taken from a budget, so that no
    /// script holds the host with a long pattern.
    /// </summary>
    /// <exception cref="ShellException">The budget is used up.</exception>
    public static bool Matches(string pattern, ReadOnlySpan<char> text, ref long budget)
    {
        int p = 0;
        int t = 0;
        int starAt = -1;
        int starText = 0;
        while (t < text.Length)
        {
            Spend(ref budget, 1);
            if (p < pattern.Length && pattern[p] == '*')
            {
                starAt = p++;
                starText = t;
                continue;
            }

            if (p < pattern.Length && MatchesOne(pattern, p, text[t], ref budget, out int next))
            {
                p = next;
                t++;
                continue;
            }

            if (starAt < 0)
            {
                return false;
            }

            p = starAt + 1;
            t = ++starText;
        }

        while (p < pattern.Length && pattern[p] == '*')
        {
            p++;
        }

        return p == pattern.Length;
    }

    private static void Spend(ref long budget, int steps)
    {
        budget -= steps;
        if (budget < 0)
        {
            throw new ShellException("out of memory: a pattern takes too long", 2);
        }
    }

    private static bool MatchesOne(string pattern, int at, char c, ref long budget, out int next)
    {
        next = at + 1;
        switch (pattern[at])
        {
            case '?':
                return true;
            case '\\' when at + 1 < pattern.Length:
                next = at + 2;
                return pattern[at + 1] == c;
            case '[':
                return MatchesSet(pattern, at, c, ref budget, ref next);
            default:
                return pattern[at] == c;
        }
    }

    private static bool MatchesSet(string pattern, int at, char c, ref long budget, ref int next)
    {
        int p = at + 1;
        bool isNegated = p < pattern.Length && pattern[p] is '!' or '^';
        p += isNegated ? 1 : 0;
        bool found = false;
        for (bool isFirst = true; p < pattern.Length && (isFirst || pattern[p] != ']'); isFirst = false)
        {
            Spend(ref budget, 1);
            if (pattern[p] == '[' && p + 1 < pattern.Length && pattern[p + 1] == ':')
            {
                int end = pattern.IndexOf(":]", p + 2, StringComparison.Ordinal);
                Spend(ref budget, (end < 0 ? pattern.Length : end) - p);
                if (end > 0)
                {
                    found |= CharacterClass.Contains(pattern[(p + 2)..end], c);
                    p = end + 2;
                    continue;
                }
            }

            char low = Take(pattern, ref p);
            char high = low;
            if (p + 1 < pattern.Length && pattern[p] == '-' && pattern[p + 1] != ']')
            {
                p++;
                high = Take(pattern, ref p);
            }

            found |= c >= low && c <= high;
        }

        if (p >= pattern.Length)
        {
            return c == '[';
        }

        next = p + 1;
        return found != isNegated;
    }

    private static char Take(string pattern, ref int at)
    {
        if (pattern[at] == '\\' && at + 1 < pattern.Length)
        {
            at++;
        }

        return pattern[at++];
    }
}

/// <summary>The character classes of POSIX: <c>[:digit:]</c>.</summary>
internal static class CharacterClass
{
    /// <summary>Whether a class holds a character.</summary>
    public static bool Contains(string name, char c) =>
        name switch
        {
            "alpha" => char.IsAsciiLetter(c),
            "digit" => char.IsAsciiDigit(c),
            "alnum" => char.IsAsciiLetterOrDigit(c),
            "upper" => char.IsAsciiLetterUpper(c),
            "lower" => char.IsAsciiLetterLower(c),
            "space" => c is ' ' or (>= '\t' and <= '\r'),
            "blank" => c is ' ' or '\t',
            "xdigit" => char.IsAsciiHexDigit(c),
            "punct" => c is > ' ' and < '\u007f' && !char.IsAsciiLetterOrDigit(c),
            "print" => c is >= ' ' and < '\u007f',
            "cntrl" => c is < ' ' or '\u007f',
            _ => false,
        };
}
