using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim;

/// <summary>An IOMMU that stands before a device, and the device's ID there (struct iommu_fwspec).</summary>
/// <param name="Iommu">The IOMMU's node.</param>
/// <param name="Id">The stream ID.</param>
/// <param name="Mask">The bits of the ID that do not count.</param>
public readonly record struct IommuSpecifier(DeviceTreeNode Iommu, uint Id, uint Mask)
{
    /// <summary>
    /// What <c>iommus</c> of a node says (of_iommu_configure_dev, arm_smmu_of_xlate): an ID, and with two cells a mask; without, the
    /// SMMU's <c>stream-match-mask</c>.
    /// </summary>
    public static IReadOnlyList<IommuSpecifier> OfNode(DeviceTree tree, DeviceTreeNode? node)
    {
        ArgumentNullException.ThrowIfNull(tree);
        return node is null
            ? []
            :
            [
                .. tree.ReadIommus(node)
                    .Where(entry => entry.Node is not null && entry.Args.Count > 0)
                    .Select(entry => new IommuSpecifier(
                        entry.Node!,
                        entry.Args[0],
                        entry.Args.Count > 1
                            ? entry.Args[1]
                            : entry.Node!.FindProperty("stream-match-mask")?.ReadUInt32() ?? 0
                    )),
            ];
    }
}
