namespace Emulator.Machine.DeviceTrees;

/// <summary>
/// The integer expressions of a source: C's operators and precedence on unsigned 64-bit numbers, as dtc's grammar has them.
/// Comparisons and divisions are unsigned, both sides of <c>&amp;&amp;</c>, <c>||</c> and <c>?:</c> are always evaluated, and a shift by 64 or more
/// gives 0. Parentheses, unary operators and conditionals nest at most 128 deep.
/// </summary>
internal sealed class DtsExpression(DtsTokenStream tokens)
{
    private const int MaximumDepth = 128;

    private int _depth;

    /// <summary>A literal, or an expression in parentheses; null when neither stands here.</summary>
    public ulong? TryPrimary()
    {
        if (tokens.Current.Kind == DtsTokenKind.Literal)
        {
            return tokens.Take().Number;
        }
        if (!tokens.TryTake("("))
        {
            return null;
        }
        ulong value = Nested(Conditional);
        tokens.Expect(")", "to close the expression");
        return value;
    }

    public ulong Primary(string purpose) =>
        TryPrimary() ?? throw tokens.Unexpected($"a number or an expression in parentheses {purpose}");

    private static int Precedence(in DtsToken token) =>
        token.Kind != DtsTokenKind.Symbol
            ? 0
            : token.Text switch
            {
                "||" => 1,
                "&&" => 2,
                "|" => 3,
                "^" => 4,
                "&" => 5,
                "==" or "!=" => 6,
                "<" or ">" or "<=" or ">=" => 7,
                "<<" or ">>" => 8,
                "+" or "-" => 9,
                "*" or "/" or "%" => 10,
                _ => 0,
            };

    private ulong Nested(Func<ulong> parse)
    {
        if (_depth >= MaximumDepth)
        {
            throw tokens.Fatal(tokens.Current.Location, $"this expression is nested more than {MaximumDepth} deep");
        }
        _depth++;
        ulong value = parse();
        _depth--;
        return value;
    }

    private ulong Conditional()
    {
        ulong condition = Binary(1);
        if (!tokens.TryTake("?"))
        {
            return condition;
        }
        ulong yes = Nested(Conditional);
        tokens.Expect(":", "between the two results of '?'");
        ulong no = Nested(Conditional);
        return condition != 0 ? yes : no;
    }

    private ulong Binary(int minimum)
    {
        ulong left = Unary();
        while (Precedence(tokens.Current) is var precedence && precedence >= minimum)
        {
            DtsToken symbol = tokens.Take();
            SourceLocation start = tokens.Current.Location;
            ulong right = Binary(precedence + 1);
            left = Apply(symbol, left, right, start);
        }
        return left;
    }

    private ulong Unary()
    {
        if (tokens.TryTake("-"))
        {
            return unchecked(0 - Nested(Unary));
        }
        if (tokens.TryTake("~"))
        {
            return ~Nested(Unary);
        }
        if (tokens.TryTake("!"))
        {
            return Nested(Unary) == 0 ? 1ul : 0;
        }
        return Primary("here");
    }

    private ulong Apply(in DtsToken symbol, ulong left, ulong right, in SourceLocation start)
    {
        if (symbol.Text is "/" or "%" && right == 0)
        {
            tokens.Report(start, "division by zero");
            return 0;
        }
        return unchecked(
            symbol.Text switch
            {
                "||" => left != 0 || right != 0 ? 1ul : 0,
                "&&" => left != 0 && right != 0 ? 1ul : 0,
                "|" => left | right,
                "^" => left ^ right,
                "&" => left & right,
                "==" => left == right ? 1ul : 0,
                "!=" => left != right ? 1ul : 0,
                "<" => left < right ? 1ul : 0,
                ">" => left > right ? 1ul : 0,
                "<=" => left <= right ? 1ul : 0,
                ">=" => left >= right ? 1ul : 0,
                "<<" => right < 64 ? left << (int)right : 0,
                ">>" => right < 64 ? left >> (int)right : 0,
                "+" => left + right,
                "-" => left - right,
                "*" => left * right,
                "/" => left / right,
                _ => left % right,
            }
        );
    }
}
