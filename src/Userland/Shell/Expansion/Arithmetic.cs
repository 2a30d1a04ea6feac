using System.Globalization;

namespace Emulator.Userland;

/// <summary>An arithmetic expression that is none, or divides by zero; the message is ash's.</summary>
internal sealed class ArithmeticException(string message) : Exception(message);

/// <summary>Evaluates the expressions of $(( )) on 64-bit numbers (XCU 2.6.4), with C's operators.</summary>
internal sealed class Arithmetic(string text, Func<string, string?> read, Action<string, string> assign)
{
    private const int MaximumDepth = 100;

    // csharpier-ignore
    private static readonly string[][] Levels =
    [
        ["||"], ["&&"], ["|"], ["^"], ["&"], ["==", "!="], ["<=", ">=", "<", ">"], ["<<", ">>"], ["+", "-"], ["*", "/", "%"],
    ];

    private static readonly string[] Assignments = ["<<=", ">>=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "="];
    private int _at;
    private int _depth;
    private int _skipping;

    /// <summary>What is left of the work of the outermost expression: variables whose values are expressions multiply it.</summary>
    private Budget _budget = new();

    /// <summary>The value of the whole text; 0 when it is empty.</summary>
    /// <exception cref="ArithmeticException">It is no expression.</exception>
    public long Evaluate()
    {
        Skip();
        if (_at == text.Length)
        {
            return 0;
        }

        long value = Comma();
        return _at == text.Length ? value : throw Syntax();
    }

    private static ArithmeticException Syntax() => new("arithmetic syntax error");

    private void Skip()
    {
        while (_at < text.Length && char.IsWhiteSpace(text[_at]))
        {
            _at++;
        }
    }

    private bool Take(string symbol)
    {
        if (string.CompareOrdinal(text, _at, symbol, 0, symbol.Length) != 0)
        {
            return false;
        }

        _at += symbol.Length;
        Skip();
        return true;
    }

    private long Comma()
    {
        long value = Conditional();
        while (Take(","))
        {
            value = Conditional();
        }

        return value;
    }

    private long Conditional()
    {
        if (++_depth > MaximumDepth)
        {
            throw new ArithmeticException("arithmetic: expression recursion loop detected");
        }

        long value = Binary(0);
        if (Take("?"))
        {
            long whenTrue = Guarded(value != 0, Conditional);
            if (!Take(":"))
            {
                throw Syntax();
            }

            long whenFalse = Guarded(value == 0, Conditional);
            value = value != 0 ? whenTrue : whenFalse;
        }

        _depth--;
        return value;
    }

    private long Guarded(bool counts, Func<long> evaluate)
    {
        _skipping += counts ? 0 : 1;
        long value = evaluate();
        _skipping -= counts ? 0 : 1;
        return value;
    }

    private long Binary(int level)
    {
        if (level == Levels.Length)
        {
            return Unary();
        }

        long left = Binary(level + 1);
        while (TakeOperator(level) is { } operation)
        {
            bool counts = operation switch
            {
                "&&" => left != 0,
                "||" => left == 0,
                _ => true,
            };
            long right = Guarded(counts, () => Binary(level + 1));
            left = Apply(operation, left, right);
        }

        return left;
    }

    private string? TakeOperator(int level)
    {
        foreach (string operation in Levels[level])
        {
            if (string.CompareOrdinal(text, _at, operation, 0, operation.Length) != 0)
            {
                continue;
            }

            char after = _at + operation.Length < text.Length ? text[_at + operation.Length] : '\0';
            bool isLonger = operation is "|" or "&" or "<" or ">" && after == operation[0];
            if (isLonger || (after == '=' && operation is not ("==" or "!=" or "<=" or ">=" or "||" or "&&")))
            {
                continue;
            }

            Take(operation);
            return operation;
        }

        return null;
    }

    private long Apply(string operation, long left, long right)
    {
        if (operation is "/" or "%")
        {
            if (_skipping > 0)
            {
                return 0;
            }

            if (right == 0)
            {
                throw new ArithmeticException("divide by zero");
            }

            return right == -1 ? (operation is "/" ? unchecked(-left) : 0)
                : operation is "/" ? left / right
                : left % right;
        }

        return operation switch
        {
            "||" => left != 0 || right != 0 ? 1 : 0,
            "&&" => left != 0 && right != 0 ? 1 : 0,
            "|" => left | right,
            "^" => left ^ right,
            "&" => left & right,
            "==" => left == right ? 1 : 0,
            "!=" => left != right ? 1 : 0,
            "<=" => left <= right ? 1 : 0,
            ">=" => left >= right ? 1 : 0,
            "<" => left < right ? 1 : 0,
            ">" => left > right ? 1 : 0,
            "<<" => left << (int)(right & 63),
            ">>" => left >> (int)(right & 63),
            "+" => unchecked(left + right),
            "-" => unchecked(left - right),
            _ => unchecked(left * right),
        };
    }

    private long Unary()
    {
        if (++_depth > MaximumDepth)
        {
            throw new ArithmeticException("arithmetic: expression recursion loop detected");
        }

        long value =
            Take("++") ? Step(1)
            : Take("--") ? Step(-1)
            : Take("!") ? (Unary() == 0 ? 1 : 0)
            : Take("~") ? ~Unary()
            : Take("-") ? unchecked(-Unary())
            : Take("+") ? Unary()
            : Primary();
        _depth--;
        return value;
    }

    private long Step(long by)
    {
        string name = TakeName() ?? throw Syntax();
        return Assign(name, unchecked(Variable(name) + by));
    }

    private long Primary()
    {
        if (--_budget.Left < 0)
        {
            throw new ArithmeticException("arithmetic: the expression is too long");
        }

        if (Take("("))
        {
            long value = Comma();
            return Take(")") ? value : throw Syntax();
        }

        if (TakeName() is not { } name)
        {
            return Number();
        }

        foreach (string operation in Assignments)
        {
            bool isComparison = operation is "=" && _at + 1 < text.Length && text[_at + 1] == '=';
            if (isComparison || !Take(operation))
            {
                continue;
            }

            long right = Conditional();
            return Assign(name, operation is "=" ? right : Apply(operation[..^1], Variable(name), right));
        }

        long before = Variable(name);
        if (Take("++"))
        {
            Assign(name, unchecked(before + 1));
        }
        else if (Take("--"))
        {
            Assign(name, unchecked(before - 1));
        }

        return before;
    }

    private string? TakeName()
    {
        int end = _at;
        while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] == '_'))
        {
            end++;
        }

        if (end == _at || char.IsAsciiDigit(text[_at]))
        {
            return null;
        }

        string name = text[_at..end];
        _at = end;
        Skip();
        return name;
    }

    private long Number()
    {
        int end = _at;
        while (end < text.Length && char.IsAsciiLetterOrDigit(text[end]))
        {
            end++;
        }

        if (end == _at || ParseNumber(text[_at..end]) is not { } value)
        {
            throw Syntax();
        }

        _at = end;
        Skip();
        return value;
    }

    private static long? ParseNumber(string digits)
    {
        int radix =
            digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? 16
            : digits.Length > 1 && digits[0] == '0' ? 8
            : 10;
        ulong value = 0;
        foreach (char c in radix == 16 ? digits.AsSpan(2) : digits)
        {
            int digit = char.IsAsciiHexDigit(c) ? Convert.ToInt32(c.ToString(), 16) : 99;
            if (digit >= radix)
            {
                return null;
            }

            value = unchecked(value * (ulong)radix + (ulong)digit);
        }

        return radix == 16 && digits.Length == 2 ? null : unchecked((long)value);
    }

    private long Variable(string name)
    {
        string value = (read(name) ?? "").Trim();
        if (value.Length == 0)
        {
            return 0;
        }

        bool isNegative = value[0] == '-';
        if (ParseNumber(isNegative ? value[1..] : value) is { } number)
        {
            return isNegative ? unchecked(-number) : number;
        }

        if (_depth >= MaximumDepth)
        {
            throw new ArithmeticException("arithmetic: expression recursion loop detected");
        }

        return new Arithmetic(value, read, assign)
        {
            _depth = _depth + 10,
            _skipping = _skipping,
            _budget = _budget,
        }.Evaluate();
    }

    private long Assign(string name, long value)
    {
        if (_skipping == 0)
        {
            assign(name, value.ToString(CultureInfo.InvariantCulture));
        }

        return value;
    }

    private sealed class Budget
    {
        public int Left { get; set; } = 1_000_000;
    }
}
