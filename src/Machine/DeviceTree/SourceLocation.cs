namespace Emulator.Machine.DeviceTrees;

/// <summary>
/// Where a node or property was written: a range of one source file, counted from line 1 and column 1; the end is exclusive.
/// The default value means "not from a source file" (read from a blob, or made by a program).
/// </summary>
/// <remarks>
/// Ranges are those of dtc's diagnostics: a node's range starts at its opening brace, a property's at its name,
/// and both end after the closing semicolon. Columns count characters; a tab is one.
/// </remarks>
public readonly record struct SourceLocation(string File, int Line, int Column, int EndLine, int EndColumn)
{
    /// <summary>Whether this names a place at all.</summary>
    public bool IsKnown => Line > 0;

    /// <summary>The place as <c>file:line:column</c>, or the empty string when unknown.</summary>
    public override string ToString() => IsKnown ? $"{File}:{Line}:{Column}" : "";

    /// <summary>The range in the form of dtc's srcpos_string: <c>file:line.column-line.column</c>.</summary>
    internal string ToDtcString()
    {
        if (Line != EndLine)
        {
            return $"{File}:{Line}.{Column}-{EndLine}.{EndColumn}";
        }
        return Column != EndColumn ? $"{File}:{Line}.{Column}-{EndColumn}" : $"{File}:{Line}.{Column}";
    }

    internal SourceLocation To(in SourceLocation last) =>
        this with
        {
            EndLine = last.EndLine,
            EndColumn = last.EndColumn,
        };
}
