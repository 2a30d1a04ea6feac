using System.Globalization;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>A ROM while it can be read (pci_map_rom and pci_unmap_rom of drivers/pci/rom.c).</summary>
internal sealed class PciRom : IDisposable
{
    private const uint HeaderSignature = 0xAA55;
    private const uint DataSignature = 0x5249_4350;
    private const uint Enable = 1;

    private readonly PciDevice _device;
    private readonly uint _register;

    private PciRom(PciDevice device, uint register)
    {
        _device = device;
        _register = register;
    }

    /// <summary>How long what is in it is, at most as long as its register lets through.</summary>
    public ulong LengthBytes { get; private set; }

    /// <summary>Switches the ROM on and measures it; null when it does not begin as one.</summary>
    public static PciRom? Map(PciCore core, PciDevice device)
    {
        PciResource region = device.Regions[PciDevice.RomResource];
        if (region.Flags == 0 || region.End == 0 || (region.Flags & ResourceFlags.Unset) != 0)
        {
            return null;
        }

        uint register = device.ReadDword(PciRegisters.RomAddress);
        device.WriteDword(PciRegisters.RomAddress, (uint)region.Start | Enable);
        var rom = new PciRom(device, register);
        rom.LengthBytes = rom.Measure(core, region);
        if (rom.LengthBytes != 0)
        {
            return rom;
        }

        rom.Dispose();
        return null;
    }

    /// <summary>pci_disable_rom.</summary>
    public void Dispose() => _device.WriteDword(PciRegisters.RomAddress, _register);

    /// <summary>pci_get_rom_size: image after image, until one says that it is the last.</summary>
    private ulong Measure(PciCore core, PciResource region)
    {
        CpuPort cpu = core.Kernel.Board.Cpu;
        ulong image = region.Start;
        while (true)
        {
            uint signature = Load(cpu, image, 2);
            if (signature != HeaderSignature)
            {
                core.Info(_device, Text($"Invalid PCI ROM header signature: expecting 0xaa55, got 0x{signature:x4}"));
                break;
            }

            ulong data = image + Load(cpu, image + 24, 2);
            signature = Load(cpu, data, 4);
            if (signature != DataSignature)
            {
                core.Info(_device, Text($"Invalid PCI ROM data signature: expecting 0x52494350, got 0x{signature:x8}"));
                break;
            }

            bool isLast = (Load(cpu, data + 21, 1) & 0x80) != 0;
            uint length = Load(cpu, data + 16, 2);
            image += length * 512UL;
            if (image >= region.Start + region.Size || isLast || length == 0)
            {
                break;
            }
        }

        return Math.Min(image - region.Start, region.Size);
    }

    private static uint Load(CpuPort cpu, ulong address, int sizeBytes) =>
        cpu.Load(address, sizeBytes, out ulong value) == BusStatus.Okay ? (uint)value : uint.MaxValue;

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
