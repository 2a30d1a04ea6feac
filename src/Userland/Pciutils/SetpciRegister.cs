using System.Globalization;

namespace Emulator.Userland;

/// <summary>A register of setpci: <c>COMMAND</c>, <c>ECAP_ACS+6.w</c>, <c>CAP10+8.l</c>, <c>3c.b</c>.</summary>
/// <param name="Capability">The capability it is in, or null.</param>
/// <param name="IsExtended">Whether that is an extended one.</param>
/// <param name="Instance">Which one of several with that ID.</param>
/// <param name="Offset">The offset, in the capability or in configuration space.</param>
/// <param name="WidthBytes">1, 2 or 4.</param>
/// <param name="Headers">The header types that have the register, a bit for each; 0 for all.</param>
/// <param name="Name">Its name.</param>
internal sealed record SetpciRegister(
    uint? Capability,
    bool IsExtended,
    int Instance,
    int Offset,
    int WidthBytes,
    int Headers,
    string Name
)
{
    private const int Both = 3;

    // csharpier-ignore
    private static readonly (string Name, int Offset, int Width, int Headers)[] Named =
    [
        ("VENDOR_ID", 0x00, 2, 0), ("DEVICE_ID", 0x02, 2, 0), ("COMMAND", 0x04, 2, 0), ("STATUS", 0x06, 2, 0),
        ("REVISION", 0x08, 1, 0), ("CLASS_PROG", 0x09, 1, 0), ("CLASS_DEVICE", 0x0A, 2, 0), ("CACHE_LINE_SIZE", 0x0C, 1, 0),
        ("LATENCY_TIMER", 0x0D, 1, 0), ("HEADER_TYPE", 0x0E, 1, 0), ("BIST", 0x0F, 1, 0),
        ("BASE_ADDRESS_0", 0x10, 4, Both), ("BASE_ADDRESS_1", 0x14, 4, Both), ("BASE_ADDRESS_2", 0x18, 4, 1),
        ("BASE_ADDRESS_3", 0x1C, 4, 1), ("BASE_ADDRESS_4", 0x20, 4, 1), ("BASE_ADDRESS_5", 0x24, 4, 1),
        ("CARDBUS_CIS", 0x28, 4, 1), ("SUBSYSTEM_VENDOR_ID", 0x2C, 2, 1), ("SUBSYSTEM_ID", 0x2E, 2, 1),
        ("ROM_ADDRESS", 0x30, 4, 1), ("CAPABILITIES", 0x34, 1, Both), ("INTERRUPT_LINE", 0x3C, 1, Both),
        ("INTERRUPT_PIN", 0x3D, 1, Both), ("MIN_GNT", 0x3E, 1, 1), ("MAX_LAT", 0x3F, 1, 1),
        ("PRIMARY_BUS", 0x18, 1, 2), ("SECONDARY_BUS", 0x19, 1, 2), ("SUBORDINATE_BUS", 0x1A, 1, 2),
        ("SEC_LATENCY_TIMER", 0x1B, 1, 2), ("IO_BASE", 0x1C, 1, 2), ("IO_LIMIT", 0x1D, 1, 2), ("SEC_STATUS", 0x1E, 2, 2),
        ("MEMORY_BASE", 0x20, 2, 2), ("MEMORY_LIMIT", 0x22, 2, 2), ("PREF_MEMORY_BASE", 0x24, 2, 2),
        ("PREF_MEMORY_LIMIT", 0x26, 2, 2), ("PREF_BASE_UPPER32", 0x28, 4, 2), ("PREF_LIMIT_UPPER32", 0x2C, 4, 2),
        ("IO_BASE_UPPER16", 0x30, 2, 2), ("IO_LIMIT_UPPER16", 0x32, 2, 2), ("BRIDGE_ROM_ADDRESS", 0x38, 4, 2),
        ("BRIDGE_CONTROL", 0x3E, 2, 2),
    ];

    // csharpier-ignore
    private static readonly (string Name, uint Id)[] Capabilities =
    [
        ("PM", 0x01), ("AGP", 0x02), ("VPD", 0x03), ("SLOTID", 0x04), ("MSI", 0x05), ("CHSWP", 0x06), ("PCIX", 0x07),
        ("HT", 0x08), ("VNDR", 0x09), ("DBG", 0x0A), ("CCRC", 0x0B), ("HOTPLUG", 0x0C), ("SSVID", 0x0D), ("AGP3", 0x0E),
        ("SECURE", 0x0F), ("EXP", 0x10), ("MSIX", 0x11), ("SATA", 0x12), ("AF", 0x13), ("EA", 0x14),
    ];

    // csharpier-ignore
    private static readonly (string Name, uint Id)[] ExtendedCapabilities =
    [
        ("AER", 0x01), ("VC", 0x02), ("DSN", 0x03), ("PB", 0x04), ("RCLINK", 0x05), ("RCILINK", 0x06), ("RCEC", 0x07),
        ("MFVC", 0x08), ("VC2", 0x09), ("RBCB", 0x0A), ("VNDR", 0x0B), ("ACS", 0x0D), ("ARI", 0x0E), ("ATS", 0x0F),
        ("SRIOV", 0x10), ("MRIOV", 0x11), ("MCAST", 0x12), ("PRI", 0x13), ("REBAR", 0x15), ("DPA", 0x16), ("TPH", 0x17),
        ("LTR", 0x18), ("SECPCI", 0x19), ("PMUX", 0x1A), ("PASID", 0x1B), ("LNR", 0x1C), ("DPC", 0x1D), ("L1PM", 0x1E),
        ("PTM", 0x1F), ("M_PCIE", 0x20), ("FRS", 0x21), ("RTR", 0x22), ("DVSEC", 0x23), ("VF_REBAR", 0x24),
        ("DLNK", 0x25), ("16GT", 0x26), ("LMR", 0x27), ("HIER_ID", 0x28), ("NPEM", 0x29),
    ];

    /// <summary>Reads <c>base[+offset][.width][@instance]</c>.</summary>
    /// <param name="text">The text.</param>
    /// <param name="mistake">What is wrong, in setpci's words.</param>
    public static SetpciRegister? Parse(string text, out string mistake)
    {
        mistake = "";
        string rest = text;
        string? instance = Cut(ref rest, '@');
        string? width = Cut(ref rest, '.');
        string? offset = Cut(ref rest, '+');
        int bytes = 0;
        if (width is not null)
        {
            bytes = width.ToUpperInvariant() switch
            {
                "B" => 1,
                "W" => 2,
                "L" => 4,
                _ => 0,
            };
            if (bytes == 0)
            {
                mistake = $"Invalid width \"{width}\"";
                return null;
            }
        }

        int number = 0;
        if (instance is not null && !TryHex(instance, out number))
        {
            mistake = $"Invalid number \"{instance}\"";
            return null;
        }

        if (FindBase(rest, bytes) is not { } register)
        {
            mistake = $"Unknown register \"{rest}\"";
            return null;
        }

        if (register.WidthBytes == 0)
        {
            mistake = "Missing width";
            return null;
        }

        int more = 0;
        if (offset is not null && (!TryHex(offset, out more) || more >= 0x1000))
        {
            mistake = $"Invalid offset \"{offset}\"";
            return null;
        }

        register = register with { Offset = register.Offset + more, Instance = number };
        mistake =
            register.Offset + register.WidthBytes > 0x1000 ? $"Register number {register.Offset:x2} out of range"
            : register.Offset % register.WidthBytes != 0 ? $"Unaligned register address {register.Offset:x2}"
            : "";
        return mistake.Length == 0 ? register : null;
    }

    private static SetpciRegister? FindBase(string text, int width)
    {
        if (TryHex(text, out int address) && address < 0x1000)
        {
            return new SetpciRegister(null, false, 0, address, width, 0, text);
        }

        foreach ((string name, int offset, int own, int headers) in Named)
        {
            if (string.Equals(name, text, StringComparison.OrdinalIgnoreCase))
            {
                return new SetpciRegister(null, false, 0, offset, width == 0 ? own : width, headers, name);
            }
        }

        bool isExtended = text.StartsWith("ECAP", StringComparison.OrdinalIgnoreCase);
        if (!isExtended && !text.StartsWith("CAP", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        string id = text[(isExtended ? 4 : 3)..];
        (string Name, uint Id)[] table = isExtended ? ExtendedCapabilities : Capabilities;
        uint? known = table
            .Where(entry => string.Equals("_" + entry.Name, id, StringComparison.OrdinalIgnoreCase))
            .Select(entry => (uint?)entry.Id)
            .FirstOrDefault();
        known ??= TryHex(id, out int value) && value < (isExtended ? 0x1000 : 0x100) ? (uint)value : null;
        return known is null ? null : new SetpciRegister(known, isExtended, 0, 0, width, 0, text);
    }

    internal static bool TryHex(string text, out int value)
    {
        bool isFine = uint.TryParse(
            text.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? text.AsSpan(2) : text,
            NumberStyles.AllowHexSpecifier,
            CultureInfo.InvariantCulture,
            out uint number
        );
        value = unchecked((int)number);
        return isFine;
    }

    private static string? Cut(ref string text, char mark)
    {
        int at = text.IndexOf(mark);
        if (at < 0)
        {
            return null;
        }

        string rest = text[(at + 1)..];
        text = text[..at];
        return rest;
    }
}
