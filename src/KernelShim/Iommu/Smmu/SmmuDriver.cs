using System.Diagnostics;

namespace Emulator.KernelShim;

/// <summary>A device behind an SMMU: which one, and its stream match registers there.</summary>
internal sealed record SmmuMaster(SmmuInstance Smmu, int[] Streams);

/// <summary>
/// The arm-smmu driver of 6.x (drivers/iommu/arm/arm-smmu): versions 1 and 2, masters by the generic binding, a default domain for
/// each group. Kernels of 3.x have <see cref="ArmSmmuDriver"/>.
/// </summary>
[DebuggerDisplay("{_smmus.Count} SMMUs")]
public sealed class SmmuDriver : Driver, IIommuDriver
{
    private static readonly string[] CompatibleIds =
    [
        "arm,smmu-v1",
        "arm,smmu-v2",
        "arm,mmu-400",
        "arm,mmu-401",
        "arm,mmu-500",
    ];

    /// <summary>The software MSI window: MSI_IOVA_BASE and MSI_IOVA_LENGTH.</summary>
    private static readonly ReservedRegion[] Reserved = [new ReservedRegion(0x0800_0000, 0x080F_FFFF, "msi")];

    private readonly Kernel _kernel;
    private readonly List<SmmuInstance> _smmus = [];
    private readonly Dictionary<Device, SmmuMaster> _masters = [];

    private SmmuDriver(Kernel kernel) => _kernel = kernel;

    /// <inheritdoc/>
    public override string Name => "arm-smmu";

    /// <inheritdoc/>
    public override string BusName => "platform";

    /// <inheritdoc/>
    public override bool SuppressesBindAttributes => true;

    /// <inheritdoc/>
    public bool IsolatesInterrupts => false;

    /// <summary>A coherent table walk is taken to mean coherent masters (arm_smmu_capable).</summary>
    public bool IsCoherent => _smmus.Exists(smmu => smmu.Features.IsCoherent);

    /// <summary>It cannot force masters to be coherent (no enforce_cache_coherency).</summary>
    public bool EnforcesCoherency => false;

    /// <inheritdoc/>
    public IReadOnlyList<ReservedRegion> ReservedRegions => Reserved;

    /// <summary>Starts the driver: it takes its devices from the platform bus.</summary>
    public static SmmuDriver Start(Kernel kernel)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        var driver = new SmmuDriver(kernel);
        kernel.Iommus.Register(driver);
        kernel.Drivers.Register(driver);
        return driver;
    }

    /// <inheritdoc/>
    public override bool Matches(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return device.Compatible.Any(CompatibleIds.Contains);
    }

    /// <inheritdoc/>
    public override long Probe(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (device.Node?.HasProperty("mmu-masters") == true)
        {
            // The legacy binding is an option that no distribution builds in (ARM_SMMU_LEGACY_DT_BINDINGS).
            _kernel.Log.Print(
                LogLevel.Notice,
                "arm-smmu: deprecated \"mmu-masters\" DT property in use; SMMU support unavailable"
            );
        }

        if (SmmuInstance.Probe(_kernel, device, out long error) is { } smmu)
        {
            _smmus.Add(smmu);
        }

        return error;
    }

    /// <inheritdoc/>
    public override void Remove(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (_smmus.Find(smmu => smmu.Node == device.Node) is { } smmu)
        {
            smmu.Remove();
            _smmus.Remove(smmu);
        }
    }

    /// <inheritdoc/>
    public bool Serves(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return FindSmmu(device) is not null;
    }

    /// <summary>
    /// arm_smmu_probe_device and arm_smmu_device_group: the device's stream match registers, and the group of whoever shares
    /// them.
    /// </summary>
    public IommuGroup? FindGroup(Device device, out long error)
    {
        ArgumentNullException.ThrowIfNull(device);
        SmmuInstance smmu = FindSmmu(device)!;
        error = 0;
        if (!_masters.TryGetValue(device, out SmmuMaster? master))
        {
            error = smmu.TakeStreams(SpecifiersOf(device), out int[] streams);
            if (error != 0)
            {
                return null;
            }

            master = new SmmuMaster(smmu, streams);
            _masters[device] = master;
        }

        IommuGroup? found = null;
        foreach (int stream in master.Streams)
        {
            IommuGroup? group = smmu.Stream(stream).Group;
            if (group is not null && found is not null && group != found)
            {
                error = -(long)Errno.EINVAL;
                return null;
            }

            found ??= group;
        }

        return found;
    }

    /// <summary>The group's streams go to its default domain; the device's files of the class iommu appear.</summary>
    public long OnJoined(Device device, IommuGroup group)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(group);
        SmmuMaster master = _masters[device];
        foreach (int stream in master.Streams)
        {
            master.Smmu.Stream(stream).Group = group;
        }

        if (master.Smmu.ClassDirectory is { } directory && device.Directory is { } own)
        {
            own.AddRelativeLink("iommu", directory);
            ((DirectoryInode)directory.Find("devices")!).AddRelativeLink(device.Name, own);
        }

        group.DefaultDomain ??= Create(group.DefaultDomainType);

        // A group that programs own keeps its domain, and the newcomer joins that.
        return (group.AttachedDomain ?? group.DefaultDomain).Attach(device);
    }

    /// <summary>arm_smmu_release_device.</summary>
    public void OnLeft(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (_masters.Remove(device, out SmmuMaster? master))
        {
            master.Smmu.ReleaseStreams(master.Streams);
            (master.Smmu.ClassDirectory?.Find("devices") as DirectoryInode)?.Remove(device.Name);
            device.Directory?.Remove("iommu");
        }
    }

    /// <summary>iommu_setup_default_domain: the group gets a default domain of another type.</summary>
    public long SetDefaultDomain(IommuGroup group, string type)
    {
        ArgumentNullException.ThrowIfNull(group);
        IommuDomain added = Create(type);
        foreach (Device device in group.Devices)
        {
            long error = added.Attach(device);
            if (error != 0)
            {
                added.Free();
                return error;
            }
        }

        group.DefaultDomain?.Free();
        group.DefaultDomain = added;
        group.DefaultDomainType = type;
        return 0;
    }

    /// <summary>Whether interrupts of every member are isolated, which is a matter of the controllers that take them.</summary>
    public bool IsIsolated(IommuGroup group)
    {
        ArgumentNullException.ThrowIfNull(group);
        return _kernel.Profile.IsolationIsPerDevice
            ? group.Devices.All(device => device.Bus!.HasIsolatedMessages(_kernel, device))
            : _kernel.Tree.Nodes.All(node =>
                !node.IsEnabled || !node.HasProperty("msi-controller") || IsIsolating(node)
            );
    }

    /// <summary>A domain for programs; it takes its context bank when the first device is attached.</summary>
    public IommuDomain? CreateDomain() => new SmmuDomain(_kernel, this);

    internal SmmuMaster? FindMaster(Device device) => _masters.GetValueOrDefault(device);

    /// <summary>Message interrupts are isolated where an ITS looks at who sends them.</summary>
    internal static bool IsIsolating(Machine.DeviceTrees.DeviceTreeNode controller) =>
        controller.IsCompatible("arm,gic-v3-its");

    private IReadOnlyList<IommuSpecifier> SpecifiersOf(Device device) => device.Bus!.IommuSpecifiers(_kernel, device);

    private SmmuInstance? FindSmmu(Device device) =>
        SpecifiersOf(device) is [var first, ..] ? _smmus.Find(smmu => smmu.Node == first.Iommu) : null;

    private IommuDomain Create(string type) =>
        type is "identity" ? new SmmuIdentityDomain(this) : new SmmuDomain(_kernel, this);
}
