using System.Buffers.Binary;
using System.Diagnostics;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>A channel or the manager as a debugger shows it. Looking changes nothing.</summary>
[DebuggerDisplay("{ToString(),nq}")]
public sealed class Dma330ThreadView
{
    private readonly Dma330 _dma;

    internal Dma330ThreadView(Dma330 dma, int index)
    {
        _dma = dma;
        Index = index;
    }

    /// <summary>The channel's number; 8 for the manager.</summary>
    public int Index { get; }

    /// <summary>The state, as CSRn or DSR shows it.</summary>
    public Dma330ThreadStatus Status => Thread.Status;

    /// <summary>CPCn or DPC.</summary>
    public uint ProgramCounter => Thread.Pc;

    /// <summary>SARn.</summary>
    public uint SourceAddress => Thread.Sar;

    /// <summary>DARn.</summary>
    public uint DestinationAddress => Thread.Dar;

    /// <summary>CCRn.</summary>
    public Dma330ChannelControl Control => new(Thread.Ccr);

    /// <summary>FTRn or FTRD.</summary>
    public Dma330Fault Fault => (Dma330Fault)Thread.FaultType;

    /// <summary>Whether a bus access of the thread is held.</summary>
    public bool IsHeld => Thread.Held != 0;

    /// <summary>How many bytes the channel has in the MFIFO.</summary>
    public int MfifoBytes => Thread.MfifoCount;

    /// <summary>The instruction at the PC, or null where there is no plain memory to look into.</summary>
    public Dma330Instruction? NextInstruction => _dma.PeekInstruction(Index);

    private ref Dma330Thread Thread => ref _dma.ThreadAt(Index);

    /// <inheritdoc/>
    public override string ToString()
    {
        string name = Index == Dma330Configuration.MaximumChannels ? "Manager" : $"Channel {Index}";
        return Status == Dma330ThreadStatus.Stopped
            ? $"{name}: Stopped"
            : $"{name}: {Status} @{Hexadecimal.Format(ProgramCounter)} {NextInstruction?.ToString() ?? "?"}";
    }
}

/// <summary>What views look at.</summary>
public sealed partial class Dma330
{
    internal ref Dma330Thread ThreadAt(int index) => ref State.Threads[index];

    internal Dma330Instruction? PeekInstruction(int index)
    {
        ref Dma330Thread thread = ref State.Threads[index];
        TransactionFlags flags =
            TransactionFlags.Instruction | (thread.NonSecure == 0 ? TransactionFlags.Secure : TransactionFlags.None);
        if (!_port.TryGetDirectSpan(thread.Pc, DirectAccess.Read, Signals(index, flags), out DirectSpan span))
        {
            return null;
        }

        int length = (int)Math.Min(8, (ulong)span.LengthBytes - (thread.Pc - span.Start));
        Span<byte> bytes = stackalloc byte[8];
        bytes.Clear();
        span.From(thread.Pc, length).CopyTo(bytes);
        return Dma330Decoder.Length(bytes[0]) <= length
            ? Dma330Decoder.Decode(BinaryPrimitives.ReadUInt64LittleEndian(bytes))
            : null;
    }
}
