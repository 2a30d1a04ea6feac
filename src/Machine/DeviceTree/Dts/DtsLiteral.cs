namespace Emulator.Machine.DeviceTrees;

/// <summary>The values of integer literals: hex after <c>0x</c>, octal after <c>0</c>, else decimal, in 64 bits.</summary>
internal static class DtsLiteral
{
    /// <summary>The value of a literal without its suffix; <paramref name="mistake"/> says what is wrong with it, or is null.</summary>
    public static ulong Parse(string digits, out string? mistake)
    {
        mistake = null;
        bool hex = digits.Length > 2 && digits[1] is 'x' or 'X';
        bool octal = !hex && digits[0] == '0';
        uint radix =
            hex ? 16u
            : octal ? 8u
            : 10u;
        ulong value = 0;
        foreach (char digit in hex ? digits.AsSpan(2) : digits)
        {
            uint number = char.IsAsciiDigit(digit) ? (uint)(digit - '0') : (uint)((digit | 0x20) - 'a' + 10);
            if (number >= radix)
            {
                mistake = $"'{digits}' begins with 0 and so is octal, but has a digit above 7";
                return 0;
            }
            UInt128 next = ((UInt128)value * radix) + number;
            if (next > ulong.MaxValue)
            {
                mistake = $"'{digits}' does not fit into 64 bits";
                return 0;
            }
            value = (ulong)next;
        }
        return value;
    }
}
