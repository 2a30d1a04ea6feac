using System.Globalization;

namespace Emulator.Userland;

/// <summary>Which functions -s and -d choose. What is not given matches everything.</summary>
/// <remarks>Syntax and messages are those of pciutils, lib/filter.c (pci_filter_parse_slot, pci_filter_parse_id).</remarks>
internal sealed class PciFilter
{
    private const int LongestExpression = 63;

    private int? _domain;
    private int? _bus;
    private int? _slot;
    private int? _function;
    private int? _vendor;
    private int? _device;
    private int? _class;
    private uint _classMask = uint.MaxValue;
    private int? _progIf;

    /// <summary>The one address it can match, or null.</summary>
    public PciAddress? Single =>
        _domain is { } domain && _bus is { } bus && _slot is { } slot && _function is { } function
            ? new PciAddress(domain, bus, slot, function)
            : null;

    /// <summary>Reads <c>[[[[domain]:]bus]:][slot][.[function]]</c>; what is wrong, or null.</summary>
    public string? ParseSlot(string text)
    {
        string[] fields = text.Split(':');
        if (text.Length > LongestExpression)
        {
            return "Expression too long";
        }

        if (fields.Length > 3)
        {
            return "Too many fields";
        }

        if (fields.Length == 3 && !Parse(fields[0], int.MaxValue, ref _domain))
        {
            return "Invalid domain number";
        }

        if (fields.Length > 1 && !Parse(fields[^2], 0xFF, ref _bus))
        {
            return "Invalid bus number";
        }

        string[] place = fields[^1].Split('.');
        if (place.Length > 2)
        {
            return "Invalid slot/function number";
        }

        if (!Parse(place[0], 0x1F, ref _slot))
        {
            return "Invalid slot number";
        }

        return place.Length > 1 && !Parse(place[1], 7, ref _function) ? "Invalid function number" : null;
    }

    /// <summary>Reads <c>[vendor]:[device][:class[:prog-if]]</c>; what is wrong, or null.</summary>
    public string? ParseId(string text)
    {
        string[] fields = text.Split(':');
        if (text.Length > LongestExpression)
        {
            return "Expression too long";
        }

        if (fields.Length > 4)
        {
            return "Too many fields";
        }

        if (fields.Length < 2)
        {
            return "At least two fields must be given";
        }

        if (!Parse(fields[0], 0xFFFF, ref _vendor))
        {
            return "Invalid vendor ID";
        }

        if (!Parse(fields[1], 0xFFFF, ref _device))
        {
            return "Invalid device ID";
        }

        if (fields.Length > 2 && !ParseClass(fields[2]))
        {
            return "Invalid class code";
        }

        return fields.Length > 3 && !Parse(fields[3], 0xFF, ref _progIf) ? "Invalid programming interface code" : null;
    }

    /// <summary>Whether a function is chosen.</summary>
    public bool Matches(PciFunction function) =>
        Is(_domain, function.Address.Domain)
        && Is(_bus, function.Address.Bus)
        && Is(_slot, function.Address.Slot)
        && Is(_function, function.Address.Function)
        && Is(_vendor, function.Vendor)
        && Is(_device, function.Device)
        && (_class is not { } wanted || ((uint)(wanted ^ function.Class) & _classMask) == 0)
        && Is(_progIf, function.ProgIf);

    private static bool Is(int? wanted, int found) => wanted is not { } value || value == found;

    private static bool Parse(string text, long maximum, ref int? field)
    {
        if (text is "" or "*")
        {
            return true;
        }

        if (
            !text.All(char.IsAsciiHexDigit)
            || !long.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out long value)
            || value < 0
            || value > maximum
        )
        {
            return false;
        }

        field = (int)value;
        return true;
    }

    /// <summary>A class, in which an x stands for any digit.</summary>
    private bool ParseClass(string text)
    {
        if (text is "" or "*")
        {
            return true;
        }

        string digits = text.Replace('x', '0').Replace('X', '0');
        if (!Parse(digits, 0xFFFF, ref _class))
        {
            return false;
        }

        uint mask = uint.MaxValue;
        foreach (char c in text)
        {
            mask = (mask << 4) | (c is 'x' or 'X' ? 0U : 0xF);
        }

        _classMask = mask;
        return true;
    }
}
