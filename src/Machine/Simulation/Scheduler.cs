using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace Emulator.Machine;

/// <summary>Nothing can ever happen again and somebody still waits. The message names who waits for what.</summary>
public sealed class NothingCanHappenException : Exception
{
    /// <summary>Creates the exception.</summary>
    public NothingCanHappenException(string message)
        : base(message) { }

    /// <summary>Creates the exception.</summary>
    public NothingCanHappenException()
        : this("Nothing can ever happen again.") { }

    /// <summary>Creates the exception.</summary>
    public NothingCanHappenException(string message, Exception innerException)
        : base(message, innerException) { }
}

/// <summary>
/// One thread of control of the simulated world: a process of a kernel, a shell job, a scenario step. It waits on
/// <see cref="WaitQueue"/>s; its program, if it has one, is an async method that awaits nothing but <see cref="Do"/>.
/// </summary>
[DebuggerDisplay("{Name,nq} {Condition,nq}")]
public sealed class SimulatedProcess
{
    private readonly Scheduler _scheduler;
    private LinkedListNode<SimulatedProcess>? _place;
    private EventHandle _deadline;
    private WakeReason _reason;
    private bool _signalled;

    internal SimulatedProcess(Scheduler scheduler, int id, string name)
    {
        _scheduler = scheduler;
        Id = id;
        Name = name;
    }

    /// <summary>A number that no other process of the simulation has or had.</summary>
    public int Id { get; }

    /// <summary>The name shown in diagnoses.</summary>
    public string Name { get; }

    /// <summary>The queue it waits on, or null when it runs or is ready.</summary>
    public WaitQueue? WaitsOn { get; private set; }

    /// <summary>Whether its program has ended. A process without a program never ends by itself.</summary>
    public bool HasEnded { get; internal set; }

    /// <summary>What it is doing, for a person: "waits in n_tty_read".</summary>
    public string Condition =>
        HasEnded ? "has ended"
        : WaitsOn is { } queue ? $"waits in {queue.Name}"
        : "runs";

    internal Action? Resume { get; set; }

    /// <summary>Attempts a call until it does not block, letting the world go on in between.</summary>
    /// <param name="call">The call; it is told why it is attempted again.</param>
    public CallInProgress Do(Func<WakeReason, Attempt> call)
    {
        ArgumentNullException.ThrowIfNull(call);
        return new CallInProgress(this, call);
    }

    /// <summary>
    /// Sends a signal: a waiting process is woken at once with <see cref="WakeReason.Signal"/>; one that does not wait gets
    /// it when it next blocks.
    /// </summary>
    public void Signal()
    {
        if (WaitsOn is null)
        {
            _signalled = true;
        }
        else
        {
            Wake(WakeReason.Signal);
        }
    }

    internal WakeReason TakeWakeReason()
    {
        WakeReason reason = _reason;
        _reason = WakeReason.FirstAttempt;
        return reason;
    }

    internal void Park(in Attempt attempt, Action resume)
    {
        Resume = resume;
        WaitsOn = attempt.WaitsOn;
        _place = WaitsOn!.Add(this);
        if (attempt.Deadline != VirtualTime.Never)
        {
            _deadline = _scheduler.ScheduleDeadline(this, attempt.Deadline);
        }

        if (_signalled)
        {
            _signalled = false;
            Wake(WakeReason.Signal);
        }
    }

    internal void Wake(WakeReason reason)
    {
        if (Withdraw())
        {
            _reason = reason;
            _scheduler.MakeReady(this);
        }
    }

    /// <summary>Stops waiting without being woken. False when it did not wait.</summary>
    internal bool Withdraw()
    {
        if (WaitsOn is not { } queue)
        {
            return false;
        }

        queue.Remove(_place!);
        WaitsOn = null;
        _place = null;
        _scheduler.CancelDeadline(_deadline);
        _deadline = default;
        return true;
    }
}

/// <summary>A call that a process has made and may have to wait in; awaiting it gives the call's value.</summary>
public sealed class CallInProgress : INotifyCompletion
{
    private readonly SimulatedProcess _process;
    private readonly Func<WakeReason, Attempt> _call;
    private Attempt _last;
    private ExceptionDispatchInfo? _failure;

    internal CallInProgress(SimulatedProcess process, Func<WakeReason, Attempt> call)
    {
        _process = process;
        _call = call;
        _last = call(WakeReason.FirstAttempt);
    }

    /// <summary>Whether the call has its value.</summary>
    public bool IsCompleted => !_last.IsBlocked;

    /// <summary>For <c>await</c>.</summary>
    public CallInProgress GetAwaiter() => this;

    /// <summary>The call's value; what the call threw is thrown here, inside the program.</summary>
    public long GetResult()
    {
        _failure?.Throw();
        return _last.Value;
    }

    /// <summary>For <c>await</c>: what goes on when the call has its value.</summary>
    public void OnCompleted(Action continuation) => _process.Park(_last, () => TryAgain(continuation));

    private void TryAgain(Action continuation)
    {
        try
        {
            _last = _call(_process.TakeWakeReason());
        }
        catch (Exception exception)
        {
            _last = default;
            _failure = ExceptionDispatchInfo.Capture(exception);
        }

        if (_last.IsBlocked)
        {
            OnCompleted(continuation);
        }
        else
        {
            continuation();
        }
    }
}

/// <summary>
/// Runs the processes of a simulation, one at a time, in the order in which they became ready. It belongs to the
/// simulation, not to a kernel, so that a host's and a guest's processes take turns on one clock.
/// </summary>
[DebuggerDisplay("{_ready.Count} ready of {_processes.Count}")]
public sealed class Scheduler : IEventTarget
{
    private readonly Simulation _simulation;
    private readonly Queue<SimulatedProcess> _ready = new();
    private readonly List<SimulatedProcess> _processes = [];
    private ExceptionDispatchInfo? _failure;
    private int _lastId;
    private bool _running;
    private bool _calling;

    internal Scheduler(Simulation simulation) => _simulation = simulation;

    /// <inheritdoc/>
    public string Name => "scheduler";

    /// <summary>All processes that have not ended.</summary>
    public IReadOnlyList<SimulatedProcess> Processes => _processes;

    /// <summary>Creates a process without a program: a test or a scenario step that calls for itself.</summary>
    public SimulatedProcess Create(string name)
    {
        var process = new SimulatedProcess(this, ++_lastId, name);
        _processes.Add(process);
        return process;
    }

    /// <summary>Ends a process: it waits for nothing any more, and what it was about to do is not done.</summary>
    public void End(SimulatedProcess process)
    {
        ArgumentNullException.ThrowIfNull(process);
        process.Withdraw();
        process.Resume = null;
        process.HasEnded = true;
        _processes.Remove(process);
    }

    /// <summary>Starts a program. It begins when the simulation next runs.</summary>
    public SimulatedProcess Start(string name, Func<SimulatedProcess, Task> program)
    {
        ArgumentNullException.ThrowIfNull(program);
        SimulatedProcess process = Create(name);
        process.Resume = () => Run(process, program);
        _ready.Enqueue(process);
        return process;
    }

    /// <summary>
    /// Makes a call for the outermost driver, a test or a scenario step, and runs the world until it has its value.
    /// </summary>
    /// <exception cref="NothingCanHappenException">The call waits and nothing is left that could wake it.</exception>
    /// <exception cref="InvalidOperationException">Called from inside a running process: it would wait on its stack.</exception>
    public long Call(SimulatedProcess process, Func<WakeReason, Attempt> call)
    {
        ArgumentNullException.ThrowIfNull(process);
        ArgumentNullException.ThrowIfNull(call);
        if (_running || _calling)
        {
            throw new InvalidOperationException(
                "Only the outermost driver may wait by Call; a program awaits its process's Do."
            );
        }

        Attempt attempt = call(WakeReason.FirstAttempt);
        _calling = true;
        try
        {
            while (attempt.IsBlocked)
            {
                bool woken = false;
                process.Park(attempt, () => woken = true);
                if (_simulation.RunUntil(() => woken) == RunResult.NothingLeft)
                {
                    throw new NothingCanHappenException(Diagnosis());
                }

                attempt = call(process.TakeWakeReason());
            }
        }
        finally
        {
            _calling = false;
            process.Withdraw();
        }

        return attempt.Value;
    }

    /// <summary>Who waits for what, in words.</summary>
    public string Diagnosis() =>
        "Nothing can ever happen again: no event is pending and no process is ready. "
        + string.Join(
            "; ",
            _processes
                .Where(process => process.WaitsOn is not null)
                .Select(process => string.Create(CultureInfo.InvariantCulture, $"{process.Name} {process.Condition}"))
        )
        + ".";

    /// <inheritdoc/>
    void IEventTarget.OnEvent(int code, ulong argument) =>
        _processes.Find(process => process.Id == (int)argument)?.Wake(WakeReason.Deadline);

    internal EventHandle ScheduleDeadline(SimulatedProcess process, long deadline) =>
        _simulation.Schedule(Math.Max(deadline, _simulation.Now), this, 0, (ulong)process.Id);

    internal void CancelDeadline(EventHandle handle) => _simulation.Cancel(handle);

    internal void MakeReady(SimulatedProcess process) => _ready.Enqueue(process);

    /// <summary>
    /// Runs every ready process once; if one fails, its exception surfaces and the others stay ready. False when none was
    /// ready.
    /// </summary>
    internal bool RunReady()
    {
        if (_ready.Count == 0 || _running)
        {
            return false;
        }

        SynchronizationContext? context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        _running = true;
        try
        {
            for (int turn = _ready.Count; turn > 0 && _failure is null; turn--)
            {
                SimulatedProcess process = _ready.Dequeue();
                Action? resume = process.Resume;
                process.Resume = null;
                resume?.Invoke();
            }
        }
        finally
        {
            _running = false;
            SynchronizationContext.SetSynchronizationContext(context);
        }

        ExceptionDispatchInfo? failure = _failure;
        _failure = null;
        failure?.Throw();
        return true;
    }

    private async void Run(SimulatedProcess process, Func<SimulatedProcess, Task> program)
    {
        try
        {
            await program(process);
        }
        catch (Exception exception)
        {
            _failure = ExceptionDispatchInfo.Capture(exception);
        }
        finally
        {
            End(process);
        }
    }
}
