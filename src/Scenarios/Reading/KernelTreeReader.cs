using System.Text;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary>
/// Reads <c>kernel-tree:</c>, the device tree that the kernel is told where it is not the board's own: an overlay on that, or a
/// whole tree. The hardware stays as it is.
/// </summary>
internal static class KernelTreeReader
{
    /// <summary>Reads the key; null when it is not there or wrong.</summary>
    public static DeviceTree? Read(ReadingContext context, MapReader scenario)
    {
        if (scenario.Node("kernel-tree") is not { } node)
        {
            return null;
        }

        if (context.IsBareMetal)
        {
            context.Fail(node, "there is no kernel to tell a device tree; the scenario says 'kernel: none'");
            return null;
        }

        var map = new MapReader(context, node, "kernel-tree");
        string? kind = map.OneOf("overlay", "file");
        DeviceTree? tree = kind is null ? null : ReadKind(context, map, kind);
        map.Finish();
        return tree;
    }

    /// <summary>Reads a tree from source text or a blob.</summary>
    /// <exception cref="DeviceTreeException">It is broken.</exception>
    public static DeviceTree Parse(ReadingContext context, byte[] content, string name, Place place) =>
        DtbReader.IsBlob(content)
            ? DtbReader.Read(content, name)
            : DtsReader.Parse(
                Encoding.UTF8.GetString(content),
                name,
                (path, from) => Include(context, place, Path.Combine(Path.GetDirectoryName(from) ?? "", path))
            );

    /// <summary>An overlay's value is its text, or the name of a file beside the scenario; a text has line breaks.</summary>
    private static DeviceTree? ReadKind(ReadingContext context, MapReader map, string kind)
    {
        string value = map.RequiredWords(kind);
        Place place = map.PlaceOf(kind);
        bool isText = kind is "overlay" && value.Contains('\n', StringComparison.Ordinal);
        byte[]? content = isText ? Encoding.UTF8.GetBytes(value) : context.File(value, place);
        if (content is null || context.Board is not { } board)
        {
            return null;
        }

        try
        {
            DeviceTree tree = Parse(context, content, isText ? "the overlay" : value, place);
            return kind is "file" ? tree : HardwareFacts.KernelTree(DeviceTreeOverlay.Apply(board.HardwareTree, tree));
        }
        catch (DeviceTreeException exception)
        {
            context.Fail(place, exception.Message);
            return null;
        }
    }

    /// <summary>A file that a tree includes lies beside the file that includes it.</summary>
    private static DtsInclude? Include(ReadingContext context, Place place, string path) =>
        context.File(path, place) is { } content ? new DtsInclude(path, content) : null;
}
