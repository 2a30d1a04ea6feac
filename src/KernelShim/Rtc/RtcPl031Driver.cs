using System.Diagnostics;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>The driver of the PL031 (drivers/rtc/rtc-pl031.c), in its ARM variant.</summary>
[DebuggerDisplay("rtc-pl031")]
internal sealed class RtcPl031Driver(Kernel kernel, RtcClass clocks) : Driver
{
    private const uint Id = 0x0004_1031;
    private const uint IdMask = 0x000F_FFFF;

    public static InitCall InitCall { get; } = new("pl031_init", InitLevel.Device, Start);

    public override string Name => "rtc-pl031";

    public override string BusName => "amba";

    public override bool Matches(Device device) => (device.PeripheralId & IdMask) == Id;

    public override long Probe(Device device)
    {
        if (device.Resources.Count == 0)
        {
            return -(long)Errno.ENODEV;
        }

        // really_probe sets dev->driver before it calls the driver; names of clocks begin with it.
        var pl031 = new Pl031Clock(kernel.Board.Cpu, device.Resources[0].Start);
        pl031.Start();
        RtcDevice rtc = clocks.Register(device, pl031);
        pl031.Rtc = rtc;
        device.DriverData = pl031;
        return device.Interrupts is [var number, ..]
            ? kernel.Interrupts.Request(number, Name, pl031.OnInterrupt, pl031)
            : 0;
    }

    public override void Remove(Device device)
    {
        if (device.DriverData is Pl031Clock { Rtc: { } rtc } pl031)
        {
            if (device.Interrupts is [var number, ..])
            {
                kernel.Interrupts.Free(number, pl031);
            }

            clocks.Unregister(rtc);
        }
    }

    private static void Start(Kernel kernel)
    {
        if (kernel.Profile.HasRtcClass)
        {
            kernel.Drivers.Register(new RtcPl031Driver(kernel, new RtcClass(kernel)));
        }
    }
}

/// <summary>A PL031 as its driver knows it.</summary>
internal sealed class Pl031Clock(CpuPort cpu, ulong registers) : IRtcOperations
{
    private const ulong Data = 0x00;
    private const ulong Match = 0x04;
    private const ulong Load = 0x08;
    private const ulong Control = 0x0C;
    private const ulong Mask = 0x10;
    private const ulong MaskedStatus = 0x18;
    private const ulong Clear = 0x1C;

    public RtcDevice? Rtc { get; set; }

    public long LastSecond => uint.MaxValue;

    /// <summary>pl031_probe: started, if it is not, and nothing enabled.</summary>
    public void Start()
    {
        Write(Control, Read(Control) | 1);
        Write(Mask, 0);
    }

    public long ReadTime() => Read(Data);

    public void SetTime(long seconds) => Write(Load, (uint)seconds);

    public void SetAlarm(long seconds, bool isEnabled)
    {
        Write(Match, (uint)seconds);
        EnableAlarm(isEnabled);
    }

    public void EnableAlarm(bool isEnabled)
    {
        Write(Clear, 1);
        uint mask = Read(Mask);
        Write(Mask, isEnabled ? mask | 1 : mask & ~1u);
    }

    /// <summary>pl031_interrupt.</summary>
    public bool OnInterrupt()
    {
        if ((Read(MaskedStatus) & 1) == 0)
        {
            return false;
        }

        Write(Clear, 1);
        Rtc?.OnAlarm();
        return true;
    }

    private uint Read(ulong register)
    {
        cpu.Load(registers + register, 4, out ulong value);
        return (uint)value;
    }

    private void Write(ulong register, uint value) => cpu.Store(registers + register, 4, value);
}
