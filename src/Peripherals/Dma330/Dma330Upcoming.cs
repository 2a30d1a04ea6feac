using System.Diagnostics;
using System.Globalization;
using System.Text;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>What a DMA-330 will do next, as a debugger shows it. Looking changes nothing; it shows the controller as it is now.</summary>
[DebuggerDisplay("{ToString(),nq}")]
public readonly struct Dma330Upcoming
{
    private readonly Dma330 _dma;

    internal Dma330Upcoming(Dma330 dma, int index, long time)
    {
        _dma = dma;
        Index = index;
        Time = time;
    }

    /// <summary>When, in picoseconds; <see cref="VirtualTime.Never"/> if nothing is left to do.</summary>
    public long Time { get; }

    /// <summary>The thread; null if it is no thread's turn: the debug instruction, the watchdog, or nothing at all.</summary>
    public Dma330ThreadView? Thread =>
        Index == Dma330Configuration.MaximumChannels ? _dma.Manager
        : Index >= 0 && Index < _dma.Channels.Count ? _dma.Channels[Index]
        : null;

    /// <summary>The thread's PC.</summary>
    public uint? ProgramCounter => Thread?.ProgramCounter;

    /// <summary>The instruction at the PC, or null where there is no plain memory to look into.</summary>
    public Dma330Instruction? Instruction => Thread?.NextInstruction;

    /// <summary>How many read bursts are under way at that time, of all channels.</summary>
    public int OutstandingReads => _dma.OutstandingBursts(Time, reads: true);

    /// <summary>How many write bursts are under way at that time, of all channels.</summary>
    public int OutstandingWrites => _dma.OutstandingBursts(Time, reads: false);

    /// <summary>How many bytes of the MFIFO are taken.</summary>
    public int MfifoUsedBytes => _dma.MfifoUsedBytes;

    /// <summary>The bytes that the thread has in the MFIFO, oldest first.</summary>
    public byte[] MfifoData => Thread is null ? [] : _dma.MfifoDataOf(Index);

    internal int Index { get; }

    /// <inheritdoc/>
    public override string ToString()
    {
        if (Index < 0)
        {
            return "nothing to do";
        }

        var text = new StringBuilder();
        text.Append(Thread?.ToString() ?? "debug instruction or watchdog");
        text.Append(CultureInfo.InvariantCulture, $"; outstanding: {OutstandingReads} R, {OutstandingWrites} W; ");
        text.Append(CultureInfo.InvariantCulture, $"MFIFO {MfifoUsedBytes} of {_dma.Configuration.MfifoBytes} bytes");
        return text.ToString();
    }
}

/// <summary>What <see cref="Dma330Upcoming"/> looks at.</summary>
public sealed partial class Dma330
{
    internal int MfifoUsedBytes => State.MfifoUsed;

    internal int OutstandingBursts(long time, bool reads)
    {
        int count = 0;
        int slots = reads ? Configuration.ReadCapability : Configuration.WriteCapability;
        for (int n = 0; n < slots; n++)
        {
            count += (reads ? State.ReadSlots[n] : State.WriteSlots[n]) > time ? 1 : 0;
        }

        return count;
    }

    internal byte[] MfifoDataOf(int index)
    {
        ref Dma330Thread thread = ref State.Threads[index];
        return OldestBytes(ref thread, thread.MfifoCount).ToArray();
    }
}
