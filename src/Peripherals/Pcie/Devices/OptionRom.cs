using System.Buffers.Binary;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// An expansion ROM with one image: the header of PCI Firmware 3.0, 5.1.1, a jump where code would begin, and the PCI data
/// structure of 5.1.2; no code.
/// </summary>
internal sealed class OptionRom : IBusTarget
{
    private const int DataStructureAt = 0x1C;
    private const int DataStructureBytes = 0x18;
    private const byte Jump = 0xE9;

    private readonly byte[] _head = new byte[DataStructureAt + DataStructureBytes];

    /// <summary>Makes the image.</summary>
    /// <param name="vendor">The vendor it is for.</param>
    /// <param name="device">The device it is for.</param>
    /// <param name="deviceClass">The class of the device.</param>
    /// <param name="blocks">How long the image is, in blocks of 512 bytes.</param>
    public OptionRom(ushort vendor, ushort device, uint deviceClass, byte blocks)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(_head, 0xAA55);
        _head[2] = blocks;
        _head[3] = Jump;
        BinaryPrimitives.WriteUInt16LittleEndian(_head.AsSpan(0x18), DataStructureAt);
        Span<byte> data = _head.AsSpan(DataStructureAt);
        "PCIR"u8.CopyTo(data);
        BinaryPrimitives.WriteUInt16LittleEndian(data[4..], vendor);
        BinaryPrimitives.WriteUInt16LittleEndian(data[6..], device);
        BinaryPrimitives.WriteUInt16LittleEndian(data[10..], DataStructureBytes);
        data[13] = (byte)deviceClass;
        data[14] = (byte)(deviceClass >> 8);
        data[15] = (byte)(deviceClass >> 16);
        BinaryPrimitives.WriteUInt16LittleEndian(data[16..], blocks);
        const byte last = 0x80;
        data[21] = last;
    }

    public BusStatus Read(ulong address, Span<byte> data, in Transaction transaction)
    {
        for (int n = 0; n < data.Length; n++)
        {
            ulong at = address + (ulong)n;
            data[n] = at < (ulong)_head.Length ? _head[at] : (byte)0;
        }

        return BusStatus.Okay;
    }

    /// <summary>A ROM takes no writes.</summary>
    public BusStatus Write(ulong address, ReadOnlySpan<byte> data, in Transaction transaction) => BusStatus.Okay;
}
