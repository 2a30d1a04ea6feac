using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// The registers that a driver looks at first, with what they hold after reset, in front of memory that is not modelled. They
/// cannot be written.
/// </summary>
/// <param name="rest">What is behind the other offsets.</param>
/// <param name="registers">Offsets, multiples of 4, and values.</param>
internal sealed class IdentificationRegisters(IBusTarget rest, params (ulong Offset, uint Value)[] registers)
    : IBusTarget
{
    public BusStatus Read(ulong address, Span<byte> data, in Transaction transaction)
    {
        if (data.Length > 8 || Find(address) is not { } first)
        {
            return rest.Read(address, data, transaction);
        }

        int from = (int)(address % 4);
        ulong value = first | (ulong)(Find((address & ~3UL) + 4) ?? 0) << 32;
        for (int n = 0; n < data.Length; n++)
        {
            data[n] = (byte)(value >> 8 * (from + n));
        }

        return BusStatus.Okay;
    }

    public BusStatus Write(ulong address, ReadOnlySpan<byte> data, in Transaction transaction) =>
        Find(address) is null ? rest.Write(address, data, transaction) : BusStatus.Okay;

    private uint? Find(ulong address)
    {
        foreach ((ulong offset, uint value) in registers)
        {
            if (offset == (address & ~3UL))
            {
                return value;
            }
        }

        return null;
    }
}
