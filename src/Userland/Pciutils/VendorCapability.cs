namespace Emulator.Userland;

/// <summary>The vendor-specific capability: of virtio devices it is known what it means (virtio 1.0, 4.1.4).</summary>
internal static class VendorCapability
{
    private const int RedHat = 0x1AF4;
    private const int SmallestVirtio = 16;

    /// <summary>Writes it.</summary>
    public static async Task Write(CapabilityView view)
    {
        view.Print("Vendor Specific Information: ");
        int length = (int)(view.Flags & 0xFF);
        PciConfig config = view.Function.Config;
        bool isVirtio = config.Word(0) == RedHat && config.Word(2) is >= 0x1000 and <= 0x107F;
        if (!isVirtio || length < SmallestVirtio || !await view.Fetch(0, length))
        {
            view.Print($"Len={length:x2} <?>\n");
            return;
        }

        uint type = view.Flags >> 8;
        string name = type switch
        {
            1 => "CommonCfg",
            2 => "Notify",
            3 => "ISR",
            4 => "DeviceCfg",
            _ => "<unknown>",
        };
        view.Print($"VirtIO: {name}\n");
        if (!view.IsDetailed)
        {
            return;
        }

        string multiplier = type == 2 && length >= 20 ? $" multiplier={view.Long(16):x8}" : "";
        view.Print($"\t\tBAR={view.Byte(4)} offset={view.Long(8):x8} size={view.Long(12):x8}{multiplier}\n");
    }
}
