namespace Emulator.Scenarios;

/// <summary>What must be true of the kernel: lines of its log, a file, groups, how often interrupts were taken.</summary>
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
            "same_group" or "own_groups" => GroupExpectation.ReadGroups(context, map, kind),
            _ => IrqExpectation.ReadIrqs(context, map),
        };
    }

    /// <summary>Fails the step when it is not so.</summary>
    public abstract void Check(World world);
}
