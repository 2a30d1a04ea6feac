using System.Diagnostics;
using System.Globalization;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>What a clock's driver can do (struct rtc_class_ops). Times are seconds since 1970.</summary>
internal interface IRtcOperations
{
    /// <summary>read_time.</summary>
    long ReadTime();

    /// <summary>set_time.</summary>
    void SetTime(long seconds);

    /// <summary>set_alarm, enabled or not.</summary>
    void SetAlarm(long seconds, bool isEnabled);

    /// <summary>alarm_irq_enable.</summary>
    void EnableAlarm(bool isEnabled);

    /// <summary>range_max.</summary>
    long LastSecond { get; }
}

/// <summary>A clock of the class rtc (drivers/rtc/interface.c, struct rtc_device): time, alarm, and who waits for it.</summary>
[DebuggerDisplay("rtc{Id}: {Name,nq}")]
internal sealed class RtcDevice(Kernel kernel, Device device, IRtcOperations operations, int id)
{
    /// <summary>RTC_AF: an alarm has come.</summary>
    private const ulong AlarmFlag = 0x20;

    /// <summary>RTC_IRQF: an interrupt has come.</summary>
    private const ulong InterruptFlag = 0x80;

    private ulong _events;

    /// <summary>Its number.</summary>
    public int Id { get; } = id;

    /// <summary>The hardware's device.</summary>
    public Device Device { get; } = device;

    /// <summary>name: driver and device.</summary>
    public string Name { get; } = $"{device.Driver?.Name} {device.Name}";

    /// <summary>max_user_freq.</summary>
    public ulong MaximumUserFrequency { get; set; } = 64;

    /// <summary>When the alarm comes.</summary>
    public long AlarmTime { get; private set; }

    /// <summary>Whether it comes.</summary>
    public bool IsAlarmEnabled { get; private set; }

    /// <summary>Whether the system's time was set from it.</summary>
    public bool SetSystemTime { get; set; }

    /// <summary>Whether somebody has the device file open (RTC_DEV_BUSY).</summary>
    public bool IsOpen { get; set; }

    /// <summary>Who reads or polls.</summary>
    public WaitQueue Readers { get; } = new("rtc_dev_read");

    /// <summary>The last second it can hold.</summary>
    public long LastSecond => operations.LastSecond;

    /// <summary>rtc_read_time.</summary>
    public long Now => operations.ReadTime();

    /// <summary>rtc_set_time.</summary>
    public long SetTime(long seconds)
    {
        if (seconds < 0 || seconds > LastSecond)
        {
            return -(long)Errno.ERANGE;
        }

        operations.SetTime(seconds);
        return 0;
    }

    /// <summary>rtc_set_alarm: an alarm that is enabled must lie ahead (ETIME).</summary>
    public long SetAlarm(long seconds, bool isEnabled)
    {
        if (seconds < 0 || seconds > LastSecond)
        {
            return -(long)Errno.ERANGE;
        }

        AlarmTime = seconds;
        if (!isEnabled)
        {
            IsAlarmEnabled = false;
            operations.EnableAlarm(false);
            return 0;
        }

        if (seconds <= Now)
        {
            return -(long)Errno.ETIME;
        }

        IsAlarmEnabled = true;
        operations.SetAlarm(seconds, true);
        return 0;
    }

    /// <summary>rtc_alarm_irq_enable.</summary>
    public long EnableAlarm(bool isEnabled) => SetAlarm(AlarmTime, isEnabled);

    /// <summary>rtc_update_irq and the work behind it: the alarm is over, readers learn of it.</summary>
    public void OnAlarm()
    {
        if (!IsAlarmEnabled || Now < AlarmTime)
        {
            return;
        }

        IsAlarmEnabled = false;
        operations.EnableAlarm(false);
        _events = ((_events >> 8) + 1) << 8 | InterruptFlag | AlarmFlag;
        Readers.WakeAll();
        Changed?.Invoke();
    }

    /// <summary>Told when there is something to read.</summary>
    public event Action? Changed;

    /// <summary>Whether there is something to read.</summary>
    public bool HasEvents => _events != 0;

    /// <summary>What read(2) gives: the number of events above the flags.</summary>
    public ulong TakeEvents()
    {
        ulong events = _events;
        _events = 0;
        return events;
    }

    /// <summary>rtc_hctosys.</summary>
    public void GiveSystemTime()
    {
        long now = Now;
        kernel.EpochSeconds = now - kernel.Simulation.Now / VirtualTime.Second;
        SetSystemTime = true;
        string text = RtcTime.At(now).ToString("yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture);
        kernel.Log.Print(
            LogLevel.Info,
            string.Create(CultureInfo.InvariantCulture, $"{Name}: setting system clock to {text} UTC ({now})")
        );
    }
}
