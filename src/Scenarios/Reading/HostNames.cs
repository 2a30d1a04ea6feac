using Emulator.Machine;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary>What a name of a scenario stands for under a kernel.</summary>
internal enum HostObjectKind
{
    /// <summary>A process of the scenario's own.</summary>
    Process,

    /// <summary>A device opened through VFIO, with the group and container on the way.</summary>
    Vfio,

    /// <summary>One open descriptor.</summary>
    Descriptor,
}

/// <summary>A name of a process, an opened device or a descriptor, and where it stands.</summary>
internal sealed record HostName(string Name, HostObjectKind Kind, Place Place);

/// <summary>The processes, opened devices and descriptors that the steps read so far have named.</summary>
internal sealed class HostNames
{
    private readonly SortedDictionary<string, (HostObjectKind Kind, BoardDevice? Device)> _names = new(
        StringComparer.Ordinal
    );

    /// <summary>Names something.</summary>
    /// <param name="name">The name; nothing is named when it is null.</param>
    /// <param name="kind">What it stands for.</param>
    /// <param name="device">The hardware behind an opened device, when it is known.</param>
    public void Define(string? name, HostObjectKind kind, BoardDevice? device = null)
    {
        if (name is null)
        {
            return;
        }

        _names[name] = (kind, device);
        if (kind == HostObjectKind.Vfio)
        {
            foreach (string part in VfioParts)
            {
                _names[name + part] = (HostObjectKind.Descriptor, null);
            }
        }
    }

    /// <summary>The descriptors of an opened device, by name.</summary>
    public static IReadOnlyList<string> VfioParts { get; } = [".container", ".group", ".device"];

    /// <summary>The hardware behind an opened device, when it is known.</summary>
    public BoardDevice? DeviceOf(string name) => _names.TryGetValue(name, out var found) ? found.Device : null;

    /// <summary>Whether a name stands for an opened device.</summary>
    public bool IsVfio(string name) => _names.TryGetValue(name, out var found) && found.Kind == HostObjectKind.Vfio;

    /// <summary>Reads <c>on:</c>, a process or an opened device whose process is meant.</summary>
    public HostName ReadOwner(ReadingContext context, MapReader map) =>
        Read(context, map, "on", HostObjectKind.Process, HostObjectKind.Vfio);

    /// <summary>Reads a name that must stand for one of some kinds.</summary>
    public HostName Read(ReadingContext context, MapReader map, string key, params HostObjectKind[] kinds)
    {
        Place place = map.PlaceOf(key);
        if (map.Node(key) is not { } node)
        {
            context.Fail(map.Place, $"'{key}:' is needed: {Describe(kinds)}");
            return new HostName("", kinds[0], place);
        }

        string name = (node as YamlScalarNode)?.Value ?? "";
        if (_names.TryGetValue(name, out var found) && kinds.Contains(found.Kind))
        {
            return new HostName(name, found.Kind, place);
        }

        string[] valid = [.. _names.Where(entry => kinds.Contains(entry.Value.Kind)).Select(entry => entry.Key)];
        context.Fail(
            node,
            valid.Length == 0
                ? $"no step before this one has made {Describe(kinds)}"
                : $"{ReadingContext.Describe(node)} is not {Describe(kinds)}{Words.DidYouMean(name, "Known here", valid)}"
        );
        return new HostName("", kinds[0], place);
    }

    private static string Describe(HostObjectKind[] kinds) =>
        string.Join(
            " or ",
            kinds.Select(kind =>
                kind switch
                {
                    HostObjectKind.Process => "a process (made by 'process:')",
                    HostObjectKind.Vfio => "an opened device (made by 'vfio:')",
                    _ => "a descriptor (made by 'open:', 'ioctl:' or 'vfio:')",
                }
            )
        );
}
