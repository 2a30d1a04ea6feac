using System.Diagnostics;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>A device that a vfio driver has (struct vfio_device): opened as often as programs like.</summary>
[DebuggerDisplay("vfio {Device.Name,nq}, open {OpenCount} times")]
public abstract class VfioDevice
{
    /// <summary>Creates it for a device.</summary>
    private protected VfioDevice(VfioCore core, Device device)
    {
        Core = core;
        Device = device;
    }

    /// <summary>The device.</summary>
    public Device Device { get; }

    /// <summary>How many files of it are open.</summary>
    public int OpenCount { get; private set; }

    /// <summary>Whoever wants to unbind it waits here until <see cref="OpenCount"/> is 0.</summary>
    public WaitQueue Released { get; } = new("vfio_unregister_group_dev");

    /// <summary>VFIO.</summary>
    private protected VfioCore Core { get; }

    /// <summary>Its group.</summary>
    internal VfioGroup? Group { get; set; }

    /// <summary>Its place in the class vfio-dev, where the kernel has that.</summary>
    internal VfioDeviceNode? Node { get; set; }

    /// <summary>The iommufd that it is bound to by its own node, and its ID there; null otherwise.</summary>
    internal (IommufdContext Context, uint Id)? NodeBinding { get; set; }

    /// <summary>Its driver has left it while it was open.</summary>
    internal bool IsGone { get; private set; }

    internal abstract long Ioctl(Process process, uint command, ulong argument);

    /// <summary>Whether a name that a program asks for is this device's: 1, 0, or a negative errno (match of its driver).</summary>
    internal virtual long Match(Process process, string name) =>
        string.Equals(Device.Name, name, StringComparison.Ordinal) ? 1 : 0;

    internal abstract long Read(Process process, ulong buffer, long count, ulong position);

    internal abstract long Write(Process process, ulong buffer, long count, ulong position);

    internal abstract long Mmap(Process process, VmArea area, ulong offset, ulong lengthBytes);

    /// <summary>One more file; the first enables the device (vfio_device_open).</summary>
    internal long Open(Process process)
    {
        if (OpenCount == 0)
        {
            long error = Enable(process);
            if (error != 0)
            {
                return error;
            }
        }

        OpenCount++;
        return 0;
    }

    /// <summary>One file fewer; the last disables the device.</summary>
    internal void Close()
    {
        if (--OpenCount == 0)
        {
            if (!IsGone)
            {
                Disable();
            }

            // Who unbinds cannot be killed in its wait; here the writer is gone, and the unbinding must end all the same.
            bool isAbandoned = Device.IsLeavingDriver && Released.Waiters.Count == 0;
            Released.WakeAll();
            if (isAbandoned)
            {
                Core.Kernel.Drivers.FinishUnbind(Device);
            }
        }
    }

    /// <summary>The driver is taken away. Files that are open answer ENODEV from now on.</summary>
    internal void Disconnect()
    {
        if (OpenCount > 0)
        {
            IsGone = true;
            Disable();
        }
    }

    /// <summary>The first file was opened.</summary>
    private protected abstract long Enable(Process process);

    /// <summary>The last file was closed.</summary>
    private protected abstract void Disable();
}

/// <summary>An open device: <c>anon_inode:[vfio-device]</c>. It holds its group, and the group its container.</summary>
internal sealed class VfioDeviceFile : OpenFile
{
    private readonly VfioDevice _device;
    private readonly VfioGroup _group;

    public VfioDeviceFile(VfioDevice device, VfioGroup group)
    {
        _device = device;
        _group = group;
        group.Hold();
        group.DeviceUsers++;
    }

    public override string Description => "anon_inode:[vfio-device]";

    public override bool CanSeek => false;

    public override Attempt Ioctl(Process process, uint command, ulong argument) =>
        _device.IsGone ? Gone(process) : _device.Ioctl(process, command, argument);

    public override Attempt Read(Process process, ulong buffer, long count, long position) =>
        _device.IsGone ? Gone(process) : _device.Read(process, buffer, count, (ulong)position);

    public override Attempt Write(Process process, ulong buffer, long count, long position) =>
        _device.IsGone ? Gone(process) : _device.Write(process, buffer, count, (ulong)position);

    public override long Mmap(Process process, VmArea area, ulong offset, ulong lengthBytes) =>
        _device.IsGone ? Gone(process) : _device.Mmap(process, area, offset, lengthBytes);

    public override void Release(Process? process)
    {
        _device.Close();
        _group.ReleaseFromIommufd(_device, process);
        _group.DeviceUsers--;
        _group.Put();
    }

    private static long Gone(Process process) =>
        process.Refuse(Errno.ENODEV, "vfio_device_fops", "the device was unbound from its vfio driver");
}
