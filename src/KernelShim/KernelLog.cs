using System.Diagnostics;
using System.Globalization;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>printk levels (include/linux/kern_levels.h).</summary>
public enum LogLevel
{
    /// <summary>System is unusable.</summary>
    Emergency,

    /// <summary>Action must be taken immediately.</summary>
    Alert,

    /// <summary>Critical conditions.</summary>
    Critical,

    /// <summary>Error conditions.</summary>
    Error,

    /// <summary>Warning conditions.</summary>
    Warning,

    /// <summary>Normal but significant.</summary>
    Notice,

    /// <summary>Informational.</summary>
    Info,

    /// <summary>Debug-level messages.</summary>
    Debug,
}

/// <summary>A line of the kernel log.</summary>
/// <param name="Time">When, in picoseconds since boot.</param>
/// <param name="Level">Its level.</param>
/// <param name="Text">The text, without time and level.</param>
[DebuggerDisplay("{ToString(),nq}")]
public sealed record LogLine(long Time, LogLevel Level, string Text)
{
    /// <summary>The line as dmesg prints it: <c>[    1.234567] text</c>.</summary>
    public override string ToString() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"[{Time / VirtualTime.Second, 5}.{Time % VirtualTime.Second / VirtualTime.Microsecond:000000}] {Text}"
        );
}

/// <summary>
/// The kernel's log: what dmesg reads, and what goes to consoles of a level below <see cref="ConsoleLevel"/>
/// (kernel/printk/printk.c).
/// </summary>
public sealed class KernelLog(Simulation simulation)
{
    /// <summary>Older lines are dropped beyond this many, as from a full ring buffer.</summary>
    public const int Capacity = 4_096;

    private static readonly TraceKind Logged = new("kernel.log", Severity.Info, "{text}");

    private readonly Queue<LogLine> _lines = new();
    private long _bootTime = simulation.Now;

    /// <summary>The lines, oldest first.</summary>
    public IReadOnlyCollection<LogLine> Lines => _lines;

    /// <summary>How many lines were ever logged.</summary>
    public long Count { get; private set; }

    /// <summary>Lines of a level below this go to the consoles (<c>console_loglevel</c>, 7 by default).</summary>
    public int ConsoleLevel { get; set; } = 7;

    /// <summary>Told of every line that goes to the consoles.</summary>
    public event Action<LogLine>? Console;

    /// <summary>Where readers of /dev/kmsg wait for a line.</summary>
    public WaitQueue Readers { get; } = new("devkmsg_read");

    /// <summary>Logs a line.</summary>
    public void Print(LogLevel level, string text)
    {
        var line = new LogLine(simulation.Now - _bootTime, level, text);
        _lines.Enqueue(line);
        Count++;
        if (_lines.Count > Capacity)
        {
            _lines.Dequeue();
        }

        if (simulation.Trace.IsOn)
        {
            simulation.Trace.Emit(Logged, "kernel", TraceField.Of("text", text));
        }

        Readers.WakeAll();
        if ((int)level < ConsoleLevel)
        {
            Console?.Invoke(line);
        }
    }

    /// <summary>Empties the log (<c>dmesg -c</c>).</summary>
    public void Clear() => _lines.Clear();

    /// <summary>Counts time from now on, as a kernel that has just been started.</summary>
    public void StartClock() => _bootTime = simulation.Now;
}
