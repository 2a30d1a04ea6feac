using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Emulator.KernelShim;

namespace Emulator.Conformance.Linux;

/// <summary>What became of one recorded run of a topology.</summary>
internal sealed class TopologyScore
{
    private readonly SortedDictionary<string, (int Ran, int Agreed)> _counts = new(StringComparer.Ordinal);

    public List<string> Differences { get; } = [];

    public IReadOnlyDictionary<string, (int Ran, int Agreed)> Counts => _counts;

    public void Add(string kind, string where, string? difference)
    {
        (int ran, int agreed) = _counts.GetValueOrDefault(kind);
        _counts[kind] = (ran + 1, agreed + (difference is null ? 1 : 0));
        if (difference is not null)
        {
            Differences.Add($"{where} {kind}: {difference}");
        }
    }
}

/// <summary>
/// Replays a recorded run (format: linux/README.md): the board of its command line, its kernel, and the commands of each phase
/// as system calls; then compares joins in order, groups, functions, configuration space and the tree.
/// </summary>
internal static partial class TopologyReplay
{
    public static TopologyScore Run(JsonElement run, string text)
    {
        var score = new TopologyScore();
        string id = run.Text("id");
        TopologyMachine machine = TopologyMachine.Boot(id.Split('-')[0], PciDumps.CommandLine(text));
        long seen = 0;
        foreach (JsonElement phase in run.GetProperty("phases").EnumerateArray())
        {
            string name = phase.Text("name");
            RunCommands(machine, phase, score);
            if (phase.TryGetProperty("events", out JsonElement events))
            {
                CompareEvents(score, name, events, EventsSince(machine.Kernel, seen));
                Compare(score, name, phase, TopologyState.Read(machine), machine, text);
            }

            seen = machine.Kernel.Log.Count;
        }

        return score;
    }

    private static void RunCommands(TopologyMachine machine, JsonElement phase, TopologyScore score)
    {
        foreach (JsonElement command in phase.GetProperty("commands").EnumerateArray())
        {
            long? wanted =
                command.TryGetProperty("result", out JsonElement result)
                && long.TryParse(result.ToString(), CultureInfo.InvariantCulture, out long number)
                    ? number
                    : null;
            score.Add("commands", phase.Text("name"), machine.Run(command.Text("line"), wanted));
        }
    }

    private static void CompareEvents(
        TopologyScore score,
        string phase,
        JsonElement recorded,
        IReadOnlyList<string> ours
    )
    {
        string[] wanted =
        [
            .. recorded
                .EnumerateArray()
                .Select(item => $"{item.Text("bdf")} {item.Text("event")} {item.GetProperty("group").GetInt32()}"),
        ];
        for (int n = 0; n < Math.Max(wanted.Length, ours.Count); n++)
        {
            string want = n < wanted.Length ? wanted[n] : "nothing";
            string have = n < ours.Count ? ours[n] : "nothing";
            score.Add(
                "joins",
                phase,
                string.Equals(want, have, StringComparison.Ordinal) ? null : $"recorded {want}, ours {have}"
            );
        }
    }

    private static IReadOnlyList<string> EventsSince(Kernel kernel, long seen) =>
        [
            .. kernel
                .Log.Lines.Skip((int)(seen - (kernel.Log.Count - kernel.Log.Lines.Count)))
                .Select(line => EventPattern().Match(line.Text))
                .Where(match => match.Success)
                .Select(match =>
                    $"{match.Groups["bdf"].Value} {(match.Groups["verb"].Value is "Adding to" ? "join" : "leave")} {match.Groups["group"].Value}"
                ),
        ];

    private static void Compare(
        TopologyScore score,
        string phase,
        JsonElement recorded,
        TopologyState ours,
        TopologyMachine machine,
        string text
    )
    {
        score.Add("partitions", phase, ComparePartition(recorded, ours));
        score.Add("group types", phase, CompareTypes(recorded, machine));
        foreach (JsonElement function in recorded.GetProperty("functions").EnumerateArray())
        {
            score.Add("functions", phase, TopologyFields.Compare(function, ours));
        }

        SortedDictionary<int, byte[]> dumps = PciDumps.Read(text, phase);
        foreach ((int requester, byte[] dump) in dumps)
        {
            score.Add("configuration dumps", phase, TopologyFields.CompareDump(requester, dump, ours));
        }

        if (TreeOf(text, phase) is { } tree)
        {
            IReadOnlyList<string> wanted = TopologyState.TreeTokens(tree);
            IReadOnlyList<string> have = ours.TreeTokens();
            score.Add(
                "trees",
                phase,
                wanted.SequenceEqual(have, StringComparer.Ordinal)
                    ? null
                    : $"recorded {string.Join(' ', wanted)}, ours {string.Join(' ', have)}"
            );
        }
    }

    private static string? ComparePartition(JsonElement recorded, TopologyState ours)
    {
        string wanted = Join(
            recorded
                .GetProperty("partition")
                .EnumerateArray()
                .Select(group => string.Join(' ', group.EnumerateArray().Select(name => name.GetString())))
        );
        string have = Join(
            ours.Functions.Values.Where(function => function.Group is not null)
                .GroupBy(function => function.Group)
                .Select(group => string.Join(' ', group.Select(function => function.Name)))
        );
        return string.Equals(wanted, have, StringComparison.Ordinal) ? null : $"recorded {wanted}, ours {have}";
    }

    private static string Join(IEnumerable<string> groups) => string.Join(" | ", groups.Order(StringComparer.Ordinal));

    private static string? CompareTypes(JsonElement recorded, TopologyMachine machine)
    {
        string wanted = string.Join(
            ' ',
            recorded
                .GetProperty("group_types")
                .EnumerateObject()
                .Select(item => $"{item.Name}={item.Value.GetString()}")
                .Order(StringComparer.Ordinal)
        );
        string have = string.Join(
            ' ',
            machine
                .List("/sys/kernel/iommu_groups")
                .Select(group => $"{group}={machine.ReadText($"/sys/kernel/iommu_groups/{group}/type")}")
                .Order(StringComparer.Ordinal)
        );
        return string.Equals(wanted, have, StringComparison.Ordinal) ? null : $"recorded {wanted}, ours {have}";
    }

    private static string? TreeOf(string text, string phase)
    {
        string heading = $"@@ {phase}/lspci-tree\n";
        int start = text.IndexOf(heading, StringComparison.Ordinal);
        return start < 0
            ? null
            : text[(start + heading.Length)..text.IndexOf("\n@@", start + heading.Length, StringComparison.Ordinal)];
    }

    [GeneratedRegex(
        @"^\S+ (?<bdf>[0-9a-f:.]+): (?<verb>Adding to|Removing from) iommu group (?<group>\d+)$",
        RegexOptions.ExplicitCapture
    )]
    private static partial Regex EventPattern();
}
