namespace Emulator.Userland;

/// <summary>A piece of a word.</summary>
internal abstract record WordPart(bool IsQuoted);

/// <summary>Characters as they stand.</summary>
internal sealed record LiteralPart(string Text, bool IsQuoted) : WordPart(IsQuoted);

/// <summary><c>$v</c>, <c>${v}</c>, <c>${v:-word}</c>; <c>${#v}</c> has the operator <c>#length</c>.</summary>
internal sealed record VariablePart(string Name, string Operator, Word? Argument, Word? Replacement, bool IsQuoted)
    : WordPart(IsQuoted)
{
    /// <summary>What stands in brackets after the name of an array; null where nothing does.</summary>
    public Word? Index { get; init; }

    /// <summary><c>@</c> or <c>*</c> where the part stands for a list: the positional parameters, or all of an array.</summary>
    public string? List =>
        Index is null ? (Name is "@" or "*" ? Name : null)
        : Index.Parts is [LiteralPart { Text: "@" or "*" } all] ? all.Text
        : null;
}

/// <summary><c>$( )</c> or backquotes.</summary>
internal sealed record SubstitutionPart(CommandList Commands, bool IsQuoted) : WordPart(IsQuoted);

/// <summary><c>$(( ))</c>.</summary>
internal sealed record ArithmeticPart(Word Expression, bool IsQuoted) : WordPart(IsQuoted);

/// <summary>A word before expansion.</summary>
internal sealed record Word(IReadOnlyList<WordPart> Parts)
{
    /// <summary>The text when nothing in it is quoted or expanded, else null: what can be a reserved word.</summary>
    public string? Plain =>
        Parts.Count == 0 ? ""
        : Parts is [LiteralPart { IsQuoted: false } literal] ? literal.Text
        : null;
}

/// <summary>What a redirection does.</summary>
internal enum RedirectionKind
{
    Read,
    Write,
    Append,
    ReadWrite,
    Duplicate,
    HereDocument,
}

/// <summary>A redirection; the target of a here-document is filled in when its lines have been read.</summary>
internal sealed class Redirection(RedirectionKind kind, int descriptor, Word target)
{
    public RedirectionKind Kind { get; } = kind;

    public int Descriptor { get; } = descriptor;

    public Word Target { get; set; } = target;

    /// <summary>Whether descriptor 2 goes the same way (<c>&amp;&gt;</c>).</summary>
    public bool WithErrors { get; init; }
}

/// <summary><c>name=word</c>.</summary>
internal sealed record Assignment(string Name, Word Value)
{
    /// <summary>What stands in brackets after the name: <c>name[index]=word</c>.</summary>
    public Word? Index { get; init; }

    /// <summary>The elements of <c>name=( ... )</c>.</summary>
    public IReadOnlyList<Word>? Elements { get; init; }

    /// <summary>Whether elements are added, <c>name+=( ... )</c>.</summary>
    public bool Appends { get; init; }
}

/// <summary>A command of any kind.</summary>
internal abstract record Node
{
    public IReadOnlyList<Redirection> Redirections { get; init; } = [];

    /// <summary>The line of the script it stands on, from 1.</summary>
    public int Line { get; init; }
}

internal sealed record SimpleCommand(IReadOnlyList<Assignment> Assignments, IReadOnlyList<Word> Words) : Node;

internal sealed record Pipeline(IReadOnlyList<Node> Commands, bool IsNegated) : Node;

internal sealed record AndOrList(Node First, IReadOnlyList<(bool IsAnd, Node Command)> Rest) : Node;

internal sealed record ListItem(Node Command, bool IsBackground);

internal sealed record CommandList(IReadOnlyList<ListItem> Items) : Node;

internal sealed record SubshellCommand(CommandList Body) : Node;

internal sealed record GroupCommand(CommandList Body) : Node;

internal sealed record IfCommand(CommandList Condition, CommandList Then, Node? Else) : Node;

internal sealed record ForCommand(string Variable, IReadOnlyList<Word>? Words, CommandList Body) : Node;

internal sealed record WhileCommand(CommandList Condition, CommandList Body, bool IsUntil) : Node;

internal sealed record CaseArm(IReadOnlyList<Word> Patterns, CommandList Body);

internal sealed record CaseCommand(Word Subject, IReadOnlyList<CaseArm> Arms) : Node;

internal sealed record FunctionDefinition(string Name, Node Body) : Node;
