namespace Emulator.KernelShim;

/// <summary>
/// Addresses that the kernel maps in the domains of groups for message interrupts (drivers/iommu/dma-iommu.c,
/// iommu_dma_prepare_msi): downwards from 4 GiB in a default domain, in the software MSI window in one of VFIO's.
/// </summary>
internal static class IommuDma
{
    private const ulong Page = PageAllocator.PageBytes;
    private const ulong Top = 1UL << 32;
    private const ulong MessageWindow = 0x0800_0000;

    /// <summary>
    /// Where a member of a group finds a doorbell; the doorbell's own address where no domain translates. Null when it cannot be
    /// mapped.
    /// </summary>
    public static ulong? MapMessage(IommuGroup? group, ulong doorbell)
    {
        bool isAttached = group?.AttachedDomain is not null;
        if ((group?.AttachedDomain ?? group?.DefaultDomain) is not { } domain)
        {
            return doorbell;
        }

        if (!isAttached && group!.DefaultDomainType is "identity")
        {
            return doorbell;
        }

        ulong page = doorbell & ~(Page - 1);
        SortedDictionary<ulong, ulong> pages = domain.MessagePages;
        if (!pages.TryGetValue(page, out ulong iova))
        {
            iova = isAttached ? MessageWindow + Page * (ulong)pages.Count : Top - Page * (ulong)(pages.Count + 1);
            if (domain.Map(iova, page, Page, IommuProtection.Write | IommuProtection.NoExecute) != 0)
            {
                return null;
            }

            pages[page] = iova;
        }

        return iova | (doorbell & (Page - 1));
    }
}
