using System.Globalization;

namespace Emulator.KernelShim;

/// <summary>
/// VFIO (drivers/vfio/vfio_main.c, group.c, container.c): the nodes in /dev/vfio, and the groups that have devices bound to a
/// vfio driver.
/// </summary>
public sealed class VfioCore
{
    private const int ContainerPermissions = 0x1B6;
    private const int GroupPermissions = 0x180;
    private const int MiscMajor = 10;
    private const int ContainerMinor = 196;

    /// <summary>The major number is dynamic on a real kernel; the first of the range for dynamic ones that few others use.</summary>
    private const int GroupMajor = 244;

    private readonly SortedDictionary<int, VfioGroup> _groups = [];
    private readonly SortedSet<int> _minors = [];
    private readonly SortedSet<int> _deviceNumbers = [];
    private readonly NoIommuDriver _noIommu = new();
    private DeviceInode? _node;

    private VfioCore(Kernel kernel) => Kernel = kernel;

    /// <summary>The kernel.</summary>
    public Kernel Kernel { get; }

    /// <summary>The groups that have a node, by number.</summary>
    public IReadOnlyDictionary<int, VfioGroup> Groups => _groups;

    /// <summary>The reset functions of platform devices that modules have brought (reset_list).</summary>
    internal List<VfioReset> Resets { get; } = [];

    /// <summary>The type1 backend while its module is loaded.</summary>
    internal VfioType1Module? Type1 { get; set; }

    /// <summary>Whether this kernel was built with no-IOMMU mode.</summary>
    internal bool HasNoIommu => Profile.HasVfioNoIommu;

    /// <summary>enable_unsafe_noiommu_mode of vfio.</summary>
    internal bool AllowsNoIommu { get; set; }

    private KernelProfile Profile => Kernel.Profile;

    /// <summary>
    /// What loading the module does (vfio_init): /dev/vfio/vfio and the classes. The driver core must be there.
    /// </summary>
    internal static VfioCore Start(Kernel kernel)
    {
        var core = new VfioCore(kernel);
        if (kernel.Profile.GroupsHaveOwners && kernel.Drivers is DriverCore { ConfigureDma: null } drivers)
        {
            // iommu_device_use_default_domain: an ordinary driver gets no member of a group that programs own.
            drivers.ConfigureDma = (device, driver) =>
                !driver.ManagesDma && kernel.Vfio is { } vfio && vfio.Owns(device.Group) ? -(long)Errno.EBUSY : 0;
        }

        kernel.Log.Print(LogLevel.Info, "VFIO - User Level meta-driver version: 0.3");
        core._node = new DeviceInode(
            ContainerPermissions,
            MiscMajor,
            ContainerMinor,
            (_, flags) => new VfioContainer(core) { Flags = flags }
        );
        kernel.Files.AddDevice("vfio/vfio", core._node);
        core.AddClass("misc", "vfio", MiscMajor, ContainerMinor);
        kernel.Files.Make("/sys/class/vfio");
        if (kernel.Profile.VfioHasDeviceClass)
        {
            kernel.Files.Make("/sys/class/vfio-dev");
        }

        return core;
    }

    /// <summary>vfio_cleanup.</summary>
    internal void Stop()
    {
        Kernel.Files.RemoveDevice("vfio/vfio", _node!);
        RemoveClass("misc", "vfio");
        Kernel.Files.Make("/sys/class").Remove("vfio");
        Kernel.Files.Make("/sys/class").Remove("vfio-dev");
    }

    /// <summary>
    /// Whether VFIO owns a group, so that no ordinary driver may take a member: its probe is -EBUSY before it runs
    /// (iommu_device_use_default_domain, 5.19). Always false for kernels before, whose groups have no owners.
    /// </summary>
    public bool Owns(IommuGroup? group) =>
        Profile.GroupsHaveOwners
        && group is not null
        && (group.Owner is not null || _groups.GetValueOrDefault(group.Id) is { Container: not null });

    /// <summary>
    /// vfio_device_set_group: a device without an IOMMU gets a group made for it while no-IOMMU mode is on, else EINVAL; and so
    /// does one whose IOMMU leaves caches alone, because VFIO maps everything cacheable.
    /// </summary>
    internal long SetGroup(Device device)
    {
        if (device.Group is null && HasNoIommu && AllowsNoIommu)
        {
            Kernel.Iommus.AddToNewGroup(device, _noIommu, NoIommuDriver.GroupName);
            Kernel.Taint(KernelTaint.UserRequest);
            Kernel.Log.Print(
                LogLevel.Warning,
                $"{device.LogPrefix}Adding kernel taint for vfio-noiommu group on device"
            );
            return 0;
        }

        bool isUsable = device.Group is { } group && (!Profile.VfioChecksCoherency || group.Driver.IsCoherent);
        return isUsable ? 0 : -(long)Errno.EINVAL;
    }

    /// <summary>A vfio driver has taken a device: its group gets a node with the first (vfio_register_group_dev).</summary>
    internal void Register(VfioDevice device)
    {
        IommuGroup iommuGroup = device.Device.Group!;
        if (!_groups.TryGetValue(iommuGroup.Id, out VfioGroup? group))
        {
            int minor = 0;
            while (!_minors.Add(minor))
            {
                minor++;
            }

            group = new VfioGroup(this, iommuGroup, minor);
            _groups[iommuGroup.Id] = group;
            group.Node = new DeviceInode(GroupPermissions, GroupMajor, minor, group.Open);
            Kernel.Files.AddDevice("vfio/" + group.Name, group.Node);
            AddClass("vfio", group.Name, GroupMajor, minor);
        }

        device.Group = group;
        group.Devices.Add(device);
        if (Profile.VfioHasDeviceClass)
        {
            int number = 0;
            while (!_deviceNumbers.Add(number))
            {
                number++;
            }

            device.Node = VfioDeviceNode.Add(this, device, number);
        }
    }

    /// <summary>
    /// A vfio driver gives a device up. With the last, kernels whose groups have owners take the group from whoever has it open
    /// (vfio_device_remove_group); those before keep it, node and container included, until its files are closed.
    /// </summary>
    internal void Unregister(VfioDevice device)
    {
        VfioGroup group = device.Group!;
        group.Devices.Remove(device);
        if (device.Node is { } node)
        {
            node.Remove();
            _deviceNumbers.Remove(node.Number);
        }

        if (group.IsNoIommu)
        {
            Kernel.Log.Print(
                LogLevel.Info,
                $"{device.Device.LogPrefix}Removing from iommu group {group.IommuGroup.Id}"
            );
            Release(group);
            Kernel.Iommus.OnDeviceRemoved(device.Device);
            return;
        }

        if (group.Devices.Count > 0)
        {
            return;
        }

        if (Profile.GroupsHaveOwners)
        {
            group.Container?.Detach(group);
            Release(group);
        }
        else if (group.Users == 0)
        {
            Release(group);
        }
    }

    /// <summary>Nothing refers to a group any more (vfio_group_release).</summary>
    internal void Release(VfioGroup group)
    {
        if (_groups.GetValueOrDefault(group.IommuGroup.Id) != group)
        {
            return;
        }

        _groups.Remove(group.IommuGroup.Id);
        _minors.Remove(group.Minor);
        Kernel.Files.RemoveDevice("vfio/" + group.Name, group.Node!);
        RemoveClass("vfio", group.Name);
    }

    /// <summary>
    /// Whether every member is without a driver or has one that does no DMA behind the user's back (vfio_dev_viable; the owner
    /// count of iommu_group_claim_dma_owner).
    /// </summary>
    internal static bool IsViable(IommuGroup group) =>
        group.Devices.All(device => device.Driver is null or { ManagesDma: true });

    private void AddClass(string className, string name, int major, int minor)
    {
        DirectoryInode directory = Kernel.Files.Make($"/sys/devices/virtual/{className}/{name}");
        directory.AddAttribute("dev", 0x124, () => string.Create(CultureInfo.InvariantCulture, $"{major}:{minor}\n"));
        directory.AddLink("subsystem", $"../../../../class/{className}");
        Kernel.Files.Make($"/sys/class/{className}").AddLink(name, $"../../devices/virtual/{className}/{name}");
    }

    private void RemoveClass(string className, string name)
    {
        Kernel.Files.Make($"/sys/class/{className}").Remove(name);
        Kernel.Files.Make($"/sys/devices/virtual/{className}").Remove(name);
    }
}

/// <content>VFIO.</content>
public sealed partial class Kernel
{
    /// <summary>VFIO; null where it was not started.</summary>
    public VfioCore? Vfio { get; internal set; }
}
