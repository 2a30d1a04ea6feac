using System.Globalization;
using System.Text;
using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim;

/// <summary>gpiolib (drivers/gpio/gpiolib.c): the chips, the numbers of their lines, and what debugfs shows of them.</summary>
internal sealed class GpioCore
{
    /// <summary>ARCH_NR_GPIOS before 6.2, GPIO_DYNAMIC_BASE since.</summary>
    public const int DynamicBase = 512;

    private readonly List<GpioChip> _chips = [];

    private GpioCore(Kernel kernel) => Kernel = kernel;

    /// <summary>Starts it, and with it the class in sysfs.</summary>
    public static InitCall InitCall { get; } = new("gpiolib_dev_init", InitLevel.Core, Start);

    public Kernel Kernel { get; }

    /// <summary>The class in sysfs.</summary>
    public GpioSysfs? Sysfs { get; private set; }

    /// <summary>gpiochip_add_data: a number, a range of lines, and directories.</summary>
    public void Add(GpioChip chip)
    {
        chip.Id = FreeId();
        chip.Base = FindBase(chip.Lines.Count);
        _chips.Add(chip);
        _chips.Sort((one, other) => one.Base.CompareTo(other.Base));
        if (chip.Device.Directory is { } home)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"gpiochip{chip.Id}");
            chip.Directory = home.AddDirectory(name);
            chip.Directory.AddAttribute("uevent", AttributeMode.ReadWrite, () => "", (_, text) => text.Length);
            PowerFiles.AddSmall(chip.Directory);
        }

        Sysfs?.OnAdded(chip);
    }

    /// <summary>gpiochip_remove: lines that user space has are taken away.</summary>
    public void Remove(GpioChip chip)
    {
        if (_chips.Remove(chip))
        {
            Sysfs?.OnRemoved(chip);
            chip.Device.Directory?.Remove(chip.Directory?.Name ?? "");
        }
    }

    /// <summary>gpio_to_desc: the line of a number, or null.</summary>
    public GpioLine? Find(long number)
    {
        foreach (GpioChip chip in _chips)
        {
            if (number >= chip.Base && number < chip.Base + chip.Lines.Count)
            {
                return chip.Lines[(int)number - chip.Base];
            }
        }

        if (Kernel.Profile.GpioNumbersAreBounded && number is < 0 or >= DynamicBase)
        {
            Kernel.Log.Print(LogLevel.Warning, string.Create(CultureInfo.InvariantCulture, $"invalid GPIO {number}"));
        }

        return null;
    }

    /// <summary>The line that a <c>gpios</c> entry names, and whether it is active low; null while its chip is not there.</summary>
    public GpioLine? Find(PhandleArgs entry, out bool isActiveLow)
    {
        isActiveLow = entry.Args.Count > 1 && (entry.Args[1] & 1) != 0;
        GpioChip? chip = _chips.Find(known => known.Device.Node is { } node && ReferenceEquals(node, entry.Node));
        return chip is not null && entry.Args.Count > 0 && entry.Args[0] < (uint)chip.Lines.Count
            ? chip.Lines[(int)entry.Args[0]]
            : null;
    }

    private static void Start(Kernel kernel)
    {
        if (!kernel.Profile.HasGpioClass)
        {
            return;
        }

        var core = new GpioCore(kernel);
        kernel.Gpio = core;
        core.Sysfs = new GpioSysfs(core);
        kernel.Files.Debug.AddAttribute("gpio", AttributeMode.ReadOnly, core.Show);
    }

    private int FreeId()
    {
        int id = 0;
        while (_chips.Exists(chip => chip.Id == id))
        {
            id++;
        }

        return id;
    }

    /// <summary>gpiochip_find_base: downwards from the end, or upwards from where dynamic numbers begin.</summary>
    private int FindBase(int count)
    {
        if (Kernel.Profile.GpioNumbersAreBounded)
        {
            int below = DynamicBase - count;
            foreach (GpioChip chip in Enumerable.Reverse(_chips))
            {
                if (chip.Base + chip.Lines.Count <= below)
                {
                    break;
                }

                below = chip.Base - count;
            }

            return below;
        }

        int from = DynamicBase;
        foreach (GpioChip chip in _chips)
        {
            if (chip.Base >= from + count)
            {
                break;
            }

            from = Math.Max(from, chip.Base + chip.Lines.Count);
        }

        return from;
    }

    /// <summary>gpiolib_seq_show, gpiolib_dbg_show.</summary>
    private string Show()
    {
        var text = new StringBuilder();
        foreach (GpioChip chip in _chips)
        {
            text.Append(text.Length == 0 ? "" : "\n");
            int last = chip.Base + chip.Lines.Count - 1;
            text.Append(
                CultureInfo.InvariantCulture,
                $"gpiochip{chip.Id}: GPIOs {chip.Base}-{last}, parent: {chip.Device.Bus?.Name}/{chip.Device.Name}, {chip.Label}:\n"
            );
            foreach (GpioLine line in chip.Lines)
            {
                if (line.User is { } user)
                {
                    text.Append(CultureInfo.InvariantCulture, $" gpio-{line.Number, -3} ({"", -20}|{Cut(user), -20}) ");
                    text.Append(chip.IsOutput(line.Offset) ? "out " : "in  ");
                    text.Append(chip.Read(line.Offset) ? "hi " : "lo ");
                    text.Append(line.IsInterrupt ? "IRQ " : "")
                        .Append(line.IsActiveLow ? "ACTIVE LOW" : "")
                        .Append('\n');
                }
            }
        }

        return text.ToString();
    }

    private static string Cut(string user) => user.Length > 20 ? user[..20] : user;
}
