using Emulator.KernelShim;
using Emulator.Machine;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary>
/// <c>groups:</c> tells the PCI tree with its IOMMU groups, or by <c>why:</c> how a function came into its group, from the record of
/// the kernel's own grouping. The lines go to the trace; <c>shows:</c> says what must be among them.
/// </summary>
internal sealed class GroupsStep : Step
{
    private static readonly TraceKind Told = new("scenario.groups", Severity.Info, "{line}");

    private readonly List<TextValue> _shows = [];
    private string? _why;

    private GroupsStep(Place place)
        : base(place) { }

    public static Step Read(ReadingContext context, YamlNode node)
    {
        if (node is YamlScalarNode { Value: "all" } word)
        {
            return new GroupsStep(ReadingContext.PlaceOf(word));
        }

        var map = new MapReader(context, node, "groups");
        var step = new GroupsStep(map.Place) { _why = map.Has("why") ? map.RequiredWords("why") : null };
        step._shows.AddRange(map.List("shows").Select(context.Text));
        map.Finish();
        if (context.IsBareMetal)
        {
            context.Fail(map.Place, "'groups:' needs a kernel; the scenario says 'kernel: none'");
        }

        return step;
    }

    public override void Run(World world)
    {
        PciGroupReport report = PciGroupReport.Of(world.Host(Place).Kernel);
        IReadOnlyList<string> lines = report.Lines();
        if (_why is not null)
        {
            lines = PciGroupReport.Explain(
                report.Find(_why) ?? throw StepFailedException.At(Place, $"there is no PCI function '{_why}'")
            );
        }

        world.Work(lines.Count, Place);
        foreach (string line in lines)
        {
            world.Simulation.Trace.Emit(Told, "iommu", TraceField.Of("line", line));
        }

        string[] wanted = [.. _shows.Select(world.Text)];
        int at = 0;
        foreach (string line in lines)
        {
            at += at < wanted.Length && line.Contains(wanted[at], StringComparison.Ordinal) ? 1 : 0;
        }

        if (at < wanted.Length)
        {
            throw new StepFailedException(
                new StepFailure(Place, $"the groups are others: '{wanted[at]}' is not shown", wanted, lines)
            );
        }
    }
}
