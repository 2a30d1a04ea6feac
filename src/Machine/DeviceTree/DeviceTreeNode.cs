using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;

namespace Emulator.Machine.DeviceTrees;

/// <summary>
/// A node: a name, ordered properties and ordered children (Devicetree Specification v0.4, section 2.2). Properties and children keep
/// the order in which they were written.
/// </summary>
[DebuggerDisplay("{Path,nq}")]
public sealed class DeviceTreeNode
{
    internal DeviceTreeNode(string name, SourceLocation location = default)
    {
        Name = name;
        if (location.IsKnown)
        {
            LocationList.Add(location);
        }
    }

    /// <summary>The whole name with its unit address (<c>dma@2c0a0000</c>); empty for the root.</summary>
    public string Name { get; private set; }

    /// <summary>The name without the unit address.</summary>
    public string BaseName => Name.IndexOf('@', StringComparison.Ordinal) is var at && at < 0 ? Name : Name[..at];

    /// <summary>What follows the <c>@</c> of the name, or null.</summary>
    public string? UnitAddress =>
        Name.IndexOf('@', StringComparison.Ordinal) is var at && at < 0 ? null : Name[(at + 1)..];

    /// <summary>The parent; null for the root and for a node that was removed.</summary>
    public DeviceTreeNode? Parent { get; internal set; }

    /// <summary>The path from the root, <c>/soc/dma@2c0a0000</c>; <c>/</c> for the root.</summary>
    public string Path
    {
        get
        {
            if (Parent is null)
            {
                return Name.Length == 0 ? "/" : Name;
            }
            StringBuilder path = new();
            for (DeviceTreeNode node = this; node.Parent is not null; node = node.Parent)
            {
                path.Insert(0, node.Name).Insert(0, '/');
            }
            return path.ToString();
        }
    }

    /// <summary>The children in order.</summary>
    public IReadOnlyList<DeviceTreeNode> Children => ChildList;

    /// <summary>The properties in order.</summary>
    public IReadOnlyList<DeviceTreeProperty> Properties => PropertyList;

    /// <summary>Labels, the one added last first (as dtc prints them).</summary>
    public IReadOnlyList<string> Labels => LabelList;

    /// <summary>Where the node was first opened, from its brace to its semicolon.</summary>
    public SourceLocation Location => LocationList.Count > 0 ? LocationList[0] : default;

    /// <summary>All places that contributed to the node, the first first.</summary>
    public IReadOnlyList<SourceLocation> Locations => LocationList;

    /// <summary>
    /// The value of <c>phandle</c> (or the older <c>linux,phandle</c>); null when there is none or it is 0 or 0xffffffff,
    /// which mean "none".
    /// </summary>
    public uint? Phandle => PhandleOf("phandle") ?? PhandleOf("linux,phandle");

    /// <summary>The strings of <c>compatible</c>, most specific first; empty without the property.</summary>
    public IReadOnlyList<string> Compatible => FindProperty("compatible")?.ReadStrings() ?? [];

    /// <summary>The value of <c>status</c>; <c>okay</c> without the property.</summary>
    public string Status => FindProperty("status")?.ReadString() ?? "okay";

    /// <summary>Whether the device may be used: <c>status</c> is absent, <c>okay</c> or <c>ok</c>.</summary>
    public bool IsEnabled => Status is "okay" or "ok";

    internal List<DeviceTreeNode> ChildList { get; } = [];
    internal List<DeviceTreeProperty> PropertyList { get; } = [];
    internal List<string> LabelList { get; } = [];
    internal List<SourceLocation> LocationList { get; } = [];

    /// <summary>Removed by a later part of the source; kept in its place until the source is read, as it may come back.</summary>
    internal bool IsDeleted { get; set; }

    /// <summary>Stands for a <c>/delete-node/</c> that has not met its node yet.</summary>
    internal bool IsDeletion { get; init; }
    internal bool OmitIfUnreferenced { get; set; }
    internal bool IsReferenced { get; set; }

    /// <summary>The property of that name, or null.</summary>
    public DeviceTreeProperty? FindProperty(string name)
    {
        foreach (DeviceTreeProperty property in PropertyList)
        {
            if (!property.IsDeleted && string.Equals(property.Name, name, StringComparison.Ordinal))
            {
                return property;
            }
        }
        return null;
    }

    /// <summary>The property of that name.</summary>
    /// <exception cref="DeviceTreeException">There is none.</exception>
    public DeviceTreeProperty GetProperty(string name) =>
        FindProperty(name) ?? throw DeviceTreeException.ForNode(this, $"has no property '{name}'");

    /// <summary>Whether the node has the property.</summary>
    public bool HasProperty(string name) => FindProperty(name) is not null;

    /// <summary>
    /// The child of that name. A name without a unit address also finds the first child that has it as base name
    /// (libfdt's fdt_subnode_offset).
    /// </summary>
    public DeviceTreeNode? FindChild(string name)
    {
        if (FindExactChild(name) is { } exact)
        {
            return exact;
        }
        if (name.Contains('@', StringComparison.Ordinal))
        {
            return null;
        }
        foreach (DeviceTreeNode child in ChildList)
        {
            if (!child.IsDeleted && string.Equals(child.BaseName, name, StringComparison.Ordinal))
            {
                return child;
            }
        }
        return null;
    }

    /// <summary>Whether <c>compatible</c> contains the string.</summary>
    public bool IsCompatible(string compatible) => Compatible.Contains(compatible, StringComparer.Ordinal);

    /// <summary>This node, its parent and so on up to the root.</summary>
    public IEnumerable<DeviceTreeNode> SelfAndAncestors()
    {
        for (DeviceTreeNode? node = this; node is not null; node = node.Parent)
        {
            yield return node;
        }
    }

    /// <summary>The node itself and everything below it, parents before children.</summary>
    public IEnumerable<DeviceTreeNode> SelfAndDescendants()
    {
        Stack<DeviceTreeNode> open = new();
        open.Push(this);
        while (open.TryPop(out DeviceTreeNode? node))
        {
            yield return node;
            for (int i = node.ChildList.Count - 1; i >= 0; i--)
            {
                if (!node.ChildList[i].IsDeleted)
                {
                    open.Push(node.ChildList[i]);
                }
            }
        }
    }

    /// <summary>Gives a property a value; a new one is added after the others.</summary>
    public DeviceTreeProperty SetProperty(string name, ReadOnlySpan<byte> value) => Set(name, value.ToArray(), []);

    /// <summary>Gives a property a value of 32-bit cells; without cells, an empty one.</summary>
    public DeviceTreeProperty SetCells(string name, params ReadOnlySpan<uint> cells)
    {
        byte[] value = new byte[cells.Length * 4];
        for (int i = 0; i < cells.Length; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(value.AsSpan(i * 4), cells[i]);
        }
        return Set(name, value, value.Length == 0 ? [] : [new PropertyMarker(PropertyMarkerKind.UInt32, 0)]);
    }

    /// <summary>Gives a property one or more strings as value.</summary>
    public DeviceTreeProperty SetStrings(string name, params ReadOnlySpan<string> strings)
    {
        List<byte> value = [];
        List<PropertyMarker> markers = [];
        foreach (string text in strings)
        {
            markers.Add(new PropertyMarker(PropertyMarkerKind.String, value.Count));
            value.AddRange(Encoding.UTF8.GetBytes(text));
            value.Add(0);
        }
        return Set(name, [.. value], [.. markers]);
    }

    /// <summary>Removes a property; false when there was none.</summary>
    public bool RemoveProperty(string name)
    {
        if (FindProperty(name) is not { } property)
        {
            return false;
        }
        property.Node = null;
        return PropertyList.Remove(property);
    }

    /// <summary>Adds an empty child after the others.</summary>
    /// <exception cref="ArgumentException">The name is empty, contains a slash, or is taken.</exception>
    public DeviceTreeNode AddChild(string name)
    {
        CheckChildName(name);
        DeviceTreeNode child = new(name) { Parent = this };
        ChildList.Add(child);
        return child;
    }

    /// <summary>Adds a node that has no parent (a clone, or one that was removed) after the other children.</summary>
    /// <exception cref="ArgumentException">It has a parent, is an ancestor of this node, or its name is taken.</exception>
    public void AddChild(DeviceTreeNode child)
    {
        if (child.Parent is not null)
        {
            throw new ArgumentException($"{child.Path} already has a parent: remove or clone it first.", nameof(child));
        }
        for (DeviceTreeNode? node = this; node is not null; node = node.Parent)
        {
            if (ReferenceEquals(node, child))
            {
                throw new ArgumentException("A node cannot become its own descendant.", nameof(child));
            }
        }
        CheckChildName(child.Name);
        child.Parent = this;
        ChildList.Add(child);
    }

    /// <summary>Takes the node out of its parent. The root cannot be removed.</summary>
    public void Remove()
    {
        if (Parent is null)
        {
            throw new InvalidOperationException("The node has no parent to be removed from.");
        }
        Parent.ChildList.Remove(this);
        Parent = null;
    }

    /// <summary>Changes the node's name, unit address included.</summary>
    /// <exception cref="ArgumentException">The name is empty, contains a slash, or a sibling has it.</exception>
    public void Rename(string name)
    {
        if (Parent is null)
        {
            throw new InvalidOperationException("The root has no name.");
        }
        if (!string.Equals(name, Name, StringComparison.Ordinal))
        {
            Parent.CheckChildName(name);
            Name = name;
        }
    }

    /// <summary>Changes a property's name and leaves it in its place; false when there is no such property.</summary>
    /// <exception cref="ArgumentException">The new name is empty or taken.</exception>
    public bool RenameProperty(string name, string newName)
    {
        ArgumentException.ThrowIfNullOrEmpty(newName);
        if (FindProperty(name) is not { } property)
        {
            return false;
        }
        if (FindProperty(newName) is { } other && !ReferenceEquals(other, property))
        {
            throw new ArgumentException($"{Path} already has a property '{newName}'.", nameof(newName));
        }
        property.ReplaceName(newName);
        return true;
    }

    /// <summary>Adds a label in front of the others; one that is there already stays where it is.</summary>
    public void AddLabel(string label)
    {
        if (!LabelList.Contains(label, StringComparer.Ordinal))
        {
            LabelList.Insert(0, label);
        }
    }

    /// <summary>A copy of the node and all below it, without a parent.</summary>
    public DeviceTreeNode DeepClone()
    {
        DeviceTreeNode copy = new(Name)
        {
            IsDeleted = IsDeleted,
            OmitIfUnreferenced = OmitIfUnreferenced,
            IsReferenced = IsReferenced,
        };
        copy.LabelList.AddRange(LabelList);
        copy.LocationList.AddRange(LocationList);
        foreach (DeviceTreeProperty property in PropertyList)
        {
            copy.Append(property.Clone());
        }
        foreach (DeviceTreeNode child in ChildList)
        {
            copy.Append(child.DeepClone());
        }
        return copy;
    }

    internal DeviceTreeNode? FindExactChild(string name)
    {
        foreach (DeviceTreeNode child in ChildList)
        {
            if (!child.IsDeleted && string.Equals(child.Name, name, StringComparison.Ordinal))
            {
                return child;
            }
        }
        return null;
    }

    internal void Append(DeviceTreeProperty property)
    {
        property.Node = this;
        PropertyList.Add(property);
    }

    internal void Append(DeviceTreeNode child)
    {
        child.Parent = this;
        ChildList.Add(child);
    }

    internal void SetName(string name) => Name = name;

    private uint? PhandleOf(string name) =>
        FindProperty(name) is { LengthBytes: 4 } property
        && property.ReadUInt32() is not (0 or uint.MaxValue) and var value
            ? value
            : null;

    private DeviceTreeProperty Set(string name, byte[] value, PropertyMarker[] markers)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (FindProperty(name) is { } property)
        {
            property.Replace(value, markers, default);
            return property;
        }
        DeviceTreeProperty added = new(name, value, markers);
        Append(added);
        return added;
    }

    private void CheckChildName(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (name.Contains('/', StringComparison.Ordinal))
        {
            throw new ArgumentException($"'{name}' is no node name: it contains a slash.", nameof(name));
        }
        if (FindExactChild(name) is not null)
        {
            throw new ArgumentException($"{Path} already has a child '{name}'.", nameof(name));
        }
    }
}
