using System.Globalization;

namespace Emulator.Boards;

/// <summary>Values as QEMU's options write them.</summary>
internal static class QemuValue
{
    /// <summary>A number, decimal or with 0x.</summary>
    public static bool TryNumber(string text, out ulong value) =>
        text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            ? ulong.TryParse(text.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out value)
            : ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);

    /// <summary>on, off and their other spellings; null for anything else.</summary>
    public static bool? ReadSwitch(string text) =>
        text switch
        {
            "on" or "yes" or "true" or "y" => true,
            "off" or "no" or "false" or "n" => false,
            _ => null,
        };

    /// <summary>Splits <c>NAME,key=value,...</c>; a doubled comma is one of the value.</summary>
    public static IReadOnlyList<string> SplitOption(string text)
    {
        var parts = new List<string>();
        var part = new System.Text.StringBuilder();
        for (int at = 0; at < text.Length; at++)
        {
            bool isDoubled = text[at] == ',' && at + 1 < text.Length && text[at + 1] == ',';
            if (text[at] == ',' && !isDoubled)
            {
                parts.Add(part.ToString());
                part.Clear();
                continue;
            }

            part.Append(text[at]);
            at += isDoubled ? 1 : 0;
        }

        parts.Add(part.ToString());
        return parts;
    }

    /// <summary>A PCI address: device number, or device and function, both hexadecimal.</summary>
    public static int? ReadDevfn(string text)
    {
        string[] parts = text.Split('.');
        bool isFine =
            parts.Length is 1 or 2
            && TryHex(parts[0], 0x1F, out _)
            && (parts.Length == 1 || TryHex(parts[1], 7, out _));
        if (!isFine)
        {
            return null;
        }

        TryHex(parts[0], 0x1F, out int device);
        int function = 0;
        if (parts.Length == 2)
        {
            TryHex(parts[1], 7, out function);
        }

        return (device << 3) | function;
    }

    private static bool TryHex(string text, int most, out int value)
    {
        ReadOnlySpan<char> digits = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? text.AsSpan(2) : text;
        return int.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value)
            && value >= 0
            && value <= most;
    }
}
