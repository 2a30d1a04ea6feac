using System.Globalization;

namespace Emulator.Userland;

/// <summary>How names and numbers are shown: names, numbers (-n), or both (-nn).</summary>
internal enum PciNaming
{
    Names,
    Numbers,
    Both,
}

/// <summary>
/// Names of vendors, devices and classes: those of the parts that the boards have, as the PCI ID database of Debian 12 (pci.ids of
/// 2023-04-11) spells them, and its rules for what has none.
/// </summary>
internal static class PciNames
{
    // csharpier-ignore
    private static readonly Dictionary<uint, string> Vendors = new()
    {
        [0x104C] = "Texas Instruments",      [0x12D8] = "Pericom Semiconductor", [0x168C] = "Qualcomm Atheros",
        [0x1957] = "Freescale Semiconductor Inc", [0x1AC1] = "Global Unichip Corp.", [0x1AF4] = "Red Hat, Inc.",
        [0x1B36] = "Red Hat, Inc.",          [0x8086] = "Intel Corporation",     [0xC0A9] = "Micron/Crucial Technology",
    };

    // csharpier-ignore
    private static readonly Dictionary<uint, string> Devices = new()
    {
        [0x104C_8232] = "XIO3130 PCI Express Switch (Upstream)",
        [0x104C_8233] = "XIO3130 PCI Express Switch (Downstream)",
        [0x168C_003E] = "QCA6174 802.11ac Wireless Network Adapter",
        [0x1AC1_089A] = "Coral Edge TPU",
        [0x1AF4_1005] = "Virtio RNG",
        [0x1AF4_1044] = "Virtio 1.0 RNG",
        [0x1B36_0001] = "QEMU PCI-PCI bridge",
        [0x1B36_0005] = "QEMU PCI Test Device",
        [0x1B36_0008] = "QEMU PCIe Host bridge",
        [0x1B36_000C] = "QEMU PCIe Root port",
        [0x1B36_0010] = "QEMU NVM Express Controller",
        [0x8086_100E] = "82540EM Gigabit Ethernet Controller",
        [0x8086_10D3] = "82574L Gigabit Network Connection",
        [0x8086_244E] = "82801 PCI Bridge",
        [0x8086_3420] = "7500/5520/5500/X58 I/O Hub PCI Express Root Port 0",
        [0xC0A9_2263] = "P1 NVMe PCIe SSD",
    };

    /// <summary>Subsystems that the database names below their device.</summary>
    private static readonly Dictionary<(uint Device, uint Subsystem), string> Subsystems = new()
    {
        [(0x1B36_0005, 0x1AF4_1100)] = "QEMU Virtual Machine",
        [(0x8086_100E, 0x1AF4_1100)] = "QEMU Virtual Machine",
    };

    // csharpier-ignore
    private static readonly Dictionary<uint, string> Classes = new()
    {
        [0x0000] = "Non-VGA unclassified device",
        [0x0106] = "SATA controller",             [0x0108] = "Non-Volatile memory controller",
        [0x0200] = "Ethernet controller",         [0x0280] = "Network controller",
        [0x0300] = "VGA compatible controller",   [0x0600] = "Host bridge",
        [0x0604] = "PCI bridge",                  [0x0880] = "System peripheral",
        [0x0C03] = "USB controller",
    };

    // csharpier-ignore
    private static readonly Dictionary<uint, string> BaseClasses = new()
    {
        [0x00] = "Unclassified device", [0x01] = "Mass storage controller", [0x02] = "Network controller",
        [0x03] = "Display controller",  [0x06] = "Bridge",                  [0x08] = "Generic system peripheral",
        [0x0C] = "Serial bus controller",
    };

    // csharpier-ignore
    private static readonly Dictionary<uint, string> Interfaces = new()
    {
        [0x0106_01] = "AHCI 1.0",      [0x0108_01] = "NVMHCI",              [0x0108_02] = "NVM Express",
        [0x0300_00] = "VGA controller", [0x0604_00] = "Normal decode",      [0x0604_01] = "Subtractive decode",
        [0x0C03_20] = "EHCI",          [0x0C03_30] = "XHCI",
    };

    /// <summary>A class of 16 bits.</summary>
    public static string Class(uint value, PciNaming naming)
    {
        string number = value.ToString("x4", CultureInfo.InvariantCulture);
        if (naming == PciNaming.Numbers)
        {
            return number;
        }

        if (Classes.TryGetValue(value, out string? name))
        {
            return naming == PciNaming.Both ? $"{name} [{number}]" : name;
        }

        return BaseClasses.TryGetValue(value >> 8, out name) ? $"{name} [{number}]"
            : naming == PciNaming.Both ? $"Class [{number}]"
            : $"Class {number}";
    }

    /// <summary>The programming interface's name, or null.</summary>
    public static string? Interface(uint classAndInterface) => Interfaces.GetValueOrDefault(classAndInterface);

    /// <summary>Vendor and device.</summary>
    public static string Device(uint vendor, uint device, PciNaming naming) =>
        Pair(vendor, device, Devices.GetValueOrDefault((vendor << 16) | device), naming);

    /// <summary>Vendor and device of a subsystem.</summary>
    public static string Subsystem(uint vendor, uint device, uint subsystemVendor, uint subsystem, PciNaming naming)
    {
        uint id = (vendor << 16) | device;
        uint subsystemId = (subsystemVendor << 16) | subsystem;
        string? name = Subsystems.GetValueOrDefault((id, subsystemId));
        name ??= id == subsystemId ? Devices.GetValueOrDefault(id) : null;
        return Pair(subsystemVendor, subsystem, name, naming);
    }

    private static string Pair(uint vendor, uint device, string? name, PciNaming naming)
    {
        string number = string.Create(CultureInfo.InvariantCulture, $"{vendor:x4}:{device:x4}");
        string? maker = Vendors.GetValueOrDefault(vendor);
        return naming switch
        {
            PciNaming.Numbers => number,
            PciNaming.Both =>
                $"{(maker is null ? "" : maker + " ")}{(maker is null ? "Device" : name ?? "Device")} [{number}]",
            _ when maker is null => $"Device {number}",
            _ => name is null ? $"{maker} Device {number[5..]}" : $"{maker} {name}",
        };
    }
}
