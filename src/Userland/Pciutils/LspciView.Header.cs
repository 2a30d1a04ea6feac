namespace Emulator.Userland;

/// <content>-v and -vv: command, status, interrupts.</content>
internal sealed partial class LspciView
{
    private const int CommandAt = 0x04;
    private const int StatusAt = 0x06;
    private const int BusMaster = 1 << 2;

    private void Verbose(PciSysfsDevice device)
    {
        int header = device.HeaderType;
        bool isKnown = header is 0 or 1;
        CheckClass(device, header);
        if (header >= 0 && !isKnown)
        {
            Put($"\t!!! Unknown header type {header:x2}\n");
        }

        if (device.PhysicalSlot is { } slot)
        {
            Put($"\tPhysical Slot: {slot}\n");
        }

        if (device.TreeNode is { } node)
        {
            Put($"\tDevice tree node: {node}\n");
        }

        if (verbosity > 1)
        {
            if (isKnown)
            {
                ControlAndStatus(device, header);
            }

            Routing(device, isKnown);
        }
        else if (isKnown)
        {
            FlagsLine(device);
        }

        if (isKnown && (device.Byte(0x0F) & 0x80) != 0)
        {
            int bist = device.Byte(0x0F);
            Put((bist & 0x40) != 0 ? "\tBIST is running\n" : $"\tBIST result: {bist & 0xF:x2}\n");
        }

        if (header == 0)
        {
            Bases(device, 6);
            Rom(device, 0x30);
            Capabilities(device);
        }
        else if (header == 1)
        {
            Bridge(device);
        }
        else
        {
            Bases(device, 6);
        }
    }

    private void CheckClass(PciSysfsDevice device, int header)
    {
        const uint BridgeClass = 0x06;
        const uint PciBridge = 0x0604;
        bool isOdd = (header == 0 && device.Class == PciBridge) || (header == 1 && device.Class >> 8 != BridgeClass);
        if (isOdd)
        {
            Put($"\t!!! Invalid class {device.Class:x4} for header type {header:x2}\n");
        }
    }

    private void ControlAndStatus(PciSysfsDevice device, int header)
    {
        uint command = device.Word(CommandAt);
        uint status = device.Word(StatusAt);
        const string Control =
            "I/O:0 Mem:1 BusMaster:2 SpecCycle:3 MemWINV:4 VGASnoop:5 ParErr:6 Stepping:7 SERR:8 FastB2B:9 DisINTx:10";
        Put($"\tControl: {PciFlags.Show(command, Control)}\n");
        Put(
            $"\tStatus: {PciFlags.Show(status, "Cap:4 66MHz:5 UDF:6 FastB2B:7 ParErr:8")} DEVSEL={DeviceSelect(status)} "
        );
        Put($"{PciFlags.Show(status, ">TAbort:11 <TAbort:12 <MAbort:13 >SERR:14 <PERR:15 INTx:3")}\n");
        if ((command & BusMaster) == 0)
        {
            return;
        }

        Put($"\tLatency: {device.Byte(0x0D)}");
        int least = header == 0 ? device.Byte(0x3E) : 0;
        int most = header == 0 ? device.Byte(0x3F) : 0;
        if (least != 0 || most != 0)
        {
            string first = least != 0 ? $"{least * 250}ns min" : "";
            string second = most != 0 ? $"{most * 250}ns max" : "";
            Put($" ({first}{(least != 0 && most != 0 ? ", " : "")}{second})");
        }

        if (device.Byte(0x0C) is var line and not 0)
        {
            Put($", Cache Line Size: {line * 4} bytes");
        }

        Put("\n");
    }

    private void Routing(PciSysfsDevice device, bool isKnown)
    {
        int pin = isKnown ? device.Byte(0x3D) : 0;
        if (pin != 0 || device.Irq != 0)
        {
            Put($"\tInterrupt: pin {(pin == 0 ? '?' : (char)('A' + pin - 1))} routed to IRQ {device.Irq}\n");
        }

        if (device.NumaNode != -1)
        {
            Put($"\tNUMA node: {device.NumaNode}\n");
        }

        if (device.IommuGroup is { } group)
        {
            Put($"\tIOMMU group: {group}\n");
        }
    }

    private void FlagsLine(PciSysfsDevice device)
    {
        uint command = device.Word(CommandAt);
        uint status = device.Word(StatusAt);
        Put("\tFlags: ");
        foreach (
            (uint register, int bit, string name) in new[]
            {
                (command, 2, "bus master"),
                (command, 5, "VGA palette snoop"),
                (command, 7, "stepping"),
                (command, 9, "fast Back2Back"),
                (status, 5, "66MHz"),
                (status, 6, "user-definable features"),
            }
        )
        {
            Put((register >> bit & 1) != 0 ? name + ", " : "");
        }

        Put($"{DeviceSelect(status)} devsel");
        Put((command & BusMaster) != 0 ? $", latency {device.Byte(0x0D)}" : (FormattableString)$"");
        Put(device.Irq != 0 ? $", IRQ {device.Irq}" : (FormattableString)$"");
        Put(device.NumaNode != -1 ? $", NUMA node {device.NumaNode}" : (FormattableString)$"");
        Put(device.IommuGroup is { } group ? $", IOMMU group {group}" : "");
        Put("\n");
    }

    private static string DeviceSelect(uint status) =>
        PciFlags.Field(status, 9, 2) switch
        {
            0 => "fast",
            1 => "medium",
            2 => "slow",
            _ => "??",
        };
}
