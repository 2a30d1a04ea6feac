using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// The edges of a clock, counted from the beginning of virtual time, so that a counter never drifts although a cycle need not
/// be a whole number of picoseconds.
/// </summary>
/// <param name="Hertz">The frequency.</param>
internal readonly record struct TickClock(uint Hertz)
{
    /// <summary>How many edges of the clock, divided by <paramref name="prescale"/>, there were until a time.</summary>
    public long TicksAt(long time, uint prescale = 1) =>
        (long)((Int128)time * Hertz / ((Int128)VirtualTime.Second * prescale));

    /// <summary>When an edge comes; <see cref="VirtualTime.Never"/> when that is after the end of time.</summary>
    public long TimeOf(long tick, uint prescale = 1)
    {
        Int128 time = ((Int128)tick * VirtualTime.Second * prescale + Hertz - 1) / Hertz;
        return time >= VirtualTime.Never ? VirtualTime.Never : (long)time;
    }
}
