namespace Emulator.Machine;

/// <summary>A device with pins that wires can be connected to by a device tree's GPIO specifiers.</summary>
public interface IPinController
{
    /// <summary>The input that a specifier names (the cells after the phandle), or null with a reason.</summary>
    InterruptInput? FindPin(ReadOnlySpan<uint> specifier, out string problem);
}

/// <summary>Keys that a person can press.</summary>
public interface IKeys
{
    /// <summary>Their names, in order.</summary>
    IReadOnlyCollection<string> Keys { get; }

    /// <summary>Presses or releases a key; false when there is none of that name.</summary>
    bool Press(string key, bool isPressed);
}
