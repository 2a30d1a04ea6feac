using System.Diagnostics;

namespace Emulator.Machine;

/// <summary>Something that events are delivered to: a device, a timer, a wait with a deadline.</summary>
public interface IEventTarget
{
    /// <summary>The name shown in traces and in the answer to "who waits for what".</summary>
    string Name { get; }

    /// <summary>Called when the clock has reached the event's time.</summary>
    /// <param name="code">What the target itself put in when it scheduled the event.</param>
    /// <param name="argument">Likewise.</param>
    void OnEvent(int code, ulong argument);
}

/// <summary>A pending event: a value, never a closure, so that it can be listed, compared and replayed.</summary>
/// <param name="Time">When, in picoseconds.</param>
/// <param name="Order">The order of scheduling, which decides between events of the same time.</param>
/// <param name="Target">Who is called.</param>
/// <param name="Code">The target's own code.</param>
/// <param name="Argument">The target's own argument.</param>
[DebuggerDisplay("{Target.Name} code {Code} at {Time} ps")]
public readonly record struct PendingEvent(long Time, long Order, IEventTarget Target, int Code, ulong Argument);

/// <summary>Names a scheduled event, to cancel it. The default value names none.</summary>
public readonly record struct EventHandle(int Slot, long Order);

/// <summary>
/// The queue of pending events, ordered by (time, order of scheduling): a binary heap whose entries know their place,
/// so that cancelling is as cheap as adding and a cancelled event leaves nothing behind.
/// </summary>
public sealed class EventQueue
{
    private PendingEvent[] _heap = new PendingEvent[16];
    private int[] _slotOfEntry = new int[16];
    private int[] _placeOfSlot = new int[16];
    private readonly Stack<int> _freeSlots = new();
    private int _slots;
    private long _order;

    /// <summary>How many events are pending.</summary>
    public int Count { get; private set; }

    /// <summary>The time of the earliest event, or <see cref="VirtualTime.Never"/>.</summary>
    public long NextTime => Count == 0 ? VirtualTime.Never : _heap[0].Time;

    /// <summary>All pending events in the order in which they will happen.</summary>
    public IReadOnlyList<PendingEvent> Pending =>
        [.. _heap.Take(Count).OrderBy(pending => pending.Time).ThenBy(pending => pending.Order)];

    /// <summary>Adds an event.</summary>
    public EventHandle Add(long time, IEventTarget target, int code, ulong argument)
    {
        if (Count == _heap.Length)
        {
            Array.Resize(ref _heap, Count * 2);
            Array.Resize(ref _slotOfEntry, Count * 2);
        }

        if (!_freeSlots.TryPop(out int slot))
        {
            slot = _slots++;
            if (slot == _placeOfSlot.Length)
            {
                Array.Resize(ref _placeOfSlot, slot * 2);
            }
        }

        long order = ++_order;
        int place = Count++;
        Put(place, new PendingEvent(time, order, target, code, argument), slot);
        SiftUp(place);
        return new EventHandle(slot, order);
    }

    /// <summary>Removes an event. False when it has happened or was cancelled before.</summary>
    public bool Cancel(EventHandle handle)
    {
        if (handle.Order == 0 || handle.Slot >= _slots)
        {
            return false;
        }

        int place = _placeOfSlot[handle.Slot];
        if (place >= Count || _slotOfEntry[place] != handle.Slot || _heap[place].Order != handle.Order)
        {
            return false;
        }

        RemoveAt(place);
        return true;
    }

    /// <summary>Takes the earliest event.</summary>
    /// <exception cref="InvalidOperationException">The queue is empty.</exception>
    public PendingEvent Take()
    {
        if (Count == 0)
        {
            throw new InvalidOperationException("No event is pending.");
        }

        PendingEvent first = _heap[0];
        RemoveAt(0);
        return first;
    }

    private static bool Before(in PendingEvent left, in PendingEvent right) =>
        left.Time < right.Time || (left.Time == right.Time && left.Order < right.Order);

    private void RemoveAt(int place)
    {
        _freeSlots.Push(_slotOfEntry[place]);
        int last = --Count;
        if (place != last)
        {
            Put(place, _heap[last], _slotOfEntry[last]);
            SiftDown(place);
            SiftUp(place);
        }

        _heap[last] = default;
    }

    private void Put(int place, in PendingEvent pending, int slot)
    {
        _heap[place] = pending;
        _slotOfEntry[place] = slot;
        _placeOfSlot[slot] = place;
    }

    private void Swap(int a, int b)
    {
        PendingEvent pending = _heap[a];
        int slot = _slotOfEntry[a];
        Put(a, _heap[b], _slotOfEntry[b]);
        Put(b, pending, slot);
    }

    private void SiftUp(int place)
    {
        while (place > 0)
        {
            int parent = (place - 1) / 2;
            if (!Before(_heap[place], _heap[parent]))
            {
                return;
            }

            Swap(place, parent);
            place = parent;
        }
    }

    private void SiftDown(int place)
    {
        while (true)
        {
            int child = place * 2 + 1;
            if (child >= Count)
            {
                return;
            }

            if (child + 1 < Count && Before(_heap[child + 1], _heap[child]))
            {
                child++;
            }

            if (!Before(_heap[child], _heap[place]))
            {
                return;
            }

            Swap(place, child);
            place = child;
        }
    }
}
