using System.Buffers.Binary;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// The registers of the 82574L that say what it is and how it is linked (Intel 82574 datasheet 317694, 10.2): control, status and the
/// first receive address; everything else is not modelled and says so.
/// </summary>
/// <remarks>
/// Registers are words. What comes of narrower reads is QEMU's: the low bytes of the register that holds the address.
/// </remarks>
internal sealed class E1000eRegisters(uint addressHigh, uint addressLow, IBusTarget otherwise) : IBusTarget
{
    private const ulong Control = 0x0000;
    private const ulong Status = 0x0008;
    private const ulong ReceiveAddressLow = 0x5400;
    private const ulong ReceiveAddressHigh = 0x5404;

    /// <summary>CTRL after reset with a link: FD, SLU, SPEED 1000, the two software pins that are outputs.</summary>
    private const uint ControlWithLink = 0x0014_0241;

    /// <summary>STATUS: FD, LU, SPEED and ASDV 1000, master enabled.</summary>
    private const uint StatusWithLink = 0x0008_0283;

    /// <summary>RAH.AV: the address is valid.</summary>
    private const uint AddressValid = 1u << 31;

    /// <inheritdoc/>
    public BusStatus Read(ulong address, Span<byte> data, in Transaction transaction)
    {
        if (data.Length > 4 || ValueOf(address & ~3UL) is not { } value)
        {
            return otherwise.Read(address, data, transaction);
        }

        Span<byte> word = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(word, value);
        word[..data.Length].CopyTo(data);
        return BusStatus.Okay;
    }

    /// <inheritdoc/>
    public BusStatus Write(ulong address, ReadOnlySpan<byte> data, in Transaction transaction) =>
        otherwise.Write(address, data, transaction);

    /// <summary>A MAC address lies in memory in its own order: the first byte is the lowest of RAL.</summary>
    private uint? ValueOf(ulong register) =>
        register switch
        {
            Control => ControlWithLink,
            Status => StatusWithLink,
            ReceiveAddressLow => BinaryPrimitives.ReverseEndianness(addressHigh << 16 | addressLow >> 16),
            ReceiveAddressHigh => BinaryPrimitives.ReverseEndianness((ushort)addressLow) | AddressValid,
            _ => null,
        };
}
