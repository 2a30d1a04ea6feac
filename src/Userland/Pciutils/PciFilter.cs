namespace Emulator.Userland;

/// <summary>Which devices: <c>-s [[[[domain]:]bus]:][slot][.[function]]</c> and <c>-d [vendor]:[device][:class[:interface]]</c>.</summary>
internal sealed class PciFilter
{
    private const uint NoMask = uint.MaxValue;

    private uint? _domain;
    private uint? _bus;
    private uint? _slot;
    private uint? _function;
    private uint? _vendor;
    private uint? _device;
    private uint? _class;
    private uint _classMask = NoMask;
    private uint? _interface;

    /// <summary>Reads a slot; what is wrong, or null.</summary>
    public string? ParseSlot(string text)
    {
        string[] fields = text.Split(':');
        if (fields.Length > 3)
        {
            return "Too many fields";
        }

        if (fields.Length == 3 && !Parse(fields[0], 0x7FFF_FFFF, ref _domain))
        {
            return "Invalid domain number";
        }

        if (fields.Length >= 2 && !Parse(fields[^2], 0xFF, ref _bus))
        {
            return "Invalid bus number";
        }

        if (fields[^1] is "" or "*")
        {
            return null;
        }

        string[] place = fields[^1].Split('.');
        return place.Length > 2 ? "Invalid slot/function number"
            : !Parse(place[0], 0x1F, ref _slot) ? "Invalid slot number"
            : place.Length == 2 && !Parse(place[1], 7, ref _function) ? "Invalid function number"
            : null;
    }

    /// <summary>Reads IDs; what is wrong, or null.</summary>
    public string? ParseId(string text)
    {
        string[] fields = text.Split(':');
        if (fields.Length > 4)
        {
            return "Too many fields";
        }

        if (fields.Length == 1)
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

        return fields.Length > 3 && !Parse(fields[3], 0xFF, ref _interface)
            ? "Invalid programming interface code"
            : null;
    }

    /// <summary>Whether a device is meant.</summary>
    public bool Matches(PciSysfsDevice device) =>
        Fits(_domain, device.Domain)
        && Fits(_bus, device.Bus)
        && Fits(_slot, device.Slot)
        && Fits(_function, device.Function)
        && Fits(_vendor, device.Vendor)
        && Fits(_device, device.Device)
        && (_class is not { } wanted || ((wanted ^ device.Class) & _classMask) == 0)
        && Fits(_interface, device.Interface);

    private static bool Fits(uint? wanted, uint value) => wanted is null || wanted == value;

    private static bool Parse(string text, uint most, ref uint? value)
    {
        if (text is "" or "*")
        {
            return true;
        }

        ulong number = 0;
        foreach (char digit in text)
        {
            if (!char.IsAsciiHexDigit(digit))
            {
                return false;
            }

            number = (number << 4) | (uint)Convert.ToInt32(digit.ToString(), 16);
            if (number > most)
            {
                return false;
            }
        }

        value = (uint)number;
        return true;
    }

    /// <summary>An x stands for any digit of a class.</summary>
    private bool ParseClass(string text)
    {
        if (text is "" or "*")
        {
            return true;
        }

        if (text.Length > 4)
        {
            return false;
        }

        uint value = 0;
        uint mask = NoMask;
        foreach (char digit in text)
        {
            bool isAny = digit is 'x' or 'X';
            if (!isAny && !char.IsAsciiHexDigit(digit))
            {
                return false;
            }

            value = (value << 4) | (isAny ? 0u : (uint)Convert.ToInt32(digit.ToString(), 16));
            mask = (mask << 4) | (isAny ? 0u : 0xF);
        }

        _class = value;
        _classMask = mask;
        return true;
    }
}
