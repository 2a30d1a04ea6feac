using System.Buffers.Binary;

namespace Emulator.KernelShim;

/// <summary>struct rtc_time: nine 32-bit numbers, of which six count when it is given to the kernel.</summary>
internal static class RtcTime
{
    /// <summary>The size of struct rtc_time.</summary>
    public const int Bytes = 36;

    /// <summary>The size of struct rtc_wkalrm: enabled, pending, two bytes of padding, the time.</summary>
    public const int AlarmBytes = 40;

    /// <summary>A second as a date.</summary>
    public static DateTime At(long seconds) => DateTime.UnixEpoch.AddSeconds(seconds);

    /// <summary>Writes a second as struct rtc_time.</summary>
    public static void Write(Span<byte> to, long seconds)
    {
        DateTime time = At(seconds);
        ReadOnlySpan<int> fields =
        [
            time.Second,
            time.Minute,
            time.Hour,
            time.Day,
            time.Month - 1,
            time.Year - 1900,
            (int)time.DayOfWeek,
            time.DayOfYear - 1,
            0,
        ];
        for (int n = 0; n < fields.Length; n++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(to[(4 * n)..], fields[n]);
        }
    }

    /// <summary>Reads a struct rtc_time (rtc_valid_tm, rtc_tm_to_time64); null when it is no date.</summary>
    public static long? Read(ReadOnlySpan<byte> from)
    {
        Span<int> fields = stackalloc int[6];
        for (int n = 0; n < fields.Length; n++)
        {
            fields[n] = BinaryPrimitives.ReadInt32LittleEndian(from[(4 * n)..]);
        }

        (int second, int minute, int hour, int day, int month) = (
            fields[0],
            fields[1],
            fields[2],
            fields[3],
            fields[4] + 1
        );
        long year = fields[5] + 1900L;
        bool isDate =
            year is >= 1970 and <= 9999
            && month is >= 1 and <= 12
            && day >= 1
            && day <= DateTime.DaysInMonth((int)year, month)
            && hour is >= 0 and < 24
            && minute is >= 0 and < 60
            && second is >= 0 and < 60;
        return isDate
            ? (long)
                (
                    new DateTime((int)year, month, day, hour, minute, second, DateTimeKind.Utc) - DateTime.UnixEpoch
                ).TotalSeconds
            : null;
    }
}
