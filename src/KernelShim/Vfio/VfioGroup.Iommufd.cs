namespace Emulator.KernelShim;

/// <content>An iommufd in the place of a container (CONFIG_IOMMUFD), and devices that are open by their own nodes.</content>
public sealed partial class VfioGroup
{
    private readonly Dictionary<VfioDevice, IommufdDevice> _bound = [];

    /// <summary>How many files of devices of it are bound by their own nodes (cdev_device_open_cnt).</summary>
    internal int CdevUsers { get; set; }

    /// <summary>Whether its own node is open (opened_file).</summary>
    internal bool IsOpen => Users > 0;

    /// <summary>The iommufd it was put into, or null.</summary>
    private IommufdFile? Iommufd { get; set; }

    /// <summary>Whether programs own it: an iommufd has claimed it, or it is in a container.</summary>
    internal bool IsOwned => Container is not null || IommuGroup.Owner is not null;

    /// <summary>vfio_group_ioctl_set_container with an iommufd: an address space for it is made if there is none.</summary>
    private long SetIommufd(IommufdFile file)
    {
        file.Context.EnsureVfioIoas();
        file.Get();
        Iommufd = file;
        return 0;
    }

    /// <summary>The group leaves its iommufd; devices that are open stay attached.</summary>
    private void LeaveIommufd(Process? process)
    {
        Iommufd?.Put(process);
        Iommufd = null;
    }

    /// <summary>
    /// vfio_df_iommufd_bind and iommufd_vfio_compat_ioas_get_id: the first file of a device binds and attaches it.
    /// </summary>
    private long BindToIommufd(Process process, VfioDevice device)
    {
        if (Iommufd is null || device.OpenCount > 0)
        {
            return 0;
        }

        IommufdContext context = Iommufd.Context;
        long error = context.Bind(process, device.Device, out IommufdDevice? bound);
        if (error != 0)
        {
            return error;
        }

        error = context.Attach(process, bound!, context.EnsureVfioIoas().Id, out _);
        if (error != 0)
        {
            context.Unbind(bound!);
            return error;
        }

        Iommufd.Get();
        _bound[device] = bound!;
        _holders[device] = Iommufd;
        return 0;
    }

    /// <summary>The last file of a device is closed.</summary>
    internal void ReleaseFromIommufd(VfioDevice device, Process? process)
    {
        if (device.OpenCount == 0 && _bound.Remove(device, out IommufdDevice? bound))
        {
            _holders.Remove(device, out IommufdFile? file);
            file!.Context.Unbind(bound);
            file.Put(process);
        }
    }

    private readonly Dictionary<VfioDevice, IommufdFile> _holders = [];
}
