using System.Diagnostics;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>
/// An open container (drivers/vfio/container.c): groups that share one set of DMA mappings. It lives as long as its file is
/// open or a group is in it; the mappings live as long as a group is in it.
/// </summary>
[DebuggerDisplay("container of {_groups.Count} groups, {Backend}")]
public sealed class VfioContainer : OpenFile
{
    private const string Type1Module = "vfio_iommu_type1";

    private readonly VfioCore _core;
    private readonly List<VfioGroup> _groups = [];

    internal VfioContainer(VfioCore core) => _core = core;

    /// <inheritdoc/>
    public override string Description => "/dev/vfio/vfio";

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <summary>The backend that SET_IOMMU has chosen, or null.</summary>
    internal VfioType1? Backend { get; private set; }

    private KernelProfile Profile => _core.Kernel.Profile;

    /// <inheritdoc/>
    public override Attempt Ioctl(Process process, uint command, ulong argument)
    {
        ArgumentNullException.ThrowIfNull(process);
        return command switch
        {
            VfioIoctl.GetApiVersion => 0,
            VfioIoctl.CheckExtension => CheckExtension(argument),
            VfioIoctl.SetIommu => SetIommu(process, argument),
            _ => Backend?.Ioctl(process, command, argument)
                ?? process.Refuse(
                    Errno.EINVAL,
                    "vfio_fops_unl_ioctl",
                    $"0x{command:x} needs an IOMMU type: SET_IOMMU has not been called"
                ),
        };
    }

    /// <inheritdoc/>
    public override long Mmap(Process process, VmArea area, ulong offset, ulong lengthBytes) =>
        process.Refuse(Errno.EINVAL, "vfio_fops_mmap", "a container of type1 cannot be mapped");

    internal long Attach(Process process, VfioGroup group)
    {
        long error = Backend?.Attach(process, group.IommuGroup) ?? 0;
        if (error == 0)
        {
            _groups.Add(group);
            group.Container = this;
        }

        return error;
    }

    /// <summary>A group leaves; with the last, the mappings go and the type is forgotten (vfio_group_detach_container).</summary>
    internal void Detach(VfioGroup group)
    {
        Backend?.Detach(group.IommuGroup);
        _groups.Remove(group);
        group.Container = null;
        if (_groups.Count == 0 && Backend is not null)
        {
            Backend = null;
            _core.Kernel.Modules?.Put(Type1Module);
        }
    }

    /// <summary>vfio_iommu_type1_check_extension, for the active backend or, before there is one, for the only one there is.</summary>
    private long CheckExtension(ulong extension) =>
        extension switch
        {
            _ when _core.Type1 is null => 0,
            VfioExtension.Type1 or VfioExtension.Type1V2 => 1,
            VfioExtension.CacheCoherent => Backend is { IsCoherent: true } ? 1 : 0,
            VfioExtension.Type1Nesting => Profile.Type1HasNesting ? 1 : 0,
            VfioExtension.UnmapAll => (Profile.Type1UnmapFlags & VfioFlags.UnmapAll) != 0 ? 1 : 0,
            VfioExtension.UpdateVaddr => Backend is not null && Profile.Type1HasVaddrUpdate ? 1 : 0,
            _ => 0,
        };

    private long SetIommu(Process process, ulong type)
    {
        const string Function = "vfio_ioctl_set_iommu";
        if (_groups.Count == 0 || Backend is not null)
        {
            return process.Refuse(
                Errno.EINVAL,
                Function,
                _groups.Count == 0 ? "no group is in the container" : "the container has an IOMMU type already"
            );
        }

        if (type is not (VfioExtension.Type1 or VfioExtension.Type1V2 or VfioExtension.Type1Nesting))
        {
            // A number that is an extension and no type passes the check and is refused by the backend's open.
            return CheckExtension(type) > 0
                ? process.Refuse(Errno.EINVAL, "vfio_iommu_type1_open", $"{type} is an extension, no IOMMU type")
                : process.Refuse(Errno.ENODEV, Function, $"no backend has IOMMU type {type}");
        }

        if (CheckExtension(type) == 0)
        {
            return process.Refuse(Errno.ENODEV, Function, $"no backend has IOMMU type {type}");
        }

        var backend = new VfioType1(_core, isV2: type != VfioExtension.Type1);
        for (int index = 0; index < _groups.Count; index++)
        {
            long error = backend.Attach(process, _groups[index].IommuGroup);
            if (error == 0)
            {
                continue;
            }

            while (--index >= 0)
            {
                backend.Detach(_groups[index].IommuGroup);
            }

            return error;
        }

        Backend = backend;
        _core.Kernel.Modules?.Get(Type1Module);
        return 0;
    }
}
