namespace Emulator.Peripherals;

/// <summary>
/// What is at the other end of a UART's wires: a terminal, a cable to another UART, a test. It is told of every character at
/// the moment its last stop bit has left.
/// </summary>
public interface ISerialBackend
{
    /// <summary>A character has arrived here.</summary>
    void Transmit(byte value);

    /// <summary>The transmit line is held low (a break begins), or is released.</summary>
    void SetBreak(bool isHeld) { }

    /// <summary>The modem outputs changed.</summary>
    void SetModemOutputs(ModemSignals signals) { }
}

/// <summary>Modem signals, as asserted or not, whatever the voltage on the wire.</summary>
[Flags]
public enum ModemSignals : byte
{
    /// <summary>None is asserted.</summary>
    None = 0,

    /// <summary>Clear to send, an input.</summary>
    ClearToSend = 1 << 0,

    /// <summary>Data set ready, an input.</summary>
    DataSetReady = 1 << 1,

    /// <summary>Data carrier detect, an input.</summary>
    DataCarrierDetect = 1 << 2,

    /// <summary>Ring indicator, an input.</summary>
    RingIndicator = 1 << 3,

    /// <summary>Data terminal ready, an output.</summary>
    DataTerminalReady = 1 << 4,

    /// <summary>Request to send, an output.</summary>
    RequestToSend = 1 << 5,
}

/// <summary>What was wrong with a received character.</summary>
[Flags]
public enum SerialErrors : byte
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>The stop bit was not there.</summary>
    Framing = 1,

    /// <summary>The parity bit was wrong.</summary>
    Parity = 2,

    /// <summary>The line was low for longer than a character.</summary>
    Break = 4,
}
