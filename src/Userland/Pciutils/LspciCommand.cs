namespace Emulator.Userland;

/// <summary>
/// lspci of pciutils 3.9.0, as far as it is used here: -n, -nn, -v, -vv, -vvv, -t, -x, -xxx, -xxxx, -k, -D, -s, -d. It reads
/// sysfs and nothing else.
/// </summary>
internal static class LspciCommand
{
    public static IProgram Program { get; } = new ToolProgram("lspci", "nvs:d:txkD", 0, Run);

    private static async Task Run(Tool tool, Options options)
    {
        if (options.Operands.Count > 0)
        {
            await tool.Error($"unexpected argument '{options.Operands[0]}'");
            return;
        }

        if (await ReadFilter(tool, options) is not { } filter)
        {
            return;
        }

        int verbosity = options.Values("v").Count;
        int hex = options.Values("x").Count;
        int wanted = verbosity > 0 || hex > 2 ? 4096 : 64;
        List<PciSysfsDevice>? devices = await new PciSysfs(tool.Libc, "lspci").Scan(wanted);
        if (devices is null)
        {
            tool.Status = 1;
            return;
        }

        PciNaming naming = options.Values("n").Count switch
        {
            0 => PciNaming.Names,
            1 => PciNaming.Numbers,
            _ => PciNaming.Both,
        };
        if (options["t"])
        {
            bool isFiltered = options["s"] || options["d"];
            await tool.Print(LspciTree.Draw(devices, isFiltered ? filter : null, verbosity > 0 ? naming : null));
            return;
        }

        bool withDomain = options["D"] || devices.Exists(device => device.Domain != 0);
        var view = new LspciView(naming, verbosity, withDomain);
        int hexLength = hex switch
        {
            0 => 0,
            < 3 => 64,
            3 => 256,
            _ => 4096,
        };
        foreach (PciSysfsDevice device in devices.Where(filter.Matches))
        {
            view.Show(device, options["k"], hexLength);
            await tool.Print(view.Take());
        }
    }

    private static async Task<PciFilter?> ReadFilter(Tool tool, Options options)
    {
        var filter = new PciFilter();
        foreach (string slot in options.Values("s"))
        {
            if (filter.ParseSlot(slot) is { } mistake)
            {
                await tool.Error($"-s: {mistake}");
                return null;
            }
        }

        foreach (string id in options.Values("d"))
        {
            if (filter.ParseId(id) is { } mistake)
            {
                await tool.Error($"-d: {mistake}");
                return null;
            }
        }

        return filter;
    }
}
