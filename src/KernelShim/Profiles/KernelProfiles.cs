namespace Emulator.KernelShim;

/// <summary>The kernels that can be asked for.</summary>
public static partial class KernelProfiles
{
    /// <summary>The lines of arch/arm/kernel/smp.c (3.16), one blank before the text.</summary>
    private static readonly string[] ArmInterprocessorInterrupts =
    [
        " CPU wakeup interrupts",
        " Timer broadcast interrupts",
        " Rescheduling interrupts",
        " Function call interrupts",
        " Single function call interrupts",
        " CPU stop interrupts",
        " IRQ work interrupts",
        " completion interrupts",
    ];

    /// <summary>The kernel of the VFIO guide: vfio-platform v6 on 3.1x, its own branch of the vendor.</summary>
    public static KernelProfile VosysV6 { get; } =
        new()
        {
            Name = "vosys-v6",
            Title = "3.16-era kernel with the vfio-platform v6 patches, as the PL330 guide uses it",
            Release = "3.16.0-rc1-vosys",
            Machine = "armv7l",
            DevicesDirectlyUnderSysDevices = true,
            BindReturnsProbeError = false,
            AmbaDriverOverride = false,
            ExternalAbortsAreOopses = false,
            GroupsHaveOwners = false,
            VfioPlatformResetRequired = false,
            Type1ChecksInterruptIsolation = false,
            VfioChecksCoherency = false,
            SmmuStalls = true,
            GroupJoinText = null,
            SyntheticEventsAreLogged = false,
            HasPowerManagement = false,
            LinksDevicesByTree = false,
            HasPci = false,
            GroupsAreJoinedAtProbe = false,
            ArmSmmuIsThatOf3x = true,
            ProbeFailureText = "{driver}: probe of {device} failed with error {error}",
            ProbeFailureLevel = LogLevel.Warning,
            DeviceTreeLogPrefix = "",
            MissingDeviceType = "<NULL>",
            AmbaShowsInterrupts = true,
            DefaultCommandLine = "earlyprintk console=ttyAMA0 mem=2048M root=/dev/nfs rw ip=dhcp",
            InterprocessorInterrupts = ArmInterprocessorInterrupts,
            // drivers/irqchip/irq-gic.c of 3.16: gic_chip.name and irq_domain_add_legacy.
            GicChipName = "GIC",
            GicKeepsHardwareNumbers = true,
            // kernel/irq/chip.c of 3.16: kstat_incr_irqs_this_cpu stands before the test of irqd_irq_disabled.
            CountsInterruptsOfDisabledLines = true,
            // drivers/iommu/iommu.c of 3.16: a group's directory holds devices/ and, if set, name.
            GroupsShowReservedRegions = false,
            GroupsShowType = false,
            VfioGroupsTakeIommufd = false,
            VfioHasDeviceClass = false,
            VfioContainerHasMmap = true,
            VfioCapabilitiesAreAligned = false,
            VfioPlatformHasResets = false,
            VfioPlatformRequestsInterruptsAtOpen = false,
            VfioLogsDevicePrefix = false,
            Type1UnmapFlags = 0,
            Type1HasVaddrUpdate = false,
            Type1HasDirtyTracking = false,
            Type1ReportsAvailableEntries = false,
            Type1ChecksIovaRanges = false,
            Type1HasNesting = false,
            Type1MappingLimit = null,
            Type1PinFunction = "vfio_pin_pages",
            // drivers/dma/pl330.c and dmaengine.c of the vendor's branch.
            Pl330LogsHexadecimalId = false,
            Pl330BufferDepthBits = 10,
            Pl330AlignsBeats = false,
            DmaEngineLogsDevice = false,
            Modules = ["vfio", "vfio_iommu_type1", "vfio_platform", "vosys_dmatest"],
            // "Test Case 1" of the guide has it cloned and built.
            Packages = ["vfio-host-test"],
        };

    /// <summary>
    /// What the authors of "VFIO for Platform Devices" (October 2013) had when they saw the two problems: 3.11 with vfio-platform
    /// as a request for comments, and nothing that lets it have a device. As to the rest it is taken for <see cref="VosysV6"/>.
    /// </summary>
    public static KernelProfile Slides2013Before { get; } =
        VosysV6 with
        {
            Name = "slides-2013-before",
            Title = "3.11 with vfio-platform and before driver_override: no way to bind a device to it",
            Release = "3.11.0-vfio-platform",
            PlatformDriverOverride = false,
            HasS3cI2cDriver = true,
            DefaultCommandLine = "console=ttySAC2,115200",
            Modules = ["vfio", "vfio_iommu_type1", "vfio_platform"],
            Packages = [],
        };

    /// <summary>The same with what the slides propose: match_any_dev and sysfs_bind_only.</summary>
    public static KernelProfile Slides2013 { get; } =
        Slides2013Before with
        {
            Name = "slides-2013",
            Title = "the same with the slides' proposals: match_any_dev and sysfs_bind_only",
            Release = "3.11.0-vfio-platform-v2",
            PlatformHasMatchAnyDevice = true,
            HasSysfsBindOnly = true,
        };

    /// <summary>All of them.</summary>
    public static IReadOnlyList<KernelProfile> All =>
        [Slides2013Before, Slides2013, VosysV6, Linux61, Linux612, Linux612Oracle];

    /// <summary>A profile by name, or null.</summary>
    public static KernelProfile? Find(string name) =>
        All.FirstOrDefault(profile => string.Equals(profile.Name, name, StringComparison.Ordinal));
}
