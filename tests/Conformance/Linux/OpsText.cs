using System.Text.RegularExpressions;

namespace Emulator.Conformance.Linux;

/// <summary>
/// What the README allows to differ, taken out of both sides: device numbers, pids, pointers of tokens, Linux interrupt
/// numbers, counts of /proc/interrupts, times.
/// </summary>
internal static partial class OpsText
{
    public static string Normalize(string operation, string line)
    {
        string text = Times().Replace(line, "[TIME]");
        text = ClockSet().Replace(text, "system clock to TIME");
        text = Pid().Replace(text, "(orc:PID)");
        text = Token().Replace(text, "token POINTER");
        text = DeviceNumber().Replace(text, "rdev=MAJOR:MINOR");
        text = Splat().Replace(text, "PID: N");
        text = Rows(operation, text);
        text = InterruptLine(operation, text);
        return operation.StartsWith("rd ", StringComparison.Ordinal) ? Attributes(operation, text) : text;
    }

    /// <summary>The register at 0x3C of configuration space holds a Linux interrupt number.</summary>
    private static string InterruptLine(string operation, string text)
    {
        const int register = 0x3C;
        Match read = ConfigurationRead().Match(operation);
        if (!read.Success || !Bytes().IsMatch(text))
        {
            return text;
        }

        int at = 2 * (register - (int)OpsWords.ParseNumber(read.Groups[1].Value));
        return at >= 0 && at + 2 <= text.Length ? text[..at] + "LL" + text[(at + 2)..] : text;
    }

    /// <summary>Rows of /proc/interrupts, and the numbers in names of handlers.</summary>
    private static string Rows(string operation, string text)
    {
        if (operation.Contains("/proc/interrupts", StringComparison.Ordinal))
        {
            text = Row().Replace(text, "IRQ: COUNT");
            text = Handler().Replace(text, "vfio-irq[IRQ]");
        }

        if (operation.StartsWith("sh ls -l", StringComparison.Ordinal))
        {
            text = ListedNumbers().Replace(text, "MAJOR, MINOR");
            text = ListedTime().Replace(text, " DATE ");
        }

        return text;
    }

    private static string Attributes(string operation, string text)
    {
        text = operation.EndsWith("/dev", StringComparison.Ordinal) ? Pair().Replace(text, "MAJOR:MINOR") : text;
        return operation.EndsWith("/uevent", StringComparison.Ordinal) ? Major().Replace(text, "MAJOR=N") : text;
    }

    [GeneratedRegex(@"^\[ *\d+\.\d+\]")]
    private static partial Regex Times();

    [GeneratedRegex(@"system clock to \S+ UTC \(\d+\)")]
    private static partial Regex ClockSet();

    [GeneratedRegex(@"\(orc:\d+\)")]
    private static partial Regex Pid();

    [GeneratedRegex(@"token [0-9a-f]+")]
    private static partial Regex Token();

    [GeneratedRegex(@"rdev=\d+:\d+")]
    private static partial Regex DeviceNumber();

    [GeneratedRegex(@"PID: \d+")]
    private static partial Regex Splat();

    [GeneratedRegex(@"^ *\d+: +\d+(?: +\d+(?= ))?")]
    private static partial Regex Row();

    [GeneratedRegex(@"vfio-irq\[\d+\]")]
    private static partial Regex Handler();

    [GeneratedRegex(@"\d+, +\d+")]
    private static partial Regex ListedNumbers();

    [GeneratedRegex(@" [A-Z][a-z][a-z] +\d+ +(?:\d\d:\d\d|\d{4}) ")]
    private static partial Regex ListedTime();

    [GeneratedRegex(@"^pread \S+ r7\+(\S+) ")]
    private static partial Regex ConfigurationRead();

    [GeneratedRegex("^[0-9a-f]+$")]
    private static partial Regex Bytes();

    [GeneratedRegex(@"\d+:\d+")]
    private static partial Regex Pair();

    [GeneratedRegex(@"MAJOR=\d+")]
    private static partial Regex Major();
}
