namespace Emulator.Peripherals;

/// <summary>
/// Offsets of the configuration header (PCI Local Bus Specification 3.0, section 6.1; PCI-to-PCI Bridge Architecture
/// Specification 1.2, section 3.2).
/// </summary>
internal static class PciRegister
{
    public const int VendorId = 0x00;
    public const int DeviceId = 0x02;
    public const int Command = 0x04;
    public const int Status = 0x06;
    public const int RevisionId = 0x08;
    public const int ClassCode = 0x09;
    public const int CacheLineSize = 0x0C;
    public const int LatencyTimer = 0x0D;
    public const int HeaderType = 0x0E;
    public const int BaseAddress = 0x10;
    public const int SubsystemVendorId = 0x2C;
    public const int SubsystemId = 0x2E;
    public const int ExpansionRom = 0x30;
    public const int CapabilityPointer = 0x34;
    public const int InterruptLine = 0x3C;
    public const int InterruptPin = 0x3D;

    public const int PrimaryBus = 0x18;
    public const int SecondaryBus = 0x19;
    public const int SubordinateBus = 0x1A;
    public const int IoBase = 0x1C;
    public const int IoLimit = 0x1D;
    public const int SecondaryStatus = 0x1E;
    public const int MemoryBase = 0x20;
    public const int MemoryLimit = 0x22;
    public const int PrefetchableBase = 0x24;
    public const int PrefetchableLimit = 0x26;
    public const int PrefetchableBaseUpper = 0x28;
    public const int PrefetchableLimitUpper = 0x2C;
    public const int IoBaseUpper = 0x30;
    public const int BridgeControl = 0x3E;

    public const int HeaderLengthBytes = 0x40;
    public const int ConventionalLengthBytes = 0x100;
    public const int ExpressLengthBytes = 0x1000;
}

/// <summary>Bits of the Command register.</summary>
[Flags]
internal enum PciCommand : ushort
{
    IoSpace = 1 << 0,
    MemorySpace = 1 << 1,
    BusMaster = 1 << 2,
    SystemError = 1 << 8,
    InterruptDisable = 1 << 10,
}

/// <summary>Bits of the Status and Secondary Status registers.</summary>
[Flags]
internal enum PciStatus : ushort
{
    Interrupt = 1 << 3,
    CapabilityList = 1 << 4,
    Clock66 = 1 << 5,
    FastBackToBack = 1 << 7,
    MasterDataParity = 1 << 8,
    SignalledTargetAbort = 1 << 11,
    ReceivedTargetAbort = 1 << 12,
    ReceivedMasterAbort = 1 << 13,
    SystemError = 1 << 14,
    DetectedParity = 1 << 15,
}

/// <summary>Identifiers of capabilities (PCI Code and ID Assignment Specification).</summary>
internal enum CapabilityId : byte
{
    PowerManagement = 0x01,
    SlotIdentification = 0x04,
    Msi = 0x05,
    Vendor = 0x09,
    HotPlugController = 0x0C,
    SubsystemId = 0x0D,
    Express = 0x10,
    Msix = 0x11,
}

/// <summary>Identifiers of extended capabilities.</summary>
internal enum ExtendedCapabilityId : ushort
{
    ErrorReporting = 0x0001,
    SerialNumber = 0x0003,
    AccessControl = 0x000D,
    AlternativeRouting = 0x000E,
    AddressTranslation = 0x000F,
    SingleRootVirtualization = 0x0010,
}
