namespace Emulator.Machine.DeviceTrees;

/// <summary>An entry of a list of phandles with arguments; <paramref name="Node"/> is null for an entry left empty (phandle 0).</summary>
public sealed record PhandleArgs(DeviceTreeNode? Node, IReadOnlyList<uint> Args);

/// <summary>
/// Lists of phandles with arguments, such as <c>clocks</c>, <c>gpios</c>, <c>resets</c>, <c>power-domains</c> (Linux, of_parse_phandle_with_args).
/// Every method throws <see cref="DeviceTreeException"/> with node and property when the tree breaks the rules.
/// </summary>
public static class PhandleBindings
{
    /// <summary>
    /// The entries of a property; none without it. Each is a phandle and as many cells as the node it names says in
    /// <paramref name="cellsProperty"/> (<c>#clock-cells</c>); <paramref name="defaultCells"/> if that is absent, which without a default is an error.
    /// </summary>
    public static IReadOnlyList<PhandleArgs> ReadPhandleArgs(
        this DeviceTree tree,
        DeviceTreeNode node,
        string property,
        string cellsProperty,
        int? defaultCells = null
    )
    {
        if (node.FindProperty(property) is not { } list)
        {
            return [];
        }
        CellReader cells = new(node, list);
        List<PhandleArgs> entries = [];
        while (!cells.AtEnd)
        {
            uint phandle = cells.Take();
            if (phandle == 0)
            {
                entries.Add(new PhandleArgs(null, []));
                continue;
            }
            DeviceTreeNode target = tree.FindTarget(node, property, phandle);
            int count =
                CountCells(target, cellsProperty)
                ?? defaultCells
                ?? throw DeviceTreeException.ForProperty(
                    node,
                    property,
                    $"names {target.Path}, which has no '{cellsProperty}'"
                );
            entries.Add(new PhandleArgs(target, cells.Take(count)));
        }
        return entries;
    }

    /// <summary>The entries of <c>clocks</c>.</summary>
    public static IReadOnlyList<PhandleArgs> ReadClocks(this DeviceTree tree, DeviceTreeNode node) =>
        tree.ReadPhandleArgs(node, "clocks", "#clock-cells");

    /// <summary>The entries of <c>gpios</c> or, with a name, of <c>name-gpios</c>.</summary>
    public static IReadOnlyList<PhandleArgs> ReadGpios(
        this DeviceTree tree,
        DeviceTreeNode node,
        string? name = null
    ) => tree.ReadPhandleArgs(node, name is null ? "gpios" : $"{name}-gpios", "#gpio-cells");

    /// <summary>The position of a name in a <c>…-names</c> property; null when it is not there.</summary>
    public static int? FindNamedIndex(this DeviceTreeNode node, string namesProperty, string name)
    {
        int index = Array.IndexOf(node.FindProperty(namesProperty)?.ReadStrings() ?? [], name);
        return index < 0 ? null : index;
    }

    /// <summary>The node that a property of one phandle names; null without the property.</summary>
    public static DeviceTreeNode? ReadPhandle(this DeviceTree tree, DeviceTreeNode node, string property) =>
        node.FindProperty(property) is { } value ? tree.FindTarget(node, property, value.ReadUInt32()) : null;

    internal static DeviceTreeNode FindTarget(
        this DeviceTree tree,
        DeviceTreeNode node,
        string property,
        uint phandle
    ) =>
        tree.FindByPhandle(phandle)
        ?? throw DeviceTreeException.ForProperty(node, property, $"no node has the phandle 0x{phandle:x}");

    /// <summary>The number in a <c>#…-cells</c> property, or null; 16 is the most (MAX_PHANDLE_ARGS of Linux).</summary>
    internal static int? CountCells(DeviceTreeNode node, string cellsProperty) =>
        node.FindProperty(cellsProperty)?.ReadUInt32() switch
        {
            null => null,
            <= 16 and var count => (int)count,
            var count => throw DeviceTreeException.ForProperty(
                node,
                cellsProperty,
                $"{count} cells are not supported, at most 16"
            ),
        };
}
