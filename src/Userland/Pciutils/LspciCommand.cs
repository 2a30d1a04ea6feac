using System.Text;
using Emulator.KernelShim;

namespace Emulator.Userland;

/// <summary>lspci of pciutils 3.9: the PCI functions, their names, registers, capabilities and tree.</summary>
internal static class LspciCommand
{
    private const string Letters = "nvbxs:d:tPi:mp:kMDqQ" + PciAccessOptions.Letters;

    private const string Usage = """
        Usage: lspci [<switches>]

        Basic display modes:
        -mm		Produce machine-readable output (single -m for an obsolete format)
        -t		Show bus tree

        Display options:
        -v		Be verbose (-vv or -vvv for higher verbosity)
        -k		Show kernel drivers handling each device
        -x		Show hex-dump of the standard part of the config space
        -xxx		Show hex-dump of the whole config space (dangerous; root only)
        -xxxx		Show hex-dump of the 4096-byte extended config space (root only)
        -b		Bus-centric view (addresses and IRQ's as seen by the bus)
        -D		Always show domain numbers
        -P		Display bridge path in addition to bus and device number
        -PP		Display bus path in addition to bus and device number

        Resolving of device ID's to names:
        -n		Show numeric ID's
        -nn		Show both textual and numeric ID's (names & numbers)

        Selection of devices:
        -s [[[[<domain>]:]<bus>]:][<slot>][.[<func>]]	Show only devices in selected slots
        -d [<vendor>]:[<device>][:<class>]		Show only devices with specified ID's

        Other options:
        -i <file>	Use specified ID database

        PCI access options:
        -A <method>	Use the specified PCI access method (see `-A help' for a list)
        -O <par>=<val>	Set PCI access parameter (see `-O help' for a list)
        -F <file>	Read PCI configuration dump from a given file

        """;

    /// <summary>The program.</summary>
    public static IProgram Program { get; } = new RawProgram("lspci", Main);

    private static async Task<int> Main(Libc libc, IReadOnlyList<string> words)
    {
        var tool = new Tool(libc, "lspci");
        if (words is [_, "--version"])
        {
            await tool.Print("lspci version 3.9.0\n");
            return await tool.Finish();
        }

        Options options = Options.Parse(words, Letters);
        if (options.Mistake is not null || options.Operands.Count > 0)
        {
            string mistake = options.Mistake is null ? "" : $"lspci: {options.Mistake}\n";
            await libc.Print(2, mistake + Usage);
            return 1;
        }

        try
        {
            await Run(tool, options);
        }
        catch (PciFailure failure)
        {
            await tool.Error(failure.Message);
        }

        return await tool.Finish();
    }

    private static async Task Run(Tool tool, Options options)
    {
        var access = new PciAccessOptions(tool.Libc);
        foreach (char letter in "AOF")
        {
            foreach (string argument in options.Values(letter.ToString()))
            {
                access.Take(letter, argument);
            }
        }

        if (access.Help is not null)
        {
            await tool.Print(access.Help);
            return;
        }

        RefuseWhatIsNotThere(options);
        PciFilter filter = ReadFilter(options);
        PciAccess opened = await access.Open(options["b"], writes: false);
        LspciOptions show = await Read(tool.Libc, options, filter, opened);
        await Show(tool, show);
        await opened.Close();
    }

    private static void RefuseWhatIsNotThere(Options options)
    {
        if (options["q"] || options["Q"])
        {
            throw new PciFailure("DNS queries are not available in this version");
        }

        if (options["M"])
        {
            throw new PciFailure("Bus mapping mode is not available in this version");
        }
    }

    private static PciFilter ReadFilter(Options options)
    {
        var filter = new PciFilter();
        Check("-s", options.Values("s").Select(filter.ParseSlot));
        Check("-d", options.Values("d").Select(filter.ParseId));
        return filter;
    }

    private static async Task<LspciOptions> Read(Libc libc, Options options, PciFilter filter, PciAccess access)
    {
        PciIds ids = options.Value("i") is { } file ? await ReadIds(libc, file) : PciIds.Embedded;
        return new LspciOptions
        {
            Access = access,
            Names = new PciNames(ids, options.Values("n").Count),
            Filter = filter,
            IsFiltered = options["s"] || options["d"],
            Verbose = options.Values("v").Count,
            Hex = options.Values("x").Count,
            Machine = options.Values("m").Count,
            Path = options.Values("P").Count,
            IsTree = options["t"],
            ShowsKernel = options["k"],
            IsBusCentric = options["b"],
            Domains = options["D"] ? 2 : 0,
        };
    }

    private static void Check(string option, IEnumerable<string?> mistakes)
    {
        if (mistakes.FirstOrDefault(mistake => mistake is not null) is { } mistake)
        {
            throw new PciFailure($"{option}: {mistake}");
        }
    }

    private static async Task<PciIds> ReadIds(Libc libc, string path)
    {
        long file = await libc.Open(path, OpenFlags.ReadOnly | OpenFlags.CloseOnExec);
        if (file < 0)
        {
            return PciIds.Parse("");
        }

        (_, byte[] data) = await WholeFile.Read(libc, file);
        await libc.Close(file);
        return PciIds.Parse(Encoding.UTF8.GetString(data));
    }

    private static async Task Show(Tool tool, LspciOptions show)
    {
        IReadOnlyList<PciFunction> functions = await Scan(show);
        bool needsTree = show.IsTree || show.Path > 0;
        if (needsTree)
        {
            await show.Access.FillParents(functions);
        }

        LspciTree? tree = needsTree ? new LspciTree(functions, show) : null;
        if (show.IsTree)
        {
            await tool.Print(tree!.Draw());
            return;
        }

        var output = new StringBuilder();
        var report = new LspciReport(show, new ModuleAliases(tool.Libc), output)
        {
            BridgeOf = function => tree?.BridgeAbove(function),
        };
        foreach (PciFunction function in functions.Where(show.Filter.Matches))
        {
            await report.Write(function);
            await tool.Print(output.ToString());
            output.Clear();
        }
    }

    /// <summary>All functions in the order of their addresses, with their first 64 bytes and identification.</summary>
    private static async Task<IReadOnlyList<PciFunction>> Scan(LspciOptions show)
    {
        const int header = 64;
        const int cardBus = 2;
        PciFunction[] functions = [.. (await show.Access.Scan()).OrderBy(function => function.Address.Order)];
        foreach (PciFunction function in functions)
        {
            function.HasNoConfig = !await function.Config.Fetch(0, header);
            if (function.HeaderType == cardBus)
            {
                await function.Config.Fetch(header, header);
            }

            await show.Access.FillIdentity(function);
            show.Domains = show.Domains == 0 && function.Address.Domain != 0 ? 1 : show.Domains;
        }

        return functions;
    }
}
