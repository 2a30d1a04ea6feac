namespace Emulator.Machine.DeviceTrees;

internal enum DtsTokenKind
{
    End,

    /// <summary>A keyword between slashes; the text is <c>/bits/</c> etc.</summary>
    Keyword,

    /// <summary>A quoted string; the data are its bytes without the final NUL.</summary>
    String,

    /// <summary>An integer or character literal.</summary>
    Literal,

    /// <summary><c>name:</c>; the text is the name.</summary>
    Label,

    /// <summary><c>&amp;name</c> or <c>&amp;{/path}</c>; the text is the name or the path.</summary>
    Reference,

    /// <summary>Two hex digits inside brackets.</summary>
    Byte,

    /// <summary>A property or node name.</summary>
    Name,

    /// <summary>An operator, a bracket, or a character that fits nowhere.</summary>
    Symbol,
}

internal readonly record struct DtsToken(DtsTokenKind Kind, string Text, SourceLocation Location)
{
    public ulong Number { get; init; }

    public byte[] Data { get; init; } = [];

    public bool Is(string symbol) =>
        Kind is DtsTokenKind.Symbol or DtsTokenKind.Keyword && string.Equals(Text, symbol, StringComparison.Ordinal);

    public string Describe() =>
        Kind switch
        {
            DtsTokenKind.End => "the end of the file",
            DtsTokenKind.String => "a string",
            DtsTokenKind.Literal => $"the number {Text}",
            DtsTokenKind.Label => $"the label '{Text}:'",
            DtsTokenKind.Reference => Text.StartsWith('/')
                ? $"the reference '&{{{Text}}}'"
                : $"the reference '&{Text}'",
            DtsTokenKind.Name => $"the name '{Text}'",
            _ => $"'{Text}'",
        };
}
