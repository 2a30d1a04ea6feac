using Emulator.Machine;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary>A register of an opened device: by the manual's name, a field of one, or an offset in a region.</summary>
internal sealed class VfioRegister
{
    private readonly TextValue? _name;
    private readonly NumberValue? _offset;
    private readonly string _device;

    private VfioRegister(TextValue? name, NumberValue? offset, string device)
    {
        _name = name;
        _offset = offset;
        _device = device;
    }

    /// <summary>Where it stands in the file.</summary>
    public Place Place => _name?.Place ?? _offset!.Place;

    /// <summary>Finds the hardware behind a name of sysfs: <c>2c0a0000.dma</c> is the node <c>dma@2c0a0000</c>.</summary>
    public static BoardDevice? FindDevice(Board? board, string sysfsName) =>
        board?.Devices.FirstOrDefault(device =>
        {
            string node = device.Path[(device.Path.LastIndexOf('/') + 1)..];
            string[] parts = node.Split('@');
            return parts.Length == 2 && string.Equals($"{parts[1]}.{parts[0]}", sysfsName, StringComparison.Ordinal);
        });

    /// <summary>Reads <c>INTEN</c>, <c>CSR$n</c>, <c>FTR0.UNDEF_INSTR</c> or an offset.</summary>
    /// <param name="context">The reading.</param>
    /// <param name="node">What stands there.</param>
    /// <param name="on">The opened device.</param>
    public static VfioRegister Read(ReadingContext context, YamlNode node, HostName on)
    {
        string text = (node as YamlScalarNode)?.Value ?? "";
        BoardDevice? device = context.HostNames.DeviceOf(on.Name);
        bool isName = text.Length > 0 && char.IsAsciiLetter(text[0]) && !context.Knows(text);
        if (!isName)
        {
            return new VfioRegister(null, context.Number(node), device?.Name ?? "");
        }

        TextValue name = context.Text(node);
        if (device is null)
        {
            if (on.Name.Length > 0)
            {
                context.Fail(
                    node,
                    $"the board has no device that '{on.Name}' could be, so there are no register names; use an offset"
                );
            }
        }
        else if (
            name.Template.Literal is { } literal
            && Find(context.Board!, device.Name, literal).Problem is { } problem
        )
        {
            context.Fail(node, problem);
        }

        return new VfioRegister(name, null, device?.Name ?? "");
    }

    /// <summary>Which region it is in, and where.</summary>
    /// <param name="world">The world.</param>
    /// <param name="region">The region of an offset.</param>
    public Slot Resolve(World world, uint region)
    {
        if (_name is null)
        {
            ulong offset = world.Number(_offset!);
            return new Slot(region, offset, 4, null, $"region {region} at {Hexadecimal.Format(offset)}");
        }

        string name = world.Text(_name);
        RegisterReference reference = Find(world.Board, _device, name);
        if (reference is not { Register: { } register, Problem: null })
        {
            throw StepFailedException.At(Place, reference.Problem ?? $"there is no register '{name}'");
        }

        BoardDevice device = register.Device;
        int index = device
            .Regions.TakeWhile(candidate => register.Address - candidate.Start >= candidate.LengthBytes)
            .Count();
        string shown = reference.Field is { } field ? $"{name.Split('.')[0]}.{field.Name}" : name;
        return new Slot(
            (uint)index,
            register.Address - device.Regions[index].Start,
            register.Register.WidthBits / 8,
            reference.Field,
            shown
        );
    }

    private static RegisterReference Find(Board board, string device, string name) =>
        RegisterReference.Find(board, $"{device}.{name}");

    /// <summary>A resolved register.</summary>
    /// <param name="Region">The index of the region.</param>
    /// <param name="Offset">The offset in it.</param>
    /// <param name="SizeBytes">How wide an access is.</param>
    /// <param name="Field">The field that is meant; null for the whole register.</param>
    /// <param name="Name">What messages call it.</param>
    internal readonly record struct Slot(uint Region, ulong Offset, int SizeBytes, RegisterField? Field, string Name);
}
