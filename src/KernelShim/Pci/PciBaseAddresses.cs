namespace Emulator.KernelShim;

/// <summary>Writing assigned addresses to base address registers (pci_update_resource of drivers/pci/setup-res.c).</summary>
internal static class PciBaseAddresses
{
    /// <summary>Writes one; windows of bridges and ROMs that are off are not written.</summary>
    public static void Update(PciDevice device, PciResource resource)
    {
        if (device.PhysicalFunction is not null || resource.Flags == 0 || (resource.Flags & ResourceFlags.Unset) != 0)
        {
            return;
        }

        if (resource.Index >= PciDevice.IovResources)
        {
            if (resource.Index < PciDevice.BridgeResources)
            {
                device.Sriov?.UpdateBaseAddress(resource);
            }

            return;
        }

        uint value = (uint)resource.Start;
        int register = PciRegisters.BaseAddress0 + 4 * resource.Index;
        if (resource.Index == PciDevice.RomResource)
        {
            if ((resource.Flags & ResourceFlags.RomEnable) == 0)
            {
                return;
            }

            register = device.HeaderType == 1 ? PciRegisters.RomAddressOfBridge : PciRegisters.RomAddress;
            value |= 1;
        }
        else
        {
            value |= (uint)(resource.Flags & (resource.IsIo ? 3u : 0xFu));
        }

        Write(device, resource, register, value);
    }

    private static void Write(PciDevice device, PciResource resource, int register, uint value)
    {
        // A BAR of two registers must not decode while only one of them is new.
        ushort command = 0;
        if (resource.Is64Bit)
        {
            command = device.ReadWord(PciRegisters.Command);
            device.WriteWord(PciRegisters.Command, (ushort)(command & ~PciRegisters.CommandMemory));
        }

        device.WriteDword(register, value);
        if (resource.Is64Bit)
        {
            device.WriteDword(register + 4, (uint)(resource.Start >> 32));
            device.WriteWord(PciRegisters.Command, command);
        }
    }
}
