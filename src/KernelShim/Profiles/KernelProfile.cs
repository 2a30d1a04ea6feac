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

    /// <summary>
    /// Whether a device of a device tree joins its group when a driver is first probed on it (of_dma_configure in really_probe,
    /// 4.12); before, when the device or the IOMMU appeared.
    /// </summary>
    public bool GroupsAreJoinedAtProbe { get; init; } = true;

    /// <summary>Whether vfio-platform refuses a device without a reset function (the default of reset_required).</summary>
    public bool VfioPlatformResetRequired { get; init; } = true;

    /// <summary>Whether type1 refuses to attach without isolated interrupts.</summary>
    public bool Type1ChecksInterruptIsolation { get; init; } = true;

    /// <summary>Whether vfio refuses a device whose IOMMU is not cache coherent (6.0).</summary>
    public bool VfioChecksCoherency { get; init; } = true;

    /// <summary>Whether the arm-smmu driver is that of 3.12 to 3.18: stage 2 alone, legacy binding, no default domains.</summary>
    public bool ArmSmmuIsThatOf3x { get; init; }

    /// <summary>Whether lines about context faults spell out FSR and FSYNR0 (6.12).</summary>
    public bool SmmuDecodesFaults { get; init; } = true;

    /// <summary>
    /// Whether isolation of interrupts is a matter of each device (6.3, iommu_group_has_isolated_msi); before, of all controllers of
    /// message interrupts together (irq_domain_check_msi_remap), and of none there is also true.
    /// </summary>
    public bool IsolationIsPerDevice { get; init; } = true;

    /// <summary>
    /// Whether writing a group's type is EPERM while it is in use (6.5); before, EBUSY with a line for a bound driver, and EINVAL for
    /// more than one device.
    /// </summary>
    public bool GroupTypeNeedsIdleGroup { get; init; } = true;

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

    /// <summary>The modules that are loaded at the end of the boot, in that order; what they need comes with them.</summary>
    public IReadOnlyList<string> Modules { get; init; } = [];

    /// <summary>The modules that modprobe finds besides, in /lib/modules.</summary>
    public IReadOnlyList<string> LoadableModules { get; init; } = [];

    /// <summary>
    /// What is installed on its file system besides the usual commands, by name: <c>vfio-host-test</c>. A profile is the
    /// software of one source, kernel and file system together.
    /// </summary>
    public IReadOnlyList<string> Packages { get; init; } = [];
}
