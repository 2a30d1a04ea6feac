namespace Emulator.KernelShim;

/// <content>What differs in the PCI core and in grouping. The defaults are those of 6.12.</content>
public sealed partial record KernelProfile
{
    /// <summary>
    /// Whether the line about a new function says what kind it is, and bridges show their windows as found (6.9 and 6.10,
    /// pci_setup_device).
    /// </summary>
    public bool PciLogsDeviceKind { get; init; } = true;

    /// <summary>
    /// Whether host bridges of device trees only wish for the room that slots keep free, as rescans do (6.10,
    /// pci_host_probe calls pci_assign_unassigned_root_bus_resources); before, it was demanded.
    /// </summary>
    public bool PciHostsWishForHotplug { get; init; } = true;

    /// <summary>Whether the kernel was built with PCI (CONFIG_PCI).</summary>
    public bool HasPci { get; init; } = true;

    /// <summary>Whether virtio-pci is built in, so that it has its functions when the boot ends.</summary>
    public bool HasVirtioPci { get; init; } = true;

    /// <summary>
    /// Whether the IOMMU's driver refuses a function one of whose streams another device has (arm_smmu_insert_master of
    /// arm-smmu-v3); the driver of SMMUs of version 2 shares such streams.
    /// </summary>
    public bool SmmuRefusesSharedStreams { get; init; }

    /// <summary>The words for a device leaving its group; null for kernels that say nothing.</summary>
    public string? GroupLeaveText { get; init; }
}
