using System.Diagnostics;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>
/// Work put off until the interrupt handler or system call at hand is done (struct tasklet_struct, kernel/softirq.c). It
/// runs once however often it was scheduled before, at the same virtual time.
/// </summary>
[DebuggerDisplay("{Name,nq}, scheduled: {_isScheduled}")]
public sealed class Tasklet(Simulation simulation, string name, Action run) : IEventTarget
{
    private EventHandle _event;
    private bool _isScheduled;

    /// <inheritdoc/>
    public string Name { get; } = name;

    /// <summary>tasklet_schedule.</summary>
    public void Schedule()
    {
        if (!_isScheduled)
        {
            _isScheduled = true;
            _event = simulation.ScheduleAfter(0, this);
        }
    }

    /// <summary>tasklet_kill: it does not run any more, unless it is scheduled anew.</summary>
    public void Kill()
    {
        if (_isScheduled)
        {
            _isScheduled = false;
            simulation.Cancel(_event);
        }
    }

    /// <inheritdoc/>
    void IEventTarget.OnEvent(int code, ulong argument)
    {
        _isScheduled = false;
        run();
    }
}
