using Emulator.Machine;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary><c>regs:</c> a process loads and stores registers of a device that it has opened.</summary>
internal sealed class RegsStep : Step
{
    private readonly List<(VfioRegister Where, NumberValue Value)> _writes = [];
    private readonly HostName _on;
    private readonly VfioRegister? _read;
    private readonly NumberValue? _region;
    private readonly NumberValue? _equals;
    private readonly NumberValue? _mask;
    private readonly string? _as;
    private readonly bool _byFile;

    private RegsStep(ReadingContext context, MapReader map)
        : base(map.Place)
    {
        _on = context.HostNames.Read(context, map, "on", HostObjectKind.Vfio);
        _byFile = map.Choice("by", "mmap", "mmap", "file") is "file";
        _region = map.Number("region");
        if (map.OneOf("write", "read") is "write")
        {
            foreach ((YamlScalarNode key, YamlNode value) in map.FreeEntries("write"))
            {
                _writes.Add((VfioRegister.Read(context, key, _on), context.Number(value)));
            }
        }
        else if (map.Node("read") is { } register)
        {
            _read = VfioRegister.Read(context, register, _on);
            _as = map.NewName("as");
            context.Define(_as);
            _equals = map.Number("equals");
            _mask = map.Number("mask");
        }

        map.Finish();
    }

    public static Step Read(ReadingContext context, YamlNode node) =>
        new RegsStep(context, new MapReader(context, node, "regs"));

    public override void Run(World world)
    {
        var access = new VfioAccess(world.Host(Place).Vfio(_on), _byFile, Place);
        uint region = _region is null ? 0 : (uint)Math.Min(world.Number(_region), uint.MaxValue);
        foreach ((VfioRegister where, NumberValue value) in _writes)
        {
            access.Store(world, where.Resolve(world, region), world.Number(value));
        }

        if (_read is null)
        {
            return;
        }

        VfioRegister.Slot slot = _read.Resolve(world, region);
        ulong found = access.Load(world, slot);
        if (_as is not null)
        {
            world.Variables.Set(_as, found);
        }

        ulong masked = found & (_mask is null ? ulong.MaxValue : world.Number(_mask));
        if (_equals is not null && masked != world.Number(_equals))
        {
            throw StepFailedException.At(
                _read.Place,
                $"{slot.Name} has another value",
                Hexadecimal.Format(world.Number(_equals)),
                Hexadecimal.Format(masked)
            );
        }
    }
}
