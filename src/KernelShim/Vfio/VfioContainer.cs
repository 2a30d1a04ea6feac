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
    private readonly VfioCore _core;
    private readonly List<VfioGroup> _groups = [];

    internal VfioContainer(VfioCore core) => _core = core;

    /// <inheritdoc/>
    public override string Description => "/dev/vfio/vfio";

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <summary>The backend that SET_IOMMU has chosen, or null.</summary>
    internal IVfioBackend? Backend { get; private set; }

    /// <summary>Whether its groups are fake ones.</summary>
    private bool IsNoIommu => _groups is [{ IsNoIommu: true }, ..];

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
        _core.Kernel.Profile.VfioContainerHasMmap
            ? process.Refuse(Errno.EINVAL, "vfio_fops_mmap", "a container of type1 cannot be mapped")
            : base.Mmap(process, area, offset, lengthBytes);

    /// <summary>vfio_container_attach_group; the group's owner was asked before.</summary>
    internal long Attach(Process process, VfioGroup group)
    {
        const string Function = "vfio_container_attach_group";
        if (group.IsNoIommu && !process.Has(Capabilities.SysRawIo))
        {
            return process.Refuse(Errno.EPERM, Function, "a group without IOMMU needs CAP_SYS_RAWIO");
        }

        if (_groups.Count > 0 && IsNoIommu != group.IsNoIommu)
        {
            return process.Refuse(Errno.EPERM, Function, "real groups and those without IOMMU do not mix");
        }

        if (group.ClaimOwner(process) is var refused and not 0)
        {
            return refused;
        }

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
            if (Backend.Module is { } module)
            {
                _core.Kernel.Modules?.Put(module);
            }

            Backend = null;
        }
    }

    /// <summary>
    /// vfio_container_ioctl_check_extension: the active backend answers; before there is one, the first that says yes, real
    /// groups and fake ones asking only their own kind.
    /// </summary>
    private long CheckExtension(ulong extension)
    {
        if (Backend is not null)
        {
            return Backend.CheckExtension(extension);
        }

        bool asksType1 = _core.Type1 is not null && (_groups.Count == 0 || !IsNoIommu);
        bool asksNoIommu = _core.HasNoIommu && (_groups.Count == 0 || IsNoIommu);
        long answer = asksType1 ? VfioType1.CheckExtension(_core, null, extension) : 0;
        return answer == 0 && asksNoIommu ? VfioNoIommu.CheckExtension(_core, extension) : answer;
    }

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

        if (CheckExtension(type) <= 0)
        {
            return process.Refuse(Errno.ENODEV, Function, $"no backend has IOMMU type {type}");
        }

        if (Open(process, type, out IVfioBackend? backend) is var error and not 0)
        {
            return error;
        }

        for (int index = 0; index < _groups.Count; index++)
        {
            error = backend!.Attach(process, _groups[index].IommuGroup);
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
        if (backend!.Module is { } module)
        {
            _core.Kernel.Modules?.Get(module);
        }

        return 0;
    }

    /// <summary>A backend's open: it may refuse a number that passed the check because it is an extension and no type.</summary>
    private long Open(Process process, ulong type, out IVfioBackend? backend)
    {
        backend = null;
        if (IsNoIommu)
        {
            backend = new VfioNoIommu(_core);
            return process.Has(Capabilities.SysRawIo)
                ? 0
                : process.Refuse(Errno.EPERM, "vfio_noiommu_open", "this needs CAP_SYS_RAWIO");
        }

        if (type is not (VfioExtension.Type1 or VfioExtension.Type1V2 or VfioExtension.Type1Nesting))
        {
            return process.Refuse(Errno.EINVAL, "vfio_iommu_type1_open", $"{type} is an extension, no IOMMU type");
        }

        backend = new VfioType1(_core, isV2: type != VfioExtension.Type1);
        return 0;
    }
}
