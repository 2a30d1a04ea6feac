namespace Emulator.Machine.DeviceTrees;

/// <summary>An entry of the memory reservation block: physical address and length in bytes.</summary>
public sealed record MemoryReservation(ulong Address, ulong LengthBytes)
{
    /// <summary>Labels in the source, the one added last first.</summary>
    public IReadOnlyList<string> Labels { get; init; } = [];
}

/// <summary>
/// A flattened device tree taken apart: the root node, the memory reservations and the boot CPU (Devicetree Specification v0.4, chapter 5).
/// </summary>
public sealed class DeviceTree
{
    /// <summary>Creates a tree with an empty root.</summary>
    public DeviceTree()
        : this(new DeviceTreeNode("")) { }

    internal DeviceTree(DeviceTreeNode root) => Root = root;

    /// <summary>The root node.</summary>
    public DeviceTreeNode Root { get; }

    /// <summary>The memory reservations in order.</summary>
    public IList<MemoryReservation> MemoryReservations { get; } = [];

    /// <summary>The physical id of the boot CPU (the header's boot_cpuid_phys).</summary>
    public uint BootCpuId { get; set; }

    /// <summary>Whether the source was a <c>/plugin/</c>, thus an overlay.</summary>
    public bool IsPlugin { get; internal set; }

    /// <summary>All nodes, parents before children.</summary>
    public IEnumerable<DeviceTreeNode> Nodes => Root.SelfAndDescendants();

    /// <summary>
    /// The node at a path. A path that does not begin with a slash begins with an alias: <c>serial0</c>, <c>serial0/child</c>. Names may leave
    /// out the unit address; an options part after a colon (<c>serial0:115200n8</c>) must be cut off before.
    /// </summary>
    /// <returns>The node, or null.</returns>
    public DeviceTreeNode? FindByPath(string path) => FindByPath(path, aliasDepth: 0);

    /// <summary>The node at a path; see <see cref="FindByPath(string)"/>.</summary>
    /// <exception cref="DeviceTreeException">There is none.</exception>
    public DeviceTreeNode GetByPath(string path) =>
        FindByPath(path) ?? throw new DeviceTreeException($"there is no node '{path}' in this device tree");

    /// <summary>The node that has the label, by the source's labels or else by <c>/__symbols__</c>; or null.</summary>
    public DeviceTreeNode? FindByLabel(string label)
    {
        foreach (DeviceTreeNode node in Nodes)
        {
            if (node.LabelList.Contains(label, StringComparer.Ordinal))
            {
                return node;
            }
        }
        DeviceTreeProperty? symbol = Root.FindExactChild("__symbols__")?.FindProperty(label);
        return symbol is { LooksLikeStrings: true } ? FindByPath(symbol.ReadStrings()[0]) : null;
    }

    /// <summary>The node that has the phandle, or null.</summary>
    public DeviceTreeNode? FindByPhandle(uint phandle)
    {
        foreach (DeviceTreeNode node in Nodes)
        {
            if (node.Phandle == phandle)
            {
                return node;
            }
        }
        return null;
    }

    /// <summary>The nodes whose <c>compatible</c> contains the string, in tree order.</summary>
    public IEnumerable<DeviceTreeNode> FindCompatible(string compatible) =>
        Nodes.Where(node => node.IsCompatible(compatible));

    /// <summary>
    /// The node's phandle; a node without one gets the lowest that is free, from 1 up, as a new last property.
    /// </summary>
    public uint EnsurePhandle(DeviceTreeNode node)
    {
        if (node.Phandle is { } present)
        {
            return present;
        }
        HashSet<uint> used = [.. Nodes.Select(other => other.Phandle).OfType<uint>()];
        uint phandle = 1;
        while (used.Contains(phandle))
        {
            phandle++;
        }
        node.SetCells("phandle", phandle);
        return phandle;
    }

    /// <summary>A copy that shares nothing with this tree.</summary>
    public DeviceTree DeepClone()
    {
        DeviceTree copy = new(Root.DeepClone()) { BootCpuId = BootCpuId, IsPlugin = IsPlugin };
        foreach (MemoryReservation reservation in MemoryReservations)
        {
            copy.MemoryReservations.Add(reservation);
        }
        return copy;
    }

    private DeviceTreeNode? FindByPath(string path, int aliasDepth)
    {
        DeviceTreeNode? node = Root;
        string rest = path;
        if (!path.StartsWith('/'))
        {
            int slash = path.IndexOf('/', StringComparison.Ordinal);
            string alias = slash < 0 ? path : path[..slash];
            rest = slash < 0 ? "" : path[slash..];
            DeviceTreeProperty? property = Root.FindExactChild("aliases")?.FindProperty(alias);
            // An alias of an alias is no use of the specification, but cheap; a chain of them ends here.
            if (property is not { LooksLikeStrings: true } || aliasDepth > 4)
            {
                return null;
            }
            node = FindByPath(property.ReadStrings()[0], aliasDepth + 1);
        }
        foreach (string name in rest.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            node = node?.FindChild(name);
        }
        return node;
    }
}
