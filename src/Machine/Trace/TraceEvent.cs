using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Emulator.Machine;

/// <summary>How serious a traced event is.</summary>
public enum Severity
{
    /// <summary>What happens all the time: a register access, a bus transaction, an instruction.</summary>
    Debug,

    /// <summary>What happens now and then: a line changes, a channel starts.</summary>
    Info,

    /// <summary>Software did something that hardware ignores or that is not modelled.</summary>
    Warning,

    /// <summary>Software did something that hardware answers with an error: a bus error, a fault.</summary>
    Error,
}

/// <summary>How a number in a trace is written.</summary>
public enum TraceFormat
{
    /// <summary>0x8000_0000.</summary>
    Hex,

    /// <summary>A decimal number.</summary>
    Decimal,

    /// <summary>The text itself.</summary>
    Text,
}

/// <summary>One named value of an event.</summary>
/// <param name="Name">The name used in templates and as the key in JSON.</param>
/// <param name="Number">The value, unless the format is <see cref="TraceFormat.Text"/>.</param>
/// <param name="Text">The text, if the format is <see cref="TraceFormat.Text"/>.</param>
/// <param name="Format">How to write it.</param>
[DebuggerDisplay("{Name,nq} = {Value,nq}")]
public readonly record struct TraceField(string Name, ulong Number, string? Text, TraceFormat Format)
{
    /// <summary>The value as text.</summary>
    public string Value =>
        Format switch
        {
            TraceFormat.Text => Text ?? "",
            TraceFormat.Decimal => Number.ToString(CultureInfo.InvariantCulture),
            _ => Hexadecimal.Format(Number),
        };

    /// <summary>A number written in hexadecimal.</summary>
    public static TraceField Hex(string name, ulong value) => new(name, value, null, TraceFormat.Hex);

    /// <summary>A number written in decimal.</summary>
    public static TraceField Decimal(string name, ulong value) => new(name, value, null, TraceFormat.Decimal);

    /// <summary>A text.</summary>
    public static TraceField Of(string name, string value) => new(name, 0, value, TraceFormat.Text);

    /// <summary>The bytes of a transfer, the first 16 of them.</summary>
    public static TraceField Bytes(string name, ReadOnlySpan<byte> bytes)
    {
        string text = bytes.Length switch
        {
            1 => Hexadecimal.Format(bytes[0]),
            2 => Hexadecimal.Format(BinaryPrimitives.ReadUInt16LittleEndian(bytes)),
            4 => Hexadecimal.Format(BinaryPrimitives.ReadUInt32LittleEndian(bytes)),
            8 => Hexadecimal.Format(BinaryPrimitives.ReadUInt64LittleEndian(bytes)),
            <= 16 => Convert.ToHexString(bytes),
            _ => Convert.ToHexString(bytes[..16]) + "...",
        };
        return Of(name, text);
    }
}

/// <summary>
/// A kind of event: its name, its severity and the sentence it makes of its fields. Declared once, as a static of the
/// part that emits it: <c>new("bus.miss", Severity.Error, "{who} reads {length} bytes at {address}: nothing there")</c>.
/// </summary>
/// <param name="Name">Lower-case, dotted; the value of <c>kind</c> in JSON.</param>
/// <param name="Severity">How serious it is.</param>
/// <param name="Template">The sentence, with field names in braces.</param>
[DebuggerDisplay("{Name,nq}")]
public sealed record TraceKind(string Name, Severity Severity, string Template);

/// <summary>One thing that happened.</summary>
/// <param name="Time">When, in picoseconds.</param>
/// <param name="Source">Who: a device's name.</param>
/// <param name="Kind">What kind of thing.</param>
/// <param name="Fields">Its values.</param>
[DebuggerDisplay("{ToString(),nq}")]
public sealed record TraceEvent(long Time, string Source, TraceKind Kind, IReadOnlyList<TraceField> Fields)
{
    /// <summary>The sentence of the kind with the fields filled in.</summary>
    public string Message
    {
        get
        {
            var text = new StringBuilder();
            string template = Kind.Template;
            int at = 0;
            while (at < template.Length)
            {
                int open = template.IndexOf('{', at);
                int close = open < 0 ? -1 : template.IndexOf('}', open);
                if (close < 0)
                {
                    text.Append(template, at, template.Length - at);
                    break;
                }

                text.Append(template, at, open - at);
                string name = template[(open + 1)..close];
                foreach (TraceField value in Fields)
                {
                    if (string.Equals(value.Name, name, StringComparison.Ordinal))
                    {
                        text.Append(value.Value);
                        break;
                    }
                }

                at = close + 1;
            }

            return text.ToString();
        }
    }

    /// <summary>The line of a text trace: time in microseconds, source, message.</summary>
    public override string ToString() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"[{Time / VirtualTime.Microsecond, 6}.{Time % VirtualTime.Microsecond:000000}] {Mark}{Source} {Message}"
        );

    private string Mark =>
        Kind.Severity switch
        {
            Severity.Warning => "warning: ",
            Severity.Error => "error: ",
            _ => "",
        };
}

/// <summary>Hexadecimal as this project writes it: groups of four digits, <c>0x8000_0000</c>.</summary>
public static class Hexadecimal
{
    /// <summary>Writes a number; groups appear from five digits on.</summary>
    public static string Format(ulong value)
    {
        if (value <= 0xFFFF)
        {
            return "0x" + value.ToString("x", CultureInfo.InvariantCulture);
        }

        Span<char> digits = stackalloc char[22];
        int at = digits.Length;
        for (int count = 0; value != 0; count++, value >>= 4)
        {
            if (count != 0 && count % 4 == 0)
            {
                digits[--at] = '_';
            }

            digits[--at] = "0123456789abcdef"[(int)(value & 0xF)];
        }

        return string.Concat("0x", digits[at..]);
    }
}
