using System.Buffers.Binary;
using System.Text;

namespace Emulator.Machine.DeviceTrees;

/// <summary>
/// Puts phandles and paths in the place of references, after the whole source is known. A node that is referenced and has no phandle
/// gets the next free number, counted from 1 in the order in which references appear in the tree (dtc's get_node_phandle).
/// </summary>
internal sealed class DtsReferences
{
    private readonly DeviceTree _tree;
    private readonly bool _useSymbols;
    private readonly List<DeviceTreeError> _errors = [];
    private readonly Dictionary<DeviceTreeNode, uint> _phandles = [];
    private readonly HashSet<uint> _used = [];
    private readonly Dictionary<string, DeviceTreeNode> _labels = new(StringComparer.Ordinal);
    private uint _next = 1;

    public DtsReferences(DeviceTree tree, bool useSymbols)
    {
        _tree = tree;
        _useSymbols = useSymbols;
        foreach (DeviceTreeNode node in tree.Nodes)
        {
            foreach (string label in node.LabelList)
            {
                _labels[label] = node;
            }
            // "phandle = <&self>" asks for a number and has none yet.
            if (node.Phandle is { } phandle && !IsSelfReference(node))
            {
                _phandles[node] = phandle;
                _used.Add(phandle);
            }
        }
    }

    /// <summary>The node a reference means: a label, or a path whose every name is exact. Only labels that are alive count.</summary>
    public static DeviceTreeNode? Find(DeviceTree tree, string reference, bool useSymbols)
    {
        if (!reference.StartsWith('/'))
        {
            return useSymbols
                ? tree.FindByLabel(reference)
                : tree.Nodes.FirstOrDefault(node => node.LabelList.Contains(reference, StringComparer.Ordinal));
        }
        DeviceTreeNode? found = tree.Root;
        // A slash at the end ends the search with the node before it, slashes in a row count as one.
        foreach (string name in reference.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            found = found?.FindExactChild(name);
        }
        return found;
    }

    public static bool IsSelfReference(DeviceTreeNode node) =>
        node.PropertyList.Exists(property =>
            property.Name is "phandle" or "linux,phandle"
            && property.IsUnresolved
            && Array.Exists(property.MarkerArray, marker => marker.Kind == PropertyMarkerKind.PhandleReference)
        );

    /// <summary>Removes nodes under <c>/omit-if-no-ref/</c> that nothing refers to.</summary>
    public static void OmitUnused(DeviceTree tree, bool keepLabelled)
    {
        List<DeviceTreeNode> unused =
        [
            .. tree.Nodes.Where(node =>
                node.OmitIfUnreferenced && !node.IsReferenced && !(keepLabelled && node.LabelList.Count > 0)
            ),
        ];
        foreach (DeviceTreeNode node in unused.Where(node => node.Parent is not null))
        {
            node.Remove();
        }
    }

    public void Resolve()
    {
        foreach (DeviceTreeNode node in _tree.Nodes)
        {
            foreach (DeviceTreeProperty property in node.PropertyList.ToArray())
            {
                ResolvePhandles(node, property);
            }
        }
        foreach (DeviceTreeNode node in _tree.Nodes)
        {
            foreach (DeviceTreeProperty property in node.PropertyList)
            {
                if (property.IsUnresolved)
                {
                    ResolvePaths(node, property);
                    property.IsUnresolved = false;
                }
            }
        }
        if (_errors.Count > 0)
        {
            throw new DeviceTreeException(_errors);
        }
    }

    /// <summary>The node's phandle, allocated if need be and then added as its last property.</summary>
    public uint PhandleOf(DeviceTreeNode node)
    {
        if (_phandles.TryGetValue(node, out uint present))
        {
            return present;
        }
        while (_used.Contains(_next))
        {
            _next++;
        }
        _used.Add(_next);
        _phandles.Add(node, _next);
        if (!node.HasProperty("phandle"))
        {
            node.SetCells("phandle", _next);
        }
        return _next;
    }

    private DeviceTreeNode? Find(string reference) =>
        reference.StartsWith('/') || !_labels.TryGetValue(reference, out DeviceTreeNode? node)
            ? Find(_tree, reference, _useSymbols)
            : node;

    private void ResolvePhandles(DeviceTreeNode node, DeviceTreeProperty property)
    {
        foreach (PropertyMarker marker in property.MarkerArray)
        {
            if (marker.Kind != PropertyMarkerKind.PhandleReference)
            {
                continue;
            }
            // A reference of an edited tree that was resolved before keeps its target, as long as that exists.
            uint present = property.IsUnresolved
                ? 0
                : BinaryPrimitives.ReadUInt32BigEndian(property.Bytes.AsSpan(marker.Offset));
            if (_used.Contains(present))
            {
                continue;
            }
            DeviceTreeNode? target = Find(marker.Text!);
            if (target is null && !_tree.IsPlugin)
            {
                ReportMissing(node, property, marker.Text!);
                continue;
            }
            uint value = target is null ? uint.MaxValue : PhandleOf(target);
            if (target is not null)
            {
                target.IsReferenced = true;
            }
            BinaryPrimitives.WriteUInt32BigEndian(property.Bytes.AsSpan(marker.Offset), value);
        }
    }

    private void ResolvePaths(DeviceTreeNode node, DeviceTreeProperty property)
    {
        if (!Array.Exists(property.MarkerArray, marker => marker.Kind == PropertyMarkerKind.PathReference))
        {
            return;
        }
        List<byte> value = [.. property.Bytes];
        PropertyMarker[] markers = property.MarkerArray;
        int inserted = 0;
        for (int i = 0; i < markers.Length; i++)
        {
            markers[i] = markers[i] with { Offset = markers[i].Offset + inserted };
            if (markers[i].Kind != PropertyMarkerKind.PathReference)
            {
                continue;
            }
            if (Find(markers[i].Text!) is not { } target)
            {
                ReportMissing(node, property, markers[i].Text!);
                continue;
            }
            target.IsReferenced = true;
            byte[] path = [.. Encoding.Latin1.GetBytes(target.Path), 0];
            value.InsertRange(markers[i].Offset, path);
            inserted += path.Length;
        }
        property.Replace([.. value], markers, property.Location);
    }

    private void ReportMissing(DeviceTreeNode node, DeviceTreeProperty property, string reference)
    {
        string what = reference.StartsWith('/') ? $"node {reference}" : $"label '{reference}'";
        _errors.Add(
            DeviceTreeException.At(
                property.Location,
                $"{node.Path}: property '{property.Name}' refers to the {what}, which does not exist"
            )
        );
    }
}
