using System.Buffers.Binary;
using System.Globalization;

namespace Emulator.Machine.DeviceTrees;

/// <summary>
/// Applies overlays to a base tree as libfdt's fdt_overlay_apply does: the overlay's phandles are moved above the base's, its references
/// to labels of the base are filled in from <c>/__symbols__</c>, and each fragment's <c>__overlay__</c> is laid over its target.
/// </summary>
/// <remarks>
/// As with libfdt, properties and nodes that are new come before those that were there, and <c>/__symbols__</c> of the base learns the
/// overlay's labels. Beyond libfdt, labels of a base read from source count too, without <c>dtc -@</c>. An overlay can only add and
/// replace: to delete, edit the tree with <see cref="DtsReader.ParseOnto"/>.
/// </remarks>
public static class DeviceTreeOverlay
{
    /// <summary>Applies one overlay.</summary>
    /// <param name="tree">The base; it stays as it is.</param>
    /// <param name="overlay">A <c>/plugin/</c> source or a .dtbo blob, as read; it stays as it is.</param>
    /// <returns>The merged tree.</returns>
    /// <exception cref="DeviceTreeException">The overlay is broken or does not fit the base.</exception>
    public static DeviceTree Apply(DeviceTree tree, DeviceTree overlay)
    {
        ArgumentNullException.ThrowIfNull(tree);
        ArgumentNullException.ThrowIfNull(overlay);
        DeviceTree merged = tree.DeepClone();
        DeviceTree added = overlay.DeepClone();
        GiveTargetsPhandles(merged, added);
        Dictionary<uint, DeviceTreeNode> phandles = [];
        foreach (DeviceTreeNode node in merged.Nodes)
        {
            if (node.Phandle is { } phandle)
            {
                phandles.TryAdd(phandle, node);
            }
        }
        MovePhandles(added, phandles.Count == 0 ? 0 : phandles.Keys.Max());
        FillInReferences(merged, added);

        List<(DeviceTreeNode Fragment, DeviceTreeNode Target)> fragments = [];
        foreach (DeviceTreeNode fragment in added.Root.ChildList)
        {
            if (fragment.FindExactChild("__overlay__") is { } content)
            {
                DeviceTreeNode target = FindTarget(merged, fragment, phandles);
                fragments.Add((fragment, target));
                Lay(merged, target, content, depth: 0);
            }
        }
        UpdateSymbols(merged, added, fragments);
        StructureChecks.ThrowIfBroken(merged);
        return merged;
    }

    /// <summary>Bases from source have phandles only where they refer to nodes themselves; new ones must be below the overlay's.</summary>
    private static void GiveTargetsPhandles(DeviceTree tree, DeviceTree overlay)
    {
        foreach (DeviceTreeProperty fixup in overlay.Root.FindExactChild("__fixups__")?.PropertyList ?? [])
        {
            if (tree.FindByLabel(fixup.Name) is { } target)
            {
                _ = tree.EnsurePhandle(target);
            }
        }
    }

    private static void MovePhandles(DeviceTree overlay, uint delta)
    {
        foreach (DeviceTreeNode node in overlay.Nodes)
        {
            foreach (string name in (ReadOnlySpan<string>)["phandle", "linux,phandle"])
            {
                if (node.FindProperty(name) is { } property)
                {
                    Add(node, property, 0, delta);
                }
            }
        }
        if (overlay.Root.FindExactChild("__local_fixups__") is { } fixups)
        {
            MoveLocalReferences(fixups, overlay.Root, delta);
        }
    }

    private static void MoveLocalReferences(DeviceTreeNode fixups, DeviceTreeNode node, uint delta)
    {
        foreach (DeviceTreeProperty offsets in fixups.PropertyList)
        {
            DeviceTreeProperty property =
                node.FindProperty(offsets.Name)
                ?? throw DeviceTreeException.ForNode(
                    fixups,
                    $"names the property '{offsets.Name}', which {node.Path} does not have"
                );
            foreach (uint offset in offsets.ReadCells())
            {
                Add(node, property, offset, delta);
            }
        }
        foreach (DeviceTreeNode child in fixups.ChildList)
        {
            DeviceTreeNode counterpart =
                node.FindExactChild(child.Name)
                ?? throw DeviceTreeException.ForNode(child, $"has no counterpart {node.Path}/{child.Name}");
            MoveLocalReferences(child, counterpart, delta);
        }
    }

    private static void Add(DeviceTreeNode node, DeviceTreeProperty property, uint offset, uint delta)
    {
        Span<byte> cell = CellAt(node, property, offset);
        uint value = BinaryPrimitives.ReadUInt32BigEndian(cell);
        if ((ulong)value + delta >= uint.MaxValue)
        {
            throw DeviceTreeException.ForProperty(
                node,
                property.Name,
                $"phandle 0x{value:x} cannot be moved up by 0x{delta:x}"
            );
        }
        BinaryPrimitives.WriteUInt32BigEndian(cell, value + delta);
    }

    private static Span<byte> CellAt(DeviceTreeNode node, DeviceTreeProperty property, uint offset) =>
        (ulong)offset + 4 <= (ulong)property.LengthBytes
            ? property.Bytes.AsSpan((int)offset, 4)
            : throw DeviceTreeException.ForProperty(
                node,
                property.Name,
                $"has {property.LengthBytes} bytes, no cell at byte {offset} where a fixup wants one"
            );

    private static void FillInReferences(DeviceTree tree, DeviceTree overlay)
    {
        if (overlay.Root.FindExactChild("__fixups__") is not { } fixups)
        {
            return;
        }
        foreach (DeviceTreeProperty fixup in fixups.PropertyList)
        {
            DeviceTreeNode target =
                tree.FindByLabel(fixup.Name)
                ?? throw new DeviceTreeException(
                    FirstUser(overlay, fixup),
                    $"the overlay refers to '{fixup.Name}', but the base has no such label"
                        + (
                            tree.Root.FindExactChild("__symbols__") is null
                                ? "; it has no /__symbols__ at all: compile it with 'dtc -@'"
                                : ""
                        )
                );
            uint phandle = tree.EnsurePhandle(target);
            foreach (string entry in fixup.ReadStrings())
            {
                (DeviceTreeNode node, DeviceTreeProperty property, uint offset) = ParseEntry(
                    overlay,
                    fixups,
                    fixup.Name,
                    entry
                );
                BinaryPrimitives.WriteUInt32BigEndian(CellAt(node, property, offset), phandle);
            }
        }
    }

    private static SourceLocation FirstUser(DeviceTree overlay, DeviceTreeProperty fixup)
    {
        string path = fixup.ReadStrings()[0].Split(':')[0];
        return overlay.FindByPath(path)?.Location ?? default;
    }

    private static (DeviceTreeNode Node, DeviceTreeProperty Property, uint Offset) ParseEntry(
        DeviceTree overlay,
        DeviceTreeNode fixups,
        string label,
        string entry
    )
    {
        string[] parts = entry.Split(':');
        if (
            parts.Length == 3
            && parts[0].StartsWith('/')
            && uint.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out uint offset)
            && overlay.FindByPath(parts[0]) is { } node
            && node.FindProperty(parts[1]) is { } property
        )
        {
            return (node, property, offset);
        }
        throw DeviceTreeException.ForProperty(
            fixups,
            label,
            $"'{entry}' is no path:property:offset of something in the overlay"
        );
    }

    private static DeviceTreeNode FindTarget(
        DeviceTree tree,
        DeviceTreeNode fragment,
        Dictionary<uint, DeviceTreeNode> phandles
    )
    {
        if (fragment.FindProperty("target") is { } target)
        {
            uint phandle = target.ReadUInt32();
            return phandles.TryGetValue(phandle, out DeviceTreeNode? node)
                ? node
                : throw DeviceTreeException.ForProperty(
                    fragment,
                    "target",
                    $"no node of the base has the phandle 0x{phandle:x}"
                );
        }
        if (fragment.FindProperty("target-path") is not { } path)
        {
            throw DeviceTreeException.ForNode(fragment, "has neither 'target' nor 'target-path'");
        }
        return tree.FindByPath(path.ReadString())
            ?? throw DeviceTreeException.ForProperty(
                fragment,
                "target-path",
                $"the base has no node {path.ReadString()}"
            );
    }

    private static void Lay(DeviceTree tree, DeviceTreeNode target, DeviceTreeNode content, int depth)
    {
        if (depth > DtsReader.MaximumDepth)
        {
            throw DeviceTreeException.ForNode(target, $"nodes are nested more than {DtsReader.MaximumDepth} deep");
        }
        foreach (string label in content.LabelList)
        {
            // As in __symbols__, the last overlay that defines a label has it.
            tree.Nodes.FirstOrDefault(node => node.LabelList.Contains(label, StringComparer.Ordinal))
                ?.LabelList.Remove(label);
            target.AddLabel(label);
        }
        target.LocationList.AddRange(content.LocationList);
        foreach (DeviceTreeProperty property in content.PropertyList)
        {
            if (target.FindProperty(property.Name) is { } old)
            {
                old.Replace(property.Bytes, property.MarkerArray, property.Location);
            }
            else
            {
                property.Node = target;
                target.PropertyList.Insert(0, property);
            }
        }
        foreach (DeviceTreeNode child in content.ChildList)
        {
            DeviceTreeNode? old = target.FindExactChild(child.Name);
            if (old is null)
            {
                old = new DeviceTreeNode(child.Name) { Parent = target };
                target.ChildList.Insert(0, old);
            }
            Lay(tree, old, child, depth + 1);
        }
    }

    private static void UpdateSymbols(
        DeviceTree tree,
        DeviceTree overlay,
        List<(DeviceTreeNode Fragment, DeviceTreeNode Target)> fragments
    )
    {
        if (overlay.Root.FindExactChild("__symbols__") is not { } symbols)
        {
            return;
        }
        DeviceTreeNode? table = tree.Root.FindExactChild("__symbols__");
        if (table is null)
        {
            table = new DeviceTreeNode("__symbols__") { Parent = tree.Root };
            tree.Root.ChildList.Insert(0, table);
        }
        foreach (DeviceTreeProperty symbol in symbols.PropertyList)
        {
            string path = symbol.ReadString();
            foreach ((DeviceTreeNode fragment, DeviceTreeNode target) in fragments)
            {
                string prefix = $"/{fragment.Name}/__overlay__";
                if (
                    !path.StartsWith(prefix, StringComparison.Ordinal)
                    || (path.Length > prefix.Length && path[prefix.Length] != '/')
                )
                {
                    continue;
                }
                string moved = (target.Parent is null ? "" : target.Path) + path[prefix.Length..];
                bool isNew = !table.HasProperty(symbol.Name);
                DeviceTreeProperty entry = table.SetStrings(symbol.Name, moved.Length == 0 ? "/" : moved);
                if (isNew)
                {
                    table.PropertyList.Remove(entry);
                    table.PropertyList.Insert(0, entry);
                }
                break;
            }
        }
    }
}
