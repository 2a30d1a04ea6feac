namespace Emulator.KernelShim;

/// <content>
/// What differs in VFIO. The defaults are those of 6.12. Sources: drivers/vfio of the versions named, facts of VFIO sections
/// 3.4 to 3.8, 4.2, 6.3.
/// </content>
public sealed partial record KernelProfile
{
    /// <summary>
    /// Whether SET_CONTAINER looks at the descriptor first and answers EBADFD for a wrong kind of file (6.2, with iommufd as
    /// container); before, EINVAL, and after the group's own state.
    /// </summary>
    public bool VfioGroupsTakeIommufd { get; init; } = true;

    /// <summary>Whether containers had an mmap operation, which type1 refuses (until 5.x); without, ENODEV.</summary>
    public bool VfioContainerHasMmap { get; init; }

    /// <summary>Whether vfio_virqfd is a module of its own (until 6.2); vfio_pci_core needs it.</summary>
    public bool VirqfdIsAModule { get; init; }

    /// <summary>Whether devices of VFIO are in the class vfio-dev (6.1).</summary>
    public bool VfioHasDeviceClass { get; init; } = true;

    /// <summary>Whether they have nodes in /dev/vfio/devices (CONFIG_VFIO_DEVICE_CDEV, 6.6), and vfio needs iommufd.</summary>
    public bool VfioHasDeviceNodes { get; init; }

    /// <summary>Whether there is no-IOMMU mode (CONFIG_VFIO_NOIOMMU, 4.5).</summary>
    public bool HasVfioNoIommu { get; init; }

    /// <summary>Whether capabilities begin at multiples of 8 (6.6, vfio_info_cap_add).</summary>
    public bool VfioCapabilitiesAreAligned { get; init; } = true;

    /// <summary>Whether vfio-pci reads and writes BARs 8 bytes at a time where they fit (6.11).</summary>
    public bool VfioPciHasQuadAccess { get; init; } = true;

    /// <summary>Whether the log tells of capabilities that vfio-pci hides; they are debug lines since 6.2.</summary>
    public bool VfioPciTellsHiddenCapabilities { get; init; }

    /// <summary>Whether vfio-pci shows vendors' own capabilities of the second kind, DVSEC (6.4).</summary>
    public bool VfioPciKnowsDesignatedVendor { get; init; } = true;

    /// <summary>
    /// Whether vfio-pci looks at the whole range of vectors first; since vectors can come one by one (6.4) each is looked at when
    /// its turn comes, and one that is not set up is refused only when it is to get an eventfd.
    /// </summary>
    public bool VfioPciChecksVectorsFirst { get; init; }

    /// <summary>Whether a hot reset without groups means what an iommufd owns (6.6), and is refused first for who has none.</summary>
    public bool VfioPciResetsByContext { get; init; } = true;

    /// <summary>Whether vfio-platform knows reset functions and asks for <c>compatible</c> to find them (4.2).</summary>
    public bool VfioPlatformHasResets { get; init; } = true;

    /// <summary>
    /// Whether vfio-platform requests interrupts when the device is opened (6.9, "Create persistent IRQ handlers"); before, when an
    /// eventfd was set.
    /// </summary>
    public bool VfioPlatformRequestsInterruptsAtOpen { get; init; } = true;

    /// <summary>Whether lines of vfio-platform begin with driver and device (5.5).</summary>
    public bool VfioLogsDevicePrefix { get; init; } = true;

    /// <summary>Whether a range that wraps is EOVERFLOW (6.18, rework of the type1 range checks); before, EINVAL.</summary>
    public bool Type1ReturnsEoverflowOnWrap { get; init; }

    /// <summary>The flags that UNMAP_DMA knows: 1 dirty bitmap (5.8), 2 all and 4 vaddr (5.12).</summary>
    public uint Type1UnmapFlags { get; init; } = 7;

    /// <summary>Whether MAP_DMA may give a mapping a new vaddr (5.12).</summary>
    public bool Type1HasVaddrUpdate { get; init; } = true;

    /// <summary>Whether there is dirty page tracking, and the migration capability that tells of it (5.8).</summary>
    public bool Type1HasDirtyTracking { get; init; } = true;

    /// <summary>Whether GET_INFO tells how many mappings are left (5.10).</summary>
    public bool Type1ReportsAvailableEntries { get; init; } = true;

    /// <summary>Whether mappings must lie in the permitted ranges, and GET_INFO tells them (5.4).</summary>
    public bool Type1ChecksIovaRanges { get; init; } = true;

    /// <summary>Whether type 6, nesting, is there (3.19 to 6.12).</summary>
    public bool Type1HasNesting { get; init; } = true;

    /// <summary>How many mappings a container takes (dma_entry_limit, 5.1); null for any number.</summary>
    public int? Type1MappingLimit { get; init; } = 65_535;

    /// <summary>The function that the line about RLIMIT_MEMLOCK names (vfio_pin_pages until 4.9).</summary>
    public string Type1PinFunction { get; init; } = "vfio_pin_pages_remote";

    /// <summary>Whether size and user addresses of MAP_DMA are 32 bits wide, and wider ones EINVAL (size_t, unsigned long).</summary>
    public bool PointersAre32Bits => Machine is "armv7l";
}
