using System.Text;

namespace Emulator.Userland;

/// <summary>What lspci -v tells of a CardBus bridge (header type 2).</summary>
/// <param name="show">How to show it.</param>
/// <param name="function">The bridge.</param>
/// <param name="output">Where the text goes.</param>
internal sealed class LspciCardBus(LspciOptions show, PciFunction function, StringBuilder output)
{
    private const string Control =
        "\tBridgeCtl: Parity{0} SERR{1} ISA{2} VGA{3} MAbort{5} >Reset{6} 16bInt{7} PostWrite{10}\n";

    private PciConfig Config => function.Config;

    /// <summary>Writes it, capabilities included.</summary>
    public async Task Write(LspciRegions regions, CapabilityView view)
    {
        regions.WriteBars(1);
        output.Append(RegisterText.Render(LspciBridge.Buses, Config.Long(0x18)));
        WriteWindows();
        output.Append((Config.Word(0x16) & 0x4000) != 0 ? "\tSecondary status: SERR\n" : "");
        output.Append(show.Verbose > 1 ? RegisterText.Render(Control, (uint)Config.Word(0x3E)) : "");
        if (!Config.Has(0x40, 0x40))
        {
            output.Append("\t<access denied to the rest>\n");
            return;
        }

        int legacy = Config.Word(0x44);
        output.Append(legacy != 0 ? $"\t16-bit legacy interface ports at {legacy:x4}\n" : "");
        await CapabilityList.Write(view, 0x14);
    }

    private void WriteWindows()
    {
        int command = Config.Word(0x04);
        for (int n = 0; n < 2; n++)
        {
            uint start = Config.Long(0x1C + 8 * n);
            uint end = Config.Long(0x20 + 8 * n) + 0xFFF;
            string state = (command & 2) != 0 ? "" : " [disabled]";
            string prefetchable = ((Config.Word(0x3E) >> (8 + n)) & 1) != 0 ? " (prefetchable)" : "";
            WriteWindow($"\tMemory window {n}: ", start, end, state + prefetchable);
        }

        for (int n = 0; n < 2; n++)
        {
            uint start = Config.Long(0x2C + 8 * n);
            uint end = Config.Long(0x30 + 8 * n);
            bool is32 = (start & 1) != 0;
            uint mask = (is32 ? uint.MaxValue : 0xFFFF) & ~3U;
            WriteWindow($"\tI/O window {n}: ", start & mask, (end & mask) + 3, (command & 1) != 0 ? "" : " [disabled]");
        }
    }

    private void WriteWindow(string title, uint start, uint end, string state)
    {
        if (start <= end || show.Verbose > 2)
        {
            output.Append($"{title}{start:x8}-{end:x8}{state}\n");
        }
    }
}
