namespace Emulator.KernelShim;

/// <summary>
/// Devices that are known not to do what their registers say (drivers/pci/quirks.c), as far as requester IDs and isolation
/// are concerned.
/// </summary>
internal static class PciQuirks
{
    private const ushort Intel = 0x8086;
    private const ushort Marvell = 0x1B4B;

    /// <summary>SATA controllers that send as function 1 (quirk_dma_func1_alias).</summary>
    private static readonly (ushort Vendor, ushort Device)[] SendAsFunction1 =
    [
        (Marvell, 0x9120),
        (Marvell, 0x9123),
        (Marvell, 0x9125),
        (Marvell, 0x9128),
        (Marvell, 0x9130),
        (Marvell, 0x9170),
        (Marvell, 0x9172),
        (Marvell, 0x917A),
        (Marvell, 0x9182),
        (Marvell, 0x9183),
        (Marvell, 0x91A0),
        (Marvell, 0x9215),
        (Marvell, 0x9220),
        (Marvell, 0x9230),
        (Marvell, 0x9235),
        (0x1103, 0x0642),
        (0x1103, 0x0645),
        (0x197B, 0x2392),
        (0x1C28, 0x0122),
    ];

    /// <summary>Card readers that send as function 0 (quirk_dma_func0_alias).</summary>
    private static readonly (ushort Vendor, ushort Device)[] SendAsFunction0 = [(0x1180, 0xE832), (0x1180, 0xE476)];

    /// <summary>PCIe-to-PCI bridges without the capability that says so (quirk_use_pcie_bridge_dma_alias).</summary>
    private static readonly (ushort Vendor, ushort Device)[] UndeclaredBridges =
    [
        (0x1B21, 0x1080),
        (0x10E3, 0x8113),
        (0x1283, 0x8892),
        (Intel, 0x244E),
    ];

    /// <summary>Functions whose maker says that they do not talk to each other (pci_quirk_mf_endpoint_acs).</summary>
    private static readonly (ushort Vendor, ushort Device)[] SilentFunctions =
    [
        (0x1924, 0x0903),
        (0x1924, 0x0923),
        (0x1924, 0x0A03),
        (Intel, 0x10C6),
        (Intel, 0x10DB),
        (Intel, 0x10DD),
        (Intel, 0x10E1),
        (Intel, 0x10F1),
        (Intel, 0x10F7),
        (Intel, 0x10F8),
        (Intel, 0x10F9),
        (Intel, 0x10FA),
        (Intel, 0x10FB),
        (Intel, 0x10FC),
        (Intel, 0x1507),
        (Intel, 0x1514),
        (Intel, 0x151C),
        (Intel, 0x1529),
        (Intel, 0x152A),
        (Intel, 0x154D),
        (Intel, 0x154F),
        (Intel, 0x1551),
        (Intel, 0x1558),
        (Intel, 0x1509),
        (Intel, 0x150E),
        (Intel, 0x150F),
        (Intel, 0x1510),
        (Intel, 0x1511),
        (Intel, 0x1516),
        (Intel, 0x1527),
        (Intel, 0x10C9),
        (Intel, 0x10E6),
        (Intel, 0x10E7),
        (Intel, 0x10E8),
        (Intel, 0x150A),
        (Intel, 0x150D),
        (Intel, 0x1518),
        (Intel, 0x1526),
        (Intel, 0x10A7),
        (Intel, 0x10A9),
        (Intel, 0x10D6),
        (Intel, 0x1521),
        (Intel, 0x1522),
        (Intel, 0x1523),
        (Intel, 0x1524),
        (Intel, 0x105E),
        (Intel, 0x105F),
        (Intel, 0x1060),
        (Intel, 0x10D9),
        (Intel, 0x15B7),
        (Intel, 0x15B8),
    ];

    /// <summary>Quirks that need the identification only.</summary>
    public static void ApplyEarly(PciDevice device) => device.AliasesAsPcieBridge = false;

    /// <summary>Quirks of DECLARE_PCI_FIXUP_HEADER.</summary>
    public static void ApplyHeader(PciDevice device)
    {
        if (Lists(SendAsFunction1, device) && device.Function != 1)
        {
            AddAlias(device, device.Slot << 3 | 1);
        }

        if (Lists(SendAsFunction0, device) && device.Function != 0)
        {
            AddAlias(device, device.Slot << 3);
        }

        device.AliasesAsPcieBridge =
            Lists(UndeclaredBridges, device)
            && device is { HeaderType: 1, IsExpress: false }
            && device.OnBus.Bridge is { IsExpress: true, ExpressType: not PciExpressType.PciBridge };
    }

    /// <summary>pci_dev_specific_acs_enabled: a known device's answer, or null.</summary>
    public static bool? IsolatesByQuirk(PciDevice device)
    {
        if (Lists(SilentFunctions, device))
        {
            return true;
        }

        // pci_quirk_rciep_acs: endpoints that Intel builds into its root complexes do not talk to each other.
        return device is { VendorId: Intel, IsExpress: true, ExpressType: PciExpressType.RootComplexEndpoint }
            ? true
            : null;
    }

    private static void AddAlias(PciDevice device, int devfn) => (device.AliasFunctions ??= []).Add(devfn);

    private static bool Lists((ushort Vendor, ushort Device)[] list, PciDevice device) =>
        Array.IndexOf(list, (device.VendorId, device.DeviceId)) >= 0;
}
