using System.Globalization;

namespace Emulator.KernelShim;

/// <summary>
/// The IOMMU core (drivers/iommu/iommu.c): which device is in which group, and what sysfs shows of it.
/// </summary>
public sealed class IommuCore : IIommuCore
{
    private static readonly string[] BusOrder = ["platform", "amba"];

    private readonly Kernel _kernel;
    private readonly DirectoryInode _directory;
    private readonly SortedDictionary<int, IommuGroup> _groups = [];
    private readonly List<IIommuDriver> _drivers = [];
    private readonly Dictionary<Device, GroupingDecision> _decisions = [];
    private readonly SortedSet<int> _freeIds = [];
    private readonly StreamOwners? _streams;
    private readonly string _defaultType;
    private int _nextId;

    private IommuCore(Kernel kernel)
    {
        _kernel = kernel;
        _streams = kernel.Profile.SmmuRefusesSharedStreams ? new StreamOwners(kernel) : null;
        _defaultType =
            IsPassthrough(kernel.CommandLine) ? "identity"
            : IsLazy(kernel.CommandLine) ? "DMA-FQ"
            : "DMA";
        _directory = kernel.Files.Sys.GetOrAddDirectory("kernel").GetOrAddDirectory("iommu_groups");
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<int, IommuGroup> Groups => _groups;

    /// <summary>Makes /sys/kernel/iommu_groups and gives the kernel its IOMMU core (iommu_init).</summary>
    public static IommuCore Start(Kernel kernel)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        var core = new IommuCore(kernel);
        kernel.Iommus = core;
        return core;
    }

    /// <summary>Registers an IOMMU; the devices of the platform bus join first, then those of amba (bus_set_iommu).</summary>
    public void Register(IIommuDriver driver)
    {
        ArgumentNullException.ThrowIfNull(driver);
        _drivers.Add(driver);
        if (_kernel.Drivers is not { } core || _kernel.Profile.GroupsAreJoinedAtProbe)
        {
            return;
        }

        foreach (
            BusType bus in core
                .Buses.Values.OrderBy(bus =>
                    Array.IndexOf(BusOrder, bus.Name) is var place and >= 0 ? place : BusOrder.Length
                )
                .ThenBy(bus => bus.Name, StringComparer.Ordinal)
        )
        {
            foreach (Device device in bus.Devices.ToArray())
            {
                OnDeviceAdded(device);
            }
        }
    }

    /// <inheritdoc/>
    public void OnDeviceAdded(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (!_kernel.Profile.GroupsAreJoinedAtProbe)
        {
            Join(device);
        }
    }

    /// <inheritdoc/>
    public long OnProbe(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return _kernel.Profile.GroupsAreJoinedAtProbe ? Join(device) : 0;
    }

    /// <inheritdoc/>
    public GroupingDecision? DecisionFor(Device device) => _decisions.GetValueOrDefault(device);

    /// <summary>iommu_probe_device: a device joins the group that its IOMMU's driver says, or one of its own.</summary>
    private long Join(Device device)
    {
        if (device.Group is not null || _drivers.FirstOrDefault(driver => driver.Serves(device)) is not { } iommu)
        {
            return 0;
        }

        if (_streams is not null && !_streams.TryTake(device))
        {
            return Refuse(device, -(long)Errno.EINVAL);
        }

        IommuGroup? shared = iommu.FindGroup(device, out long error);
        if (error != 0)
        {
            return error == -(long)Errno.EPROBE_DEFER ? error : Refuse(device, error);
        }

        // What the IOMMU cannot tell apart comes first, then what the device's bus cannot.
        IommuGroup? present = shared ?? device.Bus?.FindGroup(_kernel, device);
        IReadOnlyList<GroupingStep> steps = shared is not null
            ? [new GroupingStep.SharedStream(shared.Id)]
            : (device as PciDevice)?.GroupingSteps ?? [];
        IommuGroup group = present ?? Allocate(iommu);
        Add(device, group);
        _decisions[device] = new GroupingDecision(device, group.Id, present is null, steps);
        return iommu.OnJoined(device, group);
    }

    /// <inheritdoc/>
    public void AddToNewGroup(Device device, IIommuDriver driver, string name)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(driver);
        IommuGroup group = Allocate(driver);
        group.DefaultDomainType = "unknown";
        group.Directory!.AddAttribute("name", AttributeMode.ReadOnly, () => name + "\n");
        Add(device, group);
    }

    private long Refuse(Device device, long error)
    {
        _streams?.Release(device);
        _decisions[device] = new GroupingDecision(device, -1, IsNew: false, [new GroupingStep.Refused(error)]);
        return error;
    }

    /// <summary>iommu_group_add_device.</summary>
    private void Add(Device device, IommuGroup group)
    {
        group.Devices.Add(device);
        device.Group = group;
        DirectoryInode members = group.Directory!.GetOrAddDirectory("devices");
        if (device.Directory is { } directory)
        {
            directory.AddRelativeLink("iommu_group", group.Directory);
            members.AddRelativeLink(FreeName(members, device.Name), directory);
        }

        Log(_kernel.Profile.GroupJoinText, device, group);
    }

    private void Log(string? text, Device device, IommuGroup group)
    {
        if (text is null)
        {
            return;
        }

        _kernel.Log.Print(
            LogLevel.Info,
            text.Replace("{driver}", device.Driver?.Name ?? device.Bus?.Name ?? "", StringComparison.Ordinal)
                .Replace("{device}", device.Name, StringComparison.Ordinal)
                .Replace("{group}", group.Id.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
        );
    }

    /// <inheritdoc/>
    public void OnDeviceRemoved(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        _decisions.Remove(device);
        _streams?.Release(device);
        if (device.Group is not { Directory: { } directory } group)
        {
            return;
        }

        Log(_kernel.Profile.GroupLeaveText, device, group);
        if (device.Directory is { } own)
        {
            own.Remove("iommu_group");
            var members = (DirectoryInode)directory.Find("devices")!;
            string target = SysfsLinks.Relative(members, own);
            Inode? link = members.Children.FirstOrDefault(child =>
                child is LinkInode known && string.Equals(known.Target, target, StringComparison.Ordinal)
            );
            members.Remove(link?.Name ?? device.Name);
        }

        group.Driver.OnLeft(device);
        group.Devices.Remove(device);
        device.Group = null;
        if (group.Devices.Count == 0)
        {
            // iommu_group_release
            group.DefaultDomain?.Free();
            _groups.Remove(group.Id);
            _freeIds.Add(group.Id);
            _directory.Remove(group.Id.ToString(CultureInfo.InvariantCulture));
            group.Directory = null;
        }
    }

    /// <summary>Devices of two buses may have one name: the second becomes <c>name.0</c> (iommu_group_add_device).</summary>
    private static string FreeName(DirectoryInode directory, string name)
    {
        string free = name;
        for (int n = 0; directory.Find(free) is not null; n++)
        {
            free = string.Create(CultureInfo.InvariantCulture, $"{name}.{n}");
        }

        return free;
    }

    /// <summary>iommu.passthrough= of the command line (iommu_set_def_domain_type).</summary>
    private static bool IsPassthrough(string commandLine) =>
        commandLine.Split(' ').LastOrDefault(word => word.StartsWith("iommu.passthrough=", StringComparison.Ordinal))
            is { } word
        && word.Split('=')[1] is "1" or "y" or "Y" or "on";

    /// <summary>iommu.strict= of the command line (iommu_dma_setup): unmapped addresses go to a flush queue.</summary>
    private static bool IsLazy(string commandLine) =>
        commandLine.Split(' ').LastOrDefault(word => word.StartsWith("iommu.strict=", StringComparison.Ordinal))
            is { } word
        && word.Split('=')[1] is "0" or "n" or "N" or "off";

    /// <summary>iommu_group_alloc.</summary>
    private IommuGroup Allocate(IIommuDriver driver)
    {
        int id = TakeLowestId();
        DirectoryInode directory = _directory.AddDirectory(id.ToString(CultureInfo.InvariantCulture));
        directory.AddDirectory("devices");
        var group = new IommuGroup(id, driver) { Directory = directory, DefaultDomainType = _defaultType };
        if (_kernel.Profile.GroupsShowReservedRegions)
        {
            directory.AddAttribute("reserved_regions", 0x124, () => ShowRegions(driver));
        }

        if (_kernel.Profile.GroupsShowType)
        {
            directory.AddAttribute(
                "type",
                AttributeMode.ReadWrite,
                () => group.DefaultDomainType + "\n",
                (process, text) => GroupTypeFile.Store(process, group, text)
            );
        }

        _groups[id] = group;
        return group;
    }

    /// <summary>The lowest number that no group has (ida_alloc).</summary>
    private int TakeLowestId()
    {
        if (_freeIds.Count == 0)
        {
            return _nextId++;
        }

        int id = _freeIds.Min;
        _freeIds.Remove(id);
        return id;
    }

    /// <summary>iommu_group_show_resv_regions.</summary>
    private static string ShowRegions(IIommuDriver driver) =>
        string.Concat(
            driver.ReservedRegions.Select(region =>
                string.Create(CultureInfo.InvariantCulture, $"0x{region.Start:x16} 0x{region.End:x16} {region.Kind}\n")
            )
        );
}
