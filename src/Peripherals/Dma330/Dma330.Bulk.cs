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
    /// <summary>How many iterations of an endless loop are looked at together.</summary>
    private const int MostMoves = 1024;

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
        uint head = end - cached.Operand;
        if (
            (!cached.Forever && LoopCounter(ref thread, cached.Counter) == 0)
            || head - window.Start > end - window.Start
        )
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

        if (plan.BytesPerIteration == 0)
        {
            RepeatTimeOnly(ref thread, index, plan, in shape, limit, ref cached);
        }
        else if ((State.MfifoUsed | State.MfifoTail) == 0 && (thread.Dar & shape.StoreMask) == 0)
        {
            RepeatMoves(ref thread, index, plan, in shape, code, limit, ref cached);
        }
    }

    private void RepeatTimeOnly(
        ref Dma330Thread thread,
        int index,
        LoopPlan plan,
        ref readonly BurstShape shape,
        long limit,
        ref CachedInstruction cached
    )
    {
        long start = Math.Max(thread.WakeAt, State.NextSlot);
        LoopTime before = TimeAt(ref thread, start);
        int wanted = cached.Forever ? int.MaxValue : (int)LoopCounter(ref thread, cached.Counter);
        LoopRun run = Foresee(plan, in shape, wanted, limit - start, in before);
        if (run.Iterations > 0)
        {
            Pass(ref thread, index, plan, ref cached, start, in run);
        }
    }

    /// <summary>
    /// Copies the bytes of as many iterations as fit before the limit, page by page, and then lets their time pass. Time does not
    /// depend on where the bytes are, so it is known beforehand how many iterations are executed unless memory ends them.
    /// </summary>
    private void RepeatMoves(
        ref Dma330Thread thread,
        int index,
        LoopPlan plan,
        ref readonly BurstShape shape,
        ReadOnlySpan<byte> code,
        long limit,
        ref CachedInstruction cached
    )
    {
        long start = Math.Max(thread.WakeAt, State.NextSlot);
        LoopTime before = TimeAt(ref thread, start);
        int wanted = cached.Forever ? MostMoves : (int)LoopCounter(ref thread, cached.Counter);
        LoopRun run = Foresee(plan, in shape, wanted, limit - start, in before);
        int moved = 0;
        MoveEnd end = MoveEnd.None;
        while (moved < run.Iterations && end == MoveEnd.None)
        {
            moved += MovePiece(ref thread, index, plan, in shape, code, run.Iterations - moved, out end);
        }

        if (moved > 0)
        {
            if (moved < run.Iterations)
            {
                run = Foresee(plan, in shape, moved, limit - start, in before);
            }

            Pass(ref thread, index, plan, ref cached, start, in run);
        }

        if (end == MoveEnd.OtherTranslationsGone)
        {
            // The code's may be among them. The load is executed while its page is at hand, and the rest is stepped.
            while (LoadFast(ref thread, index, Math.Max(thread.WakeAt, State.NextSlot)) == Progress.Moved) { }
        }
    }

    /// <summary>Iterations have been executed: the loop's counter, the load-lock and the time follow.</summary>
    private void Pass(
        ref Dma330Thread thread,
        int index,
        LoopPlan plan,
        ref CachedInstruction cached,
        long start,
        ref readonly LoopRun run
    )
    {
        if (!cached.Forever)
        {
            LoopCounter(ref thread, cached.Counter) -= (uint)run.Iterations;
        }

        State.LoadLock = plan.LockAfter switch
        {
            LockEffect.Taken => (byte)index,
            LockEffect.Released => Dma330State.NoChannel,
            _ => State.LoadLock,
        };
        Leave(ref thread, start, in run);
    }

    /// <summary>Why a bulk copy ends before its loop does.</summary>
    private enum MoveEnd : byte
    {
        /// <summary>It goes on.</summary>
        None,

        /// <summary>The plain path must look at the next iteration, or at what has become of the code.</summary>
        LookCloser,

        /// <summary>The page of the next load is at hand, but other translations had to go for it.</summary>
        OtherTranslationsGone,
    }

    /// <summary>Copies up to the next end of a page. Returns how many iterations that was.</summary>
    private int MovePiece(
        ref Dma330Thread thread,
        int index,
        LoopPlan plan,
        ref readonly BurstShape shape,
        ReadOnlySpan<byte> code,
        int iterations,
        out MoveEnd end
    )
    {
        int bytes = plan.BytesPerIteration;
        bool mayTurn = plan.TurnsPages && shape.PlainLoad;
        ReadOnlySpan<byte> from = default;
        end = MoveEnd.LookCloser;
        if (!plan.StoresZeros)
        {
            ref CachedSpan source = ref _spans[index * 3 + (int)DirectAccess.Read];
            if ((thread.Sar & shape.LoadMask) != 0)
            {
                return 0;
            }

            if (!IsOpen(in source, shape.LoadFlags, thread.Sar, bytes))
            {
                if (!mayTurn || !TryTurn(index, DirectAccess.Read, thread.Sar, bytes, shape.LoadFlags))
                {
                    return 0;
                }

                if (_spanEpoch != _port.Epoch.Value)
                {
                    end = MoveEnd.OtherTranslationsGone;
                    return 0;
                }
            }

            from = Rest(source.Span, thread.Sar);
            iterations = Math.Min(iterations, from.Length / bytes);
        }

        ref CachedSpan target = ref _spans[index * 3 + (int)DirectAccess.Write];
        if (!IsOpen(in target, shape.StoreFlags, thread.Dar, bytes))
        {
            if (!mayTurn || !TryTurn(index, DirectAccess.Write, thread.Dar, bytes, shape.StoreFlags))
            {
                return 0;
            }

            // What had to go for it may be the source: one iteration has loaded before it stores.
            iterations = _spanEpoch == _port.Epoch.Value ? iterations : 1;
        }

        Span<byte> to = Rest(target.Span, thread.Dar);
        iterations = IterationsApart(from, to, code, bytes, Math.Min(iterations, to.Length / bytes));
        if (iterations > 0)
        {
            Move(ref thread, plan, in shape, from, to[..(iterations * bytes)]);
            end = plan.TurnsPages && _spanEpoch == _port.Epoch.Value ? MoveEnd.None : MoveEnd.LookCloser;
        }

        return iterations;
    }

    /// <summary>How many iterations can go in one piece without changing what they have still to load or to execute.</summary>
    private static int IterationsApart(
        ReadOnlySpan<byte> from,
        Span<byte> to,
        ReadOnlySpan<byte> code,
        int bytesPerIteration,
        int wanted
    )
    {
        if (from.Overlaps(to, out int ahead) && ahead > 0)
        {
            // What is stored is loaded again later: only what lies between can go in one piece.
            wanted = Math.Min(wanted, ahead / bytesPerIteration);
        }

        if (code.Overlaps(to, out int place))
        {
            // Behind the target's first byte if positive: seen from the code, so the code lies at -place.
            wanted = place >= 0 ? 0 : Math.Min(wanted, -place / bytesPerIteration);
        }

        return wanted;
    }

    /// <summary>Reaches the page of an access that is made now. The access lies in one page, or the answer is false.</summary>
    private bool TryTurn(int index, DirectAccess access, uint address, int lengthBytes, TransactionFlags flags) =>
        IsInOnePage(address, lengthBytes) && TryDirect(index, access, address, lengthBytes, flags, out _);

    private static bool IsInOnePage(uint address, int lengthBytes) => (address & 0xFFF) + (uint)lengthBytes <= 0x1000;

    private bool IsOpen(ref readonly CachedSpan cached, TransactionFlags flags, uint address, int lengthBytes) =>
        cached.Batch == _spanBatch && cached.Flags == flags && cached.Span.Contains(address, lengthBytes);

    private static Span<byte> Rest(in DirectSpan span, uint address)
    {
        long room = Math.Min((long)span.LengthBytes - (long)(address - span.Start), (1L << 32) - address);
        return span.From(address, (int)room);
    }

    private void Move(
        ref Dma330Thread thread,
        LoopPlan plan,
        ref readonly BurstShape shape,
        ReadOnlySpan<byte> from,
        Span<byte> to
    )
    {
        thread.Dar += (uint)to.Length;
        if (plan.StoresZeros)
        {
            to.Clear();
            return;
        }

        from[..to.Length].CopyTo(to);
        thread.Sar += (uint)to.Length;
        if (shape.SwapBytes > 1)
        {
            SwapUnits(to, shape.SwapBytes);
        }

        plan.LeaveInMfifo(to[^plan.BytesPerIteration..], in shape, MfifoBytes);
    }

    /// <summary>
    /// What some iterations will do to the time: the clock, the outstanding slots, the count of actions. It depends on nothing
    /// but when the slots become free, so where a loop has been in the same position before, it takes as long as then.
    /// Answers for as many of them as fit into the room and the budget.
    /// </summary>
    private LoopRun Foresee(
        LoopPlan plan,
        ref readonly BurstShape shape,
        int iterations,
        long room,
        ref readonly LoopTime before
    )
    {
        ref LoopMemory memory = ref plan.Memory(iterations, in before);
        if (
            memory.Run.Iterations == iterations
            && memory.Ccr == shape.Ccr
            && memory.Before.Is(in before)
            && memory.Run.Last < room
            && memory.Run.Actions <= _batchBudget - _batchDone
        )
        {
            return memory.Run;
        }

        var clock = new LoopClock(this, before);
        LoopRun run = default;
        run.Iterations = PassAll(ref clock, plan, in shape, iterations, room);
        run.Last = clock.Last;
        run.Actions = clock.Actions;
        run.After = clock.After();
        if (run.Iterations == iterations)
        {
            memory = new LoopMemory
            {
                Ccr = shape.Ccr,
                Before = before,
                Run = run,
            };
        }

        return run;
    }

    /// <summary>Lets as many iterations pass as begin and end within the room. Returns how many.</summary>
    private int PassAll(ref LoopClock clock, LoopPlan plan, ref readonly BurstShape shape, int iterations, long room)
    {
        bool alike = plan.BytesPerIteration == 0 && !plan.HasBarrier;
        int budget = _batchBudget - _batchDone;
        int period = LoopClock.PeriodOf(Configuration);
        // Kept up to date only where the next iteration may be the one that does not fit.
        LoopClock whole = clock;
        LoopClock earlier = clock;
        int compareAt = period;
        int done = 0;
        while (done < iterations)
        {
            plan.Pass(ref clock, in shape);
            if (clock.Last >= room || clock.Actions > budget)
            {
                clock = whole;
                return done;
            }

            done++;
            if (alike)
            {
                int more = MoreAlike(in clock, iterations - 1, room);
                clock.Skip(more);
                return 1 + more;
            }

            if (done == compareAt)
            {
                if (clock.IsLike(in earlier, plan))
                {
                    int periods = PeriodsThatFit(in clock, in earlier, (iterations - done) / period, room, budget);
                    clock.Repeat(in earlier, periods);
                    done += periods * period;
                }

                earlier = clock;
                compareAt = done + period;
            }

            if (room - clock.Last < plan.MostCycles * _cycle || budget - clock.Actions < plan.MostActions)
            {
                whole = clock;
            }
        }

        return iterations;
    }

    /// <summary>How many more periods end within the room.</summary>
    private static int PeriodsThatFit(
        ref readonly LoopClock clock,
        ref readonly LoopClock earlier,
        int wanted,
        long room,
        int budget
    )
    {
        long byTime = (room - 1 - clock.Last) / (clock.Time - earlier.Time);
        long byBudget = (budget - clock.Actions) / (clock.Actions - earlier.Actions);
        return (int)Math.Max(0, Math.Min(wanted, Math.Min(byTime, byBudget)));
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

    private void Leave(ref Dma330Thread thread, long start, ref readonly LoopRun run)
    {
        SlotsOf(ref State.ReadSlots) = Shift(run.After.Reads, start, _readSlotMask);
        SlotsOf(ref State.WriteSlots) = Shift(run.After.Writes, start, _writeSlotMask);
        ForgetSlotOrder();
        thread.ReadsDoneAt = run.After.ReadsDone + start;
        thread.WritesDoneAt = run.After.WritesDone + start;
        State.LastActionAt = start + run.Last;
        State.NextSlot = start + run.Last + _cycle;
        thread.WakeAt = start + run.Last + 2 * _cycle;
        _batchDone += run.Actions;
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

    /// <summary>What some iterations do to the time, counted from the head of the loop.</summary>
    private struct LoopRun
    {
        public int Iterations;
        public int Actions;

        /// <summary>When the last action is.</summary>
        public long Last;
        public LoopTime After;
    }

    /// <summary>What some iterations did to the time.</summary>
    private struct LoopMemory
    {
        public uint Ccr;
        public LoopTime Before;
        public LoopRun Run;
    }
}
