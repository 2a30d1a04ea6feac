using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>The working register set of a standard hot-plug controller with 31 slots.</summary>
[InlineArray(HotPlugRegisters.LengthBytes)]
public struct HotPlugRegisterBytes
{
    private byte _first;
}

/// <summary>Offsets and fields of the working register set (PCI Standard Hot-Plug Controller 1.0, 4.4).</summary>
internal static class HotPlugRegisters
{
    public const int Slots = 31;
    public const int LengthBytes = FirstSlot + 4 * Slots;
    public const int SlotsAvailable = 0x04;
    public const int SlotConfiguration = 0x0C;
    public const int Interface = 0x13;
    public const int Command = 0x14;
    public const int CommandStatus = 0x16;
    public const int Interrupts = 0x20;
    public const int FirstSlot = 0x24;

    /// <summary>Interrupt, SERR#, command and arbiter SERR# are masked.</summary>
    public const uint InterruptsMasked = 0xF;

    public const uint CommandCompleted = 1 << 16;
}

/// <summary>
/// A conventional bridge whose bus has hot-plug slots 1 to 31, as QEMU's bridges. The slots' state and indicators can be read and
/// commanded; nothing is ever taken out by a command.
/// </summary>
public abstract class HotPlugBridge : PciBridgeModel<HotPlugRegisterBytes>, IBusTarget
{
    private const ulong WindowBytes = 0x100;

    /// <summary>Empty: disabled, power indicator off, latch open, no card present.</summary>
    private const int EmptySlot = 0x0D0F;

    /// <summary>Populated: enabled, power indicator on.</summary>
    private const int PopulatedSlot = 0x0006;

    private const byte AllEventsMasked = 0x7F;

    private protected HotPlugBridge(DeviceContext context, Func<PciPlace, ConfigurationLayout> layout)
        : base(context, isSecondaryExpress: false, layout) => AddBar(0, PciBarKind.Memory64, WindowBytes, this);

    private Span<byte> Registers => MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref State.Own, 1));

    private int SelectAt => Function.Configuration.Layout.HotPlugAt + 2;

    /// <inheritdoc/>
    BusStatus IBusTarget.Read(ulong address, Span<byte> data, in Transaction transaction)
    {
        data.Clear();
        int length = Math.Min(data.Length, Math.Max(0, HotPlugRegisters.LengthBytes - (int)address));
        if (length > 0)
        {
            Registers.Slice((int)address, length).CopyTo(data);
        }

        return BusStatus.Okay;
    }

    /// <inheritdoc/>
    BusStatus IBusTarget.Write(ulong address, ReadOnlySpan<byte> data, in Transaction transaction)
    {
        for (int n = 0; n < data.Length; n++)
        {
            WriteByte((int)address + n, data[n]);
        }

        bool isCommand =
            address < HotPlugRegisters.CommandStatus && address + (ulong)data.Length > HotPlugRegisters.Command;
        if (isCommand)
        {
            Execute();
        }

        ShowSelected();
        return BusStatus.Okay;
    }

    private protected override void ResetOwn()
    {
        Span<byte> registers = Registers;
        registers[HotPlugRegisters.SlotsAvailable] = HotPlugRegisters.Slots;
        const uint FirstIsOneUpwards = 0xE001_0100;
        BinaryPrimitives.WriteUInt32LittleEndian(
            registers[HotPlugRegisters.SlotConfiguration..],
            FirstIsOneUpwards | HotPlugRegisters.Slots
        );
        registers[HotPlugRegisters.Interface] = 1;
        registers[HotPlugRegisters.Interrupts] = (byte)HotPlugRegisters.InterruptsMasked;
        for (int slot = 0; slot < HotPlugRegisters.Slots; slot++)
        {
            bool isPopulated = Function.Secondary?[(slot + 1) << 3] is not null;
            Span<byte> register = registers[(HotPlugRegisters.FirstSlot + 4 * slot)..];
            BinaryPrimitives.WriteUInt16LittleEndian(register, (ushort)(isPopulated ? PopulatedSlot : EmptySlot));
            register[3] = AllEventsMasked;
        }

        ShowSelected();
    }

    private protected override void ConfigurationWritten(int offset, int sizeBytes)
    {
        base.ConfigurationWritten(offset, sizeBytes);
        ShowSelected();
    }

    /// <summary>DWORD Data of the capability shows the register that DWORD Select names (4.3.3).</summary>
    private void ShowSelected()
    {
        int at = Function.Configuration.Get8(SelectAt) * 4;
        uint value = at < HotPlugRegisters.LengthBytes ? BinaryPrimitives.ReadUInt32LittleEndian(Registers[at..]) : 0;
        Function.Configuration.Set32(SelectAt + 2, value);
    }

    private void WriteByte(int at, byte value)
    {
        if (at >= HotPlugRegisters.LengthBytes)
        {
            return;
        }

        int inSlot = at < HotPlugRegisters.FirstSlot ? -1 : (at - HotPlugRegisters.FirstSlot) % 4;
        int writable = at switch
        {
            HotPlugRegisters.Command => 0xFF,
            HotPlugRegisters.Command + 1 => 0x1F,
            HotPlugRegisters.Interrupts => 0xF,
            _ => inSlot == 3 ? AllEventsMasked : 0,
        };
        int cleared =
            at == HotPlugRegisters.Interrupts + 2 ? 3
            : inSlot == 2 ? 0x1F
            : 0;
        Registers[at] = (byte)((Registers[at] & ~writable & ~(value & cleared)) | (value & writable));
    }

    /// <summary>A slot command sets state and indicators; setting the bus speed to 33 MHz changes nothing; others are invalid.</summary>
    private void Execute()
    {
        const int Invalid = 4;
        Span<byte> registers = Registers;
        int code = registers[HotPlugRegisters.Command];
        int slot = registers[HotPlugRegisters.Command + 1] - 1;
        bool isSlotCommand = code < 0x40 && slot is >= 0 and < HotPlugRegisters.Slots;
        registers[HotPlugRegisters.CommandStatus] = (byte)(isSlotCommand || code == 0x40 ? 0 : Invalid);
        if (isSlotCommand)
        {
            Span<byte> status = registers[(HotPlugRegisters.FirstSlot + 4 * slot)..];
            for (int field = 0; field < 6; field += 2)
            {
                int wanted = (code >> field) & 3;
                status[0] = wanted == 0 ? status[0] : (byte)((status[0] & ~(3 << field)) | (wanted << field));
            }
        }

        registers[HotPlugRegisters.Interrupts + 2] |= (byte)(HotPlugRegisters.CommandCompleted >> 16);
    }
}
