using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// Generic Interrupt Controller version 2, after Arm IHI 0048B: one distributor and a CPU interface for each of up to eight
/// CPUs. The parts it can stand for are GIC-400 (DDI 0471) and the controllers of Cortex-A15 (DDI 0438) and Cortex-A7
/// (DDI 0464).
/// </summary>
/// <remarks>
/// <para>
/// <c>reg</c>: distributor, CPU interface, then the hypervisor's and the guests' windows, which are not modelled. Whose
/// banked registers an access means, the CPU's number tells, which is the requester ID of its transactions.
/// </para>
/// <para>
/// Properties: <c>emulator,spi-count</c> (a multiple of 32 up to 960; otherwise the part's), <c>emulator,security-extensions</c>
/// (1; with 0 there is one view and no groups hidden from anybody), <c>emulator,boot-groups-nonsecure</c> (1: reset leaves
/// what firmware leaves before it starts a non-secure system: every interrupt in group 1 and the priority mask open; with 0
/// reset is the part's own), <c>emulator,cpu-interfaces</c> (as many as the machine has CPUs).
/// </para>
/// <para>
/// State is kept by <i>slot</i>: 32 of them for the banked interrupts 0-31 of each of eight CPUs, then one for each shared
/// interrupt. A word of 32 slots is a register of the distributor, so that most of the distributor is operations on words.
/// </para>
/// </remarks>
[DebuggerDisplay("{Name,nq} {_cpuCount} CPUs, {_sharedWords * 32} SPIs")]
public sealed partial class GicV2 : Device<GicV2.Registers>, IInterruptController
{
    /// <summary>The most CPUs that the architecture allows.</summary>
    public const int MaxCpus = 8;

    /// <summary>What an acknowledge reads when nothing is to be taken.</summary>
    public const int Spurious = 1023;

    /// <summary>What a secure acknowledge reads when a group 1 interrupt waits and GICC_CTLR.AckCtl is 0.</summary>
    public const int OtherGroup = 1022;

    private const int BankedIds = 32;
    private const int SoftwareIds = 16;
    private const int FirstSharedWord = MaxCpus;
    private const int FirstSharedSlot = MaxCpus * BankedIds;
    private const uint SoftwareMask = 0xFFFF;
    private const byte PriorityMask = 0xF8;
    private const int MinBinaryPoint = 2;

    private readonly GicPart _part;
    private readonly int _cpuCount;
    private readonly int _sharedWords;
    private readonly bool _hasSecurity;
    private readonly bool _bootsNonSecure;
    private readonly InterruptLine[] _irq;
    private readonly InterruptLine[] _fiq;
    private readonly InterruptInput?[] _inputs = new InterruptInput?[FirstSharedSlot + 1024];
    private readonly Dictionary<(int Number, uint Cpus), InterruptInput> _perCpuInputs = [];

    /// <summary>Makes an interrupt controller.</summary>
    /// <param name="context">Its node and connections.</param>
    /// <param name="part">Which part: identification, number of shared interrupts.</param>
    /// <exception cref="BoardException">A property has a value that no such part has.</exception>
    public GicV2(DeviceContext context, GicPart part)
        : base(context)
    {
        ArgumentNullException.ThrowIfNull(part);
        _part = part;
        uint shared = context.Cell("emulator,spi-count", (uint)part.SharedInterrupts);
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
        _hasSecurity = context.Cell("emulator,security-extensions", 1) != 0;
        _bootsNonSecure = _hasSecurity && context.Cell("emulator,boot-groups-nonsecure", 1) != 0;
        int cpus = 1;
        while (cpus < MaxCpus && context.Cpu(cpus) is not null)
        {
            cpus++;
        }

        _cpuCount = (int)Math.Clamp(context.Cell("emulator,cpu-interfaces", (uint)cpus), 1, MaxCpus);
        _irq = MakeOutputs("nIRQCPU", context, cpu => cpu.Irq);
        _fiq = MakeOutputs("nFIQCPU", context, cpu => cpu.Fiq);

        ulong interfaceSize = context.RegisterSize(1);
        var distributor = new RegisterWindow<GicV2, Registers>(this, DistributorMap);
        var cpuInterface = new RegisterWindow<GicV2, Registers>(
            this,
            interfaceSize is > 0 and < 0x2000 ? SmallInterfaceMap : InterfaceMap
        );
        var hypervisor = new RegisterWindow<GicV2, Registers>(this, HypervisorMap);
        var guests = new RegisterWindow<GicV2, Registers>(this, GuestMap);
        Windows = [distributor, cpuInterface, hypervisor, guests];
        context.MapRegisters(0, distributor);
        context.MapRegisters(1, PagesOf64K.Around(cpuInterface, interfaceSize));
        if (context.RegisterSize(2) != 0)
        {
            context.MapRegisters(2, PagesOf64K.Around(hypervisor, context.RegisterSize(2)));
        }

        if (context.RegisterSize(3) != 0)
        {
            context.MapRegisters(3, PagesOf64K.Around(guests, context.RegisterSize(3)));
        }

        Reset();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<IRegisterWindow> Windows { get; }

    /// <summary>How many CPU interfaces it has.</summary>
    public int CpuCount => _cpuCount;

    /// <summary>How many shared interrupts (SPIs) it has.</summary>
    public int SharedInterrupts => _sharedWords * 32;

    /// <inheritdoc/>
    public override void Reset()
    {
        State = default;
        ref Registers state = ref State;
        for (int word = 0; word < FirstSharedWord + _sharedWords; word++)
        {
            bool banked = word < FirstSharedWord;
            state.Enabled[word] = banked ? SoftwareMask : 0;
            state.Edge[word] = banked ? SoftwareMask : 0;
            state.Group[word] = _bootsNonSecure ? uint.MaxValue : 0;
        }

        for (int cpu = 0; cpu < MaxCpus; cpu++)
        {
            ref CpuInterface view = ref state.Cpus[cpu];
            view.PriorityMask = _bootsNonSecure ? PriorityMask : 0u;
            view.BinaryPoint = MinBinaryPoint;
            view.AliasedBinaryPoint = MinBinaryPoint + 1;
            view.Signalled = Spurious;
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
    /// Three cells: 0 for a shared and 1 for a per-CPU interrupt; its number, from 0; flags, of which 1, 2, 4 and 8 say how
    /// the source signals and bits 15:8 which CPUs a per-CPU interrupt has (none named means all). The flags do not program
    /// GICD_ICFGR, software does: wires carry levels, and the polarity of active-low sources is inverted outside.
    /// </remarks>
    public InterruptInput? FindInput(ReadOnlySpan<uint> specifier, out string problem)
    {
        problem = "";
        if (specifier.Length != 3)
        {
            problem = $"an interrupt of a GIC takes three cells (type, number, flags), not {specifier.Length}";
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
            : (flags & ~0xFF0Fu) != 0 ? $"the flags 0x{flags:x} of a GIC interrupt have bits outside 0xff0f"
            : type == 0 && flags > 0xF ? $"the flags 0x{flags:x} of an SPI name CPUs, which only a PPI has"
            : "";
        if (problem.Length != 0)
        {
            return null;
        }

        if (type == 0)
        {
            return InputOf(FirstSharedSlot + (int)number);
        }

        uint mask = (flags >> 8 == 0 ? 0xFF : flags >> 8) & ((1u << _cpuCount) - 1);
        if (mask == 0)
        {
            problem = $"the flags 0x{flags:x} of PPI {number} name no CPU that this GIC serves";
            return null;
        }

        return PerCpuInput((int)number, mask);
    }

    /// <summary>The input of a per-CPU interrupt (PPI, 0 to 15) of one CPU.</summary>
    public InterruptInput PerCpuInput(int cpu, int number)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(cpu);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(cpu, _cpuCount);
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(number, SoftwareIds);
        return InputOf(cpu * BankedIds + SoftwareIds + number);
    }

    private InterruptInput PerCpuInput(int number, uint mask)
    {
        if (BitOperations.IsPow2(mask))
        {
            return PerCpuInput(BitOperations.TrailingZeroCount(mask), number);
        }

        if (!_perCpuInputs.TryGetValue((number, mask), out InterruptInput? input))
        {
            var copies = new List<InterruptLine>();
            for (int cpu = 0; cpu < _cpuCount; cpu++)
            {
                if ((mask >> cpu & 1) != 0)
                {
                    var copy = new InterruptLine(Trace, Name, $"PPI {number} of cpu{cpu}");
                    copy.Connect(PerCpuInput(cpu, number));
                    copies.Add(copy);
                }
            }

            input = new InterruptInput($"{Name} PPI {number}", level => copies.ForEach(copy => copy.Set(level)));
            _perCpuInputs[(number, mask)] = input;
        }

        return input;
    }

    private InterruptInput InputOf(int slot) =>
        _inputs[slot] ??= new InterruptInput(
            slot >= FirstSharedSlot
                ? $"{Name} SPI {slot - FirstSharedSlot}"
                : $"{Name} PPI {slot % BankedIds - SoftwareIds} of cpu{slot / BankedIds}",
            level => SetLine(slot, level)
        );

    private InterruptLine[] MakeOutputs(string pin, DeviceContext context, Func<CpuPort, InterruptInput> input)
    {
        var outputs = new InterruptLine[_cpuCount];
        for (int cpu = 0; cpu < _cpuCount; cpu++)
        {
            outputs[cpu] = new InterruptLine(Trace, Name, $"{pin}[{cpu}]");
            if (context.Cpu(cpu) is { } port)
            {
                outputs[cpu].Connect(input(port));
            }
        }

        return outputs;
    }

    /// <summary>A wire changed: a rising edge is kept where GICD_ICFGR says edge.</summary>
    private void SetLine(int slot, bool level)
    {
        ref Registers state = ref State;
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

    /// <summary>Whose registers an access means, and in which view.</summary>
    private View ViewOf(in Transaction transaction)
    {
        bool isCpu = transaction.Initiator is null or CpuPort && transaction.RequesterId < (uint)_cpuCount;
        return new View(isCpu ? (int)transaction.RequesterId : 0, _hasSecurity && !transaction.IsSecure);
    }

    private static int SlotOf(int id, int cpu) =>
        id < BankedIds ? cpu * BankedIds + id : FirstSharedSlot + id - BankedIds;

    private static int IdOf(int slot) => slot < FirstSharedSlot ? slot % BankedIds : slot - FirstSharedSlot + BankedIds;

    /// <summary>The word of slots behind the n-th register of one bit per interrupt; -1 where this part has none.</summary>
    private int WordOf(int index, int cpu) =>
        index == 0 ? cpu
        : index <= _sharedWords ? FirstSharedWord + index - 1
        : -1;

    private readonly record struct View(int Cpu, bool IsNonSecure);

    /// <summary>One bit for every slot.</summary>
    [InlineArray(Words)]
    public struct SlotBits
    {
        /// <summary>8 words of banked and up to 31 of shared interrupts.</summary>
        public const int Words = 40;

        private uint _first;
    }

    /// <summary>One byte for every slot.</summary>
    [InlineArray(SlotBits.Words * 32)]
    public struct SlotBytes
    {
        private byte _first;
    }

    /// <summary>The sources of the pending software interrupts of every CPU: 16 bytes each, a bit per source CPU.</summary>
    [InlineArray(MaxCpus * SoftwareIds)]
    public struct SoftwareSources
    {
        private byte _first;
    }

    /// <summary>The CPU interfaces.</summary>
    [InlineArray(MaxCpus)]
    public struct CpuInterfaces
    {
        private CpuInterface _first;
    }

    /// <summary>What a CPU interface remembers.</summary>
    public struct CpuInterface
    {
        /// <summary>GICC_CTLR, in the layout of the secure view.</summary>
        public uint Control;

        /// <summary>GICC_PMR, as the secure view reads it.</summary>
        public uint PriorityMask;

        /// <summary>GICC_BPR of the secure view.</summary>
        public uint BinaryPoint;

        /// <summary>GICC_ABPR, which the non-secure view sees as GICC_BPR.</summary>
        public uint AliasedBinaryPoint;

        /// <summary>GICC_APR0: bit n is set while a group 0 interrupt of group priority 8n is active.</summary>
        public uint ActiveGroup0;

        /// <summary>GICC_NSAPR0: the same for group 1.</summary>
        public uint ActiveGroup1;

        /// <summary>The interrupt that the CPU is being told of, for the trace; 1023 for none.</summary>
        public uint Signalled;
    }

    /// <summary>What the controller remembers.</summary>
    public struct Registers
    {
        /// <summary>GICD_CTLR: EnableGrp0 and EnableGrp1.</summary>
        public uint Control;

        /// <summary>The levels of the wires.</summary>
        public SlotBits Level;

        /// <summary>What edges and software have made pending. For software interrupts: whether any source is set.</summary>
        public SlotBits Latch;

        /// <summary>GICD_ISENABLER.</summary>
        public SlotBits Enabled;

        /// <summary>GICD_ISACTIVER.</summary>
        public SlotBits Active;

        /// <summary>GICD_IGROUPR.</summary>
        public SlotBits Group;

        /// <summary>GICD_ICFGR: 1 for edge.</summary>
        public SlotBits Edge;

        /// <summary>GICD_IPRIORITYR.</summary>
        public SlotBytes Priority;

        /// <summary>GICD_ITARGETSR of shared interrupts.</summary>
        public SlotBytes Targets;

        /// <summary>GICD_SPENDSGIR.</summary>
        public SoftwareSources Sources;

        /// <summary>The CPU interfaces.</summary>
        public CpuInterfaces Cpus;
    }
}

/// <summary>Which part with a GICv2 it is: what its identification registers read and how many shared interrupts it has.</summary>
/// <param name="Name">The part's name.</param>
/// <param name="SharedInterrupts">The number of SPIs unless the board says otherwise.</param>
/// <param name="DistributorId">GICD_IIDR.</param>
/// <param name="InterfaceId">GICC_IIDR.</param>
public sealed record GicPart(string Name, int SharedInterrupts, uint DistributorId, uint InterfaceId)
{
    /// <summary>GIC-400, revision r0p0 (DDI 0471).</summary>
    public static GicPart Gic400 { get; } = new("GIC-400", 480, 0x0200_043B, 0x0202_043B);

    /// <summary>The controller of Cortex-A15 (DDI 0438, chapter 8).</summary>
    public static GicPart CortexA15 { get; } = new("Cortex-A15 GIC", 224, 0x0000_043B, 0x0002_043B);

    /// <summary>The controller of Cortex-A7 (DDI 0464, chapter 8).</summary>
    public static GicPart CortexA7 { get; } = new("Cortex-A7 GIC", 480, 0x0100_143B, 0x0102_143B);
}
