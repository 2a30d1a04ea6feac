namespace Emulator.KernelShim;

/// <summary>Numbers in texts as the kernel reads them strictly (lib/kstrtox.c).</summary>
internal static class KernelStrings
{
    /// <summary>
    /// kstrtoull with base 0 and a largest value: a number to the end of the text, which may be followed by one newline.
    /// </summary>
    /// <returns>0; -EINVAL when it is no number, -ERANGE when it is too large.</returns>
    public static long TryParse(string text, ulong largest, out ulong value, uint radix = 0)
    {
        value = 0;
        ReadOnlySpan<char> digits = text.AsSpan(text.StartsWith('+') ? 1 : 0);
        digits = digits is [.., '\n'] ? digits[..^1] : digits;
        bool hasPrefix = digits is ['0', 'x' or 'X', ..];
        bool isHexadecimal = hasPrefix && digits.Length > 2 && char.IsAsciiHexDigit(digits[2]);
        uint actual =
            radix != 0 ? radix
            : isHexadecimal ? 16u
            : digits is ['0', ..] ? 8u
            : 10u;
        digits = actual == 16 && isHexadecimal ? digits[2..] : digits;
        if (digits.Length == 0)
        {
            return -(long)Errno.EINVAL;
        }

        foreach (char letter in digits)
        {
            uint digit = char.IsAsciiHexDigit(letter) ? (uint)Convert.ToInt32(letter.ToString(), 16) : uint.MaxValue;
            if (digit >= actual)
            {
                return -(long)Errno.EINVAL;
            }

            if (value > (largest - digit) / actual)
            {
                return -(long)Errno.ERANGE;
            }

            value = value * actual + digit;
        }

        return 0;
    }
}
