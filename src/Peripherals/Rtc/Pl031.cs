using System.Diagnostics;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// PrimeCell Real Time Clock (PL031), after Arm DDI 0224. Nothing ticks: the counter is computed from the clock when read.
/// </summary>
/// <remarks>
/// The counter counts seconds from reset, its 1 Hz phase starts at reset. <c>emulator,epoch</c> gives the value at reset
/// (a board with a battery; one cell, seconds). The alarm comes when the counter becomes equal to RTCMR, which also happens
/// when a write to RTCMR or RTCLR makes them equal. The part is revision r1p3.
/// </remarks>
[DebuggerDisplay("{Name,nq} RTCDR {Counter}")]
public sealed class Pl031 : Device<Pl031.Registers>, IEventTarget
{
    private const int Alarm = 0;

    // csharpier-ignore
    private static readonly RegisterMap<Pl031, Registers> Map = new RegisterMap<Pl031, Registers>("PL031", size: 0x1000)
        .ReadOnly (0x000, "RTCDR",         rtc => rtc.Counter)
        .Stored   (0x004, "RTCMR",         (ref s) => ref s.Match,         then: (rtc, _) => rtc.ArmAlarm())
        .Stored   (0x008, "RTCLR",         (ref s) => ref s.Load,          then: (rtc, value) => rtc.SetCounter((uint)value))
        .ReadWrite(0x00C, "RTCCR",         _ => 1,                         (_, _) => { }, fields: "Start[0]", reset: 1)
        .Stored   (0x010, "RTCIMSC",       (ref s) => ref s.InterruptMask, mask: 1, then: (rtc, _) => rtc.DriveLine(), fields: "RTCIMSC[0]")
        .ReadOnly (0x014, "RTCRIS",        (ref s) => ref s.RawInterrupt,  fields: "RTCRIS[0]")
        .ReadOnly (0x018, "RTCMIS",        rtc => rtc.State.RawInterrupt & rtc.State.InterruptMask, fields: "RTCMIS[0]")
        .WriteOnly(0x01C, "RTCICR",        (rtc, value) => rtc.ClearInterrupt(value), fields: "RTCICR[0]")
        .Constant (0xFE0, "RTCPeriphID0",  0x31)
        .Constant (0xFE4, "RTCPeriphID1",  0x10)
        .Constant (0xFE8, "RTCPeriphID2",  0x14)
        .Constant (0xFEC, "RTCPeriphID3",  0x00)
        .Constant (0xFF0, "RTCPCellID0",   0x0D)
        .Constant (0xFF4, "RTCPCellID1",   0xF0)
        .Constant (0xFF8, "RTCPCellID2",   0x05)
        .Constant (0xFFC, "RTCPCellID3",   0xB1);

    private readonly InterruptLine _line;
    private readonly uint _epoch;
    private EventHandle _alarm;

    /// <summary>Makes an RTC.</summary>
    public Pl031(DeviceContext context)
        : base(context)
    {
        _line = context.Interrupt(0, "RTCINTR");
        _epoch = context.Cell("emulator,epoch", 0);
        var window = new RegisterWindow<Pl031, Registers>(this, Map);
        Windows = [window];
        context.MapRegisters(0, window);
        Reset();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<IRegisterWindow> Windows { get; }

    /// <summary>RTCDR: seconds.</summary>
    public uint Counter => (uint)((Simulation.Now - State.StartTime) / VirtualTime.Second) + State.Offset;

    /// <inheritdoc/>
    public override void Reset()
    {
        Simulation.Cancel(_alarm);
        State = default;
        Map.ApplyResetValues(ref State);
        State.StartTime = Simulation.Now;
        State.Offset = _epoch;
        if (Counter != State.Match)
        {
            ArmAlarm();
        }

        DriveLine();
    }

    /// <inheritdoc/>
    void IEventTarget.OnEvent(int code, ulong argument)
    {
        State.RawInterrupt = 1;
        DriveLine();
    }

    /// <summary>RTCLR: the counter itself is never loaded, so its 1 Hz phase stays; what is added to it changes.</summary>
    private void SetCounter(uint seconds)
    {
        State.Offset += seconds - Counter;
        ArmAlarm();
    }

    /// <summary>
    /// Finds when the counter will equal RTCMR: now, at a coming second, or after a wrap. There is no comparison "greater":
    /// a match in the past waits for the wrap.
    /// </summary>
    private void ArmAlarm()
    {
        Simulation.Cancel(_alarm);
        uint secondsToGo = State.Match - Counter;
        if (secondsToGo == 0)
        {
            State.RawInterrupt = 1;
            DriveLine();
            return;
        }

        long elapsed = (Simulation.Now - State.StartTime) / VirtualTime.Second;
        if (elapsed + secondsToGo < (VirtualTime.Never - State.StartTime) / VirtualTime.Second)
        {
            long time = State.StartTime + (elapsed + secondsToGo) * VirtualTime.Second;
            _alarm = Simulation.Schedule(time, this, Alarm);
        }
    }

    /// <summary>RTCICR: writing 1 clears the interrupt, also while the counter still equals RTCMR.</summary>
    private void ClearInterrupt(ulong value)
    {
        State.RawInterrupt &= ~(uint)value;
        DriveLine();
    }

    private void DriveLine() => _line.Set((State.RawInterrupt & State.InterruptMask) != 0);

    /// <summary>What the RTC remembers.</summary>
    public struct Registers
    {
        /// <summary>When the 1 Hz phase began, in picoseconds.</summary>
        public long StartTime;

        /// <summary>What is added to the seconds since then to give RTCDR.</summary>
        public uint Offset;

        /// <summary>RTCMR.</summary>
        public uint Match;

        /// <summary>RTCLR.</summary>
        public uint Load;

        /// <summary>RTCIMSC.</summary>
        public uint InterruptMask;

        /// <summary>RTCRIS.</summary>
        public uint RawInterrupt;

        /// <summary>Keeps the struct free of padding.</summary>
        public uint Filler;
    }
}
