using System.Globalization;

namespace Emulator.Userland;

/// <summary>
/// The file <c>resource</c>: start, end and flags of six BARs and the ROM, then (with CONFIG_PCI_IOV) of six BARs of virtual
/// functions, then of a bridge's four windows.
/// </summary>
internal static class SysfsResources
{
    private const int Bars = 6;
    private const int VirtualBars = 6;
    private const int Windows = 4;
    private const ulong AddressFlags = 0xF;

    /// <summary>Takes over what the file says.</summary>
    /// <param name="function">The function.</param>
    /// <param name="text">The file.</param>
    /// <param name="name">Its name, for a message.</param>
    public static void Fill(PciFunction function, string text, string name)
    {
        PciRange[] lines =
        [
            .. text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Take(Bars + 1 + VirtualBars + Windows + 1)
                .Select(line => Parse(line) ?? throw new PciFailure($"Syntax error in {name}")),
        ];
        for (int n = 0; n < Math.Min(Bars, lines.Length); n++)
        {
            function.Bars[n] = WithFlags(lines[n]);
        }

        function.KnowsSizes = lines.Length > 0;
        if (lines.Length > Bars)
        {
            function.Rom = WithFlags(lines[Bars]);
        }

        // How many lines a function without a bridge's windows has depends on the kernel's configuration.
        if (lines.Length is Bars + 1 + Windows or Bars + 1 + VirtualBars + Windows)
        {
            function.Windows = lines[^Windows..];
        }
    }

    private static PciRange WithFlags(PciRange range) =>
        range with
        {
            Address = range.Address | (range.Flags & AddressFlags),
        };

    private static PciRange? Parse(string line)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return
            words.Length >= 3
            && Number(words[0]) is { } start
            && Number(words[1]) is { } end
            && Number(words[2]) is { } flags
            ? new PciRange(start, end > start ? end - start + 1 : 0, flags)
            : null;
    }

    private static ulong? Number(string word) =>
        ulong.TryParse(
            word.StartsWith("0x", StringComparison.Ordinal) ? word[2..] : word,
            NumberStyles.AllowHexSpecifier,
            CultureInfo.InvariantCulture,
            out ulong value
        )
            ? value
            : null;
}
