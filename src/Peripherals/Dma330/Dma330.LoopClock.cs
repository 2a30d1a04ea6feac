using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Emulator.Peripherals;

/// <summary>The time that iterations of a loop take.</summary>
public sealed partial class Dma330
{
    /// <summary>The clock of a loop, counted from its head.</summary>
    private struct LoopClock(Dma330 dma, LoopTime before)
    {
        private readonly long _cycle = dma._cycle;
        private SlotRing _reads = new(dma._readSlotMask, dma.Configuration.ReadCapability, before.Reads);
        private SlotRing _writes = new(dma._writeSlotMask, dma.Configuration.WriteCapability, before.Writes);

        /// <summary>When the next action can be.</summary>
        public long Time { get; private set; }

        /// <summary>When the last one was.</summary>
        public long Last { get; private set; }

        public int Actions { get; private set; }

        public long ReadsDone { get; private set; } = before.ReadsDone;

        public long WritesDone { get; private set; } = before.WritesDone;

        /// <summary>An instruction that waits for nothing.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Act(int cycles)
        {
            Last = Time;
            Actions++;
            Time += cycles * _cycle;
        }

        /// <summary>A burst of reads, when a slot is free.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Read(long length)
        {
            WaitForSlot(_reads.Earliest);
            long done = Time + length;
            _reads.Take(done);
            ReadsDone = Math.Max(ReadsDone, done);
            Act(1);
        }

        /// <summary>A burst of writes, when a slot is free; it is issued when all reads are over.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Write(long length)
        {
            WaitForSlot(_writes.Earliest);
            long done = Math.Max(Time, ReadsDone) + length;
            _writes.Take(done);
            WritesDone = Math.Max(WritesDone, done);
            Act(1);
        }

        /// <summary>A barrier.</summary>
        public void WaitUntil(long time)
        {
            Act(1);
            Time = Math.Max(Time, time);
        }

        /// <summary>Some more of the iterations done so far, each like all of them.</summary>
        public void Skip(int iterations)
        {
            Last += iterations * Time;
            Actions += iterations * Actions;
        }

        /// <summary>After so many iterations every slot has had its turn, and the same one is next, if they go round in turn.</summary>
        public static int PeriodOf(Dma330Configuration configuration) =>
            configuration.ReadCapability == configuration.WriteCapability
                ? configuration.ReadCapability
                : configuration.ReadCapability * configuration.WriteCapability;

        /// <summary>Whether everything is as it was, only later; then it goes on as it did from there.</summary>
        public readonly bool IsLike(ref readonly LoopClock earlier, LoopPlan plan)
        {
            long later = Time - earlier.Time;
            return (
                    plan.Loads
                        ? _reads.IsLike(in earlier._reads, later) && ReadsDone - earlier.ReadsDone == later
                        : ReadsDone <= earlier.Time
                )
                && (
                    !plan.Writes
                    || (_writes.IsLike(in earlier._writes, later) && WritesDone - earlier.WritesDone == later)
                )
                && Last - earlier.Last == later;
        }

        /// <summary>Some more times what has happened since.</summary>
        public void Repeat(ref readonly LoopClock earlier, int times)
        {
            long later = (Time - earlier.Time) * times;
            Actions += (Actions - earlier.Actions) * times;
            Time += later;
            Last += later;
            if (ReadsDone != earlier.ReadsDone)
            {
                _reads.Delay(later);
                ReadsDone += later;
            }

            if (WritesDone != earlier.WritesDone)
            {
                _writes.Delay(later);
                WritesDone += later;
            }
        }

        /// <summary>The slots, from where the loop began.</summary>
        public LoopTime After() =>
            new()
            {
                Reads = _reads.Slots,
                Writes = _writes.Slots,
                ReadsDone = ReadsDone,
                WritesDone = WritesDone,
            };

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void WaitForSlot(long free)
        {
            if (free > Time)
            {
                Last = Time;
                Actions++;
                Time = free;
            }
        }
    }

    /// <summary>
    /// Outstanding slots that are taken one after the other: the one that is free first is next to the one taken last, as
    /// long as bursts end in the order in which they begin. Where they do not, it is looked for.
    /// </summary>
    private struct SlotRing
    {
        private readonly Vector512<long> _mask;
        private readonly int _last;
        private Dma330SlotArray _slots;
        private long _newest;
        private int _next;
        private bool _inOrder;

        public SlotRing(Vector512<long> mask, int count, Vector512<long> slots)
        {
            _mask = mask;
            _last = count - 1;
            SlotsOf(ref _slots) = slots;
            _next = EarliestSlot(ref _slots, mask, out _);
            _inOrder = IsInOrder(ref _slots, _next, count);
            _newest = _slots[_next == 0 ? _last : _next - 1];
        }

        /// <summary>When a slot is free.</summary>
        public readonly long Earliest => _slots[_next];

        /// <summary>All of them.</summary>
        public Vector512<long> Slots => SlotsOf(ref _slots);

        /// <summary>Whether all slots are as they were, only later.</summary>
        public readonly bool IsLike(ref readonly SlotRing earlier, long later) =>
            _next == earlier._next
            && _inOrder == earlier._inOrder
            && SlotsOf(ref Unsafe.AsRef(in _slots))
                == Shift(SlotsOf(ref Unsafe.AsRef(in earlier._slots)), later, _mask);

        /// <summary>Makes all of it later.</summary>
        public void Delay(long time)
        {
            SlotsOf(ref _slots) = Shift(SlotsOf(ref _slots), time, _mask);
            _newest += time;
        }

        /// <summary>Takes the slot that is free first, until a time.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Take(long until)
        {
            _slots[_next] = until;
            if (_inOrder && until > _newest)
            {
                _newest = until;
                _next = _next == _last ? 0 : _next + 1;
            }
            else
            {
                _inOrder = false;
                _next = EarliestSlot(ref _slots, _mask, out _);
            }
        }
    }
}
