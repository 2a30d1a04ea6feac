using Emulator.KernelShim;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary><c>open:</c> open(2) by a process.</summary>
internal sealed class OpenStep : Step
{
    private readonly HostName _process;
    private readonly string _path;
    private readonly string? _as;
    private readonly OpenFlags _flags;
    private readonly ExpectedRefusal? _fails;

    private OpenStep(ReadingContext context, MapReader map)
        : base(map.Place)
    {
        _process = context.HostNames.ReadOwner(context, map);
        _path = map.RequiredWords("path");
        _as = map.NewName("as");
        _flags = map.Choice("access", "rw", "rw", "r", "w") switch
        {
            "r" => OpenFlags.ReadOnly,
            "w" => OpenFlags.WriteOnly,
            _ => OpenFlags.ReadWrite,
        };
        _fails = ExpectedRefusal.Read(context, map);
        map.Finish();
        context.Define(_as);
        context.HostNames.Define(_as, HostObjectKind.Descriptor);
    }

    public static Step Read(ReadingContext context, YamlNode node) =>
        new OpenStep(context, new MapReader(context, node, "open"));

    public override void Run(World world)
    {
        Host host = world.Host(Place);
        UserProcess process = host.Process(_process);
        long result = 0;
        process.Run(world, async libc => result = await libc.Open(_path, _flags), ProcessStep.Patience, Place);
        if (_as is not null)
        {
            world.Variables.Set(_as, (ulong)result);
            host.Name(_as, process, (int)result);
        }

        ExpectedRefusal.Check(_fails, process, new CallOutcome($"open of {_path}", result), Place);
    }
}
