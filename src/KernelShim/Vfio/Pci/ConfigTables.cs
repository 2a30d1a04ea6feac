namespace Emulator.KernelShim;

/// <summary>
/// How long capabilities are and what programs may do with them (pci_cap_length, pci_ext_cap_length and the init_*_perm
/// functions of drivers/vfio/pci/vfio_pci_config.c). What has length 0 is taken out of the list that programs see.
/// </summary>
internal static class ConfigTables
{
    /// <summary>The length must be read from the capability itself.</summary>
    public const int Variable = -1;

    public const byte Agp = 0x02;
    public const byte PciX = 0x07;
    public const byte HyperTransport = 0x08;
    public const byte Vendor = 0x09;
    public const byte Sata = 0x12;
    public const ushort VirtualChannel = 0x02;
    public const ushort VirtualChannelOfFunctions = 0x08;
    public const ushort VirtualChannelToo = 0x09;
    public const ushort VendorExtended = 0x0B;
    public const ushort ResizableBar = 0x15;
    public const ushort DynamicPower = 0x16;
    public const ushort Hints = 0x17;
    public const ushort DesignatedVendor = 0x23;

    public const int HeaderBytes = 0x40;
    public const int PowerCapabilities = 2;
    public const int PowerControl = 4;
    public const ushort PowerStateBits = 0x3;
    public const ushort PmeSupport = 0xF800;
    public const ushort PmeEnable = 0x100;
    public const ushort PmeStatus = 0x8000;
    public const int VpdAddress = 2;
    public const int VpdData = 4;
    public const int AdvancedFeaturesControl = 4;
    public const ushort FunctionReset = 0x8000;
    public const ushort ReadRequestBits = 0x7000;
    public const ushort PayloadBits = 0x00E0;
    public const int MsiFlags = 2;

    private const ushort Phantom = 0x200;
    private const ushort Ari = 0x20;
    private const uint UncorrectableErrors = 0x03FF_F031;
    private const uint CorrectableErrors = 0xF1C1;
    private const uint EcrcControl = 0x140;

    private static readonly ConfigPermissions ReadOnly = new(ConfigRead.Direct, ConfigWrite.None);
    private static readonly ConfigPermissions VendorDefined = new(ConfigRead.Direct, ConfigWrite.Raw);

    private static readonly SortedDictionary<byte, ConfigPermissions> Capabilities = new()
    {
        [PciCapabilityId.PowerManagement] = PowerManagement(),
        [PciCapabilityId.Vpd] = VitalProductData(),
        [PciX] = PciXCapability(),
        [Vendor] = VendorDefined,
        [PciCapabilityId.Express] = Express(),
        [PciCapabilityId.AdvancedFeatures] = AdvancedFeatures(),
    };

    private static readonly SortedDictionary<ushort, ConfigPermissions> Extended = new()
    {
        [PciExtendedCapabilityId.AdvancedErrors] = AdvancedErrors(),
        [0x04] = PowerBudgeting(),
        [VendorExtended] = VendorDefined,
        [DesignatedVendor] = VendorDefined,
    };

    /// <summary>Where no capability is: hardware as it is, because some devices keep registers there.</summary>
    public static ConfigPermissions Unassigned { get; } = new(ConfigRead.Raw, ConfigWrite.Raw);

    /// <summary>The standard header.</summary>
    public static ConfigPermissions Header { get; } =
        new ConfigPermissions(ConfigRead.Header, ConfigWrite.Header, HeaderBytes)
            .Dword(PciRegisters.VendorId, ConfigPermissions.All, 0)
            .Word(PciRegisters.Command, PciRegisters.CommandInterruptDisable, ConfigPermissions.All)
            .Word(PciRegisters.Status, PciRegisters.StatusCapabilities, 0)
            .Byte(0x0C, 0, ConfigPermissions.All)
            .Byte(PciRegisters.LatencyTimer, 0, ConfigPermissions.All)
            .Byte(0x0F, 0, ConfigPermissions.All)
            .Dword(0x10, ConfigPermissions.All, ConfigPermissions.All)
            .Dword(0x14, ConfigPermissions.All, ConfigPermissions.All)
            .Dword(0x18, ConfigPermissions.All, ConfigPermissions.All)
            .Dword(0x1C, ConfigPermissions.All, ConfigPermissions.All)
            .Dword(0x20, ConfigPermissions.All, ConfigPermissions.All)
            .Dword(0x24, ConfigPermissions.All, ConfigPermissions.All)
            .Dword(PciRegisters.RomAddress, ConfigPermissions.All, ConfigPermissions.All)
            .Byte(PciRegisters.CapabilityPointer, ConfigPermissions.All, 0)
            .Byte(PciRegisters.InterruptLine, ConfigPermissions.All, ConfigPermissions.All)
            .Byte(PciRegisters.InterruptPin, ConfigPermissions.All, 0);

    /// <summary>The length of a capability; 0 hides it.</summary>
    public static int LengthOf(byte id) =>
        id switch
        {
            PciCapabilityId.PowerManagement or PciCapabilityId.Vpd => 8,
            Agp or PciCapabilityId.MsiX => 12,
            PciCapabilityId.AdvancedFeatures => 6,
            PciCapabilityId.Msi or PciX or HyperTransport or Vendor or PciCapabilityId.Express or Sata => Variable,
            _ => 0,
        };

    /// <summary>The length of an extended capability; 0 hides it.</summary>
    /// <param name="id">Its ID.</param>
    /// <param name="hasDesignatedVendor">Whether the kernel knows the vendor's own capabilities of the second kind (DVSEC).</param>
    public static int LengthOfExtended(ushort id, bool hasDesignatedVendor) =>
        id switch
        {
            PciExtendedCapabilityId.AdvancedErrors => 0x2C,
            0x03 => 12,
            0x04 => 16,
            PciExtendedCapabilityId.AlternativeRouting or PciExtendedCapabilityId.AddressTranslation or 0x18 => 8,
            PciExtendedCapabilityId.SingleRootIov => 64,
            0x12 => 48,
            0x13 => 16,
            VirtualChannel or VirtualChannelOfFunctions or VirtualChannelToo => Variable,
            VendorExtended or PciExtendedCapabilityId.AccessControl => Variable,
            ResizableBar or DynamicPower or Hints => Variable,
            DesignatedVendor when hasDesignatedVendor => Variable,
            _ => 0,
        };

    /// <summary>What may be done with a capability other than MSI, whose shape is the device's.</summary>
    public static ConfigPermissions Of(byte id) => Capabilities.GetValueOrDefault(id, ReadOnly);

    /// <summary>What may be done with an extended capability.</summary>
    public static ConfigPermissions OfExtended(ushort id) => Extended.GetValueOrDefault(id, ReadOnly);

    /// <summary>MSI (init_pci_cap_msi_perm).</summary>
    public static ConfigPermissions Msi(int lengthBytes, bool is64Bit, bool hasMask)
    {
        ConfigPermissions msi = new ConfigPermissions(ConfigRead.Default, ConfigWrite.Msi, lengthBytes)
            .Byte(ConfigPermissions.Next, ConfigPermissions.All, 0)
            .Byte(MsiFlags, ConfigPermissions.All, ConfigPermissions.All)
            .Dword(4, ConfigPermissions.All, ConfigPermissions.All);
        int data = 8;
        if (is64Bit)
        {
            msi.Dword(8, ConfigPermissions.All, ConfigPermissions.All);
            data = 12;
        }

        msi.Word(data, ConfigPermissions.All, ConfigPermissions.All);
        return hasMask ? msi.Dword(data + 4, 0, ConfigPermissions.All).Dword(data + 8, 0, ConfigPermissions.All) : msi;
    }

    private static ConfigPermissions PowerManagement()
    {
        const ushort pme = PmeEnable | PmeStatus;
        return new ConfigPermissions(ConfigRead.Default, ConfigWrite.PowerManagement, 8)
            .Byte(ConfigPermissions.Next, ConfigPermissions.All, 0)
            .Word(PowerCapabilities, PmeSupport, 0)
            .Dword(PowerControl, pme, ~(uint)(pme | PowerStateBits));
    }

    private static ConfigPermissions VitalProductData() =>
        new ConfigPermissions(ConfigRead.Default, ConfigWrite.Vpd, 8)
            .Byte(ConfigPermissions.Next, ConfigPermissions.All, 0)
            .Word(VpdAddress, ConfigPermissions.All, ConfigPermissions.All)
            .Dword(VpdData, ConfigPermissions.All, ConfigPermissions.All);

    private static ConfigPermissions PciXCapability() =>
        new ConfigPermissions(ConfigRead.Default, ConfigWrite.Default, 24)
            .Byte(ConfigPermissions.Next, ConfigPermissions.All, 0)
            .Word(2, 0, ConfigPermissions.All)
            .Dword(8, 0, ConfigPermissions.All);

    private static ConfigPermissions Express() =>
        new ConfigPermissions(ConfigRead.Default, ConfigWrite.Express, 60)
            .Byte(ConfigPermissions.Next, ConfigPermissions.All, 0)
            .Word(PciExpress.DeviceControl, FunctionReset | PayloadBits | ReadRequestBits, ~(uint)Phantom)
            .Word(PciExpress.DeviceControl2, 0, ~(uint)Ari);

    private static ConfigPermissions AdvancedFeatures() =>
        new ConfigPermissions(ConfigRead.Default, ConfigWrite.AdvancedFeatures, 6)
            .Byte(ConfigPermissions.Next, ConfigPermissions.All, 0)
            .Byte(AdvancedFeaturesControl, 1, 1);

    private static ConfigPermissions AdvancedErrors() =>
        new ConfigPermissions(ConfigRead.Default, ConfigWrite.Default, 0x2C)
            .Dword(0x00, ConfigPermissions.All, 0)
            .Dword(0x04, 0, UncorrectableErrors)
            .Dword(0x08, 0, UncorrectableErrors)
            .Dword(0x0C, 0, UncorrectableErrors)
            .Dword(0x10, 0, CorrectableErrors)
            .Dword(0x14, 0, CorrectableErrors)
            .Dword(0x18, 0, EcrcControl);

    private static ConfigPermissions PowerBudgeting() =>
        new ConfigPermissions(ConfigRead.Default, ConfigWrite.Default, 16)
            .Dword(0, ConfigPermissions.All, 0)
            .Byte(8, 0, ConfigPermissions.All);
}
