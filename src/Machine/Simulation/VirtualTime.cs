using System.Globalization;

namespace Emulator.Machine;

/// <summary>
/// Virtual time is a signed 64-bit count of picoseconds since the simulation began (it lasts 106 days).
/// This class holds the units, and reads and writes them as people do ("1.5us", "10ms").
/// </summary>
public static class VirtualTime
{
    /// <summary>Picoseconds in a nanosecond.</summary>
    public const long Nanosecond = 1_000;

    /// <summary>Picoseconds in a microsecond.</summary>
    public const long Microsecond = 1_000 * Nanosecond;

    /// <summary>Picoseconds in a millisecond.</summary>
    public const long Millisecond = 1_000 * Microsecond;

    /// <summary>Picoseconds in a second.</summary>
    public const long Second = 1_000 * Millisecond;

    /// <summary>A time that is never reached.</summary>
    public const long Never = long.MaxValue;

    private static readonly (string Suffix, long Unit)[] Units =
    [
        ("ps", 1),
        ("ns", Nanosecond),
        ("us", Microsecond),
        ("µs", Microsecond),
        ("ms", Millisecond),
        ("min", 60 * Second),
        ("s", Second),
    ];

    /// <summary>The length in picoseconds of one cycle of a clock of <paramref name="hertz"/>, rounded to nearest.</summary>
    public static long CycleOf(long hertz)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(hertz);
        return Math.Max(1, (Second + hertz / 2) / hertz);
    }

    /// <summary>Adds a delay to a time; the sum stops at <see cref="Never"/> instead of wrapping.</summary>
    public static long Add(long time, long delay) => delay > Never - time ? Never : time + delay;

    /// <summary>Writes a time in the largest unit that keeps it exact: <c>1500000</c> is <c>1.5us</c>.</summary>
    public static string Format(long picoseconds)
    {
        if (picoseconds == Never)
        {
            return "never";
        }

        decimal magnitude = Math.Abs((decimal)picoseconds);
        (string suffix, long unit) =
            magnitude >= Second ? ("s", Second)
            : magnitude >= Millisecond ? ("ms", Millisecond)
            : magnitude >= Microsecond ? ("us", Microsecond)
            : magnitude >= Nanosecond ? ("ns", Nanosecond)
            : ("ps", 1L);
        return (picoseconds / (decimal)unit).ToString("0.############", CultureInfo.InvariantCulture) + suffix;
    }

    /// <summary>
    /// Reads a duration such as <c>250ns</c>, <c>1.5us</c>, <c>10ms</c>, <c>2s</c> or <c>1min</c>. A unit is required;
    /// a fraction must come out as whole picoseconds.
    /// </summary>
    public static bool TryParse(string text, out long picoseconds)
    {
        ArgumentNullException.ThrowIfNull(text);
        picoseconds = 0;
        string trimmed = text.Trim();
        foreach ((string suffix, long unit) in Units)
        {
            if (!trimmed.EndsWith(suffix, StringComparison.Ordinal))
            {
                continue;
            }

            ReadOnlySpan<char> number = trimmed.AsSpan(0, trimmed.Length - suffix.Length).TrimEnd();
            if (
                number.IsEmpty
                || !(char.IsAsciiDigit(number[^1]))
                || !decimal.TryParse(
                    number,
                    NumberStyles.AllowDecimalPoint,
                    CultureInfo.InvariantCulture,
                    out decimal value
                )
                || value > Never / (decimal)unit
            )
            {
                continue;
            }

            decimal exact = value * unit;
            if (exact != decimal.Truncate(exact))
            {
                return false;
            }

            picoseconds = (long)exact;
            return true;
        }

        return false;
    }
}
