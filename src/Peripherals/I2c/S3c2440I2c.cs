using System.Diagnostics;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// The I2C controller of Samsung's S3C2440 and its descendants up to Exynos 5 (S3C2440A user's manual, chapter 20; Exynos 5250
/// calls the one of the HDMI PHY i2c_8). Nobody else is on the bus: an address is answered by no acknowledge.
/// </summary>
/// <remarks>
/// <c>emulator,clock-frequency</c> is PCLK in Hz (66 MHz by default). A byte takes nine clocks of SCL. The controller as a slave
/// and arbitration are not modelled, since there is no other master.
/// </remarks>
[DebuggerDisplay("{Name,nq} IICCON {State.Control,h} IICSTAT {State.Status,h}")]
public sealed class S3c2440I2c : Device<S3c2440I2c.Registers>, IEventTarget
{
    private const uint Pending = 1 << 4;
    private const uint InterruptEnable = 1 << 5;
    private const uint SlowClock = 1 << 6;
    private const uint PrescalerMask = 0xF;
    private const uint LastBitWasNack = 1 << 0;
    private const uint SerialOutput = 1 << 4;
    private const uint Busy = 1 << 5;
    private const uint Master = 1 << 7;
    private const uint Modes = 0xF0;

    // csharpier-ignore
    private static readonly RegisterMap<S3c2440I2c, Registers> Map = new RegisterMap<S3c2440I2c, Registers>("S3C2440 I2C", size: 0x1000)
        .ReadWrite(0x000, "IICCON",  i2c => i2c.State.Control, (i2c, value) => i2c.WriteControl((uint)value), fields: "ACK[7] TXCLK[6] IRQEN[5] PENDING[4] PRESCALER[3:0]")
        .ReadWrite(0x004, "IICSTAT", i2c => i2c.State.Status,  (i2c, value) => i2c.WriteStatus((uint)value),  fields: "MODE[7:6] BUSY[5] OUTPUT[4] ARBITRATION[3] ADDRESSED[2] GENERALCALL[1] NACK[0]")
        .ReadWrite(0x008, "IICADD",  i2c => i2c.State.Address, (i2c, value) => i2c.WriteAddress((uint)value))
        .ReadWrite(0x00C, "IICDS",   i2c => i2c.State.Data,    (i2c, value) => i2c.WriteData((uint)value))
        .Stored   (0x010, "IICLC",   (ref s) => ref s.LineControl, mask: 0x7, fields: "FILTER[2] DELAY[1:0]");

    private readonly InterruptLine _line;
    private readonly long _clockPeriod;
    private EventHandle _byte;

    /// <summary>Makes a controller.</summary>
    public S3c2440I2c(DeviceContext context)
        : base(context)
    {
        _line = context.Interrupt(0, "I2C");
        _clockPeriod = VirtualTime.Second / Math.Max(1, context.Cell("emulator,clock-frequency", 66_000_000));
        var window = new RegisterWindow<S3c2440I2c, Registers>(this, Map);
        Windows = [window];
        context.MapRegisters(0, window);
        Reset();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<IRegisterWindow> Windows { get; }

    /// <inheritdoc/>
    public override void Reset()
    {
        Simulation.Cancel(_byte);
        State = default;
        Map.ApplyResetValues(ref State);
        DriveLine();
    }

    /// <summary>A byte and its acknowledge have gone over the bus, and nobody acknowledged.</summary>
    void IEventTarget.OnEvent(int code, ulong argument)
    {
        State.Status |= LastBitWasNack;
        if ((State.Control & InterruptEnable) != 0)
        {
            State.Control |= Pending;
        }

        DriveLine();
    }

    /// <summary>Writing 0 to the pending bit clears it and lets the next byte go; writing 1 leaves it.</summary>
    private void WriteControl(uint value)
    {
        bool resumes = (State.Control & Pending) != 0 && (value & Pending) == 0;
        State.Control = (value & 0xFF & ~Pending) | (State.Control & value & Pending);
        DriveLine();
        if (resumes && (State.Status & (Busy | Master)) == (Busy | Master))
        {
            ShiftByte();
        }
    }

    /// <summary>Writing 1 to the busy bit makes a START and sends IICDS, 0 makes a STOP.</summary>
    private void WriteStatus(uint value)
    {
        bool wasBusy = (State.Status & Busy) != 0;
        State.Status = (value & Modes) | (State.Status & ~Modes & ~LastBitWasNack);
        bool isMaster = (State.Status & Master) != 0 && (State.Status & SerialOutput) != 0;
        if ((value & Busy) == 0 || !isMaster)
        {
            State.Status &= ~Busy;
            Simulation.Cancel(_byte);
        }
        else if (!wasBusy)
        {
            ShiftByte();
        }
    }

    /// <summary>The slave address can be written while the serial output is off.</summary>
    private void WriteAddress(uint value) =>
        State.Address = (State.Status & SerialOutput) == 0 ? value & 0xFF : State.Address;

    /// <summary>The shift register can be written while the serial output is on.</summary>
    private void WriteData(uint value) => State.Data = (State.Status & SerialOutput) != 0 ? value & 0xFF : State.Data;

    private void ShiftByte()
    {
        long divider = (State.Control & SlowClock) != 0 ? 512 : 16;
        long bit = _clockPeriod * divider * ((State.Control & PrescalerMask) + 1);
        Simulation.Cancel(_byte);
        _byte = Simulation.Schedule(Simulation.Now + 9 * bit, this);
    }

    private void DriveLine() => _line.Set((State.Control & (Pending | InterruptEnable)) == (Pending | InterruptEnable));

    /// <summary>What the controller remembers.</summary>
    public struct Registers
    {
        /// <summary>IICCON.</summary>
        public uint Control;

        /// <summary>IICSTAT.</summary>
        public uint Status;

        /// <summary>IICADD.</summary>
        public uint Address;

        /// <summary>IICDS.</summary>
        public uint Data;

        /// <summary>IICLC.</summary>
        public uint LineControl;
    }
}
