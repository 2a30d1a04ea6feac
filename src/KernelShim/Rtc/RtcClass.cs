using System.Globalization;
using System.Text;

namespace Emulator.KernelShim;

/// <summary>The class of clocks (drivers/rtc/class.c, sysfs.c, proc.c): names, files, and the device node.</summary>
internal sealed class RtcClass
{
    /// <summary>A dynamic major number; which one a kernel takes depends on what asked before.</summary>
    public const int Major = 251;

    private const ulong HighestUserFrequency = 4096;
    private const long FarAlarm = 300;

    private readonly Kernel _kernel;
    private readonly DirectoryInode _class;
    private readonly List<RtcDevice> _clocks = [];

    public RtcClass(Kernel kernel)
    {
        _kernel = kernel;
        _class = kernel.Files.Sys.GetOrAddDirectory("class").GetOrAddDirectory("rtc");
    }

    /// <summary>devm_rtc_register_device: the first clock sets the system's time.</summary>
    public RtcDevice Register(Device device, IRtcOperations operations)
    {
        int id = 0;
        while (_clocks.Exists(clock => clock.Id == id))
        {
            id++;
        }

        var rtc = new RtcDevice(_kernel, device, operations, id);
        _clocks.Add(rtc);
        AddFiles(rtc);
        string name = Text($"rtc{id}");
        _kernel.Files.AddDevice(name, new DeviceInode(0x180, Major, id, (process, _) => RtcFile.Open(process, rtc)));
        _kernel.Log.Print(LogLevel.Info, $"{rtc.Name}: registered as {name}");
        if (id == 0)
        {
            _kernel.Files.Proc.GetOrAddDirectory("driver").AddAttribute("rtc", AttributeMode.ReadOnly, () => Show(rtc));
            rtc.GiveSystemTime();
        }

        return rtc;
    }

    /// <summary>devm_rtc_unregister_device.</summary>
    public void Unregister(RtcDevice rtc)
    {
        string name = Text($"rtc{rtc.Id}");
        _clocks.Remove(rtc);
        _class.Remove(name);
        rtc.Device.Directory?.Remove("rtc");
        _kernel.Files.Dev.Remove(name);
        if (rtc.Id == 0)
        {
            _kernel.Files.Proc.GetOrAddDirectory("driver").Remove("rtc");
        }
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static string Date(long seconds) => Text($"{RtcTime.At(seconds):yyyy-MM-dd}");

    private static string Time(long seconds) => Text($"{RtcTime.At(seconds):HH:mm:ss}");

    private static string Answer(bool isSo) => isSo ? "yes" : "no";

    private void AddFiles(RtcDevice rtc)
    {
        DirectoryInode home = rtc.Device.Directory!;
        string name = Text($"rtc{rtc.Id}");
        DirectoryInode directory = home.GetOrAddDirectory("rtc").AddDirectory(name);
        void Add(string file, Func<string> show) => directory.AddAttribute(file, AttributeMode.ReadOnly, show);
        Add("name", () => rtc.Name + "\n");
        Add("date", () => Date(rtc.Now) + "\n");
        Add("time", () => Time(rtc.Now) + "\n");
        Add("since_epoch", () => Text($"{rtc.Now}\n"));
        Add("hctosys", () => rtc.SetSystemTime ? "1\n" : "0\n");
        Add("range", () => Text($"[0,{rtc.LastSecond}]\n"));
        Add("dev", () => Text($"{Major}:{rtc.Id}\n"));
        directory.AddAttribute(
            "uevent",
            AttributeMode.ReadWrite,
            () => Text($"MAJOR={Major}\nMINOR={rtc.Id}\nDEVNAME={name}\n"),
            (_, text) => text.Length
        );
        directory.AddAttribute(
            "max_user_freq",
            AttributeMode.ReadWrite,
            () => Text($"{rtc.MaximumUserFrequency}\n"),
            (process, text) => StoreFrequency(process, rtc, text)
        );
        directory.AddAttribute(
            "wakealarm",
            AttributeMode.ReadWrite,
            () => rtc.IsAlarmEnabled ? Text($"{rtc.AlarmTime}\n") : "",
            (process, text) => StoreAlarm(process, rtc, text)
        );
        directory.AddRelativeLink("device", home);
        PowerFiles.AddSmall(directory);
        directory.AddRelativeLink("subsystem", _class);
        _class.AddRelativeLink(name, directory);

        // alarmtimer_rtc_add_device: the first clock that can wake the system carries the alarm timers.
        PowerFiles.AddSmall(directory.AddDirectory(Text($"alarmtimer.{rtc.Id}.auto")));
    }

    /// <summary>max_user_freq_store.</summary>
    private static long StoreFrequency(Process process, RtcDevice rtc, string text)
    {
        if (KernelStrings.TryParse(text, ulong.MaxValue, out ulong value) != 0)
        {
            return process.Refuse(Errno.EINVAL, "max_user_freq_store", "it is no number");
        }

        if (value is 0 or >= HighestUserFrequency)
        {
            return process.Refuse(Errno.EINVAL, "max_user_freq_store", "a frequency is 1 to 4095");
        }

        rtc.MaximumUserFrequency = value;
        return text.Length;
    }

    /// <summary>wakealarm_store: seconds since 1970, "+" for from now, "+=" for later than it is set; the past turns it off.</summary>
    private static long StoreAlarm(Process process, RtcDevice rtc, string text)
    {
        bool isRelative = text.StartsWith('+');
        bool pushes = text.StartsWith("+=", StringComparison.Ordinal);
        string digits =
            pushes ? text[2..]
            : isRelative ? text[1..]
            : text;
        if (!GpioText.TryParse(digits, out long alarm))
        {
            return process.Refuse(Errno.EINVAL, "wakealarm_store", "it is no number");
        }

        long now = rtc.Now;
        alarm += isRelative && !pushes ? now : 0;
        bool isEnabled = alarm > now || pushes;
        if (isEnabled && rtc.IsAlarmEnabled)
        {
            if (!pushes)
            {
                return process.Refuse(Errno.EBUSY, "wakealarm_store", "an alarm is set; turn it off by 0 first");
            }

            alarm += rtc.AlarmTime;
        }
        else if (pushes)
        {
            return process.Refuse(Errno.EINVAL, "wakealarm_store", "no alarm is set that could come later");
        }

        long error = rtc.SetAlarm(isEnabled ? alarm : now + FarAlarm, isEnabled);
        return error == 0
            ? text.Length
            : process.Refuse((Errno)(-error), "rtc_set_alarm", "the clock cannot hold this time");
    }

    /// <summary>rtc_proc_show.</summary>
    private static string Show(RtcDevice rtc)
    {
        var text = new StringBuilder();
        void Add(string name, string value) => text.Append(name).Append("\t: ").Append(value).Append('\n');
        Add("rtc_time", Time(rtc.Now));
        Add("rtc_date", Date(rtc.Now));
        Add("alrm_time", Time(rtc.AlarmTime));
        Add("alrm_date", Date(rtc.AlarmTime));
        Add("alarm_IRQ", Answer(rtc.IsAlarmEnabled));
        Add("alrm_pending", Answer(isSo: false));
        Add("update IRQ enabled", Answer(isSo: false));
        Add("periodic IRQ enabled", Answer(isSo: false));
        Add("periodic IRQ frequency", "1");
        Add("max user IRQ frequency", Text($"{rtc.MaximumUserFrequency}"));
        Add("24hr\t", "yes");
        return text.ToString();
    }
}
