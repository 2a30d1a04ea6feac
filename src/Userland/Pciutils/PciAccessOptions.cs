using Emulator.KernelShim;

namespace Emulator.Userland;

/// <summary>The options of lspci and setpci that choose a way to the functions: -A, -O, -F and -b.</summary>
/// <param name="libc">The system calls.</param>
internal sealed class PciAccessOptions(Libc libc)
{
    /// <summary>The letters, as for getopt.</summary>
    public const string Letters = "A:GO:F:";

    private const string Sysfs = "linux-sysfs";
    private const string Dump = "dump";

    // csharpier-ignore
    private static readonly (string Name, string Help)[] Parameters =
    [
        ("dump.name",     "Name of the bus dump file to read from"),
        ("hwdb.disable",  "Do not look up names in UDEV's HWDB if non-zero"),
        ("sysfs.path",    "Path to the sysfs device tree"),
    ];

    private readonly SortedDictionary<string, string> _values = new(StringComparer.Ordinal)
    {
        ["dump.name"] = "",
        ["hwdb.disable"] = "0",
        ["sysfs.path"] = SysfsAccess.DefaultPath,
    };

    private string? _method;

    /// <summary>What -A help or -O help asks to be told; nothing else is done then.</summary>
    public string? Help { get; private set; }

    /// <summary>Takes an option.</summary>
    /// <exception cref="PciFailure">Its argument is no good.</exception>
    public void Take(char letter, string argument)
    {
        switch (letter)
        {
            case 'A' when argument is "help":
                Help = $"Known PCI access methods:\n\n{Sysfs}\n{Dump}\n";
                break;
            case 'A':
                _method = argument is Sysfs or Dump
                    ? argument
                    : throw new PciFailure($"No such PCI access method: {argument} (see `-A help' for a list)");
                break;
            case 'F':
                _values["dump.name"] = argument;
                _method = Dump;
                break;
            case 'O' when argument is "help":
                Help =
                    "Known PCI access parameters:\n\n"
                    + string.Concat(
                        Parameters.Select(item => $"{item.Name, -20} {item.Help} ({_values[item.Name]})\n")
                    );
                break;
            case 'O':
                SetParameter(argument);
                break;
        }
    }

    /// <summary>Opens the way.</summary>
    /// <param name="isBusCentric">-b.</param>
    /// <param name="writes">Whether configuration spaces are to be written.</param>
    public async Task<PciAccess> Open(bool isBusCentric, bool writes)
    {
        if (_method is Dump)
        {
            return new DumpAccess(await ReadDump(_values["dump.name"]));
        }

        string path = _values["sysfs.path"];
        return _method is Sysfs || await libc.Exists(path)
            ? new SysfsAccess(libc, path, writes) { IsBusCentric = isBusCentric }
            : throw new PciFailure("Cannot find any working access method.");
    }

    private void SetParameter(string argument)
    {
        if (argument.Split('=', 2) is not [var name, var value])
        {
            throw new PciFailure($"Invalid PCI access parameter syntax: {argument}");
        }

        if (!_values.ContainsKey(name))
        {
            throw new PciFailure($"Unrecognized PCI access parameter: {name} (see `-O help' for a list)");
        }

        _values[name] = value;
    }

    private async Task<byte[]> ReadDump(string name)
    {
        if (name.Length == 0)
        {
            throw new PciFailure("dump: File name not given.");
        }

        long file = await libc.Open(name, OpenFlags.ReadOnly | OpenFlags.CloseOnExec);
        if (file < 0)
        {
            throw new PciFailure($"dump: Cannot open {name}: {ErrnoText.Of(file)}");
        }

        (long result, byte[] data) = await WholeFile.Read(libc, file);
        await libc.Close(file);
        return result >= 0 ? data : throw new PciFailure($"dump: Cannot read {name}: {ErrnoText.Of(result)}");
    }
}
