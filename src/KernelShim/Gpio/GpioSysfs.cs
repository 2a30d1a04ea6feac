using System.Globalization;

namespace Emulator.KernelShim;

/// <summary>The class of GPIOs in sysfs (drivers/gpio/gpiolib-sysfs.c): export, unexport, and a directory for each chip.</summary>
internal sealed class GpioSysfs
{
    private readonly GpioCore _core;
    private readonly DirectoryInode _class;
    private readonly Dictionary<GpioLine, ExportedGpio> _exported = [];

    public GpioSysfs(GpioCore core)
    {
        _core = core;
        _class = core.Kernel.Files.Sys.GetOrAddDirectory("class").GetOrAddDirectory("gpio");
        _class.AddAttribute("export", AttributeMode.WriteOnly, null, Export);
        _class.AddAttribute("unexport", AttributeMode.WriteOnly, null, Unexport);
    }

    /// <summary>gpiochip_sysfs_register.</summary>
    public void OnAdded(GpioChip chip)
    {
        if (chip.Device.Directory is not { } home)
        {
            return;
        }

        string name = Text($"gpiochip{chip.Base}");
        DirectoryInode directory = home.GetOrAddDirectory("gpio").AddDirectory(name);
        directory.AddAttribute("base", AttributeMode.ReadOnly, () => Text($"{chip.Base}\n"));
        directory.AddAttribute("label", AttributeMode.ReadOnly, () => chip.Label + "\n");
        directory.AddAttribute("ngpio", AttributeMode.ReadOnly, () => Text($"{chip.Lines.Count}\n"));
        directory.AddRelativeLink("device", home);
        AddCommonFiles(directory);
        _class.AddRelativeLink(name, directory);
    }

    /// <summary>gpiochip_sysfs_unregister.</summary>
    public void OnRemoved(GpioChip chip)
    {
        foreach (GpioLine line in chip.Lines.Where(_exported.ContainsKey).ToArray())
        {
            Withdraw(line);
        }

        string name = Text($"gpiochip{chip.Base}");
        _class.Remove(name);
        (chip.Device.Directory?.Find("gpio") as DirectoryInode)?.Remove(name);
    }

    internal void AddCommonFiles(DirectoryInode directory)
    {
        PowerFiles.AddSmall(directory);
        directory.AddRelativeLink("subsystem", _class);
        directory.AddAttribute("uevent", AttributeMode.ReadWrite, () => "", (_, text) => text.Length);
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>export_store.</summary>
    private long Export(Process process, string text)
    {
        if (!GpioText.TryParse(text, out long number))
        {
            return process.Refuse(Errno.EINVAL, "export_store", "it is no number");
        }

        if (_core.Find(number) is not { } line)
        {
            _core.Kernel.Log.Print(LogLevel.Warning, Text($"export_store: invalid GPIO {number}"));
            return process.Refuse(Errno.EINVAL, "export_store", Text($"there is no GPIO {number}"));
        }

        if (line.Request("sysfs") != 0)
        {
            return process.Refuse(Errno.EBUSY, "gpiod_request", Text($"GPIO {number} is used by {line.User}"));
        }

        line.IsOfSysfs = true;
        var exported = new ExportedGpio(_core.Kernel, line);
        _exported[line] = exported;
        DirectoryInode parent = line.Chip.Directory!.GetOrAddDirectory("gpio");
        DirectoryInode directory = parent.AddDirectory(Text($"gpio{number}"));
        exported.AddFiles(directory);
        directory.AddRelativeLink("device", line.Chip.Directory!);
        AddCommonFiles(directory);
        _class.AddRelativeLink(directory.Name, directory);
        return text.Length;
    }

    /// <summary>unexport_store: what user space did not export it cannot give back.</summary>
    private long Unexport(Process process, string text)
    {
        if (!GpioText.TryParse(text, out long number))
        {
            return process.Refuse(Errno.EINVAL, "unexport_store", "it is no number");
        }

        if (_core.Find(number) is not { } line)
        {
            _core.Kernel.Log.Print(LogLevel.Warning, Text($"unexport_store: invalid GPIO {number}"));
            return process.Refuse(Errno.EINVAL, "unexport_store", Text($"there is no GPIO {number}"));
        }

        if (!line.IsOfSysfs)
        {
            return process.Refuse(Errno.EINVAL, "unexport_store", Text($"GPIO {number} was not exported"));
        }

        Withdraw(line);
        return text.Length;
    }

    private void Withdraw(GpioLine line)
    {
        if (_exported.Remove(line, out ExportedGpio? exported))
        {
            exported.Close();
            string name = Text($"gpio{line.Number}");
            _class.Remove(name);
            (line.Chip.Directory?.Find("gpio") as DirectoryInode)?.Remove(name);
        }

        line.Free();
    }
}

/// <summary>Texts that are written to GPIO files.</summary>
internal static class GpioText
{
    /// <summary>kstrtol with base 0.</summary>
    public static bool TryParse(string text, out long value)
    {
        bool isNegative = text.StartsWith('-');
        string digits = isNegative ? text[1..] : text;
        value = 0;
        if (
            (isNegative && digits.StartsWith('+'))
            || KernelStrings.TryParse(digits, long.MaxValue, out ulong read) != 0
        )
        {
            return false;
        }

        value = isNegative ? -(long)read : (long)read;
        return true;
    }

    /// <summary>sysfs_streq: equal but for one newline at the end.</summary>
    public static bool IsWord(string text, string word)
    {
        ReadOnlySpan<char> written = BusType.CString(text);
        return (written is [.., '\n'] ? written[..^1] : written).SequenceEqual(word);
    }
}
