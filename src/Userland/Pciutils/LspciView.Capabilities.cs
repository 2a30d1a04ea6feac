namespace Emulator.Userland;

/// <content>Capabilities of the first 256 bytes.</content>
internal sealed partial class LspciView
{
    private void Capabilities(PciSysfsDevice device)
    {
        int? express = null;
        bool canExtend = false;
        if ((device.Word(StatusAt) & 0x10) != 0)
        {
            var seen = new HashSet<int>();
            for (int at = device.Byte(0x34) & ~3; at != 0; at = device.Byte(at + 1) & ~3)
            {
                Put("\tCapabilities: ");
                if (!device.Has(at, 4))
                {
                    Put("<access denied>\n");
                    break;
                }

                Put($"[{at:x2}] ");
                if (!seen.Add(at))
                {
                    Put("<chain looped>\n");
                    break;
                }

                if (device.Byte(at) == 0xFF)
                {
                    Put("<chain broken>\n");
                    break;
                }

                canExtend |= device.Byte(at) is 0x07 or 0x10;
                express = Capability(device, at) ?? express;
            }
        }

        if (canExtend)
        {
            ExtendedCapabilities(device, express ?? -1);
        }
    }

    /// <summary>One capability; the port type where it is PCI Express.</summary>
    private int? Capability(PciSysfsDevice device, int at)
    {
        uint word = device.Word(at + 2);
        switch (device.Byte(at))
        {
            case 0x00:
                Put("Null\n");
                break;
            case 0x01:
                PowerManagement(device, at, word);
                break;
            case 0x04:
                Put($"Slot ID: {word & 0x1F} slots, {PciFlags.Show(word, "First:5")}, chassis {word >> 8:x2}\n");
                break;
            case 0x05:
                Msi(device, at, word);
                break;
            case 0x09:
                Vendor(device, at, word);
                break;
            case 0x0C:
                Put("Hot-plug capable\n");
                break;
            case 0x0D:
                string subsystem = PciNames.Subsystem(
                    device.Vendor,
                    device.Device,
                    device.Word(at + 4),
                    device.Word(at + 6),
                    naming
                );
                Put($"Subsystem: {subsystem}\n");
                break;
            case 0x10:
                return Express(device, at, word);
            case 0x11:
                Msix(device, at, word);
                break;
            default:
                Put($"Capability ID 0x{device.Byte(at):x} [{word:x4}]\n");
                break;
        }

        return null;
    }

    private void PowerManagement(PciSysfsDevice device, int at, uint word)
    {
        Put($"Power Management version {word & 7}\n");
        if (verbosity < 2)
        {
            return;
        }

        int[] currents = [0, 55, 100, 160, 220, 270, 320, 375];
        Put(
            $"\t\tFlags: {PciFlags.Show(word, "PMEClk:3 DSI:5 D1:9 D2:10")} AuxCurrent={currents[PciFlags.Field(word, 6, 3)]}mA "
        );
        Put($"PME({PciFlags.Show(word, "D0:11 D1:12 D2:13 D3hot:14 D3cold:15").Replace(' ', ',')})\n");
        uint status = device.Word(at + 4);
        Put($"\t\tStatus: D{status & 3} {PciFlags.Show(status, "NoSoftRst:3 PME-Enable:8")} ");
        Put(
            $"DSel={PciFlags.Field(status, 9, 4)} DScale={PciFlags.Field(status, 13, 2)} {PciFlags.Show(status, "PME:15")}\n"
        );
        uint bridge = device.Byte(at + 6);
        if (bridge != 0)
        {
            Put($"\t\tBridge: {PciFlags.Show(bridge, "PM:7")} {PciFlags.Show(~bridge, "B3:6")}\n");
        }
    }

    private void Msi(PciSysfsDevice device, int at, uint word)
    {
        Put(
            $"MSI: {PciFlags.Show(word, "Enable:0")} Count={1 << (int)PciFlags.Field(word, 4, 3)}/{1 << (int)PciFlags.Field(word, 1, 3)} "
        );
        Put($"{PciFlags.Show(word, "Maskable:8 64bit:7")}\n");
        if (verbosity < 2)
        {
            return;
        }

        bool is64Bit = (word & 0x80) != 0;
        int data = at + (is64Bit ? 12 : 8);
        Put(
            $"\t\tAddress: {(is64Bit ? $"{device.Long(at + 8):x8}" : "")}{device.Long(at + 4):x8}  Data: {device.Word(data):x4}\n"
        );
        if ((word & 0x100) != 0)
        {
            Put($"\t\tMasking: {device.Long(data + 4):x8}  Pending: {device.Long(data + 8):x8}\n");
        }
    }

    private void Msix(PciSysfsDevice device, int at, uint word)
    {
        Put(
            $"MSI-X: {PciFlags.Show(word, "Enable:15")} Count={(word & 0x7FF) + 1} {PciFlags.Show(word, "Masked:14")}\n"
        );
        if (verbosity < 2)
        {
            return;
        }

        uint table = device.Long(at + 4);
        uint pending = device.Long(at + 8);
        Put($"\t\tVector table: BAR={table & 7} offset={table & ~7u:x8}\n");
        Put($"\t\tPBA: BAR={pending & 7} offset={pending & ~7u:x8}\n");
    }

    private void Vendor(PciSysfsDevice device, int at, uint word)
    {
        uint length = word & 0xFF;
        uint type = word >> 8;
        bool isVirtio = device.Word(0) == 0x1AF4 && device.Word(2) is >= 0x1000 and <= 0x107F;
        Put("Vendor Specific Information: ");
        if (!isVirtio || length < 16 || !device.Has(at, (int)length))
        {
            Put($"Len={length:x2} <?>\n");
            return;
        }

        string name = type switch
        {
            1 => "CommonCfg",
            2 => "Notify",
            3 => "ISR",
            4 => "DeviceCfg",
            _ => "<unknown>",
        };
        Put($"VirtIO: {name}\n");
        if (verbosity >= 2)
        {
            Put($"\t\tBAR={device.Byte(at + 4)} offset={device.Long(at + 8):x8} size={device.Long(at + 12):x8}");
            Put(type == 2 && length >= 20 ? $" multiplier={device.Long(at + 16):x8}\n" : (FormattableString)$"\n");
        }
    }
}
