using System.Text;

namespace Emulator.Userland;

/// <summary>What -v tells of a function below its first lines.</summary>
/// <param name="show">How to show it.</param>
/// <param name="function">The function.</param>
/// <param name="output">Where the text goes.</param>
internal sealed class LspciVerbose(LspciOptions show, PciFunction function, StringBuilder output)
{
    private const int BridgeClass = 0x06;
    private const int PciBridge = 0x0604;
    private const uint BusMaster = 4;

    private const string ControlText =
        "\tControl: I/O{0} Mem{1} BusMaster{2} SpecCycle{3} MemWINV{4} VGASnoop{5} ParErr{6} Stepping{7} SERR{8} "
        + "FastB2B{9} DisINTx{10}\n";

    private const string StatusText =
        "\tStatus: Cap{4} 66MHz{5} UDF{6} FastB2B{7} ParErr{8} DEVSEL={9-10:devsel} >TAbort{11} <TAbort{12} "
        + "<MAbort{13} >SERR{14} <PERR{15} INTx{3}\n";

    private bool HasHeader => function.HeaderType is 0 or 1 or 2;

    /// <summary>Writes it.</summary>
    public async Task Write()
    {
        await show.Access.FillResources(function);
        WriteOddities();
        output.Append(function.PhysicalSlot is null ? "" : $"\tPhysical Slot: {function.PhysicalSlot}\n");
        output.Append(function.DeviceTreeNode is null ? "" : $"\tDevice tree node: {function.DeviceTreeNode}\n");
        if (show.Verbose > 1)
        {
            WriteRegisters();
        }
        else if (HasHeader)
        {
            WriteFlags();
        }

        WriteSelfTest();
        await WriteHeader();
    }

    private void WriteOddities()
    {
        bool isBridge = function.Class >> 8 == BridgeClass;
        bool fits = function.HeaderType switch
        {
            0 => function.Class != PciBridge,
            1 or 2 => isBridge,
            _ => true,
        };
        if (!fits)
        {
            output.Append($"\t!!! Invalid class {function.Class:x4} for header type {function.HeaderType:x2}\n");
        }

        if (!HasHeader && !function.HasNoConfig)
        {
            output.Append($"\t!!! Unknown header type {function.HeaderType:x2}\n");
        }
    }

    private void WriteRegisters()
    {
        if (HasHeader)
        {
            uint command = (uint)function.Config.Word(0x04);
            output.Append(RegisterText.Render(ControlText, command));
            output.Append(RegisterText.Render(StatusText, (uint)function.Config.Word(0x06)));
            output.Append((command & BusMaster) != 0 ? Latency() : "");
        }

        int pin = HasHeader ? function.Config.Byte(0x3D) : 0;
        if (pin != 0 || function.Irq != 0)
        {
            string name = pin == 0 ? "?" : ((char)('A' + pin - 1)).ToString();
            output.Append("\tInterrupt: pin " + name + $" routed to IRQ {function.Irq}\n");
        }

        output.Append(function.NumaNode == -1 ? "" : $"\tNUMA node: {function.NumaNode}\n");
        output.Append(function.IommuGroup is null ? "" : $"\tIOMMU group: {function.IommuGroup}\n");
    }

    private string Latency()
    {
        const int quarterMicrosecond = 250;
        PciConfig config = function.Config;
        int least = function.HeaderType == 0 ? config.Byte(0x3E) : 0;
        int most = function.HeaderType == 0 ? config.Byte(0x3F) : 0;
        string[] limits =
        [
            .. least != 0 ? [$"{least * quarterMicrosecond}ns min"] : Array.Empty<string>(),
            .. most != 0 ? [$"{most * quarterMicrosecond}ns max"] : Array.Empty<string>(),
        ];
        string range = limits.Length > 0 ? $" ({string.Join(", ", limits)})" : "";
        string cacheLine = config.Byte(0x0C) != 0 ? $", Cache Line Size: {config.Byte(0x0C) * 4} bytes" : "";
        return $"\tLatency: {config.Byte(0x0D)}{range}{cacheLine}\n";
    }

    private void WriteFlags()
    {
        uint command = (uint)function.Config.Word(0x04);
        uint status = (uint)function.Config.Word(0x06);
        (bool IsSet, string Text)[] flags =
        [
            ((command & BusMaster) != 0, "bus master, "),
            ((command & 0x20) != 0, "VGA palette snoop, "),
            ((command & 0x80) != 0, "stepping, "),
            ((command & 0x200) != 0, "fast Back2Back, "),
            ((status & 0x20) != 0, "66MHz, "),
            ((status & 0x40) != 0, "user-definable features, "),
            (true, RegisterText.Render("{9-10:devsel} devsel", status)),
            ((command & BusMaster) != 0, $", latency {function.Config.Byte(0x0D)}"),
            (function.Irq != 0, $", IRQ {function.Irq}"),
            (function.NumaNode != -1, $", NUMA node {function.NumaNode}"),
            (function.IommuGroup is not null, $", IOMMU group {function.IommuGroup}"),
        ];
        output
            .Append("\tFlags: ")
            .AppendJoin("", flags.Where(flag => flag.IsSet).Select(flag => flag.Text))
            .Append('\n');
    }

    private void WriteSelfTest()
    {
        int bist = HasHeader ? function.Config.Byte(0x0F) : 0;
        if ((bist & 0x80) != 0)
        {
            output.Append((bist & 0x40) != 0 ? "\tBIST is running\n" : $"\tBIST result: {bist & 0xF:x2}\n");
        }
    }

    private async Task WriteHeader()
    {
        var regions = new LspciRegions(show, function, output);
        var view = new CapabilityView(function, 0, -1, show, output);
        switch (function.HeaderType)
        {
            case 0:
                regions.WriteBars(6);
                regions.WriteRom(0x30);
                await CapabilityList.Write(view, 0x34);
                break;
            case 1:
                new LspciBridge(show, function, output).Write(regions);
                await CapabilityList.Write(view, 0x34);
                break;
            case 2:
                await new LspciCardBus(show, function, output).Write(regions, view);
                break;
            default:
                if (!show.IsBusCentric)
                {
                    regions.WriteBars(6);
                    new LspciBridge(show, function, output).WriteKernelWindows();
                    regions.WriteRom(-1);
                }

                break;
        }
    }
}
