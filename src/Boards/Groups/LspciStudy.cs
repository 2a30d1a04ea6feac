using System.Globalization;
using System.Text.RegularExpressions;
using Emulator.KernelShim;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;
using Emulator.Peripherals;
using PciBus = Emulator.Peripherals.PciBus;
using PciHost = Emulator.Peripherals.PciHost;

namespace Emulator.Boards;

/// <summary>
/// The machine of a pasted <c>lspci -vvv</c>, rebuilt on the virt board as far as the dump tells, and grouped by a kernel of ours. ACS is
/// as the dump shows it; nobody switches more on. A root bus is a study of its own.
/// </summary>
public sealed partial class LspciStudy
{
    private const int Functions = 8;

    private LspciStudy(IReadOnlyList<string> lines) => Lines = lines;

    /// <summary>The trees with their groups, how that compares with the groups of the dump, and what the dump does not tell.</summary>
    public IReadOnlyList<string> Lines { get; }

    /// <summary>Reads a dump and groups what is in it.</summary>
    /// <param name="library">The boards.</param>
    /// <param name="text">What lspci printed.</param>
    /// <param name="profile">Which kernel.</param>
    /// <param name="why">The function to explain; null for the whole.</param>
    /// <exception cref="BoardException">It is no such dump.</exception>
    public static LspciStudy Of(IBoardLibrary library, string text, KernelProfile profile, string? why)
    {
        LspciDump dump = LspciDump.Read(text);
        if (dump.Functions.Count == 0)
        {
            throw new BoardException("this is no output of lspci: no line begins with a function such as 00:1c.0");
        }

        var lines = new List<string>();
        foreach ((int domain, int bus) in RootsOf(dump))
        {
            lines.AddRange(StudyRoot(library, dump, domain, bus, profile, why));
        }

        if (why is null)
        {
            lines.AddRange(dump.Gaps.Select(gap => $"note: {gap}"));
        }

        return new LspciStudy(lines);
    }

    /// <summary>Buses that no bridge of the dump leads to.</summary>
    private static IEnumerable<(int Domain, int Bus)> RootsOf(LspciDump dump) =>
        dump
            .Functions.Select(function => (function.Domain, function.Bus))
            .Distinct()
            .Where(place =>
                !dump.Functions.Any(bridge =>
                    bridge.Domain == place.Domain
                    && bridge.Buses is { Secondary: > 0 } buses
                    && place.Bus >= buses.Secondary
                    && place.Bus <= buses.Subordinate
                )
            );

    private static IEnumerable<string> StudyRoot(
        IBoardLibrary library,
        LspciDump dump,
        int domain,
        int bus,
        KernelProfile profile,
        string? why
    )
    {
        DeviceTree tree = library.Tree("virt");
        DeviceTreeNode host = tree.FindCompatible("pci-host-ecam-generic").First();
        foreach (DeviceTreeNode node in host.Children.ToArray())
        {
            node.Remove();
        }

        Plug(dump, host, domain, bus);
        GroupStudy study = GroupStudy.Of(library, "virt", tree, profile, byAcpi: false);
        Dictionary<string, string> names = NamesOf(study.Board);
        if (why is not null)
        {
            PciGroupMember? member = study.Report.Functions.FirstOrDefault(function =>
                names.GetValueOrDefault(function.Name) is { } name
                && (
                    name.Equals(why, StringComparison.OrdinalIgnoreCase)
                    || name.EndsWith(":" + why, StringComparison.OrdinalIgnoreCase)
                )
            );
            return member is null ? [] : PciGroupReport.Explain(member).Select(line => Rename(line, names));
        }

        return
        [
            .. study.Report.Lines().Select(line => Rename(line, names)),
            .. study.Differences().Select(line => Rename(line, names)),
            .. Compare(study, dump, names),
        ];
    }

    private static void Plug(LspciDump dump, DeviceTreeNode parent, int domain, int bus)
    {
        bool isLink = parent.FindProperty("emulator,express-type")?.ReadUInt32() is 4 or 6;
        LspciFunction[] here = [.. dump.Functions.Where(function => function.Domain == domain && function.Bus == bus)];
        foreach (LspciFunction function in here.Where(function => !isLink || function.Devfn < Functions))
        {
            string kind = function.Buses is null ? "emulator,described-function" : "emulator,described-bridge";
            string unit = string.Create(CultureInfo.InvariantCulture, $"{function.Devfn >> 3:x},{function.Devfn & 7}");
            DeviceTreeNode node = parent.AddChild($"{kind}@{unit}");
            node.AddLabel($"f{function.Name.Replace(':', '_').Replace('.', '_')}");
            node.SetStrings("compatible", kind);
            node.SetCells("reg", (uint)function.Devfn << 8, 0, 0, 0, 0);
            Describe(node, function, here);
            if (function.Buses is { Secondary: > 0 } buses)
            {
                node.SetCells("#address-cells", 3);
                node.SetCells("#size-cells", 2);
                Plug(dump, node, domain, buses.Secondary);
            }
        }
    }

    private static void Describe(DeviceTreeNode node, LspciFunction function, LspciFunction[] here)
    {
        node.SetCells("emulator,class", function.Class << 8);
        if (function.Ids is { } ids)
        {
            node.SetCells("emulator,ids", ids.Vendor, ids.Device);
        }

        if (function.ExpressType is { } type)
        {
            node.SetCells("emulator,express-type", type);
        }

        if (function.AccessControl is { } control)
        {
            node.SetCells("emulator,acs", control.Capability, control.Control);
        }

        if (here.Any(other => other != function && other.Devfn >> 3 == function.Devfn >> 3))
        {
            node.SetCells("emulator,multi-function");
        }
    }

    /// <summary>Our kernel numbers buses anew: its names of functions, and those of the dump.</summary>
    private static Dictionary<string, string> NamesOf(Board board)
    {
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (PciHost host in board.Devices.Select(device => device.Device).OfType<PciHost>())
        {
            Collect(host.Root, names);
        }

        return names;
    }

    private static void Collect(PciBus bus, Dictionary<string, string> names)
    {
        foreach (PciFunction function in bus.Functions)
        {
            string[] parts = function.Name[1..].Split('_');
            names[$"0000:{function.Address}"] = $"{parts[0]}:{parts[1]}:{parts[2]}.{parts[3]}";
            if (function.Secondary is { } below)
            {
                Collect(below, names);
            }
        }
    }

    private static string Rename(string line, Dictionary<string, string> names) =>
        NamePattern()
            .Replace(
                line,
                match =>
                {
                    bool hasDomain = match.Value.Length > 7;
                    string? name = names.GetValueOrDefault(hasDomain ? match.Value : $"0000:{match.Value}");
                    return name is null ? match.Value
                        : hasDomain ? name
                        : name[5..];
                }
            );

    /// <summary>Whether the dump's machine put the same functions together.</summary>
    private static IEnumerable<string> Compare(GroupStudy study, LspciDump dump, Dictionary<string, string> names)
    {
        var theirs = dump
            .Functions.Where(function => function.Group is not null)
            .ToDictionary(function => function.Name, function => function.Group!.Value, StringComparer.Ordinal);
        if (theirs.Count == 0)
        {
            yield break;
        }

        bool agrees = true;
        foreach (IGrouping<int, PciGroupMember> group in study.Report.Groups)
        {
            string[] members = [.. group.Select(member => names[member.Name]).Where(theirs.ContainsKey)];
            int[] numbers = [.. members.Select(name => theirs[name]).Distinct().Order()];
            bool isSplit = numbers.Length > 1;
            string[] strangers =
            [
                .. theirs
                    .Where(entry =>
                        numbers.Contains(entry.Value) && names.ContainsValue(entry.Key) && !members.Contains(entry.Key)
                    )
                    .Select(entry => entry.Key),
            ];
            if (isSplit || strangers.Length > 0)
            {
                agrees = false;
                yield return $"differs: here {string.Join(", ", members)} are together; that machine had them in group "
                    + string.Join(" and ", numbers)
                    + (strangers.Length == 0 ? "" : $" with {string.Join(", ", strangers)}");
            }
        }

        if (agrees)
        {
            yield return "that machine's kernel put the same functions together";
        }
    }

    [GeneratedRegex("([0-9a-f]{4}:)?[0-9a-f]{2}:[0-9a-f]{2}[.][0-7]", RegexOptions.ExplicitCapture)]
    private static partial Regex NamePattern();
}
