using System.Diagnostics;
using System.Globalization;

namespace Emulator.KernelShim;

/// <summary>A GPIO controller as gpiolib sees it (struct gpio_chip with its gpio_device): lines and what its driver does with them.</summary>
[DebuggerDisplay("gpiochip{Id}: {Label,nq}, lines {Base} to {Base + Lines.Count - 1}")]
internal abstract class GpioChip
{
    protected GpioChip(Device device, int count)
    {
        Device = device;
        Lines = [.. Enumerable.Range(0, count).Select(offset => new GpioLine(this, offset))];
    }

    /// <summary>The controller's device.</summary>
    public Device Device { get; }

    /// <summary>Its label: the device's name.</summary>
    public string Label => Device.Name;

    /// <summary>Its lines.</summary>
    public IReadOnlyList<GpioLine> Lines { get; }

    /// <summary>Its number among the chips.</summary>
    public int Id { get; set; }

    /// <summary>The number of its first line in the numbers of all.</summary>
    public int Base { get; set; }

    /// <summary>Its directory <c>gpiochipN</c> below the device.</summary>
    public DirectoryInode? Directory { get; set; }

    /// <summary>Whether a line is an output.</summary>
    public abstract bool IsOutput(int offset);

    /// <summary>Makes a line an input.</summary>
    public abstract void MakeInput(int offset);

    /// <summary>Makes a line an output of a value.</summary>
    public abstract void MakeOutput(int offset, bool value);

    /// <summary>The level of a line.</summary>
    public abstract bool Read(int offset);

    /// <summary>Drives an output.</summary>
    public abstract void Write(int offset, bool value);

    /// <summary>The interrupt of a line (gpiod_to_irq); mapped when it is asked for first. A negative errno when there is none.</summary>
    public abstract int InterruptOf(int offset);

    /// <summary>Which edges raise the line's interrupt.</summary>
    public abstract void SetEdges(int offset, GpioEdges edges);
}

/// <summary>Edges of a line.</summary>
[Flags]
internal enum GpioEdges
{
    None = 0,
    Rising = 1,
    Falling = 2,
    Both = Rising | Falling,
}

/// <summary>A line (struct gpio_desc).</summary>
[DebuggerDisplay("gpio-{Number} {User ?? \"free\",nq}")]
internal sealed class GpioLine(GpioChip chip, int offset)
{
    public GpioChip Chip { get; } = chip;

    public int Offset { get; } = offset;

    /// <summary>Its number in the numbers of all lines.</summary>
    public int Number => Chip.Base + Offset;

    /// <summary>Who has it, or null.</summary>
    public string? User { get; set; }

    /// <summary>FLAG_ACTIVE_LOW.</summary>
    public bool IsActiveLow { get; set; }

    /// <summary>FLAG_USED_AS_IRQ.</summary>
    public bool IsInterrupt { get; set; }

    /// <summary>FLAG_SYSFS: user space has it.</summary>
    public bool IsOfSysfs { get; set; }

    /// <summary>gpiod_get_value_cansleep.</summary>
    public bool Value => Chip.Read(Offset) != IsActiveLow;

    /// <summary>gpiod_set_value_cansleep.</summary>
    public void SetValue(bool value) => Chip.Write(Offset, value != IsActiveLow);

    /// <summary>gpiod_request: who, or EBUSY.</summary>
    public long Request(string user)
    {
        if (User is not null)
        {
            return -(long)Errno.EBUSY;
        }

        User = user;
        return 0;
    }

    /// <summary>gpiod_free.</summary>
    public void Free()
    {
        User = null;
        IsActiveLow = false;
        IsInterrupt = false;
        IsOfSysfs = false;
    }

    /// <summary>gpiochip_lock_as_irq: an output is no interrupt.</summary>
    public long LockAsInterrupt(Kernel kernel)
    {
        if (!Chip.IsOutput(Offset))
        {
            IsInterrupt = true;
            return 0;
        }

        kernel.Log.Print(
            LogLevel.Error,
            string.Create(
                CultureInfo.InvariantCulture,
                $"gpio gpiochip{Chip.Id}: ({Chip.Label}): gpiochip_lock_as_irq: tried to flag a GPIO set as output for IRQ"
            )
        );
        return -(long)Errno.EIO;
    }
}
