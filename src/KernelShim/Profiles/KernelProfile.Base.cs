namespace Emulator.KernelShim;

/// <content>What differs between kernels in the driver core, the buses and procfs.</content>
public sealed partial record KernelProfile
{
    /// <summary>
    /// The log line of a failed probe (really_probe in drivers/base/dd.c). ENODEV and ENXIO are never logged: they mean that
    /// the device is not there. Before 6.11: <c>{driver}: probe of {device} failed with error {error}</c>.
    /// </summary>
    public string ProbeFailureText { get; init; } =
        "{driver} {device}: probe with driver {driver} failed with error {error}";

    /// <summary>
    /// Whether the kernel oopses when the bus answers its own access with an error, as on arm64. The 32-bit kernels do too, in other
    /// words, which are not modelled: there the call gets EIO.
    /// </summary>
    public bool ExternalAbortsAreOopses { get; init; } = true;

    /// <summary>The level of <see cref="ProbeFailureText"/>: a warning before 6.11.</summary>
    public LogLevel ProbeFailureLevel { get; init; } = LogLevel.Error;

    /// <summary>
    /// Whether there is sysfs_bind_only, as proposed in October 2013 and never merged: a flag that vfio-platform sets, and a file
    /// of each device; what has it is bound by a write to a driver's bind file and by nothing else.
    /// </summary>
    public bool HasSysfsBindOnly { get; init; }

    /// <summary>Whether the platform bus knows match_any_dev, proposed in October 2013 and never merged, and vfio-platform has it.</summary>
    public bool PlatformHasMatchAnyDevice { get; init; }

    /// <summary>Whether the driver of Samsung's I2C controllers is built in (CONFIG_I2C_S3C2410).</summary>
    public bool HasS3cI2cDriver { get; init; }

    /// <summary>Whether a refused synthetic event is logged with the object's path (kobject_synth_uevent, 4.13).</summary>
    public bool SyntheticEventsAreLogged { get; init; } = true;

    /// <summary>Whether devices have a directory <c>power</c> (CONFIG_PM).</summary>
    public bool HasPowerManagement { get; init; } = true;

    /// <summary>Whether devices show that they wait for others that their node refers to (fw_devlink=on, 5.13).</summary>
    public bool LinksDevicesByTree { get; init; } = true;

    /// <summary>The drivers of AMBA devices that are built in, besides those of devices that are modelled, in order.</summary>
    public IReadOnlyList<string> AmbaDrivers { get; init; } = [];

    /// <summary>
    /// What devm_ioremap_resource says when a device has no such resource. Before 6.10: <c>invalid resource</c>.
    /// </summary>
    public string InvalidResourceText { get; init; } = "error -EINVAL: invalid resource (null)";

    /// <summary>What lines of drivers/of begin with: <c>OF: </c> since pr_fmt came (4.8), nothing before.</summary>
    public string DeviceTreeLogPrefix { get; init; } = "OF: ";

    /// <summary>What a modalias shows for a node without device_type: <c>&lt;NULL&gt;</c> while struct device_node had a type (before 5.0).</summary>
    public string MissingDeviceType { get; init; } = "(null)";

    /// <summary>Whether AMBA devices have irq0 and irq1 in sysfs (removed in 5.18).</summary>
    public bool AmbaShowsInterrupts { get; init; }

    /// <summary>
    /// The lines of /proc/interrupts for interrupts between CPUs, blanks before the text included (arch/arm64/kernel/smp.c
    /// by default).
    /// </summary>
    public IReadOnlyList<string> InterprocessorInterrupts { get; init; } =
    [
        "      Rescheduling interrupts",
        "      Function call interrupts",
        "      CPU stop interrupts",
        "      CPU stop (for crash dump) interrupts",
        "      Timer broadcast interrupts",
        "      IRQ work interrupts",
    ];

    /// <summary>
    /// Whether a blank follows the colon in these rows (arch/arm/kernel/smp.c); on arm64 only where the numbers have four digits.
    /// </summary>
    public bool InterprocessorRowsHaveBlank { get; init; } = true;

    /// <summary>The kernel's command line where the device tree's /chosen has no bootargs.</summary>
    public string DefaultCommandLine { get; init; } = "console=ttyAMA0 earlyprintk";

    /// <summary>Who built it with what, in /proc/version; our own words, no recording names one.</summary>
    public string BuiltBy { get; init; } = "(root@emulator) (gcc)";

    /// <summary>uname -v; our own words.</summary>
    public string Version { get; init; } = "#1 SMP PREEMPT Thu Jan 1 00:00:00 UTC 1970";

    /// <summary>The first interrupt number that is given out: after NR_IRQS_LEGACY, which is 16 on arm; 0 is never given out.</summary>
    public int FirstInterruptNumber { get; init; } = 16;

    /// <summary>
    /// Whether interrupts of devices are mapped when a driver asks for them (platform_get_irq since 3.14 or so, amba_probe since
    /// 6.0); otherwise when the devices appear.
    /// </summary>
    public bool MapsInterruptsAtProbe { get; init; }

    /// <summary>Whether each device has a chip of its own for its messages in /proc/interrupts (6.11); before, all share ITS-MSI.</summary>
    public bool MessageChipsArePerDevice { get; init; } = true;

    /// <summary>Whether /proc/iomem shows what buses and drivers request; otherwise a line for each device.</summary>
    public bool DriversRequestRegions { get; init; }
}
