using System.Runtime.CompilerServices;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// Loads and stores (Arm DDI 0424, "DMALD", "DMAST", "DMASTZ" and the AXI characteristics): one burst each, or a pair
/// where it would cross 4 KiB. Data moves when the instruction is issued; when the burst completes is only time.
/// </summary>
public sealed partial class Dma330
{
    /// <summary>Cycles from the issue of a burst to its first beat.</summary>
    private const int BurstLatency = 8;

    private const int LongestBurstBytes = 16 * 16;
    private static readonly byte[] Zeros = new byte[LongestBurstBytes];

    private readonly CachedSpan[] _spans = new CachedSpan[3 * (ManagerIndex + 1)];
    private ulong _spanBatch = 1;
    private ulong _spanEpoch;

    /// <summary>What one DMALD or DMAST moves.</summary>
    private readonly record struct Burst(uint Address, int Bytes, int Beats, int FixedBeatBytes, uint AddressAfter)
    {
        /// <summary>How much memory it touches.</summary>
        public int FootprintBytes => FixedBeatBytes != 0 ? FixedBeatBytes : Bytes;
    }

    private struct CachedSpan
    {
        public ulong Batch;
        public TransactionFlags Flags;
        public DirectSpan Span;

        /// <summary>The signals with which it was last asked for.</summary>
        public Transaction Signals;
    }

    /// <summary>
    /// The bytes of a burst: with an incrementing address the first beat is partial if the address is not aligned (AXI);
    /// with a fixed, unaligned one every beat is (unpredictable in hardware).
    /// </summary>
    private static Burst MakeBurst(uint address, int beatBytes, int beats, bool increments)
    {
        int offset = (int)address & (beatBytes - 1);
        if (increments)
        {
            int bytes = beatBytes * beats - offset;
            return new Burst(address, bytes, beats, 0, address + (uint)bytes);
        }

        int beat = beatBytes - offset;
        return new Burst(address, beat * beats, beats, beat, address);
    }

    /// <summary>DMALD and DMALDP, whose condition holds.</summary>
    private Progress Load(ref Dma330Thread thread, int index, long time, Dma330Instruction instruction)
    {
        if (State.LoadLock != Dma330State.NoChannel && State.LoadLock != index)
        {
            Stall(ref thread, index, Dma330Stall.LoadLock);
            return Progress.Moved;
        }

        var control = new Dma330ChannelControl(thread.Ccr);
        int beats = instruction.Condition == Dma330Condition.Single ? 1 : control.SourceBeats;
        Burst burst = MakeBurst(thread.Sar, control.SourceBeatBytes, beats, control.SourceIncrements);
        if (burst.Bytes > Configuration.MfifoBytes || ExceedsLines(ref thread, burst.Bytes))
        {
            return FaultAt(index, Dma330Fault.Mfifo, time);
        }

        if (State.MfifoUsed + burst.Bytes > Configuration.MfifoBytes || LacksLines(ref thread, burst.Bytes))
        {
            Stall(ref thread, index, Dma330Stall.Space);
            return Progress.Moved;
        }

        long free = State.ReadSlots[EarliestSlot(ref State.ReadSlots, Configuration.ReadCapability)];
        if (free > time)
        {
            WakeAt(index, free);
            return Progress.Moved;
        }

        int swap = control.EndianSwapBytes;
        bool exact = time == Simulation.Now;
        if (swap > 1 && ((burst.Address | (uint)burst.Bytes) & (swap - 1)) != 0)
        {
            if (!exact)
            {
                return Progress.TooEarly;
            }

            TraceSwap(index, burst, swap);
        }

        TransactionFlags flags = FlagsOf(control.SourceProtection, ref thread);
        if (
            instruction.Opcode == Dma330Opcode.DMALD
            && TryDirect(index, DirectAccess.Read, burst.Address, burst.FootprintBytes, flags, out Span<byte> memory)
        )
        {
            State.LoadLock = (byte)index;
            thread.Sar = burst.AddressAfter;
            State.MfifoUsed += burst.Bytes;
            Span<byte> room = RoomFor(ref thread, burst.Bytes);
            if (burst.FixedBeatBytes == 0)
            {
                memory.CopyTo(room);
            }
            else
            {
                for (int at = 0; at < burst.Bytes; at += burst.FixedBeatBytes)
                {
                    memory.CopyTo(room[at..]);
                }
            }

            if (Trace.IsOn)
            {
                TraceBurst(
                    index,
                    Dma330Access.Load,
                    burst.Address,
                    burst.FixedBeatBytes,
                    room,
                    thread.Ccr,
                    BusStatus.Okay
                );
            }

            if (swap > 1)
            {
                SwapUnits(room, swap);
            }

            CommitLoaded(ref thread, burst.Bytes);
            FinishRead(ref thread, time, burst.Beats);
            return Advance(ref thread, index, time, instruction.Length, 1);
        }

        if (!exact)
        {
            return Progress.TooEarly;
        }

        State.LoadLock = (byte)index;
        thread.Sar = burst.AddressAfter;
        ReserveRoom(ref thread, burst.Bytes);
        return StartAccess(ref thread, index, time, Dma330Access.Load, burst, instruction);
    }

    /// <summary>DMAST, DMASTP and DMASTZ, whose condition holds.</summary>
    private Progress Store(ref Dma330Thread thread, int index, long time, Dma330Instruction instruction)
    {
        var control = new Dma330ChannelControl(thread.Ccr);
        bool zeros = instruction.Opcode == Dma330Opcode.DMASTZ;
        int beats = instruction.Condition == Dma330Condition.Single ? 1 : control.DestinationBeats;
        Burst burst = MakeBurst(thread.Dar, control.DestinationBeatBytes, beats, control.DestinationIncrements);
        if (!zeros && burst.Bytes > Configuration.MfifoBytes)
        {
            return FaultAt(index, Dma330Fault.Mfifo, time);
        }

        if (!zeros && burst.Bytes > thread.MfifoCount)
        {
            return FaultAt(index, Dma330Fault.StoreDataUnavailable, time);
        }

        long free = State.WriteSlots[EarliestSlot(ref State.WriteSlots, Configuration.WriteCapability)];
        if (free > time)
        {
            WakeAt(index, free);
            return Progress.Moved;
        }

        TransactionFlags flags = FlagsOf(control.DestinationProtection, ref thread);
        if (
            instruction.Opcode != Dma330Opcode.DMASTP
            && TryDirect(index, DirectAccess.Write, burst.Address, burst.FootprintBytes, flags, out Span<byte> memory)
        )
        {
            ReadOnlySpan<byte> data = zeros ? Zeros.AsSpan(0, burst.Bytes) : OldestBytes(ref thread, burst.Bytes);
            if (Trace.IsOn)
            {
                Dma330Access access = zeros ? Dma330Access.StoreZeros : Dma330Access.Store;
                TraceBurst(index, access, burst.Address, burst.FixedBeatBytes, data, thread.Ccr, BusStatus.Okay);
            }

            data[^burst.FootprintBytes..].CopyTo(memory);
            thread.Dar = burst.AddressAfter;
            ReleaseLoadLock(index, time);
            if (!zeros)
            {
                Consume(ref thread, burst.Bytes);
                RetryStalled(Dma330Stall.Space, time);
            }

            FinishWrite(ref thread, time, burst.Beats);
            return Advance(ref thread, index, time, instruction.Length, 1);
        }

        if (time != Simulation.Now)
        {
            return Progress.TooEarly;
        }

        thread.Dar = burst.AddressAfter;
        ReleaseLoadLock(index, time);
        return StartAccess(
            ref thread,
            index,
            time,
            zeros ? Dma330Access.StoreZeros : Dma330Access.Store,
            burst,
            instruction
        );
    }

    private Progress StartAccess(
        ref Dma330Thread thread,
        int index,
        long time,
        Dma330Access access,
        in Burst burst,
        Dma330Instruction instruction
    )
    {
        thread.Access = access;
        thread.AccessInstruction = instruction;
        thread.AccessAddress = burst.Address;
        thread.AccessBytes = burst.Bytes;
        thread.AccessDone = 0;
        thread.AccessBeats = (byte)burst.Beats;
        thread.FixedBeatBytes = burst.FixedBeatBytes;
        thread.ResumeLength = (byte)instruction.Length;
        if (instruction.Opcode is Dma330Opcode.DMALDP or Dma330Opcode.DMASTP)
        {
            thread.Acknowledge = 1;
            thread.AcknowledgePeripheral = (byte)instruction.Peripheral;
            thread.AcknowledgeBurst = instruction.Condition == Dma330Condition.Burst ? (byte)1 : (byte)0;
        }

        return ContinueAccess(ref thread, index, time);
    }

    /// <summary>
    /// Makes the transactions of a burst that are still to be made: beats where the address is fixed, else pieces within
    /// 4 KiB. One that is held stops here; the thread is called again when it is resolved.
    /// </summary>
    private Progress ContinueAccess(ref Dma330Thread thread, int index, long time)
    {
        _endBatch = true;
        bool reads = thread.Access == Dma330Access.Load;
        var control = new Dma330ChannelControl(thread.Ccr);
        TransactionFlags flags = FlagsOf(reads ? control.SourceProtection : control.DestinationProtection, ref thread);
        while (thread.AccessDone < thread.AccessBytes)
        {
            int length = thread.FixedBeatBytes;
            uint address = thread.AccessAddress;
            if (length == 0)
            {
                address += (uint)thread.AccessDone;
                length = Math.Min(thread.AccessBytes - thread.AccessDone, 0x1000 - (int)(address & 0xFFF));
            }

            BusStatus status = MakeTransaction(ref thread, index, address, length, flags, out bool givenUp);
            if (givenUp)
            {
                return Progress.Moved;
            }

            if (status == BusStatus.Held)
            {
                thread.Held = 1;
                State.HeldThreads |= 1U << index;
                Serve(index, time);
                WakeAt(index, VirtualTime.Never);
                return Progress.Executed;
            }

            if (status != BusStatus.Okay)
            {
                thread.FaultAddress = address;
                State.MfifoUsed -= thread.MfifoReserved;
                thread.MfifoReserved = 0;
                GiveUpAccess(ref thread, index);
                thread.ResumeLength = 0;
                Serve(index, time);
                return FaultAt(index, reads ? Dma330Fault.DataRead : Dma330Fault.DataWrite, time);
            }

            thread.AccessDone += length;
        }

        thread.Access = Dma330Access.None;
        if (reads)
        {
            // Units count from the start of the burst, however many transactions it took.
            if (control.EndianSwapBytes > 1)
            {
                SwapUnits(NewestBytes(ref thread, thread.AccessBytes), control.EndianSwapBytes);
            }

            FinishRead(ref thread, time, thread.AccessBeats);
        }
        else
        {
            FinishWrite(ref thread, time, thread.AccessBeats);
            RetryStalled(Dma330Stall.Space, time);
        }

        Advance(ref thread, index, time, thread.ResumeLength, 1);
        thread.ResumeLength = 0;
        ForgetAccess(ref thread);
        if (thread.Acknowledge != 0)
        {
            thread.Acknowledge = 0;
            Acknowledge(
                thread.AcknowledgePeripheral,
                thread.AcknowledgeBurst != 0 ? Dma330Acknowledge.Burst : Dma330Acknowledge.Single
            );
        }

        return Progress.Executed;
    }

    /// <summary>An access that went by transactions leaves what one by a direct span leaves.</summary>
    private static void ForgetAccess(ref Dma330Thread thread)
    {
        thread.AccessInstruction = default;
        thread.AccessAddress = 0;
        thread.AccessBytes = 0;
        thread.AccessDone = 0;
        thread.AccessBeats = 0;
        thread.FixedBeatBytes = 0;
    }

    private BusStatus MakeTransaction(
        ref Dma330Thread thread,
        int index,
        uint address,
        int length,
        TransactionFlags flags,
        out bool givenUp
    )
    {
        Dma330Resolution resolution = thread.Resolution;
        thread.Resolution = Dma330Resolution.Pending;
        Span<byte> room = thread.Access == Dma330Access.Load ? RoomFor(ref thread, length) : default;
        ReadOnlySpan<byte> data = thread.Access switch
        {
            Dma330Access.Store => OldestBytes(ref thread, length),
            Dma330Access.StoreZeros => Zeros.AsSpan(0, length),
            _ => room,
        };
        Dma330Access access = thread.Access;
        BusStatus status = BusStatus.Okay;
        givenUp = false;
        switch (resolution)
        {
            case Dma330Resolution.CompletedAsZero:
                room.Clear();
                break;
            case Dma330Resolution.SlaveError:
                status = BusStatus.SlaveError;
                break;
            case Dma330Resolution.DecodeError:
                status = BusStatus.DecodeError;
                break;
            default:
                uint generation = thread.Generation;
                var control = new Dma330ChannelControl(thread.Ccr);
                int beat = access == Dma330Access.Load ? control.SourceBeatBytes : control.DestinationBeatBytes;
                Transaction signals = Signals(index, flags) with { BeatBytes = (byte)beat };
                status =
                    access == Dma330Access.Load
                        ? _port.Read(address, room, signals)
                        : _port.Write(address, data, signals);
                givenUp = thread.Generation != generation;
                break;
        }

        if (givenUp)
        {
            return status;
        }

        if (Trace.IsOn)
        {
            TraceBurst(index, access, address, thread.FixedBeatBytes, data, thread.Ccr, status);
        }

        if (status == BusStatus.Okay && access == Dma330Access.Load)
        {
            thread.MfifoReserved -= length;
            CommitLoaded(ref thread, length);
        }
        else if (status == BusStatus.Okay && access == Dma330Access.Store)
        {
            Consume(ref thread, length);
        }

        return status;
    }

    private void FinishRead(ref Dma330Thread thread, long time, int beats)
    {
        long done = time + (BurstLatency + beats) * _cycle;
        State.ReadSlots[EarliestSlot(ref State.ReadSlots, Configuration.ReadCapability)] = done;
        thread.ReadsDoneAt = Math.Max(thread.ReadsDoneAt, done);
        ForgetSlotOrder();
    }

    /// <summary>A write is issued when all its data has been read in.</summary>
    private void FinishWrite(ref Dma330Thread thread, long time, int beats)
    {
        long done = Math.Max(time, thread.ReadsDoneAt) + (BurstLatency + beats) * _cycle;
        State.WriteSlots[EarliestSlot(ref State.WriteSlots, Configuration.WriteCapability)] = done;
        thread.WritesDoneAt = Math.Max(thread.WritesDoneAt, done);
        ForgetSlotOrder();
    }

    private static int EarliestSlot(ref Dma330SlotArray slots, int count)
    {
        int earliest = 0;
        for (int n = 1; n < count; n++)
        {
            if (slots[n] < slots[earliest])
            {
                earliest = n;
            }
        }

        return earliest;
    }

    /// <summary>AxPROT of a channel's data. A Non-secure channel makes no secure access, whatever its CCR holds.</summary>
    private static TransactionFlags FlagsOf(int protection, ref Dma330Thread thread) =>
        ((protection & 1) != 0 ? TransactionFlags.Privileged : TransactionFlags.None)
        | ((protection & 2) == 0 && thread.NonSecure == 0 ? TransactionFlags.Secure : TransactionFlags.None)
        | ((protection & 4) != 0 ? TransactionFlags.Instruction : TransactionFlags.None);

    private Transaction Signals(int index, TransactionFlags flags) =>
        _port.Signals(this, index == ManagerIndex ? (uint)Configuration.Channels : (uint)index, flags, TagOf(index));

    /// <summary>What tells a held access of a thread from those of its earlier lives.</summary>
    private ulong TagOf(int index) => (uint)index | ((ulong)State.Threads[index].Generation << 8);

    /// <summary>
    /// The memory at an address, if it is plain memory in one piece. Spans are kept for the length of a batch and never
    /// across a return to the event loop.
    /// </summary>
    private bool TryDirect(
        int index,
        DirectAccess access,
        uint address,
        int lengthBytes,
        TransactionFlags flags,
        out Span<byte> memory,
        int purpose = -1
    )
    {
        if (_spanEpoch != _port.Epoch.Value)
        {
            ForgetSpans();
        }

        ref CachedSpan cached = ref _spans[index * 3 + (purpose >= 0 ? purpose : (int)access)];
        if (
            (cached.Batch != _spanBatch || cached.Flags != flags || !cached.Span.Contains(address, lengthBytes))
            && !TryOpen(ref cached, index, access, address, lengthBytes, flags)
        )
        {
            memory = default;
            return false;
        }

        memory = cached.Span.From(address, lengthBytes);
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryOpen(
        ref CachedSpan cached,
        int index,
        DirectAccess access,
        uint address,
        int lengthBytes,
        TransactionFlags flags
    )
    {
        ulong tag = TagOf(index);
        if (cached.Flags != flags || cached.Signals.Tag != tag || cached.Signals.Initiator is null)
        {
            cached.Flags = flags;
            cached.Signals = Signals(index, flags);
        }

        // What crosses a page may have to wait for its exact time and then begins anew: it must leave nothing yet.
        bool isOpen = IsInOnePage(address, lengthBytes)
            ? _port.TryReachDirectly(address, access, in cached.Signals, out cached.Span)
            : _port.TryGetDirectSpan(address, access, in cached.Signals, out cached.Span);
        isOpen &= cached.Span.Contains(address, lengthBytes);
        cached.Batch = isOpen ? _spanBatch : 0;
        return isOpen;
    }

    private void ForgetSpans()
    {
        _spanBatch++;
        _spanEpoch = _port.Epoch.Value;
    }
}
