using System.Globalization;

namespace Emulator.KernelShim;

/// <summary>Files of debugfs that show and take a number (fs/debugfs/file.c, fs/libfs.c).</summary>
internal static class DebugFiles
{
    /// <summary>A number is taken from so many characters (struct simple_attr).</summary>
    private const int MaximumDigits = 23;

    /// <summary>debugfs_create_u8.</summary>
    public static void AddByte(this DirectoryInode directory, string name, Func<byte> get, Action<byte> set) =>
        Add(directory, name, () => get(), value => set((byte)value));

    /// <summary>debugfs_create_u32.</summary>
    public static void AddUInt32(this DirectoryInode directory, string name, Func<uint> get, Action<uint> set) =>
        Add(directory, name, () => get(), value => set((uint)value));

    /// <summary>
    /// simple_strtoll with base 0: a sign, 0x or 0, digits as far as they go. What is no number is 0, and what does not fit
    /// is cut off.
    /// </summary>
    internal static long ReadNumber(string text)
    {
        bool isNegative = text.StartsWith('-');
        int at = isNegative ? 1 : 0;
        int radix = 10;
        if (at < text.Length && text[at] == '0')
        {
            bool isHexadecimal =
                at + 2 < text.Length && text[at + 1] is 'x' or 'X' && char.IsAsciiHexDigit(text[at + 2]);
            radix = isHexadecimal ? 16 : 8;
            at += isHexadecimal ? 2 : 0;
        }

        long value = 0;
        for (; at < text.Length && char.IsAsciiHexDigit(text[at]); at++)
        {
            int digit = int.Parse(text.AsSpan(at, 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            if (digit >= radix)
            {
                break;
            }

            value = unchecked(value * radix + digit);
        }

        return isNegative ? unchecked(-value) : value;
    }

    private static void Add(DirectoryInode directory, string name, Func<ulong> get, Action<long> set) =>
        directory.AddAttribute(
            name,
            AttributeMode.ReadWrite,
            () => get().ToString(CultureInfo.InvariantCulture) + "\n",
            (_, text) =>
            {
                set(ReadNumber(text[..Math.Min(text.Length, MaximumDigits)]));
                return text.Length;
            }
        );
}
