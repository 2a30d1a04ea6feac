using System.Diagnostics;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// Watchdog Module (SP805), after Arm DDI 0270. The first time the counter runs out it interrupts; when it runs out again with
/// the interrupt still there, it asks for a reset.
/// </summary>
/// <remarks>
/// <c>emulator,clock-hz</c> is the rate of WDOGCLK (32768). The reset output is the line WDOGRES, which a board may wire; every
/// request is a warning in the trace, for a healthy run has none.
/// </remarks>
[DebuggerDisplay("{Name,nq} {Value}")]
public sealed class Sp805 : Device<Sp805.Registers>, IEventTarget
{
    private const uint InterruptEnable = 1 << 0;
    private const uint ResetEnable = 1 << 1;
    private const uint UnlockWord = 0x1ACC_E551;

    private static readonly TraceKind ResetRequest = new(
        "watchdog.reset",
        Severity.Warning,
        "the watchdog ran out twice and asks for a reset"
    );

    private static readonly TraceKind LockedOut = new(
        "watchdog.locked",
        Severity.Warning,
        "{register} <- {value} is ignored: WdogLock protects the registers"
    );

    // csharpier-ignore
    private static readonly RegisterMap<Sp805, Registers> Map = new RegisterMap<Sp805, Registers>("SP805", size: 0x1000)
        .ReadWrite(0x000, "WdogLoad",      dog => dog.State.Load,    (dog, value) => dog.WriteLoad((uint)value), reset: 0xFFFF_FFFF)
        .ReadOnly (0x004, "WdogValue",     dog => dog.Value,         reset: 0xFFFF_FFFF)
        .ReadWrite(0x008, "WdogControl",   dog => dog.State.Control, (dog, value) => dog.WriteControl((uint)value), fields: "INTEN[0] RESEN[1]")
        .WriteOnly(0x00C, "WdogIntClr",    (dog, value) => dog.ClearInterrupt((uint)value))
        .ReadOnly (0x010, "WdogRIS",       (ref s) => ref s.Raw)
        .ReadOnly (0x014, "WdogMIS",       dog => dog.State.Raw & dog.State.Control)
        .ReadWrite(0xC00, "WdogLock",      dog => dog.State.Locked,  (dog, value) => dog.State.Locked = value == UnlockWord ? 0u : 1u)
        .Unmodelled(0xF00, "WdogITCR")
        .Unmodelled(0xF04, "WdogITOP")
        .Constant (0xFE0, "WdogPeriphID0", 0x05)
        .Constant (0xFE4, "WdogPeriphID1", 0x18)
        .Constant (0xFE8, "WdogPeriphID2", 0x14)
        .Constant (0xFEC, "WdogPeriphID3", 0x00)
        .Constant (0xFF0, "WdogPCellID0",  0x0D)
        .Constant (0xFF4, "WdogPCellID1",  0xF0)
        .Constant (0xFF8, "WdogPCellID2",  0x05)
        .Constant (0xFFC, "WdogPCellID3",  0xB1);

    private readonly TickClock _clock;
    private readonly InterruptLine _interrupt;
    private readonly InterruptLine _reset;
    private EventHandle _expiry;

    /// <summary>Makes a watchdog.</summary>
    public Sp805(DeviceContext context)
        : base(context)
    {
        _clock = TickClock.Of(context, 32_768);
        _interrupt = context.Interrupt(0, "WDOGINT");
        _reset = context.Interrupt(-1, "WDOGRES");
        var window = new RegisterWindow<Sp805, Registers>(this, Map);
        Windows = [window];
        context.MapRegisters(0, window);
        Reset();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<IRegisterWindow> Windows { get; }

    /// <summary>The reset output.</summary>
    public InterruptLine ResetOutput => _reset;

    /// <inheritdoc/>
    public override void Reset()
    {
        Simulation.Cancel(_expiry);
        State = default;
        State.Load = uint.MaxValue;
        State.Base = uint.MaxValue;
        DriveLines();
    }

    /// <inheritdoc/>
    void IEventTarget.OnEvent(int code, ulong argument)
    {
        if (State.Raw != 0 && (State.Control & ResetEnable) != 0)
        {
            State.Base = 0;
            State.ResetRequested = 1;
            Trace.Emit(ResetRequest, Name);
        }
        else
        {
            State.Raw = 1;
            Restart(State.Load);
        }

        DriveLines();
    }

    private bool IsRunning => (State.Control & InterruptEnable) != 0 && State.ResetRequested == 0;

    private uint Value => IsRunning ? State.Base - (uint)(_clock.TicksAt(Simulation.Now) - State.BaseTick) : State.Base;

    /// <summary>Counts from a value on; it runs out the tick after zero, when the counter is loaded again.</summary>
    private void Restart(uint value)
    {
        Simulation.Cancel(_expiry);
        State.Base = value;
        State.BaseTick = _clock.TicksAt(Simulation.Now);
        if (IsRunning)
        {
            long time = _clock.TimeOf(State.BaseTick + value + 1L);
            if (time != VirtualTime.Never)
            {
                _expiry = Simulation.Schedule(time, this);
            }
        }
    }

    private void WriteLoad(uint value)
    {
        if (IsUnlocked("WdogLoad", value))
        {
            State.Load = value;
            Restart(value);
        }
    }

    private void WriteControl(uint value)
    {
        if (!IsUnlocked("WdogControl", value))
        {
            return;
        }

        uint before = Value;
        bool wasOn = (State.Control & InterruptEnable) != 0;
        State.Control = value & (InterruptEnable | ResetEnable);
        bool isOn = (State.Control & InterruptEnable) != 0;
        if (wasOn != isOn)
        {
            Restart(isOn ? State.Load : before);
        }

        DriveLines();
    }

    private void ClearInterrupt(uint value)
    {
        if (IsUnlocked("WdogIntClr", value))
        {
            State.Raw = 0;
            Restart(State.Load);
            DriveLines();
        }
    }

    private bool IsUnlocked(string register, uint value)
    {
        if (State.Locked != 0)
        {
            Trace.Emit(LockedOut, Name, TraceField.Of("register", register), TraceField.Hex("value", value));
        }

        return State.Locked == 0;
    }

    private void DriveLines()
    {
        _interrupt.Set((State.Raw & State.Control) != 0);
        _reset.Set(State.ResetRequested != 0);
    }

    /// <summary>What the watchdog remembers.</summary>
    public struct Registers
    {
        /// <summary>The tick at which the counter had the value <see cref="Base"/>.</summary>
        public long BaseTick;

        /// <summary>The counter's value then, and still while it stands.</summary>
        public uint Base;

        /// <summary>WdogLoad.</summary>
        public uint Load;

        /// <summary>WdogControl.</summary>
        public uint Control;

        /// <summary>WdogRIS.</summary>
        public uint Raw;

        /// <summary>WdogLock: 1 while locked.</summary>
        public uint Locked;

        /// <summary>1 since a reset was asked for; the counter then stands.</summary>
        public uint ResetRequested;
    }
}
