using System.Text;

namespace Emulator.Userland;

/// <summary>What lspci -v tells of a PCI-to-PCI bridge: bus numbers, windows, the secondary side.</summary>
/// <param name="show">How to show it.</param>
/// <param name="function">The bridge.</param>
/// <param name="output">Where the text goes.</param>
internal sealed class LspciBridge(LspciOptions show, PciFunction function, StringBuilder output)
{
    /// <summary>The four bytes at 18h.</summary>
    public const string Buses =
        "\tBus: primary={0-7:x2}, secondary={8-15:x2}, subordinate={16-23:x2}, sec-latency={24-31}\n";

    private const string IoTitle = "\tI/O behind bridge";
    private const string MemoryTitle = "\tMemory behind bridge";
    private const string PrefetchTitle = "\tPrefetchable memory behind bridge";

    private const string SecondaryStatus =
        "\tSecondary status: 66MHz{5} FastB2B{7} ParErr{8} DEVSEL={9-10:devsel} >TAbort{11} <TAbort{12} <MAbort{13} "
        + "<SERR{14} <PERR{15}\n";

    private const string Control =
        "\tBridgeCtl: Parity{0} SERR{1} NoISA{2} VGA{3} VGA16{4} MAbort{5} >Reset{6} FastB2B{7}\n"
        + "\t\tPriDiscTmr{8} SecDiscTmr{9} DiscTmrStat{10} DiscTmrSERREn{11}\n";

    private PciConfig Config => function.Config;

    /// <summary>Writes all that stands before the capabilities.</summary>
    public void Write(LspciRegions regions)
    {
        regions.WriteBars(2);
        output.Append(RegisterText.Render(Buses, Config.Long(0x18)));
        WriteIo();
        WriteMemory();
        WritePrefetchable();
        if (show.Verbose > 1)
        {
            output.Append(RegisterText.Render(SecondaryStatus, (uint)Config.Word(0x1E)));
        }

        regions.WriteRom(0x38);
        if (show.Verbose > 1)
        {
            output.Append(RegisterText.Render(Control, (uint)Config.Word(0x3E)));
        }
    }

    /// <summary>Writes the windows of a function whose header is not known, as the kernel has them.</summary>
    public void WriteKernelWindows()
    {
        foreach (PciRange window in (function.Windows ?? []).Where(window => window.Address != 0))
        {
            bool isIo = (window.Flags & PciRange.Io) != 0;
            bool isMemory = (window.Flags & PciRange.Memory) != 0;
            string title =
                isIo ? IoTitle
                : !isMemory ? "\tUnknown resource behind bridge"
                : (window.Flags & PciRange.Prefetch) != 0 ? PrefetchTitle
                : MemoryTitle;
            int bits =
                isIo ? ((window.Flags & 1) != 0 ? 16 : 32)
                : !isMemory ? 0
                : (window.Flags & PciRange.Memory64) != 0 ? 64
                : 32;
            WriteRange(title, window.Address, window.Address + window.Size - 1, bits, false);
        }
    }

    /// <summary>A window as the kernel has it; null where it tells nothing, or the window is not there.</summary>
    private PciRange? KernelWindow(int n) => function.Windows?[n] is { Size: > 0 } window ? window : null;

    /// <summary>Whether the kernel says that there is no such window.</summary>
    private bool IsDisabled(int n) => function.Windows is { } windows && windows[n].Size == 0;

    private void WriteIo()
    {
        if (KernelWindow(0) is { } window)
        {
            WriteKernelWindow(IoTitle, window, (window.Address & 0xF) == 1 ? 32 : 16);
            return;
        }

        uint start = (uint)Config.Byte(0x1C);
        uint end = (uint)Config.Byte(0x1D);
        uint type = start & 0xF;
        if (type != (end & 0xF) || type > 1)
        {
            output.Append($"\t!!! Unknown I/O range types {start:x}/{end:x}\n");
            return;
        }

        uint high = type == 1 ? 1U : 0;
        start = ((start & 0xF0) << 8) | (high * (uint)Config.Word(0x30) << 16);
        end = ((end & 0xF0) << 8) | (high * (uint)Config.Word(0x32) << 16);
        if (start != 0 || end != 0 || !IsDisabled(0))
        {
            WriteRange(IoTitle, start, end + 0xFFF, type == 1 ? 32 : 16, IsDisabled(0));
        }
    }

    private void WriteMemory()
    {
        if (KernelWindow(1) is { } window)
        {
            WriteKernelWindow(MemoryTitle, window, 32);
            return;
        }

        uint start = (uint)Config.Word(0x20);
        uint end = (uint)Config.Word(0x22);
        if (((start | end) & 0xF) != 0)
        {
            output.Append($"\t!!! Unknown memory range types {start:x}/{end:x}\n");
            return;
        }

        WriteRange(MemoryTitle, start << 16, (end << 16) + 0xF_FFFF, 32, IsDisabled(1));
    }

    private void WritePrefetchable()
    {
        // The kernel's address has no type bits, so 3.9 takes every window of the kernel's for one of 32 bits.
        if (KernelWindow(2) is { } window)
        {
            WriteKernelWindow(PrefetchTitle, window, (window.Address & 0xF) == 1 ? 64 : 32);
            return;
        }

        uint start = (uint)Config.Word(0x24);
        uint end = (uint)Config.Word(0x26);
        uint type = start & 0xF;
        if (type != (end & 0xF) || type > 1)
        {
            output.Append($"\t!!! Unknown prefetchable memory range types {start:x}/{end:x}\n");
            return;
        }

        ulong first = (ulong)(start & 0xFFF0) << 16;
        ulong last = (ulong)(end & 0xFFF0) << 16;
        if (type == 1)
        {
            first |= (ulong)Config.Long(0x28) << 32;
            last |= (ulong)Config.Long(0x2C) << 32;
        }

        if (first != 0 || last != 0 || !IsDisabled(2))
        {
            WriteRange(PrefetchTitle, first, last + 0xF_FFFF, type == 1 ? 64 : 32, IsDisabled(2));
        }
    }

    private void WriteKernelWindow(string title, PciRange window, int bits)
    {
        ulong start = window.Address & ~0xFUL;
        WriteRange(title, start, start + window.Size - 1, bits, false);
    }

    private void WriteRange(string title, ulong start, ulong end, int bits, bool isDisabled)
    {
        string digits = $"x{Math.Max(1, (bits + 3) / 4)}";
        bool isRange = start <= end;
        output.Append(title).Append(':');
        if (isRange || show.Verbose > 2)
        {
            output.Append(' ').Append(start.ToString(digits, null)).Append('-').Append(end.ToString(digits, null));
        }

        output.Append(!isDisabled && isRange ? LspciRegions.Size(end - start + 1) : " [disabled]");
        output.Append(bits != 0 ? $" [{bits}-bit]\n" : "\n");
    }
}
