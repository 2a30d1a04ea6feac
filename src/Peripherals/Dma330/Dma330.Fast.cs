using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// The fast path of a batch: what channels do all the time, without the questions that have one answer all the time. It
/// does one action after the other exactly as the plain path does, and leaves everything unusual, above all whatever
/// could fault, to it.
/// </summary>
public sealed partial class Dma330
{
    private readonly BurstShape[] _shapes = new BurstShape[ManagerIndex];
    private readonly Vector512<long> _readSlotMask;
    private readonly Vector512<long> _writeSlotMask;
    private SlotOrder _readOrder;
    private SlotOrder _writeOrder;
    private bool _repeatsInBulk;
    private bool _isTraced;

    /// <summary>What CCR says about aligned bursts, worked out once.</summary>
    private struct BurstShape
    {
        public uint Ccr;
        public byte NonSecure;
        public bool Known;

        /// <summary>Whether a load (a store) goes to incrementing addresses and, for loads, swaps nothing.</summary>
        public bool PlainLoad;
        public bool LoadIncrements;
        public bool PlainStore;
        public int LoadBytes;
        public int StoreBytes;
        public uint LoadMask;
        public uint StoreMask;
        public int SwapBytes;

        /// <summary>Cycles that the burst keeps its slot.</summary>
        public long LoadTime;
        public long StoreTime;
        public TransactionFlags LoadFlags;
        public TransactionFlags StoreFlags;
    }

    /// <summary>Whether nothing but channels acts, and nobody listens.</summary>
    private bool IsFastPathOpen =>
        (State.Runnable >> ManagerIndex) == 0
        && State.LockupSignalled == 0
        && State.WatchdogAt == VirtualTime.Never
        && !Configuration.CountsMfifoLines
        && !_isTraced;

    /// <summary>Does what it can. The caller goes on with one action on the plain path.</summary>
    private void RunFast()
    {
        if (!IsFastPathOpen)
        {
            return;
        }

        long limit = Math.Min(_batchHorizon, State.DebugAt);
        while (_batchDone < _batchBudget)
        {
            uint runnable = State.Runnable;
            if (runnable == 0 || runnable > ChannelBits)
            {
                return;
            }

            long time = Math.Max(NextChannel(runnable, out int index), _batchNow);
            if (time >= limit || ActFast(index, time, limit) == Progress.TooEarly)
            {
                return;
            }

            if (_endBatch || (State.Runnable >> ManagerIndex) != 0)
            {
                return;
            }
        }
    }

    /// <summary>Whose turn it is among the channels, as <see cref="NextAction"/> decides it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private long NextChannel(uint channels, out int index)
    {
        long slot = State.NextSlot;
        uint later = channels & (~1U << State.LastChannel);
        index = BitOperations.TrailingZeroCount(later != 0 ? later : channels);
        long time = State.Threads[index].WakeAt;
        return time <= slot ? slot
            : (channels & (channels - 1)) == 0 ? time
            : NextWaitingChannel(channels, slot, out index);
    }

    private long NextWaitingChannel(uint channels, long slot, out int index)
    {
        long best = VirtualTime.Never;
        index = 0;
        int first = State.LastChannel + 1;
        uint turned = BitOperations.RotateRight(
            channels | (channels << 8) | (channels << 16) | (channels << 24),
            first
        );
        for (uint bits = turned & 0xFF; bits != 0; bits &= bits - 1)
        {
            int channel = (BitOperations.TrailingZeroCount(bits) + first) & 7;
            long time = Math.Max(State.Threads[channel].WakeAt, slot);
            if (time < best)
            {
                best = time;
                index = channel;
                if (time == slot)
                {
                    break;
                }
            }
        }

        return best;
    }

    /// <summary>
    /// One action of a channel whose time is before the limit. Too early means: nothing was done, it is one for the plain
    /// path (which may come to the same conclusion).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Progress ActFast(int index, long time, long limit)
    {
        ref Dma330Thread thread = ref State.Threads[index];
        if (
            thread.Access != Dma330Access.None
            || thread.FetchedCount != 0
            || thread.Resolution != Dma330Resolution.Pending
        )
        {
            return Progress.TooEarly;
        }

        if (thread.Status != Dma330ThreadStatus.Executing || thread.ResumeLength != 0)
        {
            if (thread.Status != Dma330ThreadStatus.AtBarrier)
            {
                return Progress.TooEarly;
            }

            thread.Pc += thread.ResumeLength;
            thread.ResumeLength = 0;
            thread.Status = Dma330ThreadStatus.Executing;
        }

        if (_spanEpoch != _port.Epoch.Value)
        {
            ForgetSpans();
        }

        if (!TryFetchCached(ref thread, index, out CodeWindow window, out int place))
        {
            return Progress.TooEarly;
        }

        ref CachedInstruction cached = ref window.Instructions[place];
        switch (cached.Kind)
        {
            case FastKind.Nop:
                thread.Pc++;
                Pass(ref thread, index, time, 1);
                return Progress.Executed;

            case FastKind.Loop:
                LoopCounter(ref thread, cached.Counter) = cached.Operand;
                thread.Pc += 2;
                Pass(ref thread, index, time, 1);
                return Progress.Executed;

            case FastKind.LoopEnd:
                EndLoopFast(ref thread, index, time, limit, ref cached, window);
                return Progress.Executed;

            case FastKind.Load:
                return LoadFast(ref thread, index, time) is var load and not Progress.TooEarly
                    ? load
                    : ActPlainly(ref thread, index, time, cached.Instruction);

            case FastKind.Store:
                return StoreFast(ref thread, index, time) is var store and not Progress.TooEarly
                    ? store
                    : ActPlainly(ref thread, index, time, cached.Instruction);

            default:
                return ActPlainly(ref thread, index, time, cached.Instruction);
        }
    }

    /// <summary>An instruction that the fast path has no short form for, but has fetched.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Progress ActPlainly(ref Dma330Thread thread, int index, long time, Dma330Instruction instruction)
    {
        Progress progress = Execute(ref thread, index, time, instruction);
        if (progress != Progress.TooEarly)
        {
            State.LastActionAt = time;
            _batchDone++;
        }

        return progress;
    }

    /// <summary>The channel is past an instruction.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Pass(ref Dma330Thread thread, int index, long time, int cycles)
    {
        State.NextSlot = time + _cycle;
        State.ManagerServedLast = 0;
        State.LastChannel = (byte)index;
        State.LastActionAt = time;
        thread.WakeAt = time + cycles * _cycle;
        _batchDone++;
    }

    private void EndLoopFast(
        ref Dma330Thread thread,
        int index,
        long time,
        long limit,
        ref CachedInstruction cached,
        CodeWindow window
    )
    {
        bool again = thread.RequestLast == 0;
        if (!cached.Forever)
        {
            ref uint counter = ref LoopCounter(ref thread, cached.Counter);
            again = counter != 0;
            counter -= again ? 1U : 0;
        }

        if (!again)
        {
            thread.Pc += 2;
            Pass(ref thread, index, time, 1);
            return;
        }

        uint end = thread.Pc;
        thread.Pc -= cached.Operand;
        Pass(ref thread, index, time, 2);
        if (_repeatsInBulk && State.Runnable == 1U << index && State.Stalled == 0)
        {
            RepeatInBulk(ref thread, index, limit, ref cached, window, end);
        }
    }

    private Progress LoadFast(ref Dma330Thread thread, int index, long time)
    {
        ref BurstShape shape = ref ShapeOf(ref thread, index);
        int length = shape.LoadBytes;
        if (
            !shape.PlainLoad
            || (thread.Sar & shape.LoadMask) != 0
            || (State.MfifoTail | State.MfifoUsed) != 0
            || length > Configuration.MfifoBytes
            || (State.LoadLock != Dma330State.NoChannel && State.LoadLock != index)
        )
        {
            return Progress.TooEarly;
        }

        int slot = _readOrder.Next(ref State.ReadSlots, Configuration.ReadCapability);
        long free = State.ReadSlots[slot];
        if (free > time)
        {
            return WaitForSlot(ref thread, time, free);
        }

        ref CachedSpan cached = ref _spans[index * 3];
        if (cached.Batch != _spanBatch || cached.Flags != shape.LoadFlags || !cached.Span.Contains(thread.Sar, length))
        {
            return Progress.TooEarly;
        }

        Copy(cached.Span.From(thread.Sar, length), MfifoBytes[..length]);
        State.LoadLock = (byte)index;
        thread.Sar += (uint)length;
        State.MfifoUsed = length;
        State.MfifoTail = length;
        thread.MfifoStart = 0;
        thread.MfifoCount = length;
        long done = time + shape.LoadTime;
        State.ReadSlots[slot] = done;
        _readOrder.Took(done);
        thread.ReadsDoneAt = Math.Max(thread.ReadsDoneAt, done);
        thread.Pc++;
        Pass(ref thread, index, time, 1);
        return Progress.Executed;
    }

    private Progress StoreFast(ref Dma330Thread thread, int index, long time)
    {
        ref BurstShape shape = ref ShapeOf(ref thread, index);
        int length = shape.StoreBytes;
        if (!shape.PlainStore || (thread.Dar & shape.StoreMask) != 0 || thread.MfifoCount < length)
        {
            return Progress.TooEarly;
        }

        int slot = _writeOrder.Next(ref State.WriteSlots, Configuration.WriteCapability);
        long free = State.WriteSlots[slot];
        if (free > time)
        {
            return WaitForSlot(ref thread, time, free);
        }

        ref CachedSpan cached = ref _spans[index * 3 + 1];
        if (cached.Batch != _spanBatch || cached.Flags != shape.StoreFlags || !cached.Span.Contains(thread.Dar, length))
        {
            return Progress.TooEarly;
        }

        Copy(MfifoBytes.Slice(thread.MfifoStart, length), cached.Span.From(thread.Dar, length));
        thread.Dar += (uint)length;
        ReleaseLoadLock(index, time);
        Consume(ref thread, length);
        RetryStalled(Dma330Stall.Space, time);
        long done = Math.Max(time, thread.ReadsDoneAt) + shape.StoreTime;
        State.WriteSlots[slot] = done;
        _writeOrder.Took(done);
        thread.WritesDoneAt = Math.Max(thread.WritesDoneAt, done);
        thread.Pc++;
        Pass(ref thread, index, time, 1);
        return Progress.Executed;
    }

    /// <summary>All outstanding slots are taken: the channel stays at its instruction.</summary>
    private Progress WaitForSlot(ref Dma330Thread thread, long time, long free)
    {
        thread.WakeAt = free;
        State.LastActionAt = time;
        _batchDone++;
        return Progress.Moved;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy(ReadOnlySpan<byte> from, Span<byte> to)
    {
        if (from.Length == 1)
        {
            to[0] = from[0];
        }
        else
        {
            from.CopyTo(to);
        }
    }

    /// <summary>The slot that is free first, the lowest of several; lanes beyond the capability are raised out of the way.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int EarliestSlot(ref Dma330SlotArray slots, in Vector512<long> mask, out long free)
    {
        Vector512<long> all = Vector512.Max(Unsafe.As<Dma330SlotArray, Vector512<long>>(ref slots), mask);
        Vector256<long> half = Vector256.Min(all.GetLower(), all.GetUpper());
        Vector128<long> quarter = Vector128.Min(half.GetLower(), half.GetUpper());
        free = Math.Min(quarter[0], quarter[1]);
        return BitOperations.TrailingZeroCount(
            Vector512.Equals(all, Vector512.Create(free)).ExtractMostSignificantBits()
        );
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref BurstShape ShapeOf(ref Dma330Thread thread, int index)
    {
        ref BurstShape shape = ref _shapes[index];
        if (shape.Ccr != thread.Ccr || shape.NonSecure != thread.NonSecure || !shape.Known)
        {
            WorkOut(ref shape, ref thread);
        }

        return ref shape;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void WorkOut(ref BurstShape shape, ref Dma330Thread thread)
    {
        var control = new Dma330ChannelControl(thread.Ccr);
        shape = new BurstShape
        {
            Ccr = thread.Ccr,
            NonSecure = thread.NonSecure,
            Known = true,
            PlainLoad = control.SourceIncrements && control.EndianSwapBytes <= 1,
            LoadIncrements = control.SourceIncrements,
            PlainStore = control.DestinationIncrements,
            LoadBytes = control.SourceBeatBytes * control.SourceBeats,
            StoreBytes = control.DestinationBeatBytes * control.DestinationBeats,
            LoadMask = (uint)control.SourceBeatBytes - 1,
            StoreMask = (uint)control.DestinationBeatBytes - 1,
            SwapBytes = control.EndianSwapBytes,
            LoadTime = (BurstLatency + control.SourceBeats) * _cycle,
            StoreTime = (BurstLatency + control.DestinationBeats) * _cycle,
            LoadFlags = FlagsOf(control.SourceProtection, ref thread),
            StoreFlags = FlagsOf(control.DestinationProtection, ref thread),
        };
    }

    private static Vector512<long> MaskBeyond(int capability)
    {
        Span<long> lanes = stackalloc long[8];
        lanes.Fill(long.MinValue);
        lanes[capability..].Fill(long.MaxValue);
        return Vector512.Create<long>(lanes);
    }
}
