using Emulator.Machine;

namespace Emulator.Peripherals;

/// <content>The wires: sending, receiving, modem signals.</content>
public sealed partial class Pl011
{
    private const int TransmissionEnds = 0;
    private const int BreakSeen = 1;
    private const int ArrivalEnds = 2;
    private const int ReceiveTimeout = 3;

    /// <summary>A cable with a ready terminal at its end, unless <see cref="SetModemInputs"/> says otherwise.</summary>
    private const ModemSignals ConnectedTerminal =
        ModemSignals.ClearToSend | ModemSignals.DataSetReady | ModemSignals.DataCarrierDetect;

    private static readonly TraceKind Transmits = new("uart.transmit", Severity.Debug, "sends {value}");

    private static readonly TraceKind Receives = new("uart.receive", Severity.Debug, "receives {value}");

    private static readonly TraceKind Overrun = new(
        "uart.overrun",
        Severity.Info,
        "receives {value} while the receive FIFO is full: the character is lost"
    );

    private static readonly TraceKind NotListening = new(
        "uart.not-listening",
        Severity.Info,
        "receives {value} while the receiver is off: the character is lost"
    );

    private int DataBits => 5 + (int)(State.LineControl >> 5 & 3);

    /// <summary>The time of a number of bits at the baud rate in effect, in picoseconds; 0 where none is set.</summary>
    private long TimeOfBits(int bits) => (long)((Int128)bits * State.Divisor * VirtualTime.Second / (4L * _clockHertz));

    /// <summary>The time of a character: start bit, data, parity, stop bits.</summary>
    public long CharacterTime =>
        TimeOfBits(
            1
                + DataBits
                + ((State.LineControl & ParityEnable) != 0 ? 1 : 0)
                + ((State.LineControl & TwoStopBits) != 0 ? 2 : 1)
        );

    /// <summary>
    /// Sends a character into the UART from outside, as fast as the UART's own baud rate allows: it arrives a character's time
    /// after the one before it. For sources without a rate of their own, such as a terminal.
    /// </summary>
    public void Receive(byte value)
    {
        long begins = Math.Max(Simulation.Now, State.ReceiveLineFree);
        State.ReceiveLineFree = VirtualTime.Add(begins, CharacterTime);
        Simulation.Schedule(State.ReceiveLineFree, this, ArrivalEnds, value);
    }

    /// <summary>A character from outside has arrived completely just now. For sources that keep a rate: another UART.</summary>
    public void Receive(byte value, SerialErrors errors) => ArriveFromOutside(value, errors);

    /// <summary>Sets the modem inputs.</summary>
    public void SetModemInputs(ModemSignals inputs)
    {
        ModemSignals before = EffectiveInputs;
        State.ModemInputs = (uint)inputs & (uint)(ConnectedTerminal | ModemSignals.RingIndicator);
        ReportModemChanges(before);
        StartTransmission();
    }

    /// <summary>The modem outputs as they stand; with RTSEn, request to send follows the room in the receive FIFO.</summary>
    public ModemSignals ModemOutputs
    {
        get
        {
            bool rts =
                (State.Control & RequestToSendEnable) != 0
                    ? State.ReceiveCount < ReceiveLevel
                    : (State.Control & RequestToSendBit) != 0;
            return (rts ? ModemSignals.RequestToSend : ModemSignals.None)
                | ((State.Control & 1 << ModemOutputsShift) != 0 ? ModemSignals.DataTerminalReady : ModemSignals.None);
        }
    }

    /// <summary>The modem inputs that the UART sees: in loopback, its own RTS, DTR, Out1 and Out2.</summary>
    private ModemSignals EffectiveInputs
    {
        get
        {
            if (!IsLooped)
            {
                return (ModemSignals)State.ModemInputs;
            }

            uint outputs = State.Control >> ModemOutputsShift;
            return ((outputs & 2) != 0 ? ModemSignals.ClearToSend : ModemSignals.None)
                | ((outputs & 1) != 0 ? ModemSignals.DataSetReady : ModemSignals.None)
                | ((outputs & 4) != 0 ? ModemSignals.DataCarrierDetect : ModemSignals.None)
                | ((outputs & 8) != 0 ? ModemSignals.RingIndicator : ModemSignals.None);
        }
    }

    /// <summary>The number of received characters at which the receive interrupt comes.</summary>
    private uint ReceiveLevel => IsFifoEnabled ? LevelOf(State.LevelSelect >> 3) : 1;

    /// <summary>The number of characters still to send at which the transmit interrupt comes.</summary>
    private uint TransmitLevel => IsFifoEnabled ? LevelOf(State.LevelSelect) : 0;

    private uint LevelOf(uint select) =>
        (select & 7) switch
        {
            0 => Depth / 8,
            1 => Depth / 4,
            2 => Depth / 2,
            3 => Depth * 3 / 4,
            _ => Depth * 7 / 8,
        };

    private void WriteData(uint value)
    {
        if (State.TransmitCount >= Depth)
        {
            Trace.Emit(TransmitOverflow, Name, TraceField.Hex("value", value & 0xFF));
            return;
        }

        State.ToSend[(int)((State.TransmitHead + State.TransmitCount) % 32)] = (byte)(value & ((1u << DataBits) - 1));
        State.TransmitCount++;
        if (State.TransmitCount > TransmitLevel)
        {
            Lower(TransmitInterrupt);
        }

        StartTransmission();
    }

    /// <summary>Moves the next character into the shift register, if it is free and nothing forbids it.</summary>
    private void StartTransmission()
    {
        const uint Needed = UartEnable | TransmitEnable;
        if (
            State.Shifting != 0
            || State.TransmitCount == 0
            || (State.Control & Needed) != Needed
            || (State.LineControl & SendBreak) != 0
            || (
                (State.Control & ClearToSendEnable) != 0
                && (EffectiveInputs & ModemSignals.ClearToSend) == ModemSignals.None
            )
        )
        {
            return;
        }

        if (State.Divisor == 0)
        {
            Trace.Emit(NoBaudRate, Name);
            return;
        }

        State.ShiftedOut = State.ToSend[(int)State.TransmitHead];
        State.TransmitHead = (State.TransmitHead + 1) % 32;
        State.Shifting = 1;
        _transmission = Simulation.ScheduleAfter(CharacterTime, this, TransmissionEnds);

        // The interrupt comes when the FIFO falls to its level, not because it stands there.
        if (State.TransmitCount-- == TransmitLevel + 1)
        {
            Raise(TransmitInterrupt);
        }

        RequestDma();
    }

    private void EndTransmission()
    {
        byte value = (byte)State.ShiftedOut;
        State.Shifting = 0;
        TraceCharacter(Transmits, value);
        if (IsLooped)
        {
            ReceiveFrame(value, SerialErrors.None);
        }
        else
        {
            Backend?.Transmit(value);
        }

        if ((State.LineControl & SendBreak) != 0)
        {
            DriveBreak();
        }

        StartTransmission();
    }

    /// <summary>UARTLCR_H.BRK holds the line low from the end of the current character on.</summary>
    private void DriveBreak()
    {
        bool isHeld = (State.LineControl & SendBreak) != 0;
        if (!IsLooped)
        {
            Backend?.SetBreak(isHeld);
        }
        else if (isHeld && State.Divisor != 0)
        {
            Simulation.ScheduleAfter(CharacterTime, this, BreakSeen);
        }
    }

    private void ArriveFromOutside(byte value, SerialErrors errors)
    {
        if (!IsLooped)
        {
            ReceiveFrame(value, errors);
        }
    }

    /// <summary>A whole character is in the receive shift register.</summary>
    private void ReceiveFrame(byte value, SerialErrors errors)
    {
        const uint Needed = UartEnable | ReceiveEnable;
        if ((State.Control & Needed) != Needed)
        {
            TraceCharacter(NotListening, value);
            return;
        }

        Simulation.Cancel(_timeout);
        _timeout = State.Divisor == 0 ? default : Simulation.ScheduleAfter(TimeOfBits(32), this, ReceiveTimeout);
        if (State.ReceiveCount >= Depth)
        {
            State.OverrunToStore = 1;
            State.ReceiveStatus |= 1 << 3;
            TraceCharacter(Overrun, value);
            Raise(OverrunInterrupt);
            return;
        }

        TraceCharacter(Receives, value);
        ModemSignals outputs = ModemOutputs;
        uint entry = value & ((1u << DataBits) - 1) | (uint)errors << 8 | State.OverrunToStore << 11;
        State.OverrunToStore = 0;
        State.Received[(int)((State.ReceiveHead + State.ReceiveCount) % 32)] = (ushort)entry;
        State.ReceiveCount++;

        // FE, PE and BE have the same order in UARTDR and, one place lower, in UARTRIS.
        Raise((uint)errors << 7 | (State.ReceiveCount == ReceiveLevel ? ReceiveInterrupt : 0));
        ReportModemOutputs(outputs);
        RequestDma();
    }

    private uint ReadData()
    {
        if (State.ReceiveCount == 0)
        {
            return State.Received[(int)((State.ReceiveHead + 31) % 32)];
        }

        ModemSignals outputs = ModemOutputs;
        uint entry = State.Received[(int)State.ReceiveHead];
        State.ReceiveHead = (State.ReceiveHead + 1) % 32;
        State.ReceiveCount--;
        State.ReceiveStatus = (State.ReceiveStatus & 1 << 3) | (entry >> 8 & 0xF);
        Lower(
            (State.ReceiveCount < ReceiveLevel ? ReceiveInterrupt : 0)
                | (State.ReceiveCount == 0 ? TimeoutInterrupt : 0)
        );
        ReportModemOutputs(outputs);
        return entry;
    }

    private void ReportModemChanges(ModemSignals before)
    {
        ModemSignals changed = before ^ EffectiveInputs;
        uint interrupts =
            ((changed & ModemSignals.RingIndicator) != ModemSignals.None ? 1u << 0 : 0)
            | ((changed & ModemSignals.ClearToSend) != ModemSignals.None ? 1u << 1 : 0)
            | ((changed & ModemSignals.DataCarrierDetect) != ModemSignals.None ? 1u << 2 : 0)
            | ((changed & ModemSignals.DataSetReady) != ModemSignals.None ? 1u << 3 : 0);
        Raise(interrupts);
    }

    private void ReportModemOutputs(ModemSignals before)
    {
        if (before != ModemOutputs && !IsLooped)
        {
            Backend?.SetModemOutputs(ModemOutputs);
        }
    }

    private void TraceCharacter(TraceKind kind, byte value)
    {
        if (Trace.IsOn)
        {
            Trace.Emit(kind, Name, TraceField.Hex("value", value));
        }
    }
}
