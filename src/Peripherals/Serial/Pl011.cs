using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// PrimeCell UART (PL011), after Arm DDI 0183. Characters take the time that the baud rate says, both ways.
/// </summary>
/// <remarks>
/// Properties: <c>emulator,clock-hz</c>, the frequency of UARTCLK (24 MHz); <c>emulator,revision</c>, 0 to 3 for r1p0, r1p1,
/// r1p3 or r1p4, and r1p5, of which the last has FIFOs of 32 characters and the others of 16 (3); <c>emulator,boot-baud</c>,
/// with which reset leaves the UART as a boot loader would, enabled at this rate (otherwise off, as the manual says).
/// </remarks>
[DebuggerDisplay("{Name,nq} {State.TransmitCount} to send, {State.ReceiveCount} received")]
public sealed partial class Pl011 : Device<Pl011.Registers>, IEventTarget
{
    private const AccessSizes AnySize = AccessSizes.Byte | AccessSizes.Half | AccessSizes.Word;

    private const uint UartEnable = 1 << 0;
    private const uint LoopbackEnable = 1 << 7;
    private const uint TransmitEnable = 1 << 8;
    private const uint ReceiveEnable = 1 << 9;
    private const int ModemOutputsShift = 10;
    private const uint RequestToSendBit = 1 << 11;
    private const uint RequestToSendEnable = 1 << 14;
    private const uint ClearToSendEnable = 1 << 15;

    private const uint SendBreak = 1 << 0;
    private const uint ParityEnable = 1 << 1;
    private const uint TwoStopBits = 1 << 3;
    private const uint FifoEnable = 1 << 4;

    private const uint ReceiveInterrupt = 1 << 4;
    private const uint TransmitInterrupt = 1 << 5;
    private const uint TimeoutInterrupt = 1 << 6;
    private const uint OverrunInterrupt = 1 << 10;
    private const uint AllInterrupts = 0x7FF;

    private static readonly TraceKind NoBaudRate = new(
        "uart.no-baud-rate",
        Severity.Warning,
        "a character is to be sent and no baud rate is set: it stays where it is"
    );

    private static readonly TraceKind TransmitOverflow = new(
        "uart.transmit-overflow",
        Severity.Warning,
        "UARTDR <- {value} while the transmit FIFO is full: the character is lost"
    );

    // csharpier-ignore
    private static readonly RegisterMap<Pl011, Registers> Map = new RegisterMap<Pl011, Registers>("PL011", size: 0x1000)
        .Lanes    (0x000, 1, 0, "UARTDR", (uart, _, in _) => uart.ReadData(), (uart, _, value, _, in _) => uart.WriteData((uint)value), access: AnySize, sideEffect: true, fields: "DATA[7:0] FE[8] PE[9] BE[10] OE[11]")
        .ReadWrite(0x004, "UARTRSR",       uart => uart.State.ReceiveStatus,  (uart, _) => uart.State.ReceiveStatus = 0, access: AnySize, fields: "FE[0] PE[1] BE[2] OE[3]")
        .ReadOnly (0x018, "UARTFR",        uart => uart.Flags,                access: AnySize, fields: "CTS[0] DSR[1] DCD[2] BUSY[3] RXFE[4] TXFF[5] RXFF[6] TXFE[7] RI[8]", reset: 0x90)
        .Stored   (0x020, "UARTILPR",      (ref s) => ref s.LowPowerCounter,  mask: 0xFF, access: AnySize)
        .Stored   (0x024, "UARTIBRD",      (ref s) => ref s.IntegerDivisor,   mask: 0xFFFF, access: AnySize)
        .Stored   (0x028, "UARTFBRD",      (ref s) => ref s.FractionDivisor,  mask: 0x3F, access: AnySize)
        .ReadWrite(0x02C, "UARTLCR_H",     uart => uart.State.LineControl,    (uart, value) => uart.WriteLineControl((uint)value), access: AnySize, fields: "BRK[0] PEN[1] EPS[2] STP2[3] FEN[4] WLEN[6:5] SPS[7]")
        .ReadWrite(0x030, "UARTCR",        uart => uart.State.Control,        (uart, value) => uart.WriteControl((uint)value), access: AnySize, reset: 0x300, fields: "UARTEN[0] SIREN[1] SIRLP[2] LBE[7] TXE[8] RXE[9] DTR[10] RTS[11] Out1[12] Out2[13] RTSEn[14] CTSEn[15]")
        .Stored   (0x034, "UARTIFLS",      (ref s) => ref s.LevelSelect,      mask: 0x3F, reset: 0x12, access: AnySize, fields: "TXIFLSEL[2:0] RXIFLSEL[5:3]")
        .Stored   (0x038, "UARTIMSC",      (ref s) => ref s.InterruptMask,    mask: AllInterrupts, access: AnySize, then: (uart, _) => uart.DriveLine(), fields: "RIMIM[0] CTSMIM[1] DCDMIM[2] DSRMIM[3] RXIM[4] TXIM[5] RTIM[6] FEIM[7] PEIM[8] BEIM[9] OEIM[10]")
        .ReadOnly (0x03C, "UARTRIS",       (ref s) => ref s.RawInterrupts,    access: AnySize)
        .ReadOnly (0x040, "UARTMIS",       uart => uart.State.RawInterrupts & uart.State.InterruptMask, access: AnySize)
        .WriteOnly(0x044, "UARTICR",       (uart, value) => uart.ClearInterrupts((uint)value), access: AnySize)
        .Stored   (0x048, "UARTDMACR",     (ref s) => ref s.DmaControl,       mask: 7, access: AnySize, then: (uart, _) => uart.RequestDma(), fields: "RXDMAE[0] TXDMAE[1] DMAONERR[2]")
        .Unmodelled(0x080, "UARTTCR",      access: AnySize)
        .Unmodelled(0x084, "UARTITIP",     access: AnySize)
        .Unmodelled(0x088, "UARTITOP",     access: AnySize)
        .Unmodelled(0x08C, "UARTTDR",      access: AnySize)
        .Constant (0xFE0, "UARTPeriphID0", 0x11, access: AnySize)
        .Constant (0xFE4, "UARTPeriphID1", 0x10, access: AnySize)
        .ReadOnly (0xFE8, "UARTPeriphID2", uart => uart._revision << 4 | 4, access: AnySize)
        .Constant (0xFEC, "UARTPeriphID3", 0x00, access: AnySize)
        .Constant (0xFF0, "UARTPCellID0",  0x0D, access: AnySize)
        .Constant (0xFF4, "UARTPCellID1",  0xF0, access: AnySize)
        .Constant (0xFF8, "UARTPCellID2",  0x05, access: AnySize)
        .Constant (0xFFC, "UARTPCellID3",  0xB1, access: AnySize);

    private readonly InterruptLine _line;
    private readonly DmaRequestLine _receiveDma;
    private readonly DmaRequestLine _transmitDma;
    private readonly uint _clockHertz;
    private readonly uint _revision;
    private readonly uint _bootBaud;
    private EventHandle _transmission;
    private EventHandle _timeout;

    /// <summary>Makes a UART.</summary>
    /// <exception cref="BoardException">A property has a value that no such part has.</exception>
    public Pl011(DeviceContext context)
        : base(context)
    {
        _line = context.Interrupt(0, "UARTINTR");
        _receiveDma = context.DmaRequest(this, "rx");
        _transmitDma = context.DmaRequest(this, "tx");
        _clockHertz = context.Cell("emulator,clock-hz", 24_000_000);
        _revision = context.Cell("emulator,revision", 3);
        _bootBaud = context.Cell("emulator,boot-baud", 0);
        if (_clockHertz == 0 || _revision > 3 || _bootBaud > _clockHertz / 16)
        {
            throw new BoardException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{context.Name}: a PL011 of revision {_revision} with {_bootBaud} baud from a clock of {_clockHertz} Hz cannot be."
                )
            );
        }

        State.ModemInputs = (uint)ConnectedTerminal;
        var window = new RegisterWindow<Pl011, Registers>(this, Map);
        Windows = [window];
        context.MapRegisters(0, window);
        Reset();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<IRegisterWindow> Windows { get; }

    /// <summary>What is at the other end of the wires; null for nothing.</summary>
    public ISerialBackend? Backend { get; set; }

    /// <inheritdoc/>
    public override void Reset()
    {
        Simulation.Cancel(_transmission);
        Simulation.Cancel(_timeout);
        uint inputs = State.ModemInputs;
        State = default;
        Map.ApplyResetValues(ref State);
        State.ModemInputs = inputs;
        State.Control = TransmitEnable | ReceiveEnable;
        if (_bootBaud != 0)
        {
            uint divisor = (uint)((4UL * _clockHertz + _bootBaud / 2) / _bootBaud);
            State.IntegerDivisor = divisor >> 6;
            State.FractionDivisor = divisor & 0x3F;
            WriteLineControl(FifoEnable | 3 << 5);
            WriteControl(UartEnable | TransmitEnable | ReceiveEnable);
        }

        DriveLine();
    }

    /// <inheritdoc/>
    void IEventTarget.OnEvent(int code, ulong argument)
    {
        switch (code)
        {
            case TransmissionEnds:
                EndTransmission();
                break;
            case BreakSeen:
                if ((State.LineControl & SendBreak) != 0 && IsLooped)
                {
                    ReceiveFrame(0, SerialErrors.Break);
                }

                break;
            case ArrivalEnds:
                ArriveFromOutside((byte)argument, SerialErrors.None);
                break;
            default:
                Raise(State.ReceiveCount != 0 ? TimeoutInterrupt : 0);
                break;
        }
    }

    private bool IsLooped => (State.Control & LoopbackEnable) != 0;

    private bool IsFifoEnabled => (State.LineControl & FifoEnable) != 0;

    /// <summary>How many characters each FIFO holds now; a FIFO that is off is a holding register.</summary>
    private uint Depth =>
        !IsFifoEnabled ? 1u
        : _revision >= 3 ? 32u
        : 16u;

    private uint Flags
    {
        get
        {
            ModemSignals inputs = EffectiveInputs;
            return (uint)(
                    inputs & (ModemSignals.ClearToSend | ModemSignals.DataSetReady | ModemSignals.DataCarrierDetect)
                )
                | (State.Shifting != 0 || State.TransmitCount != 0 ? 1u << 3 : 0)
                | (State.ReceiveCount == 0 ? 1u << 4 : 0)
                | (State.TransmitCount >= Depth ? 1u << 5 : 0)
                | (State.ReceiveCount >= Depth ? 1u << 6 : 0)
                | (State.TransmitCount == 0 ? 1u << 7 : 0)
                | ((inputs & ModemSignals.RingIndicator) != ModemSignals.None ? 1u << 8 : 0);
        }
    }

    /// <summary>
    /// UARTLCR_H: its write also puts UARTIBRD and UARTFBRD into effect. Turning the FIFOs on or off empties
    /// them.
    /// </summary>
    private void WriteLineControl(uint value)
    {
        uint changed = State.LineControl ^ value;
        State.LineControl = value & 0xFF;
        State.Divisor = State.IntegerDivisor == 0 ? 0 : State.IntegerDivisor << 6 | State.FractionDivisor;
        if ((changed & FifoEnable) != 0)
        {
            State.ReceiveCount = 0;
            State.TransmitCount = 0;
            Lower(ReceiveInterrupt | TimeoutInterrupt);
        }

        if ((changed & SendBreak) != 0 && State.Shifting == 0)
        {
            DriveBreak();
        }

        StartTransmission();
        RequestDma();
    }

    private void WriteControl(uint value)
    {
        ModemSignals inputs = EffectiveInputs;
        ModemSignals outputs = ModemOutputs;
        State.Control = value & 0xFF87;
        ReportModemChanges(inputs);
        ReportModemOutputs(outputs);
        StartTransmission();
    }

    private void ClearInterrupts(uint bits)
    {
        Lower(bits & AllInterrupts);
        RequestDma();
    }

    private void Raise(uint interrupts)
    {
        State.RawInterrupts |= interrupts;
        DriveLine();
    }

    private void Lower(uint interrupts)
    {
        State.RawInterrupts &= ~interrupts;
        DriveLine();
    }

    private void DriveLine() => _line.Set((State.RawInterrupts & State.InterruptMask) != 0);

    /// <summary>The characters waiting to be sent.</summary>
    [InlineArray(32)]
    public struct TransmitFifo
    {
        private byte _first;
    }

    /// <summary>The characters received, with their error bits.</summary>
    [InlineArray(32)]
    public struct ReceiveFifo
    {
        private ushort _first;
    }

    /// <summary>What the UART remembers.</summary>
    public struct Registers
    {
        /// <summary>Until when characters already on their way occupy the receive line, in picoseconds.</summary>
        public long ReceiveLineFree;

        /// <summary>The received characters; the oldest is at <see cref="ReceiveHead"/>.</summary>
        public ReceiveFifo Received;

        /// <summary>The characters to send; the oldest is at <see cref="TransmitHead"/>.</summary>
        public TransmitFifo ToSend;

        /// <summary>Where the oldest received character is.</summary>
        public uint ReceiveHead;

        /// <summary>How many there are.</summary>
        public uint ReceiveCount;

        /// <summary>Where the oldest character to send is.</summary>
        public uint TransmitHead;

        /// <summary>How many there are.</summary>
        public uint TransmitCount;

        /// <summary>1 while a character is in the transmit shift register.</summary>
        public uint Shifting;

        /// <summary>The character there.</summary>
        public uint ShiftedOut;

        /// <summary>1 since a character was lost, until one is stored again and takes the mark along.</summary>
        public uint OverrunToStore;

        /// <summary>UARTRSR.</summary>
        public uint ReceiveStatus;

        /// <summary>UARTILPR.</summary>
        public uint LowPowerCounter;

        /// <summary>UARTIBRD.</summary>
        public uint IntegerDivisor;

        /// <summary>UARTFBRD.</summary>
        public uint FractionDivisor;

        /// <summary>The divisor in effect, in 64ths; 0 for none.</summary>
        public uint Divisor;

        /// <summary>UARTLCR_H.</summary>
        public uint LineControl;

        /// <summary>UARTCR.</summary>
        public uint Control;

        /// <summary>UARTIFLS.</summary>
        public uint LevelSelect;

        /// <summary>UARTIMSC.</summary>
        public uint InterruptMask;

        /// <summary>UARTRIS.</summary>
        public uint RawInterrupts;

        /// <summary>UARTDMACR.</summary>
        public uint DmaControl;

        /// <summary>The modem inputs, as <see cref="ModemSignals"/>.</summary>
        public uint ModemInputs;

        /// <summary>The DMA requests that are not acknowledged yet, a bit each as in UARTDMACR.</summary>
        public uint DmaOutstanding;
    }
}
