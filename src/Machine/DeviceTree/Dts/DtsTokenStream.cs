namespace Emulator.Machine.DeviceTrees;

/// <summary>One token of look-ahead over the lexer, and the list of errors found so far.</summary>
internal sealed class DtsTokenStream
{
    private readonly DtsLexer _lexer;
    private readonly List<DeviceTreeError> _errors = [];

    public DtsTokenStream(string text, string fileName, DtsIncludeResolver? resolver, bool startsWithName)
    {
        _lexer = new DtsLexer(text, fileName, resolver, _errors);
        if (startsWithName)
        {
            _lexer.ExpectName();
        }
        Current = _lexer.Next();
    }

    public DtsToken Current { get; private set; }

    /// <summary>The place of the token taken last.</summary>
    public SourceLocation Last { get; private set; }

    public DtsToken Take()
    {
        DtsToken token = Current;
        Last = token.Location;
        Current = _lexer.Next();
        return token;
    }

    public bool TryTake(string symbol)
    {
        if (!Current.Is(symbol))
        {
            return false;
        }
        _ = Take();
        return true;
    }

    public void Expect(string symbol, string purpose)
    {
        if (!TryTake(symbol))
        {
            throw Unexpected($"'{symbol}' {purpose}");
        }
    }

    public DtsToken Expect(DtsTokenKind kind, string what) => Current.Kind == kind ? Take() : throw Unexpected(what);

    public DeviceTreeException Unexpected(string expected)
    {
        string hint =
            Current.Kind == DtsTokenKind.Symbol && Current.Text.Length > 1 && char.IsAsciiLetter(Current.Text[0])
                ? "; if it is a macro, run cpp first"
                : "";
        return Fatal(Current.Location, $"expected {expected}, found {Current.Describe()}{hint}");
    }

    public DeviceTreeException Fatal(in SourceLocation at, string message) => _lexer.Fatal(at, message);

    public void Report(in SourceLocation at, string message) => _lexer.Report(at, message);

    public void ThrowIfErrors()
    {
        if (_errors.Count > 0)
        {
            throw new DeviceTreeException([.. _errors]);
        }
    }
}
