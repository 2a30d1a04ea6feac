using System.Globalization;

namespace Emulator.KernelShim;

/// <summary>
/// A vfio device in the class vfio-dev, and its node where the kernel has them (drivers/vfio/vfio_main.c, device_cdev.c): the number is
/// the lowest free one.
/// </summary>
internal sealed class VfioDeviceNode
{
    private const int Major = 249;
    private const int Permissions = 0x180;
    private const string ClassPath = "/sys/class/vfio-dev";
    private const string Folder = "vfio-dev";

    private readonly VfioCore _core;
    private readonly VfioDevice _device;
    private DeviceInode? _node;

    private VfioDeviceNode(VfioCore core, VfioDevice device, int number)
    {
        _core = core;
        _device = device;
        Number = number;
    }

    /// <summary>The number in its name.</summary>
    public int Number { get; }

    private string Name => "vfio" + Number.ToString(CultureInfo.InvariantCulture);

    /// <summary>Makes the directory, and the node unless there is no IOMMU.</summary>
    public static VfioDeviceNode Add(VfioCore core, VfioDevice device, int number)
    {
        var made = new VfioDeviceNode(core, device, number);
        DirectoryInode home = device.Device.Directory!;
        DirectoryInode classes = core.Kernel.Files.Make(ClassPath);
        DirectoryInode directory = home.GetOrAddDirectory(Folder).AddDirectory(made.Name);
        directory.AddRelativeLink("device", home);
        directory.AddRelativeLink("subsystem", classes);
        directory.AddAttribute("uevent", AttributeMode.ReadWrite, () => "", DriverCore.StoreUevent);
        if (core.Kernel.Profile.HasPowerManagement)
        {
            PowerFiles.Add(directory, canWakeUp: false);
        }

        classes.AddRelativeLink(made.Name, directory);
        if (core.Kernel.Profile.VfioHasDeviceNodes && !device.Group!.IsNoIommu)
        {
            directory.AddAttribute(
                "dev",
                AttributeMode.ReadOnly,
                () => string.Create(CultureInfo.InvariantCulture, $"{Major}:{number}\n")
            );
            made._node = new DeviceInode(Permissions, Major, number, made.Open);
            core.Kernel.Files.AddDevice("vfio/devices/" + made.Name, made._node);
        }

        return made;
    }

    /// <summary>The device leaves its vfio driver.</summary>
    public void Remove()
    {
        FileTree files = _core.Kernel.Files;
        if (_node is not null)
        {
            files.RemoveDevice("vfio/devices/" + Name, _node);
        }

        files.Make(ClassPath).Remove(Name);
        _device.Device.Directory?.Remove(Folder);
    }

    /// <summary>vfio_device_fops_cdev_open: anybody may open it; what counts is who binds it.</summary>
    private OpenResult Open(Process process, OpenFlags flags) => new VfioCdevFile(_device) { Flags = flags };
}
