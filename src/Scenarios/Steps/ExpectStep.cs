using System.Globalization;
using Emulator.Machine;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary><c>expect:</c> what must be true now. Everything is learnt by the CPU's loads, except the trace's own counts.</summary>
internal sealed class ExpectStep : Step
{
    private const int ShownProblems = 5;

    private readonly List<(Location Where, NumberValue Value, NumberValue? Mask)> _registers = [];
    private readonly List<(InterruptName Interrupt, bool IsPending)> _interrupts = [];
    private MemoryRange? _memory;
    private MemoryRange? _equalsMemory;
    private BytePattern? _content;
    private SmmuFaultExpectation? _fault;
    private HostExpectation? _host;
    private NumberValue? _value;
    private NumberValue? _equals;
    private NumberValue? _errors;
    private NumberValue? _warnings;
    private Place _tracePlace;

    private ExpectStep(Place place)
        : base(place) { }

    public static Step Read(ReadingContext context, YamlNode node)
    {
        var map = new MapReader(context, node, "expect");
        var step = new ExpectStep(map.Place);
        if (
            map.OneOf(
                "memory",
                "registers",
                "interrupts",
                "fault",
                "value",
                "trace",
                "dmesg",
                "path",
                "irqs",
                "same_group",
                "own_groups"
            ) is
            { } kind
        )
        {
            step.ReadKind(context, map, kind);
        }

        map.Finish();
        return step;
    }

    public override void Run(World world)
    {
        CheckRegisters(world);
        CheckInterrupts(world);
        CheckMemory(world);
        _fault?.Check(world);
        _host?.Check(world);
        if (_value is not null && world.Number(_value) != world.Number(_equals!))
        {
            throw StepFailedException.At(
                Place,
                $"{_value.Expression.Text} has another value",
                Hexadecimal.Format(world.Number(_equals!)),
                Hexadecimal.Format(world.Number(_value))
            );
        }

        CheckTrace(world, _errors, Severity.Error, "errors");
        CheckTrace(world, _warnings, Severity.Warning, "warnings");
    }

    private void ReadKind(ReadingContext context, MapReader map, string kind)
    {
        switch (kind)
        {
            case "memory":
                ReadMemory(context, map);
                break;
            case "registers":
                foreach ((YamlScalarNode key, YamlNode value) in map.FreeEntries("registers"))
                {
                    ReadRegister(context, key, value);
                }

                break;
            case "interrupts":
                MapReader interrupts = map.Map("interrupts", "interrupts")!;
                _interrupts.AddRange(interrupts.List("pending").Select(i => (InterruptName.Read(context, i), true)));
                _interrupts.AddRange(interrupts.List("idle").Select(i => (InterruptName.Read(context, i), false)));
                if (_interrupts.Count == 0)
                {
                    context.Fail(interrupts.Place, "interrupts is { pending: [SPI 64, ...], idle: [...] }");
                }

                interrupts.Finish();
                break;
            case "fault":
                _fault = SmmuFaultExpectation.Read(context, map.Node("fault")!);
                break;
            case "value":
                _value = map.RequiredNumber("value");
                _equals = map.RequiredNumber("equals");
                break;
            case "trace":
                ReadTrace(context, map);
                break;
            default:
                _host = HostExpectation.Read(context, map, kind);
                break;
        }
    }

    private void ReadMemory(ReadingContext context, MapReader map)
    {
        _content = BytePattern.Read(context, map);
        _memory = MemoryRange.Read(
            context,
            map,
            "memory",
            sizeNeeded: _content is { LengthBytes: null } || !BytePattern.IsIn(map)
        );
        if (map.Has("equals"))
        {
            _equalsMemory = MemoryRange.Read(context, map, "equals", sizeNeeded: false);
        }

        if ((_equalsMemory is not null) == BytePattern.IsIn(map))
        {
            string keys = string.Join(", ", BytePattern.Keys.Select(key => key + ":"));
            context.Fail(map.Place, $"expect memory needs what it equals: 'equals:' another memory, or one of {keys}");
        }
    }

    private void ReadRegister(ReadingContext context, YamlScalarNode key, YamlNode value)
    {
        Location where = Location.Read(context, key, null);
        if (value is YamlMappingNode)
        {
            var map = new MapReader(context, value, "a register's value");
            NumberValue? mask = map.Number("mask");
            _registers.Add((where, map.RequiredNumber("equals"), mask));
            map.Finish();
        }
        else
        {
            _registers.Add((where, context.Number(value), null));
        }

        if (
            context.Board is { } board
            && key.Value is { } name
            && RegisterReference.Find(board, name).Register is { Register.ReadHasSideEffect: true }
        )
        {
            context.Fail(key, $"reading {name} changes something; read it with 'mmio: {{ read: {name}, as: value }}'");
        }
    }

    private void ReadTrace(ReadingContext context, MapReader map)
    {
        _tracePlace = map.PlaceOf("trace");
        if (map.Node("trace") is YamlScalarNode)
        {
            map.Choice("trace", "clean", "clean");
            _errors = NumberValue.Zero with { Place = _tracePlace };
            _warnings = _errors;
            return;
        }

        MapReader counts = map.Map("trace", "trace")!;
        _errors = counts.Number("errors");
        _warnings = counts.Number("warnings");
        if (_errors is null && _warnings is null)
        {
            context.Fail(counts.Place, "trace is 'clean', or { errors: N, warnings: N }");
        }

        counts.Finish();
    }

    private void CheckRegisters(World world)
    {
        foreach ((Location where, NumberValue wanted, NumberValue? mask) in _registers)
        {
            Location.Access access = where.Resolve(world);
            ulong value = access.Load(world) & (mask is null ? ulong.MaxValue : world.Number(mask));
            if (value != world.Number(wanted))
            {
                throw StepFailedException.At(
                    where.Place,
                    $"{access.NameIn(world)} has another value",
                    Hexadecimal.Format(world.Number(wanted)),
                    Hexadecimal.Format(value)
                );
            }
        }
    }

    private void CheckInterrupts(World world)
    {
        if (_interrupts.Count == 0)
        {
            return;
        }

        GicRegisters gic = GicRegisters.Of(world, Place);
        foreach ((InterruptName interrupt, bool wanted) in _interrupts)
        {
            ulong id = interrupt.Resolve(world);
            if (gic.IsPending(id) != wanted)
            {
                string name = InterruptName.Show(id);
                throw StepFailedException.At(
                    interrupt.Place,
                    $"{name} is {(wanted ? "not pending" : "pending")} at the GIC",
                    wanted ? "pending" : "not pending",
                    wanted ? "not pending" : "pending"
                );
            }
        }
    }

    private void CheckMemory(World world)
    {
        if (_memory is null)
        {
            return;
        }

        (UserProcess? owner, ulong address, ulong size) = _memory.Resolve(world);
        if (size == 0)
        {
            size = (ulong)(_content?.LengthBytes ?? 0);
        }

        byte[] found = world.LoadBytes(owner, address, size, Place);
        if (_content is not null)
        {
            byte[] content = _content.Make(world, found.Length);
            if (content.Length > found.Length)
            {
                throw StepFailedException.At(
                    _memory.Place,
                    $"{content.Length} bytes cannot be compared with the {found.Length} bytes of this memory"
                );
            }

            MemoryComparison.Compare(
                world,
                _memory.Place,
                () => $"memory at {world.Locate(address, owner)} differs",
                owner,
                address,
                content,
                found.AsSpan(0, content.Length)
            );
            return;
        }

        (UserProcess? otherOwner, ulong other, _) = _equalsMemory!.Resolve(world);
        MemoryComparison.Compare(
            world,
            _memory.Place,
            () => $"memory at {world.Locate(address, owner)} differs from {world.Locate(other, otherOwner)}",
            owner,
            address,
            world.LoadBytes(otherOwner, other, size, Place),
            found
        );
    }

    private void CheckTrace(World world, NumberValue? wanted, Severity severity, string what)
    {
        long count = world.Simulation.Trace.Count(severity);
        if (wanted is null || (ulong)count == world.Number(wanted))
        {
            return;
        }

        string[] problems =
        [
            string.Create(CultureInfo.InvariantCulture, $"{count} {what}"),
            .. world
                .Simulation.Trace.Problems.Where(problem => problem.Kind.Severity == severity)
                .Take(ShownProblems)
                .Select(problem => problem.ToString()),
        ];
        string expected = string.Create(CultureInfo.InvariantCulture, $"{world.Number(wanted)} {what}");
        throw new StepFailedException(
            new StepFailure(_tracePlace, $"the trace does not hold the expected number of {what}", [expected], problems)
        );
    }
}
