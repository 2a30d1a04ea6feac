using System.Text;

namespace Emulator.Userland;

/// <content>Words: quotes, expansions, substitutions.</content>
internal sealed partial class ShellParser
{
    private enum WordMode
    {
        /// <summary>Ends at a blank or an operator.</summary>
        Plain,

        /// <summary>Ends at a double quote.</summary>
        DoubleQuoted,

        /// <summary>Inside ${ }, unquoted.</summary>
        Brace,

        /// <summary>Inside ${ } in double quotes or a here-document.</summary>
        QuotedBrace,

        /// <summary>To the end of the text; quotes mean nothing.</summary>
        HereDocument,

        /// <summary>To the closing )).</summary>
        Arithmetic,

        /// <summary>To the closing ] of an array's index.</summary>
        Index,
    }

    private Word ReadWord(WordMode mode, char orEnd = '\0')
    {
        using Nesting nesting = Enter();
        var parts = new List<WordPart>();
        var literal = new StringBuilder();
        bool isQuoted = mode is not (WordMode.Plain or WordMode.Brace);
        int parentheses = 0;

        void Flush()
        {
            if (literal.Length > 0)
            {
                parts.Add(new LiteralPart(literal.ToString(), isQuoted));
                literal.Clear();
            }
        }

        while (true)
        {
            if (IsAtEnd)
            {
                if (mode is WordMode.Plain or WordMode.HereDocument)
                {
                    break;
                }

                throw new ShellSyntaxException(
                    mode switch
                    {
                        WordMode.DoubleQuoted => "syntax error: unterminated quoted string",
                        WordMode.Arithmetic => "syntax error: missing '))'",
                        WordMode.Index => "syntax error: missing ']'",
                        _ => "syntax error: missing '}'",
                    },
                    true,
                    Line
                );
            }

            char c = Peek();
            if (
                (mode == WordMode.Plain && IsMeta(c))
                || (mode == WordMode.DoubleQuoted && c == '"')
                || (mode == WordMode.Index && c == ']')
                || (mode is WordMode.Brace or WordMode.QuotedBrace && (c == '}' || (c == orEnd && orEnd != '\0')))
                || (mode == WordMode.Arithmetic && c == ')' && parentheses == 0)
            )
            {
                break;
            }

            if (mode == WordMode.Arithmetic)
            {
                parentheses +=
                    c == '(' ? 1
                    : c == ')' ? -1
                    : 0;
            }

            _at++;
            switch (c)
            {
                case '\\':
                    ReadBackslash(mode, literal, Flush, parts);
                    break;
                case '\'' when mode is WordMode.Plain or WordMode.Brace:
                    Flush();
                    parts.Add(new LiteralPart(ReadSingleQuoted(), true));
                    break;
                case '"' when mode is WordMode.Plain or WordMode.Brace:
                    Flush();
                    Word inner = ReadWord(WordMode.DoubleQuoted);
                    _at++;
                    parts.AddRange(inner.Parts.Count == 0 ? [new LiteralPart("", true)] : inner.Parts);
                    break;
                case '"' when mode is WordMode.QuotedBrace or WordMode.Arithmetic or WordMode.Index:
                    break;
                case '$':
                    WordPart? part = ReadDollar(isQuoted);
                    if (part is null)
                    {
                        literal.Append('$');
                        break;
                    }

                    Flush();
                    parts.Add(part);
                    break;
                case '`':
                    Flush();
                    parts.Add(ReadBackquoted(isQuoted));
                    break;
                default:
                    literal.Append(c);
                    break;
            }
        }

        Flush();
        return new Word(parts);
    }

    private void ReadBackslash(WordMode mode, StringBuilder literal, Action flush, List<WordPart> parts)
    {
        if (IsAtEnd)
        {
            if (mode == WordMode.HereDocument)
            {
                literal.Append('\\');
                return;
            }

            throw new ShellSyntaxException("syntax error: unexpected end of file", true, Line);
        }

        char next = Peek();
        _at++;
        if (next == '\n')
        {
            if (IsAtEnd && mode != WordMode.HereDocument)
            {
                throw new ShellSyntaxException("syntax error: unexpected end of file", true, Line);
            }

            return;
        }

        if (mode is WordMode.Plain or WordMode.Brace)
        {
            flush();
            parts.Add(new LiteralPart(next.ToString(), true));
            return;
        }

        bool isSpecial = next is '$' or '`' or '\\' || (next is '"' or '}' && mode != WordMode.HereDocument);
        if (!isSpecial)
        {
            literal.Append('\\');
        }

        literal.Append(next);
    }

    private string ReadSingleQuoted()
    {
        int end = text.IndexOf('\'', _at);
        if (end < 0)
        {
            _at = text.Length;
            throw new ShellSyntaxException("syntax error: unterminated quoted string", true, Line);
        }

        string quoted = text[_at..end];
        _at = end + 1;
        return quoted;
    }

    /// <summary>What follows a dollar sign; null when nothing that expands does.</summary>
    private WordPart? ReadDollar(bool isQuoted)
    {
        char c = Peek();
        if (c == '(')
        {
            _at++;
            return Peek() == '(' && TryReadArithmetic(isQuoted) is { } arithmetic
                ? arithmetic
                : ReadSubstitution(isQuoted);
        }

        if (c == '{')
        {
            _at++;
            return ReadBraces(isQuoted);
        }

        if (c == '\'' && !isQuoted)
        {
            _at++;
            return new LiteralPart(Escapes.Expand(ReadDollarQuoted()), true);
        }

        string name = ReadParameterName(single: true);
        return name.Length == 0 ? null : new VariablePart(name, "", null, null, isQuoted);
    }

    private string ReadDollarQuoted()
    {
        int start = _at;
        while (!IsAtEnd && Peek() != '\'')
        {
            _at += Peek() == '\\' ? 2 : 1;
        }

        if (IsAtEnd)
        {
            throw new ShellSyntaxException("syntax error: unterminated quoted string", true, Line);
        }

        _at++;
        return text[start..(_at - 1)];
    }

    private string ReadParameterName(bool single)
    {
        int start = _at;
        char c = Peek();
        if (IsNameStart(c))
        {
            while (char.IsAsciiLetterOrDigit(Peek()) || Peek() == '_')
            {
                _at++;
            }
        }
        else if (char.IsAsciiDigit(c))
        {
            _at++;
            while (!single && char.IsAsciiDigit(Peek()))
            {
                _at++;
            }
        }
        else if (c is '@' or '*' or '#' or '?' or '-' or '$' or '!')
        {
            _at++;
        }

        return text[start..Math.Min(_at, text.Length)];
    }

    private ArithmeticPart? TryReadArithmetic(bool isQuoted)
    {
        int start = _at;
        _at++;
        Word expression = ReadWord(WordMode.Arithmetic);
        if (Peek(1) == ')')
        {
            _at += 2;
            return new ArithmeticPart(expression, isQuoted);
        }

        if (_at + 1 >= text.Length)
        {
            throw new ShellSyntaxException("syntax error: missing '))'", true, Line);
        }

        _at = start;
        return null;
    }

    private SubstitutionPart ReadSubstitution(bool isQuoted)
    {
        CommandList commands = ParseList("\")\"", mayBeEmpty: true, ")");
        _at++;
        return new SubstitutionPart(commands, isQuoted);
    }

    private SubstitutionPart ReadBackquoted(bool isQuoted)
    {
        var inner = new StringBuilder();
        int line = Line;
        while (Peek() != '`' || IsAtEnd)
        {
            if (IsAtEnd)
            {
                throw new ShellSyntaxException("syntax error: EOF in backquote substitution", true, line);
            }

            if (Peek() == '\\' && (Peek(1) is '`' or '\\' or '$' || (isQuoted && Peek(1) == '"')))
            {
                _at++;
            }

            inner.Append(Peek());
            _at++;
        }

        _at++;
        var parser = new ShellParser(inner.ToString(), _depth);
        var items = new List<ListItem>();
        try
        {
            while (parser.Next() is { } list)
            {
                items.AddRange(list.Items);
            }
        }
        catch (ShellSyntaxException exception)
        {
            throw new ShellSyntaxException(exception.Message, false, line);
        }

        return new SubstitutionPart(new CommandList(items) { Line = line }, isQuoted);
    }

    private VariablePart ReadBraces(bool isQuoted)
    {
        bool isLength =
            Peek() == '#'
            && (IsNameStart(Peek(1)) || char.IsAsciiDigit(Peek(1)) || Peek(1) is '@' or '*' or '?' or '$');
        _at += isLength ? 1 : 0;
        string name = ReadParameterName(single: false);
        if (IsAtEnd)
        {
            throw new ShellSyntaxException("syntax error: missing '}'", true, Line);
        }

        if (name.Length == 0)
        {
            throw new ShellSyntaxException("syntax error: bad substitution", false, Line);
        }

        Word? index = null;
        if (Peek() == '[' && IsName(name))
        {
            _at++;
            index = ReadWord(WordMode.Index);
            _at++;
        }

        if (Peek() == '}')
        {
            _at++;
            return new VariablePart(name, isLength ? "#length" : "", null, null, isQuoted) { Index = index };
        }

        string operation = ReadBraceOperator();
        if (isLength || operation.Length == 0)
        {
            throw new ShellSyntaxException("syntax error: bad substitution", false, Line);
        }

        WordMode mode =
            isQuoted && operation is not ("#" or "##" or "%" or "%%") ? WordMode.QuotedBrace : WordMode.Brace;
        Word? replacement = null;
        Word argument = ReadWord(
            mode,
            operation switch
            {
                "/" or "//" => '/',
                ":" => ':',
                _ => '\0',
            }
        );
        if (Peek() is '/' or ':' && operation is "/" or "//" or ":")
        {
            _at++;
            replacement = ReadWord(mode);
        }

        _at++;
        return new VariablePart(name, operation, argument, replacement, isQuoted) { Index = index };
    }

    private string ReadBraceOperator()
    {
        foreach (string operation in (ReadOnlySpan<string>)[":-", ":=", ":?", ":+", "##", "%%", "//"])
        {
            if (string.CompareOrdinal(text, _at, operation, 0, 2) == 0)
            {
                _at += 2;
                return operation;
            }
        }

        char c = Peek();
        if (c is not ('-' or '=' or '?' or '+' or '#' or '%' or '/' or ':'))
        {
            return "";
        }

        _at++;
        return c.ToString();
    }
}
