using Emulator.Machine.DeviceTrees;

namespace Emulator.Machine;

/// <summary>The boards that can be asked for by name, with their options.</summary>
public interface IBoardLibrary
{
    /// <summary>The boards, in order of name.</summary>
    IReadOnlyList<BoardType> Boards { get; }

    /// <summary>Assembles a board.</summary>
    /// <param name="name">One of <see cref="Boards"/>.</param>
    /// <param name="options">Values of its options; the others (all, if null) keep their defaults.</param>
    /// <param name="simulation">The simulation it will live in.</param>
    /// <exception cref="BoardException">No such board, no such option, or a value it does not take.</exception>
    Board Create(string name, IReadOnlyDictionary<string, ulong>? options, Simulation simulation);

    /// <summary>Assembles a board from a user's own tree.</summary>
    /// <exception cref="BoardException">The tree contradicts itself or a model refuses its configuration.</exception>
    Board Create(string name, DeviceTree tree, Simulation simulation);

    /// <summary>The device tree of a board's hardware, for tools; it may be changed.</summary>
    /// <exception cref="BoardException">No such board, no such option, or a value it does not take.</exception>
    DeviceTree Tree(string name, IReadOnlyDictionary<string, ulong>? options = null);

    /// <summary>Plugs PCI devices into a tree of hardware, by the strings of QEMU's <c>-device</c> option, in order.</summary>
    /// <exception cref="BoardException">A device, a property or a bus is not known, or a slot is taken.</exception>
    void Plug(DeviceTree tree, IReadOnlyList<string> devices);
}

/// <summary>A board that can be asked for by name.</summary>
/// <param name="Name">The name in scenario files.</param>
/// <param name="Title">What it is, in a line.</param>
/// <param name="Options">The hardware options it takes.</param>
public sealed record BoardType(string Name, string Title, IReadOnlyList<BoardOption> Options);

/// <summary>A hardware option of a board: a number that changes wiring or configuration.</summary>
/// <param name="Name">Its name, the vendor's where there is one.</param>
/// <param name="Default">Its value when not given.</param>
/// <param name="Description">What it does.</param>
public sealed record BoardOption(string Name, ulong Default, string Description);

/// <summary>A board cannot be made as asked. The message says why and how to mend it.</summary>
public sealed class BoardException : Exception
{
    /// <summary>Creates the exception.</summary>
    public BoardException(string message)
        : base(message) { }

    /// <summary>Creates the exception.</summary>
    public BoardException()
        : this("The board cannot be made.") { }

    /// <summary>Creates the exception.</summary>
    public BoardException(string message, Exception innerException)
        : base(message, innerException) { }
}
