using System.Diagnostics;
using System.Globalization;
using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim;

/// <summary>
/// gpio-keys (drivers/input/keyboard/gpio_keys.c): each child node is a key on a line, whose interrupt comes with both edges. What is
/// pressed goes to the input core, of which nothing is modelled but the numbers of its devices.
/// </summary>
[DebuggerDisplay("gpio-keys")]
internal sealed class GpioKeysDriver(Kernel kernel) : Driver
{
    public override string Name => "gpio-keys";

    public override string BusName => "platform";

    public override string? Module => "gpio_keys";

    public override bool Matches(Device device) => device.Compatible.Contains("gpio-keys", StringComparer.Ordinal);

    public override long Probe(Device device)
    {
        // input_allocate_device takes its number before anything can fail.
        int input = kernel.NextInput++;
        var keys = new List<Key>();
        foreach (DeviceTreeNode node in device.Node?.Children ?? [])
        {
            long error = Take(device, node, keys);
            if (error != 0)
            {
                Release(keys);
                return error;
            }
        }

        device.DriverData = keys;
        string text = string.Create(
            CultureInfo.InvariantCulture,
            $"input: {device.Name} as /devices/platform/{device.Name}/input/input{input}"
        );
        kernel.Log.Print(LogLevel.Info, text);
        return 0;
    }

    public override void Remove(Device device)
    {
        if (device.DriverData is List<Key> keys)
        {
            Release(keys);
        }
    }

    /// <summary>gpio_keys_setup_key: the line as an input, then its interrupt.</summary>
    private long Take(Device device, DeviceTreeNode node, List<Key> keys)
    {
        if (kernel.Tree.ReadPhandleArgs(node, "gpios", "#gpio-cells") is not [{ Node: not null } entry, ..])
        {
            return -(long)Errno.EINVAL;
        }

        if (kernel.Gpio?.Find(entry, out bool isActiveLow) is not { } line)
        {
            return -(long)Errno.EPROBE_DEFER;
        }

        string label = node.FindProperty("label") is { LooksLikeStrings: true } given
            ? given.ReadString()
            : node.BaseName;
        if (line.Request(label) != 0)
        {
            kernel.Log.Print(LogLevel.Error, device.LogPrefix + kernel.Profile.GpioKeysBusyText);
            return -(long)Errno.EBUSY;
        }

        line.IsActiveLow = isActiveLow;
        line.Chip.MakeInput(line.Offset);
        var key = new Key(line);
        keys.Add(key);
        int number = line.Chip.InterruptOf(line.Offset);
        if (number < 0)
        {
            return number;
        }

        long error = line.LockAsInterrupt(kernel);
        if (error == 0)
        {
            line.Chip.SetEdges(line.Offset, GpioEdges.Both);
            error = kernel.Interrupts.Request(number, label, () => true, key);
            key.HasInterrupt = error == 0;
        }

        return error;
    }

    private void Release(List<Key> keys)
    {
        foreach (Key key in keys)
        {
            if (key.HasInterrupt)
            {
                kernel.Interrupts.Free(key.Line.Chip.InterruptOf(key.Line.Offset), key);
            }

            key.Line.Free();
        }
    }

    private sealed class Key(GpioLine line)
    {
        public GpioLine Line { get; } = line;

        public bool HasInterrupt { get; set; }
    }
}
