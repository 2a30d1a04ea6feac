using System.Diagnostics;
using System.Globalization;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim;

/// <summary>
/// The driver of the GICv3 (drivers/irqchip/irq-gic-v3.c): programs the distributor and each CPU's redistributor by loads and
/// stores, and the CPU interfaces by system registers. Interrupts are taken by the boot CPU alone.
/// </summary>
[DebuggerDisplay("GICv3 at {_distributor,h}, {InterruptCount} interrupts")]
internal sealed partial class GicV3Driver : IRootIrqChip
{
    private const int FirstShared = 32;
    private const int FirstSoftwareSpecial = 1020;
    private const int FirstLpi = 8192;
    private const ulong DistributorControl = 0x0000;
    private const ulong ControllerType = 0x0004;
    private const ulong Group = 0x0080;
    private const ulong SetEnable = 0x0100;
    private const ulong ClearEnable = 0x0180;
    private const ulong ClearActive = 0x0380;
    private const ulong Priority = 0x0400;
    private const ulong Configuration = 0x0C00;
    private const ulong Route = 0x6000;
    private const ulong PeripheralId2 = 0xFFE8;
    private const uint DefaultPriorities = 0xA0A0_A0A0;
    private const uint RegisterWritePending = 1u << 31;

    private readonly Kernel _kernel;
    private readonly CpuPort _cpu;
    private readonly ulong _distributor;
    private readonly ulong _distributorBytes;
    private readonly IReadOnlyList<RegEntry> _regions;
    private readonly ulong[] _redistributors;

    private GicV3Driver(Kernel kernel, DeviceTreeNode node, IReadOnlyList<RegEntry> reg)
    {
        _kernel = kernel;
        _cpu = kernel.Board.Cpu;
        Node = node;
        _distributor = reg[0].Address.Value;
        _distributorBytes = reg[0].LengthBytes;
        uint regions = node.FindProperty("#redistributor-regions") is { LengthBytes: 4 } count ? count.ReadUInt32() : 1;
        _regions = [.. reg.Skip(1).Take((int)Math.Min(regions, 16))];
        _redistributors = new ulong[kernel.Board.Cpus.Count];
        InterruptCount = (int)Math.Min(FirstSoftwareSpecial, ((Read(_distributor + ControllerType) & 0x1F) + 1) * 32);
    }

    /// <inheritdoc/>
    public string Name => "GICv3";

    /// <summary>Its node in the tree that the kernel was told.</summary>
    public DeviceTreeNode Node { get; }

    /// <summary>gic_request_region: the distributor and the redistributors; the ITS is not requested.</summary>
    public IReadOnlyList<IoRegion> Regions =>
        [
            new IoRegion(new DeviceResource(_distributor, _distributorBytes), "GICD"),
            .. _regions.Select(region => new IoRegion(
                new DeviceResource(region.Address.Value, region.LengthBytes),
                "GICR"
            )),
        ];

    /// <summary>How many interrupts it has, those of software included; LPIs are not counted.</summary>
    public int InterruptCount { get; }

    /// <summary>Finds the controller and programs it (gic_of_init); null when the tree has none.</summary>
    public static GicV3Driver? Start(Kernel kernel)
    {
        DeviceTreeNode? node = kernel.Tree.Nodes.FirstOrDefault(candidate =>
            candidate.IsEnabled && candidate.HasProperty("interrupt-controller") && candidate.IsCompatible("arm,gic-v3")
        );
        if (node is null || ReadRegisters(kernel, node) is not { Count: >= 2 } reg)
        {
            return null;
        }

        kernel.Board.Cpu.Load(reg[0].Address.Value + PeripheralId2, 4, out ulong id);
        if ((id >> 4 & 0xF) is not (3 or 4))
        {
            Print(kernel, LogLevel.Error, $"GICv3: {node.Path}: no distributor detected, giving up");
            return null;
        }

        var gic = new GicV3Driver(kernel, node, reg);
        Print(kernel, LogLevel.Info, $"GICv3: {gic.InterruptCount - FirstShared} SPIs implemented");
        Print(kernel, LogLevel.Info, $"GICv3: 0 Extended SPIs implemented");
        Print(kernel, LogLevel.Info, $"Root IRQ handler: gic_handle_irq");
        Print(kernel, LogLevel.Info, $"GICv3: GICv3 features: 16 PPIs");
        gic.InitializeDistributor();
        for (int cpu = 0; cpu < kernel.Board.Cpus.Count; cpu++)
        {
            gic.InitializeCpu(cpu);
        }

        return gic;
    }

    /// <inheritdoc/>
    public GicInterrupt? Translate(InterruptSpecifier specifier) => GicInterrupt.From(specifier, Node, InterruptCount);

    /// <inheritdoc/>
    /// <remarks>gic_set_type, gic_configure_irq: active-high levels and rising edges.</remarks>
    public bool SetTrigger(GicInterrupt interrupt)
    {
        if (interrupt.Number < 16 || interrupt.Trigger is not (GicInterrupt.LevelHigh or GicInterrupt.EdgeRising))
        {
            return false;
        }

        ulong register = Word(Configuration, interrupt.Number, bitsOfEach: 2);
        uint bit = 2u << (interrupt.Number % 16 * 2);
        uint before = Read(register);
        Write(register, interrupt.Trigger == GicInterrupt.LevelHigh ? before & ~bit : before | bit);
        return true;
    }

    /// <inheritdoc/>
    public void Mask(int number)
    {
        Write(Word(ClearEnable, number), 1u << (number % 32));
        WaitForWrites();
    }

    /// <inheritdoc/>
    public void Unmask(int number) => Write(Word(SetEnable, number), 1u << (number % 32));

    /// <inheritdoc/>
    public uint TakeInterrupt() => ReadRegister(_cpu, Acknowledge1);

    /// <inheritdoc/>
    public int? NumberOf(uint acknowledged) =>
        acknowledged is < FirstSoftwareSpecial or >= FirstLpi ? (int)acknowledged : null;

    /// <inheritdoc/>
    public void End(uint acknowledged) => WriteRegister(_cpu, End1, acknowledged);

    private static void Print(Kernel kernel, LogLevel level, FormattableString text) =>
        kernel.Log.Print(level, text.ToString(CultureInfo.InvariantCulture));

    private static IReadOnlyList<RegEntry>? ReadRegisters(Kernel kernel, DeviceTreeNode node)
    {
        try
        {
            return node.ReadPhysicalReg();
        }
        catch (DeviceTreeException wrong)
        {
            kernel.Log.Print(LogLevel.Error, wrong.Message);
            return null;
        }
    }

    /// <summary>The register of an interrupt in a bank: the distributor's, or the boot CPU's redistributor's SGI frame.</summary>
    private ulong Word(ulong bank, int number, int bitsOfEach = 1)
    {
        ulong frame = number < FirstShared ? _redistributors[0] + SoftwareFrame : _distributor;
        return frame + bank + 4 * (ulong)(number * bitsOfEach / 32);
    }

    /// <summary>gic_dist_init: every shared interrupt in group 1, disabled, level, of one priority, to this CPU.</summary>
    private void InitializeDistributor()
    {
        Write(_distributor + DistributorControl, 0);
        WaitForWrites();
        for (int number = FirstShared; number < InterruptCount; number += 32)
        {
            Write(_distributor + Group + (ulong)(number / 8), uint.MaxValue);
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
            Write(_distributor + ClearActive + (ulong)(number / 8), uint.MaxValue);
            Write(_distributor + ClearEnable + (ulong)(number / 8), uint.MaxValue);
        }

        // ARE_NS, EnableGrp1A, EnableGrp1.
        Write(_distributor + DistributorControl, 0x13);
        WaitForWrites();
        for (int number = FirstShared; number < InterruptCount; number++)
        {
            _cpu.Store(_distributor + Route + 8 * (ulong)number, 8, _cpu.Affinity);
        }
    }

    /// <summary>gic_dist_wait_for_rwp; our distributor is done at once.</summary>
    private void WaitForWrites()
    {
        for (
            int tries = 0;
            tries < 1000 && (Read(_distributor + DistributorControl) & RegisterWritePending) != 0;
            tries++
        )
        {
            // A driver would spin for a second and complain.
        }
    }

    private uint Read(ulong address)
    {
        _cpu.Load(address, 4, out ulong value);
        return (uint)value;
    }

    private void Write(ulong address, uint value) => _cpu.Store(address, 4, value);
}
