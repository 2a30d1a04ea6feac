using System.Globalization;
using System.Text;

namespace Emulator.Machine.DeviceTrees;

/// <summary>
/// Cuts source text into tokens. As in dtc, what a word means depends on where it stands: after <c>{</c> or <c>;</c> (and after
/// a <c>/delete-…/</c>) a name is expected, inside brackets bytes, elsewhere values; the lexer tracks this itself.
/// </summary>
/// <remarks>Bounds, against hostile input: 200 files deep (dtc's MAX_SRCFILE_DEPTH) and 64 Mi characters of included text in all.</remarks>
internal sealed class DtsLexer
{
    private const int MaximumErrors = 100;
    private const int MaximumIncludeDepth = 200;
    private const long MaximumIncludedCharacters = 64 << 20;

    // Longest first where one begins another.
    private static readonly string[] Keywords =
    [
        "/dts-v1/",
        "/plugin/",
        "/memreserve/",
        "/bits/",
        "/delete-property/",
        "/delete-node/",
        "/omit-if-no-ref/",
        "/incbin/",
    ];

    private static readonly string[] TwoCharacterSymbols = ["<<", ">>", "<=", ">=", "==", "!=", "&&", "||"];

    private static readonly string[] PreprocessorDirectives =
    [
        "include",
        "define",
        "undef",
        "if",
        "ifdef",
        "ifndef",
        "else",
        "elif",
        "endif",
        "error",
        "warning",
        "pragma",
        "line",
    ];

    private readonly DtsIncludeResolver? _resolver;
    private readonly List<DeviceTreeError> _errors;
    private readonly Stack<DtsInput> _inputs = new();
    private DtsInput _input;
    private State _state = State.Value;
    private long _includedCharacters;

    public DtsLexer(string text, string fileName, DtsIncludeResolver? resolver, List<DeviceTreeError> errors)
    {
        _resolver = resolver;
        _errors = errors;
        _input = new DtsInput(text, fileName);
    }

    private enum State
    {
        Value,
        Name,
        Bytes,
    }

    /// <summary>Expect a name next; for sources that may begin without <c>/dts-v1/;</c>.</summary>
    public void ExpectName() => _state = State.Name;

    public DtsToken Next()
    {
        while (true)
        {
            SkipBlanks();
            if (_input.AtEnd)
            {
                if (_inputs.Count == 0)
                {
                    return new DtsToken(DtsTokenKind.End, "", Here());
                }
                _input = _inputs.Pop();
                continue;
            }
            if (_input.Current == '#' && TakeLineMarker())
            {
                continue;
            }
            if (_input.StartsWith("/include/"))
            {
                Include();
                continue;
            }
            return Read();
        }
    }

    public DeviceTreeException Fatal(in SourceLocation at, string message)
    {
        _errors.Add(DeviceTreeException.At(at, message));
        return new DeviceTreeException([.. _errors]);
    }

    /// <summary>Notes a mistake after which reading can go on; the hundredth ends it.</summary>
    public void Report(in SourceLocation at, string message)
    {
        if (_errors.Count + 1 >= MaximumErrors)
        {
            throw Fatal(at, message);
        }
        _errors.Add(DeviceTreeException.At(at, message));
    }

    private static bool IsNameCharacter(char c) =>
        char.IsAsciiLetterOrDigit(c) || c is ',' or '.' or '_' or '+' or '*' or '#' or '?' or '@' or '-';

    private static bool IsLabelCharacter(char c) => char.IsAsciiLetterOrDigit(c) || c == '_';

    private SourceLocation Here() => _input.Location(_input.Position, _input.Line, _input.Column);

    private DtsToken Read()
    {
        Mark start = new(_input.Position, _input.Line, _input.Column);
        char c = _input.Current;
        if (c == '"')
        {
            byte[] data = ReadQuoted('"', start);
            return new DtsToken(DtsTokenKind.String, "", From(start)) { Data = data };
        }
        if (c == '/' && TakeKeyword() is { } keyword)
        {
            _state =
                keyword is "/delete-property/" or "/delete-node/" ? State.Name
                : keyword is "/dts-v1/" or "/memreserve/" ? State.Value
                : _state;
            return new DtsToken(DtsTokenKind.Keyword, keyword, From(start));
        }
        if (c == '\'')
        {
            return ReadCharacter(start);
        }
        if (c == '&' && TakeReference(start) is { } reference)
        {
            return reference;
        }
        int labelLength = LabelLength();
        int nameLength = _state == State.Name ? NameLength() : 0;
        if (labelLength > nameLength)
        {
            string label = _input.Take(labelLength)[..^1];
            return new DtsToken(DtsTokenKind.Label, label, From(start));
        }
        if (nameLength > 0)
        {
            string name = _input.Take(nameLength);
            _state = State.Value;
            return new DtsToken(DtsTokenKind.Name, name[0] == '\\' ? name[1..] : name, From(start));
        }
        if (_state == State.Value && char.IsAsciiDigit(c))
        {
            return ReadNumber(start);
        }
        if (_state == State.Bytes && char.IsAsciiHexDigit(c) && char.IsAsciiHexDigit(_input.Peek(1)))
        {
            string digits = _input.Take(2);
            return new DtsToken(DtsTokenKind.Byte, digits, From(start))
            {
                Number = byte.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture),
            };
        }
        if (char.IsAsciiLetter(c) || c == '_')
        {
            int length = 1;
            while (IsLabelCharacter(_input.Peek(length)))
            {
                length++;
            }
            return new DtsToken(DtsTokenKind.Symbol, _input.Take(length), From(start));
        }
        foreach (string symbol in TwoCharacterSymbols)
        {
            if (_input.StartsWith(symbol))
            {
                _input.Advance(2);
                return new DtsToken(DtsTokenKind.Symbol, symbol, From(start));
            }
        }
        _input.Advance(1);
        _state = c switch
        {
            '[' => State.Bytes,
            ']' when _state == State.Bytes => State.Value,
            '{' or ';' => State.Name,
            _ => _state,
        };
        return new DtsToken(DtsTokenKind.Symbol, c.ToString(), From(start));
    }

    private SourceLocation From(in Mark start) => _input.Location(start.Position, start.Line, start.Column);

    private int LabelLength()
    {
        if (!char.IsAsciiLetter(_input.Current) && _input.Current != '_')
        {
            return 0;
        }
        int length = 1;
        while (IsLabelCharacter(_input.Peek(length)))
        {
            length++;
        }
        return _input.Peek(length) == ':' ? length + 1 : 0;
    }

    private int NameLength()
    {
        int start = _input.Current == '\\' ? 1 : 0;
        int length = start;
        while (IsNameCharacter(_input.Peek(length)))
        {
            length++;
        }
        return length > start ? length : 0;
    }

    private string? TakeKeyword()
    {
        foreach (string keyword in Keywords)
        {
            if (_input.StartsWith(keyword))
            {
                _input.Advance(keyword.Length);
                return keyword;
            }
        }
        return null;
    }

    private DtsToken? TakeReference(in Mark start)
    {
        if (char.IsAsciiLetter(_input.Peek(1)) || _input.Peek(1) == '_')
        {
            int length = 2;
            while (IsLabelCharacter(_input.Peek(length)))
            {
                length++;
            }
            string label = _input.Take(length)[1..];
            return new DtsToken(DtsTokenKind.Reference, label, From(start));
        }
        if (_input.Peek(1) != '{')
        {
            return null;
        }
        int end = 2;
        while (IsNameCharacter(_input.Peek(end)) || _input.Peek(end) == '/')
        {
            end++;
        }
        if (_input.Peek(2) != '/' || _input.Peek(end) != '}')
        {
            throw Fatal(Here(), "a path reference is written &{/path/to/node}, with the whole path from the root");
        }
        string path = _input.Take(end + 1)[2..^1];
        return new DtsToken(DtsTokenKind.Reference, path, From(start));
    }

    private DtsToken ReadNumber(in Mark start)
    {
        int length = 0;
        bool hex = _input.Current == '0' && _input.Peek(1) is 'x' or 'X' && char.IsAsciiHexDigit(_input.Peek(2));
        if (hex)
        {
            length = 2;
            while (char.IsAsciiHexDigit(_input.Peek(length)))
            {
                length++;
            }
        }
        else
        {
            while (char.IsAsciiDigit(_input.Peek(length)))
            {
                length++;
            }
        }
        string digits = _input.Take(length);
        int suffix =
            _input.StartsWith("ULL") ? 3
            : _input.StartsWith("UL") || _input.StartsWith("LL") ? 2
            : _input.Current is 'U' or 'L' ? 1
            : 0;
        _input.Advance(suffix);
        SourceLocation location = From(start);
        ulong value = DtsLiteral.Parse(digits, out string? mistake);
        if (mistake is not null)
        {
            Report(location, mistake);
        }
        return new DtsToken(DtsTokenKind.Literal, digits, location) { Number = value };
    }

    private DtsToken ReadCharacter(in Mark start)
    {
        byte[] data = ReadQuoted('\'', start);
        SourceLocation location = From(start);
        if (data.Length != 1)
        {
            Report(location, $"a character literal holds exactly one byte, this one has {data.Length}");
        }
        return new DtsToken(DtsTokenKind.Literal, "in quotes", location) { Number = data.Length > 0 ? data[0] : 0ul };
    }

    private byte[] ReadQuoted(char quote, in Mark start)
    {
        List<byte> bytes = [];
        Span<byte> utf8 = stackalloc byte[4];
        _input.Advance(1);
        while (true)
        {
            if (_input.AtEnd)
            {
                throw Fatal(
                    From(start),
                    $"this {(quote == '"' ? "string" : "character literal")} has no closing {quote}"
                );
            }
            if (_input.Current == quote)
            {
                _input.Advance(1);
                return [.. bytes];
            }
            if (_input.Current == '\\')
            {
                bytes.Add(ReadEscape());
                continue;
            }
            _ = Rune.DecodeFromUtf16(_input.Rest, out Rune rune, out int consumed);
            bytes.AddRange(utf8[..rune.EncodeToUtf8(utf8)]);
            _input.Advance(consumed);
        }
    }

    /// <summary>One C escape: the named ones, up to three octal digits, x and up to two hex digits; others stand for themselves.</summary>
    private byte ReadEscape()
    {
        SourceLocation at = Here();
        _input.Advance(1);
        if (_input.AtEnd)
        {
            throw Fatal(at, "a backslash at the end of the file escapes nothing");
        }
        char c = _input.Current;
        if (c == '\n')
        {
            throw Fatal(
                at,
                "a backslash cannot stand at the end of a line: write \\n for a line end, or close the string"
            );
        }
        if (c is >= '0' and <= '7')
        {
            int octal = 0;
            for (int i = 0; i < 3 && _input.Current is >= '0' and <= '7'; i++)
            {
                octal = (octal * 8) + (_input.Current - '0');
                _input.Advance(1);
            }
            return (byte)octal;
        }
        _input.Advance(1);
        if (c != 'x')
        {
            if (c > '\x7f')
            {
                throw Fatal(at, "a backslash may only stand before an ASCII character");
            }
            return c switch
            {
                'a' => 7,
                'b' => 8,
                't' => 9,
                'n' => 10,
                'v' => 11,
                'f' => 12,
                'r' => 13,
                _ => (byte)c,
            };
        }
        int value = 0;
        int digits = 0;
        for (; digits < 2 && char.IsAsciiHexDigit(_input.Current); digits++)
        {
            value = (value * 16) + Convert.ToInt32(_input.Current.ToString(), 16);
            _input.Advance(1);
        }
        return digits > 0 ? (byte)value : throw Fatal(at, "\\x needs one or two hex digits after it");
    }

    private void SkipBlanks()
    {
        while (!_input.AtEnd)
        {
            char c = _input.Current;
            if (c is ' ' or '\t' or '\n' or '\r' or '\v' or '\f')
            {
                _input.Advance(1);
            }
            else if (_input.StartsWith("//"))
            {
                int end = _input.Rest.IndexOf('\n');
                _input.Advance(end < 0 ? _input.Rest.Length : end);
            }
            else if (_input.StartsWith("/*"))
            {
                int end = _input.Rest[2..].IndexOf("*/", StringComparison.Ordinal);
                if (end < 0)
                {
                    throw Fatal(Here(), "this comment has no closing */");
                }
                _input.Advance(end + 4);
            }
            else
            {
                return;
            }
        }
    }

    /// <summary>Takes the markers cpp leaves, <c># 12 "file" 1</c> and <c>#line 12 "file"</c>, and refuses cpp's directives.</summary>
    private bool TakeLineMarker()
    {
        ReadOnlySpan<char> rest = _input.Rest;
        int end = rest.IndexOf('\n');
        ReadOnlySpan<char> line = end < 0 ? rest : rest[..end];
        ReadOnlySpan<char> body = line[1..];
        if (body.StartsWith("line"))
        {
            body = body[4..];
        }
        int digits = 0;
        ReadOnlySpan<char> trimmed = body.TrimStart(" \t");
        while (digits < trimmed.Length && char.IsAsciiDigit(trimmed[digits]))
        {
            digits++;
        }
        ReadOnlySpan<char> name = trimmed[digits..].Trim(" \t\r");
        int close = name.Length > 1 ? name[1..].IndexOf('"') : -1;
        if (
            _input.AtLineStart
            && trimmed.Length < body.Length
            && digits is > 0 and < 10
            && name.Length > 0
            && name[0] == '"'
            && close >= 0
        )
        {
            int number = int.Parse(trimmed[..digits], CultureInfo.InvariantCulture);
            string file = name.Slice(1, close).ToString();
            _input.Advance(line.Length);
            _input.Relocate(file, number - 1);
            return true;
        }
        if (!_input.OnlyBlanksBefore)
        {
            return false;
        }
        ReadOnlySpan<char> word = line[1..].TrimStart(" \t");
        int length = 0;
        while (length < word.Length && char.IsAsciiLetter(word[length]))
        {
            length++;
        }
        ReadOnlySpan<char> after = word[length..].TrimStart(" \t\r");
        string directive = word[..length].ToString();
        // '#line = <1>;' would be a property.
        if (
            PreprocessorDirectives.Contains(directive, StringComparer.Ordinal)
            && !after.StartsWith("=")
            && !after.StartsWith(";")
        )
        {
            throw Fatal(
                Here(),
                $"#{directive} is a C preprocessor directive: run cpp first (cpp -nostdinc -undef -x assembler-with-cpp)"
            );
        }
        return false;
    }

    private void Include()
    {
        SourceLocation at = Here();
        _input.Advance("/include/".Length);
        while (_input.Current is ' ' or '\t' or '\n' or '\r')
        {
            _input.Advance(1);
        }
        if (_input.AtEnd || _input.Current != '"')
        {
            throw Fatal(Here(), "expected a file name in quotes after /include/");
        }
        string path = Encoding.UTF8.GetString(ReadQuoted('"', new Mark(_input.Position, _input.Line, _input.Column)));
        if (_inputs.Count >= MaximumIncludeDepth)
        {
            throw Fatal(at, $"files are included more than {MaximumIncludeDepth} deep: does a file include itself?");
        }
        if (_resolver?.Invoke(path, _input.File) is not { } file)
        {
            throw Fatal(at, $"cannot find the included file \"{path}\"");
        }
        string text = Encoding.UTF8.GetString(file.Content.Span);
        _includedCharacters += text.Length;
        if (_includedCharacters > MaximumIncludedCharacters)
        {
            throw Fatal(at, "the included files are larger than 64 Mi characters in all: does a file include itself?");
        }
        _inputs.Push(_input);
        _input = new DtsInput(text, file.FileName);
    }

    private readonly record struct Mark(int Position, int Line, int Column);
}
