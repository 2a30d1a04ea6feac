using System.Diagnostics;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>The driver of the PL061 (drivers/gpio/gpio-pl061.c).</summary>
[DebuggerDisplay("pl061_gpio")]
internal sealed class Pl061Driver(Kernel kernel) : Driver
{
    private const uint Id = 0x0004_1061;
    private const uint IdMask = 0x000F_FFFF;

    public static InitCall InitCall { get; } = new("pl061_gpio_init", InitLevel.Device, Start);

    public override string Name => "pl061_gpio";

    public override string BusName => "amba";

    public override bool Matches(Device device) => (device.PeripheralId & IdMask) == Id;

    public override long Probe(Device device)
    {
        if (kernel.Gpio is not { } core || device.Resources.Count == 0)
        {
            return -(long)Errno.ENODEV;
        }

        var chip = new Pl061Chip(kernel, device);
        chip.Start();
        core.Add(chip);
        device.DriverData = chip;
        kernel.Log.Print(LogLevel.Info, $"{Name} {device.Name}: PL061 GPIO chip registered");
        return 0;
    }

    public override void Remove(Device device)
    {
        if (device.DriverData is Pl061Chip chip)
        {
            kernel.Gpio?.Remove(chip);
            chip.Stop();
        }
    }

    private static void Start(Kernel kernel)
    {
        if (kernel.Profile.HasGpioClass)
        {
            kernel.Drivers.Register(new Pl061Driver(kernel));
        }
    }
}

/// <summary>A PL061 as its driver knows it: byte accesses, one chained interrupt for eight lines.</summary>
internal sealed class Pl061Chip(Kernel kernel, Device device) : GpioChip(device, PinCount), IIrqChip
{
    private const int PinCount = 8;
    private const ulong Direction = 0x400;
    private const ulong Sense = 0x404;
    private const ulong BothEdges = 0x408;
    private const ulong Event = 0x40C;
    private const ulong Mask = 0x410;
    private const ulong MaskedStatus = 0x418;
    private const ulong Clear = 0x41C;

    private readonly CpuPort _cpu = kernel.Board.Cpu;
    private readonly ulong _base = device.Resources[0].Start;
    private readonly int?[] _numbers = new int?[PinCount];

    /// <summary>Everything masked, then the line to the parent controller is opened.</summary>
    public void Start()
    {
        WriteRegister(Mask, 0);
        if (Device.Interrupts is [var parent, ..] && kernel.Interrupts is IrqSubsystem interrupts)
        {
            interrupts.Chain(parent, OnInterrupt);
        }
    }

    public void Stop()
    {
        WriteRegister(Mask, 0);
        if (kernel.Interrupts is IrqSubsystem interrupts)
        {
            foreach (int number in _numbers.OfType<int>())
            {
                interrupts.Remove(number);
            }

            if (Device.Interrupts is [var parent, ..])
            {
                interrupts.Unchain(parent);
            }
        }
    }

    public override bool IsOutput(int offset) => (ReadRegister(Direction) >> offset & 1) != 0;

    public override void MakeInput(int offset) => Change(Direction, offset, false);

    /// <summary>The value is written again afterwards: it does not count while the pin is an input (pl061_direction_output).</summary>
    public override void MakeOutput(int offset, bool value)
    {
        Write(offset, value);
        Change(Direction, offset, true);
        Write(offset, value);
    }

    public override bool Read(int offset) => ReadRegister(DataOf(offset)) != 0;

    public override void Write(int offset, bool value) => WriteRegister(DataOf(offset), (value ? 1u : 0) << offset);

    public override int InterruptOf(int offset)
    {
        if (kernel.Interrupts is not IrqSubsystem interrupts)
        {
            return -(int)Errno.ENXIO;
        }

        return _numbers[offset] ??= interrupts.Add(
            new IrqSource(this, offset, Device.Name, offset, IsLevel: false, ChipPrintsName: true)
        );
    }

    /// <summary>pl061_irq_type.</summary>
    public override void SetEdges(int offset, GpioEdges edges)
    {
        Change(Sense, offset, false);
        Change(BothEdges, offset, edges == GpioEdges.Both);
        Change(Event, offset, edges == GpioEdges.Rising);
    }

    void IIrqChip.Mask(int number) => Change(Mask, number, false);

    void IIrqChip.Unmask(int number) => Change(Mask, number, true);

    private static ulong DataOf(int offset) => 4UL << offset;

    /// <summary>pl061_irq_handler, pl061_irq_ack.</summary>
    private void OnInterrupt()
    {
        uint pending = ReadRegister(MaskedStatus);
        for (int offset = 0; offset < PinCount; offset++)
        {
            if ((pending >> offset & 1) != 0)
            {
                WriteRegister(Clear, 1u << offset);
                if (_numbers[offset] is { } number && kernel.Interrupts is IrqSubsystem interrupts)
                {
                    interrupts.Raise(number);
                }
            }
        }
    }

    private void Change(ulong register, int offset, bool isSet)
    {
        uint bit = 1u << offset;
        uint value = ReadRegister(register);
        WriteRegister(register, isSet ? value | bit : value & ~bit);
    }

    private uint ReadRegister(ulong register)
    {
        _cpu.Load(_base + register, 1, out ulong value);
        return (uint)value;
    }

    private void WriteRegister(ulong register, uint value) => _cpu.Store(_base + register, 1, value);
}
