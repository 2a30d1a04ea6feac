namespace Emulator.Userland;

/// <summary>Enhanced Allocation: ranges that stand in a capability instead of BARs (PCI Express base specification, 7.8.5).</summary>
internal static class EnhancedAllocationCapability
{
    // csharpier-ignore
    private static readonly (uint Code, string Text)[] Properties =
    [
        (0x00, "memory space, non-prefetchable"),
        (0x01, "memory space, prefetchable"),
        (0x02, "I/O space"),
        (0x03, "VF memory space, prefetchable"),
        (0x04, "VF memory space, non-prefetchable"),
        (0x05, "allocation behind bridge, non-prefetchable memory"),
        (0x06, "allocation behind bridge, prefetchable memory"),
        (0x07, "allocation behind bridge, I/O space"),
        (0xFD, "memory space resource unavailable for use"),
        (0xFE, "I/O space resource unavailable for use"),
        (0xFF, "entry unavailable for use"),
    ];

    /// <summary>Writes it.</summary>
    public static async Task Write(CapabilityView view)
    {
        int count = (int)(view.Flags & 0x3F);
        int at = 4;
        view.Print($"Enhanced Allocation (EA): NumEntries={count}");
        if (view.Function.HeaderType == 1)
        {
            at += 4;
            if (!await view.Fetch(4, 2))
            {
                view.Print("\n");
                return;
            }

            view.Print($", secondary={view.Byte(4)}, subordinate={view.Byte(5)}");
        }

        view.Print("\n");
        for (int entry = 0; entry < count && view.IsDetailed && await view.Fetch(at, 4); entry++)
        {
            int words = (int)(view.Long(at) & 7);
            if (!await view.Fetch(at + 4, words * 4))
            {
                return;
            }

            WriteEntry(view, at, entry);
            at += 4 + 4 * words;
        }
    }

    private static void WriteEntry(CapabilityView view, int at, int entry)
    {
        uint header = view.Long(at);
        view.Print($"\t\tEntry {entry}: Enable{{31}} Writable{{30}} EntrySize={{0-2}}\n", header);
        view.Print($"\t\t\t BAR Equivalent Indicator: {Indicator(RegisterText.Bits(header, 4, 7))}\n");
        view.Print($"\t\t\t PrimaryProperties: {Property(RegisterText.Bits(header, 8, 15), "")}\n");
        string hint = ", PrimaryProperties should be used";
        view.Print($"\t\t\t SecondaryProperties: {Property(RegisterText.Bits(header, 16, 23), hint)}\n");
        uint start = view.Long(at + 4);
        uint offset = view.Long(at + 8);
        int high = at + 12;
        view.Print("\t\t\t Base: ");
        if ((start & 2) != 0)
        {
            view.Print($"{view.Long(high):x}");
            high += 4;
        }

        view.Print($"{start & ~3U:x8}\n\t\t\t MaxOffset: ");
        view.Print((offset & 2) != 0 ? $"{view.Long(high):x}" : "");
        view.Print($"{offset | 3:x8}\n");
    }

    private static string Indicator(uint code) =>
        code switch
        {
            <= 5 => $"BAR {code}",
            6 => "resource behind function",
            7 => "not indicated",
            8 => "expansion ROM",
            <= 14 => $"VF-BAR {code - 9}",
            _ => "reserved",
        };

    private static string Property(uint code, string hint)
    {
        string? text = Array.Find(Properties, property => property.Code == code).Text;
        return text is null ? $"[{code:x2}]" : text + (code == 0xFF ? hint : "");
    }
}
