using System.Diagnostics;

namespace Emulator.Machine;

/// <summary>Why a waiting process was called again.</summary>
public enum WakeReason
{
    /// <summary>It was not woken: this is the first attempt.</summary>
    FirstAttempt,

    /// <summary>What it waits for may have happened. May be spurious: look again.</summary>
    Condition,

    /// <summary>Its deadline has passed.</summary>
    Deadline,

    /// <summary>A signal was sent to it.</summary>
    Signal,
}

/// <summary>
/// What an attempt at a call gives: a value, or "blocked on this queue until this deadline", after which the call is
/// simply attempted again. So a kernel is plain synchronous code, and who called it decides how to wait.
/// </summary>
/// <param name="Value">The result, if not blocked.</param>
/// <param name="WaitsOn">The queue that will wake the caller; null if not blocked.</param>
/// <param name="Deadline">The time at which it is woken anyway, in picoseconds, or <see cref="VirtualTime.Never"/>.</param>
public readonly record struct Attempt(long Value, WaitQueue? WaitsOn, long Deadline)
{
    /// <summary>Whether the caller has to wait.</summary>
    public bool IsBlocked => WaitsOn is not null;

    /// <summary>The call is done and returns this.</summary>
    public static implicit operator Attempt(long value) => FromInt64(value);

    /// <summary>The call is done and returns this.</summary>
    public static Attempt FromInt64(long value) => new(value, null, VirtualTime.Never);

    /// <summary>The call has to wait.</summary>
    public static Attempt Block(WaitQueue queue, long deadline = VirtualTime.Never) => new(0, queue, deadline);
}

/// <summary>Where processes wait, named as the kernel names it (<c>n_tty_read</c>): <c>ps</c> and diagnoses show it.</summary>
[DebuggerDisplay("{Name,nq}: {Waiters.Count} waiting")]
public sealed class WaitQueue(string name)
{
    private readonly LinkedList<SimulatedProcess> _waiters = new();

    /// <summary>The name of the wait channel.</summary>
    public string Name { get; } = name;

    /// <summary>
    /// A queue whose waiters are woken with those of this one: where those wait who wait for several things at once. Their
    /// calls look again at everything, so that one such queue serves a whole kernel.
    /// </summary>
    public WaitQueue? AlsoWakes { get; set; }

    /// <summary>Who waits, in order of arrival.</summary>
    public IReadOnlyCollection<SimulatedProcess> Waiters => _waiters;

    /// <summary>Wakes everybody who waits here.</summary>
    public void WakeAll()
    {
        while (_waiters.First is { } first)
        {
            first.Value.Wake(WakeReason.Condition);
        }

        AlsoWakes?.WakeAll();
    }

    /// <summary>Wakes the one who has waited longest. False when nobody waits.</summary>
    public bool WakeOne()
    {
        AlsoWakes?.WakeAll();
        if (_waiters.First is not { } first)
        {
            return false;
        }

        first.Value.Wake(WakeReason.Condition);
        return true;
    }

    internal LinkedListNode<SimulatedProcess> Add(SimulatedProcess process) => _waiters.AddLast(process);

    internal void Remove(LinkedListNode<SimulatedProcess> place) => _waiters.Remove(place);
}
