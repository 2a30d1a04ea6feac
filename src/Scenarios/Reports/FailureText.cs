using System.Globalization;
using System.Text;
using Emulator.Machine;

namespace Emulator.Scenarios;

/// <summary>Writes a failure as a good compiler would: the place, the line, what was expected beside what was found.</summary>
public static class FailureText
{
    private const int MaximumColumn = 58;

    /// <summary>The report of a failure, several lines, no line break at the end.</summary>
    public static string Of(Scenario scenario, StepFailure failure)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        ArgumentNullException.ThrowIfNull(failure);
        var text = new StringBuilder();
        Place place = failure.Place;
        text.Append(CultureInfo.InvariantCulture, $"{scenario.File}:{place.Line}:{place.Column}: {failure.Message}\n");
        AppendSource(text, scenario, place);
        AppendSideBySide(text, failure.Expected, failure.Found);
        text.Append(CultureInfo.InvariantCulture, $"  at {VirtualTime.Format(failure.Time)} of virtual time\n");
        foreach (string explanation in failure.Explanations)
        {
            text.Append(CultureInfo.InvariantCulture, $"  {explanation}\n");
        }

        if (failure.LastEvents.Count > 0)
        {
            text.Append("  the last events before it:\n");
            foreach (TraceEvent traced in failure.LastEvents)
            {
                text.Append(CultureInfo.InvariantCulture, $"    {traced}\n");
            }
        }

        return Printable.Of(text.ToString().TrimEnd('\n'));
    }

    private static void AppendSource(StringBuilder text, Scenario scenario, Place place)
    {
        if (place.Line < 1 || place.Line > scenario.SourceLines.Count)
        {
            return;
        }

        string number = place.Line.ToString(CultureInfo.InvariantCulture);
        string margin = new(' ', number.Length);
        string line = scenario.SourceLines[(int)place.Line - 1];
        int column = (int)Math.Clamp(place.Column - 1, 0, line.Length);
        text.Append(CultureInfo.InvariantCulture, $" {margin} |\n");
        text.Append(CultureInfo.InvariantCulture, $" {number} | {line}\n");
        string below = string.Concat(line[..column].Select(character => character == '\t' ? '\t' : ' '));
        text.Append(CultureInfo.InvariantCulture, $" {margin} | {below}^\n");
    }

    private static void AppendSideBySide(
        StringBuilder text,
        IReadOnlyList<string> expected,
        IReadOnlyList<string> found
    )
    {
        if (expected.Count + found.Count == 0)
        {
            return;
        }

        int width = Math.Clamp(expected.Append("expected").Max(line => line.Length), 8, MaximumColumn);
        text.Append(CultureInfo.InvariantCulture, $"    {"expected".PadRight(width)}   found\n");
        for (int i = 0; i < Math.Max(expected.Count, found.Count); i++)
        {
            string left = i < expected.Count ? expected[i] : "";
            string right = i < found.Count ? found[i] : "";
            string mark = string.Equals(left, right, StringComparison.Ordinal) ? " " : "!";
            text.Append(CultureInfo.InvariantCulture, $"  {mark} {left.PadRight(width)}   {right}\n");
        }
    }
}
