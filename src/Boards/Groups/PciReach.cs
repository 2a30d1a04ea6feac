using Emulator.Machine;
using Emulator.Peripherals;

namespace Emulator.Boards;

/// <summary>A function that gets at another one's memory without the IOMMU.</summary>
/// <param name="From">Who sends: bb:dd.f.</param>
/// <param name="To">Whose base address register it reaches.</param>
public readonly record struct PciReached(string From, string To);

/// <summary>
/// What the hardware does, whatever a kernel believes: which functions reach which others inside switches, on conventional buses and
/// in multi-function devices, by the windows and access control that the configuration spaces hold now.
/// </summary>
public static class PciReach
{
    /// <summary>All pairs, in order of address. Functions whose memory decoder is off can be reached by nobody.</summary>
    public static IReadOnlyList<PciReached> Find(Board board)
    {
        ArgumentNullException.ThrowIfNull(board);
        var reached = new List<PciReached>();
        foreach (PciHost host in board.Devices.Select(device => device.Device).OfType<PciHost>())
        {
            List<PciFunction> cards = [.. Below(host.Root).Where(function => function.Secondary is null)];
            foreach (PciFunction from in cards)
            {
                reached.AddRange(
                    cards
                        .Where(to => to != from && to.MemoryAddresses.Any(address => from.FindPeer(address) == to))
                        .Select(to => new PciReached(from.Address, to.Address))
                );
            }
        }

        return reached;
    }

    private static IEnumerable<PciFunction> Below(PciBus bus) =>
        bus.Functions.SelectMany(function =>
            function.Secondary is { } below ? Below(below).Prepend(function) : [function]
        );
}
