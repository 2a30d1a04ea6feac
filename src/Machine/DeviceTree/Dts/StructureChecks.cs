using System.Text;

namespace Emulator.Machine.DeviceTrees;

/// <summary>
/// What makes a tree unusable, whatever it describes: dtc's checks of class ERROR (names, duplicates, labels, explicit phandles).
/// </summary>
internal static class StructureChecks
{
    /// <summary>Checks the whole tree.</summary>
    /// <exception cref="DeviceTreeException">The tree has such errors.</exception>
    public static void ThrowIfBroken(DeviceTree tree)
    {
        List<DeviceTreeError> errors = [];
        foreach (DeviceTreeNode node in tree.Nodes)
        {
            CheckNames(node, errors);
            CheckNameProperty(node, errors);
        }
        CheckLabels(tree, errors);
        CheckPhandles(tree, errors);
        if (errors.Count > 0)
        {
            throw new DeviceTreeException(errors);
        }
    }

    private static void CheckNames(DeviceTreeNode node, List<DeviceTreeError> errors)
    {
        Dictionary<string, DeviceTreeNode> children = new(StringComparer.Ordinal);
        foreach (DeviceTreeNode child in node.ChildList)
        {
            if (!children.TryAdd(child.Name, child))
            {
                Report(
                    errors,
                    child.Location,
                    $"{child.Path}: this name is taken{Before(children[child.Name].Location)}"
                );
            }
        }
        Dictionary<string, DeviceTreeProperty> properties = new(StringComparer.Ordinal);
        foreach (DeviceTreeProperty property in node.PropertyList)
        {
            if (!properties.TryAdd(property.Name, property))
            {
                Report(
                    errors,
                    property.Location,
                    $"{node.Path}: property '{property.Name}' is given twice{Before(properties[property.Name].Location)}"
                );
            }
            if (BadCharacter(property.Name, alsoAllowed: "*#?") is { } bad)
            {
                Report(
                    errors,
                    property.Location,
                    $"{node.Path}: property '{property.Name}': names cannot contain '{bad}'"
                );
            }
        }
        if (BadCharacter(node.Name, alsoAllowed: "@") is { } badInNode)
        {
            Report(errors, node.Location, $"{node.Path}: node names cannot contain '{badInNode}'");
        }
        if (node.Name.Count(c => c == '@') > 1)
        {
            Report(errors, node.Location, $"{node.Path}: a node name has at most one '@', before the unit address");
        }
    }

    private static char? BadCharacter(string name, string alsoAllowed)
    {
        foreach (char c in name)
        {
            if (
                !char.IsAsciiLetterOrDigit(c)
                && c is not (',' or '.' or '_' or '+' or '-')
                && !alsoAllowed.Contains(c, StringComparison.Ordinal)
            )
            {
                return c;
            }
        }
        return null;
    }

    /// <summary>The old <c>name</c> property must repeat the node's name, and is then dropped.</summary>
    private static void CheckNameProperty(DeviceTreeNode node, List<DeviceTreeError> errors)
    {
        if (node.FindProperty("name") is not { } property)
        {
            return;
        }
        byte[] expected = [.. Encoding.Latin1.GetBytes(node.BaseName), 0];
        if (property.Value.SequenceEqual(expected))
        {
            node.RemoveProperty("name");
        }
        else
        {
            Report(
                errors,
                property.Location,
                $"{node.Path}: property 'name' must be \"{node.BaseName}\", or better left out"
            );
        }
    }

    private static void CheckLabels(DeviceTree tree, List<DeviceTreeError> errors)
    {
        Dictionary<string, (SourceLocation Location, string Place, object Owner)> seen = new(StringComparer.Ordinal);
        foreach (DeviceTreeNode node in tree.Nodes)
        {
            foreach (string label in node.LabelList)
            {
                Check(label, node.Location, node.Path, node);
            }
            foreach (DeviceTreeProperty property in node.PropertyList)
            {
                foreach (string label in property.LabelList)
                {
                    Check(label, property.Location, $"property '{property.Name}' of {node.Path}", property);
                }
                foreach (PropertyMarker marker in property.MarkerArray.Where(m => m.Kind == PropertyMarkerKind.Label))
                {
                    Check(marker.Text!, property.Location, $"the value of '{property.Name}' of {node.Path}", marker);
                }
            }
        }

        void Check(string label, in SourceLocation location, string place, object owner)
        {
            if (!seen.TryAdd(label, (location, place, owner)))
            {
                (SourceLocation first, string firstPlace, _) = seen[label];
                Report(
                    errors,
                    location,
                    $"label '{label}' is defined twice: on {firstPlace}{Before(first)} and on {place}"
                );
            }
        }
    }

    private static void CheckPhandles(DeviceTree tree, List<DeviceTreeError> errors)
    {
        Dictionary<uint, DeviceTreeNode> owners = [];
        foreach (DeviceTreeNode node in tree.Nodes)
        {
            uint? modern = CheckPhandle(tree, node, "phandle", errors);
            uint? legacy = CheckPhandle(tree, node, "linux,phandle", errors);
            if (modern is not null && legacy is not null && modern != legacy)
            {
                Report(errors, node.Location, $"{node.Path}: 'phandle' and 'linux,phandle' have different values");
            }
            if ((modern ?? legacy) is { } phandle && !owners.TryAdd(phandle, node))
            {
                Report(
                    errors,
                    node.Location,
                    $"{node.Path}: phandle 0x{phandle:x} is taken by {owners[phandle].Path}; leave explicit phandles out and use labels"
                );
            }
        }
    }

    private static uint? CheckPhandle(DeviceTree tree, DeviceTreeNode node, string name, List<DeviceTreeError> errors)
    {
        if (node.FindProperty(name) is not { } property)
        {
            return null;
        }
        if (property.LengthBytes != 4)
        {
            Report(
                errors,
                property.Location,
                $"{node.Path}: property '{name}' must be one cell, but has {property.LengthBytes} bytes"
            );
            return null;
        }
        foreach (PropertyMarker marker in property.MarkerArray)
        {
            if (marker.Kind == PropertyMarkerKind.PhandleReference)
            {
                if (!ReferenceEquals(DtsReferences.Find(tree, marker.Text!, useSymbols: false), node))
                {
                    Report(
                        errors,
                        property.Location,
                        $"{node.Path}: property '{name}' refers to another node; it may only refer to its own"
                    );
                }
                return property.IsUnresolved ? null : property.ReadUInt32();
            }
        }
        uint value = property.ReadUInt32();
        if (value is 0 or uint.MaxValue)
        {
            Report(
                errors,
                property.Location,
                $"{node.Path}: property '{name}' cannot be 0x{value:x}, which means \"none\""
            );
            return null;
        }
        return value;
    }

    private static string Before(in SourceLocation location) => location.IsKnown ? $" (first at {location})" : "";

    private static void Report(List<DeviceTreeError> errors, in SourceLocation location, string message) =>
        errors.Add(DeviceTreeException.At(location, message));
}
