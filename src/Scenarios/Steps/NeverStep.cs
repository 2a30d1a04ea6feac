using Emulator.Machine;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary><c>never:</c> lets time pass and fails at the first moment at which something happens that must not.</summary>
internal sealed class NeverStep : Step
{
    private long _within;
    private InterruptName? _interrupt;
    private VfioIrqName? _irq;
    private Location? _register;
    private NumberValue? _equals;
    private NumberValue? _mask;
    private MemoryRange? _memory;

    private NeverStep(Place place)
        : base(place) { }

    public static Step Read(ReadingContext context, YamlNode node)
    {
        var map = new MapReader(context, node, "never");
        var step = new NeverStep(map.Place) { _within = map.RequiredDuration("within") };
        switch (map.OneOf("interrupt", "register", "irq", "changes"))
        {
            case "irq":
                step._irq = VfioIrqName.Read(context, map, "irq");
                break;
            case "interrupt":
                step._interrupt = InterruptName.Read(context, map.Node("interrupt")!);
                break;
            case "register":
                step._register = Location.Read(context, map.Node("register")!, null);
                step._equals = map.RequiredNumber("equals");
                step._mask = map.Number("mask");
                break;
            case "changes":
                step._memory = MemoryRange.Read(context, map, "changes");
                break;
        }

        map.Finish();
        return step;
    }

    public override void Run(World world)
    {
        long deadline = VirtualTime.Add(world.Simulation.Now, _within);
        if (_irq is not null)
        {
            ulong count = _irq.Take(world, _within);
            if (count != 0)
            {
                string name = $"interrupt {_irq.Index} of '{_irq.Device.Name}'";
                throw StepFailedException.At(Place, $"{name} was never to come", "no event", $"{count} events");
            }
        }
        else if (_interrupt is not null)
        {
            ulong id = _interrupt.Resolve(world);
            GicRegisters gic = GicRegisters.Of(world, Place);
            if (world.RunUntil(() => gic.IsPending(id), deadline, Place))
            {
                string name = InterruptName.Show(id);
                throw StepFailedException.At(Place, $"{name} was never to come", $"{name} not pending", "pending");
            }
        }
        else if (_register is not null)
        {
            NeverEquals(world, deadline);
        }
        else if (_memory is not null)
        {
            (UserProcess? owner, ulong address, ulong size) = _memory.Resolve(world);
            byte[] before = world.LoadBytes(owner, address, size, Place);
            world.RunUntil(() => false, deadline, Place);
            MemoryComparison.Compare(
                world,
                _memory.Place,
                () => "memory changed",
                owner,
                address,
                before,
                world.LoadBytes(owner, address, size, Place)
            );
        }
    }

    private void NeverEquals(World world, long deadline)
    {
        Location.Access access = _register!.Resolve(world);
        ulong mask = _mask is null ? ulong.MaxValue : world.Number(_mask);
        ulong unwanted = world.Number(_equals!);
        if (world.RunUntil(() => (access.Load(world) & mask) == unwanted, deadline, Place))
        {
            string shown = Hexadecimal.Format(unwanted);
            throw StepFailedException.At(
                Place,
                $"{access.NameIn(world)} was never to be {shown}",
                $"not {shown}",
                shown
            );
        }
    }
}
