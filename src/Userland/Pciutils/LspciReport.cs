using System.Text;

namespace Emulator.Userland;

/// <summary>lspci's text about functions: a line each, what -v adds, drivers, the hex dump.</summary>
/// <param name="show">How to show them.</param>
/// <param name="modules">Which kernel modules want a function.</param>
/// <param name="output">Where the text goes.</param>
internal sealed class LspciReport(LspciOptions show, ModuleAliases modules, StringBuilder output)
{
    private const int StandardBytes = 256;
    private const int HeaderBytes = 64;

    /// <summary>The bridges that lead to a function, for -P; filled by the tree.</summary>
    public Func<PciFunction, PciFunction?> BridgeOf { get; init; } = _ => null;

    /// <summary>Writes a function.</summary>
    public async Task Write(PciFunction function)
    {
        if (show.Verbose > 0 || show.ShowsKernel)
        {
            await show.Access.FillKernelFacts(function);
        }

        if (show.Machine > 0)
        {
            LspciMachine.Write(show, function, SlotName(function), await modules.Of(function), output);
        }
        else
        {
            WriteLine(function);
            if (show.Verbose > 0)
            {
                await new LspciVerbose(show, function, output).Write();
            }

            if (show.ShowsKernel || show.Verbose > 0)
            {
                await WriteKernel(function);
            }
        }

        if (show.Hex > 0)
        {
            await WriteHex(function);
        }

        output.Append(show.Verbose > 0 || show.Hex > 0 ? "\n" : "");
    }

    private string SlotName(PciFunction function)
    {
        bool hasDomain = show.Machine == 0 ? show.Domains > 0 : function.Address.Domain != 0 || show.Domains > 1;
        return (hasDomain ? $"{function.Address.Domain:x4}:" : "") + SlotPath(function);
    }

    /// <summary>The function's place, with -P behind those of the bridges that lead to it.</summary>
    private string SlotPath(PciFunction function)
    {
        if (show.Path == 0)
        {
            return function.Address.Short;
        }

        var path = new List<PciFunction> { function };
        while (BridgeOf(path[0]) is { } bridge)
        {
            // Bus numbers of a dump can be anything.
            if (path.Contains(bridge))
            {
                throw new PciFailure($"{function.Address}: its bridges lead to themselves");
            }

            path.Insert(0, bridge);
        }

        IEnumerable<string> places = path.Select(
            (at, n) => n == 0 || show.Path > 1 ? at.Address.Short : $"{at.Address.Slot:x2}.{at.Address.Function}"
        );
        return string.Join('/', places);
    }

    private void WriteLine(PciFunction function)
    {
        output.Append(SlotName(function)).Append(' ').Append(show.Names.Class(function.Class)).Append(": ");
        output.Append(show.Names.Full(function.Vendor, function.Device));
        output.Append(function.Revision != 0 ? $" (rev {function.Revision:x2})" : "");
        string? progIf = show.Names.ProgIf(function.Class, function.ProgIf);
        if (show.Verbose > 0 && (function.ProgIf != 0 || progIf is not null))
        {
            output.Append($" (prog-if {function.ProgIf:x2}{(progIf is null ? "" : $" [{progIf}]")})");
        }

        output.Append('\n');
        if (show.Verbose == 0 && !show.ShowsKernel)
        {
            return;
        }

        // 3.9 ends this line only by what the attribute itself ends with.
        output.Append(function.Label is null ? "" : $"\tDeviceName: {function.Label}");
        if (function.HasSubsystem)
        {
            string subsystem = show.Names.FullSubsystem(function, function.SubsystemVendor, function.SubsystemDevice);
            output.Append($"\tSubsystem: {subsystem}\n");
        }
    }

    private async Task WriteKernel(PciFunction function)
    {
        output.Append(function.Driver is null ? "" : $"\tKernel driver in use: {function.Driver}\n");
        IReadOnlyList<string> names = await modules.Of(function);
        output.Append(names.Count > 0 ? $"\tKernel modules: {string.Join(", ", names)}\n" : "");
    }

    private async Task WriteHex(PciFunction function)
    {
        if (function.HasNoConfig)
        {
            output.Append("WARNING: Cannot show hex-dump of the config space\n");
            return;
        }

        PciConfig config = function.Config;
        int count = HeaderType2Bytes(config);
        if (show.Hex >= 3 && await config.Fetch(count, StandardBytes - count))
        {
            count = StandardBytes;
            if (show.Hex >= 4 && await config.Fetch(count, PciConfig.MaximumBytes - count))
            {
                count = PciConfig.MaximumBytes;
            }
        }

        for (int at = 0; at < count; at++)
        {
            output.Append(at % 16 == 0 ? $"{at:x2}:" : "").Append($" {config.Byte(at):x2}");
            output.Append(at % 16 == 15 ? "\n" : "");
        }
    }

    /// <summary>How long the header is: a CardBus bridge's has 128 bytes.</summary>
    private static int HeaderType2Bytes(PciConfig config) =>
        config.HeaderType == 2 && config.Has(HeaderBytes, HeaderBytes) ? 2 * HeaderBytes : HeaderBytes;
}
