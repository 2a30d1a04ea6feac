using System.Diagnostics;

namespace Emulator.Machine;

/// <summary>How a run ended.</summary>
public enum RunResult
{
    /// <summary>The condition held, or the time was reached.</summary>
    Reached,

    /// <summary>The deadline passed before the condition held.</summary>
    DeadlinePassed,

    /// <summary>No event is pending and no process can run: nothing can ever happen again.</summary>
    NothingLeft,
}

/// <summary>
/// Owns the clock, the one event queue and the scheduler of waiting processes, shared by all machines of a scenario
/// (a guest's board included). Nothing below it reads a host clock or starts a thread, so that a run repeats exactly.
/// </summary>
/// <remarks>
/// Time moves only here. A device that works for many cycles at once asks <see cref="Horizon"/> how far it may run
/// before anybody could look, and schedules its continuation.
/// </remarks>
[DebuggerDisplay("{VirtualTime.Format(Now),nq}, {Events.Count} events pending")]
public sealed class Simulation
{
    private long _runLimit = VirtualTime.Never;

    /// <summary>Creates a simulation at time 0.</summary>
    public Simulation()
    {
        Trace = new Trace(this);
        Scheduler = new Scheduler(this);
    }

    /// <summary>The time now, in picoseconds.</summary>
    public long Now { get; private set; }

    /// <summary>The pending events.</summary>
    public EventQueue Events { get; } = new();

    /// <summary>Where every part reports what it does.</summary>
    public Trace Trace { get; }

    /// <summary>The processes of all kernels of this simulation.</summary>
    public Scheduler Scheduler { get; }

    /// <summary>
    /// How much has been done: an event counts one, and a device that does many things within one event counts each by
    /// <see cref="CountActions"/>. The number is the same whether a trace makes devices go step by step or not.
    /// </summary>
    public long Actions { get; private set; }

    /// <summary>How many actions may be done before whoever drives the simulation looks at <see cref="Actions"/> again.</summary>
    public long ActionLimit { get; set; } = long.MaxValue;

    /// <summary>What is left of <see cref="ActionLimit"/>. A device that runs ahead stops there.</summary>
    public long ActionsLeft => Math.Max(0, ActionLimit - Actions);

    /// <summary>
    /// The latest time up to which a device may run ahead within one event: the next pending event, or the limit of
    /// the run, whichever is first. Nobody can observe anything before it.
    /// </summary>
    public long Horizon => Math.Min(Events.NextTime, _runLimit);

    /// <summary>Schedules an event at an absolute time, which must not lie in the past.</summary>
    public EventHandle Schedule(long time, IEventTarget target, int code = 0, ulong argument = 0)
    {
        ArgumentNullException.ThrowIfNull(target);
        ArgumentOutOfRangeException.ThrowIfLessThan(time, Now);
        return Events.Add(time, target, code, argument);
    }

    /// <summary>Schedules an event <paramref name="delay"/> picoseconds from now.</summary>
    public EventHandle ScheduleAfter(long delay, IEventTarget target, int code = 0, ulong argument = 0) =>
        Schedule(VirtualTime.Add(Now, delay), target, code, argument);

    /// <summary>Counts what a device has done within one event, instead of the event.</summary>
    public void CountActions(long actions) => Actions += actions;

    /// <summary>Cancels an event. False when it has happened or was cancelled before.</summary>
    public bool Cancel(EventHandle handle) => Events.Cancel(handle);

    /// <summary>
    /// Runs one thing: the ready processes if there are any, else the next event if it is not later than
    /// <paramref name="limit"/>. False when there was neither.
    /// </summary>
    public bool RunOne(long limit = VirtualTime.Never)
    {
        if (Scheduler.RunReady())
        {
            return true;
        }

        if (Events.NextTime == VirtualTime.Never || Events.NextTime > limit)
        {
            return false;
        }

        long outerLimit = _runLimit;
        _runLimit = Math.Min(outerLimit, limit);
        try
        {
            PendingEvent next = Events.Take();
            Now = next.Time;
            long before = Actions;
            next.Target.OnEvent(next.Code, next.Argument);
            if (Actions == before)
            {
                Actions++;
            }

            Scheduler.RunReady();
        }
        finally
        {
            _runLimit = outerLimit;
        }

        return true;
    }

    /// <summary>Runs everything up to and including <paramref name="time"/>; the clock then stands there.</summary>
    public void RunUntil(long time)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(time, Now);
        while (RunOne(time)) { }
        Now = time;
    }

    /// <summary>Lets <paramref name="duration"/> picoseconds pass.</summary>
    public void RunFor(long duration) => RunUntil(VirtualTime.Add(Now, duration));

    /// <summary>
    /// Runs until <paramref name="condition"/> holds (tested first, then after every event), or until the deadline.
    /// When the deadline passes, the clock stands at it.
    /// </summary>
    public RunResult RunUntil(Func<bool> condition, long deadline = VirtualTime.Never)
    {
        ArgumentNullException.ThrowIfNull(condition);
        while (!condition())
        {
            if (RunOne(deadline))
            {
                continue;
            }

            if (deadline == VirtualTime.Never)
            {
                return RunResult.NothingLeft;
            }

            Now = Math.Max(Now, deadline);
            return RunResult.DeadlinePassed;
        }

        return RunResult.Reached;
    }
}
