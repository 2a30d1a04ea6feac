namespace Emulator.Userland;

/// <summary>
/// Reads shell programs, one complete command at a time as a shell does: what stands before a mistake is run.
/// The grammar is POSIX XCU 2.10; the words of errors are those of busybox's ash.
/// </summary>
internal sealed partial class ShellParser(string text, int depth = 0)
{
    /// <summary>Commands, substitutions and expansions nest no deeper than this.</summary>
    public const int MaximumDepth = 64;

    private static readonly string[] Reserved =
    [
        "!",
        "case",
        "do",
        "done",
        "elif",
        "else",
        "esac",
        "fi",
        "for",
        "if",
        "in",
        "then",
        "until",
        "while",
        "{",
        "}",
    ];

    private static readonly string[] Openers = ["!", "case", "for", "if", "until", "while", "{"];

    /// <summary>Whether a word begins a compound command.</summary>
    public static bool BeginsCompound(string word) => Openers.Contains(word, StringComparer.Ordinal);

    private readonly List<(Redirection Redirection, string End, bool IsLiteral, bool StripTabs)> _hereDocuments = [];
    private int _at;
    private int _depth = depth;
    private int _line = 1;
    private int _lineCountedTo;

    /// <summary>Whether the text ended inside a here-document: the last command runs anyway, unless more lines may come.</summary>
    public bool EndedInHereDocument { get; private set; }

    private int Line
    {
        get
        {
            int end = Math.Min(_at, text.Length);
            for (; _lineCountedTo < end; _lineCountedTo++)
            {
                _line += text[_lineCountedTo] == '\n' ? 1 : 0;
            }

            return _line;
        }
    }

    private bool IsAtEnd => _at >= text.Length;

    /// <summary>The next complete command, or null at the end of the text.</summary>
    /// <exception cref="ShellSyntaxException">The text is wrong or not whole.</exception>
    public CommandList? Next()
    {
        while (true)
        {
            SkipBlanks();
            if (IsAtEnd)
            {
                return null;
            }

            if (!TakeNewline())
            {
                break;
            }
        }

        var items = new List<ListItem>();
        int line = Line;
        while (true)
        {
            items.Add(ParseItem());
            SkipBlanks();
            if (IsAtEnd)
            {
                ReadHereDocuments();
                break;
            }

            if (TakeNewline())
            {
                break;
            }

            if (!items[^1].IsBackground && !_tookSemicolon)
            {
                throw Unexpected();
            }
        }

        return new CommandList(items) { Line = line };
    }

    private bool _tookSemicolon;

    private ListItem ParseItem()
    {
        Node command = ParseAndOr();
        SkipBlanks();
        _tookSemicolon = false;
        bool isBackground = false;
        if (Peek() == '&' && Peek(1) != '&')
        {
            _at++;
            isBackground = true;
        }
        else if (Peek() == ';' && Peek(1) != ';')
        {
            _at++;
            _tookSemicolon = true;
        }

        return new ListItem(command, isBackground);
    }

    private Node ParseAndOr()
    {
        int line = Line;
        Node first = ParsePipeline();
        var rest = new List<(bool, Node)>();
        while (true)
        {
            SkipBlanks();
            if (!(Peek() == '&' && Peek(1) == '&') && !(Peek() == '|' && Peek(1) == '|'))
            {
                break;
            }

            bool isAnd = Peek() == '&';
            _at += 2;
            SkipLines();
            rest.Add((isAnd, ParsePipeline()));
        }

        return rest.Count == 0 ? first : new AndOrList(first, rest) { Line = line };
    }

    private Node ParsePipeline()
    {
        SkipBlanks();
        int line = Line;
        bool isNegated = false;
        while (PeekReserved() is "!")
        {
            _at++;
            isNegated = !isNegated;
            SkipBlanks();
        }

        var commands = new List<Node> { ParseCommand() };
        while (true)
        {
            SkipBlanks();
            if (Peek() != '|' || Peek(1) == '|')
            {
                break;
            }

            _at++;
            if (Peek() == '&')
            {
                throw Unsupported("|&");
            }

            SkipLines();
            commands.Add(ParseCommand());
        }

        return commands.Count == 1 && !isNegated ? commands[0] : new Pipeline(commands, isNegated) { Line = line };
    }

    private Node ParseCommand()
    {
        using Nesting nesting = Enter();
        SkipBlanks();
        int line = Line;
        if (IsAtEnd)
        {
            throw Unexpected();
        }

        return ParseCompound() is { } compound ? WithRedirections(compound, line) : ParseSimple(line);
    }

    private Node WithRedirections(Node compound, int line)
    {
        var redirections = new List<Redirection>();
        while (TryParseRedirection() is { } redirection)
        {
            redirections.Add(redirection);
        }

        return compound with
        {
            Redirections = redirections,
            Line = line,
        };
    }

    private Node? ParseCompound()
    {
        if (Peek() == '(')
        {
            _at++;
            CommandList body = ParseList("\")\"", ")");
            _at++;
            return new SubshellCommand(body);
        }

        switch (PeekReserved())
        {
            case "{":
                _at++;
                CommandList group = ParseList("\"}\"", "}");
                _at++;
                return new GroupCommand(group);
            case "if":
                _at += 2;
                return ParseIf();
            case "while" or "until":
                bool isUntil = Peek() == 'u';
                _at += 5;
                CommandList condition = ParseList("\"do\"", "do");
                return new WhileCommand(condition, ParseDoGroup(), isUntil);
            case "for":
                _at += 3;
                return ParseFor();
            case "case":
                _at += 4;
                return ParseCase();
            case not null:
                throw Unexpected();
        }

        switch (PeekPlain())
        {
            case "function" or "select" or "coproc" or "time":
                throw Unsupported($"'{PeekPlain()}'");
            case { Length: > 0 } name when IsName(name) && IsFunctionHead(name):
                _at = text.IndexOf(')', _at) + 1;
                SkipLines();
                SkipBlanks();
                if (IsAtEnd)
                {
                    throw Unexpected();
                }

                Node? body = ParseFunctionBody();
                return new FunctionDefinition(name, body);
            default:
                return null;
        }
    }

    private Node ParseFunctionBody()
    {
        int line = Line;
        Node body = ParseCommand();
        return body is SimpleCommand
            ? throw new ShellSyntaxException("syntax error: unexpected word", false, line)
            : body;
    }

    private bool IsFunctionHead(string name)
    {
        int at = _at + name.Length;
        while (at < text.Length && text[at] is ' ' or '\t')
        {
            at++;
        }

        if (at >= text.Length || text[at] != '(')
        {
            return false;
        }

        at++;
        while (at < text.Length && text[at] is ' ' or '\t')
        {
            at++;
        }

        return at < text.Length && text[at] == ')';
    }

    private IfCommand ParseIf()
    {
        CommandList condition = ParseList("\"then\"", "then");
        _at += 4;
        CommandList then = ParseList("\"fi\"", "fi", "else", "elif");
        Node? otherwise = null;
        switch (PeekReserved())
        {
            case "elif":
                _at += 4;
                using (Enter())
                {
                    return new IfCommand(condition, then, ParseIf());
                }

            case "else":
                _at += 4;
                otherwise = ParseList("\"fi\"", "fi");
                break;
        }

        _at += 2;
        return new IfCommand(condition, then, otherwise);
    }

    private ForCommand ParseFor()
    {
        SkipBlanks();
        string? name = PeekPlain();
        if (IsAtEnd)
        {
            throw Unexpected();
        }

        if (name is null || !IsName(name))
        {
            throw new ShellSyntaxException("syntax error: bad for loop variable", false, Line);
        }

        _at += name.Length;
        SkipLines();
        SkipBlanks();
        List<Word>? words = null;
        if (PeekPlain() is "in")
        {
            _at += 2;
            words = [];
            while (TryParseWord() is { } word)
            {
                words.Add(word);
            }

            if (!IsAtEnd && Peek() is not (';' or '\n'))
            {
                throw Unexpected();
            }
        }

        SkipBlanks();
        if (Peek() == ';')
        {
            _at++;
        }

        SkipLines();
        SkipBlanks();
        return PeekReserved() is "do" ? new ForCommand(name, words, ParseDoGroup()) : throw Unexpected("\"do\"");
    }

    private CommandList ParseDoGroup()
    {
        _at += 2;
        CommandList body = ParseList("\"done\"", "done");
        _at += 4;
        return body;
    }

    private CaseCommand ParseCase()
    {
        Word subject = TryParseWord() ?? throw Unexpected("word");
        SkipLines();
        SkipBlanks();
        if (PeekPlain() is not "in")
        {
            throw Unexpected("\"in\"");
        }

        _at += 2;
        var arms = new List<CaseArm>();
        while (true)
        {
            SkipLines();
            SkipBlanks();
            if (PeekPlain() is "esac")
            {
                _at += 4;
                return new CaseCommand(subject, arms);
            }

            if (Peek() == '(')
            {
                _at++;
            }

            var patterns = new List<Word>();
            while (true)
            {
                patterns.Add(TryParseWord() ?? throw Unexpected(IsAtEnd ? "\"esac\"" : null));
                SkipBlanks();
                if (Peek() != '|')
                {
                    break;
                }

                _at++;
            }

            if (Peek() != ')')
            {
                throw Unexpected("\")\"");
            }

            _at++;
            CommandList body = ParseList("\"esac\"", mayBeEmpty: true, ";;", "esac");
            if (Peek() == ';')
            {
                _at += 2;
            }

            arms.Add(new CaseArm(patterns, body));
        }
    }

    private CommandList ParseList(string expecting, params string[] ends) => ParseList(expecting, false, ends);

    /// <summary>Commands up to one of the words or operators that end them, which is left to be taken.</summary>
    private CommandList ParseList(string expecting, bool mayBeEmpty, params string[] ends)
    {
        var items = new List<ListItem>();
        int line = Line;
        bool isSeparated = true;
        while (true)
        {
            isSeparated |= SkipLines();
            SkipBlanks();
            if (IsAtEnd)
            {
                throw Unexpected(expecting);
            }

            if (ends.Any(IsAtEnding))
            {
                return items.Count == 0 && !mayBeEmpty ? throw Unexpected() : new CommandList(items) { Line = line };
            }

            if (!isSeparated)
            {
                throw Unexpected(expecting);
            }

            items.Add(ParseItem());
            isSeparated = items[^1].IsBackground || _tookSemicolon;
        }
    }

    private bool IsAtEnding(string end) =>
        end is ")" ? Peek() == ')'
        : end is ";;" ? Peek() == ';' && Peek(1) == ';'
        : string.Equals(PeekReserved(), end, StringComparison.Ordinal);

    private Nesting Enter()
    {
        if (++_depth > MaximumDepth)
        {
            throw new ShellSyntaxException($"syntax error: commands nest deeper than {MaximumDepth}", false, Line);
        }

        return new Nesting(this);
    }

    private readonly struct Nesting(ShellParser parser) : IDisposable
    {
        public void Dispose() => parser._depth--;
    }
}
