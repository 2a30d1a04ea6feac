using System.Globalization;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>The bus of PrimeCells, which say by registers what they are (drivers/amba/bus.c).</summary>
internal sealed class AmbaBus : BusType
{
    private const uint PrimeCellId = 0xB105_F00D;
    private const uint CoreSightId = 0xB105_900D;
    private const ulong MemoryResource = 0x200;

    private readonly KernelProfile _profile;

    public AmbaBus(KernelProfile profile)
        : base("amba")
    {
        _profile = profile;
        HasDriverOverride = profile.AmbaDriverOverride;
    }

    /// <summary>
    /// Reads the peripheral ID from the last 32 bytes of the registers: PERIPHID at size - 0x20, CID at size - 0x10, a byte
    /// in each of four words (amba_device_try_add). Null when there is no PrimeCell.
    /// </summary>
    public static uint? ReadPeripheralId(CpuPort cpu, DeviceResource registers)
    {
        if (registers.LengthBytes < 0x20)
        {
            return null;
        }

        uint? id = ReadBytes(cpu, registers.End + 1 - 0x20);
        uint? component = ReadBytes(cpu, registers.End + 1 - 0x10);
        return component is PrimeCellId or CoreSightId && id is not 0 ? id : null;
    }

    internal override void AddAttributes(Device device, DirectoryInode directory)
    {
        directory.AddAttribute("id", AttributeMode.ReadOnly, () => Text($"{device.PeripheralId:x8}\n"));
        if (device.Resources is [var first, ..])
        {
            string resource = Text($"\t{first.Start:x16}\t{first.End:x16}\t{MemoryResource:x16}\n");
            directory.AddAttribute("resource", AttributeMode.ReadOnly, () => resource);
        }

        for (int index = 0; _profile.AmbaShowsInterrupts && index < Math.Min(2, device.Interrupts.Count); index++)
        {
            string number = Text($"{device.Interrupts[index]}\n");
            directory.AddAttribute(Text($"irq{index}"), AttributeMode.ReadOnly, () => number);
        }
    }

    internal override IEnumerable<string> UeventVariables(Device device) =>
        [Text($"AMBA_ID={device.PeripheralId:X8}"), Text($"MODALIAS=amba:d{device.PeripheralId:X8}")];

    private static uint? ReadBytes(CpuPort cpu, ulong address)
    {
        uint value = 0;
        for (int index = 0; index < 4; index++)
        {
            if (cpu.Load(address + 4 * (ulong)index, 4, out ulong word) != BusStatus.Okay)
            {
                return null;
            }

            value |= (uint)(word & 0xFF) << (8 * index);
        }

        return value;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
