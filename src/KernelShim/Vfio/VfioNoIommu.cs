namespace Emulator.KernelShim;

/// <summary>
/// The backend of containers without an IOMMU (vfio_noiommu_ops of drivers/vfio/container.c): it maps nothing, so a device's
/// addresses are physical ones, and who may use it may reach all memory.
/// </summary>
internal sealed class VfioNoIommu(VfioCore core) : IVfioBackend
{
    /// <inheritdoc/>
    public string? Module => null;

    /// <summary>Only its own number, and only while the mode is on.</summary>
    public static long CheckExtension(VfioCore core, ulong extension) =>
        core.AllowsNoIommu && extension == VfioExtension.NoIommu ? 1 : 0;

    /// <inheritdoc/>
    public long CheckExtension(ulong extension) => CheckExtension(core, extension);

    /// <inheritdoc/>
    public long Ioctl(Process process, uint command, ulong argument) =>
        process.Refuse(
            Errno.ENOTTY,
            "vfio_noiommu_ioctl",
            $"0x{command:x} needs an IOMMU, and this container has none"
        );

    /// <inheritdoc/>
    public long Attach(Process process, IommuGroup group) => 0;

    /// <inheritdoc/>
    public void Detach(IommuGroup group) { }
}

/// <summary>Stands where a group has no IOMMU behind it (vfio_noiommu_group_alloc).</summary>
internal sealed class NoIommuDriver : IIommuDriver
{
    /// <summary>The name of its groups in sysfs.</summary>
    public const string GroupName = "vfio-noiommu";

    /// <inheritdoc/>
    public bool IsolatesInterrupts => false;

    /// <inheritdoc/>
    public bool IsCoherent => true;

    /// <inheritdoc/>
    public bool EnforcesCoherency => false;

    /// <inheritdoc/>
    public bool Serves(Device device) => false;

    /// <inheritdoc/>
    public IommuDomain? CreateDomain() => null;
}
