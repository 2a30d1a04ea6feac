using Emulator.Userland;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary><c>close:</c> closes a descriptor, or a device with its group and container.</summary>
internal sealed class CloseStep : Step
{
    private readonly HostName _on;
    private readonly ExpectedRefusal? _fails;

    private CloseStep(ReadingContext context, MapReader map)
        : base(map.Place)
    {
        _on = context.HostNames.Read(context, map, "on", HostObjectKind.Descriptor, HostObjectKind.Vfio);
        _fails = ExpectedRefusal.Read(context, map);
        map.Finish();
    }

    public static Step Read(ReadingContext context, YamlNode node) =>
        new CloseStep(context, new MapReader(context, node, "close"));

    public override void Run(World world)
    {
        Host host = world.Host(Place);
        UserProcess process = host.Process(_on);
        long result = 0;
        process.Run(
            world,
            async libc =>
                result =
                    _on.Kind == HostObjectKind.Vfio
                        ? await CloseAll(libc, host.Vfio(_on))
                        : await libc.Close(host.Descriptor(_on).Descriptor),
            ProcessStep.Patience,
            Place
        );
        ExpectedRefusal.Check(_fails, process, new CallOutcome("close", result), Place);
    }

    /// <summary>Closes what has been opened, the device first; the first negative result, or 0.</summary>
    public static async Task<long> CloseAll(Libc libc, OpenedDevice user)
    {
        await user.UnmapRegions(libc);
        long first = 0;
        foreach (int descriptor in new[] { user.Device, user.Group, user.SharesContainer ? -1 : user.Container })
        {
            long result = descriptor < 0 ? 0 : await libc.Close(descriptor);
            first = first < 0 ? first : result;
        }

        return first;
    }
}
