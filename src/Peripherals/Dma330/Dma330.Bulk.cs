using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// Loops whose iterations are all alike: bodies of loads and stores that leave the MFIFO as they found it, barriers and
/// DMANOPs. Where one channel runs alone, nobody can look before the batch ends, so many iterations are one copy and one
/// addition to the clock. How far that goes is bounded by the loop counter, the pages, the horizon and the budget of
/// actions; the last iteration, and everything that could fault, is stepped.
/// </summary>
public sealed partial class Dma330
{
    /// <summary>
    /// Executes as many whole iterations as it can. The channel stands at the head of the loop, after a taken DMALPEND.
    /// </summary>
    private void RepeatInBulk(
        ref Dma330Thread thread,
        int index,
        long limit,
        ref CachedInstruction cached,
        CodeWindow window,
        uint end
    )
    {
        int iterations = cached.Forever ? int.MaxValue : (int)LoopCounter(ref thread, cached.Counter);
        uint head = end - cached.Operand;
        if (iterations < 1 || head - window.Start > end - window.Start)
        {
            return;
        }

        ReadOnlySpan<byte> code = window.Array.AsSpan(
            window.Offset + (int)(head - window.Start),
            (int)(end - head) + cached.Length
        );
        if (cached.Plan is not { } plan || !code.SequenceEqual(plan.Code))
        {
            cached.Plan = plan = new LoopPlan(code);
        }

        if (!plan.IsRegular || (State.LoadLock != Dma330State.NoChannel && State.LoadLock != index))
        {
            return;
        }

        ref BurstShape shape = ref ShapeOf(ref thread, index);
        if (!plan.Fits(in shape, Configuration.MfifoBytes))
        {
            return;
        }

        while (RepeatPiece(ref thread, index, plan, in shape, code, limit, ref cached)) { }
    }

    /// <summary>Executes iterations up to the next end of a page. True if there may be more behind it.</summary>
    private bool RepeatPiece(
        ref Dma330Thread thread,
        int index,
        LoopPlan plan,
        ref readonly BurstShape shape,
        ReadOnlySpan<byte> code,
        long limit,
        ref CachedInstruction cached
    )
    {
        var move = new BulkMove
        {
            Iterations = cached.Forever ? int.MaxValue : (int)LoopCounter(ref thread, cached.Counter),
        };
        if (
            move.Iterations == 0
            || (plan.BytesPerIteration != 0 && !PrepareMove(ref thread, index, plan, in shape, code, limit, ref move))
        )
        {
            return false;
        }

        int done = RepeatTime(ref thread, plan, in shape, move.Iterations, limit);
        if (done == 0)
        {
            return false;
        }

        if (!cached.Forever)
        {
            LoopCounter(ref thread, cached.Counter) -= (uint)done;
        }

        if (plan.BytesPerIteration != 0)
        {
            MakeMove(ref thread, plan, in shape, move, done * plan.BytesPerIteration);
        }

        State.LoadLock = plan.LockAfter switch
        {
            LockEffect.Taken => (byte)index,
            LockEffect.Released => Dma330State.NoChannel,
            _ => State.LoadLock,
        };
        return plan.TurnsPages && done == move.Iterations && _spanEpoch == _port.Epoch.Value;
    }

    /// <summary>Where a bulk copy reads and writes, and how many iterations of it are safe.</summary>
    private ref struct BulkMove
    {
        public Span<byte> From;
        public Span<byte> To;
        public int Iterations;
    }

    /// <summary>Finds the memory, as far as both sides reach in one piece. False where the plain path must look closer.</summary>
    private bool PrepareMove(
        ref Dma330Thread thread,
        int index,
        LoopPlan plan,
        ref readonly BurstShape shape,
        ReadOnlySpan<byte> code,
        long limit,
        ref BulkMove move
    )
    {
        if ((State.MfifoUsed | State.MfifoTail) != 0 || (thread.Dar & shape.StoreMask) != 0)
        {
            return false;
        }

        int bytes = plan.BytesPerIteration;
        bool mayTurn = plan.TurnsPages && shape.PlainLoad && HasRoomForOne(ref thread, plan, limit);
        ref CachedSpan source = ref _spans[index * 3 + (int)DirectAccess.Read];
        if (!plan.StoresZeros)
        {
            if ((thread.Sar & shape.LoadMask) != 0)
            {
                return false;
            }

            if (
                !IsOpen(in source, shape.LoadFlags, thread.Sar, bytes)
                && !(mayTurn && TurnSource(ref thread, index, bytes, shape.LoadFlags))
            )
            {
                return false;
            }

            move.From = Rest(source.Span, thread.Sar);
            move.Iterations = Math.Min(move.Iterations, move.From.Length / bytes);
        }

        ref CachedSpan target = ref _spans[index * 3 + (int)DirectAccess.Write];
        if (!IsOpen(in target, shape.StoreFlags, thread.Dar, bytes))
        {
            if (
                !mayTurn
                || !IsInOnePage(thread.Dar, bytes)
                || !TryDirect(index, DirectAccess.Write, thread.Dar, bytes, shape.StoreFlags, out _)
            )
            {
                return false;
            }

            // What had to go for it may be the source: one iteration has loaded before it stores.
            move.Iterations = _spanEpoch == _port.Epoch.Value ? move.Iterations : 1;
        }

        move.To = Rest(target.Span, thread.Dar);
        move.Iterations = Math.Min(move.Iterations, move.To.Length / bytes);
        if (move.From.Overlaps(move.To, out int ahead) && ahead > 0)
        {
            // What is stored is loaded again later: only what lies between can go in one piece.
            move.Iterations = Math.Min(move.Iterations, ahead / bytes);
        }

        if (code.Overlaps(move.To, out int place))
        {
            // Behind the target's first byte if positive: seen from the code, so the code lies at -place.
            move.Iterations = place >= 0 ? 0 : Math.Min(move.Iterations, -place / bytes);
        }

        return move.Iterations > 0;
    }

    /// <summary>Whether one more iteration ends before the limit in any case, so that its first access is made for sure.</summary>
    private bool HasRoomForOne(ref Dma330Thread thread, LoopPlan plan, long limit) =>
        limit - Math.Max(thread.WakeAt, State.NextSlot) > plan.MostCycles * _cycle
        && _batchBudget - _batchDone > plan.MostActions;

    /// <summary>
    /// Reaches the page that the first load of the next iteration touches. If another translation had to go for it, which
    /// may be that of the code, the load is executed while its page is at hand, and the rest is stepped.
    /// </summary>
    private bool TurnSource(ref Dma330Thread thread, int index, int bytes, TransactionFlags flags)
    {
        if (!IsInOnePage(thread.Sar, bytes) || !TryDirect(index, DirectAccess.Read, thread.Sar, bytes, flags, out _))
        {
            return false;
        }

        if (_spanEpoch == _port.Epoch.Value)
        {
            return true;
        }

        while (LoadFast(ref thread, index, Math.Max(thread.WakeAt, State.NextSlot)) == Progress.Moved) { }
        return false;
    }

    private static bool IsInOnePage(uint address, int lengthBytes) => (address & 0xFFF) + (uint)lengthBytes <= 0x1000;

    private bool IsOpen(ref readonly CachedSpan cached, TransactionFlags flags, uint address, int lengthBytes) =>
        cached.Batch == _spanBatch && cached.Flags == flags && cached.Span.Contains(address, lengthBytes);

    private static Span<byte> Rest(in DirectSpan span, uint address)
    {
        long room = Math.Min((long)span.LengthBytes - (long)(address - span.Start), (1L << 32) - address);
        return span.From(address, (int)room);
    }

    private void MakeMove(
        ref Dma330Thread thread,
        LoopPlan plan,
        ref readonly BurstShape shape,
        BulkMove move,
        int lengthBytes
    )
    {
        Span<byte> to = move.To[..lengthBytes];
        thread.Dar += (uint)lengthBytes;
        if (plan.StoresZeros)
        {
            to.Clear();
            return;
        }

        move.From[..lengthBytes].CopyTo(to);
        thread.Sar += (uint)lengthBytes;
        if (shape.SwapBytes > 1)
        {
            SwapUnits(to, shape.SwapBytes);
        }

        plan.LeaveInMfifo(to[^plan.BytesPerIteration..], in shape, MfifoBytes);
    }

    /// <summary>
    /// Lets the time of the iterations pass: the clock, the outstanding slots, the count of actions. Time depends on
    /// nothing but when the slots become free, so where a loop has been in the same position before, it takes as long as
    /// then. Returns how many iterations fit before the limit.
    /// </summary>
    private int RepeatTime(
        ref Dma330Thread thread,
        LoopPlan plan,
        ref readonly BurstShape shape,
        int iterations,
        long limit
    )
    {
        long start = Math.Max(thread.WakeAt, State.NextSlot);
        LoopTime before = TimeAt(ref thread, start);
        ref LoopMemory memory = ref plan.Memory(iterations, in before);
        if (
            memory.Iterations == iterations
            && memory.Ccr == shape.Ccr
            && memory.Before.Is(in before)
            && start + memory.Last < limit
            && memory.Actions <= _batchBudget - _batchDone
        )
        {
            Leave(ref thread, start, in memory.After, memory.Last, memory.Actions);
            return iterations;
        }

        return RepeatTimeSlowly(ref thread, plan, in shape, iterations, limit, start, in before, ref memory);
    }

    private int RepeatTimeSlowly(
        ref Dma330Thread thread,
        LoopPlan plan,
        ref readonly BurstShape shape,
        int iterations,
        long limit,
        long start,
        ref readonly LoopTime before,
        ref LoopMemory memory
    )
    {
        var clock = new LoopClock(this, before);
        int done = PassAll(ref clock, plan, in shape, iterations, limit - start);
        if (done == 0)
        {
            return 0;
        }

        LoopTime after = clock.After();
        if (done == iterations)
        {
            memory = new LoopMemory
            {
                Iterations = iterations,
                Ccr = shape.Ccr,
                Before = before,
                After = after,
                Last = clock.Last,
                Actions = clock.Actions,
            };
        }

        Leave(ref thread, start, in after, clock.Last, clock.Actions);
        return done;
    }

    /// <summary>Lets as many iterations pass as begin and end within the room. Returns how many.</summary>
    private int PassAll(ref LoopClock clock, LoopPlan plan, ref readonly BurstShape shape, int iterations, long room)
    {
        bool alike = plan.BytesPerIteration == 0 && !plan.HasBarrier;
        int budget = _batchBudget - _batchDone;
        // Kept up to date only where the next iteration may be the one that does not fit.
        LoopClock whole = clock;
        for (int done = 0; done < iterations; done++)
        {
            plan.Pass(ref clock, in shape);
            if (clock.Last >= room || clock.Actions > budget)
            {
                clock = whole;
                return done;
            }

            if (alike)
            {
                int more = MoreAlike(in clock, iterations - 1, room);
                clock.Skip(more);
                return 1 + more;
            }

            if (room - clock.Last < plan.MostCycles * _cycle || budget - clock.Actions < plan.MostActions)
            {
                whole = clock;
            }
        }

        return iterations;
    }

    /// <summary>How many more iterations like the first one fit, where no iteration waits for anything.</summary>
    private int MoreAlike(ref readonly LoopClock first, int wanted, long room)
    {
        long byTime = (room - 1 - first.Last) / first.Time;
        long byBudget = (_batchBudget - _batchDone - first.Actions) / first.Actions;
        return (int)Math.Max(0, Math.Min(wanted, Math.Min(byTime, byBudget)));
    }

    private static ref Vector512<long> SlotsOf(ref Dma330SlotArray slots) =>
        ref Unsafe.As<Dma330SlotArray, Vector512<long>>(ref slots);

    /// <summary>The slots some time later; lanes without a slot stay 0.</summary>
    private static Vector512<long> Shift(Vector512<long> slots, long time, in Vector512<long> mask) =>
        (slots + Vector512.Create(time)) & Vector512.LessThan(mask, Vector512<long>.Zero);

    private LoopTime TimeAt(ref Dma330Thread thread, long start) =>
        new()
        {
            Reads = Shift(SlotsOf(ref State.ReadSlots), -start, _readSlotMask),
            Writes = Shift(SlotsOf(ref State.WriteSlots), -start, _writeSlotMask),
            ReadsDone = thread.ReadsDoneAt - start,
            WritesDone = thread.WritesDoneAt - start,
        };

    private void Leave(ref Dma330Thread thread, long start, ref readonly LoopTime after, long last, int actions)
    {
        SlotsOf(ref State.ReadSlots) = Shift(after.Reads, start, _readSlotMask);
        SlotsOf(ref State.WriteSlots) = Shift(after.Writes, start, _writeSlotMask);
        ForgetSlotOrder();
        thread.ReadsDoneAt = after.ReadsDone + start;
        thread.WritesDoneAt = after.WritesDone + start;
        State.LastActionAt = start + last;
        State.NextSlot = start + last + _cycle;
        thread.WakeAt = start + last + 2 * _cycle;
        _batchDone += actions;
    }

    /// <summary>When the slots become free and the bursts are over, seen from the head of a loop.</summary>
    private struct LoopTime
    {
        public Vector512<long> Reads;
        public Vector512<long> Writes;
        public long ReadsDone;
        public long WritesDone;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly bool Is(ref readonly LoopTime other) =>
            Reads == other.Reads
            && Writes == other.Writes
            && ReadsDone == other.ReadsDone
            && WritesDone == other.WritesDone;
    }

    /// <summary>What some iterations did to the time.</summary>
    private struct LoopMemory
    {
        public int Iterations;
        public uint Ccr;
        public int Actions;

        /// <summary>When the last action was.</summary>
        public long Last;
        public LoopTime Before;
        public LoopTime After;
    }
}
