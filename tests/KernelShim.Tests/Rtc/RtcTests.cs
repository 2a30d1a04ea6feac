using System.Buffers.Binary;
using Emulator.Machine;

namespace Emulator.KernelShim.Tests;

/// <summary>The class of clocks over the virt board's PL031.</summary>
public sealed class RtcTests
{
    private const string Clock = "/sys/class/rtc/rtc0/";
    private const uint ReadTime = 0x8024_7009;
    private const uint SetTime = 0x4024_700A;
    private const uint SetWakeAlarm = 0x4028_700F;
    private const uint ReadWakeAlarm = 0x8028_7010;

    private readonly VirtKernel _virt = new();

    private TestProcess User => _virt.User;

    private long Now => long.Parse(User.Cat(Clock + "since_epoch"), System.Globalization.CultureInfo.InvariantCulture);

    private void Wait(long seconds) => _virt.Kernel.Simulation.RunFor(seconds * VirtualTime.Second);

    private long Ioctl(long descriptor, uint command) =>
        User.Do(_ => User.Calls.Ioctl(User.Process, (int)descriptor, command, User.Buffer));

    [Fact]
    public void The_clock_sets_the_system_s_time_when_it_is_registered()
    {
        User.Cat(Clock + "name").Should().Be("rtc-pl031 9010000.pl031\n");
        User.Cat(Clock + "hctosys").Should().Be("1\n");
        _virt.Log.Should().Contain("rtc-pl031 9010000.pl031: registered as rtc0");
        _virt.Log.Should().ContainMatch("rtc-pl031 9010000.pl031: setting system clock to ????-??-??T??:??:?? UTC (*)");
        _virt.Kernel.EpochSeconds.Should().Be(Now);
        Wait(5);
        (_virt.Kernel.EpochSeconds + 5).Should().Be(Now);
    }

    [Fact]
    public void An_alarm_comes_once_and_is_off_then()
    {
        User.Echo("+2", Clock + "wakealarm").Should().Be(3);
        User.Cat(Clock + "wakealarm").Should().Be($"{Now + 2}\n");
        User.Echo("+9", Clock + "wakealarm").Should().Be(-(long)Errno.EBUSY);
        Wait(3);
        User.Cat(Clock + "wakealarm").Should().Be("");
        User.Cat("/proc/interrupts").Should().Contain("          1          0     GICv3  34 Level     rtc-pl031\n");
        Wait(10);
        User.Cat("/proc/interrupts").Should().Contain("          1          0     GICv3  34 Level     rtc-pl031\n");
    }

    [Fact]
    public void An_alarm_can_be_put_off_and_turned_off()
    {
        User.Echo("+=60", Clock + "wakealarm").Should().Be(-(long)Errno.EINVAL, "none is set");
        User.Echo("+10", Clock + "wakealarm");
        User.Echo("+=60", Clock + "wakealarm").Should().Be(5);
        User.Cat(Clock + "wakealarm").Should().Be($"{Now + 70}\n");
        User.Echo("0", Clock + "wakealarm").Should().Be(2);
        Wait(100);
        User.Cat("/proc/interrupts").Should().Contain("          0          0     GICv3  34 Level     rtc-pl031\n");
    }

    [Fact]
    public void The_device_file_is_one_program_s_and_gives_and_takes_the_time()
    {
        long descriptor = User.Open("/dev/rtc0");
        User.Open("/dev/rtc0").Should().Be(-(long)Errno.EBUSY);
        byte[] time = new byte[36];
        foreach ((int field, int value) in new[] { (0, 9), (1, 5), (2, 10), (3, 7), (4, 9), (5, 119) })
        {
            BinaryPrimitives.WriteInt32LittleEndian(time.AsSpan(4 * field), value);
        }

        User.Poke(time);
        Ioctl(descriptor, SetTime).Should().Be(0);
        Now.Should().Be(1_570_442_709, "2019-10-07 10:05:09");
        Wait(7);
        Ioctl(descriptor, ReadTime).Should().Be(0);
        byte[] read = User.Peek(36);
        BinaryPrimitives.ReadInt32LittleEndian(read).Should().Be(16);
        BinaryPrimitives.ReadInt32LittleEndian(read.AsSpan(24)).Should().Be(1, "a Monday");
        User.Cat(Clock + "date").Should().Be("2019-10-07\n");
        time[12] = 32;
        User.Poke(time);
        Ioctl(descriptor, SetTime).Should().Be(-(long)Errno.EINVAL);
        Ioctl(descriptor, 0x1234).Should().Be(-(long)Errno.ENOTTY);
    }

    [Fact]
    public void Who_reads_the_device_file_waits_for_the_alarm()
    {
        long descriptor = User.Open("/dev/rtc0");
        long now = Now;
        byte[] alarm = new byte[40];
        alarm[0] = 1;
        DateTime at = DateTime.UnixEpoch.AddSeconds(now + 3);
        int[] fields = [at.Second, at.Minute, at.Hour, at.Day, at.Month - 1, at.Year - 1900];
        for (int n = 0; n < fields.Length; n++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(alarm.AsSpan(4 + 4 * n), fields[n]);
        }

        User.Poke(alarm);
        Ioctl(descriptor, SetWakeAlarm).Should().Be(0);
        Ioctl(descriptor, ReadWakeAlarm).Should().Be(0);
        User.Peek(1)[0].Should().Be(1);
        User.Read(descriptor, 8).Result.Should().Be(8);
        User.PeekWord().Should().Be(0x1A0, "one event: RTC_IRQF and RTC_AF");
        Now.Should().BeInRange(now + 3, now + 4);
        User.Poke(alarm);
        Ioctl(descriptor, SetWakeAlarm).Should().Be(-(long)Errno.ETIME, "it has passed");
    }

    [Theory]
    [InlineData("0")]
    [InlineData("4096")]
    [InlineData("abc")]
    public void A_user_frequency_has_bounds(string value)
    {
        User.Echo(value, Clock + "max_user_freq").Should().Be(-(long)Errno.EINVAL);
        User.Echo("128", Clock + "max_user_freq").Should().Be(4);
        User.Cat("/proc/driver/rtc").Should().Contain("max user IRQ frequency\t: 128\n");
    }
}
