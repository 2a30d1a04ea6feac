using System.Globalization;

namespace Emulator.KernelShim;

/// <summary>
/// pciehp: the slot of a port (drivers/pci/hotplug/pciehp_hpc.c), as far as its registers and its files show. Cards do not
/// come and go yet.
/// </summary>
internal sealed class PcieHotplugDriver(Kernel kernel) : PcieServiceDriver(kernel)
{
    private const ushort AttentionButton = 0x1;
    private const ushort PowerControl = 0x2;
    private const ushort PresenceChanged = 0x8;
    private const ushort CommandCompleted = 0x10;
    private const ushort InterruptEnable = 0x20;
    private const ushort PowerOff = 0x400;
    private const ushort LinkChanged = 0x1000;
    private const ushort AllEvents = 0x1F | LinkChanged;
    private const ushort EventStatus = 0x11F;
    private const ushort Present = 0x40;
    private const ushort LinkActive = 0x2000;
    private const uint ReportsLink = 1u << 20;

    public override string Name => "pciehp";

    protected override PcieService Service => PcieService.Hotplug;

    protected override long Probe(PciePortService service)
    {
        PciDevice port = service.Port;
        int express = port.ExpressCapability;
        uint capabilities = port.ReadDword(express + PciExpress.SlotCapabilities);
        port.WriteWord(express + PciExpress.SlotStatus, EventStatus);
        Kernel.Pci.Info(port, Describe(port, capabilities));
        bool isOccupied = IsOccupied(port);
        if ((capabilities & PowerControl) != 0 && !isOccupied)
        {
            SwitchOff(port);
        }

        AddSlot(port, capabilities);
        ushort events = LinkChanged | InterruptEnable | CommandCompleted;
        events |= (capabilities & AttentionButton) != 0 ? AttentionButton : PresenceChanged;
        Command(port, AllEvents | InterruptEnable, events);
        return 0;
    }

    protected override void Remove(PciePortService service)
    {
        PciDevice port = service.Port;
        Command(port, AllEvents | InterruptEnable, 0);
        RemoveSlot(port);
    }

    /// <summary>An empty slot's power is switched off (pcie_init).</summary>
    private static void SwitchOff(PciDevice port)
    {
        int control = port.ExpressCapability + PciExpress.SlotControl;
        if ((port.ReadWord(control) & PowerOff) == 0)
        {
            Command(port, 0, PowerOff);
        }
    }

    /// <summary>pcie_write_cmd: a write to the slot's control, and the acknowledgement of its completion.</summary>
    private static void Command(PciDevice port, ushort clear, ushort set)
    {
        port.UpdateWord(port.ExpressCapability + PciExpress.SlotControl, clear, set);
        int status = port.ExpressCapability + PciExpress.SlotStatus;
        if ((port.ReadWord(status) & CommandCompleted) != 0)
        {
            port.WriteWord(status, CommandCompleted);
        }
    }

    private static bool IsOccupied(PciDevice port)
    {
        int express = port.ExpressCapability;
        bool reports = (port.ReadDword(express + PciExpress.LinkCapabilities) & ReportsLink) != 0;
        return (port.ReadWord(express + PciExpress.SlotStatus) & Present) != 0
            || (reports && (port.ReadWord(express + PciExpress.LinkStatus) & LinkActive) != 0);
    }

    private static string Describe(PciDevice port, uint capabilities)
    {
        uint link = port.ReadDword(port.ExpressCapability + PciExpress.LinkCapabilities);
        string flags = string.Concat(
            Flag(" AttnBtn", capabilities, 0x1),
            Flag(" PwrCtrl", capabilities, 0x2),
            Flag(" MRL", capabilities, 0x4),
            Flag(" AttnInd", capabilities, 0x8),
            Flag(" PwrInd", capabilities, 0x10),
            Flag(" HotPlug", capabilities, 0x40),
            Flag(" Surprise", capabilities, 0x20),
            Flag(" Interlock", capabilities, 0x2_0000),
            Flag(" NoCompl", capabilities, 0x4_0000),
            Flag(" IbPresDis", 0, 1),
            Flag(" LLActRep", link, ReportsLink)
        );

        // Intel's ports complete commands only when control bits change (quirk_cmd_compl).
        bool hasErratum = port.VendorId == 0x8086 && (capabilities & 0x4_0000) == 0;
        return string.Create(CultureInfo.InvariantCulture, $"pciehp: Slot #{capabilities >> 19}")
            + flags
            + (hasErratum ? " (with Cmd Compl erratum)" : "");
    }

    private static string Flag(string name, uint value, uint bit) => name + ((value & bit) != 0 ? "+" : "-");

    /// <summary>pci_hp_initialize: a directory named after the slot; a name that is taken gets a number.</summary>
    private void AddSlot(PciDevice port, uint capabilities)
    {
        if (port.Subordinate is not { } bus)
        {
            return;
        }

        var slots = (DirectoryInode)port.Bus!.Directory!.Find("slots")!;
        string plain = (capabilities >> 19).ToString(CultureInfo.InvariantCulture);
        string name = plain;
        for (int n = 1; slots.Find(name) is not null; n++)
        {
            name = string.Create(CultureInfo.InvariantCulture, $"{plain}-{n}");
        }

        DirectoryInode slot = slots.AddDirectory(name);
        port.SlotName = name;
        slot.AddAttribute("address", AttributeMode.ReadOnly, () => bus.Name + ":00\n");
        slot.AddAttribute("adapter", AttributeMode.ReadOnly, () => IsOccupied(port) ? "1\n" : "0\n");
        slot.AddAttribute("attention", AttributeMode.ReadWrite, () => Attention(port), (_, text) => text.Length);
        slot.AddAttribute("power", AttributeMode.ReadWrite, () => Power(port), (_, text) => text.Length);
        slot.AddAttribute("cur_bus_speed", AttributeMode.ReadOnly, () => Speed(port, isMaximum: false));
        slot.AddAttribute("max_bus_speed", AttributeMode.ReadOnly, () => Speed(port, isMaximum: true));
        slot.AddRelativeLink("module", Kernel.Drivers.AddModule("pciehp"));
    }

    private static void RemoveSlot(PciDevice port)
    {
        if (port.SlotName is { } name)
        {
            (port.Bus!.Directory!.Find("slots") as DirectoryInode)?.Remove(name);
            port.SlotName = null;
        }
    }

    private static string Attention(PciDevice port) =>
        (port.ReadWord(port.ExpressCapability + PciExpress.SlotControl) >> 6 & 3) switch
        {
            1 => "1\n",
            2 => "2\n",
            _ => "0\n",
        };

    private static string Power(PciDevice port) =>
        (port.ReadWord(port.ExpressCapability + PciExpress.SlotControl) & PowerOff) != 0 ? "0\n" : "1\n";

    private static string Speed(PciDevice port, bool isMaximum)
    {
        int generation = isMaximum
            ? (int)port.ReadDword(port.ExpressCapability + PciExpress.LinkCapabilities)
            : port.ReadWord(port.ExpressCapability + PciExpress.LinkStatus);
        return PciLinkFiles.Speed(generation & 0xF);
    }
}
