using System.Diagnostics;
using System.Runtime.CompilerServices;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>Dual-Timer Module (SP804), after Arm DDI 0271. The counters are computed when read.</summary>
/// <remarks>
/// Properties: <c>emulator,clock-hz</c>, the rate of TIMCLK as enabled by TIMCLKEN (1 MHz); <c>emulator,separate-interrupts</c>
/// (0; 1 where TIMINT1 and TIMINT2 are wired instead of the combined TIMINTC). A period lasts TimerLoad ticks, as the
/// manual's formula for it has it.
/// </remarks>
[DebuggerDisplay("{Name,nq} {ValueOf(0)} {ValueOf(1)}")]
public sealed class Sp804 : Device<Sp804.Registers>, IEventTarget
{
    private const uint OneShot = 1 << 0;
    private const uint Is32Bits = 1 << 1;
    private const uint InterruptEnable = 1 << 5;
    private const uint Periodic = 1 << 6;
    private const uint Enable = 1 << 7;
    private const uint ControlAfterReset = InterruptEnable;

    // csharpier-ignore
    private static readonly RegisterMap<Sp804, Registers> Map = new RegisterMap<Sp804, Registers>("SP804", size: 0x1000)
        .ReadWrite(0x000, 2, 0x20, "Timer{0}Load",    (timers, n) => timers.State.Timers[n].Load,    (timers, n, value) => timers.WriteLoad(n, (uint)value))
        .ReadOnly (0x004, 2, 0x20, "Timer{0}Value",   (timers, n) => timers.ValueOf(n),              reset: 0xFFFF_FFFF)
        .ReadWrite(0x008, 2, 0x20, "Timer{0}Control", (timers, n) => timers.State.Timers[n].Control, (timers, n, value) => timers.WriteControl(n, (uint)value), fields: "OneShot[0] TimerSize[1] TimerPre[3:2] IntEnable[5] TimerMode[6] TimerEn[7]", reset: ControlAfterReset)
        .WriteOnly(0x00C, 2, 0x20, "Timer{0}IntClr",  (timers, n, _) => timers.ClearInterrupt(n))
        .ReadOnly (0x010, 2, 0x20, "Timer{0}RIS",     (timers, n) => timers.RawOf(n))
        .ReadOnly (0x014, 2, 0x20, "Timer{0}MIS",     (timers, n) => timers.RawOf(n) & timers.State.Timers[n].Control >> 5)
        .ReadWrite(0x018, 2, 0x20, "Timer{0}BGLoad",  (timers, n) => timers.State.Timers[n].Load,    (timers, n, value) => timers.WriteBackgroundLoad(n, (uint)value))
        .Unmodelled(0xF00, "TimerITCR")
        .Unmodelled(0xF04, "TimerITOP")
        .Constant (0xFE0, "TimerPeriphID0", 0x04)
        .Constant (0xFE4, "TimerPeriphID1", 0x18)
        .Constant (0xFE8, "TimerPeriphID2", 0x14)
        .Constant (0xFEC, "TimerPeriphID3", 0x00)
        .Constant (0xFF0, "TimerPCellID0",  0x0D)
        .Constant (0xFF4, "TimerPCellID1",  0xF0)
        .Constant (0xFF8, "TimerPCellID2",  0x05)
        .Constant (0xFFC, "TimerPCellID3",  0xB1);

    private readonly TickClock _clock;
    private readonly InterruptLine? _combined;
    private readonly InterruptLine[] _separate = [];
    private readonly EventHandle[] _expiries = new EventHandle[2];

    /// <summary>Makes the two timers.</summary>
    public Sp804(DeviceContext context)
        : base(context)
    {
        _clock = TickClock.Of(context, 1_000_000);
        if (context.Cell("emulator,separate-interrupts", 0) != 0)
        {
            _separate = [context.Interrupt(0, "TIMINT1"), context.Interrupt(1, "TIMINT2")];
        }
        else
        {
            _combined = context.Interrupt(0, "TIMINTC");
        }

        var window = new RegisterWindow<Sp804, Registers>(this, Map);
        Windows = [window];
        context.MapRegisters(0, window);
        Reset();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<IRegisterWindow> Windows { get; }

    /// <inheritdoc/>
    public override void Reset()
    {
        State = default;
        for (int n = 0; n < 2; n++)
        {
            Simulation.Cancel(_expiries[n]);
            State.Timers[n].Control = ControlAfterReset;
            State.Timers[n].Base = uint.MaxValue;
        }

        DriveLines();
    }

    /// <inheritdoc/>
    void IEventTarget.OnEvent(int code, ulong argument) => Rearm(code);

    private static uint Prescale(Timer timer) =>
        (timer.Control >> 2 & 3) switch
        {
            0 => 1,
            1 => 16,
            _ => 256,
        };

    private static uint Mask(Timer timer) => (timer.Control & Is32Bits) != 0 ? uint.MaxValue : 0xFFFF;

    /// <summary>What the counter starts from when it has reached zero.</summary>
    private static long Period(Timer timer) =>
        (timer.Control & Periodic) != 0 ? Math.Max(1, timer.Load & Mask(timer)) : Mask(timer) + 1L;

    private static bool IsRunning(Timer timer) => (timer.Control & Enable) != 0 && !timer.IsHalted;

    private uint ValueOf(int n)
    {
        Advance(n);
        return State.Timers[n].Base;
    }

    private uint RawOf(int n)
    {
        Advance(n);
        return State.Timers[n].Raw;
    }

    /// <summary>Brings a timer's value up to now, over as many zeros as there were.</summary>
    private void Advance(int n)
    {
        ref Timer timer = ref State.Timers[n];
        if (!IsRunning(timer))
        {
            return;
        }

        long now = _clock.TicksAt(Simulation.Now, Prescale(timer));
        long passed = now - timer.BaseTick;
        timer.BaseTick = now;
        long toZero = TicksToZero(timer);
        if (passed < toZero)
        {
            timer.Base = (uint)((timer.Base & Mask(timer)) - passed & Mask(timer));
            return;
        }

        timer.Raw = 1;
        timer.LoadedWithZero = 0;
        if ((timer.Control & OneShot) != 0)
        {
            timer.Halted = 1;
            timer.Base = 0;
            return;
        }

        long period = Period(timer);
        long sinceZero = (passed - toZero) % period;
        timer.Base = (timer.Control & Periodic) != 0 ? (uint)(period - sinceZero) : (uint)(-sinceZero & Mask(timer));
    }

    /// <summary>A counter that stands at zero, in free-running mode, has a whole round to go.</summary>
    private static long TicksToZero(Timer timer)
    {
        uint value = timer.Base & Mask(timer);
        return value != 0 ? value
            : timer.IsLoadedWithZero ? 0
            : Mask(timer) + 1L;
    }

    /// <summary>Schedules the next zero, unless the interrupt stands already and another would change nothing.</summary>
    private void Rearm(int n)
    {
        Advance(n);
        Simulation.Cancel(_expiries[n]);
        ref Timer timer = ref State.Timers[n];
        if (IsRunning(timer) && timer.Raw == 0)
        {
            long time = _clock.TimeOf(timer.BaseTick + TicksToZero(timer), Prescale(timer));
            if (time != VirtualTime.Never)
            {
                _expiries[n] = Simulation.Schedule(Math.Max(time, Simulation.Now), this, n);
            }
        }

        DriveLines();
    }

    private void WriteLoad(int n, uint value)
    {
        ref Timer timer = ref State.Timers[n];
        timer.Load = value;
        timer.Base = value;
        timer.BaseTick = _clock.TicksAt(Simulation.Now, Prescale(timer));
        timer.Halted = 0;
        timer.LoadedWithZero = (value & Mask(timer)) == 0 ? 1u : 0;
        Rearm(n);
    }

    private void WriteBackgroundLoad(int n, uint value)
    {
        Advance(n);
        State.Timers[n].Load = value;
        Rearm(n);
    }

    private void WriteControl(int n, uint value)
    {
        Advance(n);
        ref Timer timer = ref State.Timers[n];
        timer.Control = value & 0xEF;
        timer.BaseTick = _clock.TicksAt(Simulation.Now, Prescale(timer));
        Rearm(n);
    }

    private void ClearInterrupt(int n)
    {
        Advance(n);
        State.Timers[n].Raw = 0;
        Rearm(n);
    }

    private void DriveLines()
    {
        bool first = IsInterrupting(State.Timers[0]);
        bool second = IsInterrupting(State.Timers[1]);
        _combined?.Set(first || second);
        if (_separate is [var one, var two])
        {
            one.Set(first);
            two.Set(second);
        }
    }

    private static bool IsInterrupting(Timer timer) => (timer.Raw & timer.Control >> 5) != 0;

    /// <summary>The two timers.</summary>
    [InlineArray(2)]
    public struct TimerPair
    {
        private Timer _first;
    }

    /// <summary>What one timer remembers.</summary>
    public struct Timer
    {
        /// <summary>The tick at which the counter had the value <see cref="Base"/>.</summary>
        public long BaseTick;

        /// <summary>The counter's value then, and still while it stands.</summary>
        public uint Base;

        /// <summary>TimerLoad and TimerBGLoad.</summary>
        public uint Load;

        /// <summary>TimerControl.</summary>
        public uint Control;

        /// <summary>TimerRIS.</summary>
        public uint Raw;

        /// <summary>1 after a one-shot has reached zero.</summary>
        public uint Halted;

        /// <summary>1 from the load of a zero, which interrupts at once, until it has.</summary>
        public uint LoadedWithZero;

        internal readonly bool IsHalted => Halted != 0;

        internal readonly bool IsLoadedWithZero => LoadedWithZero != 0;
    }

    /// <summary>What the module remembers.</summary>
    public struct Registers
    {
        /// <summary>The timers.</summary>
        public TimerPair Timers;
    }
}
