using System.Globalization;

namespace Emulator.Userland;

/// <summary>expr: | &amp; = != &lt; &lt;= &gt; &gt;= + - * / % and parentheses, each a word of its own; ":" is not supported.</summary>
internal sealed class ExprCommand
{
    private const int MaximumDepth = 64;

    // csharpier-ignore
    private static readonly string[][] Levels =
    [
        ["|"], ["&"], ["=", "==", "!=", "<", "<=", ">", ">="], ["+", "-"], ["*", "/", "%"],
    ];

    private readonly string[] _words;
    private int _at;
    private int _depth;

    private ExprCommand(string[] words) => _words = words;

    public static IProgram Program { get; } = new RawProgram("expr", Run);

    private static async Task<int> Run(Libc libc, IReadOnlyList<string> words)
    {
        var expression = new ExprCommand([.. words.Skip(1)]);
        var tool = new Tool(libc, "expr");
        try
        {
            string value = expression.Level(0);
            if (expression._at < expression._words.Length)
            {
                throw new FormatException("syntax error");
            }

            await tool.Print(value + "\n");
            await tool.Flush();
            return IsNull(value) ? 1 : tool.Status;
        }
        catch (FormatException exception)
        {
            await tool.Error(exception.Message, 2);
            return 2;
        }
    }

    private static bool IsNull(string value) => value is "" or "0";

    private string Level(int level)
    {
        if (level == Levels.Length)
        {
            return Primary();
        }

        string left = Level(level + 1);
        while (_at < _words.Length && Array.IndexOf(Levels[level], _words[_at]) >= 0)
        {
            string operation = _words[_at++];
            left = Apply(operation, left, Level(level + 1));
        }

        return left;
    }

    private string Primary()
    {
        if (_at >= _words.Length)
        {
            throw new FormatException("syntax error");
        }

        string word = _words[_at++];
        if (word is not "(")
        {
            return word;
        }

        if (++_depth > MaximumDepth)
        {
            throw new FormatException("syntax error");
        }

        string inner = Level(0);
        if (_at >= _words.Length || _words[_at++] is not ")")
        {
            throw new FormatException("syntax error");
        }

        _depth--;
        return inner;
    }

    private static string Apply(string operation, string left, string right)
    {
        switch (operation)
        {
            case "|":
                return IsNull(left) ? right : left;
            case "&":
                return IsNull(left) || IsNull(right) ? "0" : left;
        }

        bool areNumbers = TryNumber(left, out long a) & TryNumber(right, out long b);
        if (operation is "=" or "==" or "!=" or "<" or "<=" or ">" or ">=")
        {
            int order = areNumbers ? a.CompareTo(b) : string.CompareOrdinal(left, right);
            bool holds = operation switch
            {
                "=" or "==" => order == 0,
                "!=" => order != 0,
                "<" => order < 0,
                "<=" => order <= 0,
                ">" => order > 0,
                _ => order >= 0,
            };
            return holds ? "1" : "0";
        }

        if (!areNumbers)
        {
            throw new FormatException("non-numeric argument");
        }

        if (b == 0 && (operation is "/" or "%"))
        {
            throw new FormatException("division by zero");
        }

        long value = operation switch
        {
            "+" => unchecked(a + b),
            "-" => unchecked(a - b),
            "*" => unchecked(a * b),
            "/" => b == -1 ? unchecked(-a) : a / b,
            _ => b == -1 ? 0 : a % b,
        };
        return value.ToString(CultureInfo.InvariantCulture);
    }

    private static bool TryNumber(string text, out long value) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);
}
