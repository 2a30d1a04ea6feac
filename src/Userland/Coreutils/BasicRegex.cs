using System.Text;
using System.Text.RegularExpressions;

namespace Emulator.Userland;

/// <summary>POSIX regular expressions, basic and extended, on an engine that takes linear time.</summary>
internal static class BasicRegex
{
    private const int MaximumLength = 4096;

    /// <summary>The expression.</summary>
    /// <param name="pattern">The text.</param>
    /// <param name="isExtended">Whether <c>( ) { } + ? |</c> are special as they stand, or after a backslash.</param>
    /// <param name="ignoreCase">Whether case matters not.</param>
    /// <exception cref="FormatException">It is no expression, or uses back-references, which are not supported.</exception>
    public static Regex Compile(string pattern, bool isExtended, bool ignoreCase)
    {
        if (pattern.Length > MaximumLength)
        {
            throw new FormatException("the expression is too long");
        }

        RegexOptions options = RegexOptions.CultureInvariant | RegexOptions.NonBacktracking;
        return new Regex(
            Translate(pattern, isExtended),
            options | (ignoreCase ? RegexOptions.IgnoreCase : RegexOptions.None),
            Regex.InfiniteMatchTimeout
        );
    }

    private static string Translate(string pattern, bool isExtended)
    {
        var result = new StringBuilder();
        bool atStart = true;
        for (int at = 0; at < pattern.Length; at++)
        {
            char c = pattern[at];
            bool wasStart = atStart;
            atStart = false;
            switch (c)
            {
                case '\\' when at + 1 < pattern.Length:
                    char next = pattern[++at];
                    atStart = Escaped(next, isExtended, result);
                    break;
                case '\\':
                    throw new FormatException("Trailing backslash");
                case '[':
                    at = Set(pattern, at, result);
                    break;
                case '(' or ')' or '{' or '}' or '+' or '?' or '|' when !isExtended:
                    result.Append('\\').Append(c);
                    break;
                case '*' when wasStart:
                    result.Append("\\*");
                    break;
                case '^' when !isExtended && !wasStart:
                    result.Append("\\^");
                    break;
                case '$' when !isExtended && at + 1 < pattern.Length && !IsGroupEnd(pattern, at + 1):
                    result.Append("\\$");
                    break;
                case '$':
                    result.Append("\\z");
                    break;
                case '#' or ' ':
                    result.Append('\\').Append(c);
                    break;
                default:
                    atStart = c is '^' || (isExtended && c is '(' or '|');
                    result.Append(c);
                    break;
            }
        }

        return result.ToString();
    }

    private static bool IsGroupEnd(string pattern, int at) =>
        at + 1 < pattern.Length && pattern[at] == '\\' && pattern[at + 1] is ')' or '|';

    private static bool Escaped(char next, bool isExtended, StringBuilder result)
    {
        switch (next)
        {
            case '(' or ')' or '{' or '}' or '+' or '?' or '|' when !isExtended:
                result.Append(next);
                return next is '(' or '|';
            case '<':
                result.Append("\\b");
                return false;
            case '>':
                result.Append("\\b");
                return false;
            case 'w' or 'W' or 's' or 'S' or 'b' or 'B':
                result.Append('\\').Append(next);
                return false;
            case 'n':
                result.Append("\\n");
                return false;
            case 't':
                result.Append("\\t");
                return false;
            case >= '1' and <= '9':
                throw new FormatException("back-references are not supported");
            default:
                result.Append(Regex.Escape(next.ToString()));
                return false;
        }
    }

    private static int Set(string pattern, int at, StringBuilder result)
    {
        int p = at + 1;
        result.Append('[');
        if (p < pattern.Length && pattern[p] == '^')
        {
            result.Append('^');
            p++;
        }

        for (bool isFirst = true; ; isFirst = false)
        {
            if (p >= pattern.Length)
            {
                throw new FormatException("Unmatched [");
            }

            if (pattern[p] == ']' && !isFirst)
            {
                break;
            }

            if (pattern[p] == '[' && p + 1 < pattern.Length && pattern[p + 1] == ':')
            {
                int end = pattern.IndexOf(":]", p + 2, StringComparison.Ordinal);
                if (end > 0)
                {
                    result.Append(Class(pattern[(p + 2)..end]));
                    p = end + 2;
                    continue;
                }
            }

            if (pattern[p] is '[' or ']' or '\\' or '^')
            {
                result.Append('\\');
            }

            result.Append(pattern[p++]);
        }

        result.Append(']');
        return p;
    }

    private static string Class(string name)
    {
        var members = new StringBuilder();
        for (char c = '\u0001'; c < '\u0080'; c++)
        {
            if (CharacterClass.Contains(name, c))
            {
                members
                    .Append("\\u")
                    .Append(((int)c).ToString("x4", System.Globalization.CultureInfo.InvariantCulture));
            }
        }

        return members.Length > 0 ? members.ToString() : throw new FormatException("Invalid character class name");
    }
}
