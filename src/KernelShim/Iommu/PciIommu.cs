using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim;

/// <summary>Finding the IOMMU before a PCI function (drivers/iommu/of_iommu.c, of_pci_iommu_init).</summary>
internal static class PciIommu
{
    /// <summary>
    /// Carries each requester ID of a function through the host bridge's <c>iommu-map</c>. Whoever does this first for a function
    /// asks for access control.
    /// </summary>
    public static IReadOnlyList<IommuSpecifier> SpecifiersOf(Kernel kernel, PciDevice device)
    {
        if (device.OnBus.Host.Node is not { } bridge || !bridge.HasProperty("iommu-map"))
        {
            return [];
        }

        kernel.Pci.RequestAcs();
        List<IommuSpecifier> specifiers = [];
        foreach (DmaAlias alias in PciAliases.Of(device))
        {
            if (kernel.Tree.MapIommu(bridge, alias.RequesterId) is { } mapped)
            {
                specifiers.Add(new IommuSpecifier(mapped.Target, mapped.Id, 0));
            }
        }

        return specifiers;
    }
}
