namespace Emulator.Userland;

/// <summary>How names and numbers are shown: names, numbers (-n) or both (-nn).</summary>
/// <remarks>The forms are those of pci_lookup_name (pciutils, lib/names.c).</remarks>
/// <param name="ids">The names.</param>
/// <param name="numeric">How often -n was given.</param>
internal sealed class PciNames(PciIds ids, int numeric)
{
    private bool IsNumeric => numeric == 1;

    private bool IsMixed => numeric > 1;

    /// <summary>A class of 16 bits; a subclass without a name is shown by its base class and number.</summary>
    public string Class(int code)
    {
        string? name = ids.Subclass(code >> 8, code & 0xFF);
        bool isBase = name is null && ids.Class(code >> 8) is not null;
        return One(name ?? ids.Class(code >> 8), $"{code:x4}", "Class", IsMixed || (isBase && !IsNumeric));
    }

    public string Vendor(int vendor) => One(ids.Vendor(vendor), $"{vendor:x4}", "Vendor", IsMixed);

    public string Device(int vendor, int device) => One(ids.Device(vendor, device), $"{device:x4}", "Device", IsMixed);

    public string SubsystemVendor(int vendor) => One(ids.Vendor(vendor), $"{vendor:x4}", "Unknown vendor", IsMixed);

    public string SubsystemDevice(PciFunction function) =>
        One(
            ids.Subsystem(function.Vendor, function.Device, function.SubsystemVendor, function.SubsystemDevice),
            $"{function.SubsystemDevice:x4}",
            "Device",
            IsMixed
        );

    /// <summary>Vendor and device in one.</summary>
    public string Full(int vendor, int device) =>
        Pair(ids.Vendor(vendor), ids.Device(vendor, device), $"{vendor:x4}", $"{device:x4}");

    /// <summary>A subsystem's vendor and device in one.</summary>
    public string FullSubsystem(PciFunction function, int subVendor, int subDevice) =>
        Pair(
            ids.Vendor(subVendor),
            ids.Subsystem(function.Vendor, function.Device, subVendor, subDevice),
            $"{subVendor:x4}",
            $"{subDevice:x4}"
        );

    /// <summary>A programming interface's name, never its number; null when it has none.</summary>
    public string? ProgIf(int code, int progIf) =>
        ids.ProgIf(code >> 8, code & 0xFF, progIf) ?? (code == 0x0101 && (progIf & 0x70) == 0 ? Ide(progIf) : null);

    private static string Ide(int progIf)
    {
        (int Bit, string Name)[] modes = [(7, "Master"), (3, "SecP"), (2, "SecO"), (1, "PriP"), (0, "PriO")];
        return string.Join(' ', modes.Where(mode => ((progIf >> mode.Bit) & 1) != 0).Select(mode => mode.Name));
    }

    private string One(string? name, string number, string unknown, bool isMixed) =>
        IsNumeric && !isMixed ? number
        : name is null ? (isMixed ? $"{unknown} [{number}]" : $"{unknown} {number}")
        : isMixed ? $"{name} [{number}]"
        : name;

    private string Pair(string? vendor, string? device, string vendorNumber, string deviceNumber)
    {
        string numbers = $"{vendorNumber}:{deviceNumber}";
        if (IsNumeric)
        {
            return numbers;
        }

        string suffix = IsMixed ? $" [{numbers}]" : "";
        return vendor is null ? (IsMixed ? "Device" + suffix : $"Device {numbers}")
            : device is not null ? $"{vendor} {device}{suffix}"
            : IsMixed ? $"{vendor} Device{suffix}"
            : $"{vendor} Device {deviceNumber}";
    }
}
