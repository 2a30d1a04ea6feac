namespace Emulator.Machine.DeviceTrees;

/// <summary>What an <c>iommu-map</c> or <c>msi-map</c> makes of a requester ID: the unit it goes to, and the ID there.</summary>
public readonly record struct MappedId(DeviceTreeNode Target, uint Id);

/// <summary>An entry of an <c>iommu-map</c> or <c>msi-map</c>.</summary>
public readonly record struct MappedRange(uint First, DeviceTreeNode Target, uint FirstThere, uint Length);

/// <summary>A master of the legacy SMMU binding and the stream IDs it emits.</summary>
public sealed record MmuMaster(DeviceTreeNode Master, IReadOnlyList<uint> StreamIds);

/// <summary>
/// Which IOMMU and which MSI controller a device talks to (Linux, Documentation/devicetree/bindings/iommu/iommu.txt, pci/pci-iommu.txt,
/// pci/pci-msi.txt, interrupt-controller/msi.txt, and the legacy arm,smmu.txt). Every method throws <see cref="DeviceTreeException"/> with node and
/// property when the tree breaks the rules.
/// </summary>
public static class IommuBindings
{
    /// <summary>The entries of <c>iommus</c>: each IOMMU with the master's IDs there, by its <c>#iommu-cells</c>.</summary>
    public static IReadOnlyList<PhandleArgs> ReadIommus(this DeviceTree tree, DeviceTreeNode node) =>
        tree.ReadPhandleArgs(node, "iommus", "#iommu-cells");

    /// <summary>The entries of <c>msi-parent</c>; controllers without <c>#msi-cells</c> take none.</summary>
    public static IReadOnlyList<PhandleArgs> ReadMsiParents(this DeviceTree tree, DeviceTreeNode node) =>
        tree.ReadPhandleArgs(node, "msi-parent", "#msi-cells", defaultCells: 0);

    /// <summary>The IOMMU and stream ID of a requester behind a host bridge, by <c>iommu-map</c>; null when the map leaves it out or is absent.</summary>
    public static MappedId? MapIommu(this DeviceTree tree, DeviceTreeNode bridge, uint requesterId) =>
        tree.MapId(bridge, "iommu-map", "iommu-map-mask", requesterId);

    /// <summary>The MSI controller and device ID of a requester behind a host bridge, by <c>msi-map</c>; null when the map leaves it out or is absent.</summary>
    public static MappedId? MapMsi(this DeviceTree tree, DeviceTreeNode bridge, uint requesterId) =>
        tree.MapId(bridge, "msi-map", "msi-map-mask", requesterId);

    /// <summary>
    /// Looks an ID up in a map of (first ID, phandle, first ID there, length) under an optional mask (Linux, of_map_id); null when no entry has it.
    /// </summary>
    public static MappedId? MapId(
        this DeviceTree tree,
        DeviceTreeNode node,
        string mapProperty,
        string maskProperty,
        uint id
    )
    {
        if (node.FindProperty(mapProperty) is not { } map)
        {
            return null;
        }
        uint mask = node.FindProperty(maskProperty)?.ReadUInt32() ?? uint.MaxValue;
        uint masked = id & mask;
        CellReader cells = new(node, map);
        cells.CheckMultiple(4, "first ID, phandle, first ID there, length");
        while (!cells.AtEnd)
        {
            uint first = cells.Take();
            uint phandle = cells.Take();
            uint firstThere = cells.Take();
            uint length = cells.Take();
            if ((first & ~mask) != 0)
            {
                throw cells.Wrong($"the entry for 0x{first:x} can never match under the '{maskProperty}' 0x{mask:x}");
            }
            if (masked >= first && masked - first < length)
            {
                return new MappedId(
                    tree.FindTarget(node, mapProperty, phandle),
                    unchecked(masked - first + firstThere)
                );
            }
        }
        return null;
    }

    /// <summary>The entries of such a map; none without the property.</summary>
    public static IReadOnlyList<MappedRange> ReadIdMap(this DeviceTree tree, DeviceTreeNode node, string mapProperty)
    {
        if (node.FindProperty(mapProperty) is not { } map)
        {
            return [];
        }
        CellReader cells = new(node, map);
        cells.CheckMultiple(4, "first ID, phandle, first ID there, length");
        List<MappedRange> ranges = [];
        while (!cells.AtEnd)
        {
            uint first = cells.Take();
            DeviceTreeNode target = tree.FindTarget(node, mapProperty, cells.Take());
            ranges.Add(new MappedRange(first, target, cells.Take(), cells.Take()));
        }
        return ranges;
    }

    /// <summary>The masters of an SMMU in the legacy binding: <c>mmu-masters</c>, each with as many stream IDs as its <c>#stream-id-cells</c>.</summary>
    public static IReadOnlyList<MmuMaster> ReadMmuMasters(this DeviceTree tree, DeviceTreeNode smmu) =>
        [
            .. tree.ReadPhandleArgs(smmu, "mmu-masters", "#stream-id-cells")
                .Where(entry => entry.Node is not null)
                .Select(entry => new MmuMaster(entry.Node!, entry.Args)),
        ];
}
