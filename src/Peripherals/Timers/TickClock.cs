using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// The edges of a clock, counted from the beginning of virtual time, so that a counter never drifts although a cycle need not
/// be a whole number of picoseconds.
/// </summary>
/// <param name="Hertz">The frequency.</param>
internal readonly record struct TickClock(uint Hertz)
{
    /// <summary>The clock that <c>emulator,clock-hz</c> of a node gives, or the usual one.</summary>
    /// <exception cref="BoardException">A clock of 0 Hz.</exception>
    public static TickClock Of(DeviceContext context, uint otherwise)
    {
        uint hertz = context.Cell("emulator,clock-hz", otherwise);
        return hertz != 0
            ? new TickClock(hertz)
            : throw new BoardException($"{context.Name}: emulator,clock-hz is 0; a clock has at least 1 Hz");
    }

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
