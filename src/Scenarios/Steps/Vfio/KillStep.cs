using Emulator.Userland;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary><c>kill:</c> sends a signal to a process; it ends as the kernel ends it, whatever it is in.</summary>
internal sealed class KillStep : Step
{
    private readonly HostName _process;
    private readonly int _signal = 9;

    private KillStep(ReadingContext context, MapReader map)
        : base(map.Place)
    {
        _process = context.HostNames.ReadOwner(context, map);
        if (map.Has("signal"))
        {
            string name = map.RequiredWords("signal");
            if (Signals.Parse(name) is { } signal and > 0)
            {
                _signal = signal;
            }
            else
            {
                context.Fail(
                    map.PlaceOf("signal"),
                    $"there is no signal '{Words.Shorten(name)}'; write KILL, TERM, INT or a number"
                );
            }
        }

        map.Finish();
    }

    public static Step Read(ReadingContext context, YamlNode node) =>
        new KillStep(context, new MapReader(context, node, "kill"));

    public override void Run(World world)
    {
        Host host = world.Host(Place);
        UserProcess target = host.Process(_process);
        host.Kernel.Calls.Kill(host.Kernel.Init, target.Process.Id, _signal);
        world.RunUntil(() => target.Process.HasExited, world.Simulation.Now, Place);
    }
}
