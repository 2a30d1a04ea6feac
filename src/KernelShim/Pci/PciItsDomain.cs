using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim;

/// <summary>
/// Messages of PCI functions through an ITS (drivers/irqchip/irq-gic-v3-its-pci-msi.c): the requester ID under which a function's
/// writes arrive becomes the DeviceID by the host bridge's <c>msi-map</c>, and where an IOMMU stands before the function the ITS's
/// page is mapped for it (iommu_dma_prepare_msi).
/// </summary>
internal sealed class PciItsDomain : IPciMessageDomain
{
    /// <summary>MSI_IOVA_BASE of drivers/iommu/arm: where a window for messages is kept free in every address space.</summary>
    private const ulong MessageWindow = 0x0800_0000;

    private const ulong PageMask = PageAllocator.PageBytes - 1;

    private readonly Kernel _kernel;
    private readonly ItsDriver _its;

    private PciItsDomain(Kernel kernel, ItsDriver its) => (_kernel, _its) = (kernel, its);

    /// <summary>Gives PCI its messages where there is an ITS (its_pci_msi_init).</summary>
    public static void Start(Kernel kernel)
    {
        if (ItsDriver.Of(kernel) is { } its && kernel.Pci is { } core)
        {
            core.Messages.Domain = new PciItsDomain(kernel, its);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<PciMessage>? Allocate(PciDevice device, int count)
    {
        if (DeviceIdOf(device) is not { } deviceId || FindDoorbell(device) is not { } doorbell)
        {
            return null;
        }

        string kind = device.FindCapability(PciCapabilityId.MsiX) != 0 ? "MSIX" : "MSI";
        MessageName Name(int n) =>
            _kernel.Profile.MessageChipsArePerDevice
                ? new MessageName($"ITS-PCI-{kind}-{device.Name}", n)
                : new MessageName("ITS-MSI", device.RequesterId << 11 | n);
        return _its.Allocate(deviceId, count, Name) is { } messages
            ? [.. messages.Select(message => new PciMessage(doorbell, message.Data, message.Interrupt))]
            : null;
    }

    /// <inheritdoc/>
    public void Free(PciDevice device)
    {
        if (DeviceIdOf(device) is { } deviceId)
        {
            _its.Free(deviceId);
        }
    }

    /// <summary>pci_msi_domain_get_msi_rid: the last alias on the way up, through msi-map; null where that leads elsewhere.</summary>
    private uint? DeviceIdOf(PciDevice device)
    {
        uint requester = PciAliases.Of(device).Last().RequesterId;
        return
            device.OnBus.Host.Device?.Node is { } node
            && _kernel.Tree.MapMsi(node, requester) is { } mapped
            && ReferenceEquals(mapped.Target, _its.Node)
            ? mapped.Id
            : null;
    }

    /// <summary>GITS_TRANSLATER as the function sees it; null when it cannot be mapped.</summary>
    private ulong? FindDoorbell(PciDevice device)
    {
        if (
            (device.Group?.AttachedDomain ?? device.Group?.DefaultDomain) is not { } domain
            || IsIdentity(device.Group!)
        )
        {
            return _its.Doorbell;
        }

        const IommuProtection Protection = IommuProtection.Write | IommuProtection.NoExecute;
        if (
            domain.Translate(MessageWindow) is null
            && domain.Map(MessageWindow, _its.Doorbell & ~PageMask, PageAllocator.PageBytes, Protection) != 0
        )
        {
            return null;
        }

        return MessageWindow | (_its.Doorbell & PageMask);
    }

    private static bool IsIdentity(IommuGroup group) =>
        group.AttachedDomain is null && string.Equals(group.DefaultDomainType, "identity", StringComparison.Ordinal);
}
