using System.Globalization;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

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
        (_, string text) = world.Host(Place).Files.Read("/proc/interrupts");
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
