namespace Emulator.KernelShim;

/// <summary>
/// What UEFI leaves in configuration space before a kernel that boots by ACPI: bus numbers, all ones in interrupt lines,
/// sized ROM registers, and devices that its own drivers used still enabled. Addresses are left out, because the kernel
/// assigns them anew.
/// </summary>
internal static class AcpiFirmware
{
    private const ushort VirtioVendor = 0x1AF4;
    private const byte NoInterruptLine = 0xFF;

    /// <summary>Sets up everything behind a host bridge, depth first.</summary>
    public static void SetUp(PciHost host) => SetUpBus(host.Configuration, host.Root.Number);

    /// <returns>The highest bus number below.</returns>
    private static int SetUpBus(IPciConfiguration configuration, int bus)
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
            SetUpFunction(configuration, bus, devfn, header & 0x7F);
            if ((header & 0x7F) == 1)
            {
                highest = SetUpBridge(configuration, bus, devfn, highest + 1);
            }

            devfn |= isFirst && (header & 0x80) == 0 ? 7 : 0;
        }

        return highest;
    }

    private static int SetUpBridge(IPciConfiguration configuration, int bus, int devfn, int secondary)
    {
        configuration.Write(bus, devfn, PciRegisters.PrimaryBus, 4, (uint)(bus | secondary << 8 | 0xFF << 16));
        int highest = SetUpBus(configuration, secondary);
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

    private static void SetUpFunction(IPciConfiguration configuration, int bus, int devfn, uint headerType)
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
