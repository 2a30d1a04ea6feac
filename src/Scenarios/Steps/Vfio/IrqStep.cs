using System.Buffers.Binary;
using Emulator.KernelShim;
using Emulator.Userland;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary><c>irq:</c> VFIO_DEVICE_SET_IRQS: an eventfd for an interrupt, or masking, unmasking, taking the eventfd away.</summary>
internal sealed class IrqStep : DeviceCallStep
{
    private const int HeadBytes = 20;

    private readonly NumberValue _index;
    private readonly string _action;

    private IrqStep(ReadingContext context, MapReader map)
        : base(context, map)
    {
        _index = map.RequiredNumber("index");
        _action = map.Choice("action", "eventfd", "eventfd", "mask", "unmask", "trigger", "off");
        map.Finish();
    }

    public static Step Read(ReadingContext context, YamlNode node) =>
        new IrqStep(context, new MapReader(context, node, "irq"));

    protected override Func<Libc, Task<CallOutcome>> Prepare(World world, OpenedDevice user)
    {
        uint index = (uint)Math.Min(world.Number(_index), uint.MaxValue);
        return libc => _action is "eventfd" ? SetEvent(user, libc, index) : Act(user, libc, index);
    }

    private static async Task<CallOutcome> SetEvent(OpenedDevice user, Libc libc, uint index)
    {
        long events = await libc.EventFd(0, (int)(OpenFlags.NonBlocking | OpenFlags.CloseOnExec));
        if (events < 0)
        {
            return new CallOutcome("eventfd", events);
        }

        byte[] set = Head(HeadBytes + 4, VfioFlags.SetDataEventFd | VfioFlags.SetActionTrigger, index, 1);
        BinaryPrimitives.WriteInt32LittleEndian(set.AsSpan(HeadBytes), (int)events);
        long result = await libc.Ioctl(user.Device, VfioIoctl.DeviceSetIrqs, set);
        int? unused = result < 0 ? (int)events : user.TakeEvent(index);
        if (result >= 0)
        {
            user.SetEvent(index, (int)events);
        }

        if (unused is { } descriptor)
        {
            await libc.Close(descriptor);
        }

        return new CallOutcome("VFIO_DEVICE_SET_IRQS", result);
    }

    private async Task<CallOutcome> Act(OpenedDevice user, Libc libc, uint index)
    {
        (uint action, uint count) = _action switch
        {
            "mask" => (VfioFlags.SetActionMask, 1U),
            "unmask" => (VfioFlags.SetActionUnmask, 1U),
            "trigger" => (VfioFlags.SetActionTrigger, 1U),
            _ => (VfioFlags.SetActionTrigger, 0U),
        };
        byte[] set = Head(HeadBytes, VfioFlags.SetDataNone | action, index, count);
        long result = await libc.Ioctl(user.Device, VfioIoctl.DeviceSetIrqs, set);
        if (result >= 0 && count == 0 && user.TakeEvent(index) is { } descriptor)
        {
            await libc.Close(descriptor);
        }

        return new CallOutcome("VFIO_DEVICE_SET_IRQS", result);
    }

    /// <summary>struct vfio_irq_set, with room for data behind it.</summary>
    private static byte[] Head(int lengthBytes, uint flags, uint index, uint count)
    {
        byte[] set = new byte[lengthBytes];
        uint[] words = [(uint)lengthBytes, flags, index, 0, count];
        Buffer.BlockCopy(words, 0, set, 0, HeadBytes);
        return set;
    }
}
