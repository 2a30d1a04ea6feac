namespace Emulator.Machine.DeviceTrees;

/// <summary>One source text while it is read, and the place in it; the name and the line follow cpp's markers.</summary>
internal sealed class DtsInput(string text, string file)
{
    public string File { get; private set; } = file;
    public int Position { get; private set; }
    public int Line { get; private set; } = 1;
    public int Column { get; private set; } = 1;
    public bool AtEnd => Position >= text.Length;
    public bool AtLineStart => Position == 0 || text[Position - 1] == '\n';

    public bool OnlyBlanksBefore
    {
        get
        {
            int i = Position - 1;
            while (i >= 0 && text[i] is ' ' or '\t')
            {
                i--;
            }
            return i < 0 || text[i] == '\n';
        }
    }

    /// <summary>The character here; NUL at the end.</summary>
    public char Current => Peek(0);
    public ReadOnlySpan<char> Rest => text.AsSpan(Position);

    public char Peek(int ahead) => Position + ahead < text.Length ? text[Position + ahead] : '\0';

    public bool StartsWith(string value) => Rest.StartsWith(value, StringComparison.Ordinal);

    public string Take(int length)
    {
        string taken = text.Substring(Position, length);
        Advance(length);
        return taken;
    }

    public void Advance(int count)
    {
        int end = Math.Min(Position + count, text.Length);
        for (; Position < end; Position++)
        {
            if (text[Position] == '\n')
            {
                Line++;
                Column = 1;
            }
            else
            {
                Column++;
            }
        }
    }

    public void Relocate(string file, int line)
    {
        File = file;
        Line = line;
    }

    public SourceLocation Location(int start, int startLine, int startColumn) =>
        start <= Position
            ? new SourceLocation(File, startLine, startColumn, Line, Column)
            : new SourceLocation(File, Line, Column, Line, Column);
}
