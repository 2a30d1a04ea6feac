using System.Diagnostics;

namespace Emulator.KernelShim;

/// <summary>What a device may do with a mapping.</summary>
[Flags]
public enum IommuProtection
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>IOMMU_READ.</summary>
    Read = 1,

    /// <summary>IOMMU_WRITE.</summary>
    Write = 2,

    /// <summary>IOMMU_CACHE.</summary>
    Cache = 4,

    /// <summary>IOMMU_NOEXEC: instruction fetches fault.</summary>
    NoExecute = 8,
}

/// <summary>A range of IOVAs that an IOMMU keeps for itself (struct iommu_resv_region).</summary>
/// <param name="Start">The first address.</param>
/// <param name="End">The last address.</param>
/// <param name="Kind">direct, direct-relaxable, reserved or msi.</param>
public readonly record struct ReservedRegion(ulong Start, ulong End, string Kind);

/// <summary>
/// An address space of devices (struct iommu_domain). What it maps stands in page tables in the board's RAM and nowhere else.
/// </summary>
public abstract class IommuDomain
{
    /// <summary>The doorbells of message interrupts that are mapped in it: physical page to IOVA.</summary>
    internal SortedDictionary<ulong, ulong> MessagePages { get; } = [];

    /// <summary>The page sizes it takes, as a bit mask.</summary>
    public abstract ulong PageSizes { get; }

    /// <summary>The last address that it can map.</summary>
    public abstract ulong ApertureEnd { get; }

    /// <summary>iommu_map: 0 or a negative errno; on failure nothing is mapped.</summary>
    public abstract long Map(ulong iova, ulong physical, ulong lengthBytes, IommuProtection protection);

    /// <summary>iommu_unmap: how many bytes were unmapped, TLB invalidation included.</summary>
    public abstract ulong Unmap(ulong iova, ulong lengthBytes);

    /// <summary>iommu_iova_to_phys: what the tables say, or null.</summary>
    public abstract ulong? Translate(ulong iova);

    /// <summary>Attaches a device: its streams go through this domain. 0 or a negative errno.</summary>
    public abstract long Attach(Device device);

    /// <summary>Detaches a device.</summary>
    public abstract void Detach(Device device);

    /// <summary>iommu_domain_free.</summary>
    public abstract void Free();
}

/// <summary>An IOMMU's driver as the IOMMU core sees it (struct iommu_ops).</summary>
public interface IIommuDriver
{
    /// <summary>Whether this IOMMU stands before a device.</summary>
    bool Serves(Device device);

    /// <summary>
    /// The group that a device has to join because an IOMMU cannot tell it from a member (device_group); null to leave it to the
    /// rules of the device's bus. <paramref name="error"/> is a negative errno when it cannot be in any.
    /// </summary>
    IommuGroup? FindGroup(Device device, out long error)
    {
        error = 0;
        return null;
    }

    /// <summary>Makes a domain for VFIO; null when it cannot (out of context banks or memory).</summary>
    IommuDomain? CreateDomain();

    /// <summary>Whether interrupts of its devices are isolated (IOMMU_CAP_INTR_REMAP).</summary>
    bool IsolatesInterrupts { get; }

    /// <summary>Whether its masters are cache coherent (IOMMU_CAP_CACHE_COHERENCY).</summary>
    bool IsCoherent { get; }

    /// <summary>Whether interrupts of every member of a group are isolated (iommu_group_has_isolated_msi).</summary>
    bool IsIsolated(IommuGroup group) => IsolatesInterrupts;

    /// <summary>Whether it can force masters to be coherent (enforce_cache_coherency), which VFIO tells as DMA_CC.</summary>
    bool EnforcesCoherency => IsCoherent;

    /// <summary>A device has joined a group: its streams go to the group's default domain (iommu_probe_device).</summary>
    long OnJoined(Device device, IommuGroup group) => 0;

    /// <summary>A device leaves its group (iommu_release_device).</summary>
    void OnLeft(Device device) { }

    /// <summary>Gives a group a default domain of another type (iommu_setup_default_domain).</summary>
    long SetDefaultDomain(IommuGroup group, string type) => -(long)Errno.EINVAL;

    /// <summary>The ranges that no mapping may use, in order (iommu_get_resv_regions).</summary>
    IReadOnlyList<ReservedRegion> ReservedRegions => [];
}

/// <summary>Devices that cannot be isolated from each other (struct iommu_group).</summary>
[DebuggerDisplay("group {Id}: {Devices.Count} devices")]
public sealed class IommuGroup(int id, IIommuDriver driver)
{
    /// <summary>Its number: the lowest that was free.</summary>
    public int Id { get; } = id;

    /// <summary>The driver of the IOMMU before it.</summary>
    public IIommuDriver Driver { get; } = driver;

    /// <summary>Its members.</summary>
    public IList<Device> Devices { get; } = [];

    /// <summary>/sys/kernel/iommu_groups/ID.</summary>
    public DirectoryInode? Directory { get; set; }

    /// <summary>The domain of its members while no program has them; null where the driver has none.</summary>
    public IommuDomain? DefaultDomain { get; set; }

    /// <summary>The type of that domain: DMA, DMA-FQ, identity.</summary>
    public string DefaultDomainType { get; set; } = "DMA";

    /// <summary>The domain that VFIO has attached it to; null while it is in the default domain.</summary>
    public IommuDomain? AttachedDomain { get; set; }

    /// <summary>The iommufd that has claimed it, or null (owner).</summary>
    internal IommufdContext? Owner { get; set; }

    /// <summary>Whether a member has an ordinary driver or a program owns it (owner_cnt).</summary>
    public bool IsInUse =>
        AttachedDomain is not null
        || Owner is not null
        || Devices.Any(device => device.Driver is { ManagesDma: false });
}

/// <summary>The IOMMU core (drivers/iommu/iommu.c).</summary>
public interface IIommuCore
{
    /// <summary>The groups by number.</summary>
    IReadOnlyDictionary<int, IommuGroup> Groups { get; }

    /// <summary>Registers an IOMMU (bus_set_iommu): devices that are there already join groups.</summary>
    void Register(IIommuDriver driver);

    /// <summary>A device was added: it joins a group if an IOMMU serves it.</summary>
    void OnDeviceAdded(Device device);

    /// <summary>
    /// A driver is about to be probed on a device: on kernels that configure DMA then, it joins a group now
    /// (of_iommu_configure). A negative errno when it cannot; only -EPROBE_DEFER keeps the driver from it.
    /// </summary>
    long OnProbe(Device device);

    /// <summary>Puts a device into a group of its own that has a name (iommu_group_alloc, iommu_group_set_name, iommu_group_add_device).</summary>
    void AddToNewGroup(Device device, IIommuDriver driver, string name);

    /// <summary>How a device came into its group, or why it is in none; null where nobody has looked at it yet.</summary>
    GroupingDecision? DecisionFor(Device device);

    /// <summary>A device goes away.</summary>
    void OnDeviceRemoved(Device device);
}
