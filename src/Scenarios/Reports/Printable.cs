namespace Emulator.Scenarios;

/// <summary>
/// Makes text of a scenario file fit to be shown. A file is untrusted input, and a terminal obeys control characters.
/// </summary>
public static class Printable
{
    /// <summary>The text with a <c>?</c> for every control character but line feeds and tabs.</summary>
    public static string Of(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Any(IsUnfit) ? string.Concat(text.Select(c => IsUnfit(c) ? '?' : c)) : text;
    }

    private static bool IsUnfit(char character) => char.IsControl(character) && character is not ('\n' or '\t');
}
