using System.Globalization;

namespace Emulator.Userland;

/// <summary>Where a function is: domain, bus, slot (device number) and function.</summary>
internal readonly record struct PciAddress(int Domain, int Bus, int Slot, int Function)
{
    /// <summary>A number that orders addresses.</summary>
    public long Order => ((long)Domain << 24) | ((long)Bus << 16) | ((long)Slot << 8) | (uint)Function;

    /// <summary>The name without its domain.</summary>
    public string Short => $"{Bus:x2}:{Slot:x2}.{Function}";

    /// <summary>The name that sysfs gives it.</summary>
    public override string ToString() => $"{Domain:x4}:{Short}";

    /// <summary>Reads a name as sysfs or a dump has it, with a domain or without.</summary>
    public static PciAddress? Parse(string name)
    {
        string[] parts = name.Split(':');
        string[] last = parts[^1].Split('.');
        if (parts.Length is < 2 or > 3 || last.Length != 2)
        {
            return null;
        }

        int? domain = parts.Length == 3 ? Hex(parts[0]) : 0;
        return
            domain is { } d
            && Hex(parts[^2]) is { } bus
            && Hex(last[0]) is { } slot
            && int.TryParse(last[1], NumberStyles.None, CultureInfo.InvariantCulture, out int function)
            ? new PciAddress(d, bus, slot, function)
            : null;
    }

    private static int? Hex(string text) =>
        int.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int value) && value >= 0
            ? value
            : null;
}
