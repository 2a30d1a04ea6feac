namespace Emulator.KernelShim;

/// <summary>
/// What UEFI leaves in configuration space before a kernel that boots by ACPI: bus numbers, all ones in interrupt lines,
/// sized ROM registers, addresses of virtual functions, and devices that its own drivers used still enabled. Other addresses
/// are left out, because the kernel assigns them anew without looking at them.
/// </summary>
internal static class AcpiFirmware
{
    private const ushort VirtioVendor = 0x1AF4;
    private const byte NoInterruptLine = 0xFF;

    /// <summary>Sets up everything behind a host bridge, depth first.</summary>
    public static void SetUp(PciHost host)
    {
        ulong memory = host.Windows.Find(window => window.IsMemory)?.Start ?? 0;
        SetUpBus(host.Configuration, host.Root.Number, ref memory);
    }

    /// <returns>The highest bus number below.</returns>
    private static int SetUpBus(IPciConfiguration configuration, int bus, ref ulong memory)
    {
        int highest = bus;
        for (int devfn = 0; devfn < 256; devfn++)
        {
            bool isFirst = (devfn & 7) == 0;
            if (configuration.Read(bus, devfn, PciRegisters.VendorId, 4) is uint.MaxValue)
            {
                devfn |= isFirst ? 7 : 0;
                continue;
            }

            uint header = configuration.Read(bus, devfn, PciRegisters.HeaderType, 1);
            SetUpFunction(configuration, bus, devfn, header & 0x7F, ref memory);
            if ((header & 0x7F) == 1)
            {
                highest = SetUpBridge(configuration, bus, devfn, highest + 1, ref memory);
            }

            devfn |= isFirst && (header & 0x80) == 0 ? 7 : 0;
        }

        return highest;
    }

    private static int SetUpBridge(IPciConfiguration configuration, int bus, int devfn, int secondary, ref ulong memory)
    {
        configuration.Write(bus, devfn, PciRegisters.PrimaryBus, 4, (uint)(bus | secondary << 8 | 0xFF << 16));
        int highest = SetUpBus(configuration, secondary, ref memory);
        configuration.Write(bus, devfn, PciRegisters.SubordinateBus, 1, (uint)highest);
        configuration.Write(
            bus,
            devfn,
            PciRegisters.Command,
            2,
            PciRegisters.CommandIo | PciRegisters.CommandMemory | PciRegisters.CommandMaster
        );
        return highest;
    }

    private static void SetUpFunction(
        IPciConfiguration configuration,
        int bus,
        int devfn,
        uint headerType,
        ref ulong memory
    )
    {
        configuration.Write(bus, devfn, PciRegisters.InterruptLine, 1, NoInterruptLine);
        if (headerType != 0)
        {
            return;
        }

        // Sizing writes ones; the register keeps what it takes of them.
        configuration.Write(bus, devfn, PciRegisters.RomAddress, 4, 0xFFFF_FFFE);
        if ((configuration.Read(bus, devfn, PciRegisters.VendorId, 2) & 0xFFFF) == VirtioVendor)
        {
            EnableVirtio(configuration, bus, devfn);
        }

        AssignVirtualFunctions(configuration, bus, devfn, ref memory);
    }

    /// <summary>The BARs of virtual functions, which the kernel takes for assigned where they are not 0.</summary>
    private static void AssignVirtualFunctions(IPciConfiguration configuration, int bus, int devfn, ref ulong memory)
    {
        const int totalVfs = 0x0E;
        const int firstBaseAddress = 0x24;
        int at = FindSriov(configuration, bus, devfn);
        for (int n = 0; at != 0 && n < 6; n++)
        {
            int register = at + firstBaseAddress + 4 * n;
            configuration.Write(bus, devfn, register, 4, uint.MaxValue);
            uint size = configuration.Read(bus, devfn, register, 4);
            if (size == 0)
            {
                continue;
            }

            uint one = ~(size & ~0xFu) + 1;
            memory = PciResource.AlignUp(memory, one);
            configuration.Write(bus, devfn, register, 4, (uint)memory);
            memory += one * (ulong)configuration.Read(bus, devfn, at + totalVfs, 2);
            n += (size & 6) == 4 ? 1 : 0;
        }
    }

    private static int FindSriov(IPciConfiguration configuration, int bus, int devfn)
    {
        int at = PciRegisters.ExtendedCapabilities;
        for (int left = 480; at >= PciRegisters.ExtendedCapabilities && left > 0; left--)
        {
            uint head = configuration.Read(bus, devfn, at, 4);
            if (head is 0 or uint.MaxValue)
            {
                return 0;
            }

            if ((head & 0xFFFF) == PciExtendedCapabilityId.SingleRootIov)
            {
                return at;
            }

            at = (int)(head >> 20) & 0xFFC;
        }

        return 0;
    }

    /// <summary>The drivers of virtio devices leave them enabled: I/O for transitional ones, memory for modern ones.</summary>
    private static void EnableVirtio(IPciConfiguration configuration, int bus, int devfn)
    {
        const uint firstModern = 0x1040;
        uint device = configuration.Read(bus, devfn, 2, 2);
        ushort decode = device < firstModern ? PciRegisters.CommandIo : PciRegisters.CommandMemory;
        configuration.Write(bus, devfn, PciRegisters.Command, 2, (uint)(decode | PciRegisters.CommandMaster));
    }
}
