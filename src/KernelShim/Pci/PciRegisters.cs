namespace Emulator.KernelShim;

/// <summary>Offsets and bits of configuration space, by the names of include/uapi/linux/pci_regs.h.</summary>
internal static class PciRegisters
{
    public const int VendorId = 0x00;
    public const int Command = 0x04;
    public const int Status = 0x06;
    public const int ClassRevision = 0x08;
    public const int LatencyTimer = 0x0D;
    public const int HeaderType = 0x0E;
    public const int BaseAddress0 = 0x10;
    public const int PrimaryBus = 0x18;
    public const int SecondaryBus = 0x19;
    public const int SubordinateBus = 0x1A;
    public const int IoBase = 0x1C;
    public const int SecondaryStatus = 0x1E;
    public const int MemoryBase = 0x20;
    public const int PrefetchableBase = 0x24;
    public const int PrefetchableBaseUpper = 0x28;
    public const int PrefetchableLimitUpper = 0x2C;
    public const int SubsystemVendorId = 0x2C;
    public const int SubsystemId = 0x2E;
    public const int RomAddress = 0x30;
    public const int IoBaseUpper = 0x30;
    public const int CapabilityPointer = 0x34;
    public const int RomAddressOfBridge = 0x38;
    public const int InterruptLine = 0x3C;
    public const int InterruptPin = 0x3D;
    public const int BridgeControl = 0x3E;
    public const int ExtendedCapabilities = 0x100;

    public const ushort CommandIo = 0x1;
    public const ushort CommandMemory = 0x2;
    public const ushort CommandMaster = 0x4;
    public const ushort CommandInterruptDisable = 0x400;
    public const ushort StatusCapabilities = 0x10;
    public const ushort BridgeSerr = 0x2;
    public const ushort BridgeMasterAbort = 0x20;
    public const ushort BridgeReset = 0x40;
}

/// <summary>Capability IDs (PCI_CAP_ID_*).</summary>
internal static class PciCapabilityId
{
    public const byte PowerManagement = 0x01;
    public const byte Vpd = 0x03;
    public const byte Msi = 0x05;
    public const byte HotPlug = 0x0C;
    public const byte SubsystemVendor = 0x0D;
    public const byte Express = 0x10;
    public const byte MsiX = 0x11;
    public const byte AdvancedFeatures = 0x13;
}

/// <summary>IDs of extended capabilities (PCI_EXT_CAP_ID_*).</summary>
internal static class PciExtendedCapabilityId
{
    public const ushort AdvancedErrors = 0x01;
    public const ushort AccessControl = 0x0D;
    public const ushort AlternativeRouting = 0x0E;
    public const ushort AddressTranslation = 0x0F;
    public const ushort SingleRootIov = 0x10;
    public const ushort DownstreamContainment = 0x1D;
}

/// <summary>Offsets in the PCI Express capability (PCI_EXP_*).</summary>
internal static class PciExpress
{
    public const int Flags = 0x02;
    public const int DeviceCapabilities = 0x04;
    public const int DeviceControl = 0x08;
    public const int LinkCapabilities = 0x0C;
    public const int LinkControl = 0x10;
    public const int LinkStatus = 0x12;
    public const int SlotCapabilities = 0x14;
    public const int SlotControl = 0x18;
    public const int SlotStatus = 0x1A;
    public const int RootControl = 0x1C;
    public const int RootStatus = 0x20;
    public const int DeviceCapabilities2 = 0x24;
    public const int DeviceControl2 = 0x28;

    public const ushort FlagsSlot = 0x100;
    public const uint SlotHotPlugCapable = 0x40;
    public const uint FunctionLevelReset = 1u << 28;
    public const ushort AriForwarding = 0x20;
}

/// <summary>What a PCI Express function is (bits 7:4 of PCI_EXP_FLAGS).</summary>
public enum PciExpressType
{
    /// <summary>An endpoint.</summary>
    Endpoint = 0x0,

    /// <summary>A legacy endpoint.</summary>
    LegacyEndpoint = 0x1,

    /// <summary>A root port.</summary>
    RootPort = 0x4,

    /// <summary>The upstream port of a switch.</summary>
    Upstream = 0x5,

    /// <summary>A downstream port of a switch.</summary>
    Downstream = 0x6,

    /// <summary>A bridge from PCI Express to PCI.</summary>
    PciBridge = 0x7,

    /// <summary>A bridge from PCI to PCI Express.</summary>
    PcieBridge = 0x8,

    /// <summary>An endpoint integrated in the root complex.</summary>
    RootComplexEndpoint = 0x9,

    /// <summary>An event collector of the root complex.</summary>
    EventCollector = 0xA,
}
