using Emulator.Machine;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary><c>sysreg:</c> reads and writes system registers of the boot CPU, by the manual's names.</summary>
internal sealed class SystemRegisterStep : Step
{
    private readonly List<(string Name, NumberValue Value)> _writes = [];
    private string? _read;
    private string? _as;
    private NumberValue? _equals;

    private SystemRegisterStep(Place place)
        : base(place) { }

    public static Step Read(ReadingContext context, YamlNode node)
    {
        var map = new MapReader(context, node, "sysreg");
        var step = new SystemRegisterStep(map.Place);
        if (map.OneOf("write", "read") is "write")
        {
            foreach ((YamlScalarNode key, YamlNode value) in map.FreeEntries("write"))
            {
                step._writes.Add((key.Value ?? "", context.Number(value)));
            }
        }
        else
        {
            step._read = map.RequiredWords("read");
            step._as = map.NewName("as");
            context.Define(step._as);
            step._equals = map.Number("equals");
        }

        map.Finish();
        return step;
    }

    /// <summary>Reads a register by its name.</summary>
    public static ulong Load(World world, string name, Place place)
    {
        world.Cpu.TryReadSystemRegister(Find(world, name, place), out ulong value);
        return value;
    }

    /// <summary>Writes a register by its name.</summary>
    public static void Store(World world, string name, ulong value, Place place) =>
        world.Cpu.TryWriteSystemRegister(Find(world, name, place), value);

    public override void Run(World world)
    {
        foreach ((string name, NumberValue value) in _writes)
        {
            Store(world, name, world.Number(value), Place);
            world.Spend(World.RegisterAccessTime, Place);
        }

        if (_read is null)
        {
            return;
        }

        ulong read = Load(world, _read, Place);
        world.Spend(World.RegisterAccessTime, Place);
        if (_as is not null)
        {
            world.Variables.Set(_as, read);
        }

        if (_equals is not null && world.Number(_equals) is var wanted && wanted != read)
        {
            throw StepFailedException.At(
                Place,
                $"{_read} has another value",
                Hexadecimal.Format(wanted),
                Hexadecimal.Format(read)
            );
        }
    }

    private static SystemRegister Find(World world, string name, Place place) =>
        world.Cpu.TryFindSystemRegister(name, out SystemRegister register)
            ? register
            : throw StepFailedException.At(
                place,
                $"the CPUs of board {world.Board.Name} have no system register '{Words.Shorten(name)}'"
                    + Words.DidYouMean(name, "They have", [.. world.Cpu.SystemRegisterNames])
            );
}
