using System.Text;

namespace Emulator.Machine.DeviceTrees;

/// <summary>A form of a device tree in a file.</summary>
public enum DtcFormat
{
    /// <summary>Source text.</summary>
    Dts,

    /// <summary>Blob.</summary>
    Dtb,
}

/// <summary>dtc's options, each with dtc's letter.</summary>
public sealed record DtcOptions
{
    /// <summary>-I: the form of the input; null to look at its first bytes.</summary>
    public DtcFormat? InputFormat { get; init; }

    /// <summary>-O: the form of the output.</summary>
    public DtcFormat OutputFormat { get; init; } = DtcFormat.Dtb;

    /// <summary>The input's name in messages.</summary>
    public string InputName { get; init; } = "<stdin>";

    /// <summary>-o: the output's name, which stands in warnings about trees without source places.</summary>
    public string OutputName { get; init; } = "<stdout>";

    /// <summary>-b: the boot CPU; null to leave what the input says.</summary>
    public uint? BootCpuId { get; init; }

    /// <summary>-V, -R, -S, -p and -a.</summary>
    public DtbWriterOptions Blob { get; init; } = DtbWriterOptions.Default;

    /// <summary>-s: sort reservations, properties and nodes.</summary>
    public bool Sort { get; init; }

    /// <summary>-@: generate <c>/__symbols__</c>.</summary>
    public bool GenerateSymbols { get; init; }

    /// <summary>-A: generate <c>/aliases</c>.</summary>
    public bool GenerateAliases { get; init; }

    /// <summary>-q: leave warnings out.</summary>
    public bool Quiet { get; init; }

    /// <summary>-i: finds included files; see <see cref="DtcFacade.SearchIn"/>.</summary>
    public DtsIncludeResolver? IncludeResolver { get; init; }
}

/// <summary>The output's bytes (source text is UTF-8) and the warnings, each one or more lines without a final line end.</summary>
public sealed record DtcResult(byte[] Output, IReadOnlyList<string> Warnings);

/// <summary>What dtc does, as a function.</summary>
public static class DtcFacade
{
    /// <summary>Converts a device tree.</summary>
    /// <exception cref="DeviceTreeException">The input is broken, or an option is out of range.</exception>
    public static DtcResult Convert(ReadOnlySpan<byte> input, DtcOptions? options = null)
    {
        options ??= new DtcOptions();
        DtcFormat format = options.InputFormat ?? (DtbReader.IsBlob(input) ? DtcFormat.Dtb : DtcFormat.Dts);
        DeviceTree tree;
        if (format == DtcFormat.Dtb)
        {
            tree = DtbReader.Read(input, options.InputName);
            StructureChecks.ThrowIfBroken(tree);
        }
        else
        {
            DtsReaderOptions readerOptions = new()
            {
                GenerateSymbols = options.GenerateSymbols,
                GenerateAliases = options.GenerateAliases,
            };
            tree = DtsReader.Parse(input, options.InputName, options.IncludeResolver, readerOptions);
        }
        tree.BootCpuId = options.BootCpuId ?? tree.BootCpuId;
        IReadOnlyList<string> warnings = options.Quiet ? [] : DtcChecks.Run(tree, options.OutputName);
        if (options.Sort)
        {
            Sort(tree);
        }
        byte[] output =
            options.OutputFormat == DtcFormat.Dtb
                ? DtbWriter.Write(tree, options.Blob)
                : Encoding.UTF8.GetBytes(DtsWriter.Write(tree));
        return new DtcResult(output, warnings);
    }

    /// <summary>
    /// A resolver that looks beside the including file and then in each folder of <paramref name="folders"/>, as dtc's -i does.
    /// </summary>
    /// <param name="folders">The folders, in order.</param>
    /// <param name="readFile">Gives the bytes of the file at a path, or null when there is none.</param>
    public static DtsIncludeResolver SearchIn(IReadOnlyList<string> folders, Func<string, byte[]?> readFile) =>
        (path, includedFrom) =>
        {
            string beside = Path.GetDirectoryName(includedFrom) ?? "";
            foreach (string folder in (IEnumerable<string>)[beside, .. folders])
            {
                string candidate = Path.Combine(folder, path);
                if (readFile(candidate) is { } content)
                {
                    return new DtsInclude(candidate, content);
                }
            }
            return null;
        };

    private static void Sort(DeviceTree tree)
    {
        MemoryReservation[] reservations =
        [
            .. tree.MemoryReservations.OrderBy(entry => entry.Address).ThenBy(entry => entry.LengthBytes),
        ];
        tree.MemoryReservations.Clear();
        foreach (MemoryReservation reservation in reservations)
        {
            tree.MemoryReservations.Add(reservation);
        }
        foreach (DeviceTreeNode node in tree.Nodes.ToArray())
        {
            node.PropertyList.Sort((left, right) => string.CompareOrdinal(left.Name, right.Name));
            node.ChildList.Sort((left, right) => string.CompareOrdinal(left.Name, right.Name));
        }
    }
}
