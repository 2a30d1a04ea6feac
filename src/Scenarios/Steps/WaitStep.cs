using Emulator.Machine;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary><c>wait:</c> lets time pass: some of it, until a register has a value, or until an interrupt is taken.</summary>
internal sealed class WaitStep : Step
{
    private const long DefaultPollInterval = 100 * VirtualTime.Nanosecond;

    private long _within;
    private InterruptName? _interrupt;
    private VfioIrqName? _irq;
    private NumberValue? _count;
    private readonly List<(Location Where, NumberValue Value)> _handler = [];
    private Location? _register;
    private NumberValue? _equals;
    private NumberValue? _mask;
    private long _every = DefaultPollInterval;

    private WaitStep(Place place)
        : base(place) { }

    public static Step Read(ReadingContext context, YamlNode node)
    {
        var map = new MapReader(context, node, "wait");
        var step = new WaitStep(map.Place);
        switch (map.OneOf("interrupt", "register", "irq", "time"))
        {
            case "irq":
                step._irq = VfioIrqName.Read(context, map, "irq");
                step._count = map.Number("count");
                step._within = map.RequiredDuration("within");
                break;
            case "interrupt":
                step._interrupt = InterruptName.Read(context, map.Node("interrupt")!);
                step._within = map.RequiredDuration("within");
                foreach ((YamlScalarNode key, YamlNode value) in map.FreeEntries("handler"))
                {
                    step._handler.Add((Location.Read(context, key, null), context.Number(value)));
                }

                break;
            case "register":
                step._register = Location.Read(context, map.Node("register")!, null);
                step._equals = map.RequiredNumber("equals");
                step._mask = map.Number("mask");
                step._within = map.RequiredDuration("within");
                step._every = Math.Max(1, map.Duration("every") ?? DefaultPollInterval);
                break;
            case "time":
                step._within = map.RequiredDuration("time");
                break;
        }

        map.Finish();
        return step;
    }

    public override void Run(World world)
    {
        if (_irq is not null)
        {
            TakeEvent(world, _irq);
        }
        else if (_interrupt is not null)
        {
            TakeInterrupt(world);
        }
        else if (_register is not null)
        {
            PollRegister(world);
        }
        else
        {
            world.Spend(_within, Place);
        }
    }

    /// <summary>What a user-space driver does: it waits for the eventfd and reads it.</summary>
    private void TakeEvent(World world, VfioIrqName irq)
    {
        ulong count = irq.Take(world, _within);
        string name = $"interrupt {irq.Index} of '{irq.Device.Name}'";
        if (count == 0)
        {
            throw StepFailedException.At(
                Place,
                $"{name} did not come within {VirtualTime.Format(_within)}",
                "an event",
                "none"
            );
        }

        if (_count is not null && count != world.Number(_count))
        {
            throw StepFailedException.At(
                Place,
                $"{name} came another number of times",
                Hexadecimal.Format(world.Number(_count)),
                Hexadecimal.Format(count)
            );
        }
    }

    /// <summary>What an interrupt handler does: acknowledge, quiet the device, end of interrupt.</summary>
    private void TakeInterrupt(World world)
    {
        ulong wanted = _interrupt!.Resolve(world);
        string name = InterruptName.Show(wanted);
        GicRegisters gic = GicRegisters.Of(world, Place);
        if (!world.RunUntil(() => world.Cpu.Irq.Level, VirtualTime.Add(world.Simulation.Now, _within), Place))
        {
            string state =
                !gic.IsEnabled(wanted) ? $"{name} is not enabled in the GIC distributor"
                : gic.IsPending(wanted) ? $"{name} is pending but not signalled (group, priority mask or target)"
                : $"{name} is enabled and not pending";
            throw StepFailedException.At(
                Place,
                $"{name} did not come within {VirtualTime.Format(_within)}",
                $"{name} taken",
                $"the CPU's IRQ input stays low; {state}"
            );
        }

        world.Spend(World.RegisterAccessTime, Place);
        ulong taken = gic.Acknowledge();
        if (taken != wanted)
        {
            throw StepFailedException.At(Place, "another interrupt came", name, InterruptName.Show(taken));
        }

        foreach ((Location where, NumberValue value) in _handler)
        {
            where.Resolve(world).Store(world, world.Number(value));
            world.Spend(World.RegisterAccessTime, Place);
        }

        gic.EndOfInterrupt(taken);
        world.Spend(World.RegisterAccessTime, Place);
    }

    private void PollRegister(World world)
    {
        Location.Access access = _register!.Resolve(world);
        ulong mask = _mask is null ? ulong.MaxValue : world.Number(_mask);
        ulong wanted = world.Number(_equals!);
        long deadline = VirtualTime.Add(world.Simulation.Now, _within);
        while (true)
        {
            ulong value = access.Load(world) & mask;
            if (value == wanted)
            {
                return;
            }

            if (world.Simulation.Now >= deadline)
            {
                throw StepFailedException.At(
                    Place,
                    $"{access.NameIn(world)} did not get its value within {VirtualTime.Format(_within)}",
                    Hexadecimal.Format(wanted),
                    Hexadecimal.Format(value)
                );
            }

            world.Spend(Math.Min(_every, deadline - world.Simulation.Now), Place);
        }
    }
}
