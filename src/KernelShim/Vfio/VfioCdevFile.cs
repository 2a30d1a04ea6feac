using System.Runtime.InteropServices;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>
/// An open /dev/vfio/devices/vfioN (drivers/vfio/device_cdev.c): nothing works before it is bound to an iommufd, and closing it
/// unbinds it.
/// </summary>
internal sealed class VfioCdevFile(VfioDevice device) : OpenFile
{
    private IommufdContext? _context;
    private IommufdFile? _iommufd;
    private IommufdDevice? _bound;

    /// <inheritdoc/>
    public override string Description => $"/dev/vfio/devices of {device.Device.Name}";

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override Attempt Ioctl(Process process, uint command, ulong argument)
    {
        if (command == VfioIoctl.DeviceBindIommufd)
        {
            return Bind(process, argument);
        }

        return Refusal(process)
            ?? command switch
            {
                VfioIoctl.DeviceAttachIommufdPt => AttachTable(process, argument),
                VfioIoctl.DeviceDetachIommufdPt => DetachTable(process, argument),
                _ => device.Ioctl(process, command, argument),
            };
    }

    /// <inheritdoc/>
    public override Attempt Read(Process process, ulong buffer, long count, long position) =>
        Refusal(process) ?? device.Read(process, buffer, count, (ulong)position);

    /// <inheritdoc/>
    public override Attempt Write(Process process, ulong buffer, long count, long position) =>
        Refusal(process) ?? device.Write(process, buffer, count, (ulong)position);

    /// <inheritdoc/>
    public override long Mmap(Process process, VmArea area, ulong offset, ulong lengthBytes) =>
        Refusal(process) ?? device.Mmap(process, area, offset, lengthBytes);

    /// <summary>vfio_df_unbind_iommufd.</summary>
    public override void Release(Process? process)
    {
        if (_bound is null)
        {
            return;
        }

        device.Close();
        device.NodeBinding = null;
        _context!.Unbind(_bound);
        device.Group!.CdevUsers--;
        _iommufd!.Put(process);
        _bound = null;
    }

    private long? Refusal(Process process) =>
        _bound is null ? process.Refuse(Errno.EINVAL, "vfio_device_fops", "the file is not bound to an iommufd")
        : device.IsGone
            ? process.Refuse(Errno.ENODEV, "vfio_device_fops", "the device was unbound from its vfio driver")
        : null;

    /// <summary>vfio_df_ioctl_bind_iommufd.</summary>
    private long Bind(Process process, ulong argument)
    {
        const string Function = "vfio_df_ioctl_bind_iommufd";
        if (UserStruct.Take(process, argument, Function, 16, out VfioBindIommufd bind) is { } refused)
        {
            return refused;
        }

        if (bind.Flags != 0 || bind.Iommufd < 0)
        {
            return process.Refuse(Errno.EINVAL, Function, "flags are not 0, or iommufd is negative");
        }

        VfioGroup? group = device.Group;
        if (group is null || group.IsOpen)
        {
            return process.Refuse(Errno.EBUSY, "vfio_device_block_group", "the group is open by its own node");
        }

        if (_bound is not null)
        {
            return process.Refuse(Errno.EINVAL, Function, "the file is bound already");
        }

        OpenFile? file = process.FindFile(bind.Iommufd);
        if (file is not IommufdFile iommufd)
        {
            return process.Refuse(
                file is null ? Errno.EBADF : Errno.EBADFD,
                "iommufd_ctx_from_fd",
                $"descriptor {bind.Iommufd} is {(file is null ? "not open" : "no iommufd but " + file.Description)}"
            );
        }

        return device.OpenCount > 0
            ? process.Refuse(Errno.EINVAL, "vfio_df_open", "the device is bound by another file")
            : Open(process, argument, bind, iommufd);
    }

    private long Open(Process process, ulong argument, VfioBindIommufd bind, IommufdFile iommufd)
    {
        long error = iommufd.Context.Bind(process, device.Device, out IommufdDevice? bound);
        if (error != 0)
        {
            return error;
        }

        error = device.Open(process);
        if (error != 0)
        {
            iommufd.Context.Unbind(bound!);
            return error;
        }

        iommufd.Get();
        _iommufd = iommufd;
        _context = iommufd.Context;
        _bound = bound;
        device.NodeBinding = (iommufd.Context, bound!.Id);
        device.Group!.CdevUsers++;
        bind.DeviceId = bound!.Id;
        return UserStruct.TryWrite(process, argument, bind)
            ? 0
            : UserStruct.CannotWrite(process, "vfio_df_ioctl_bind_iommufd");
    }

    /// <summary>vfio_df_ioctl_attach_pt.</summary>
    private long AttachTable(Process process, ulong argument)
    {
        const string Function = "vfio_df_ioctl_attach_pt";
        if (UserStruct.Take(process, argument, Function, 12, out VfioAttachTable attach) is { } refused)
        {
            return refused;
        }

        if (attach.Flags != 0)
        {
            return process.Refuse(Errno.EINVAL, Function, "no flags are known");
        }

        long error = _context!.Attach(process, _bound!, attach.TableId, out uint table);
        if (error != 0)
        {
            return error;
        }

        attach.TableId = table;
        return UserStruct.TryWrite(process, argument, attach) ? 0 : UserStruct.CannotWrite(process, Function);
    }

    /// <summary>vfio_df_ioctl_detach_pt.</summary>
    private long DetachTable(Process process, ulong argument)
    {
        const string Function = "vfio_df_ioctl_detach_pt";
        if (UserStruct.Take(process, argument, Function, 8, out VfioGroupStatus detach) is { } refused)
        {
            return refused;
        }

        if (detach.Flags != 0)
        {
            return process.Refuse(Errno.EINVAL, Function, "no flags are known");
        }

        _context!.Detach(_bound!);
        return 0;
    }
}

/// <summary>struct vfio_device_bind_iommufd.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioBindIommufd
{
    public uint ArgumentBytes;
    public uint Flags;
    public int Iommufd;
    public uint DeviceId;
}

/// <summary>struct vfio_device_attach_iommufd_pt.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioAttachTable
{
    public uint ArgumentBytes;
    public uint Flags;
    public uint TableId;
}
