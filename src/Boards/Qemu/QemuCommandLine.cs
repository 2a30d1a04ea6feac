using Emulator.Machine;

namespace Emulator.Boards;

/// <summary>
/// A command line of <c>qemu-system-aarch64 -machine virt</c>, as far as it says something of the machine. What it says that is not
/// known is refused by name.
/// </summary>
public sealed class QemuCommandLine
{
    private static readonly string[] WithoutValue = ["-nographic", "-no-reboot"];
    private static readonly string[] Ignored = ["-cpu", "-accel", "-kernel", "-initrd"];

    private readonly List<string> _devices = [];

    private QemuCommandLine() { }

    /// <summary>Machine properties: <c>iommu</c> is <c>smmuv3</c>, <c>gic-version</c> is 3.</summary>
    public IReadOnlyDictionary<string, string> MachineProperties { get; private set; } =
        new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>How many CPUs.</summary>
    public int Cpus { get; private set; } = 1;

    /// <summary>How much RAM, in MiB.</summary>
    public ulong MemoryMiB { get; private set; } = 128;

    /// <summary>The kernel's command line.</summary>
    public string KernelArguments { get; private set; } = "";

    /// <summary>Whether firmware boots the kernel by ACPI, not by the device tree.</summary>
    public bool HasFirmware { get; private set; }

    /// <summary>The file of a device tree given instead of the machine's own, or null.</summary>
    public string? DeviceTree { get; private set; }

    /// <summary>The <c>-device</c> strings, in order.</summary>
    public IReadOnlyList<string> Devices => _devices;

    /// <summary>Reads a command line.</summary>
    /// <exception cref="BoardException">An option or a value is not known.</exception>
    public static QemuCommandLine Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var line = new QemuCommandLine();
        List<string> words = Split(text);
        for (int at = 1; at < words.Count; at++)
        {
            string option = words[at].StartsWith("--", StringComparison.Ordinal) ? words[at][1..] : words[at];
            if (WithoutValue.Contains(option, StringComparer.Ordinal))
            {
                continue;
            }

            if (at + 1 == words.Count)
            {
                throw new BoardException($"the QEMU option '{option}' is not known, or lacks its value");
            }

            line.Read(option, words[++at]);
        }

        return line;
    }

    private void Read(string option, string value)
    {
        switch (option)
        {
            case "-machine" or "-M":
                MachineProperties = ReadMachine(value);
                break;
            case "-smp":
                Cpus = (int)Number(option, value, 1, 8);
                break;
            case "-m":
                MemoryMiB = Number(option, value, 1, 1 << 20);
                break;
            case "-append":
                KernelArguments = value;
                break;
            case "-bios":
                HasFirmware = true;
                break;
            case "-dtb":
                DeviceTree = value;
                break;
            case "-device":
                _devices.Add(value);
                break;
            case "-nic" when value is "none":
                break;
            default:
                if (!Ignored.Contains(option, StringComparer.Ordinal))
                {
                    throw new BoardException($"the QEMU option '{option} {value}' is not known");
                }

                break;
        }
    }

    private static ulong Number(string option, string value, ulong least, ulong most) =>
        QemuValue.TryNumber(value, out ulong number) && number >= least && number <= most
            ? number
            : throw new BoardException($"the QEMU option '{option}' takes {least} to {most} here, not '{value}'");

    private static Dictionary<string, string> ReadMachine(string text)
    {
        IReadOnlyList<string> parts = QemuValue.SplitOption(text);
        if (parts[0] is not "virt")
        {
            throw new BoardException($"the QEMU machine '{parts[0]}' is not modelled, only 'virt'");
        }

        var properties = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string part in parts.Skip(1))
        {
            if (part is not ("iommu=smmuv3" or "gic-version=3" or "iommu=none"))
            {
                throw new BoardException($"the machine property '{part}' is not modelled");
            }

            int equals = part.IndexOf('=', StringComparison.Ordinal);
            properties[part[..equals]] = part[(equals + 1)..];
        }

        return properties;
    }

    /// <summary>Words as a shell makes them: blanks separate, quotes hold together.</summary>
    private static List<string> Split(string text)
    {
        var words = new List<string>();
        var word = new System.Text.StringBuilder();
        bool isOpen = false;
        char quote = '\0';
        foreach (char letter in text)
        {
            if (quote != '\0' ? letter == quote : letter is '\'' or '"')
            {
                quote = quote == '\0' ? letter : '\0';
                isOpen = true;
            }
            else if (quote == '\0' && char.IsWhiteSpace(letter))
            {
                if (isOpen)
                {
                    words.Add(word.ToString());
                }

                word.Clear();
                isOpen = false;
            }
            else
            {
                word.Append(letter);
                isOpen = true;
            }
        }

        if (isOpen)
        {
            words.Add(word.ToString());
        }

        return words;
    }
}
