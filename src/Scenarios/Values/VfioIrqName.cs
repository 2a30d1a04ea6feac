using System.Buffers.Binary;
using System.Globalization;
using Emulator.KernelShim;
using Emulator.Machine;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary>An interrupt of an opened device, <c>dma.0</c>: the eventfd that an <c>irq:</c> step has given it.</summary>
internal sealed record VfioIrqName(HostName Device, uint Index, Place Place)
{
    /// <summary>Reads <c>NAME.INDEX</c>.</summary>
    public static VfioIrqName Read(ReadingContext context, MapReader map, string key)
    {
        string text = map.RequiredWords(key);
        Place place = map.PlaceOf(key);
        int dot = text.LastIndexOf('.');
        string name = dot < 0 ? text : text[..dot];
        if (
            dot < 0
            || !uint.TryParse(text[(dot + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out uint index)
            || !context.HostNames.IsVfio(name)
        )
        {
            context.Fail(
                place,
                $"'{key}:' takes an interrupt of a device that 'vfio:' has opened, such as dma.0, not '{Words.Shorten(text)}'"
            );
            return new VfioIrqName(new HostName("", HostObjectKind.Vfio, place), 0, place);
        }

        return new VfioIrqName(new HostName(name, HostObjectKind.Vfio, place), index, place);
    }

    /// <summary>Waits for the eventfd and reads it: how often the interrupt came, 0 when it did not within the time.</summary>
    public ulong Take(World world, long patience)
    {
        OpenedDevice user = world.Host(Place).Vfio(Device);
        if (user.EventOf(Index) is not { } descriptor)
        {
            throw StepFailedException.At(
                Place,
                $"interrupt {Index} of '{Device.Name}' has no eventfd; give it one by 'irq: {{ on: {Device.Name}, index: {Index} }}'"
            );
        }

        ulong count = 0;
        user.Process.Run(
            world,
            async libc =>
            {
                long deadline = VirtualTime.Add(world.Simulation.Now, patience);
                if ((await libc.Poll([(descriptor, PollEvents.In)], deadline)).Result == 1)
                {
                    (_, byte[] data) = await libc.Read(descriptor, 8);
                    count = data.Length == 8 ? BinaryPrimitives.ReadUInt64LittleEndian(data) : 0;
                }
            },
            patience + ProcessStep.Patience,
            Place
        );
        return count;
    }
}
