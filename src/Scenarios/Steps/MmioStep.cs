using Emulator.Machine;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary><c>mmio:</c> loads and stores of the boot CPU.</summary>
internal sealed class MmioStep : Step
{
    private readonly List<(Location Where, NumberValue Value)> _writes = [];
    private Location? _read;
    private string? _as;
    private NumberValue? _equals;
    private NumberValue? _mask;
    private BusStatus _status;
    private bool _secure;

    private MmioStep(Place place)
        : base(place) { }

    public static Step Read(ReadingContext context, YamlNode node)
    {
        var map = new MapReader(context, node, "mmio");
        var step = new MmioStep(map.Place);
        int? size = map.Has("size") ? int.Parse(map.Choice("size", "4", "1", "2", "4", "8"), null) : null;
        switch (map.OneOf("write", "read"))
        {
            case "write":
                foreach ((YamlScalarNode key, YamlNode value) in map.FreeEntries("write"))
                {
                    step._writes.Add((Location.Read(context, key, size), context.Number(value)));
                }

                break;
            case "read":
                step._read = Location.Read(context, map.Node("read")!, size);
                step._as = map.NewName("as");
                context.Define(step._as);
                step._equals = map.Number("equals");
                step._mask = map.Number("mask");
                break;
        }

        step._secure = map.Flag("secure", otherwise: false);
        step._status = map.Choice("fails", "", "SLVERR", "DECERR") switch
        {
            "SLVERR" => BusStatus.SlaveError,
            "DECERR" => BusStatus.DecodeError,
            _ => BusStatus.Okay,
        };
        if (step._status != BusStatus.Okay && (step._as ?? (object?)step._equals) is not null)
        {
            context.Fail(map.PlaceOf("fails"), "an access that fails gives no value; leave 'as:' and 'equals:' out");
        }

        if (step._mask is not null && step._equals is null)
        {
            context.Fail(
                map.PlaceOf("mask"),
                "'mask:' selects the bits that 'equals:' compares; there is no 'equals:'"
            );
        }

        map.Finish();
        return step;
    }

    public override void Run(World world)
    {
        world.Cpu.IsSecure = _secure;
        try
        {
            foreach ((Location where, NumberValue value) in _writes)
            {
                Location.Access access = where.Resolve(world);
                if (_status == BusStatus.Okay)
                {
                    access.Store(world, world.Number(value));
                }
                else
                {
                    ExpectStatus(world, access, world.Cpu.Store(access.Address, access.SizeBytes, world.Number(value)));
                }

                world.Spend(World.RegisterAccessTime, Place);
            }

            if (_read is not null)
            {
                ReadOnce(world, _read.Resolve(world));
                world.Spend(World.RegisterAccessTime, Place);
            }
        }
        finally
        {
            world.Cpu.IsSecure = false;
        }
    }

    private void ReadOnce(World world, Location.Access access)
    {
        if (_status != BusStatus.Okay)
        {
            ExpectStatus(world, access, world.Cpu.Load(access.Address, access.SizeBytes, out _));
            return;
        }

        ulong value = access.Load(world);
        if (_as is not null)
        {
            world.Variables.Set(_as, value);
        }

        ulong mask = _mask is null ? ulong.MaxValue : world.Number(_mask);
        if (_equals is not null && (value & mask) != world.Number(_equals))
        {
            throw StepFailedException.At(
                _equals.Place,
                $"{access.NameIn(world)} has another value",
                Hexadecimal.Format(world.Number(_equals)),
                Hexadecimal.Format(value & mask)
            );
        }
    }

    private void ExpectStatus(World world, Location.Access access, BusStatus status)
    {
        if (status != _status)
        {
            throw StepFailedException.At(
                access.Place,
                $"the access to {access.NameIn(world)} was to fail",
                World.Show(_status),
                World.Show(status)
            );
        }
    }
}
