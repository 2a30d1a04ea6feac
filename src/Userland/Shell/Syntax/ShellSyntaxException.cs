namespace Emulator.Userland;

/// <summary>The text is no shell program, or not a whole one yet.</summary>
internal sealed class ShellSyntaxException(string message, bool isIncomplete, int line) : Exception(message)
{
    /// <summary>Whether more lines could make it whole.</summary>
    public bool IsIncomplete { get; } = isIncomplete;

    /// <summary>The line, from 1.</summary>
    public int Line { get; } = line;
}
