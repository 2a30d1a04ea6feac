using System.Globalization;

namespace Emulator.Peripherals;

internal enum Dma330TokenKind
{
    End,
    Name,
    Number,
    BadNumber,
    Comma,
    Colon,
    Plus,
    Minus,
    Hash,
    Other,
}

/// <summary>A word of an assembly line; the column counts from 1.</summary>
internal readonly record struct Dma330Token(Dma330TokenKind Kind, int Column, string Text, ulong Value = 0);

/// <summary>Splits one line of assembly into tokens. Comments start with ; or @ or //, and with # as first character.</summary>
internal sealed class Dma330Tokens
{
    private readonly List<Dma330Token> _tokens = [];
    private int _next;

    public Dma330Tokens(string line)
    {
        var position = 0;
        while (position < line.Length)
        {
            var start = position;
            var character = line[position];
            if (char.IsWhiteSpace(character))
            {
                position++;
                continue;
            }

            if (StartsComment(line, position))
            {
                break;
            }

            if (IsWordCharacter(character))
            {
                while (position < line.Length && IsWordCharacter(line[position]))
                {
                    position++;
                }

                _tokens.Add(Word(line[start..position], start + 1));
            }
            else
            {
                position += char.IsSurrogatePair(line, position) ? 2 : 1;
                _tokens.Add(new Dma330Token(Punctuation(character), start + 1, line[start..position]));
            }
        }

        _tokens.Add(
            new Dma330Token(Dma330TokenKind.End, Math.Max(1, line.AsSpan(0, position).TrimEnd().Length + 1), "")
        );
    }

    public Dma330Token Current => _tokens[_next];

    public Dma330Token Following => _tokens[Math.Min(_next + 1, _tokens.Count - 1)];

    public bool AtEnd => Current.Kind == Dma330TokenKind.End;

    public Dma330Token Take()
    {
        var token = Current;
        _next = Math.Min(_next + 1, _tokens.Count - 1);
        return token;
    }

    public bool TryTake(Dma330TokenKind kind)
    {
        if (Current.Kind != kind)
        {
            return false;
        }

        Take();
        return true;
    }

    /// <summary>Takes the current token if it is this name, in any case.</summary>
    public bool TryTakeName(string name)
    {
        if (Current.Kind != Dma330TokenKind.Name || !Current.Text.Equals(name, StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        Take();
        return true;
    }

    /// <summary>Reads decimal digits, or hex or binary ones after 0x or 0b, with _ between them.</summary>
    public static bool TryReadNumber(ReadOnlySpan<char> text, out ulong value)
    {
        value = 0;
        var radix = 10UL;
        if (text.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
        {
            radix = 16;
        }
        else if (text.StartsWith("0b", StringComparison.OrdinalIgnoreCase))
        {
            radix = 2;
        }

        var digits = radix == 10 ? text : text[2..];
        if (digits.IsEmpty || digits[0] == '_' || digits[^1] == '_')
        {
            return false;
        }

        foreach (var character in digits)
        {
            if (character == '_')
            {
                continue;
            }

            var digit = char.IsAsciiHexDigit(character)
                ? ulong.Parse([character], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)
                : radix;
            if (digit >= radix || value > (ulong.MaxValue - digit) / radix)
            {
                return false;
            }

            value = (value * radix) + digit;
        }

        return true;
    }

    private static Dma330Token Word(string text, int column)
    {
        if (!char.IsAsciiDigit(text[0]))
        {
            return new Dma330Token(Dma330TokenKind.Name, column, text);
        }

        return TryReadNumber(text, out var value)
            ? new Dma330Token(Dma330TokenKind.Number, column, text, value)
            : new Dma330Token(Dma330TokenKind.BadNumber, column, text);
    }

    private static bool StartsComment(string line, int position) =>
        line[position] switch
        {
            ';' or '@' => true,
            '/' => position + 1 < line.Length && line[position + 1] == '/',
            '#' => line.AsSpan(0, position).IsWhiteSpace(),
            _ => false,
        };

    private static bool IsWordCharacter(char character) =>
        char.IsAsciiLetterOrDigit(character) || character is '_' or '.' or '$';

    private static Dma330TokenKind Punctuation(char character) =>
        character switch
        {
            ',' => Dma330TokenKind.Comma,
            ':' => Dma330TokenKind.Colon,
            '+' => Dma330TokenKind.Plus,
            '-' => Dma330TokenKind.Minus,
            '#' => Dma330TokenKind.Hash,
            _ => Dma330TokenKind.Other,
        };
}
