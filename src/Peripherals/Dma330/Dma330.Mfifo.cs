using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// Arm DDI 0424, "MFIFO": one buffer that all channels share, first come first served. To a program it is one stream of
/// bytes per channel, in the order of its loads.
/// </summary>
/// <remarks>
/// Invariants: the bytes of a channel lie in one piece, <c>[MfifoStart, MfifoStart + MfifoCount)</c>; pieces do not
/// overlap and end at or before <c>MfifoTail</c>; <c>MfifoUsed</c> is the sum of all <c>MfifoCount</c> and
/// <c>MfifoReserved</c> and never exceeds the configured size. The buffer is twice that size, so that after closing the
/// gaps there is always room to move a piece behind the others.
/// </remarks>
public sealed partial class Dma330
{
    private Span<byte> MfifoBytes =>
        MemoryMarshal.CreateSpan(
            ref System.Runtime.CompilerServices.Unsafe.As<Dma330MfifoBytes, byte>(ref State.Mfifo),
            2 * Dma330Configuration.MaximumMfifoBytes
        );

    /// <summary>Where the next bytes of a channel go. They count once <see cref="CommitLoaded"/> is called.</summary>
    private Span<byte> RoomFor(ref Dma330Thread channel, int lengthBytes)
    {
        int end = channel.MfifoStart + channel.MfifoCount;
        if (channel.MfifoCount == 0)
        {
            channel.MfifoStart = end = State.MfifoTail;
        }

        bool last = end == State.MfifoTail;
        int needed = lengthBytes + (last ? 0 : channel.MfifoCount);
        if (State.MfifoTail + needed > 2 * Dma330Configuration.MaximumMfifoBytes)
        {
            CloseGaps();
            if (channel.MfifoCount == 0)
            {
                channel.MfifoStart = State.MfifoTail;
            }

            last = channel.MfifoStart + channel.MfifoCount == State.MfifoTail;
        }

        if (!last)
        {
            MfifoBytes.Slice(channel.MfifoStart, channel.MfifoCount).CopyTo(MfifoBytes[State.MfifoTail..]);
            channel.MfifoStart = State.MfifoTail;
            State.MfifoTail += channel.MfifoCount;
        }

        return MfifoBytes.Slice(channel.MfifoStart + channel.MfifoCount, lengthBytes);
    }

    private void CommitLoaded(ref Dma330Thread channel, int lengthBytes)
    {
        channel.MfifoCount += lengthBytes;
        State.MfifoTail = channel.MfifoStart + channel.MfifoCount;
    }

    /// <summary>The oldest bytes of a channel.</summary>
    private ReadOnlySpan<byte> OldestBytes(ref Dma330Thread channel, int lengthBytes) =>
        MfifoBytes.Slice(channel.MfifoStart, lengthBytes);

    /// <summary>The bytes that a channel has loaded last.</summary>
    private Span<byte> NewestBytes(ref Dma330Thread channel, int lengthBytes) =>
        MfifoBytes.Slice(channel.MfifoStart + channel.MfifoCount - lengthBytes, lengthBytes);

    private void Consume(ref Dma330Thread channel, int lengthBytes)
    {
        channel.MfifoStart += lengthBytes;
        channel.MfifoCount -= lengthBytes;
        State.MfifoUsed -= lengthBytes;
        if (channel.MfifoCount == 0)
        {
            channel.MfifoStart = 0;
        }

        if (State.MfifoUsed == 0)
        {
            State.MfifoTail = 0;
        }
    }

    private void ReserveRoom(ref Dma330Thread channel, int lengthBytes)
    {
        channel.MfifoReserved += lengthBytes;
        State.MfifoUsed += lengthBytes;
    }

    /// <summary>Removes all that a channel has or is getting.</summary>
    private void DiscardData(ref Dma330Thread channel, long time)
    {
        int freed = channel.MfifoCount + channel.MfifoReserved;
        if (freed == 0)
        {
            return;
        }

        State.MfifoUsed -= freed;
        channel.MfifoStart = 0;
        channel.MfifoCount = 0;
        channel.MfifoReserved = 0;
        if (State.MfifoUsed == 0)
        {
            State.MfifoTail = 0;
        }

        RetryStalled(Dma330Stall.Space, time);
    }

    private void CloseGaps()
    {
        int tail = 0;
        int from = 0;
        while (true)
        {
            int next = -1;
            for (int n = 0; n < Configuration.Channels; n++)
            {
                ref Dma330Thread channel = ref State.Threads[n];
                if (
                    channel.MfifoCount != 0
                    && channel.MfifoStart >= from
                    && (next < 0 || channel.MfifoStart < State.Threads[next].MfifoStart)
                )
                {
                    next = n;
                }
            }

            if (next < 0)
            {
                break;
            }

            ref Dma330Thread moved = ref State.Threads[next];
            from = moved.MfifoStart + moved.MfifoCount;
            MfifoBytes.Slice(moved.MfifoStart, moved.MfifoCount).CopyTo(MfifoBytes[tail..]);
            moved.MfifoStart = tail;
            tail += moved.MfifoCount;
        }

        State.MfifoTail = tail;
    }

    /// <summary>endian_swap_size: reverses the bytes of each complete unit, counted from the start of a burst's data.</summary>
    private static void SwapUnits(Span<byte> data, int unitBytes)
    {
        for (; data.Length >= unitBytes; data = data[unitBytes..])
        {
            switch (unitBytes)
            {
                case 4:
                    uint word = MemoryMarshal.Read<uint>(data);
                    MemoryMarshal.Write(data, BinaryPrimitives.ReverseEndianness(word));
                    break;
                case 8:
                    ulong doubleword = MemoryMarshal.Read<ulong>(data);
                    MemoryMarshal.Write(data, BinaryPrimitives.ReverseEndianness(doubleword));
                    break;
                default:
                    data[..unitBytes].Reverse();
                    break;
            }
        }
    }
}
