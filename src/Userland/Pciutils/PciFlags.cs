using System.Globalization;
using System.Text;

namespace Emulator.Userland;

/// <summary>Bits of a register by name, as lspci shows them: <c>SrcValid+ TransBlk-</c>.</summary>
internal static class PciFlags
{
    /// <summary>Names and bit numbers: <c>"SrcValid:0 TransBlk:1"</c> of 0x1 becomes <c>"SrcValid+ TransBlk-"</c>.</summary>
    public static string Show(uint value, string names)
    {
        var text = new StringBuilder();
        foreach (string word in names.Split(' '))
        {
            int colon = word.LastIndexOf(':');
            int bit = int.Parse(word.AsSpan(colon + 1), CultureInfo.InvariantCulture);
            text.Append(text.Length == 0 ? "" : " ").Append(word, 0, colon).Append(Sign(value, bit));
        }

        return text.ToString();
    }

    /// <summary>One bit.</summary>
    public static char Sign(uint value, int bit) => (value >> bit & 1) != 0 ? '+' : '-';

    /// <summary>A field of a register.</summary>
    public static uint Field(uint value, int low, int bits) => (value >> low) & ((1u << bits) - 1);
}
