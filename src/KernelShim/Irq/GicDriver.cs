using System.Diagnostics;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim;

/// <summary>An interrupt as the GIC knows it: its number and trigger (gic_irq_domain_xlate).</summary>
/// <param name="Number">The GIC's interrupt ID: 16 + n for PPI n, 32 + n for SPI n.</param>
/// <param name="Trigger">The low four bits of the third cell (IRQ_TYPE_SENSE_MASK).</param>
internal readonly record struct GicInterrupt(int Number, uint Trigger)
{
    public const uint EdgeRising = 1;
    public const uint LevelHigh = 4;
    private const uint AnyLevel = 0xC;

    public bool IsLevel => (Trigger & AnyLevel) != 0;

    /// <summary>
    /// Reads a specifier of three cells or more (gic_irq_domain_translate); null when it is not this controller's, or names what it
    /// does not have.
    /// </summary>
    public static GicInterrupt? From(InterruptSpecifier specifier, DeviceTreeNode controller, int interrupts)
    {
        if (!ReferenceEquals(specifier.Controller, controller) || specifier.Cells.Count < 3)
        {
            return null;
        }

        ulong number = (ulong)specifier.Cells[1] + (specifier.Cells[0] == 0 ? 32UL : 16UL);
        return number < (ulong)interrupts ? new GicInterrupt((int)number, specifier.Cells[2] & 0xF) : null;
    }
}

/// <summary>
/// The driver of the GICv2 (drivers/irqchip/irq-gic.c): programs distributor and CPU interface by loads and stores, and
/// knows of Linux's interrupts nothing but their hardware numbers.
/// </summary>
[DebuggerDisplay("GIC at {_distributor,h}, {InterruptCount} interrupts")]
internal sealed class GicDriver : IRootIrqChip
{
    private const int FirstSpecial = 1020;

    private const int FirstShared = 32;
    private const int SoftwareInterrupts = 16;
    private const uint DefaultPriorities = 0xA0A0_A0A0;
    private const ulong DistributorControl = 0x000;
    private const ulong ControllerType = 0x004;
    private const ulong SetEnable = 0x100;
    private const ulong ClearEnable = 0x180;
    private const ulong Priority = 0x400;
    private const ulong Target = 0x800;
    private const ulong Configuration = 0xC00;
    private const ulong InterfaceControl = 0x00;
    private const ulong PriorityMask = 0x04;
    private const ulong Acknowledge = 0x0C;
    private const ulong EndOfInterrupt = 0x10;

    private static readonly string[] Compatible =
    [
        "arm,gic-400",
        "arm,cortex-a15-gic",
        "arm,cortex-a9-gic",
        "arm,cortex-a7-gic",
    ];

    private readonly CpuPort _cpu;
    private readonly ulong _distributor;
    private readonly ulong _interface;

    private GicDriver(Kernel kernel, DeviceTreeNode node, ulong distributor, ulong cpuInterface)
    {
        _cpu = kernel.Board.Cpu;
        Name = kernel.Profile.GicChipName;
        Node = node;
        _distributor = distributor;
        _interface = cpuInterface;
        InterruptCount = (int)Math.Min(FirstSpecial, ((Read(_distributor + ControllerType) & 0x1F) + 1) * 32);
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>Its node in the tree that the kernel was told.</summary>
    public DeviceTreeNode Node { get; }

    /// <summary>How many interrupts it has, those of software included.</summary>
    public int InterruptCount { get; }

    /// <summary>Finds the controller and programs it (gic_of_init); null when the tree has none.</summary>
    public static GicDriver? Start(Kernel kernel)
    {
        DeviceTreeNode? node = kernel.Tree.Nodes.FirstOrDefault(candidate =>
            candidate.IsEnabled
            && candidate.HasProperty("interrupt-controller")
            && Compatible.Any(candidate.IsCompatible)
        );
        if (node is null)
        {
            return null;
        }

        IReadOnlyList<RegEntry> reg = ReadRegisters(kernel, node);
        if (reg.Count < 2)
        {
            return null;
        }

        var gic = new GicDriver(kernel, node, reg[0].Address.Value, reg[1].Address.Value);
        gic.InitializeDistributor(kernel);
        gic.InitializeInterface();
        return gic;
    }

    /// <summary>Reads a specifier; null when it is not this controller's, or names what it does not have.</summary>
    public GicInterrupt? Translate(InterruptSpecifier specifier) => GicInterrupt.From(specifier, Node, InterruptCount);

    /// <summary>
    /// Sets the trigger (gic_set_type). False when the controller cannot: it knows active-high levels and rising edges.
    /// </summary>
    public bool SetTrigger(GicInterrupt interrupt)
    {
        if (
            interrupt.Number < SoftwareInterrupts
            || interrupt.Trigger is not (GicInterrupt.LevelHigh or GicInterrupt.EdgeRising)
        )
        {
            return false;
        }

        ulong register = _distributor + Configuration + 4 * (ulong)(interrupt.Number / 16);
        uint bit = 2u << (interrupt.Number % 16 * 2);
        uint before = Read(register);
        uint after = interrupt.Trigger == GicInterrupt.LevelHigh ? before & ~bit : before | bit;
        ulong enable = EnableWord(SetEnable, interrupt.Number);
        bool wasEnabled = (Read(enable) & Bit(interrupt.Number)) != 0;
        if (wasEnabled)
        {
            Mask(interrupt.Number);
        }

        Write(register, after);
        if (wasEnabled)
        {
            Unmask(interrupt.Number);
        }

        return true;
    }

    /// <summary>gic_mask_irq.</summary>
    public void Mask(int number) => Write(EnableWord(ClearEnable, number), Bit(number));

    /// <summary>gic_unmask_irq.</summary>
    public void Unmask(int number) => Write(EnableWord(SetEnable, number), Bit(number));

    /// <summary>Takes the most urgent interrupt: what GICC_IAR reads, source CPU of software interrupts included.</summary>
    public uint TakeInterrupt() => Read(_interface + Acknowledge);

    /// <summary>The number in what GICC_IAR read; from 1020 on there is none.</summary>
    public int? NumberOf(uint acknowledged) =>
        (acknowledged & 0x3FF) < FirstSpecial ? (int)(acknowledged & 0x3FF) : null;

    /// <summary>gic_eoi_irq.</summary>
    public void End(uint acknowledged) => Write(_interface + EndOfInterrupt, acknowledged);

    private static IReadOnlyList<RegEntry> ReadRegisters(Kernel kernel, DeviceTreeNode node)
    {
        try
        {
            return node.ReadPhysicalReg();
        }
        catch (DeviceTreeException wrong)
        {
            kernel.Log.Print(LogLevel.Error, wrong.Message);
            return [];
        }
    }

    private static uint Bit(int number) => 1u << (number % 32);

    private ulong EnableWord(ulong bank, int number) => _distributor + bank + 4 * (ulong)(number / 32);

    /// <summary>gic_dist_init: every shared interrupt disabled, level, of one priority, to this CPU.</summary>
    private void InitializeDistributor(Kernel kernel)
    {
        Write(_distributor + DistributorControl, 0);
        uint targets = FindCpuMask(kernel);
        for (int number = FirstShared; number < InterruptCount; number += 4)
        {
            Write(_distributor + Target + (ulong)number, targets);
        }

        for (int number = FirstShared; number < InterruptCount; number += 16)
        {
            Write(_distributor + Configuration + (ulong)(number / 4), 0);
        }

        for (int number = FirstShared; number < InterruptCount; number += 4)
        {
            Write(_distributor + Priority + (ulong)number, DefaultPriorities);
        }

        for (int number = FirstShared; number < InterruptCount; number += 32)
        {
            Write(EnableWord(ClearEnable, number), uint.MaxValue);
        }

        Write(_distributor + DistributorControl, 1);
    }

    /// <summary>gic_cpu_init: the CPU's own interrupts disabled but those of software, and the interface open.</summary>
    private void InitializeInterface()
    {
        Write(_distributor + ClearEnable, 0xFFFF_0000);
        Write(_distributor + SetEnable, 0x0000_FFFF);
        for (int number = 0; number < FirstShared; number += 4)
        {
            Write(_distributor + Priority + (ulong)number, DefaultPriorities);
        }

        Write(_interface + PriorityMask, 0xF0);
        Write(_interface + InterfaceControl, 1);
    }

    /// <summary>
    /// gic_get_cpumask: the read-only targets of the CPU's own interrupts say which interface it is; in all four bytes.
    /// </summary>
    private uint FindCpuMask(Kernel kernel)
    {
        uint mask = 0;
        for (int number = 0; number < FirstShared && mask == 0; number += 4)
        {
            uint targets = Read(_distributor + Target + (ulong)number);
            targets |= targets >> 16;
            mask = (targets | targets >> 8) & 0xFF;
        }

        if (mask == 0)
        {
            kernel.Log.Print(LogLevel.Critical, "GIC CPU mask not found - kernel will fail to boot.");
        }

        return mask * 0x0101_0101;
    }

    private uint Read(ulong address)
    {
        _cpu.Load(address, 4, out ulong value);
        return (uint)value;
    }

    private void Write(ulong address, uint value) => _cpu.Store(address, 4, value);
}
