using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Emulator.Machine;

/// <summary>A modelled device on a board.</summary>
public interface IDevice
{
    /// <summary>Its name on the board: the label of its node, else the node's name.</summary>
    string Name { get; }

    /// <summary>Its register windows, in the order of the node's <c>reg</c>.</summary>
    IReadOnlyList<IRegisterWindow> Windows { get; }

    /// <summary>Does what the reset line does.</summary>
    void Reset();
}

/// <summary>A device whose memory is one value, so that it can be compared, hashed, saved and restored.</summary>
public interface IStateful
{
    /// <summary>The type of the state struct.</summary>
    Type StateType { get; }

    /// <summary>The state's bytes. Writing them restores it; nothing else may write them.</summary>
    Span<byte> StateBytes { get; }

    /// <summary>A hash that is equal on every run and host.</summary>
    ulong StateHash => Machine.StateHash.Of(StateBytes);
}

/// <summary>
/// Base of the device models. What a device remembers is one unmanaged struct without padding; wires and ports are kept
/// outside it.
/// </summary>
/// <typeparam name="TState">The state struct.</typeparam>
[DebuggerDisplay("{Name,nq}")]
public abstract class Device<TState> : IDevice, IStateful
    where TState : unmanaged
{
    private TState _state;

    /// <summary>Creates a device.</summary>
    protected Device(DeviceContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        Name = context.Name;
        Simulation = context.Simulation;
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>The simulation it lives in.</summary>
    public Simulation Simulation { get; }

    /// <summary>The simulation's trace.</summary>
    public Trace Trace => Simulation.Trace;

    /// <inheritdoc/>
    public abstract IReadOnlyList<IRegisterWindow> Windows { get; }

    /// <inheritdoc/>
    public Type StateType => typeof(TState);

    /// <inheritdoc/>
    public Span<byte> StateBytes => MemoryMarshal.AsBytes(new Span<TState>(ref _state));

    /// <summary>The state itself.</summary>
    protected internal ref TState State => ref _state;

    /// <inheritdoc/>
    public abstract void Reset();

    /// <summary>Copies the state.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public TState Snapshot() => _state;
}
