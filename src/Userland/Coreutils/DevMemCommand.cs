using System.Globalization;
using Emulator.KernelShim;

namespace Emulator.Userland;

/// <summary>busybox's devmem (miscutils/devmem.c): loads or stores a word of the physical address space through /dev/mem.</summary>
internal static class DevMemCommand
{
    private const string Usage =
        "BusyBox multi-call binary.\n\nUsage: devmem ADDRESS [WIDTH [VALUE]]\n\nRead/write from physical address\n\n"
        + "\tADDRESS\tAddress to act upon\n\tWIDTH\tWidth (8/16/...)\n\tVALUE\tData to be written\n";

    public static IProgram Program { get; } = new RawProgram("devmem", Run);

    private static async Task<int> Run(Libc libc, IReadOnlyList<string> words)
    {
        var tool = new Tool(libc, "devmem");
        ulong? address = words.Count > 1 ? Number(words[1]) : null;
        ulong? value = words.Count > 3 ? Number(words[3]) : 0;
        int? width = words.Count > 2 ? Width(words[2]) : 32;
        if (width is null)
        {
            await tool.Error($"invalid number '{words[2]}'");
            return 1;
        }

        if (address is null || value is null)
        {
            await libc.Print(2, Usage);
            return 1;
        }

        bool isWrite = words.Count > 3;
        OpenFlags flags = OpenFlags.Synchronous | (isWrite ? OpenFlags.ReadWrite : OpenFlags.ReadOnly);
        long file = await libc.Open("/dev/mem", flags);
        if (file < 0)
        {
            await tool.Error("can't open '/dev/mem'", file);
            return 1;
        }

        const ulong PageMask = Libc.PageBytes - 1;
        ulong offset = address.Value & PageMask;
        // It compares bytes with bits, so the last words of a page take two pages.
        ulong length = offset + (ulong)width > Libc.PageBytes ? 2UL * Libc.PageBytes : Libc.PageBytes;
        Protection protection = Protection.Read | (isWrite ? Protection.Write : Protection.None);
        long mapped = await libc.Mmap(length, protection, MapFlags.Shared, file, address.Value & ~PageMask);
        if (mapped < 0)
        {
            await tool.Error("mmap", mapped);
            return 1;
        }

        if (width is not (8 or 16 or 32 or 64))
        {
            await tool.Error("bad width");
            return 1;
        }

        await Access(tool, (ulong)mapped + offset, width.Value, isWrite ? value : null);
        return await tool.Finish();
    }

    private static async Task Access(Tool tool, ulong address, int width, ulong? value)
    {
        if (value is { } word)
        {
            await tool.Libc.Store(address, word, width / 8);
            return;
        }

        ulong loaded = await tool.Libc.Load(address, width / 8);
        await tool.Print("0x" + loaded.ToString($"X{width / 4}", CultureInfo.InvariantCulture) + "\n");
    }

    /// <summary>A number of bits, or b, h, w, l: bytes, half words, words, longs (of 32 bits).</summary>
    private static int? Width(string word) =>
        word.Length == 1 && !char.IsAsciiDigit(word[0])
            ? char.ToLowerInvariant(word[0]) switch
            {
                'b' => 8,
                'h' => 16,
                'w' or 'l' => 32,
                _ => 0,
            }
        : int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out int width) ? width
        : null;

    /// <summary>strtoull(3) of a whole word with base 0; null for anything else.</summary>
    private static ulong? Number(string word)
    {
        if (word.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
        {
            const NumberStyles Hex = NumberStyles.AllowHexSpecifier;
            return ulong.TryParse(word.AsSpan(2), Hex, CultureInfo.InvariantCulture, out ulong hex) ? hex : null;
        }

        if (word.Length is > 1 and < 22 && word[0] == '0')
        {
            return word.All(c => c is >= '0' and <= '7')
                ? word.Aggregate(0UL, (number, digit) => number << 3 | (uint)(digit - '0'))
                : null;
        }

        return ulong.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out ulong value) ? value : null;
    }
}
