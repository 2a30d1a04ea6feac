namespace Emulator.KernelShim;

/// <summary>Something of an iommufd that has a number (struct iommufd_object).</summary>
internal abstract class IommufdObject
{
    public uint Id { get; set; }
}

/// <summary>An address space (IOMMUFD_OBJ_IOAS).</summary>
internal sealed class Ioas : IommufdObject
{
    public IoAddressSpace Space { get; } = new();

    /// <summary>The page tables that follow it.</summary>
    public List<IommufdPageTable> Tables { get; } = [];
}

/// <summary>A page table made for devices that were attached to an address space (IOMMUFD_OBJ_HWPT_PAGING, auto_domain).</summary>
internal sealed class IommufdPageTable(Ioas ioas, IIommuDriver driver, IommuDomain domain) : IommufdObject
{
    public Ioas Ioas { get; } = ioas;

    public IIommuDriver Driver { get; } = driver;

    public IommuDomain Domain { get; } = domain;

    public List<IommufdDevice> Devices { get; } = [];
}

/// <summary>A device bound to an iommufd (IOMMUFD_OBJ_DEVICE).</summary>
internal sealed class IommufdDevice(Device device) : IommufdObject
{
    public Device Device { get; } = device;

    public IommufdPageTable? Table { get; set; }
}
