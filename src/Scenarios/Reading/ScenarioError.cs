using System.Globalization;

namespace Emulator.Scenarios;

/// <summary>Something wrong in a scenario file, and where.</summary>
/// <param name="File">The file as the user named it.</param>
/// <param name="Line">Counted from 1.</param>
/// <param name="Column">Counted from 1.</param>
/// <param name="Message">What is wrong and how to mend it.</param>
public sealed record ScenarioError(string File, long Line, long Column, string Message)
{
    /// <summary><c>file:line:column: message</c>.</summary>
    public override string ToString() =>
        Printable.Of(string.Create(CultureInfo.InvariantCulture, $"{File}:{Line}:{Column}: {Message}"));
}

/// <summary>A place in a scenario file.</summary>
/// <param name="Line">Counted from 1.</param>
/// <param name="Column">Counted from 1.</param>
public readonly record struct Place(long Line, long Column);
