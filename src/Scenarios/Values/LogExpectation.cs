using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary><c>dmesg:</c> lines that the kernel has logged, in this order, and lines that it has not.</summary>
internal sealed class LogExpectation : HostExpectation
{
    private readonly List<ExpectedLine> _has = [];
    private readonly List<ExpectedLine> _lacks = [];

    private LogExpectation(Place place)
        : base(place) { }

    public static LogExpectation ReadLog(ReadingContext context, MapReader map)
    {
        var log = new LogExpectation(map.PlaceOf("dmesg"));
        YamlNode node = map.Node("dmesg")!;
        if (node is YamlMappingNode)
        {
            MapReader parts = map.Map("dmesg", "dmesg")!;
            Add(context, log._has, parts.List("has"));
            Add(context, log._lacks, parts.List("lacks"));
            if (log._has.Count + log._lacks.Count == 0)
            {
                context.Fail(parts.Place, "dmesg is a line, a list of lines, or { has: [...], lacks: [...] }");
            }

            parts.Finish();
        }
        else
        {
            Add(context, log._has, node is YamlSequenceNode ? map.List("dmesg") : [node]);
        }

        return log;
    }

    public override void Check(World world)
    {
        string[] lines = [.. world.Host(Place).Kernel.Log.Lines.Select(line => line.ToString())];
        world.Work(1 + lines.Length, Place);
        int at = 0;
        foreach (ExpectedLine wanted in _has)
        {
            int found = Array.FindIndex(lines, at, wanted.Matches);
            if (found < 0)
            {
                string after = at == 0 ? "" : " after the line before";
                throw new StepFailedException(
                    new StepFailure(
                        Place,
                        $"the kernel has not logged this{after}",
                        [wanted.Text],
                        [.. lines.TakeLast(8)]
                    )
                );
            }

            at = found + 1;
        }

        foreach (ExpectedLine unwanted in _lacks)
        {
            if (Array.Find(lines, unwanted.Matches) is { } line)
            {
                throw StepFailedException.At(Place, "the kernel has logged this", $"no {unwanted.Text}", line);
            }
        }
    }

    private static void Add(ReadingContext context, List<ExpectedLine> lines, IEnumerable<YamlNode> nodes)
    {
        foreach (YamlNode node in nodes)
        {
            string line = (node as YamlScalarNode)?.Value ?? "";
            if (line.Length == 0)
            {
                context.Fail(
                    node,
                    $"a line of the log is a text, or /a regular expression/, not {ReadingContext.Describe(node)}"
                );
            }

            lines.Add(ExpectedLine.Read(context, line, ReadingContext.PlaceOf(node)));
        }
    }
}
