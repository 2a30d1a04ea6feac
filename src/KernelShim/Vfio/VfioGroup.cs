using System.Diagnostics;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>A group of which at least one member is bound to a vfio driver (drivers/vfio/group.c).</summary>
[DebuggerDisplay("vfio group {IommuGroup.Id}: {Devices.Count} devices, {Users} users")]
public sealed partial class VfioGroup
{
    private readonly VfioCore _core;

    internal VfioGroup(VfioCore core, IommuGroup iommuGroup, int minor)
    {
        _core = core;
        IommuGroup = iommuGroup;
        Minor = minor;
    }

    /// <summary>The group of the IOMMU core.</summary>
    public IommuGroup IommuGroup { get; }

    /// <summary>Whether it was made for a device that has no IOMMU (VFIO_NO_IOMMU).</summary>
    public bool IsNoIommu => IommuGroup.Driver is NoIommuDriver;

    /// <summary>The name of its node: its number, with a mark where there is no IOMMU.</summary>
    public string Name =>
        (IsNoIommu ? "noiommu-" : "") + IommuGroup.Id.ToString(System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>The container it is in, or null.</summary>
    public VfioContainer? Container { get; internal set; }

    /// <summary>The members bound to a vfio driver.</summary>
    internal List<VfioDevice> Devices { get; } = [];

    /// <summary>Its node.</summary>
    internal DeviceInode? Node { get; set; }

    /// <summary>The minor number of its node.</summary>
    internal int Minor { get; }

    /// <summary>How many files hold it: its own and those of its devices.</summary>
    internal int Users { get; private set; }

    /// <summary>How many device files hold it.</summary>
    internal int DeviceUsers { get; set; }

    private KernelProfile Profile => _core.Kernel.Profile;

    /// <summary>vfio_group_fops_open: one at a time.</summary>
    internal OpenResult Open(Process process, OpenFlags flags)
    {
        if (IsNoIommu && !process.Has(Capabilities.SysRawIo))
        {
            return OpenResult.Refused(
                process.Refuse(Errno.EPERM, "vfio_group_fops_open", "a group without IOMMU needs CAP_SYS_RAWIO")
            );
        }

        if (CdevUsers > 0)
        {
            return OpenResult.Refused(
                process.Refuse(Errno.EBUSY, "vfio_group_fops_open", "a device of the group is bound by its own node")
            );
        }

        if (Users > 0)
        {
            return OpenResult.Refused(
                process.Refuse(
                    Errno.EBUSY,
                    "vfio_group_fops_open",
                    $"group {IommuGroup.Id} is open already, or a device of it is"
                )
            );
        }

        Users = 1;
        return new VfioGroupFile(this) { Flags = flags };
    }

    internal void Hold() => Users++;

    /// <summary>iommu_group_claim_dma_owner: EPERM while a member has an ordinary driver. A fake group has nobody to ask.</summary>
    internal long ClaimOwner(Process process) =>
        !Profile.GroupsHaveOwners || IsNoIommu || VfioCore.IsViable(IommuGroup)
            ? 0
            : process.Refuse(
                Errno.EPERM,
                "iommu_group_claim_dma_owner",
                $"group {IommuGroup.Id} is not viable: a member is bound to an ordinary driver"
            );

    /// <summary>A file lets go; with the last, the group leaves its container.</summary>
    internal void Put()
    {
        if (--Users == 0)
        {
            Container?.Detach(this);
            LeaveIommufd(null);
            if (Devices.Count == 0)
            {
                _core.Release(this);
            }
        }
    }

    internal long Ioctl(Process process, uint command, ulong argument) =>
        command switch
        {
            VfioIoctl.GroupGetStatus => GetStatus(process, argument),
            VfioIoctl.GroupSetContainer => SetContainer(process, argument),
            VfioIoctl.GroupUnsetContainer => UnsetContainer(process),
            VfioIoctl.GroupGetDeviceFd => GetDeviceFd(process, argument),
            _ => process.Refuse(Errno.ENOTTY, "vfio_group_fops_unl_ioctl", $"0x{command:x} is no ioctl of a group"),
        };

    private long GetStatus(Process process, ulong argument)
    {
        const string Function = "vfio_group_ioctl_get_status";
        if (UserStruct.Take(process, argument, Function, 8, out VfioGroupStatus status) is { } refused)
        {
            return refused;
        }

        if (Profile.GroupsHaveOwners && Devices.Count == 0)
        {
            return process.Refuse(Errno.ENODEV, Function, "no device of the group is bound to a vfio driver any more");
        }

        bool isAttached = Container is not null || Iommufd is not null;
        bool isViable = (Profile.GroupsHaveOwners && isAttached) || VfioCore.IsViable(IommuGroup);
        status.Flags = (isViable ? VfioFlags.GroupViable : 0) | (isAttached ? VfioFlags.GroupContainerSet : 0);
        return UserStruct.TryWrite(process, argument, status) ? 0 : UserStruct.CannotWrite(process, Function);
    }

    private long SetContainer(Process process, ulong argument)
    {
        const string Function = "vfio_group_ioctl_set_container";
        if (!UserStruct.TryRead(process, argument, out int descriptor))
        {
            return UserStruct.CannotRead(process, Function);
        }

        OpenFile? file = process.FindFile(descriptor);
        bool looksAtFileFirst = Profile.VfioGroupsTakeIommufd;
        if (!looksAtFileFirst && !Profile.GroupsHaveOwners && descriptor < 0)
        {
            return process.Refuse(Errno.EINVAL, Function, $"{descriptor} is no descriptor");
        }

        if (looksAtFileFirst && file is null)
        {
            return process.Refuse(Errno.EBADF, Function, $"descriptor {descriptor} is not open");
        }

        if (Container is not null || Iommufd is not null)
        {
            return process.Refuse(Errno.EINVAL, Function, $"group {IommuGroup.Id} has a container already");
        }

        if (Profile.GroupsHaveOwners && Devices.Count == 0)
        {
            return process.Refuse(Errno.ENODEV, Function, "no device of the group is bound to a vfio driver any more");
        }

        if (file is null)
        {
            return process.Refuse(Errno.EBADF, Function, $"descriptor {descriptor} is not open");
        }

        if (file is IommufdFile iommufd && looksAtFileFirst)
        {
            return SetIommufd(iommufd);
        }

        if (file is not VfioContainer container)
        {
            return process.Refuse(
                looksAtFileFirst ? Errno.EBADFD : Errno.EINVAL,
                Function,
                $"descriptor {descriptor} is no VFIO container but {file.Description}"
            );
        }

        return container.Attach(process, this);
    }

    private long UnsetContainer(Process process)
    {
        const string Function = "vfio_group_ioctl_unset_container";
        if (Iommufd is not null)
        {
            LeaveIommufd(process);
            return 0;
        }

        if (Container is null)
        {
            return process.Refuse(Errno.EINVAL, Function, $"group {IommuGroup.Id} has no container");
        }

        if (DeviceUsers > 0)
        {
            return process.Refuse(Errno.EBUSY, Function, $"a device of group {IommuGroup.Id} is open");
        }

        Container.Detach(this);
        return 0;
    }

    /// <summary>vfio_device_get_from_name: the first that takes the name, or refuses what stands behind it.</summary>
    private long FindDevice(Process process, string name, out VfioDevice? device)
    {
        foreach (VfioDevice member in Devices)
        {
            long matched = member.Match(process, name);
            if (matched < 0 || (matched > 0 && !member.Device.IsLeavingDriver))
            {
                device = matched > 0 ? member : null;
                return matched;
            }
        }

        device = null;
        return 0;
    }

    private long GetDeviceFd(Process process, ulong argument)
    {
        if (
            Syscalls.ReadString(process, argument, PageAllocator.PageBytes, Errno.EINVAL, out string name) is
            { } refused
        )
        {
            return refused.Value;
        }

        bool isReady = Container is { Backend: not null } || Iommufd is not null;
        if (!Profile.GroupsHaveOwners && !(isReady && VfioCore.IsViable(IommuGroup)))
        {
            return process.Refuse(
                Errno.EINVAL,
                "vfio_group_get_device_fd",
                isReady
                    ? $"group {IommuGroup.Id} is not viable: a member is bound to an ordinary driver"
                    : $"group {IommuGroup.Id} has no container, or the container no IOMMU type"
            );
        }

        long matched = FindDevice(process, name, out VfioDevice? device);
        if (matched < 0)
        {
            return matched;
        }

        if (device is null)
        {
            return process.Refuse(
                Errno.ENODEV,
                "vfio_device_get_from_name",
                $"group {IommuGroup.Id} has no device '{name}' bound to a vfio driver"
            );
        }

        if (!isReady)
        {
            return process.Refuse(
                Errno.EINVAL,
                "vfio_device_open_file",
                $"group {IommuGroup.Id} has no container, or the container no IOMMU type"
            );
        }

        if (IsNoIommu && !process.Has(Capabilities.SysRawIo))
        {
            return process.Refuse(Errno.EPERM, "vfio_group_use_container", "a group without IOMMU needs CAP_SYS_RAWIO");
        }

        long error = BindToIommufd(process, device);
        error = error == 0 ? device.Open(process) : error;
        if (error != 0)
        {
            ReleaseFromIommufd(device, process);
            return error;
        }

        if (IsNoIommu)
        {
            _core.Kernel.Log.Print(
                LogLevel.Warning,
                $"{device.Device.LogPrefix}vfio-noiommu device opened by user ({process.Command}:{process.Id})"
            );
        }

        var file = new VfioDeviceFile(device, this) { Flags = OpenFlags.ReadWrite };
        long descriptor = process.Install(file, closeOnExec: true);
        if (descriptor < 0)
        {
            file.Put(process);
        }

        return descriptor;
    }
}

/// <summary>An open group.</summary>
internal sealed class VfioGroupFile(VfioGroup group) : OpenFile
{
    /// <summary>The group.</summary>
    public VfioGroup Group => group;

    public override string Description => $"/dev/vfio/{group.Name}";

    public override Attempt Ioctl(Process process, uint command, ulong argument) =>
        group.Ioctl(process, command, argument);

    public override bool CanSeek => false;

    public override void Release(Process? process) => group.Put();
}
