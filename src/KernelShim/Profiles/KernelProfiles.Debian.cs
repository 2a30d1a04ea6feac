namespace Emulator.KernelShim;

/// <content>
/// The kernels that Debian ships for arm64 and one built with more options on. Sources: their packages' configuration
/// (debian/config of linux 6.1 and 6.12) and drivers of these versions of mainline.
/// </content>
public static partial class KernelProfiles
{
    /// <summary>ipi_types of arch/arm64/kernel/smp.c; CPU wake-up is there with the parking protocol of ACPI.</summary>
    private static readonly string[] InterprocessorInterruptsOf61 =
    [
        "      Rescheduling interrupts",
        "      Function call interrupts",
        "      CPU stop interrupts",
        "      CPU stop (for crash dump) interrupts",
        "      Timer broadcast interrupts",
        "      IRQ work interrupts",
        "      CPU wake-up interrupts",
    ];

    private static readonly string[] InterprocessorInterruptsOf612 =
    [
        "      Rescheduling interrupts",
        "      Function call interrupts",
        "      CPU stop interrupts",
        "      CPU stop NMIs",
        "      Timer broadcast interrupts",
        "      IRQ work interrupts",
        "      CPU backtrace interrupts",
        "      KGDB roundup interrupts",
    ];

    /// <summary>What modprobe finds on Debian. Nothing of it is loaded before somebody asks.</summary>
    private static string[] DebianModules =>
        [
            "pci_stub",
            "vfio",
            "vfio_iommu_type1",
            "vfio_pci",
            "virtio_mmio",
            "qemu_fw_cfg",
            "gpio_keys",
            "nvme",
            "e1000e",
            "pl330",
        ];

    /// <summary>Debian 12's kernel: 6.1.</summary>
    public static KernelProfile Linux61 { get; } =
        new()
        {
            Name = "6.1",
            Title = "Debian 12's kernel for arm64",
            Release = "6.1.0-50-arm64",
            Version = "#1 SMP Debian 6.1.176-1 (2026-07-02)",
            Machine = "aarch64",
            InterprocessorRowsHaveBlank = false,
            FirstInterruptNumber = 1,
            MapsInterruptsAtProbe = true,
            HasGpioClass = true,
            HasRtcClass = true,
            ProbeFailureText = "{driver}: probe of {device} failed with error {error}",
            ProbeFailureLevel = LogLevel.Warning,
            InterprocessorInterrupts = InterprocessorInterruptsOf61,
            InvalidResourceText = "invalid resource",
            // CONFIG_FB_ARMCLCD, gone in 6.2.
            AmbaDrivers = ["uart-pl010", "uart-pl011", "clcd-pl11x", "amba-proxy"],
            HasPl330Driver = false,
            MessageChipsArePerDevice = false,
            GpioNumbersAreBounded = true,
            GpioKeysBusyText = "failed to get gpio: -16",
            SmmuDecodesFaults = false,
            IsolationIsPerDevice = false,
            GroupTypeNeedsIdleGroup = false,
            VfioGroupsTakeIommufd = false,
            VirqfdIsAModule = true,
            VfioCapabilitiesAreAligned = false,
            VfioPciHasQuadAccess = false,
            VfioPciTellsHiddenCapabilities = true,
            VfioPciKnowsDesignatedVendor = false,
            VfioPciChecksVectorsFirst = true,
            VfioPciResetsByContext = false,
            PciLogsDeviceKind = false,
            PciHostsWishForHotplug = false,
            HasVirtioPci = false,
            // drivers/iommu/iommu.c: iommu_group_remove_device; 6.12 says nothing any more.
            GroupLeaveText = "{driver} {device}: Removing from iommu group {group}",
            LoadableModules = DebianModules,
        };

    /// <summary>Debian's 6.12 for Debian 12, in its stock configuration.</summary>
    public static KernelProfile Linux612 { get; } =
        new()
        {
            Name = "6.12",
            Title = "Debian's 6.12 kernel for arm64",
            Release = "6.12.111+deb12-arm64",
            Version = "#1 SMP Debian 6.12.111-1~deb12u1 (2026-09-30)",
            Machine = "aarch64",
            AmbaDrivers = ["uart-pl010", "uart-pl011", "amba-proxy"],
            HasPl330Driver = false,
            InterprocessorInterrupts = InterprocessorInterruptsOf612,
            InterprocessorRowsHaveBlank = false,
            FirstInterruptNumber = 1,
            MapsInterruptsAtProbe = true,
            HasGpioClass = true,
            HasRtcClass = true,
            LoadableModules = DebianModules,
        };

    /// <summary>
    /// 6.12 with VFIO_NOIOMMU, VFIO_PLATFORM, VFIO_AMBA, IOMMUFD and VFIO_DEVICE_CDEV on, which Debian ships off.
    /// </summary>
    public static KernelProfile Linux612Oracle { get; } =
        Linux612 with
        {
            Name = "6.12-oracle",
            Title = "6.12 with no-IOMMU mode, vfio-platform, vfio-amba, iommufd and device nodes",
            Release = "6.12.117-oracle",
            Version = "#1 SMP 2026-01-01",
            HasVfioNoIommu = true,
            VfioHasDeviceNodes = true,
            HasPowerManagement = false,
            LoadableModules = [.. DebianModules, "vfio_platform", "vfio_amba", "vfio_platform_calxedaxgmac", "iommufd"],
        };
}
