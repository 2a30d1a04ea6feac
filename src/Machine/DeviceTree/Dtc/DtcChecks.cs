using System.Globalization;

namespace Emulator.Machine.DeviceTrees;

/// <summary>The most useful of dtc's warnings, in its words and its order (dtc 1.6.1, checks.c).</summary>
internal sealed class DtcChecks(DeviceTree tree, string outputName)
{
    private readonly List<string> _warnings = [];

    public static IReadOnlyList<string> Run(DeviceTree tree, string outputName)
    {
        DtcChecks checks = new(tree, outputName);
        checks.ForAll(checks.RegFormat);
        checks.ForAll(node => checks.RangesFormat(node, "ranges", "ranges_format"));
        checks.ForAll(node => checks.RangesFormat(node, "dma-ranges", "dma_ranges_format"));
        checks.ForAll(checks.UnitAddressVersusReg);
        checks.ForAll(checks.UnitAddressFormat);
        checks.ForAll(checks.AvoidDefaultAddressSize);
        checks.ForAll(checks.InterruptsProperty);
        return checks._warnings;
    }

    private static uint CellOr(DeviceTreeNode node, string name, uint absent) =>
        node.FindProperty(name) is { LengthBytes: 4 } property ? property.ReadUInt32() : absent;

    private static uint AddressCells(DeviceTreeNode node) => CellOr(node, "#address-cells", 2);

    private static uint SizeCells(DeviceTreeNode node) => CellOr(node, "#size-cells", 1);

    private static bool IsMultiple(int lengthBytes, ulong cells) =>
        cells == 0 ? lengthBytes == 0 : (ulong)lengthBytes % (cells * 4) == 0;

    private static bool IsInterruptProvider(DeviceTreeNode node) =>
        node.HasProperty("interrupt-controller") || node.HasProperty("interrupt-map");

    private static bool IsBus(DeviceTreeNode node) =>
        (
            node.FindProperty("device_type") is { LooksLikeStrings: true } type
            && string.Equals(type.ReadStrings()[0], "pci", StringComparison.Ordinal)
        )
        || (
            node.FindProperty("compatible") is { LooksLikeStrings: true } compatible
            && compatible.ReadStrings().Contains("simple-bus", StringComparer.Ordinal)
        );

    private void ForAll(Action<DeviceTreeNode> check)
    {
        foreach (DeviceTreeNode node in tree.Nodes)
        {
            check(node);
        }
    }

    private void RegFormat(DeviceTreeNode node)
    {
        if (node.FindProperty("reg") is not { } reg)
        {
            return;
        }
        if (node.Parent is not { } bus)
        {
            Warn("reg_format", node, null, "Root node has a \"reg\" property");
            return;
        }
        if (reg.LengthBytes == 0)
        {
            Warn("reg_format", node, reg, "property is empty");
        }
        uint addressCells = AddressCells(bus);
        uint sizeCells = SizeCells(bus);
        if (!IsMultiple(reg.LengthBytes, (ulong)addressCells + sizeCells))
        {
            Warn(
                "reg_format",
                node,
                reg,
                $"property has invalid length ({reg.LengthBytes} bytes) (#address-cells == {addressCells}, #size-cells == {sizeCells})"
            );
        }
    }

    private void RangesFormat(DeviceTreeNode node, string name, string check)
    {
        if (node.FindProperty(name) is not { } ranges)
        {
            return;
        }
        if (node.Parent is not { } parent)
        {
            Warn(check, node, ranges, $"Root node has a \"{name}\" property");
            return;
        }
        uint parentAddress = AddressCells(parent);
        uint parentSize = SizeCells(parent);
        uint address = AddressCells(node);
        uint size = SizeCells(node);
        if (ranges.LengthBytes == 0)
        {
            if (parentAddress != address)
            {
                Warn(
                    check,
                    node,
                    ranges,
                    $"empty \"{name}\" property but its #address-cells ({address}) differs from {parent.Path} ({parentAddress})"
                );
            }
            if (parentSize != size)
            {
                Warn(
                    check,
                    node,
                    ranges,
                    $"empty \"{name}\" property but its #size-cells ({size}) differs from {parent.Path} ({parentSize})"
                );
            }
        }
        else if (!IsMultiple(ranges.LengthBytes, (ulong)parentAddress + address + size))
        {
            Warn(
                check,
                node,
                ranges,
                $"\"{name}\" property has invalid length ({ranges.LengthBytes} bytes) (parent #address-cells == {parentAddress}, child #address-cells == {address}, #size-cells == {size})"
            );
        }
    }

    private void UnitAddressVersusReg(DeviceTreeNode node)
    {
        if (node.FindExactChild("__overlay__") is not null)
        {
            return;
        }
        bool hasAddress = node.HasProperty("reg") || node.FindProperty("ranges") is { LengthBytes: > 0 };
        bool hasUnitName = !string.IsNullOrEmpty(node.UnitAddress);
        if (hasAddress && !hasUnitName)
        {
            Warn("unit_address_vs_reg", node, null, "node has a reg or ranges property, but no unit name");
        }
        else if (!hasAddress && hasUnitName)
        {
            Warn("unit_address_vs_reg", node, null, "node has a unit name, but no reg or ranges property");
        }
    }

    private void UnitAddressFormat(DeviceTreeNode node)
    {
        if (string.IsNullOrEmpty(node.UnitAddress) || (node.Parent is { } parent && IsBus(parent)))
        {
            return;
        }
        ReadOnlySpan<char> unit = node.UnitAddress;
        if (unit.StartsWith("0x", StringComparison.Ordinal))
        {
            Warn("unit_address_format", node, null, "unit name should not have leading \"0x\"");
            unit = unit[2..];
        }
        if (unit.Length > 1 && unit[0] == '0' && char.IsAsciiHexDigit(unit[1]))
        {
            Warn("unit_address_format", node, null, "unit name should not have leading 0s");
        }
    }

    private void AvoidDefaultAddressSize(DeviceTreeNode node)
    {
        if (node.Parent is not { } bus || (!node.HasProperty("reg") && !node.HasProperty("ranges")))
        {
            return;
        }
        if (!bus.HasProperty("#address-cells"))
        {
            Warn("avoid_default_addr_size", node, null, "Relying on default #address-cells value");
        }
        if (!bus.HasProperty("#size-cells"))
        {
            Warn("avoid_default_addr_size", node, null, "Relying on default #size-cells value");
        }
    }

    private void InterruptsProperty(DeviceTreeNode node)
    {
        const string check = "interrupts_property";
        if (node.FindProperty("interrupts") is not { } interrupts)
        {
            return;
        }
        if (interrupts.LengthBytes % 4 != 0)
        {
            Warn(check, node, interrupts, $"size ({interrupts.LengthBytes}) is invalid, expected multiple of 4");
        }
        DeviceTreeNode? controller = null;
        for (DeviceTreeNode? parent = node; parent is not null && controller is null; parent = parent.Parent)
        {
            if (!ReferenceEquals(parent, node) && IsInterruptProvider(parent))
            {
                controller = parent;
            }
            else if (parent.FindProperty("interrupt-parent") is { LengthBytes: 4 } property)
            {
                uint phandle = property.ReadUInt32();
                if (phandle is 0 or uint.MaxValue)
                {
                    if (tree.IsPlugin)
                    {
                        return;
                    }
                    Warn(check, parent, property, "Invalid phandle");
                    break;
                }
                controller = tree.FindByPhandle(phandle);
                if (controller is null)
                {
                    Warn(check, parent, property, "Bad phandle");
                    return;
                }
                if (!IsInterruptProvider(controller))
                {
                    Warn(check, controller, null, "Missing interrupt-controller or interrupt-map property");
                }
            }
        }
        if (controller is null)
        {
            Warn(check, node, null, "Missing interrupt-parent");
            return;
        }
        if (controller.FindProperty("#interrupt-cells") is { LengthBytes: 4 } cells)
        {
            ulong expected = (ulong)cells.ReadUInt32() * 4;
            if (expected > 0 && (ulong)interrupts.LengthBytes % expected != 0)
            {
                Warn(
                    check,
                    node,
                    cells,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"size is ({interrupts.LengthBytes}), expected multiple of {expected}"
                    )
                );
            }
        }
    }

    private void Warn(string check, DeviceTreeNode node, DeviceTreeProperty? property, string message)
    {
        SourceLocation location = property is { Location.IsKnown: true } ? property.Location : node.Location;
        string place = location.IsKnown ? location.ToDtcString() : outputName;
        string subject = property is null ? node.Path : $"{node.Path}:{property.Name}";
        string warning = $"{place}: Warning ({check}): {subject}: {message}";
        if (property is null)
        {
            warning += string.Concat(
                node.LocationList.Skip(1).Select(other => $"\n  also defined at {other.ToDtcString()}")
            );
        }
        _warnings.Add(warning);
    }
}
