using Emulator.KernelShim;
using Emulator.Machine;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary><c>process:</c> starts a process that later steps drive, with the credentials and limits of a user.</summary>
internal sealed class ProcessStep : Step
{
    /// <summary>How long a step's calls may take.</summary>
    public const long Patience = 60 * VirtualTime.Second;

    private readonly string _name;
    private readonly NumberValue? _userId;
    private readonly NumberValue? _memlock;
    private readonly Capabilities? _capabilities;

    private ProcessStep(ReadingContext context, MapReader map)
        : base(map.Place)
    {
        _name = map.NewName("as") ?? "";
        if (!map.Has("as"))
        {
            context.Fail(map.Place, "process needs 'as:', the name by which other steps use it");
        }

        _userId = map.Number("uid");
        _memlock = map.Number("memlock");
        _capabilities = map.Has("caps") ? ReadCapabilities(context, map) : null;
        map.Finish();
        context.HostNames.Define(_name, HostObjectKind.Process);
    }

    public static Step Read(ReadingContext context, YamlNode node) =>
        new ProcessStep(context, new MapReader(context, node, "process"));

    public override void Run(World world)
    {
        UserProcess process = world.Host(Place).StartProcess(_name, Place);
        ulong userId = _userId is null ? 0 : world.Number(_userId);
        if (userId > int.MaxValue)
        {
            throw StepFailedException.At(_userId!.Place, $"a user ID has 31 bits; {userId} does not fit");
        }

        UserCredentials.Apply(
            process.Process,
            (int)userId,
            _capabilities,
            _memlock is null ? null : world.Number(_memlock)
        );
    }

    private static Capabilities ReadCapabilities(ReadingContext context, MapReader map)
    {
        var all = Capabilities.None;
        foreach (YamlNode node in map.List("caps"))
        {
            string name = (node as YamlScalarNode)?.Value ?? "";
            (string known, Capabilities value) = UserCredentials.Names.FirstOrDefault(entry =>
                string.Equals(entry.Name, name, StringComparison.OrdinalIgnoreCase)
            );
            if (known is null)
            {
                string[] valid = [.. UserCredentials.Names.Select(entry => entry.Name)];
                context.Fail(
                    node,
                    $"there is no capability '{Words.Shorten(name)}'{Words.DidYouMean(name, "Modelled ones", valid)}"
                );
            }

            all |= value;
        }

        return all;
    }
}
