using System.Globalization;

namespace Emulator.KernelShim;

/// <summary>A PCI function, its group, and why it is there.</summary>
/// <param name="Name">dddd:bb:dd.f</param>
/// <param name="Parent">The bridge above; null on a root bus.</param>
/// <param name="Kind">root port, endpoint, ...</param>
/// <param name="Ids">vvvv:dddd</param>
/// <param name="Driver">Its driver, or null.</param>
/// <param name="Group">Its group; null where it is in none.</param>
/// <param name="IsBridge">Whether it is a bridge, the host's included, and no card.</param>
/// <param name="Why">What the kernel's grouping looked at, in order, and what it decided.</param>
public sealed record PciGroupMember(
    string Name,
    string? Parent,
    string Kind,
    string Ids,
    string? Driver,
    int? Group,
    bool IsBridge,
    IReadOnlyList<string> Why
);

/// <summary>
/// The PCI functions of a kernel with their groups, explained from the record of the kernel's own grouping
/// (<see cref="IIommuCore.DecisionFor"/>). Nothing is decided here.
/// </summary>
public sealed class PciGroupReport
{
    private const uint BridgeClass = 0x06;

    private PciGroupReport(IReadOnlyList<PciGroupMember> functions) => Functions = functions;

    /// <summary>The functions in order of address.</summary>
    public IReadOnlyList<PciGroupMember> Functions { get; }

    /// <summary>The groups with members, by number.</summary>
    public IEnumerable<IGrouping<int, PciGroupMember>> Groups =>
        Functions
            .Where(member => member.Group is not null)
            .GroupBy(member => member.Group!.Value)
            .OrderBy(group => group.Key);

    /// <summary>Looks at a kernel.</summary>
    public static PciGroupReport Of(Kernel kernel)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        IEnumerable<PciDevice> devices = kernel.Drivers.Buses.TryGetValue("pci", out BusType? bus)
            ? bus.Devices.OfType<PciDevice>()
            : [];
        return new PciGroupReport([
            .. devices
                .OrderBy(device => device.Name, StringComparer.Ordinal)
                .Select(device => Describe(kernel, device)),
        ]);
    }

    /// <summary>A function by its name, with or without the domain; null where there is none.</summary>
    public PciGroupMember? Find(string name) =>
        Functions.FirstOrDefault(member => string.Equals(member.Name, name, StringComparison.OrdinalIgnoreCase))
        ?? Functions.FirstOrDefault(member =>
            string.Equals(member.Name, $"0000:{name}", StringComparison.OrdinalIgnoreCase)
        );

    /// <summary>The tree with the groups, and what a virtual machine would have to take together.</summary>
    public IReadOnlyList<string> Lines()
    {
        var lines = new List<string>();
        foreach (PciGroupMember member in Functions)
        {
            string group = member.Group is { } number
                ? string.Create(CultureInfo.InvariantCulture, $"group {number}")
                : "no group";
            string name = new string(' ', 2 * DepthOf(member)) + member.Name;
            lines.Add($"{name, -24} {member.Kind, -21} [{member.Ids}]  {group}");
        }

        foreach (IGrouping<int, PciGroupMember> group in Groups)
        {
            string[] cards = [.. group.Where(member => !member.IsBridge).Select(member => member.Name)];
            if (cards.Length > 0)
            {
                lines.Add($"group {group.Key}: a virtual machine takes {string.Join(" and ", cards)}");
            }
        }

        return lines;
    }

    /// <summary>Why a function is in its group, line by line.</summary>
    public static IReadOnlyList<string> Explain(PciGroupMember member)
    {
        ArgumentNullException.ThrowIfNull(member);
        string where = member.Group is { } number ? $"group {number}" : "no group";
        string[] why =
            member.Why.Count > 0 ? [.. member.Why] : ["nobody has probed a driver on it yet, so nobody has asked"];
        return [$"{member.Name} ({member.Kind}) is in {where}:", .. why.Select(line => "  " + line)];
    }

    private int DepthOf(PciGroupMember member)
    {
        int depth = 0;
        for (string? parent = member.Parent; parent is not null; depth++)
        {
            parent = Find(parent)?.Parent;
        }

        return depth;
    }

    private static PciGroupMember Describe(Kernel kernel, PciDevice device)
    {
        GroupingDecision? decision = kernel.Iommus.DecisionFor(device);
        return new PciGroupMember(
            device.Name,
            device.PhysicalFunction is null ? device.OnBus.Bridge?.Name : device.PhysicalFunction.OnBus.Bridge?.Name,
            GroupingText.KindOf(device),
            $"{device.VendorId:x4}:{device.DeviceId:x4}",
            device.Driver?.Name,
            device.Group?.Id,
            device.IsBridge || device.Class >> 16 == BridgeClass,
            decision is null ? [] : GroupingText.Of(decision)
        );
    }
}
