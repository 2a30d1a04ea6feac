using System.Text;

namespace Emulator.Userland;

/// <summary>The backslash escapes of echo -e, printf and $''.</summary>
internal static class Escapes
{
    /// <summary>The text with its escapes replaced; <c>\c</c> is left as it stands.</summary>
    public static string Expand(string text) => Encoding.UTF8.GetString(Bytes(text, out _));

    /// <summary>The bytes a text with escapes stands for (<c>\xff</c> is one byte).</summary>
    /// <param name="text">The text.</param>
    /// <param name="stop">Whether <c>\c</c> ended it.</param>
    public static byte[] Bytes(string text, out bool stop)
    {
        var bytes = new List<byte>(text.Length);
        stop = false;
        for (int at = 0; at < text.Length; at++)
        {
            if (text[at] != '\\' || at + 1 == text.Length)
            {
                int length = char.IsHighSurrogate(text[at]) && at + 1 < text.Length ? 2 : 1;
                bytes.AddRange(Encoding.UTF8.GetBytes(text, at, length));
                at += length - 1;
                continue;
            }

            char c = text[++at];
            switch (c)
            {
                case 'c':
                    stop = true;
                    return [.. bytes];
                case 'x' when at + 1 < text.Length && char.IsAsciiHexDigit(text[at + 1]):
                    bytes.Add((byte)Number(text, ref at, 16, 2, skip: 1));
                    break;
                case >= '0' and <= '7':
                    bytes.Add((byte)Number(text, ref at, 8, c == '0' ? 4 : 3, skip: 0));
                    break;
                default:
                    int known = "abefnrtv\\\"'".IndexOf(c, StringComparison.Ordinal);
                    if (known < 0)
                    {
                        bytes.Add((byte)'\\');
                        bytes.AddRange(Encoding.UTF8.GetBytes(c.ToString()));
                    }
                    else
                    {
                        bytes.Add((byte)"\a\b\u001b\f\n\r\t\v\\\"'"[known]);
                    }

                    break;
            }
        }

        return [.. bytes];
    }

    private static int Number(string text, ref int at, int radix, int digits, int skip)
    {
        at += skip;
        int value = 0;
        int count = 0;
        while (count < digits && at + count < text.Length)
        {
            char c = text[at + count];
            int digit = char.IsAsciiHexDigit(c) ? Convert.ToInt32(c.ToString(), 16) : radix;
            if (digit >= radix)
            {
                break;
            }

            value = value * radix + digit;
            count++;
        }

        at += count - 1;
        return value;
    }
}
