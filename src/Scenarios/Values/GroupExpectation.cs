using System.Globalization;
using Emulator.KernelShim;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary>
/// <c>same_group:</c> functions that share an IOMMU group, <c>own_groups:</c> functions of which no two do: read from sysfs, with the
/// reason from the kernel's own grouping where it is not so.
/// </summary>
internal sealed class GroupExpectation : HostExpectation
{
    private readonly IReadOnlyList<TextValue> _names;
    private readonly bool _isSame;

    private GroupExpectation(Place place, IReadOnlyList<TextValue> names, bool isSame)
        : base(place)
    {
        _names = names;
        _isSame = isSame;
    }

    public static GroupExpectation ReadGroups(ReadingContext context, MapReader map, string kind)
    {
        TextValue[] names = [.. map.List(kind).Select(context.Text)];
        if (names.Length < 2)
        {
            context.Fail(map.PlaceOf(kind), $"'{kind}:' is a list of at least two functions: [01:00.0, 02:00.0]");
        }

        return new GroupExpectation(map.PlaceOf(kind), names, kind is "same_group");
    }

    public override void Check(World world)
    {
        Host host = world.Host(Place);
        world.Work(100, Place);
        PciGroupReport report = PciGroupReport.Of(host.Kernel);
        List<(string Name, string Group)> found = [.. _names.Select(name => GroupOf(host, world.Text(name)))];
        int different = found.Select(entry => entry.Group).Distinct(StringComparer.Ordinal).Count();
        bool isRight = found.All(entry => entry.Group.Length > 0) && different == (_isSame ? 1 : found.Count);
        if (isRight)
        {
            return;
        }

        string wanted = _isSame ? "one group" : "a group each";
        throw new StepFailedException(
            new StepFailure(
                Place,
                $"these are not in {wanted}",
                [wanted],
                [
                    .. found.Select(entry =>
                        $"{entry.Name}: {(entry.Group.Length == 0 ? "no group" : "group " + entry.Group)}"
                    ),
                    .. found.SelectMany(entry =>
                        report.Find(entry.Name) is { } member ? PciGroupReport.Explain(member) : []
                    ),
                ]
            )
        );
    }

    private (string Name, string Group) GroupOf(Host host, string name)
    {
        string whole = name.Count(letter => letter == ':') == 1 ? "0000:" + name : name;
        string path = $"/sys/bus/pci/devices/{whole}";
        if (!host.Files.Exists(path))
        {
            throw StepFailedException.At(
                Place,
                string.Create(CultureInfo.InvariantCulture, $"there is no PCI function '{name}'")
            );
        }

        (long result, string target) = host.Files.ReadLink($"{path}/iommu_group");
        return (whole, result < 0 ? "" : target[(target.LastIndexOf('/') + 1)..]);
    }
}
