using System.Diagnostics;

namespace Emulator.KernelShim;

/// <summary>
/// Which kernel is simulated, as data: code asks a profile what it does, never which version it is. Each value names its
/// source where the table of profiles sets it.
/// </summary>
[DebuggerDisplay("{Name,nq} ({Release,nq})")]
public sealed partial record KernelProfile
{
    /// <summary>The name in scenario files.</summary>
    public required string Name { get; init; }

    /// <summary>What it is, in a line.</summary>
    public required string Title { get; init; }

    /// <summary>uname -r.</summary>
    public required string Release { get; init; }

    /// <summary>uname -m.</summary>
    public required string Machine { get; init; }

    /// <summary>Whether device-tree devices without a parent bus stand directly under /sys/devices (before 3.16 or so).</summary>
    public bool DevicesDirectlyUnderSysDevices { get; init; }

    /// <summary>Whether platform devices have driver_override.</summary>
    public bool PlatformDriverOverride { get; init; } = true;

    /// <summary>Whether amba devices have driver_override.</summary>
    public bool AmbaDriverOverride { get; init; } = true;

    /// <summary>Whether a probe error reaches the writer of bind (5.14); before, it was ENODEV.</summary>
    public bool BindReturnsProbeError { get; init; } = true;

    /// <summary>Whether groups have an owner (5.19); before, viability was looked at when asked.</summary>
    public bool GroupsHaveOwners { get; init; } = true;

    /// <summary>Whether vfio-platform refuses a device without a reset function (the default of reset_required).</summary>
    public bool VfioPlatformResetRequired { get; init; } = true;

    /// <summary>Whether type1 refuses to attach without isolated interrupts.</summary>
    public bool Type1ChecksInterruptIsolation { get; init; } = true;

    /// <summary>Whether vfio refuses a device whose IOMMU is not cache coherent (6.0).</summary>
    public bool VfioChecksCoherency { get; init; } = true;

    /// <summary>Whether an SMMU stalls faulting transactions until the handler resumes them (3.x).</summary>
    public bool SmmuStalls { get; init; }

    /// <summary>The words for a device joining a group; null for kernels that say nothing.</summary>
    public string? GroupJoinText { get; init; } = "{driver} {device}: Adding to iommu group {group}";

    /// <summary>The GIC's irq_chip name in /proc/interrupts.</summary>
    public string GicChipName { get; init; } = "GICv2";

    /// <summary>
    /// Whether the GIC's interrupts have the controller's own numbers in Linux (the legacy domain of gic_init_bases, before
    /// 3.19); otherwise each gets the next free number when it is mapped.
    /// </summary>
    public bool GicKeepsHardwareNumbers { get; init; }

    /// <summary>
    /// Whether handle_fasteoi_irq counts an interrupt before it looks whether the line is disabled (3.x): a level line
    /// that its handler disabled then counts twice, because disabling is lazy.
    /// </summary>
    public bool CountsInterruptsOfDisabledLines { get; init; }

    /// <summary>Whether groups show reserved_regions (4.12, iommu_group_create_file in iommu_group_alloc).</summary>
    public bool GroupsShowReservedRegions { get; init; } = true;

    /// <summary>Whether groups show the type of their default domain (4.19).</summary>
    public bool GroupsShowType { get; init; } = true;

    /// <summary>Modules that are there, loaded or built in, by name.</summary>
    public IReadOnlyList<string> Modules { get; init; } = [];

    /// <summary>
    /// What is installed on its file system besides the usual commands, by name: <c>vfio-host-test</c>. A profile is the
    /// software of one source, kernel and file system together.
    /// </summary>
    public IReadOnlyList<string> Packages { get; init; } = [];
}

/// <summary>The kernels that can be asked for.</summary>
public static class KernelProfiles
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
            GroupsHaveOwners = false,
            VfioPlatformResetRequired = false,
            Type1ChecksInterruptIsolation = false,
            VfioChecksCoherency = false,
            SmmuStalls = true,
            GroupJoinText = null,
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

    /// <summary>All of them.</summary>
    public static IReadOnlyList<KernelProfile> All { get; } = [VosysV6];

    /// <summary>A profile by name, or null.</summary>
    public static KernelProfile? Find(string name) =>
        All.FirstOrDefault(profile => string.Equals(profile.Name, name, StringComparison.Ordinal));
}
