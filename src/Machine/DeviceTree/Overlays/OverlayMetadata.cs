using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Emulator.Machine.DeviceTrees;

/// <summary>
/// The nodes by which overlays are tied to their base (dtc's Documentation/dt-object-internal.txt): <c>__symbols__</c> and <c>aliases</c>,
/// made from labels; <c>__fixups__</c>, the references to labels of the base; <c>__local_fixups__</c>, those to the overlay's own nodes.
/// </summary>
internal static class OverlayMetadata
{
    /// <summary>Adds a property per label, with the path of its node. With <paramref name="references"/> these nodes get phandles.</summary>
    public static void AddLabelTable(DeviceTree tree, string tableName, DtsReferences? references)
    {
        if (!tree.Nodes.Any(node => node.LabelList.Count > 0))
        {
            return;
        }
        DeviceTreeNode table = tree.Root.FindExactChild(tableName) ?? tree.Root.AddChild(tableName);
        foreach (DeviceTreeNode node in tree.Nodes)
        {
            foreach (string label in node.LabelList)
            {
                if (!table.HasProperty(label))
                {
                    table.SetStrings(label, node.Path);
                }
            }
            if (node.LabelList.Count > 0)
            {
                _ = references?.PhandleOf(node);
            }
        }
    }

    public static void AddFixups(DeviceTree tree)
    {
        List<(string Label, string Entry)> fixups = [];
        foreach (
            (DeviceTreeNode node, DeviceTreeProperty property, PropertyMarker marker) in References(tree, local: false)
        )
        {
            if (marker.Text!.StartsWith('/'))
            {
                throw DeviceTreeException.ForProperty(
                    node,
                    property.Name,
                    $"an overlay cannot refer to {marker.Text} of its base by path; give that node a label there and use it"
                );
            }
            fixups.Add(
                (marker.Text, $"{node.Path}:{property.Name}:{marker.Offset.ToString(CultureInfo.InvariantCulture)}")
            );
        }
        if (fixups.Count == 0)
        {
            return;
        }
        DeviceTreeNode table = tree.Root.FindExactChild("__fixups__") ?? tree.Root.AddChild("__fixups__");
        foreach ((string label, string entry) in fixups)
        {
            AppendTo(table, label, [.. Encoding.Latin1.GetBytes(entry), 0], PropertyMarkerKind.String);
        }
    }

    public static void AddLocalFixups(DeviceTree tree)
    {
        List<(DeviceTreeNode Node, DeviceTreeProperty Property, PropertyMarker Marker)> fixups =
        [
            .. References(tree, local: true),
        ];
        if (fixups.Count == 0)
        {
            return;
        }
        DeviceTreeNode table = tree.Root.FindExactChild("__local_fixups__") ?? tree.Root.AddChild("__local_fixups__");
        foreach ((DeviceTreeNode node, DeviceTreeProperty property, PropertyMarker marker) in fixups)
        {
            DeviceTreeNode mirror = table;
            foreach (string name in node.Path.Split('/', StringSplitOptions.RemoveEmptyEntries))
            {
                mirror = mirror.FindExactChild(name) ?? mirror.AddChild(name);
            }
            byte[] offset = new byte[4];
            BinaryPrimitives.WriteUInt32BigEndian(offset, (uint)marker.Offset);
            AppendTo(mirror, property.Name, offset, PropertyMarkerKind.UInt32);
        }
    }

    private static IEnumerable<(DeviceTreeNode, DeviceTreeProperty, PropertyMarker)> References(
        DeviceTree tree,
        bool local
    )
    {
        foreach (DeviceTreeNode node in tree.Nodes)
        {
            foreach (DeviceTreeProperty property in node.PropertyList)
            {
                foreach (PropertyMarker marker in property.MarkerArray)
                {
                    if (
                        marker.Kind == PropertyMarkerKind.PhandleReference
                        && local == (DtsReferences.Find(tree, marker.Text!, useSymbols: false) is not null)
                    )
                    {
                        yield return (node, property, marker);
                    }
                }
            }
        }
    }

    private static void AppendTo(DeviceTreeNode node, string name, byte[] data, PropertyMarkerKind kind)
    {
        DeviceTreeProperty property = node.FindProperty(name) ?? node.SetProperty(name, []);
        property.Replace(
            [.. property.Bytes, .. data],
            [.. property.MarkerArray, new PropertyMarker(kind, property.LengthBytes)],
            default
        );
    }
}
