using System.Diagnostics;

namespace Emulator.Machine;

/// <summary>
/// An interrupt output of a device: a wire with a level. Several outputs may be wired to one input, which is high while
/// any of them is.
/// </summary>
[DebuggerDisplay("{Name,nq} is {Level ? \"high\" : \"low\",nq}, wired to {Input?.Name ?? \"nothing\",nq}")]
public sealed class InterruptLine
{
    private static readonly TraceKind Rises = new("line.high", Severity.Info, "{line} high -> {input}");
    private static readonly TraceKind Falls = new("line.low", Severity.Info, "{line} low -> {input}");

    private readonly Trace _trace;
    private readonly string _device;

    /// <summary>Creates an output that is low and wired to nothing.</summary>
    /// <param name="trace">Where changes are reported.</param>
    /// <param name="device">Whose output it is.</param>
    /// <param name="name">The name of the pin: <c>irq[3]</c>.</param>
    public InterruptLine(Trace trace, string device, string name)
    {
        _trace = trace;
        _device = device;
        Name = name;
    }

    /// <summary>The name of the pin.</summary>
    public string Name { get; }

    /// <summary>Whether it is high.</summary>
    public bool Level { get; private set; }

    /// <summary>The input it is wired to, or null.</summary>
    public InterruptInput? Input { get; private set; }

    /// <summary>Wires it to an input.</summary>
    public void Connect(InterruptInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (Input is not null)
        {
            throw new InvalidOperationException($"{_device} {Name} is wired to {Input.Name} already.");
        }

        Input = input;
        if (Level)
        {
            input.Drive(true);
        }
    }

    /// <summary>Drives it.</summary>
    public void Set(bool level)
    {
        if (level == Level)
        {
            return;
        }

        Level = level;
        if (_trace.IsOn)
        {
            _trace.Emit(
                level ? Rises : Falls,
                _device,
                TraceField.Of("line", Name),
                TraceField.Of("input", Input?.Name ?? "not wired")
            );
        }

        Input?.Drive(level);
    }
}

/// <summary>An input of an interrupt controller or CPU; high while any output wired to it is high.</summary>
[DebuggerDisplay("{Name,nq}: {_driven} outputs high")]
public sealed class InterruptInput
{
    private readonly Action<bool> _changed;
    private int _driven;

    /// <summary>Creates an input.</summary>
    /// <param name="name">Its name for people: <c>gic SPI 64</c>.</param>
    /// <param name="changed">Told when its level changes.</param>
    public InterruptInput(string name, Action<bool> changed)
    {
        Name = name;
        _changed = changed;
    }

    /// <summary>Its name for people.</summary>
    public string Name { get; }

    /// <summary>Whether it is high.</summary>
    public bool Level => _driven > 0;

    internal void Drive(bool level)
    {
        bool before = Level;
        _driven += level ? 1 : -1;
        if (before != Level)
        {
            _changed(Level);
        }
    }
}

/// <summary>A device that interrupt lines can be wired to by a device tree's interrupt specifiers.</summary>
public interface IInterruptController
{
    /// <summary>The input that a specifier names (the cells after the phandle), or null with a reason.</summary>
    InterruptInput? FindInput(ReadOnlySpan<uint> specifier, out string problem);
}
