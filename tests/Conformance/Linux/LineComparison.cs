using System.Globalization;

namespace Emulator.Conformance.Linux;

/// <summary>Counts recorded lines that we have equal, different, or not at all.</summary>
internal static class LineComparison
{
    public const string Missing = "missing";
    private const int MostShown = 40;

    /// <param name="name">The report's name.</param>
    /// <param name="lines">The recorded lines.</param>
    /// <param name="compare">Null where ours is equal, <see cref="Missing"/>, or how it differs.</param>
    /// <returns>How many lines agreed.</returns>
    public static int Run(string name, IEnumerable<string> lines, Func<string, string?> compare)
    {
        var report = new Report(name);
        int shown = 0;
        int agreed = 0;
        int missing = 0;
        int different = 0;
        foreach (string line in lines)
        {
            string? difference = compare(line);
            agreed += difference is null ? 1 : 0;
            missing += difference is Missing ? 1 : 0;
            different += difference is not (null or Missing) ? 1 : 0;
            if (difference is not null && shown++ < MostShown)
            {
                report.Note($"{difference}: {line}");
            }
        }

        report.Note(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{name}: {agreed + missing + different} lines, {agreed} equal, {different} different, {missing} missing"
            )
        );
        report.Publish();
        return agreed;
    }
}
