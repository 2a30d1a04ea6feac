using System.Globalization;

namespace Emulator.Userland;

/// <summary>The signals that programs of the simulated world speak of.</summary>
public static class Signals
{
    // csharpier-ignore
    private static readonly (int Number, string Name, string Text)[] Known =
    [
        (1, "HUP", "Hangup"),            (2, "INT", "Interrupt"),           (3, "QUIT", "Quit"),
        (4, "ILL", "Illegal instruction"), (5, "TRAP", "Trace/breakpoint trap"), (6, "ABRT", "Aborted"),
        (7, "BUS", "Bus error"),         (8, "FPE", "Floating point exception"), (9, "KILL", "Killed"),
        (10, "USR1", "User defined signal 1"), (11, "SEGV", "Segmentation fault"), (12, "USR2", "User defined signal 2"),
        (13, "PIPE", "Broken pipe"),     (14, "ALRM", "Alarm clock"),       (15, "TERM", "Terminated"),
        (17, "CHLD", "Child exited"),    (18, "CONT", "Continued"),         (19, "STOP", "Stopped (signal)"),
    ];

    /// <summary>strsignal(3).</summary>
    public static string Describe(int signal) =>
        Array.Find(Known, entry => entry.Number == signal).Text
        ?? string.Create(CultureInfo.InvariantCulture, $"Unknown signal {signal}");

    /// <summary>The number of <c>9</c>, <c>KILL</c> or <c>SIGKILL</c>; null when there is none.</summary>
    public static int? Parse(string name)
    {
        if (int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int number))
        {
            return number <= 64 ? number : null;
        }

        string plain = name.StartsWith("SIG", StringComparison.OrdinalIgnoreCase) ? name[3..] : name;
        (int found, string? known, _) = Array.Find(
            Known,
            entry => string.Equals(entry.Name, plain, StringComparison.OrdinalIgnoreCase)
        );
        return known is null ? null : found;
    }

    /// <summary>kill -l.</summary>
    public static string All() =>
        string.Concat(
            Known.Select(entry => string.Create(CultureInfo.InvariantCulture, $"{entry.Number, 2}) {entry.Name}\n"))
        );
}
