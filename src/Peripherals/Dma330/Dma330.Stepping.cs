using System.Diagnostics;
using System.Runtime.CompilerServices;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// How the engine is driven: in batches that end before anybody could look, or one instruction at a time. Both leave the
/// same state at the same times and count the same actions.
/// </summary>
public sealed partial class Dma330
{
    /// <summary>How many actions one event runs at most, so that an endless program leaves the host responsive.</summary>
    private const int BatchBudget = 200_000;

    private long _batchNow;
    private long _batchHorizon;
    private int _batchBudget;
    private int _batchDone;
    private bool _stepWithinBatch;

    /// <summary>
    /// Whether every instruction goes through <see cref="Step"/>, so that a breakpoint there sees each of them. True while
    /// a trace listens, and with a managed debugger attached when the controller was made; whoever wants to watch memory
    /// between instructions sets it. It chooses a path and never a result.
    /// </summary>
    public bool StepsEachInstruction
    {
        get => field || Trace.IsOn;
        set;
    } = Debugger.IsAttached;

    /// <summary>What <see cref="Step"/> will execute.</summary>
    public Dma330Upcoming Upcoming
    {
        get
        {
            long time = NextAction(out int index);
            return new Dma330Upcoming(this, index, time);
        }
    }

    /// <summary>
    /// Executes exactly one instruction of the thread whose turn it is (and what must happen before it), if its time lies
    /// before anything else that is pending. This is the place for a breakpoint: <c>upcoming</c> shows the thread, its PC
    /// and instruction, the bursts under way and the MFIFO.
    /// </summary>
    /// <returns>False if no instruction could be executed now, because something else must happen first.</returns>
    public bool Step()
    {
        bool withinBatch = _stepWithinBatch;
        _stepWithinBatch = false;
        if (!withinBatch && !BeginBatch(BatchBudget))
        {
            return false;
        }

        _repeatsInBulk = false;
        Dma330Upcoming upcoming = Upcoming;
        Progress progress;
        do
        {
            progress = ActNext(upcoming.Index, upcoming.Time);
            if (progress != Progress.Moved || IsBatchOver)
            {
                break;
            }

            upcoming = Upcoming;
        } while (true);

        if (!withinBatch)
        {
            EndBatch();
        }

        return progress == Progress.Executed;
    }

    /// <inheritdoc/>
    void IEventTarget.OnEvent(int code, ulong argument)
    {
        _nextActionAt = VirtualTime.Never;
        _nextAction = default;
        int budget = Trace.IsOn ? 1 : (int)Math.Clamp(Simulation.ActionsLeft, 1, BatchBudget);
        if (!BeginBatch(budget))
        {
            return;
        }

        if (StepsEachInstruction)
        {
            do
            {
                _stepWithinBatch = true;
            } while (Step() && !IsBatchOver);
        }
        else
        {
            RunBatch();
        }

        EndBatch();
    }

    private bool IsBatchOver => _endBatch || _batchDone >= _batchBudget;

    private bool BeginBatch(int budget)
    {
        if (_running)
        {
            return false;
        }

        CancelNextAction();
        _running = true;
        _endBatch = false;
        ForgetSpans();
        _batchNow = Simulation.Now;
        _batchHorizon = Trace.IsOn ? Math.Min(Simulation.Horizon, _batchNow + 1) : Simulation.Horizon;
        _batchBudget = budget;
        _repeatsInBulk = !StepsEachInstruction;
        _isTraced = Trace.IsOn;
        ForgetSlotOrder();
        _batchDone = 0;
        return true;
    }

    private void EndBatch()
    {
        ForgetSpans();
        _running = false;
        Simulation.CountActions(_batchDone);
        ScheduleNextAction();
    }

    private void RunBatch()
    {
        while (!IsBatchOver)
        {
            RunFast();
            if (IsBatchOver)
            {
                return;
            }

            long time = NextAction(out int index);
            if (ActNext(index, time) == Progress.TooEarly)
            {
                return;
            }
        }
    }

    /// <summary>Does the next thing, unless its time is one at which somebody else may come first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Progress ActNext(int index, long time)
    {
        if (time == VirtualTime.Never || (time >= _batchHorizon && (time > _batchNow || _batchDone > 0)))
        {
            return Progress.TooEarly;
        }

        time = Math.Max(time, _batchNow);
        if (
            index < ManagerIndex
            && IsFastPathOpen
            && time < _batchHorizon
            && ActFast(index, time, _batchHorizon) is var fast and not Progress.TooEarly
        )
        {
            return fast;
        }

        Progress progress = Act(index, time);
        if (progress != Progress.TooEarly)
        {
            State.LastActionAt = time;
            _batchDone++;
        }

        return progress;
    }
}
