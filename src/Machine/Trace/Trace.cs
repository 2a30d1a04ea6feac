namespace Emulator.Machine;

/// <summary>Receives traced events in the order in which they happen.</summary>
public interface ITraceSink
{
    /// <summary>Takes one event.</summary>
    void Write(TraceEvent traceEvent);
}

/// <summary>
/// The trace of a simulation. Parts ask <see cref="IsOn"/> before they build an event that is worth a sink only;
/// warnings and errors are counted and kept whether a sink listens or not, because nothing may be silent.
/// </summary>
public sealed class Trace
{
    /// <summary>How many warnings and errors are kept; later ones are only counted.</summary>
    public const int KeptProblems = 1_000;

    private readonly Simulation _simulation;
    private readonly long[] _counts = new long[(int)Severity.Error + 1];
    private readonly List<TraceEvent> _problems = [];
    private readonly List<ITraceSink> _sinks = [];

    internal Trace(Simulation simulation) => _simulation = simulation;

    /// <summary>Whether anybody listens. Off costs this one predictable branch.</summary>
    public bool IsOn { get; private set; }

    /// <summary>The first warnings and errors, in order.</summary>
    public IReadOnlyList<TraceEvent> Problems => _problems;

    /// <summary>How many events of a severity were reported. Debug and Info are counted only while a sink listens.</summary>
    public long Count(Severity severity) => _counts[(int)severity];

    /// <summary>Adds a listener.</summary>
    public void Add(ITraceSink sink)
    {
        ArgumentNullException.ThrowIfNull(sink);
        _sinks.Add(sink);
        IsOn = true;
    }

    /// <summary>Removes a listener.</summary>
    public void Remove(ITraceSink sink)
    {
        _sinks.Remove(sink);
        IsOn = _sinks.Count > 0;
    }

    /// <summary>Reports an event now.</summary>
    public void Emit(TraceKind kind, string source, params ReadOnlySpan<TraceField> fields)
    {
        ArgumentNullException.ThrowIfNull(kind);
        bool problem = kind.Severity >= Severity.Warning;
        if (!IsOn && !problem)
        {
            return;
        }

        bool kept = problem && _problems.Count < KeptProblems;
        _counts[(int)kind.Severity]++;
        if (!IsOn && !kept)
        {
            return;
        }

        var traceEvent = new TraceEvent(_simulation.Now, source, kind, fields.ToArray());
        if (kept)
        {
            _problems.Add(traceEvent);
        }

        foreach (ITraceSink sink in _sinks)
        {
            sink.Write(traceEvent);
        }
    }
}
