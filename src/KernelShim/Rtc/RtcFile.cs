using System.Buffers.Binary;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>An open /dev/rtcN (drivers/rtc/dev.c). One at a time.</summary>
internal sealed class RtcFile(RtcDevice rtc) : OpenFile
{
    private const uint AlarmOn = 0x7001;
    private const uint AlarmOff = 0x7002;
    private const uint SetAlarm = 0x4024_7007;
    private const uint ReadAlarm = 0x8024_7008;
    private const uint ReadTime = 0x8024_7009;
    private const uint SetTime = 0x4024_700A;
    private const uint ReadPeriod = 0x8008_700B;
    private const uint SetWakeAlarm = 0x4028_700F;
    private const uint ReadWakeAlarm = 0x8028_7010;
    private const long Day = 86_400;

    public override string Description => $"/dev/rtc{rtc.Id}";

    public override bool IsSeekable => false;

    /// <summary>rtc_dev_open.</summary>
    public static OpenResult Open(Process process, RtcDevice rtc)
    {
        if (rtc.IsOpen)
        {
            return OpenResult.Refused(process.Refuse(Errno.EBUSY, "rtc_dev_open", "somebody has the clock open"));
        }

        rtc.IsOpen = true;
        var file = new RtcFile(rtc);
        rtc.Changed += file.Waiters.WakeAll;
        return file;
    }

    public override PollEvents Poll() => rtc.HasEvents ? PollEvents.In : PollEvents.None;

    /// <summary>rtc_dev_read: an unsigned int or long, the number of events above their flags.</summary>
    public override Attempt Read(Process process, ulong buffer, long count, long position)
    {
        if (count != 4 && count < 8)
        {
            return process.Refuse(Errno.EINVAL, "rtc_dev_read", "a clock is read in 4 or 8 bytes");
        }

        if (!rtc.HasEvents)
        {
            return Flags.HasFlag(OpenFlags.NonBlocking)
                ? process.Refuse(Errno.EAGAIN, "rtc_dev_read", "nothing has happened")
                : Attempt.Block(rtc.Readers);
        }

        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, rtc.TakeEvents());
        int length = count == 4 ? 4 : 8;
        return process.Memory.TryWrite(buffer, bytes[..length]) ? length : Fault(process, "put_user");
    }

    public override Attempt Ioctl(Process process, uint command, ulong argument) =>
        command switch
        {
            ReadTime => GiveTime(process, argument, rtc.Now),
            ReadAlarm => GiveTime(process, argument, rtc.AlarmTime),
            SetTime => TakeTime(process, argument, 0, rtc.SetTime),
            SetAlarm => TakeTime(process, argument, 0, SetOldAlarm),
            AlarmOn => Answer(process, rtc.EnableAlarm(true)),
            AlarmOff => Answer(process, rtc.EnableAlarm(false)),
            ReadWakeAlarm => GiveWakeAlarm(process, argument),
            SetWakeAlarm => TakeWakeAlarm(process, argument),
            ReadPeriod => GivePeriod(process, argument),
            _ => process.Refuse(Errno.ENOTTY, "rtc_dev_ioctl", $"the clock has no ioctl 0x{command:x}"),
        };

    public override void Release(Process? process)
    {
        rtc.Changed -= Waiters.WakeAll;
        rtc.IsOpen = false;
        rtc.TakeEvents();
    }

    private static long Fault(Process process, string function) =>
        process.Refuse(Errno.EFAULT, function, "the address is not in the process's memory");

    private static long Answer(Process process, long error) =>
        error == 0 ? 0 : process.Refuse((Errno)(-error), "rtc_set_alarm", "the clock refuses this time");

    private static long GiveTime(Process process, ulong argument, long seconds)
    {
        Span<byte> bytes = stackalloc byte[RtcTime.Bytes];
        RtcTime.Write(bytes, seconds);
        return process.Memory.TryWrite(argument, bytes) ? 0 : Fault(process, "copy_to_user");
    }

    private static long TakeTime(Process process, ulong argument, int offset, Func<long, long> take)
    {
        Span<byte> bytes = stackalloc byte[RtcTime.Bytes];
        return !process.Memory.TryRead(argument + (ulong)offset, bytes) ? Fault(process, "copy_from_user")
            : RtcTime.Read(bytes) is not { } seconds ? process.Refuse(Errno.EINVAL, "rtc_valid_tm", "it is no date")
            : Answer(process, take(seconds));
    }

    /// <summary>RTC_ALM_SET has no date: it is within a day, and off until RTC_AIE_ON.</summary>
    private long SetOldAlarm(long seconds)
    {
        long now = rtc.Now;
        long at = now - now % Day + seconds % Day;
        return rtc.SetAlarm(at <= now ? at + Day : at, isEnabled: false);
    }

    private long GiveWakeAlarm(Process process, ulong argument)
    {
        Span<byte> bytes = stackalloc byte[RtcTime.AlarmBytes];
        bytes.Clear();
        bytes[0] = rtc.IsAlarmEnabled ? (byte)1 : (byte)0;
        RtcTime.Write(bytes[4..], rtc.AlarmTime);
        return process.Memory.TryWrite(argument, bytes) ? 0 : Fault(process, "copy_to_user");
    }

    private long TakeWakeAlarm(Process process, ulong argument)
    {
        Span<byte> enabled = stackalloc byte[1];
        if (!process.Memory.TryRead(argument, enabled))
        {
            return Fault(process, "copy_from_user");
        }

        bool isEnabled = enabled[0] != 0;
        return TakeTime(process, argument, 4, seconds => rtc.SetAlarm(seconds, isEnabled));
    }

    private static long GivePeriod(Process process, ulong argument)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, 1);
        return process.Memory.TryWrite(argument, bytes) ? 0 : Fault(process, "put_user");
    }
}
