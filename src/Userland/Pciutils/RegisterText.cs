using System.Globalization;
using System.Text;

namespace Emulator.Userland;

/// <summary>
/// The text of a register as lspci shows it, from a template. <c>{5}</c> is bit 5 as + or -; <c>{0-3}</c> bits 3 to 0 in
/// decimal; <c>{0-3:x2}</c> in hex, with two digits at least (<c>d2</c>: in
/// decimal); <c>{0-3:name}</c> a word of <see cref="RegisterWords"/>.
/// </summary>
internal static class RegisterText
{
    /// <summary>The text for a register's value.</summary>
    public static string Render(string template, uint value)
    {
        var text = new StringBuilder();
        for (int at = 0; at < template.Length; at++)
        {
            if (template[at] != '{')
            {
                text.Append(template[at]);
                continue;
            }

            int end = template.IndexOf('}', at);
            text.Append(Field(template.AsSpan(at + 1, end - at - 1), value));
            at = end;
        }

        return text.ToString();
    }

    /// <summary>Bits of a value, right-aligned.</summary>
    public static uint Bits(uint value, int low, int high) =>
        (value >> low) & (high - low == 31 ? uint.MaxValue : (1U << (high - low + 1)) - 1);

    /// <summary>A bit as lspci shows it.</summary>
    public static char Flag(uint value, int bit) => ((value >> bit) & 1) != 0 ? '+' : '-';

    private static string Field(ReadOnlySpan<char> field, uint value)
    {
        int colon = field.IndexOf(':');
        ReadOnlySpan<char> place = colon < 0 ? field : field[..colon];
        int dash = place.IndexOf('-');
        if (dash < 0)
        {
            return Flag(value, Number(place)).ToString();
        }

        uint bits = Bits(value, Number(place[..dash]), Number(place[(dash + 1)..]));
        if (colon < 0)
        {
            return bits.ToString(CultureInfo.InvariantCulture);
        }

        string format = field[(colon + 1)..].ToString();
        bool isNumber = format[0] is 'x' or 'd' && format[1..].All(char.IsAsciiDigit);
        return isNumber ? bits.ToString(format, CultureInfo.InvariantCulture) : RegisterWords.Of(format, bits);
    }

    private static int Number(ReadOnlySpan<char> digits) =>
        int.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture);
}
