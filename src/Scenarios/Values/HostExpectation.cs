using System.Globalization;
using Emulator.KernelShim;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary>What must be true of the kernel: lines of its log, a file, how often interrupts were taken.</summary>
internal abstract class HostExpectation(Place place)
{
    protected Place Place { get; } = place;

    /// <summary>Reads the key of an expectation.</summary>
    public static HostExpectation? Read(ReadingContext context, MapReader map, string kind)
    {
        if (context.IsBareMetal)
        {
            context.Fail(map.PlaceOf(kind), $"'{kind}:' needs a kernel; the scenario says 'kernel: none'");
        }

        return kind switch
        {
            "dmesg" => LogExpectation.ReadLog(context, map),
            "path" => FileExpectation.ReadFile(context, map),
            _ => IrqExpectation.ReadIrqs(context, map),
        };
    }

    /// <summary>Fails the step when it is not so.</summary>
    public abstract void Check(World world);
}

/// <summary><c>dmesg:</c> lines that the kernel has logged, in this order, and lines that it has not.</summary>
internal sealed class LogExpectation : HostExpectation
{
    private readonly List<string> _has = [];
    private readonly List<string> _lacks = [];

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
        foreach (string wanted in _has)
        {
            int found = Array.FindIndex(lines, at, line => LinePattern.Matches(wanted, line));
            if (found < 0)
            {
                string after = at == 0 ? "" : " after the line before";
                throw new StepFailedException(
                    new StepFailure(Place, $"the kernel has not logged this{after}", [wanted], [.. lines.TakeLast(8)])
                );
            }

            at = found + 1;
        }

        foreach (string unwanted in _lacks)
        {
            if (Array.Find(lines, line => LinePattern.Matches(unwanted, line)) is { } line)
            {
                throw StepFailedException.At(Place, "the kernel has logged this", $"no {unwanted}", line);
            }
        }
    }

    private static void Add(ReadingContext context, List<string> lines, IEnumerable<YamlNode> nodes)
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
            else if (LinePattern.Problem(line) is { } problem)
            {
                context.Fail(node, problem);
            }

            lines.Add(line);
        }
    }
}

/// <summary><c>path:</c> what a file holds, where a link points, or that there is none.</summary>
internal sealed class FileExpectation : HostExpectation
{
    private readonly string _path;
    private readonly string? _kind;
    private readonly string? _value;

    private FileExpectation(Place place, string path, string? kind, string? value)
        : base(place)
    {
        _path = path;
        _kind = kind;
        _value = value;
    }

    public static FileExpectation ReadFile(ReadingContext context, MapReader map)
    {
        string path = map.RequiredWords("path");
        if (path.Length > 0 && path[0] != '/')
        {
            context.Fail(map.PlaceOf("path"), "'path:' takes a whole path of the simulated system, from /");
        }

        string? kind = map.OneOf("holds", "link", "exists");
        string? value = kind switch
        {
            "exists" => map.Flag("exists", otherwise: true) ? "true" : "false",
            "holds" => (map.Node("holds") as YamlScalarNode)?.Value ?? map.RequiredWords("holds"),
            "link" => map.RequiredWords("link"),
            _ => null,
        };
        foreach (string line in kind is "holds" ? Lines(value!) : [])
        {
            if (LinePattern.Problem(line) is { } problem)
            {
                context.Fail(map.PlaceOf("holds"), problem);
            }
        }

        return new FileExpectation(map.PlaceOf("path"), path, kind, value);
    }

    public override void Check(World world)
    {
        Host host = world.Host(Place);
        world.Work(100, Place);
        if (_kind is "link")
        {
            (long result, string target) = host.ReadLink(_path);
            Compare($"{_path} is another link", [_value!], result < 0 ? [ErrnoText.Of(result)] : [target]);
            return;
        }

        (long read, string text) = host.ReadFile(_path);
        if (_kind is "exists")
        {
            string found = read == -(long)Errno.ENOENT ? "false" : "true";
            Compare($"whether {_path} exists is another thing", [_value!], [found]);
            return;
        }

        Compare($"{_path} holds something else", Lines(_value!), read < 0 ? [ErrnoText.Of(read)] : Lines(text));
    }

    private static string[] Lines(string text) =>
        text.Length == 0 ? [] : text.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n');

    private void Compare(string message, string[] wanted, string[] found)
    {
        if (LinePattern.Compare(wanted, found) is { } difference)
        {
            throw new StepFailedException(new StepFailure(Place, message, difference.Expected, difference.Found));
        }
    }
}

/// <summary><c>irqs:</c> how often interrupts were taken, by the columns of /proc/interrupts.</summary>
internal sealed class IrqExpectation : HostExpectation
{
    private readonly List<(InterruptName Interrupt, NumberValue Count)> _counts = [];

    private IrqExpectation(Place place)
        : base(place) { }

    public static IrqExpectation ReadIrqs(ReadingContext context, MapReader map)
    {
        var expectation = new IrqExpectation(map.PlaceOf("irqs"));
        foreach ((YamlScalarNode key, YamlNode value) in map.FreeEntries("irqs"))
        {
            expectation._counts.Add((InterruptName.Read(context, key), context.Number(value)));
        }

        return expectation;
    }

    public override void Check(World world)
    {
        (_, string text) = world.Host(Place).ReadFile("/proc/interrupts");
        world.Work(100, Place);
        string[] lines = text.Split('\n');
        int cpus = lines[0].Split(' ', StringSplitOptions.RemoveEmptyEntries).Length;
        foreach ((InterruptName interrupt, NumberValue count) in _counts)
        {
            ulong id = interrupt.Resolve(world);
            ulong found = Count(lines, cpus, id);
            if (found != world.Number(count))
            {
                throw StepFailedException.At(
                    interrupt.Place,
                    $"{InterruptName.Show(id)} was taken another number of times",
                    world.Number(count).ToString(CultureInfo.InvariantCulture),
                    found.ToString(CultureInfo.InvariantCulture)
                );
            }
        }
    }

    /// <summary>A line is: number, a count for each CPU, the chip, the chip's number, what it is for. No line is a count of 0.</summary>
    private static ulong Count(string[] lines, int cpus, ulong id)
    {
        string hardware = id.ToString(CultureInfo.InvariantCulture);
        foreach (string line in lines.Skip(1))
        {
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length > cpus + 2 && string.Equals(words[cpus + 2], hardware, StringComparison.Ordinal))
            {
                return (ulong)words.Skip(1).Take(cpus).Sum(word => long.Parse(word, CultureInfo.InvariantCulture));
            }
        }

        return 0;
    }
}
