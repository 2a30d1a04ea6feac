using System.Diagnostics;

namespace Emulator.KernelShim;

/// <summary>A PCI function (struct pci_dev).</summary>
[DebuggerDisplay("{Name,nq} [{VendorId,h}:{DeviceId,h}], driver {Driver?.Name ?? \"none\",nq}")]
public sealed class PciDevice : Device
{
    /// <summary>PCI_ROM_RESOURCE.</summary>
    internal const int RomResource = 6;

    /// <summary>PCI_IOV_RESOURCES.</summary>
    internal const int IovResources = 7;

    /// <summary>PCI_BRIDGE_RESOURCES: the I/O window, then memory, then prefetchable memory.</summary>
    internal const int BridgeResources = 13;

    /// <summary>PCI_NUM_RESOURCES.</summary>
    internal const int ResourceCount = 17;

    internal PciDevice(PciBus bus, int devfn)
    {
        OnBus = bus;
        Devfn = devfn;
        for (int n = 0; n < ResourceCount; n++)
        {
            Regions[n] = new PciResource(n);
        }

        Windows = [Regions[BridgeResources], Regions[BridgeResources + 1], Regions[BridgeResources + 2]];
    }

    /// <summary>The bus it is on.</summary>
    public PciBus OnBus { get; }

    /// <summary>Device number in bits 7:3, function in bits 2:0.</summary>
    public int Devfn { get; }

    /// <summary>The device number.</summary>
    public int Slot => Devfn >> 3;

    /// <summary>The function number.</summary>
    public int Function => Devfn & 7;

    /// <summary>Its requester ID (pci_dev_id).</summary>
    public ushort RequesterId => (ushort)(OnBus.Number << 8 | Devfn);

    /// <summary>Its vendor.</summary>
    public ushort VendorId { get; internal set; }

    /// <summary>Its device ID.</summary>
    public ushort DeviceId { get; internal set; }

    /// <summary>Its subsystem's vendor.</summary>
    public ushort SubsystemVendorId { get; internal set; }

    /// <summary>Its subsystem's ID.</summary>
    public ushort SubsystemId { get; internal set; }

    /// <summary>Class, subclass and programming interface.</summary>
    public uint Class { get; internal set; }

    /// <summary>Its revision.</summary>
    public byte Revision { get; internal set; }

    /// <summary>Bits 6:0 of the header type: 0 or 1.</summary>
    public int HeaderType { get; internal set; }

    /// <summary>Whether it is one of several functions: the bit of function 0, and every function above 0.</summary>
    public bool IsMultifunction { get; internal set; }

    /// <summary>Where its PCI Express capability is; 0 for a conventional function.</summary>
    public int ExpressCapability { get; internal set; }

    /// <summary>Whether it is a PCI Express function.</summary>
    public bool IsExpress => ExpressCapability != 0;

    /// <summary>What kind of Express function it is.</summary>
    public PciExpressType ExpressType { get; internal set; }

    /// <summary>Where its ACS capability is; 0 without one.</summary>
    public int AcsCapability { get; internal set; }

    /// <summary>Where its AER capability is; 0 without one.</summary>
    public int AerCapability { get; internal set; }

    /// <summary>How much configuration space it has: 256 or 4096 bytes.</summary>
    public int ConfigurationBytes { get; internal set; } = 256;

    /// <summary>The bus below it, or null.</summary>
    public PciBus? Subordinate { get; internal set; }

    /// <summary>Whether a slot behind it takes cards while the system runs (is_hotplug_bridge).</summary>
    public bool IsHotplugBridge { get; internal set; }

    /// <summary>Whether it forwards to functions beyond 7 of a device below (ari_enabled).</summary>
    public bool AriEnabled { get; internal set; }

    /// <summary>The physical function of a virtual one, or null.</summary>
    public PciDevice? PhysicalFunction { get; internal init; }

    /// <summary>Its SR-IOV capability, or null.</summary>
    public PciSriov? Sriov { get; internal set; }

    /// <summary>How many times it has been enabled (enable_cnt).</summary>
    public int EnableCount { get; internal set; }

    /// <summary>Its INTx as a Linux number; 0 without one.</summary>
    public int Interrupt { get; internal set; }

    /// <summary>Whether it is a bridge.</summary>
    public bool IsBridge => HeaderType is 1 or 2;

    /// <summary>Whether links go down from it (pcie_downstream_port).</summary>
    internal bool IsDownstreamPort =>
        IsExpress && ExpressType is PciExpressType.RootPort or PciExpressType.Downstream or PciExpressType.PcieBridge;

    /// <summary>What the last search for its group looked at; null where the search was not made.</summary>
    internal IReadOnlyList<GroupingStep>? GroupingSteps { get; set; }

    internal PciResource[] Regions { get; } = new PciResource[ResourceCount];

    internal IReadOnlyList<PciResource> Windows { get; }

    internal bool HasIoWindow { get; set; }

    internal bool HasPrefetchWindow { get; set; }

    internal bool HasPrefetch64Window { get; set; }

    /// <summary>Further function numbers that it uses as requester (dma_alias_mask), in order; null mostly.</summary>
    internal SortedSet<int>? AliasFunctions { get; set; }

    /// <summary>PCI_DEV_FLAG_PCIE_BRIDGE_ALIAS: a bridge without the capability that takes ownership as one with it does.</summary>
    internal bool AliasesAsPcieBridge { get; set; }

    /// <summary>Whether drivers may have it (is_added, match_driver).</summary>
    internal bool IsAdded { get; set; }

    /// <summary>The directory of its slot below /sys/bus/pci/slots, or null.</summary>
    internal string? SlotName { get; set; }

    /// <summary>Who wakes it and lets it sleep; null while it is always awake.</summary>
    internal IPciRuntimePower? RuntimePower { get; set; }

    /// <summary>How it can be reset, in the order in which the ways are tried (reset_methods).</summary>
    internal IReadOnlyList<string> ResetMethods { get; set; } = [];

    /// <summary>Where MSI is; 0 without it.</summary>
    internal int MsiCapability { get; set; }

    /// <summary>Where MSI-X is; 0 without it.</summary>
    internal int MsiXCapability { get; set; }

    internal bool MsiEnabled { get; set; }

    internal bool MsiXEnabled { get; set; }

    internal byte ReadByte(int register) => (byte)OnBus.Host.Configuration.Read(OnBus.Number, Devfn, register, 1);

    internal ushort ReadWord(int register) => (ushort)OnBus.Host.Configuration.Read(OnBus.Number, Devfn, register, 2);

    internal uint ReadDword(int register) => OnBus.Host.Configuration.Read(OnBus.Number, Devfn, register, 4);

    internal void WriteByte(int register, byte value) =>
        OnBus.Host.Configuration.Write(OnBus.Number, Devfn, register, 1, value);

    internal void WriteWord(int register, ushort value) =>
        OnBus.Host.Configuration.Write(OnBus.Number, Devfn, register, 2, value);

    internal void WriteDword(int register, uint value) =>
        OnBus.Host.Configuration.Write(OnBus.Number, Devfn, register, 4, value);

    /// <summary>Where a capability is, or 0 (pci_find_capability).</summary>
    internal int FindCapability(byte id)
    {
        if ((ReadWord(PciRegisters.Status) & PciRegisters.StatusCapabilities) == 0)
        {
            return 0;
        }

        int at = ReadByte(PciRegisters.CapabilityPointer) & ~3;
        for (int left = 48; left > 0 && at >= 0x40; left--)
        {
            ushort head = ReadWord(at);
            if ((head & 0xFF) == 0xFF)
            {
                return 0;
            }

            if ((head & 0xFF) == id)
            {
                return at;
            }

            at = head >> 8 & ~3;
        }

        return 0;
    }

    /// <summary>Where an extended capability is, or 0 (pci_find_ext_capability).</summary>
    internal int FindExtendedCapability(ushort id)
    {
        if (ConfigurationBytes <= 256)
        {
            return 0;
        }

        int at = PciRegisters.ExtendedCapabilities;
        for (int left = 480; left > 0 && at >= PciRegisters.ExtendedCapabilities; left--)
        {
            uint head = ReadDword(at);
            if (head is 0 or uint.MaxValue)
            {
                return 0;
            }

            if ((head & 0xFFFF) == id)
            {
                return at;
            }

            at = (int)(head >> 20) & 0xFFC;
        }

        return 0;
    }

    /// <summary>Changes bits of a word.</summary>
    internal void UpdateWord(int register, ushort clear, ushort set)
    {
        ushort present = ReadWord(register);
        ushort changed = (ushort)(present & ~clear | set);
        if (changed != present)
        {
            WriteWord(register, changed);
        }
    }
}
