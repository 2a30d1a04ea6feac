using System.Diagnostics;
using System.Globalization;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim;

/// <summary>
/// s3c-i2c (drivers/i2c/busses/i2c-s3c2410.c): the driver that has the I2C controllers of Samsung's SoCs before anybody passes
/// them through. It sets the controller up and takes its interrupt; no clients are on its bus.
/// </summary>
[DebuggerDisplay("s3c-i2c")]
public sealed class S3cI2cDriver : Driver
{
    private const ulong Control = 0x00; // IICCON
    private const ulong Address = 0x08; // IICADD
    private const ulong ControlPending = 1 << 4;
    private const ulong ControlInterruptEnable = 1 << 5;
    private const ulong ControlSlowClock = 1 << 6;
    private const ulong ControlAcknowledge = 1 << 7;
    private const ulong SlaveAddress = 0x10;
    private const int DefaultBusHertz = 100_000;

    private static readonly string[] Parts =
    [
        "samsung,s3c2410-i2c",
        "samsung,s3c2440-i2c",
        "samsung,s3c2440-hdmiphy-i2c",
        "samsung,exynos5440-i2c",
    ];

    private readonly Kernel _kernel;
    private readonly SortedSet<int> _adapters = [];

    private S3cI2cDriver(Kernel kernel) => _kernel = kernel;

    /// <summary>Registers the driver where it is built in (i2c_adap_s3c_init).</summary>
    public static InitCall InitCall { get; } = new("i2c_adap_s3c_init", InitLevel.Subsystem, Start);

    /// <inheritdoc/>
    public override string Name => "s3c-i2c";

    /// <inheritdoc/>
    public override string BusName => "platform";

    /// <inheritdoc/>
    public override bool Matches(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return device.Compatible.Any(name => Parts.Contains(name, StringComparer.Ordinal));
    }

    /// <summary>s3c24xx_i2c_probe.</summary>
    public override long Probe(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (device.Resources.Count == 0 || device.Interrupts.Count == 0)
        {
            Print(device, LogLevel.Error, "cannot find IRQ");
            return -(long)Errno.ENOENT;
        }

        if (ClockHertzOf(device) is not { } clockHertz)
        {
            Print(device, LogLevel.Error, "cannot get clock");
            return -(long)Errno.ENOENT;
        }

        ulong registers = device.Resources[0].Start;
        Store(registers + Address, SlaveAddress);
        Print(device, LogLevel.Info, string.Create(CultureInfo.InvariantCulture, $"slave address 0x{SlaveAddress:x2}"));
        Store(registers + Control, ControlInterruptEnable | ControlAcknowledge);
        long error = SetClock(device, registers, clockHertz / 1000);
        if (error == 0)
        {
            error = _kernel.Interrupts.Request(device.Interrupts[0], device.Name, () => Acknowledge(registers), device);
        }

        if (error != 0)
        {
            return error;
        }

        int adapter = Enumerable.Range(0, _adapters.Count + 1).First(number => !_adapters.Contains(number));
        _adapters.Add(adapter);
        device.DriverData = adapter;
        Print(device, LogLevel.Info, string.Create(CultureInfo.InvariantCulture, $"i2c-{adapter}: S3C I2C adapter"));
        return 0;
    }

    /// <summary>s3c24xx_i2c_remove.</summary>
    public override void Remove(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        _adapters.Remove((int)device.DriverData!);
        _kernel.Interrupts.Free(device.Interrupts[0], device);
    }

    /// <summary>s3c24xx_i2c_clockrate: SCL as near below the wanted frequency as the divider allows, in kHz.</summary>
    private long SetClock(Device device, ulong registers, uint clockKilohertz)
    {
        const uint wanted = DefaultBusHertz / 1000;
        uint divider = clockKilohertz / wanted;
        uint first = divider > 16 * 16 ? 512u : 16u;
        divider = Math.Clamp((divider + first - 1) / first, 1, 17);
        uint frequency = clockKilohertz / (divider * first);
        if (frequency > wanted)
        {
            Print(device, LogLevel.Error, "cannot find frequency");
            return -(long)Errno.EINVAL;
        }

        Print(
            device,
            LogLevel.Info,
            string.Create(CultureInfo.InvariantCulture, $"bus frequency set to {frequency} KHz")
        );
        ulong control = ControlInterruptEnable | ControlAcknowledge | (divider - 1);
        Store(registers + Control, first == 512 ? control | ControlSlowClock : control);
        return 0;
    }

    /// <summary>s3c24xx_i2c_irq of an idle bus: the interrupt is acknowledged and nothing follows.</summary>
    private bool Acknowledge(ulong registers)
    {
        _kernel.Board.Cpu.Load(registers + Control, 4, out ulong control);
        Store(registers + Control, control & ~ControlPending);
        return true;
    }

    /// <summary>The rate of the device's first clock, which must be a fixed one: there is no clock framework here.</summary>
    private uint? ClockHertzOf(Device device) =>
        device.Node is { } node
        && _kernel.Tree.ReadClocks(node) is [var clock, ..]
        && clock.Node?.FindProperty("clock-frequency")?.ReadCells() is [var hertz, ..]
            ? hertz
            : null;

    private void Store(ulong address, ulong value) => _kernel.Board.Cpu.Store(address, 4, value);

    private void Print(Device device, LogLevel level, string text) => _kernel.Log.Print(level, device.LogPrefix + text);

    private static void Start(Kernel kernel)
    {
        if (kernel.Profile.HasS3cI2cDriver)
        {
            kernel.Drivers.Register(new S3cI2cDriver(kernel));
        }
    }
}
