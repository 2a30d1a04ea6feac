using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary>One step of a scenario, read and checked, ready to be run any number of times.</summary>
internal abstract class Step(Place place)
{
    public Place Place { get; } = place;

    /// <summary>Does it. Ends the run by a <see cref="StepFailedException"/> when it fails.</summary>
    public abstract void Run(World world);
}

/// <summary>The kinds of steps and how each is read. The key of a step is its kind.</summary>
internal static class StepReader
{
    // csharpier-ignore
    private static readonly Dictionary<string, Func<ReadingContext, YamlNode, Step>> Kinds = new(StringComparer.Ordinal)
    {
        ["mmio"]   = MmioStep.Read,
        ["sysreg"] = SystemRegisterStep.Read,
        ["memory"] = MemoryStep.Read,
        ["press"]  = KeyStep.ReadPress,
        ["release"] = KeyStep.ReadRelease,
        ["tables"] = TablesStep.Read,
        ["explain"] = ExplainStep.Read,
        ["groups"] = GroupsStep.Read,
        ["dma330"] = Dma330Step.Read,
        ["wait"]   = WaitStep.Read,
        ["expect"] = ExpectStep.Read,
        ["never"]  = NeverStep.Read,
        ["let"]    = LetStep.Read,
        ["repeat"] = RepeatStep.Read,
        ["host"]   = HostStep.Read,
        ["process"] = ProcessStep.Read,
        ["kill"]   = KillStep.Read,
        ["vfio"]   = VfioStep.Read,
        ["map"]    = MapStep.Read,
        ["unmap"]  = UnmapStep.Read,
        ["regs"]   = RegsStep.Read,
        ["irq"]    = IrqStep.Read,
        ["reset"]  = ResetStep.Read,
        ["open"]   = OpenStep.Read,
        ["ioctl"]  = IoctlStep.Read,
        ["close"]  = CloseStep.Read,
    };

    /// <summary>What a boot ROM would do: it would pull the floor from under a kernel.</summary>
    private static readonly string[] BareMetalKinds = ["mmio", "sysreg", "tables"];

    /// <summary>What processes of a kernel do.</summary>
    private static readonly string[] KernelKinds =
    [
        "process",
        "kill",
        "vfio",
        "map",
        "unmap",
        "regs",
        "irq",
        "reset",
        "open",
        "ioctl",
        "close",
    ];

    /// <summary>The kinds' names.</summary>
    public static IEnumerable<string> KindNames => Kinds.Keys;

    public static IReadOnlyList<Step> ReadAll(ReadingContext context, IEnumerable<YamlNode> nodes)
    {
        var steps = new List<Step>();
        foreach (YamlNode node in nodes)
        {
            if (ReadOne(context, node) is { } step)
            {
                steps.Add(step);
            }
        }

        return steps;
    }

    /// <summary>A note is prose for the reader of the file; a <c>$</c> in it means nothing.</summary>
    private static void ReadNote(ReadingContext context, YamlNode value)
    {
        if (value is not YamlScalarNode)
        {
            context.Fail(value, $"'note:' takes a text, not {ReadingContext.Describe(value)}");
        }
    }

    private static Step? ReadOne(ReadingContext context, YamlNode node)
    {
        if (node is not YamlMappingNode mapping)
        {
            context.Fail(node, $"a step is '- kind: ...', not {ReadingContext.Describe(node)}");
            return null;
        }

        Step? step = null;
        string? kindSeen = null;
        foreach ((YamlNode key, YamlNode value) in mapping.Children)
        {
            string word = (key as YamlScalarNode)?.Value ?? "";
            if (word is "note")
            {
                ReadNote(context, value);
                continue;
            }

            if (!Kinds.TryGetValue(word, out Func<ReadingContext, YamlNode, Step>? read))
            {
                string[] valid = [.. Kinds.Keys, "note"];
                context.Fail(
                    key,
                    $"unknown step '{Words.Shorten(word)}'{Words.DidYouMean(word, "Valid steps", valid)}"
                );
                kindSeen ??= word;
                continue;
            }

            if (kindSeen is not null)
            {
                context.Fail(key, $"this step is '{kindSeen}' already; begin '{word}:' with its own '- '");
                continue;
            }

            if (context.Kernel is { } kernel && BareMetalKinds.Contains(word, StringComparer.Ordinal))
            {
                context.Fail(key, $"'{word}:' acts on bare metal; under kernel '{kernel.Name}' use 'host:' or 'regs:'");
            }

            if (context.IsBareMetal && KernelKinds.Contains(word, StringComparer.Ordinal))
            {
                context.Fail(key, $"'{word}:' is what a process does; the scenario says 'kernel: none'");
            }

            kindSeen = word;
            step = read(context, value);
        }

        if (kindSeen is null)
        {
            context.Fail(node, $"an empty step; write one of: {string.Join(", ", Kinds.Keys)}");
        }

        return step;
    }
}
