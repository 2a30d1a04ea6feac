namespace Emulator.Machine.DeviceTrees;

/// <summary>An interrupt as its controller understands it: the controller's node and the cells of the specifier.</summary>
public sealed record InterruptSpecifier(DeviceTreeNode Controller, IReadOnlyList<uint> Cells);

/// <summary>
/// The interrupt tree: <c>interrupts</c>, <c>interrupt-parent</c>, <c>interrupts-extended</c> and the nexus nodes of <c>interrupt-map</c>
/// (Devicetree Specification v0.4, section 2.4; Linux, drivers/of/irq.c). Every method throws <see cref="DeviceTreeException"/> with node and
/// property when the tree breaks the rules.
/// </summary>
public static class InterruptBindings
{
    /// <summary>A chain of nexus nodes longer than this must be a circle.</summary>
    private const int MaximumHops = 32;

    /// <summary>
    /// The controller or nexus that the node's <c>interrupts</c> go to: the nearest node with <c>#interrupt-cells</c> along
    /// <c>interrupt-parent</c> where given and the parent otherwise (of_irq_find_parent); null at the top.
    /// </summary>
    public static DeviceTreeNode? FindInterruptParent(this DeviceTree tree, DeviceTreeNode node)
    {
        DeviceTreeNode? current = node;
        for (int hops = 0; hops <= MaximumHops + DtsReader.MaximumDepth; hops++)
        {
            current = tree.ReadPhandle(current, "interrupt-parent") ?? current.Parent;
            if (current is null || current.HasProperty("#interrupt-cells"))
            {
                return current;
            }
        }
        throw DeviceTreeException.ForNode(node, "the chain of 'interrupt-parent' goes in a circle");
    }

    /// <summary>
    /// The node's interrupts in order, each carried through nexus nodes to its controller. <c>interrupts-extended</c> wins over <c>interrupts</c>.
    /// </summary>
    public static IReadOnlyList<InterruptSpecifier> ReadInterrupts(this DeviceTree tree, DeviceTreeNode node)
    {
        List<InterruptSpecifier> interrupts = [];
        uint[] unitAddress = UnitAddress(node);
        if (node.HasProperty("interrupts-extended"))
        {
            foreach (PhandleArgs entry in tree.ReadPhandleArgs(node, "interrupts-extended", "#interrupt-cells"))
            {
                if (entry.Node is not null)
                {
                    interrupts.Add(tree.ResolveInterrupt(entry.Node, unitAddress, entry.Args));
                }
            }
            return interrupts;
        }
        if (node.FindProperty("interrupts") is not { } property)
        {
            return interrupts;
        }
        DeviceTreeNode parent =
            tree.FindInterruptParent(node)
            ?? throw DeviceTreeException.ForProperty(
                node,
                "interrupts",
                "no 'interrupt-parent' here or above leads to a controller"
            );
        int count = InterruptCells(parent);
        CellReader cells = new(node, property);
        cells.CheckMultiple(count, $"#interrupt-cells of {parent.Path}");
        while (!cells.AtEnd)
        {
            interrupts.Add(tree.ResolveInterrupt(parent, unitAddress, cells.Take(count)));
        }
        return interrupts;
    }

    /// <summary>
    /// Carries one interrupt from a node of the interrupt tree to its controller. A PCI function's INTx enters at its host bridge with the unit
    /// address <c>[PciAddress.ConfigurationHigh(rid), 0, 0]</c> and the pin (1 to 4), swizzled at bridges before.
    /// </summary>
    /// <param name="tree">The tree.</param>
    /// <param name="parent">The controller or nexus at which the interrupt enters.</param>
    /// <param name="unitAddress">The device's unit address in the nexus's cells; matched under <c>interrupt-map-mask</c>.</param>
    /// <param name="specifier">The interrupt in the nexus's cells.</param>
    public static InterruptSpecifier ResolveInterrupt(
        this DeviceTree tree,
        DeviceTreeNode parent,
        IReadOnlyList<uint> unitAddress,
        IReadOnlyList<uint> specifier
    )
    {
        for (int hops = 0; hops < MaximumHops; hops++)
        {
            // A controller is the end even if it has a map as well, as in Linux (of_irq_parse_raw).
            if (parent.HasProperty("interrupt-controller"))
            {
                return new InterruptSpecifier(parent, specifier);
            }
            if (parent.FindProperty("interrupt-map") is not { } map)
            {
                if (tree.FindInterruptParent(parent) is not { } next)
                {
                    return new InterruptSpecifier(parent, specifier);
                }
                unitAddress = UnitAddress(parent);
                parent = next;
                continue;
            }
            (parent, unitAddress, specifier) = Map(tree, parent, map, unitAddress, specifier);
        }
        throw DeviceTreeException.ForProperty(parent, "interrupt-map", "the chain of interrupt maps goes in a circle");
    }

    /// <summary>The pin, 1 to 4, at which a device's INTx appears on the other side of a PCI-to-PCI bridge (PCI-to-PCI Bridge 1.2, table 9-1).</summary>
    public static int SwizzlePciPin(int pin, int deviceNumber) => ((pin - 1 + deviceNumber) % 4) + 1;

    private static (DeviceTreeNode Parent, uint[] UnitAddress, uint[] Specifier) Map(
        DeviceTree tree,
        DeviceTreeNode nexus,
        DeviceTreeProperty map,
        IReadOnlyList<uint> unitAddress,
        IReadOnlyList<uint> specifier
    )
    {
        int addressCells = nexus.AddressCells();
        int interruptCells = InterruptCells(nexus);
        uint[]? mask = nexus.FindProperty("interrupt-map-mask")?.ReadCells();
        if (mask is not null && mask.Length != addressCells + interruptCells)
        {
            throw DeviceTreeException.ForProperty(
                nexus,
                "interrupt-map-mask",
                $"has {mask.Length} cells, but needs {addressCells} of the address and {interruptCells} of the interrupt"
            );
        }
        CellReader cells = new(nexus, map);
        while (!cells.AtEnd)
        {
            uint[] key = cells.Take(addressCells + interruptCells);
            DeviceTreeNode parent = tree.FindTarget(nexus, "interrupt-map", cells.Take());
            // A controller without #address-cells has none in maps (unlike the default for buses).
            int parentAddressCells = parent.HasProperty("#address-cells") ? parent.AddressCells() : 0;
            uint[] parentAddress = cells.Take(parentAddressCells);
            uint[] parentSpecifier = cells.Take(InterruptCells(parent));
            if (Matches(key, mask, unitAddress, specifier, addressCells))
            {
                return (parent, parentAddress, parentSpecifier);
            }
        }
        throw DeviceTreeException.ForProperty(
            nexus,
            "interrupt-map",
            $"no entry for the unit address <{Format(unitAddress)}> and the interrupt <{Format(specifier)}>"
        );
    }

    private static bool Matches(
        uint[] key,
        uint[]? mask,
        IReadOnlyList<uint> unitAddress,
        IReadOnlyList<uint> specifier,
        int addressCells
    )
    {
        for (int i = 0; i < key.Length; i++)
        {
            IReadOnlyList<uint> source = i < addressCells ? unitAddress : specifier;
            int index = i < addressCells ? i : i - addressCells;
            uint value = index < source.Count ? source[index] : 0;
            if (((value ^ key[i]) & (mask is null ? uint.MaxValue : mask[i])) != 0)
            {
                return false;
            }
        }
        return true;
    }

    private static string Format(IReadOnlyList<uint> cells) => string.Join(' ', cells.Select(cell => $"0x{cell:x}"));

    private static int InterruptCells(DeviceTreeNode controller) =>
        PhandleBindings.CountCells(controller, "#interrupt-cells")
        ?? throw DeviceTreeException.ForNode(controller, "is an interrupt parent, but has no '#interrupt-cells'");

    private static uint[] UnitAddress(DeviceTreeNode node)
    {
        if (node.Parent is null || node.FindProperty("reg") is not { LengthBytes: > 0 } property)
        {
            return [];
        }
        uint[] cells = property.ReadCells();
        return cells[..Math.Min(cells.Length, node.Parent.AddressCells())];
    }
}
