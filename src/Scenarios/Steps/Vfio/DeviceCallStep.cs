using Emulator.Userland;

namespace Emulator.Scenarios;

/// <summary>A step by which a process makes calls on a device that it has opened; <c>fails:</c> speaks of the last of them.</summary>
internal abstract class DeviceCallStep : Step
{
    private readonly ExpectedRefusal? _fails;

    protected DeviceCallStep(ReadingContext context, MapReader map)
        : base(map.Place)
    {
        On = context.HostNames.Read(context, map, "on", HostObjectKind.Vfio);
        _fails = ExpectedRefusal.Read(context, map);
    }

    /// <summary>The device.</summary>
    protected HostName On { get; }

    public sealed override void Run(World world)
    {
        OpenedDevice user = world.Host(Place).Vfio(On);
        Func<Libc, Task<CallOutcome>> call = Prepare(world, user);
        CallOutcome outcome = default;
        user.Process.Run(world, async libc => outcome = await call(libc), ProcessStep.Patience, Place);
        ExpectedRefusal.Check(_fails, user.Process, outcome, Place);
        if (outcome.Result >= 0)
        {
            CheckAnswer(world, outcome.Answer);
        }
    }

    /// <summary>Makes ready what the calls need, and gives the calls, which the process then makes.</summary>
    protected abstract Func<Libc, Task<CallOutcome>> Prepare(World world, OpenedDevice user);

    /// <summary>Looks at what a call that was not refused gave.</summary>
    protected virtual void CheckAnswer(World world, ulong answer) { }
}
