using System.Globalization;
using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim;

/// <summary>
/// Messages of PCI functions through an ITS (drivers/irqchip/irq-gic-v3-its-pci-msi.c): the DeviceID by the host bridge's
/// <c>msi-map</c>, the doorbell through the function's IOMMU.
/// </summary>
internal sealed class PciItsMessages(Kernel kernel) : IPciMessageDomain
{
    public IReadOnlyList<PciMessage>? Allocate(PciDevice device, int count)
    {
        if (
            ItsDriver.Of(kernel) is not { } its
            || DeviceIdOf(device) is not { } id
            || IommuDma.MapMessage(device.Group, its.Doorbell) is not { } doorbell
        )
        {
            return null;
        }

        return its.Allocate(id, count, n => NameOf(device, n)) is { } messages
            ? [.. messages.Select(message => new PciMessage(doorbell, message.Data, message.Interrupt))]
            : null;
    }

    public void Free(PciDevice device)
    {
        if (DeviceIdOf(device) is { } id)
        {
            ItsDriver.Of(kernel)?.Free(id);
        }
    }

    /// <summary>
    /// pci_msi_domain_get_msi_rid: the function's own requester ID, or the last of another bus that a bridge gives it
    /// (get_msi_id_cb), through msi-map.
    /// </summary>
    private uint? DeviceIdOf(PciDevice device)
    {
        ushort requester = device.RequesterId;
        foreach (DmaAlias alias in PciAliases.Of(device))
        {
            if (requester >> 8 != device.OnBus.Number || alias.RequesterId >> 8 != requester >> 8)
            {
                requester = alias.RequesterId;
            }
        }

        return device.OnBus.Host.Node is { } bridge ? kernel.Tree.MapMsi(bridge, requester)?.Id : null;
    }

    /// <summary>pci_msi_domain_calc_hwirq before 6.11; then a domain for each device.</summary>
    private MessageName NameOf(PciDevice device, int n) =>
        kernel.Profile.MessageChipsArePerDevice
            ? new MessageName(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"ITS-PCI-{(device.FindCapability(PciCapabilityId.MsiX) != 0 ? "MSIX" : "MSI")}-{device.Name}"
                ),
                n
            )
            : new MessageName("ITS-MSI", device.OnBus.Host.Domain << 27 | device.RequesterId << 11 | n);
}
