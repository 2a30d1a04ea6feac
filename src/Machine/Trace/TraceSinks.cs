using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Emulator.Machine;

/// <summary>Writes one line of text per event.</summary>
/// <param name="writer">Where to; not closed by the sink.</param>
public sealed class TextTraceSink(TextWriter writer) : ITraceSink
{
    /// <inheritdoc/>
    public void Write(TraceEvent traceEvent)
    {
        ArgumentNullException.ThrowIfNull(traceEvent);
        writer.Write(traceEvent.ToString());
        writer.Write('\n');
    }
}

/// <summary>
/// Writes one JSON object per event and line: <c>t</c> (picoseconds), <c>source</c>, <c>kind</c>, <c>severity</c>, then the
/// fields. Hexadecimal numbers are strings, because JSON's own numbers lose the low bits of a 64-bit address.
/// </summary>
/// <param name="writer">Where to; not closed by the sink.</param>
public sealed class JsonTraceSink(TextWriter writer) : ITraceSink
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <inheritdoc/>
    public void Write(TraceEvent traceEvent)
    {
        ArgumentNullException.ThrowIfNull(traceEvent);
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            json.WriteStartObject();
            json.WriteNumber("t", traceEvent.Time);
            json.WriteString("source", traceEvent.Source);
            json.WriteString("kind", traceEvent.Kind.Name);
            json.WriteString("severity", traceEvent.Kind.Severity.ToString().ToLowerInvariant());
            foreach (TraceField field in traceEvent.Fields)
            {
                if (field.Format == TraceFormat.Decimal)
                {
                    json.WriteNumber(field.Name, field.Number);
                }
                else if (field.Format == TraceFormat.Hex)
                {
                    json.WriteString(field.Name, "0x" + field.Number.ToString("x", CultureInfo.InvariantCulture));
                }
                else
                {
                    json.WriteString(field.Name, field.Text);
                }
            }

            json.WriteEndObject();
        }

        writer.Write(Encoding.UTF8.GetString(buffer.ToArray()));
        writer.Write('\n');
    }
}

/// <summary>Keeps the last events, for the report of a failure.</summary>
/// <param name="capacity">How many.</param>
public sealed class TailTraceSink(int capacity) : ITraceSink
{
    private readonly Queue<TraceEvent> _events = new(capacity);

    /// <summary>The last events, oldest first.</summary>
    public IReadOnlyCollection<TraceEvent> Events => _events;

    /// <inheritdoc/>
    public void Write(TraceEvent traceEvent)
    {
        if (_events.Count == capacity)
        {
            _events.Dequeue();
        }

        _events.Enqueue(traceEvent);
    }
}

/// <summary>Folds the whole trace into one number, to compare two runs.</summary>
public sealed class HashTraceSink : ITraceSink
{
    private ulong _hash = StateHash.Seed;

    /// <summary>The hash of everything seen so far.</summary>
    public ulong Value => _hash;

    /// <summary>How many events were seen.</summary>
    public long Count { get; private set; }

    /// <inheritdoc/>
    public void Write(TraceEvent traceEvent)
    {
        ArgumentNullException.ThrowIfNull(traceEvent);
        Count++;
        _hash = StateHash.Fold(_hash, Encoding.UTF8.GetBytes(traceEvent.ToString()));
    }
}
