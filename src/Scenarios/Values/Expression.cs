using System.Globalization;
using Emulator.Machine;

namespace Emulator.Scenarios;

/// <summary>An expression cannot be read or has no value.</summary>
internal sealed class ExpressionException(int offset, string message) : Exception(message)
{
    /// <summary>Where in the text, counted from 0.</summary>
    public int Offset { get; } = offset;
}

/// <summary>
/// A number as scenario files write it: <c>0x8000_0000</c>, <c>4KiB</c>, a variable, or an expression of these with the
/// operators of C (64-bit, unsigned, wrapping).
/// </summary>
internal sealed class Expression
{
    /// <summary>An expression is evaluated by a chain of calls as long as it has operators, so their number is bounded.</summary>
    private const int MaximumOperators = 100;

    private const int MaximumDepth = 32;

    // csharpier-ignore
    private static readonly (string Symbol, int Level)[] Operators =
    [
        ("|", 1), ("^", 2), ("&", 3), ("<<", 4), (">>", 4), ("+", 5), ("-", 5), ("*", 6), ("/", 6), ("%", 6),
    ];

    private static readonly (string Suffix, int Shift)[] Units = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40)];

    private readonly Node _root;

    private Expression(string text, Node root, IReadOnlyList<string> names)
    {
        Text = text;
        _root = root;
        Names = names;
    }

    private delegate ulong Node(Variables variables);

    /// <summary>The text it was read from.</summary>
    public string Text { get; }

    /// <summary>The variables it uses.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Whether its value is known without variables.</summary>
    public bool IsConstant => Names.Count == 0;

    /// <exception cref="ExpressionException">The text is not an expression.</exception>
    public static Expression Parse(string text)
    {
        var parser = new Parser(text);
        Node root = parser.Read();
        return new Expression(text, root, parser.Names);
    }

    public static Expression Constant(ulong value) => new(value.ToString(CultureInfo.InvariantCulture), _ => value, []);

    /// <exception cref="ExpressionException">A variable is not defined, or a division by zero.</exception>
    public ulong Evaluate(Variables variables) => _root(variables);

    private sealed class Parser(string text)
    {
        private int _at;
        private int _depth;
        private int _operators;

        public List<string> Names { get; } = [];

        public Node Read()
        {
            Node root = Binary(1);
            SkipBlanks();
            return _at == text.Length
                ? root
                : throw new ExpressionException(
                    _at,
                    $"'{Words.Shorten(text)}' is not a number: '{Words.Shorten(text[_at..])}' is left over"
                );
        }

        private Node Binary(int level)
        {
            if (level > 6)
            {
                return Unary();
            }

            Node left = Binary(level + 1);
            while (TakeOperator(level, out string symbol, out int at))
            {
                if (++_operators > MaximumOperators)
                {
                    throw new ExpressionException(at, $"an expression has more than {MaximumOperators} operators");
                }

                Node first = left;
                Node second = Binary(level + 1);
                left = symbol switch
                {
                    "|" => variables => first(variables) | second(variables),
                    "^" => variables => first(variables) ^ second(variables),
                    "&" => variables => first(variables) & second(variables),
                    "<<" => variables => Shift(first(variables), second(variables), left: true),
                    ">>" => variables => Shift(first(variables), second(variables), left: false),
                    "+" => variables => first(variables) + second(variables),
                    "-" => variables => first(variables) - second(variables),
                    "*" => variables => first(variables) * second(variables),
                    "/" => variables => first(variables) / NotZero(second(variables), at),
                    _ => variables => first(variables) % NotZero(second(variables), at),
                };
            }

            return left;
        }

        private static ulong Shift(ulong value, ulong count, bool left) =>
            count > 63 ? 0
            : left ? value << (int)count
            : value >> (int)count;

        private static ulong NotZero(ulong value, int at) =>
            value != 0 ? value : throw new ExpressionException(at, "division by zero");

        private Node Unary()
        {
            SkipBlanks();
            if (++_depth > MaximumDepth)
            {
                throw new ExpressionException(_at, $"an expression is nested deeper than {MaximumDepth} levels");
            }

            Node result;
            if (Take('-'))
            {
                Node operand = Unary();
                result = variables => 0 - operand(variables);
            }
            else if (Take('~'))
            {
                Node operand = Unary();
                result = variables => ~operand(variables);
            }
            else
            {
                result = Primary();
            }

            _depth--;
            return result;
        }

        private Node Primary()
        {
            if (Take('('))
            {
                Node inner = Binary(1);
                SkipBlanks();
                return Take(')') ? inner : throw new ExpressionException(_at, "a ')' is missing");
            }

            Take('$');
            if (Take('('))
            {
                _at--;
                return Primary();
            }

            int start = _at;
            while (_at < text.Length && (char.IsAsciiLetterOrDigit(text[_at]) || text[_at] is '_' or '.'))
            {
                _at++;
            }

            string word = text[start.._at];
            if (word.Length == 0)
            {
                string found = start < text.Length ? $"'{text[start]}'" : "nothing";
                throw new ExpressionException(start, $"a number or a variable is expected, found {found}");
            }

            return char.IsAsciiDigit(word[0]) ? Number(word, start) : Variable(word, start);
        }

        private Node Variable(string name, int at)
        {
            Names.Add(name);
            return variables =>
                variables.TryGet(name, out ulong value)
                    ? value
                    : throw new ExpressionException(
                        at,
                        $"there is no variable '{name}'{Words.DidYouMean(name, variables.Names)}"
                    );
        }

        private static Node Number(string word, int at)
        {
            string digits = word;
            int shift = 0;
            foreach ((string suffix, int power) in Units)
            {
                if (word.EndsWith(suffix, StringComparison.Ordinal))
                {
                    digits = word[..^suffix.Length];
                    shift = power;
                }
            }

            digits = digits.Replace("_", "", StringComparison.Ordinal);
            bool isHex = digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
            bool read = isHex
                ? ulong.TryParse(
                    digits.AsSpan(2),
                    NumberStyles.AllowHexSpecifier,
                    CultureInfo.InvariantCulture,
                    out ulong value
                )
                : ulong.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out value);
            if (!read || (shift != 0 && value >> (64 - shift) != 0))
            {
                throw new ExpressionException(
                    at,
                    $"'{Words.Shorten(word)}' is not a number; write 4096, 0x1000, 0x8000_0000 or 4KiB (KiB, MiB, GiB, TiB)"
                );
            }

            ulong result = value << shift;
            return _ => result;
        }

        private bool TakeOperator(int level, out string symbol, out int at)
        {
            SkipBlanks();
            at = _at;
            foreach ((string candidate, int itsLevel) in Operators)
            {
                if (itsLevel == level && string.CompareOrdinal(text, _at, candidate, 0, candidate.Length) == 0)
                {
                    _at += candidate.Length;
                    symbol = candidate;
                    return true;
                }
            }

            symbol = "";
            return false;
        }

        private bool Take(char wanted)
        {
            if (_at >= text.Length || text[_at] != wanted)
            {
                return false;
            }

            _at++;
            return true;
        }

        private void SkipBlanks()
        {
            while (_at < text.Length && text[_at] is ' ' or '\t')
            {
                _at++;
            }
        }
    }
}

/// <summary>A text in which <c>$name</c> and <c>$(expression)</c> stand for values.</summary>
internal sealed class Template
{
    private readonly List<(string Literal, Expression? Value)> _parts;

    private Template(List<(string, Expression?)> parts) => _parts = parts;

    /// <summary>The variables it uses.</summary>
    public IEnumerable<string> Names => _parts.SelectMany(part => part.Value?.Names ?? []);

    /// <summary>The text when it holds no values, else null.</summary>
    public string? Literal =>
        _parts.TrueForAll(part => part.Value is null) ? string.Concat(_parts.Select(part => part.Literal)) : null;

    public static Template Parse(string text)
    {
        var parts = new List<(string, Expression?)>();
        int at = 0;
        while (true)
        {
            int dollar = text.IndexOf('$', at);
            if (dollar < 0)
            {
                parts.Add((text[at..], null));
                return new Template(parts);
            }

            parts.Add((text[at..dollar], null));
            int end = dollar + 1;
            if (end < text.Length && text[end] == '(')
            {
                int depth = 0;
                do
                {
                    depth += text[end] switch
                    {
                        '(' => 1,
                        ')' => -1,
                        _ => 0,
                    };
                    end++;
                } while (depth > 0 && end < text.Length);

                if (depth > 0)
                {
                    throw new ExpressionException(dollar, "'$(' is not closed");
                }
            }
            else
            {
                while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] == '_'))
                {
                    end++;
                }
            }

            parts.Add(("", Expression.Parse(text[(dollar + 1)..end])));
            at = end;
        }
    }

    public string Expand(Variables variables) =>
        string.Concat(
            _parts.Select(part =>
                part.Value?.Evaluate(variables).ToString(CultureInfo.InvariantCulture) ?? part.Literal
            )
        );

    /// <summary>How a number is shown in messages.</summary>
    public static string Show(ulong value) => Hexadecimal.Format(value);
}
