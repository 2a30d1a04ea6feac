using System.Globalization;
using Emulator.Boards;

namespace Emulator.Conformance;

/// <summary>
/// Compares what software cannot change: the recorded configuration space of each function against that of the board of the same
/// command line, less the bits that can be written. Bridges are given the recorded bus numbers first.
/// </summary>
internal static class PciDumpComparison
{
    /// <summary>Compares the first phase of a recording.</summary>
    /// <returns>For each function what differs, or null.</returns>
    public static IEnumerable<(string Name, string? Difference)> Run(string topology, string text)
    {
        QemuCommandLine line = QemuCommandLine.Parse(PciDumps.CommandLine(text));
        SortedDictionary<int, byte[]> dumps = PciDumps.Read(text, "1-boot");
        PciMachine asIs = Number(new PciMachine(line.Devices), dumps);
        PciMachine tried = Number(new PciMachine(line.Devices), dumps);

        // From the leaves up: what is tried on a bridge may reset what is below it.
        foreach ((int requesterId, byte[] recorded) in dumps.Reverse())
        {
            string name = string.Create(
                CultureInfo.InvariantCulture,
                $"{topology}/{requesterId >> 8:x2}:{(requesterId >> 3) & 31:x2}.{requesterId & 7}"
            );
            yield return (name, Compare(asIs, tried, requesterId, recorded));
        }
    }

    private static PciMachine Number(PciMachine machine, SortedDictionary<int, byte[]> dumps)
    {
        foreach ((int requesterId, byte[] recorded) in dumps)
        {
            if (IsBridge(recorded))
            {
                machine.WriteConfiguration(requesterId, 0x18, 4, BitConverter.ToUInt32(recorded, 0x18));
            }
        }

        return machine;
    }

    private static bool IsBridge(byte[] recorded) => (recorded[0x0E] & 0x7F) == 1;

    private static string? Compare(PciMachine asIs, PciMachine tried, int requesterId, byte[] recorded)
    {
        uint beyond = asIs.ReadConfiguration(requesterId, 0x100, 4);
        if (beyond == uint.MaxValue != (recorded.Length == 0x100))
        {
            return "another length";
        }

        var differences = new List<string>();
        HashSet<int> live = LiveBytes(recorded);
        for (int offset = 0; offset < recorded.Length; offset++)
        {
            byte ours = (byte)asIs.ReadConfiguration(requesterId, offset, 1);
            bool isBusNumber = IsBridge(recorded) && offset is >= 0x18 and < 0x1B;
            byte fixedBits = isBusNumber ? (byte)0xFF : FixedBits(tried, requesterId, offset);
            if (!live.Contains(offset) && ((ours ^ recorded[offset]) & fixedBits) != 0)
            {
                differences.Add(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{offset:x}: {ours:x2}, recorded {recorded[offset]:x2} (fixed {fixedBits:x2})"
                    )
                );
            }
        }

        return differences.Count == 0 ? null : string.Join("; ", differences);
    }

    /// <summary>
    /// Bytes that the device itself has changed because of what the kernel did: the window of a hot-plug controller, and the
    /// message number of error reporting.
    /// </summary>
    private static HashSet<int> LiveBytes(byte[] recorded)
    {
        var live = new HashSet<int>();
        for (int at = recorded[0x34]; at != 0 && (recorded[6] & 0x10) != 0; at = recorded[at + 1])
        {
            if (recorded[at] == 0x0C)
            {
                live.UnionWith(Enumerable.Range(at + 4, 4));
            }
        }

        if (recorded.Length > 0x100 && recorded[0x100] == 1)
        {
            live.Add(0x133);
        }

        return live;
    }

    /// <summary>The bits of a byte that keep their value whatever is written.</summary>
    private static byte FixedBits(PciMachine machine, int requesterId, int offset)
    {
        byte before = (byte)machine.ReadConfiguration(requesterId, offset, 1);
        machine.WriteConfiguration(requesterId, offset, 1, before ^ 0xFFu);
        byte flipped = (byte)machine.ReadConfiguration(requesterId, offset, 1);
        machine.WriteConfiguration(requesterId, offset, 1, before);
        return (byte)~(before ^ flipped);
    }
}
