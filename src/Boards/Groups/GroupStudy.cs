using Emulator.KernelShim;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;
using Emulator.Userland;

namespace Emulator.Boards;

/// <summary>
/// A board with a booted kernel on which every function has been offered to a driver, so that all groups are there: what
/// <c>emulator groups</c> shows. Functions without a driver get pci-stub, and their memory decoders are switched on as drivers would.
/// </summary>
public sealed class GroupStudy
{
    private const long Patience = 100 * VirtualTime.Second;

    private const string Script = """
        modprobe pci-stub
        for device in /sys/bus/pci/devices/*; do
            if [ ! -e $device/driver ]; then
                name=$(basename $device)
                echo pci-stub > $device/driver_override
                echo $name > /sys/bus/pci/drivers_probe
            fi
        done
        for device in /sys/bus/pci/devices/*; do
            setpci -s $(basename $device) COMMAND=6:6
        done
        """;

    private GroupStudy(Board board, PciGroupReport report, IReadOnlyList<PciReached> reached)
    {
        Board = board;
        Report = report;
        Reached = reached;
    }

    /// <summary>The board.</summary>
    public Board Board { get; }

    /// <summary>The functions, their groups and why.</summary>
    public PciGroupReport Report { get; }

    /// <summary>What the hardware lets functions reach without the IOMMU.</summary>
    public IReadOnlyList<PciReached> Reached { get; }

    /// <summary>Boots and looks.</summary>
    /// <param name="library">The boards.</param>
    /// <param name="name">The board's name.</param>
    /// <param name="tree">The tree of its hardware, cards included.</param>
    /// <param name="profile">Which kernel.</param>
    /// <param name="byAcpi">Whether it is told of the board by ACPI.</param>
    public static GroupStudy Of(IBoardLibrary library, string name, DeviceTree tree, KernelProfile profile, bool byAcpi)
    {
        ArgumentNullException.ThrowIfNull(library);
        var simulation = new Simulation();
        Board board = library.Create(name, tree, simulation);
        Kernel kernel = BuiltInDrivers.Boot(board, profile, tree: null, byAcpi);
        new ProgramRunner(UserlandPrograms.All).Install(kernel);
        OpenFile nothing = kernel
            .Files.Walk(kernel.Init, "/dev/null")
            .Inode!.Open(kernel.Init, OpenFlags.ReadWrite)
            .File!;
        Process shell = ProgramRunner.Start(
            kernel.Init,
            new Shell("sh"),
            ["sh", "-c", Script],
            new SortedDictionary<string, string>(StringComparer.Ordinal) { ["HOME"] = "/root" },
            new SortedDictionary<int, OpenFile>
            {
                [0] = nothing,
                [1] = nothing,
                [2] = nothing,
            }
        );
        simulation.RunUntil(() => shell.HasExited, simulation.Now + Patience);
        return new GroupStudy(board, PciGroupReport.Of(kernel), PciReach.Find(board));
    }

    /// <summary>
    /// Where Linux and the hardware differ: functions of different groups that reach each other all the same, and functions
    /// of one group that do not.
    /// </summary>
    public IReadOnlyList<string> Differences()
    {
        var lines = new List<string>();
        foreach (PciReached pair in Reached)
        {
            if (Report.Find(pair.From)?.Group is { } from && Report.Find(pair.To)?.Group is { } to && from != to)
            {
                lines.Add(
                    $"{pair.From} (group {from}) reaches {pair.To} (group {to}) without the IOMMU, though Linux takes them for isolated"
                );
            }
        }

        foreach (IGrouping<int, PciGroupMember> group in Report.Groups)
        {
            PciGroupMember[] cards = [.. group.Where(member => !member.IsBridge)];
            bool isApart = cards.Length > 1 && !Reached.Any(pair => IsIn(cards, pair.From) && IsIn(cards, pair.To));
            if (isApart)
            {
                lines.Add(
                    $"group {group.Key}: no card of it reaches another without the IOMMU on this board, though Linux does not rely on it"
                );
            }
        }

        return lines;
    }

    private bool IsIn(PciGroupMember[] cards, string address) => cards.Contains(Report.Find(address));
}
