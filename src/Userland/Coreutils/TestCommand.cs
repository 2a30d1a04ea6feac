using System.Globalization;
using System.Text.RegularExpressions;
using Emulator.KernelShim;

namespace Emulator.Userland;

/// <summary>test and [ (XCU test), with ==, &lt; and &gt; of ash; [[ with patterns and =~ of bash.</summary>
internal sealed class TestCommand
{
    private const int MaximumDepth = 64;

    private readonly Libc _libc;
    private readonly IReadOnlyList<string> _words;
    private int _at;
    private int _depth;

    private readonly bool _isDouble;

    private TestCommand(Libc libc, IReadOnlyList<string> words, bool isDouble)
    {
        _isDouble = isDouble;
        _libc = libc;
        _words = words;
    }

    private string? Current => _at < _words.Count ? _words[_at] : null;

    private int Left => _words.Count - _at;

    public static async Task<int> Run(Libc libc, IReadOnlyList<string> words, string who)
    {
        string name = words[0];
        string? closing = name switch
        {
            "[" => "]",
            "[[" => "]]",
            _ => null,
        };
        string[] expression = [.. words.Skip(1)];
        if (closing is not null)
        {
            if (expression.Length == 0 || !string.Equals(expression[^1], closing, StringComparison.Ordinal))
            {
                await libc.Print(2, $"{who}: missing {closing}\n");
                return 2;
            }

            expression = expression[..^1];
        }

        var test = new TestCommand(libc, expression, name is "[[");
        try
        {
            if (expression.Length == 0)
            {
                return 1;
            }

            bool value = await test.Or();
            return test.Current is { } extra ? throw new FormatException($"{extra}: unknown operand")
                : value ? 0
                : 1;
        }
        catch (FormatException exception)
        {
            await libc.Print(2, $"{who}: {exception.Message}\n");
            return 2;
        }
    }

    private async Task<bool> Or()
    {
        if (++_depth > MaximumDepth)
        {
            throw new FormatException("the expression nests too deep");
        }

        bool value = await And();
        while (Current is "-o" or "||")
        {
            _at++;
            value |= await And();
        }

        _depth--;
        return value;
    }

    private async Task<bool> And()
    {
        bool value = await Not();
        while (Current is "-a" or "&&")
        {
            _at++;
            value &= await Not();
        }

        return value;
    }

    private async Task<bool> Not()
    {
        bool isNegated = false;
        while (Current is "!" && Left > 1 && !(Left >= 3 && IsBinary(_words[_at + 1])))
        {
            isNegated = !isNegated;
            _at++;
        }

        return await Primary() != isNegated;
    }

    private static bool IsBinary(string word) =>
        word
            is "="
                or "=="
                or "!="
                or "=~"
                or "<"
                or ">"
                or "-eq"
                or "-ne"
                or "-lt"
                or "-le"
                or "-gt"
                or "-ge"
                or "-nt"
                or "-ot"
                or "-ef";

    private async Task<bool> Primary()
    {
        string word = Current ?? throw new FormatException("argument expected");
        if (Left >= 3 && IsBinary(_words[_at + 1]))
        {
            string operation = _words[_at + 1];
            string right = _words[_at + 2];
            _at += 3;
            return _isDouble && operation is ("=" or "==" or "!=" or "=~")
                ? Match(word, operation, right)
                : Compare(word, operation, right);
        }

        if (word is "(" && Left >= 3)
        {
            _at++;
            bool inner = await Or();
            if (Current is not ")")
            {
                throw new FormatException("closing paren expected");
            }

            _at++;
            return inner;
        }

        bool isUnary =
            word.Length == 2 && word[0] == '-' && "bcdefghkLprStuwxznOG".Contains(word[1], StringComparison.Ordinal);
        if (isUnary && Left >= 2)
        {
            string operand = _words[_at + 1];
            _at += 2;
            return await Unary(word[1], operand);
        }

        _at++;
        return word.Length > 0;
    }

    /// <summary>In [[ the right side is a pattern of the shell, or an extended regular expression.</summary>
    private static bool Match(string left, string operation, string right)
    {
        if (operation is not "=~")
        {
            return ShellPattern.Matches(right, left) == (operation is "=" or "==");
        }

        try
        {
            const RegexOptions Options = RegexOptions.NonBacktracking | RegexOptions.CultureInvariant;
            string expression = right.Replace("[:digit:]", "0-9", StringComparison.Ordinal);
            return Regex.IsMatch(left, expression, Options, Regex.InfiniteMatchTimeout);
        }
        catch (Exception exception) when (exception is ArgumentException or NotSupportedException)
        {
            throw new FormatException($"{right}: bad regular expression", exception);
        }
    }

    private static bool Compare(string left, string operation, string right)
    {
        int order = string.CompareOrdinal(left, right);
        return operation switch
        {
            "=" or "==" => order == 0,
            "!=" => order != 0,
            "<" => order < 0,
            ">" => order > 0,
            "-eq" => Number(left) == Number(right),
            "-ne" => Number(left) != Number(right),
            "-lt" => Number(left) < Number(right),
            "-le" => Number(left) <= Number(right),
            "-gt" => Number(left) > Number(right),
            "-ge" => Number(left) >= Number(right),
            _ => throw new FormatException($"{operation}: is not supported"),
        };
    }

    private static long Number(string text) =>
        long.TryParse(text.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)
            ? number
            : throw new FormatException($"{text}: bad number");

    private async Task<bool> Unary(char operation, string operand)
    {
        switch (operation)
        {
            case 'z':
                return operand.Length == 0;
            case 'n':
                return operand.Length > 0;
            case 't':
                return await _libc.IsTerminal(Number(operand));
        }

        (long result, FileStatus status) = await _libc.Status(operand, follow: operation is not ('L' or 'h'));
        if (result < 0)
        {
            return false;
        }

        int shift = _libc.Process.UserId == status.UserId ? 6 : 0;
        bool isRoot = _libc.Process.Has(Capabilities.DacOverride);
        uint mode = (status.Mode >> shift) & 7;
        return operation switch
        {
            'e' => true,
            'f' => status.Kind == InodeKind.Regular,
            'd' => status.IsDirectory,
            'L' or 'h' => status.Kind == InodeKind.SymbolicLink,
            'c' => status.Kind == InodeKind.CharacterDevice,
            'p' => status.Kind == InodeKind.Pipe,
            's' => status.Size > 0,
            'r' => isRoot || (mode & 4) != 0,
            'w' => isRoot || (mode & 2) != 0,
            'x' => (isRoot && (status.IsDirectory || (status.Mode & 0x49) != 0)) || (mode & 1) != 0,
            'O' => status.UserId == _libc.Process.UserId,
            'G' => true,
            'u' => (status.Mode & 0x800) != 0,
            'g' => (status.Mode & 0x400) != 0,
            'k' => (status.Mode & 0x200) != 0,
            _ => false,
        };
    }
}
