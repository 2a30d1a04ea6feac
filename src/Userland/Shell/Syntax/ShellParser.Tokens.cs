using System.Globalization;
using System.Text;

namespace Emulator.Userland;

/// <content>Tokens: blanks, operators, simple commands, redirections, here-documents, errors.</content>
internal sealed partial class ShellParser
{
    private static bool IsMeta(char c) => c is ' ' or '\t' or '\n' or ';' or '&' or '|' or '<' or '>' or '(' or ')';

    private static bool IsNameStart(char c) => char.IsAsciiLetter(c) || c == '_';

    internal static bool IsName(string name) =>
        name.Length > 0 && IsNameStart(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_');

    private char Peek(int ahead = 0) => _at + ahead < text.Length ? text[_at + ahead] : '\0';

    /// <summary>Passes spaces, continued lines and a comment.</summary>
    private void SkipBlanks()
    {
        while (!IsAtEnd)
        {
            if (Peek() is ' ' or '\t' or '\r')
            {
                _at++;
            }
            else if (Peek() == '\\' && Peek(1) == '\n')
            {
                _at += 2;
                if (IsAtEnd)
                {
                    throw new ShellSyntaxException("syntax error: unexpected end of file", true, Line);
                }
            }
            else if (Peek() == '#')
            {
                int end = text.IndexOf('\n', _at);
                _at = end < 0 ? text.Length : end;
            }
            else
            {
                return;
            }
        }
    }

    private bool SkipLines()
    {
        bool any = false;
        SkipBlanks();
        while (TakeNewline())
        {
            any = true;
            SkipBlanks();
        }

        return any;
    }

    private bool TakeNewline()
    {
        if (Peek() != '\n')
        {
            return false;
        }

        _at++;
        ReadHereDocuments();
        return true;
    }

    /// <summary>The next word if it is plain, not taken: null when it is quoted, expanded or no word.</summary>
    private string? PeekPlain()
    {
        int end = _at;
        while (end < text.Length && !IsMeta(text[end]))
        {
            if (text[end] is '"' or '\'' or '\\' or '$' or '`')
            {
                return null;
            }

            end++;
        }

        return end == _at ? null : text[_at..end];
    }

    private string? PeekReserved()
    {
        string? word = PeekPlain();
        return word is not null && word is not "in" && Array.IndexOf(Reserved, word) >= 0 ? word : null;
    }

    private SimpleCommand ParseSimple(int line)
    {
        var assignments = new List<Assignment>();
        var words = new List<Word>();
        var redirections = new List<Redirection>();
        while (true)
        {
            SkipBlanks();
            if (TryParseRedirection() is { } redirection)
            {
                redirections.Add(redirection);
            }
            else if (words.Count == 0 && TryParseAssignment() is { } assignment)
            {
                assignments.Add(assignment);
            }
            else if (TryParseWord() is { } word)
            {
                words.Add(word);
            }
            else
            {
                break;
            }
        }

        if (assignments.Count + words.Count + redirections.Count == 0)
        {
            throw Unexpected();
        }

        if (Peek() == '(')
        {
            throw Unexpected();
        }

        return new SimpleCommand(assignments, words) { Redirections = redirections, Line = line };
    }

    private Assignment? TryParseAssignment()
    {
        int end = _at;
        while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] == '_'))
        {
            end++;
        }

        if (end == _at || end >= text.Length || !IsNameStart(text[_at]))
        {
            return null;
        }

        string name = text[_at..end];
        if (text[end] == '[')
        {
            return TryParseElement(name, end + 1);
        }

        bool appends = string.CompareOrdinal(text, end, "+=(", 0, 3) == 0;
        if (text[end] != '=' && !appends)
        {
            return null;
        }

        _at = end + (appends ? 2 : 1);
        if (Peek() == '(')
        {
            _at++;
            return new Assignment(name, new Word([])) { Elements = ParseElements(), Appends = appends };
        }

        return new Assignment(name, ParseValue());
    }

    private Word ParseValue() => IsAtEnd || IsMeta(Peek()) ? new Word([]) : ReadWord(WordMode.Plain);

    /// <summary>name[index]=word; null when it is something else, a pattern perhaps.</summary>
    private Assignment? TryParseElement(string name, int start)
    {
        int open = 1;
        int end = start;
        for (; end < text.Length && open > 0 && text[end] != '\n'; end++)
        {
            open +=
                text[end] == '[' ? 1
                : text[end] == ']' ? -1
                : 0;
        }

        if (open > 0 || end >= text.Length || text[end] != '=')
        {
            return null;
        }

        _at = start;
        Word index = ReadWord(WordMode.Index);
        _at = end + 1;
        return new Assignment(name, ParseValue()) { Index = index };
    }

    private List<Word> ParseElements()
    {
        var elements = new List<Word>();
        while (true)
        {
            SkipLines();
            SkipBlanks();
            if (Peek() == ')')
            {
                _at++;
                return elements;
            }

            elements.Add(TryParseWord() ?? throw Unexpected("\")\""));
        }
    }

    private Word? TryParseWord()
    {
        SkipBlanks();
        if (IsAtEnd || IsMeta(Peek()))
        {
            return null;
        }

        return ReadWord(WordMode.Plain);
    }

    private Redirection? TryParseRedirection()
    {
        SkipBlanks();
        int at = _at;
        while (at < text.Length && char.IsAsciiDigit(text[at]))
        {
            at++;
        }

        bool both = Peek() == '&' && Peek(1) == '>';
        char first =
            both ? '>'
            : at < text.Length ? text[at]
            : '\0';
        if (first is not ('<' or '>') || at - _at > 3)
        {
            return null;
        }

        int descriptor =
            at > _at ? int.Parse(text.AsSpan(_at, at - _at), CultureInfo.InvariantCulture)
            : first == '<' ? 0
            : 1;
        _at = (both ? _at + 1 : at) + 1;
        RedirectionKind kind = first == '<' ? RedirectionKind.Read : RedirectionKind.Write;
        bool stripTabs = false;
        switch (first, Peek())
        {
            case ('<', '<'):
                if (Peek(1) == '<')
                {
                    throw Unsupported("'<<<'");
                }

                kind = RedirectionKind.HereDocument;
                _at++;
                stripTabs = Peek() == '-';
                _at += stripTabs ? 1 : 0;
                break;
            case ('<', '>'):
                kind = RedirectionKind.ReadWrite;
                _at++;
                break;
            case ('>', '>'):
                kind = RedirectionKind.Append;
                _at++;
                break;
            case ('>', '|'):
                _at++;
                break;
            case (_, '&') when !both:
                kind = RedirectionKind.Duplicate;
                _at++;
                break;
            case (_, '('):
                throw Unsupported($"process substitution '{first}( )'");
        }

        Word target = TryParseWord() ?? throw Unexpected();
        var redirection = new Redirection(kind, descriptor, target) { WithErrors = both };
        if (kind == RedirectionKind.HereDocument)
        {
            string end = string.Concat(target.Parts.OfType<LiteralPart>().Select(part => part.Text));
            _hereDocuments.Add((redirection, end, target.Parts.Any(part => part.IsQuoted), stripTabs));
        }

        return redirection;
    }

    private void ReadHereDocuments()
    {
        foreach ((Redirection redirection, string end, bool isLiteral, bool stripTabs) in _hereDocuments.ToArray())
        {
            var body = new StringBuilder();
            bool found = false;
            while (!IsAtEnd && !found)
            {
                int newline = text.IndexOf('\n', _at);
                string line = text[_at..(newline < 0 ? text.Length : newline)];
                _at = newline < 0 ? text.Length : newline + 1;
                line = stripTabs ? line.TrimStart('\t') : line;
                found = string.Equals(line, end, StringComparison.Ordinal);
                if (!found)
                {
                    body.Append(line).Append('\n');
                }
            }

            EndedInHereDocument |= !found;
            redirection.Target = isLiteral
                ? new Word([new LiteralPart(body.ToString(), true)])
                : new ShellParser(body.ToString(), _depth).ReadWord(WordMode.HereDocument);
        }

        _hereDocuments.Clear();
    }

    private ShellSyntaxException Unexpected(string? expecting = null)
    {
        SkipBlanks();
        string found = IsAtEnd
            ? "end of file"
            : Peek() switch
            {
                '\n' => "newline",
                '<' or '>' => "redirection",
                '(' or ')' => $"\"{Peek()}\"",
                ';' or '&' or '|' => Peek(1) == Peek() ? $"\"{Peek()}{Peek()}\"" : $"\"{Peek()}\"",
                _ => PeekReserved() is { } word ? $"\"{word}\"" : "word",
            };
        string tail = expecting is null ? "" : $" (expecting {expecting})";
        return new ShellSyntaxException($"syntax error: unexpected {found}{tail}", IsAtEnd, Line);
    }

    private ShellSyntaxException Unsupported(string what) =>
        new($"syntax error: {what} is not supported by this shell", false, Line);
}
