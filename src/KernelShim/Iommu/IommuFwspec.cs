using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim;

/// <summary>Which IOMMU stands before a device, and under which IDs its transactions arrive there (struct iommu_fwspec).</summary>
/// <param name="Iommu">The IOMMU's node.</param>
/// <param name="Ids">The IDs, in the order in which they were found.</param>
public sealed record IommuFwspec(DeviceTreeNode Iommu, IReadOnlyList<uint> Ids);
