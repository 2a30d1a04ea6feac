using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// The Non-secure APB port of a DMA-330: the same registers, of which those of Secure resources read as zero and ignore
/// writes, as on the Zynq-7000 (UG585, "nssraz"). It is there where the node has a second <c>reg</c> entry; the first one is
/// the Secure port, which shows everything.
/// </summary>
/// <remarks>
/// What belongs to which resource is unverified: bit n of INTEN, INT_EVENT_RIS, INTMIS and INTCLR to event n (INS), the
/// registers of a channel and its bit of FSRC to the channel (CNS), everything else to the manager (DNS). Debug instructions
/// from here are ignored while the manager is Secure, and those for a Secure channel always.
/// </remarks>
internal sealed class Dma330NonSecurePort(Dma330 dma, IRegisterWindow registers) : IBusTarget
{
    private const uint All = uint.MaxValue;

    private static readonly TraceKind Ignored = new(
        "dma.nonsecure",
        Severity.Warning,
        "the Non-secure port {access} {offset}, which belongs to a Secure resource: zero, ignored"
    );

    public BusStatus ReadWord(ulong address, int sizeBytes, out ulong value, in Transaction transaction)
    {
        value = 0;
        uint visible = VisibleBits(address);
        if (visible == 0)
        {
            Report("reads", address);
            return BusStatus.Okay;
        }

        BusStatus status = registers.ReadWord(address, sizeBytes, out value, transaction);
        value &= visible;
        return status;
    }

    public BusStatus WriteWord(ulong address, int sizeBytes, ulong value, in Transaction transaction)
    {
        uint visible = VisibleBits(address);
        if (visible == 0 || (address == Dma330.CommandOffset && !dma.TakesNonSecureDebug))
        {
            Report("writes", address);
            return BusStatus.Okay;
        }

        ulong written = value & visible;
        if (visible != All && address == Dma330.EnableOffset)
        {
            // The bits of Secure events stay as they are.
            registers.TryPeek(address, out ulong before);
            written |= before & ~visible;
        }

        return registers.WriteWord(address, sizeBytes, written, transaction);
    }

    public BusStatus Read(ulong address, Span<byte> data, in Transaction transaction)
    {
        data.Clear();
        for (; data.Length >= 4; data = data[4..], address += 4)
        {
            BusStatus status = ReadWord(address, 4, out ulong value, transaction);
            if (status != BusStatus.Okay)
            {
                return status;
            }

            BitConverter.TryWriteBytes(data, (uint)value);
        }

        return data.IsEmpty ? BusStatus.Okay : ReadWord(address, data.Length, out _, transaction);
    }

    public BusStatus Write(ulong address, ReadOnlySpan<byte> data, in Transaction transaction)
    {
        for (; data.Length >= 4; data = data[4..], address += 4)
        {
            BusStatus status = WriteWord(address, 4, BitConverter.ToUInt32(data), transaction);
            if (status != BusStatus.Okay)
            {
                return status;
            }
        }

        return data.IsEmpty ? BusStatus.Okay : WriteWord(address, data.Length, data[0], transaction);
    }

    /// <summary>The bits of a register that Non-secure software may see.</summary>
    private uint VisibleBits(ulong address) =>
        address switch
        {
            >= 0x020 and < 0x030 => dma.Configuration.NonSecureEvents,
            >= 0x034 and < 0x038 => dma.NonSecureChannels,
            >= 0x040 and < 0x060 => OfChannel((address - 0x040) / 4),
            >= 0x100 and < 0x140 => OfChannel((address - 0x100) / 8),
            >= 0x400 and < 0x500 => OfChannel((address - 0x400) / 0x20),
            _ => dma.IsManagerNonSecure ? All : 0,
        };

    private uint OfChannel(ulong number) => ((dma.NonSecureChannels >> (int)number) & 1) != 0 ? All : 0;

    private void Report(string access, ulong address) =>
        dma.Trace.Emit(Ignored, dma.Name, TraceField.Of("access", access), TraceField.Hex("offset", address));
}

/// <summary>What the Non-secure port must know.</summary>
public sealed partial class Dma330
{
    internal const ulong EnableOffset = 0x020;
    internal const ulong CommandOffset = 0xD04;

    internal bool IsManagerNonSecure => State.Threads[ManagerIndex].NonSecure != 0;

    /// <summary>The Non-secure channels, a bit each.</summary>
    internal uint NonSecureChannels
    {
        get
        {
            uint bits = 0;
            for (int n = 0; n < Configuration.Channels; n++)
            {
                bits |= (uint)State.Threads[n].NonSecure << n;
            }

            return bits;
        }
    }

    /// <summary>Whether the instruction in DBGINST is one that Non-secure software may have executed.</summary>
    internal bool TakesNonSecureDebug
    {
        get
        {
            uint word = State.DebugInstruction0;
            return IsManagerNonSecure && ((word & 1) == 0 || ((NonSecureChannels >> ((int)(word >> 8) & 7)) & 1) != 0);
        }
    }
}
