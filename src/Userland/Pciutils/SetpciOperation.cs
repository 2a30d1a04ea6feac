using System.Globalization;

namespace Emulator.Userland;

/// <summary>A mistake in setpci's command line.</summary>
internal sealed class SetpciMistake(string message) : Exception(message);

/// <summary>One operation of setpci: a register, and what is to be written to it.</summary>
/// <param name="Register">The register; its address includes the offset.</param>
/// <param name="Bytes">How wide the access is.</param>
/// <param name="Instance">Which of the capabilities of the ID.</param>
/// <param name="Values">What is written, with the mask of what is changed; nothing to read.</param>
internal sealed record SetpciOperation(
    SetpciRegister Register,
    int Bytes,
    int Instance,
    IReadOnlyList<(uint Value, uint Mask)> Values
)
{
    private const int ConfigBytes = PciConfig.MaximumBytes;

    /// <summary>All bits of an access's width.</summary>
    public static uint Ones(int bytes) => bytes == 4 ? uint.MaxValue : (1U << (8 * bytes)) - 1;

    /// <summary>Reads <c>register[+offset][.width][@number][=value[:mask],...]</c>.</summary>
    /// <exception cref="SetpciMistake">It is no good.</exception>
    public static SetpciOperation Parse(string word)
    {
        (string rest, string? values) = Cut(word, '=');
        (rest, string? number) = Cut(rest, '@');
        (rest, string? width) = Cut(rest, '.');
        (string name, string? offset) = Cut(rest, '+');
        if (values is "")
        {
            throw new SetpciMistake("Missing value");
        }

        string[] list = values?.Split(',') ?? [];
        int bytes = width is null ? 0 : WidthOf(width);
        int instance = number is null ? 0 : (int)(Whole(number, int.MaxValue) ?? throw Bad("number", number));
        SetpciRegister register = Find(name);
        bytes = bytes != 0 ? bytes : register.Bytes;
        if (bytes == 0)
        {
            throw new SetpciMistake("Missing width");
        }

        if (offset is not null)
        {
            uint more = Whole(offset, ConfigBytes - 1) ?? throw Bad("offset", offset);
            register = register with { Address = register.Address + (int)more };
        }

        if (register.Address >= ConfigBytes || register.Address + bytes * Math.Max(1, list.Length) > ConfigBytes)
        {
            throw new SetpciMistake($"Register number {register.Address:x2} out of range");
        }

        return (register.Address & (bytes - 1)) == 0
            ? new SetpciOperation(register, bytes, instance, [.. list.Select(value => ValueOf(value, bytes))])
            : throw new SetpciMistake($"Unaligned register address {register.Address:x2}");
    }

    private static (string Head, string? Tail) Cut(string text, char separator)
    {
        int at = text.IndexOf(separator, StringComparison.Ordinal);
        return at < 0 ? (text, null) : (text[..at], text[(at + 1)..]);
    }

    private static SetpciMistake Bad(string what, string text) => new($"Invalid {what} \"{text}\"");

    private static int WidthOf(string width) =>
        width.Length > 1
            ? throw Bad("width", width)
            : width switch
            {
                "b" or "B" => 1,
                "w" or "W" => 2,
                "l" or "L" => 4,
                _ => throw Bad("width", width),
            };

    private static SetpciRegister Find(string name)
    {
        if (Whole(name, uint.MaxValue) is { } address)
        {
            return new SetpciRegister(CapabilityKind.None, 0, (int)Math.Min(address, int.MaxValue / 2), 0, 0, name);
        }

        foreach (SetpciRegister register in SetpciRegisters.Known)
        {
            if (string.Equals(register.Name, name, StringComparison.OrdinalIgnoreCase))
            {
                return register;
            }
        }

        return name.StartsWith("CAP", StringComparison.OrdinalIgnoreCase) && Whole(name[3..], 0xFF) is { } id
                ? new SetpciRegister(CapabilityKind.Normal, (int)id, 0, 0, 0, name)
            : name.StartsWith("ECAP", StringComparison.OrdinalIgnoreCase) && Whole(name[4..], 0xFFF) is { } extended
                ? new SetpciRegister(CapabilityKind.Extended, (int)extended, 0, 0, 0, name)
            : throw new SetpciMistake($"Unknown register \"{name}\"");
    }

    /// <summary>A value with a mask behind a colon; a value can be negative.</summary>
    private static (uint Value, uint Mask) ValueOf(string text, int bytes)
    {
        (string value, string? mask) = Cut(text, ':');
        uint bits = Number(value) ?? throw Bad("value", text);
        Check("Value", text, bits, bytes);
        if (mask is null)
        {
            return (bits, uint.MaxValue);
        }

        uint chosen = Number(mask) ?? throw Bad("mask", mask);
        Check("Mask", mask, chosen, bytes);
        return (bits & chosen, chosen);
    }

    private static void Check(string what, string text, uint value, int bytes)
    {
        uint limit = Ones(bytes);
        if (value > limit && value < uint.MaxValue - limit)
        {
            throw new SetpciMistake($"{what} \"{text}\" is out of range");
        }
    }

    private static uint? Whole(string text, uint maximum) =>
        Number(text) is { } value && value <= maximum ? value : null;

    private static uint? Number(string text)
    {
        string digits = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? text[2..] : text;
        return uint.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint value)
            ? value
            : null;
    }
}
