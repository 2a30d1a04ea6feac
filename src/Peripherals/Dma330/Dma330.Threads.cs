using System.Numerics;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// Arm DDI 0424, "Operating states": which thread acts when. One engine serves the manager and the channels in turn and
/// issues at most one instruction per cycle; it works in batches that end before anybody could look.
/// </summary>
public sealed partial class Dma330
{
    private const int DebugIndex = ManagerIndex + 1;
    private const int WatchdogIndex = ManagerIndex + 2;
    private const uint ChannelBits = (1U << ManagerIndex) - 1;

    private EventHandle _nextAction;
    private long _nextActionAt = VirtualTime.Never;
    private bool _running;
    private bool _endBatch;

    private enum Progress
    {
        /// <summary>An instruction was executed.</summary>
        Executed,

        /// <summary>The thread moved on or found that it must wait; no instruction was executed.</summary>
        Moved,

        /// <summary>Nothing was done, because it must be done at its exact time.</summary>
        TooEarly,
    }

    /// <inheritdoc/>
    /// <remarks>
    /// The thread goes on one cycle later. An answer to an access that has been given up (the thread was killed and
    /// restarted, the controller was reset) is known by its generation and ignored.
    /// </remarks>
    void IBusInitiator.OnHeldTransaction(ulong tag, HeldOutcome outcome)
    {
        int index = (int)(tag & 0xFF);
        if (index > ManagerIndex)
        {
            return;
        }

        ref Dma330Thread thread = ref State.Threads[index];
        if (thread.Held == 0 || thread.Generation != (uint)(tag >> 8))
        {
            return;
        }

        thread.Held = 0;
        thread.Generation++;
        thread.Resolution = outcome switch
        {
            HeldOutcome.Repeat => Dma330Resolution.Repeat,
            HeldOutcome.CompletedAsZero => Dma330Resolution.CompletedAsZero,
            HeldOutcome.SlaveError => Dma330Resolution.SlaveError,
            _ => Dma330Resolution.DecodeError,
        };
        State.HeldThreads &= ~(1U << index);
        WakeAt(index, Simulation.Now + _cycle);
        ScheduleNextAction();
    }

    private void ScheduleNextAction()
    {
        if (_running)
        {
            return;
        }

        long time = NextAction(out _);
        if (time == _nextActionAt && time != VirtualTime.Never)
        {
            return;
        }

        CancelNextAction();
        if (time != VirtualTime.Never)
        {
            _nextActionAt = time;
            _nextAction = Simulation.Schedule(Math.Max(time, Simulation.Now), this);
        }
    }

    private void CancelNextAction()
    {
        if (_nextActionAt != VirtualTime.Never)
        {
            Simulation.Cancel(_nextAction);
            _nextActionAt = VirtualTime.Never;
        }
    }

    /// <summary>
    /// What happens next, and when. Channels take turns from the one served last; the manager, if it is active, gets
    /// every second slot.
    /// </summary>
    private long NextAction(out int index)
    {
        long best = VirtualTime.Never;
        index = -1;
        if (State.Stalled != 0)
        {
            WatchForLockup();
        }

        uint runnable = State.Runnable;
        long slot = State.NextSlot;
        uint channels = runnable & ChannelBits;
        if (channels != 0)
        {
            best = NextChannel(channels, out index);
        }

        if ((runnable >> ManagerIndex) != 0)
        {
            long time = Math.Max(State.Threads[ManagerIndex].WakeAt, slot);
            if (time < best || (time == best && State.ManagerServedLast == 0))
            {
                best = time;
                index = ManagerIndex;
            }
        }

        if (State.DebugAt <= best && State.DebugAt != VirtualTime.Never)
        {
            best = State.DebugAt;
            index = DebugIndex;
        }

        if (State.WatchdogAt < best)
        {
            best = State.WatchdogAt;
            index = WatchdogIndex;
        }

        return best;
    }

    /// <summary>Does one thing: an instruction, the end of a wait, a debug instruction, the watchdog.</summary>
    private Progress Act(int index, long time)
    {
        bool exact = time == Simulation.Now;
        if (!exact && (index > ManagerIndex || State.LockupSignalled != 0))
        {
            return Progress.TooEarly;
        }

        if (index == DebugIndex)
        {
            ExecuteDebugInstruction(time);
            _endBatch = true;
            return Progress.Executed;
        }

        if (index == WatchdogIndex)
        {
            ReportLockup(time);
            _endBatch = true;
            return Progress.Moved;
        }

        ref Dma330Thread thread = ref State.Threads[index];
        switch (thread.Status)
        {
            case Dma330ThreadStatus.Completing:
            case Dma330ThreadStatus.Killing:
                Stop(index, time);
                return Progress.Moved;
            case Dma330ThreadStatus.FaultingCompleting:
                SetStatus(index, Dma330ThreadStatus.Faulting);
                WakeAt(index, VirtualTime.Never);
                return Progress.Moved;
        }

        if (thread.Access > Dma330Access.Fetch)
        {
            return exact ? ContinueAccess(ref thread, index, time) : Progress.TooEarly;
        }

        if (thread.ResumeLength != 0)
        {
            thread.Pc += thread.ResumeLength;
            thread.ResumeLength = 0;
            SetStatus(index, Dma330ThreadStatus.Executing);
        }
        else if (thread.Status == Dma330ThreadStatus.WaitingForPeripheral)
        {
            SetStatus(index, Dma330ThreadStatus.Executing);
        }

        return ExecuteNext(ref thread, index, time);
    }

    private void WakeAt(int index, long time)
    {
        State.Threads[index].WakeAt = time;
        uint bit = 1U << index;
        State.Runnable = time == VirtualTime.Never ? State.Runnable & ~bit : State.Runnable | bit;
    }

    /// <summary>The thread is past an instruction and will be ready for the next one after some cycles.</summary>
    private Progress Advance(ref Dma330Thread thread, int index, long time, int lengthBytes, int cycles)
    {
        thread.Pc += (uint)lengthBytes;
        Serve(index, time);
        WakeAt(index, time + cycles * _cycle);
        return Progress.Executed;
    }

    /// <summary>The thread stays in its instruction until a time, or until something wakes it.</summary>
    private Progress Wait(
        ref Dma330Thread thread,
        int index,
        long time,
        int lengthBytes,
        Dma330ThreadStatus status,
        long until
    )
    {
        thread.ResumeLength = (byte)lengthBytes;
        SetStatus(index, status);
        Serve(index, time);
        WakeAt(index, until);
        return Progress.Executed;
    }

    private void Serve(int index, long time)
    {
        State.NextSlot = time + _cycle;
        if (index == ManagerIndex)
        {
            State.ManagerServedLast = 1;
        }
        else
        {
            State.ManagerServedLast = 0;
            State.LastChannel = (byte)index;
        }
    }

    private void Stall(ref Dma330Thread thread, int index, Dma330Stall reason)
    {
        thread.Stall = reason;
        State.Stalled |= 1U << index;
        WakeAt(index, VirtualTime.Never);
    }

    /// <summary>Has the stalled channels try their DMALD again.</summary>
    private void RetryStalled(Dma330Stall reason, long time)
    {
        for (uint bits = State.Stalled; bits != 0; bits &= bits - 1)
        {
            int index = BitOperations.TrailingZeroCount(bits);
            if (State.Threads[index].Stall == reason)
            {
                Unstall(index);
                WakeAt(index, time + _cycle);
            }
        }
    }

    private void Unstall(int index)
    {
        State.Threads[index].Stall = Dma330Stall.None;
        State.Stalled &= ~(1U << index);
        if (State.Stalled == 0)
        {
            State.WatchdogAt = VirtualTime.Never;
        }

        if (State.LockupSignalled != 0)
        {
            State.LockupSignalled = 0;
            DriveAbortLine();
        }
    }

    private void ReleaseLoadLock(int index, long time)
    {
        if (State.LoadLock == index)
        {
            State.LoadLock = Dma330State.NoChannel;
            RetryStalled(Dma330Stall.LoadLock, time);
        }
    }

    private void SetStatus(int index, Dma330ThreadStatus status)
    {
        ref Dma330Thread thread = ref State.Threads[index];
        if (thread.Status == status)
        {
            return;
        }

        if (Trace.IsOn)
        {
            Trace.Emit(
                Kinds.State,
                Name,
                TraceField.Of("thread", NameOf(index)),
                TraceField.Of("from", thread.Status.ToString()),
                TraceField.Of("to", status.ToString()),
                TraceField.Hex("pc", thread.Pc)
            );
        }

        thread.Status = status;
    }
}
