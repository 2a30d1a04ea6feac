using System.Runtime.CompilerServices;

namespace Emulator.Peripherals;

/// <summary>Which outstanding slot is taken next.</summary>
public sealed partial class Dma330
{
    /// <summary>The slots have been changed by other ways than the fast path.</summary>
    private void ForgetSlotOrder()
    {
        _readOrder = default;
        _writeOrder = default;
    }

    /// <summary>
    /// Slots are taken one after the other: the one that is free first is next to the one taken last, as long as bursts end
    /// in the order in which they begin. Where they do not, or where that is not known, all are looked at. This is
    /// knowledge about the state and no part of it.
    /// </summary>
    private struct SlotOrder
    {
        private long _newest;
        private int _next;
        private int _count;

        /// <summary>The slot that is free first, the lowest of several.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public int Next(ref Dma330SlotArray slots, int count) => _count != 0 ? _next : FindOut(ref slots, count);

        /// <summary>That slot has been taken until some time.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Took(long until)
        {
            if (until > _newest)
            {
                _newest = until;
                _next = _next + 1 == _count ? 0 : _next + 1;
            }
            else
            {
                _count = 0;
            }
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private int FindOut(ref Dma330SlotArray slots, int count)
        {
            int first = EarliestSlot(ref slots, count);
            _newest = slots[first == 0 ? count - 1 : first - 1];
            _next = first;
            _count = IsInOrder(ref slots, first, count) ? count : 0;
            if (_count == 0)
            {
                _newest = long.MaxValue;
            }

            return first;
        }
    }

    /// <summary>
    /// Whether slots become free one after the other, from one on. Of slots free at the same time the lowest goes first, so
    /// they must not lie across the end.
    /// </summary>
    private static bool IsInOrder(ref Dma330SlotArray slots, int first, int count)
    {
        int place = first;
        for (int n = 1; n < count; n++)
        {
            int following = place + 1 == count ? 0 : place + 1;
            if (slots[place] > slots[following] || (following == 0 && slots[place] == slots[0]))
            {
                return false;
            }

            place = following;
        }

        return true;
    }
}
