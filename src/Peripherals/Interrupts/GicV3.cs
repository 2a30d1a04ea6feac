using System.Diagnostics;
using System.Globalization;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// Generic Interrupt Controller version 3, after Arm IHI 0069: a distributor, a redistributor for each CPU, and CPU interfaces
/// that are system registers. An ITS (<see cref="GicIts"/>) is a device of its own.
/// </summary>
/// <remarks>
/// <para>
/// <c>reg</c>: distributor, redistributors (128 KiB for each CPU, in order). There is one security state (GICD_CTLR.DS reads as
/// one) and affinity routing is always on (ARE reads as one), as in QEMU's virt machine.
/// </para>
/// <para>
/// Properties: <c>emulator,spi-count</c> (224; a multiple of 32 up to 960).
/// </para>
/// <para>
/// State is kept by <i>slot</i>: 32 of them for the private interrupts of each of sixteen CPUs, then one for each shared
/// interrupt. LPIs have no slots: which are pending is kept in the tables in memory, as the architecture has it.
/// </para>
/// </remarks>
[DebuggerDisplay("{Name,nq} {_cpuCount} CPUs, {_sharedWords * 32} SPIs")]
public sealed partial class GicV3 : Device<GicV3State>, IInterruptController, IBusInitiator
{
    /// <summary>The most CPUs: one cluster of affinity level 1 in QEMU's numbering.</summary>
    public const int MaxCpus = 16;

    /// <summary>What an acknowledge reads when nothing is to be taken.</summary>
    public const int Spurious = 1023;

    /// <summary>The number of the first LPI.</summary>
    public const int FirstLpi = 8192;

    internal const int PrivateIds = 32;
    internal const int SoftwareIds = 16;
    internal const int FirstSharedWord = MaxCpus;
    internal const int FirstSharedSlot = MaxCpus * PrivateIds;
    private const uint SoftwareMask = 0xFFFF;
    private const byte PriorityBits = 0xF8;
    private const byte NoCpu = 0xFF;

    private readonly int _cpuCount;
    private readonly int _sharedWords;
    private readonly ulong[] _affinities;
    private readonly IBusTarget _memory;
    private readonly Transaction _signals;
    private readonly InterruptLine[] _irq;
    private readonly InterruptLine[] _fiq;
    private readonly InterruptInput?[] _inputs = new InterruptInput?[FirstSharedSlot + 1024];
    private readonly InterruptInput?[] _privateInputs = new InterruptInput?[SoftwareIds];

    /// <summary>Makes an interrupt controller.</summary>
    /// <exception cref="BoardException">A property has a value that no such part has, or there are too many CPUs.</exception>
    public GicV3(DeviceContext context)
        : base(context)
    {
        uint shared = context.Cell("emulator,spi-count", 224);
        if (shared % 32 != 0 || shared > 960)
        {
            throw new BoardException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{context.Name}: emulator,spi-count is {shared}, not a multiple of 32 up to 960."
                )
            );
        }

        _sharedWords = (int)shared / 32;
        CpuPort[] cpus = [.. Enumerable.Range(0, MaxCpus + 1).Select(context.Cpu).OfType<CpuPort>()];
        if (cpus.Length > MaxCpus)
        {
            throw new BoardException($"{context.Name}: this GICv3 serves {MaxCpus} CPUs; the machine has more.");
        }

        _cpuCount = Math.Max(1, cpus.Length);
        _affinities = [.. Enumerable.Range(0, _cpuCount).Select(n => n < cpus.Length ? cpus[n].Affinity : 0)];
        _memory = context.SystemBus;
        _signals = new Transaction { Initiator = this };
        _irq = MakeOutputs("IRQ", cpus, cpu => cpu.Irq);
        _fiq = MakeOutputs("FIQ", cpus, cpu => cpu.Fiq);
        foreach (CpuPort cpu in cpus)
        {
            ClaimRegisters(cpu);
        }

        var distributor = new RegisterWindow<GicV3, GicV3State>(this, DistributorMap);
        var redistributors = new RegisterWindow<GicV3, GicV3State>(this, RedistributorMap);
        Windows = [distributor, redistributors];
        context.MapRegisters(0, distributor);
        context.MapRegisters(1, redistributors);
        Reset();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<IRegisterWindow> Windows { get; }

    /// <summary>How many CPUs it serves.</summary>
    public int CpuCount => _cpuCount;

    /// <summary>How many shared interrupts (SPIs) it has.</summary>
    public int SharedInterrupts => _sharedWords * 32;

    /// <inheritdoc/>
    bool IBusInitiator.CanBeHeld => false;

    /// <inheritdoc/>
    public override void Reset()
    {
        State = default;
        ref GicV3State state = ref State;
        for (int cpu = 0; cpu < MaxCpus; cpu++)
        {
            state.Edge[cpu] = SoftwareMask;
            ref GicV3State.Redistributor view = ref state.Cpus[cpu];
            view.Waker = ProcessorSleep | ChildrenAsleep;
            view.BinaryPoint0 = MinBinaryPoint0;
            view.BinaryPoint1 = MinBinaryPoint1;
            view.Signalled = Spurious;
            view.PendingLpi = Spurious;
        }

        byte first = CpuOf(0);
        for (int spi = 0; spi < GicV3State.MostShared; spi++)
        {
            state.Targets[spi] = first;
        }

        for (int slot = 0; slot < _inputs.Length; slot++)
        {
            if (_inputs[slot] is { Level: true })
            {
                state.Level[slot / 32] |= 1u << (slot % 32);
            }
        }

        Update();
    }

    /// <inheritdoc/>
    /// <remarks>
    /// Three cells or more: 0 for a shared and 1 for a private interrupt; its number, from 0; flags, of which 1, 2, 4 and 8 say
    /// how the source signals. A private interrupt reaches every CPU: a partition in the fourth cell is not looked at. The flags do not
    /// program GICD_ICFGR, software does.
    /// </remarks>
    public InterruptInput? FindInput(ReadOnlySpan<uint> specifier, out string problem)
    {
        problem = "";
        if (specifier.Length < 3)
        {
            problem = $"an interrupt of a GICv3 takes three cells (type, number, flags), not {specifier.Length}";
            return null;
        }

        (uint type, uint number, uint flags) = (specifier[0], specifier[1], specifier[2]);
        problem =
            type > 1 ? $"the first cell of a GIC interrupt is 0 (SPI) or 1 (PPI), not {type}"
            : type == 0 && number >= SharedInterrupts
                ? $"there is no SPI {number}: this GIC has {SharedInterrupts}, from 0"
            : type == 1 && number >= SoftwareIds ? $"there is no PPI {number}: a GIC has 16, from 0"
            : (flags & 0xF) is not (0 or 1 or 2 or 4 or 8)
                ? $"the trigger of a GIC interrupt is 1 (rising), 2 (falling), 4 (high) or 8 (low), not {flags & 0xF}"
            : "";
        return problem.Length != 0 ? null
            : type == 0 ? InputOf(FirstSharedSlot + (int)number)
            : PrivateInput((int)number);
    }

    /// <summary>The input of a private interrupt (PPI, 0 to 15) of one CPU.</summary>
    public InterruptInput PerCpuInput(int cpu, int number)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(cpu);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(cpu, _cpuCount);
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(number, SoftwareIds);
        return InputOf(cpu * PrivateIds + SoftwareIds + number);
    }

    /// <inheritdoc/>
    void IBusInitiator.OnHeldTransaction(ulong tag, HeldOutcome outcome) =>
        throw new InvalidOperationException("An access of the GIC was held.");

    internal static int SlotOf(int id, int cpu) =>
        id < PrivateIds ? cpu * PrivateIds + id : FirstSharedSlot + id - PrivateIds;

    /// <summary>The CPU with an affinity (Aff3 in 39:32, Aff2 to Aff0 in 23:0); <see cref="NoCpu"/> where there is none.</summary>
    private byte CpuOf(ulong affinity)
    {
        int cpu = Array.IndexOf(_affinities, affinity);
        return cpu < 0 ? NoCpu : (byte)cpu;
    }

    private static int IdOf(int slot) =>
        slot < FirstSharedSlot ? slot % PrivateIds : slot - FirstSharedSlot + PrivateIds;

    /// <summary>One specifier of a PPI stands for the same wire of every CPU.</summary>
    private InterruptInput PrivateInput(int number)
    {
        if (_cpuCount == 1)
        {
            return PerCpuInput(0, number);
        }

        if (_privateInputs[number] is not { } input)
        {
            var copies = new List<InterruptLine>();
            for (int cpu = 0; cpu < _cpuCount; cpu++)
            {
                var copy = new InterruptLine(Trace, Name, $"PPI {number} of cpu{cpu}");
                copy.Connect(PerCpuInput(cpu, number));
                copies.Add(copy);
            }

            input = new InterruptInput($"{Name} PPI {number}", level => copies.ForEach(copy => copy.Set(level)));
            _privateInputs[number] = input;
        }

        return input;
    }

    private InterruptInput InputOf(int slot) =>
        _inputs[slot] ??= new InterruptInput(
            slot >= FirstSharedSlot
                ? $"{Name} SPI {slot - FirstSharedSlot}"
                : $"{Name} PPI {slot % PrivateIds - SoftwareIds} of cpu{slot / PrivateIds}",
            level => SetLine(slot, level)
        );

    private InterruptLine[] MakeOutputs(string pin, CpuPort[] cpus, Func<CpuPort, InterruptInput> input)
    {
        var outputs = new InterruptLine[_cpuCount];
        for (int cpu = 0; cpu < _cpuCount; cpu++)
        {
            outputs[cpu] = new InterruptLine(Trace, Name, $"{pin}[{cpu}]");
            if (cpu < cpus.Length)
            {
                outputs[cpu].Connect(input(cpus[cpu]));
            }
        }

        return outputs;
    }

    /// <summary>A wire changed: a rising edge is kept where the configuration says edge.</summary>
    private void SetLine(int slot, bool level)
    {
        ref GicV3State state = ref State;
        (int word, uint bit) = (slot / 32, 1u << (slot % 32));
        if (level)
        {
            state.Level[word] |= bit;
            state.Latch[word] |= bit & state.Edge[word];
        }
        else
        {
            state.Level[word] &= ~bit;
        }

        Update();
    }
}
