namespace Emulator.Userland;

/// <summary>An address range with the kernel's resource flags (include/linux/ioport.h) or a BAR's low bits in the address.</summary>
/// <param name="Address">Its start; the low four bits are flags.</param>
/// <param name="Size">How long it is, in bytes; 0 where that is not known.</param>
/// <param name="Flags">IORESOURCE_*.</param>
internal readonly record struct PciRange(ulong Address, ulong Size, ulong Flags)
{
    /// <summary>IORESOURCE_IO.</summary>
    public const ulong Io = 0x100;

    /// <summary>IORESOURCE_MEM.</summary>
    public const ulong Memory = 0x200;

    /// <summary>The mask of the type in the flags.</summary>
    public const ulong TypeMask = 0x1F00;

    /// <summary>IORESOURCE_PREFETCH.</summary>
    public const ulong Prefetch = 0x2000;

    /// <summary>IORESOURCE_MEM_64.</summary>
    public const ulong Memory64 = 0x10_0000;

    /// <summary>IORESOURCE_PCI_EA_BEI: it comes from an Enhanced Allocation entry.</summary>
    public const ulong EnhancedAllocation = 0x20;

    /// <summary>The flags as the low bits of a BAR say them.</summary>
    public uint BarBits =>
        (Flags & Io) != 0 ? 1U
        : (Flags & Memory) == 0 ? 0U
        : ((Flags & Memory64) != 0 ? 4U : 0U) | ((Flags & Prefetch) != 0 ? 8U : 0U);
}

/// <summary>A PCI function as the kernel, or a dump, describes it.</summary>
/// <param name="address">Where it is.</param>
/// <param name="config">Its configuration space.</param>
internal sealed class PciFunction(PciAddress address, PciConfig config)
{
    /// <summary>Where it is.</summary>
    public PciAddress Address => address;

    /// <summary>Its configuration space.</summary>
    public PciConfig Config => config;

    /// <summary>Whether not even the first 64 bytes can be read.</summary>
    public bool HasNoConfig { get; set; }

    /// <summary>The header type, or -1 without a configuration space.</summary>
    public int HeaderType => HasNoConfig ? -1 : config.HeaderType;

    public int Vendor { get; set; }

    public int Device { get; set; }

    /// <summary>Base class and subclass.</summary>
    public int Class { get; set; }

    public int ProgIf { get; set; }

    public int Revision { get; set; }

    public int SubsystemVendor { get; set; }

    public int SubsystemDevice { get; set; }

    /// <summary>Whether there is a subsystem to show.</summary>
    public bool HasSubsystem => SubsystemVendor is not 0 and not 0xFFFF;

    public int Irq { get; set; }

    /// <summary>The BARs.</summary>
    public PciRange[] Bars { get; } = new PciRange[6];

    /// <summary>The expansion ROM.</summary>
    public PciRange Rom { get; set; }

    /// <summary>Whether sizes and flags of the ranges are known: sysfs tells them, the configuration space does not.</summary>
    public bool KnowsSizes { get; set; }

    /// <summary>The windows of a bridge (I/O, memory, prefetchable memory), where the kernel tells them.</summary>
    public PciRange[]? Windows { get; set; }

    /// <summary>The name of the slot it is in.</summary>
    public string? PhysicalSlot { get; set; }

    /// <summary>-1 when there is none.</summary>
    public int NumaNode { get; set; } = -1;

    public string? IommuGroup { get; set; }

    /// <summary>The path of its device-tree node.</summary>
    public string? DeviceTreeNode { get; set; }

    public string? Driver { get; set; }

    /// <summary>The firmware's name of it.</summary>
    public string? Label { get; set; }

    /// <summary>What modprobe would be asked for.</summary>
    public string? ModuleAlias { get; set; }

    /// <summary>The bridge above it, where the kernel tells.</summary>
    public PciFunction? Parent { get; set; }
}
