using System.Buffers.Binary;
using Emulator.KernelShim;
using Emulator.Userland;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary><c>irq:</c> VFIO_DEVICE_SET_IRQS: an eventfd for an interrupt, or masking, unmasking, taking the eventfd away.</summary>
internal sealed class IrqStep : Step
{
    private readonly HostName _on;
    private readonly NumberValue _index;
    private readonly string _action;
    private readonly ExpectedRefusal? _fails;

    private IrqStep(ReadingContext context, MapReader map)
        : base(map.Place)
    {
        _on = context.HostNames.Read(context, map, "on", HostObjectKind.Vfio);
        _index = map.RequiredNumber("index");
        _action = map.Choice("action", "eventfd", "eventfd", "mask", "unmask", "trigger", "off");
        _fails = ExpectedRefusal.Read(context, map);
        map.Finish();
    }

    public static Step Read(ReadingContext context, YamlNode node) =>
        new IrqStep(context, new MapReader(context, node, "irq"));

    public override void Run(World world)
    {
        VfioUser user = world.Host(Place).Vfio(_on);
        uint index = (uint)Math.Min(world.Number(_index), uint.MaxValue);
        CallOutcome outcome = default;
        user.Process.Run(world, async libc => outcome = await Set(libc, user, index), ProcessStep.Patience, Place);
        ExpectedRefusal.Check(_fails, user.Process, outcome, Place);
    }

    private async Task<CallOutcome> Set(Libc libc, VfioUser user, uint index)
    {
        (uint flags, uint count) = _action switch
        {
            "mask" => (VfioFlags.SetDataNone | VfioFlags.SetActionMask, 1U),
            "unmask" => (VfioFlags.SetDataNone | VfioFlags.SetActionUnmask, 1U),
            "trigger" => (VfioFlags.SetDataNone | VfioFlags.SetActionTrigger, 1U),
            "off" => (VfioFlags.SetDataNone | VfioFlags.SetActionTrigger, 0U),
            _ => (VfioFlags.SetDataEventFd | VfioFlags.SetActionTrigger, 1U),
        };
        bool setsEvent = _action is "eventfd";
        long events = setsEvent ? await libc.EventFd(0, (int)(OpenFlags.NonBlocking | OpenFlags.CloseOnExec)) : 0;
        if (events < 0)
        {
            return new CallOutcome("eventfd", events);
        }

        byte[] set = new byte[setsEvent ? 24 : 20];
        uint[] words = [(uint)set.Length, flags, index, 0, count];
        Buffer.BlockCopy(words, 0, set, 0, 20);
        if (setsEvent)
        {
            BinaryPrimitives.WriteInt32LittleEndian(set.AsSpan(20), (int)events);
        }

        long result = await libc.Ioctl(user.Device, VfioIoctl.DeviceSetIrqs, set);
        int? unused = setsEvent && result < 0 ? (int)events : null;
        if (result >= 0 && _action is "eventfd" or "off")
        {
            unused = user.TakeEvent(index);
        }

        if (setsEvent && result >= 0)
        {
            user.SetEvent(index, (int)events);
        }

        if (unused is { } descriptor)
        {
            await libc.Close(descriptor);
        }

        return new CallOutcome("VFIO_DEVICE_SET_IRQS", result);
    }
}

/// <summary><c>reset:</c> VFIO_DEVICE_RESET.</summary>
internal sealed class ResetStep : Step
{
    private readonly HostName _on;
    private readonly ExpectedRefusal? _fails;

    private ResetStep(ReadingContext context, MapReader map)
        : base(map.Place)
    {
        _on = context.HostNames.Read(context, map, "on", HostObjectKind.Vfio);
        _fails = ExpectedRefusal.Read(context, map);
        map.Finish();
    }

    public static Step Read(ReadingContext context, YamlNode node) =>
        new ResetStep(context, new MapReader(context, node, "reset"));

    public override void Run(World world)
    {
        VfioUser user = world.Host(Place).Vfio(_on);
        long result = 0;
        user.Process.Run(
            world,
            async libc => result = await libc.Ioctl(user.Device, VfioIoctl.DeviceReset),
            ProcessStep.Patience,
            Place
        );
        ExpectedRefusal.Check(_fails, user.Process, new CallOutcome("VFIO_DEVICE_RESET", result), Place);
    }
}
