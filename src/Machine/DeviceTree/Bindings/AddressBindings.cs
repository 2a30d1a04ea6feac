namespace Emulator.Machine.DeviceTrees;

/// <summary>An entry of <c>reg</c>: an address on the parent's bus and a length in bytes.</summary>
public readonly record struct RegEntry(BusAddress Address, ulong LengthBytes);

/// <summary>An entry of <c>ranges</c>: <paramref name="LengthBytes"/> bytes from the child's bus to the parent's.</summary>
public readonly record struct RangeEntry(BusAddress Child, BusAddress Parent, ulong LengthBytes);

/// <summary>
/// Addresses: <c>#address-cells</c>, <c>#size-cells</c>, <c>reg</c>, <c>ranges</c> and <c>dma-ranges</c> (Devicetree Specification v0.4,
/// sections 2.3.5 to 2.3.9). Every method throws <see cref="DeviceTreeException"/> with node and property when the tree breaks the rules.
/// </summary>
public static class AddressBindings
{
    /// <summary>How many cells an address of this node's children has; 2 by default, never inherited from further up.</summary>
    public static int AddressCells(this DeviceTreeNode bus) => Cells(bus, "#address-cells", 2, most: 3);

    /// <summary>How many cells a size of this node's children has; 1 by default, never inherited from further up.</summary>
    public static int SizeCells(this DeviceTreeNode bus) => Cells(bus, "#size-cells", 1, most: 2);

    /// <summary>The entries of <c>reg</c>; none without the property.</summary>
    public static IReadOnlyList<RegEntry> ReadReg(this DeviceTreeNode node)
    {
        if (node.FindProperty("reg") is not { } property)
        {
            return [];
        }
        DeviceTreeNode bus =
            node.Parent
            ?? throw DeviceTreeException.ForProperty(node, "reg", "the root node has no bus to have an address on");
        int addressCells = bus.AddressCells();
        int sizeCells = bus.SizeCells();
        CellReader cells = new(node, property);
        List<RegEntry> entries = [];
        cells.CheckMultiple(
            addressCells + sizeCells,
            $"{bus.Path} has {addressCells} address and {sizeCells} size cells"
        );
        while (!cells.AtEnd)
        {
            entries.Add(new RegEntry(cells.TakeAddress(addressCells), cells.TakeNumber(sizeCells)));
        }
        return entries;
    }

    /// <summary>
    /// The entries of <c>ranges</c> or <c>dma-ranges</c>. Null without the property: the child's addresses are unreachable from outside.
    /// Empty with an empty one: both buses are one address space.
    /// </summary>
    public static IReadOnlyList<RangeEntry>? ReadRanges(this DeviceTreeNode bus, string propertyName = "ranges")
    {
        if (bus.FindProperty(propertyName) is not { } property)
        {
            return null;
        }
        DeviceTreeNode parent =
            bus.Parent ?? throw DeviceTreeException.ForProperty(bus, propertyName, "the root node has no bus above it");
        int childCells = bus.AddressCells();
        int parentCells = parent.AddressCells();
        int sizeCells = bus.SizeCells();
        CellReader cells = new(bus, property);
        List<RangeEntry> entries = [];
        cells.CheckMultiple(
            childCells + parentCells + sizeCells,
            $"child addresses have {childCells}, parent addresses {parentCells}, sizes {sizeCells}"
        );
        while (!cells.AtEnd)
        {
            entries.Add(
                new RangeEntry(
                    cells.TakeAddress(childCells),
                    cells.TakeAddress(parentCells),
                    cells.TakeNumber(sizeCells)
                )
            );
        }
        return entries;
    }

    /// <summary>
    /// Carries an address of the node's bus (as its <c>reg</c> has it) through <c>ranges</c> up to the root, where CPUs see it.
    /// </summary>
    /// <returns>The physical address; null when a bus on the way does not let it through.</returns>
    public static ulong? TranslateAddress(this DeviceTreeNode node, BusAddress address) =>
        Translate(node, address, "ranges");

    /// <summary>
    /// Carries an address that the node's device emits as a master through <c>dma-ranges</c> up to the root. A bus without the property passes
    /// addresses unchanged (Linux, of_translate_one).
    /// </summary>
    /// <returns>The physical address; null when a bus on the way does not let it through.</returns>
    public static ulong? TranslateDmaAddress(this DeviceTreeNode node, BusAddress address) =>
        Translate(node, address, "dma-ranges");

    /// <summary>The entries of <c>reg</c> as physical addresses.</summary>
    /// <exception cref="DeviceTreeException">A bus on the way does not let one through.</exception>
    public static IReadOnlyList<RegEntry> ReadPhysicalReg(this DeviceTreeNode node)
    {
        List<RegEntry> entries = [];
        foreach (RegEntry entry in node.ReadReg())
        {
            ulong physical =
                node.TranslateAddress(entry.Address)
                ?? throw DeviceTreeException.ForProperty(
                    node,
                    "reg",
                    $"the address {entry.Address} does not pass the 'ranges' of the buses above"
                );
            entries.Add(entry with { Address = new BusAddress(physical) });
        }
        return entries;
    }

    /// <summary>The RAM of the board: the <c>reg</c> entries of all enabled nodes below the root whose <c>device_type</c> is <c>memory</c>.</summary>
    public static IReadOnlyList<RegEntry> ReadMemory(this DeviceTree tree) =>
        [
            .. tree
                .Root.Children.Where(node =>
                    node.FindProperty("device_type") is { LooksLikeStrings: true } type
                    && string.Equals(type.ReadStrings()[0], "memory", StringComparison.Ordinal)
                    && node.IsEnabled
                )
                .SelectMany(node => node.ReadReg()),
        ];

    /// <summary>
    /// The console of <c>/chosen</c>: the node that <c>stdout-path</c> (or the older <c>linux,stdout-path</c>) means, directly or by an alias, and
    /// the options after its colon (<c>115200n8</c>) or null. Null when there is no such property.
    /// </summary>
    /// <exception cref="DeviceTreeException">The property names no node.</exception>
    public static (DeviceTreeNode Node, string? Options)? ReadStdoutPath(this DeviceTree tree)
    {
        DeviceTreeNode? chosen = tree.Root.FindExactChild("chosen");
        if ((chosen?.FindProperty("stdout-path") ?? chosen?.FindProperty("linux,stdout-path")) is not { } property)
        {
            return null;
        }
        string[] parts = property.ReadString().Split(':', 2);
        DeviceTreeNode node =
            tree.FindByPath(parts[0])
            ?? throw DeviceTreeException.ForProperty(
                chosen!,
                property.Name,
                $"'{parts[0]}' is neither a path nor an alias of a node"
            );
        return (node, parts.Length > 1 ? parts[1] : null);
    }

    private static int Cells(DeviceTreeNode bus, string name, int absent, int most)
    {
        uint cells = bus.FindProperty(name)?.ReadUInt32() ?? (uint)absent;
        return cells <= (uint)most
            ? (int)cells
            : throw DeviceTreeException.ForProperty(bus, name, $"{cells} cells are not supported, at most {most}");
    }

    private static ulong? Translate(DeviceTreeNode node, BusAddress address, string propertyName)
    {
        bool absentMeansIdentity = string.Equals(propertyName, "dma-ranges", StringComparison.Ordinal);
        for (DeviceTreeNode? bus = node.Parent; bus?.Parent is not null; bus = bus.Parent)
        {
            IReadOnlyList<RangeEntry>? ranges = bus.ReadRanges(propertyName);
            if (ranges is null && !absentMeansIdentity)
            {
                return null;
            }
            if (ranges is null || ranges.Count == 0)
            {
                continue;
            }
            if (Find(ranges, address) is not { } range)
            {
                return null;
            }
            address = new BusAddress(
                unchecked(range.Parent.Value + (address.Value - range.Child.Value)),
                range.Parent.High
            );
        }
        return address.Value;
    }

    private static RangeEntry? Find(IReadOnlyList<RangeEntry> ranges, BusAddress address)
    {
        foreach (RangeEntry range in ranges)
        {
            // On PCI, an address lies in a range of the same space; 32-bit and 64-bit memory are one (of_bus_pci_map).
            bool sameSpace =
                address.High is not { } high
                || range.Child.High is not { } rangeHigh
                || Space(high) == Space(rangeHigh);
            if (
                sameSpace
                && address.Value >= range.Child.Value
                && address.Value - range.Child.Value < range.LengthBytes
            )
            {
                return range;
            }
        }
        return null;

        static uint Space(uint high) => ((high >> 24) & 3) is var space && space == 3 ? 2 : space;
    }
}
