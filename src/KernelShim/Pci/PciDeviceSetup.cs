using System.Globalization;

namespace Emulator.KernelShim;

/// <summary>What a function says of itself: its header, its BARs, its windows (pci_setup_device of drivers/pci/probe.c).</summary>
internal sealed class PciDeviceSetup(PciCore core)
{
    private const int BaseAddresses = 6;
    private const int BaseAddressesOfBridge = 2;

    public void SetUp(PciDevice device)
    {
        int header = device.ReadByte(PciRegisters.HeaderType);
        device.HeaderType = header & 0x7F;
        device.IsMultifunction = (header & 0x80) != 0;
        ReadExpress(device);
        uint classRevision = device.ReadDword(PciRegisters.ClassRevision);
        device.Class = classRevision >> 8;
        device.Revision = (byte)classRevision;
        device.ConfigurationBytes = SizeOfConfiguration(device);
        core.Info(
            device,
            string.Create(
                CultureInfo.InvariantCulture,
                $"[{device.VendorId:x4}:{device.DeviceId:x4}] type {device.HeaderType:x2} class 0x{device.Class:x6}"
            ) + (core.Profile.PciLogsDeviceKind ? " " + KindOf(device) : "")
        );
        PciQuirks.ApplyEarly(device);
        switch (device.HeaderType)
        {
            case 0:
                if (device.PhysicalFunction is null)
                {
                    ReadBases(device, BaseAddresses, PciRegisters.RomAddress);
                }

                device.SubsystemVendorId = device.ReadWord(PciRegisters.SubsystemVendorId);
                device.SubsystemId = device.ReadWord(PciRegisters.SubsystemId);
                break;
            case 1:
                SetUpBridge(device);
                break;
            default:
                core.Warn(
                    device,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"unknown header type {device.HeaderType:x2}, ignoring device"
                    )
                );
                break;
        }
    }

    /// <summary>__pci_read_base: an address register's size, by writing ones.</summary>
    /// <returns>Whether it took two registers.</returns>
    public static bool ReadBase(PciDevice device, PciResource resource, int register, bool isRom)
    {
        uint mask = isRom ? 0xFFFF_F801 : uint.MaxValue;
        uint value = device.ReadDword(register);
        device.WriteDword(register, value | (isRom ? 0xFFFF_F800 : mask));
        uint size = device.ReadDword(register);
        device.WriteDword(register, value);
        if (size == uint.MaxValue)
        {
            size = 0;
        }

        if (value == uint.MaxValue)
        {
            value = 0;
        }

        return isRom ? ReadRom(resource, value, size) : ReadAddress(device, resource, register, value, size);
    }

    private static bool ReadRom(PciResource resource, uint value, uint size)
    {
        resource.Flags =
            ResourceFlags.Memory
            | ResourceFlags.Prefetch
            | ResourceFlags.ReadOnly
            | ResourceFlags.SizeAlign
            | (value & ResourceFlags.RomEnable);
        SetRange(resource, value & 0xFFFF_F800, size & 0xFFFF_F800, 0xFFFF_F800);
        return false;
    }

    private static bool ReadAddress(PciDevice device, PciResource resource, int register, uint value, uint size)
    {
        if ((value & 1) != 0)
        {
            resource.Flags = (value & 3) | ResourceFlags.Io | ResourceFlags.SizeAlign;
            SetRange(resource, value & ~3u & 0xFFFF_FFFF, size & ~3u, 0xFFFF);
            return false;
        }

        resource.Flags = (value & 0xF) | ResourceFlags.Memory | ResourceFlags.SizeAlign;
        if ((value & 8) != 0)
        {
            resource.Flags |= ResourceFlags.Prefetch;
        }

        ulong address = value & ~0xFu;
        ulong sizes = size & ~0xFu;
        ulong mask = 0xFFFF_FFF0;
        bool is64Bit = (value & 6) == 4;
        if (is64Bit)
        {
            resource.Flags |= ResourceFlags.Memory64;
            uint upper = device.ReadDword(register + 4);
            device.WriteDword(register + 4, uint.MaxValue);
            uint upperSize = device.ReadDword(register + 4);
            device.WriteDword(register + 4, upper);
            address |= (ulong)upper << 32;
            sizes |= (ulong)upperSize << 32;
            mask |= 0xFFFF_FFFF_0000_0000;
        }

        SetRange(resource, address, sizes, mask);
        return is64Bit;
    }

    /// <summary>pci_size: the lowest bit that could be written is the size; no bit, no resource.</summary>
    private static void SetRange(PciResource resource, ulong address, ulong sizes, ulong mask)
    {
        sizes &= mask;
        if (sizes == 0)
        {
            resource.Reset();
            return;
        }

        resource.Start = address;
        resource.End = address + (sizes & (~sizes + 1)) - 1;
    }

    private static void ReadExpress(PciDevice device)
    {
        device.ExpressCapability = device.FindCapability(PciCapabilityId.Express);
        if (device.IsExpress)
        {
            device.ExpressType = (PciExpressType)(
                device.ReadWord(device.ExpressCapability + PciExpress.Flags) >> 4 & 0xF
            );
        }
    }

    /// <summary>pci_cfg_space_size: 4096 bytes for Express functions and host bridges whose extended space answers.</summary>
    private static int SizeOfConfiguration(PciDevice device)
    {
        const uint hostBridge = 0x0600;
        return
            device.OnBus.HasExtendedConfiguration
            && (device.IsExpress || device.Class >> 8 == hostBridge)
            && device.ReadDword(PciRegisters.ExtendedCapabilities) != uint.MaxValue
            ? 4096
            : 256;
    }

    private void ReadBases(PciDevice device, int count, int rom)
    {
        ushort command = device.ReadWord(PciRegisters.Command);
        bool decodes = (command & (PciRegisters.CommandIo | PciRegisters.CommandMemory)) != 0;
        if (decodes)
        {
            device.WriteWord(
                PciRegisters.Command,
                (ushort)(command & ~(PciRegisters.CommandIo | PciRegisters.CommandMemory))
            );
        }

        for (int n = 0; n < count; n++)
        {
            int number = n;
            PciResource resource = device.Regions[n];
            if (ReadBase(device, resource, PciRegisters.BaseAddress0 + 4 * n, isRom: false))
            {
                n++;
            }

            LogBase(device, resource, string.Create(CultureInfo.InvariantCulture, $"BAR {number}"));
        }

        PciResource romResource = device.Regions[PciDevice.RomResource];
        ReadBase(device, romResource, rom, isRom: true);
        LogBase(device, romResource, "ROM");
        if (decodes)
        {
            device.WriteWord(PciRegisters.Command, command);
        }
    }

    private void LogBase(PciDevice device, PciResource resource, string name)
    {
        if (resource.Flags != 0)
        {
            core.Info(device, $"{name} {resource.Text}");
        }
    }

    private void SetUpBridge(PciDevice device)
    {
        ReadBases(device, BaseAddressesOfBridge, PciRegisters.RomAddressOfBridge);
        FindWindows(device);
        if (core.Profile.PciLogsDeviceKind)
        {
            LogWindows(device);
        }

        if (
            device.IsExpress
            && (device.ReadWord(device.ExpressCapability + PciExpress.Flags) & PciExpress.FlagsSlot) != 0
        )
        {
            device.IsHotplugBridge =
                (
                    device.ReadDword(device.ExpressCapability + PciExpress.SlotCapabilities)
                    & PciExpress.SlotHotPlugCapable
                ) != 0;
        }

        if (device.FindCapability(PciCapabilityId.SubsystemVendor) is var at and not 0)
        {
            device.SubsystemVendorId = device.ReadWord(at + 4);
            device.SubsystemId = device.ReadWord(at + 6);
        }
    }

    /// <summary>pci_read_bridge_windows: which optional windows the bridge has, by whether their registers hold anything.</summary>
    private static void FindWindows(PciDevice device)
    {
        ushort io = device.ReadWord(PciRegisters.IoBase);
        if (io == 0)
        {
            device.WriteWord(PciRegisters.IoBase, 0xE0F0);
            io = device.ReadWord(PciRegisters.IoBase);
            device.WriteWord(PciRegisters.IoBase, 0);
        }

        device.HasIoWindow = io != 0;
        uint memory = device.ReadDword(PciRegisters.PrefetchableBase);
        if (memory == 0)
        {
            device.WriteDword(PciRegisters.PrefetchableBase, 0xFFE0_FFF0);
            memory = device.ReadDword(PciRegisters.PrefetchableBase);
            device.WriteDword(PciRegisters.PrefetchableBase, 0);
        }

        if (memory == 0)
        {
            return;
        }

        device.HasPrefetchWindow = true;
        if ((memory & 0xF) == 1)
        {
            // The upper registers must really be there.
            uint upper = device.ReadDword(PciRegisters.PrefetchableBaseUpper);
            device.WriteDword(PciRegisters.PrefetchableBaseUpper, uint.MaxValue);
            device.HasPrefetch64Window = device.ReadDword(PciRegisters.PrefetchableBaseUpper) != 0;
            device.WriteDword(PciRegisters.PrefetchableBaseUpper, upper);
        }
    }

    /// <summary>What the windows' registers hold, as kernels since 6.9 say before they set them.</summary>
    private void LogWindows(PciDevice device)
    {
        uint buses = device.ReadDword(PciRegisters.PrimaryBus);
        core.Info(device, "PCI bridge to " + PciBus.BusRange((int)(buses >> 8 & 0xFF), (int)(buses >> 16 & 0xFF)));
        foreach (PciResource window in PciWindows.Read(device))
        {
            core.Info(device, "  bridge window " + window.Text);
        }
    }

    /// <summary>pci_type_str.</summary>
    private static string KindOf(PciDevice device) =>
        (device.IsExpress, device.HeaderType) switch
        {
            (false, 1) => "conventional PCI bridge",
            (false, _) => "conventional PCI endpoint",
            _ => device.ExpressType switch
            {
                PciExpressType.Endpoint => "PCIe Endpoint",
                PciExpressType.LegacyEndpoint => "PCIe Legacy Endpoint",
                PciExpressType.RootPort => "PCIe Root Port",
                PciExpressType.Upstream => "PCIe Switch Upstream Port",
                PciExpressType.Downstream => "PCIe Switch Downstream Port",
                PciExpressType.PciBridge => "PCIe to PCI/PCI-X bridge",
                PciExpressType.PcieBridge => "PCI/PCI-X to PCIe bridge",
                PciExpressType.RootComplexEndpoint => "PCIe Root Complex Integrated Endpoint",
                PciExpressType.EventCollector => "PCIe Root Complex Event Collector",
                _ => "PCIe unknown type",
            },
        };
}
