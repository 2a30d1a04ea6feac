namespace Emulator.KernelShim;

/// <summary>What a container does with its groups' memory once SET_IOMMU has chosen it (struct vfio_iommu_driver_ops).</summary>
internal interface IVfioBackend
{
    /// <summary>The module that it is of, which cannot go while it is in use; null for what is in vfio itself.</summary>
    string? Module { get; }

    /// <summary>CHECK_EXTENSION, once it is the container's.</summary>
    long CheckExtension(ulong extension);

    /// <summary>Every other ioctl of the container.</summary>
    long Ioctl(Process process, uint command, ulong argument);

    /// <summary>A group joins: 0 or a negative errno.</summary>
    long Attach(Process process, IommuGroup group);

    /// <summary>A group leaves.</summary>
    void Detach(IommuGroup group);
}
