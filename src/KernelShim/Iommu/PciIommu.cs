using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim;

/// <summary>Finding the IOMMU before a PCI function (drivers/iommu/of_iommu.c, of_pci_iommu_init).</summary>
internal static class PciIommu
{
    /// <summary>
    /// Carries each requester ID of a function through the host bridge's <c>iommu-map</c>. The first function for which this is
    /// done asks for access control.
    /// </summary>
    public static IommuFwspec? Configure(Kernel kernel, PciDevice device)
    {
        if (device.OnBus.Host.Node is not { } bridge || !bridge.HasProperty("iommu-map"))
        {
            return null;
        }

        kernel.Pci.RequestAcs();
        DeviceTreeNode? iommu = null;
        List<uint> ids = [];
        foreach (DmaAlias alias in PciAliases.Of(device))
        {
            if (kernel.Tree.MapIommu(bridge, alias.RequesterId) is not { } mapped)
            {
                continue;
            }

            iommu ??= mapped.Target;
            if (ReferenceEquals(iommu, mapped.Target))
            {
                ids.Add(mapped.Id);
            }
        }

        return iommu is null ? null : new IommuFwspec(iommu, ids);
    }
}
