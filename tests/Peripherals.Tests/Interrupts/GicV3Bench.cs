using Emulator.Machine;

namespace Emulator.Peripherals.Tests;

/// <summary>A GICv3 with an ITS on a bus with CPUs, memory and wires, spoken to as software does.</summary>
internal sealed class GicV3Bench
{
    public const ulong Distributor = 0x0800_0000;
    public const ulong Service = 0x0808_0000;
    public const ulong Redistributors = 0x080A_0000;
    public const ulong Memory = 0x4000_0000;
    private const ulong Frame = 0x2_0000;

    private static readonly Dictionary<string, SystemRegister> SystemRegisters = new(StringComparer.Ordinal)
    {
        ["ICC_PMR_EL1"] = new(3, 0, 4, 6, 0),
        ["ICC_IAR0_EL1"] = new(3, 0, 12, 8, 0),
        ["ICC_EOIR0_EL1"] = new(3, 0, 12, 8, 1),
        ["ICC_BPR0_EL1"] = new(3, 0, 12, 8, 3),
        ["ICC_DIR_EL1"] = new(3, 0, 12, 11, 1),
        ["ICC_RPR_EL1"] = new(3, 0, 12, 11, 3),
        ["ICC_SGI1R_EL1"] = new(3, 0, 12, 11, 5),
        ["ICC_IAR1_EL1"] = new(3, 0, 12, 12, 0),
        ["ICC_EOIR1_EL1"] = new(3, 0, 12, 12, 1),
        ["ICC_HPPIR1_EL1"] = new(3, 0, 12, 12, 2),
        ["ICC_BPR1_EL1"] = new(3, 0, 12, 12, 3),
        ["ICC_CTLR_EL1"] = new(3, 0, 12, 12, 4),
        ["ICC_SRE_EL1"] = new(3, 0, 12, 12, 5),
        ["ICC_IGRPEN0_EL1"] = new(3, 0, 12, 12, 6),
        ["ICC_IGRPEN1_EL1"] = new(3, 0, 12, 12, 7),
    };

    private readonly Dictionary<(int Cpu, int Id), InterruptLine> _lines = [];

    public GicV3Bench(int cpus = 1)
    {
        Context = new StandaloneContext("gic");
        Cpus = [.. Enumerable.Range(0, cpus).Select(n => Context.AddCpu((ulong)n))];
        Gic = new GicV3(Context);
        Context.Bus.Map("ram", Memory, 0x100_0000, new Ram("ram", 0x100_0000));
        Context.Bus.Map("gicd", Distributor, 0x1_0000, Context.Registers[0]);
        Context.Bus.Map("gicr", Redistributors, 0xF6_0000, Context.Registers[1]);
        StandaloneContext its = new StandaloneContext("its", Context.Simulation, Context.Bus).Under(Gic);
        Its = new GicIts(its);
        Context.Bus.Map("its", Service, 0x2_0000, its.Registers[0]);
    }

    public StandaloneContext Context { get; }

    public GicV3 Gic { get; }

    public GicIts Its { get; }

    public CpuPort[] Cpus { get; }

    public long Problems => Context.Simulation.Trace.Count(Severity.Warning);

    /// <summary>Wakes the redistributors and opens everything for interrupts of group 1, as a kernel does.</summary>
    public GicV3Bench Started()
    {
        Write(Distributor, 4, 2);
        for (int cpu = 0; cpu < Cpus.Length; cpu++)
        {
            Write(Private(cpu, 0x14), 4, 0);
            Write(Private(cpu, 0x1_0080), 4, uint.MaxValue);
            Set("ICC_PMR_EL1", 0xF8, cpu);
            Set("ICC_IGRPEN1_EL1", 1, cpu);
        }

        for (int word = 1; word <= 7; word++)
        {
            Write(Distributor + 0x80 + 4 * (ulong)word, 4, uint.MaxValue);
        }

        return this;
    }

    public static ulong Private(int cpu, ulong offset) => Redistributors + Frame * (ulong)cpu + offset;

    /// <summary>The address of a register of one bit for each interrupt, whether the distributor has it or a redistributor.</summary>
    public static ulong BitRegister(ulong offset, int id, int cpu) =>
        id < 32 ? Private(cpu, 0x1_0000 + offset) : Distributor + offset + 4 * (ulong)(id / 32);

    public void Enable(int id, int priority = 0xA0, int cpu = 0)
    {
        ulong priorities = id < 32 ? Private(cpu, 0x1_0400) : Distributor + 0x400;
        Write(priorities + (ulong)id, 1, (ulong)priority);
        Write(BitRegister(0x100, id, cpu), 4, 1u << (id % 32));
    }

    public void Route(int id, int cpu) => Write(Distributor + 0x6000 + 8 * (ulong)id, 8, (ulong)cpu);

    public void MakeEdge(int id)
    {
        ulong address = Distributor + 0xC00 + 4 * (ulong)(id / 16);
        Write(address, 4, Read(address, 4) | 2u << (id % 16 * 2));
    }

    public bool Bit(ulong offset, int id, int cpu = 0) => (Read(BitRegister(offset, id, cpu), 4) >> (id % 32) & 1) != 0;

    public void SetLine(int id, bool level, int cpu = 0)
    {
        if (!_lines.TryGetValue((cpu, id), out InterruptLine? line))
        {
            line = new InterruptLine(Context.Simulation.Trace, "source", $"line {id}");
            line.Connect(id < 32 ? Gic.PerCpuInput(cpu, id - 16) : Gic.FindInput([0, (uint)id - 32, 4], out _)!);
            _lines[(cpu, id)] = line;
        }

        line.Set(level);
    }

    public uint Acknowledge(int cpu = 0) => (uint)Get("ICC_IAR1_EL1", cpu);

    public void End(uint id, int cpu = 0) => Set("ICC_EOIR1_EL1", id, cpu);

    public ulong Get(string register, int cpu = 0)
    {
        Cpus[cpu].TryReadSystemRegister(SystemRegisters[register], out ulong value).Should().BeTrue();
        return value;
    }

    public void Set(string register, ulong value, int cpu = 0) =>
        Cpus[cpu].TryWriteSystemRegister(SystemRegisters[register], value).Should().BeTrue();

    public ulong Read(ulong address, int size)
    {
        Cpus[0].Load(address, size, out ulong value).Should().Be(BusStatus.Okay);
        return value;
    }

    public void Write(ulong address, int size, ulong value) =>
        Cpus[0].Store(address, size, value).Should().Be(BusStatus.Okay);
}
