using Emulator.Machine;

namespace Emulator.Peripherals.Tests;

/// <summary>A GICv2 on a bus with CPUs and wires, spoken to as software does.</summary>
internal sealed class GicBench
{
    public const ulong Distributor = 0x2C00_1000;
    public const ulong Interface = 0x2C00_2000;

    private readonly Dictionary<(int Cpu, int Id), InterruptLine> _lines = [];

    public GicBench(int cpus = 1, bool security = false, bool bootsNonSecure = true, ulong interfaceSize = 0x2000)
    {
        Context = new StandaloneContext("gic")
            .With("emulator,security-extensions", security ? 1u : 0u)
            .With("emulator,boot-groups-nonsecure", bootsNonSecure ? 1u : 0u)
            .WithRegisterSize(0, 0x1000)
            .WithRegisterSize(1, interfaceSize)
            .WithRegisterSize(2, 0x2000)
            .WithRegisterSize(3, 0x2000);
        Cpus = [.. Enumerable.Range(0, cpus).Select(_ => Context.AddCpu())];
        Gic = new GicV2(Context, GicPart.Gic400);
        Context.Bus.Map("gicd", Distributor, 0x1000, Context.Registers[0]);
        Context.Bus.Map("gicc", Interface, interfaceSize, Context.Registers[1]);
    }

    public StandaloneContext Context { get; }

    public GicV2 Gic { get; }

    public CpuPort[] Cpus { get; }

    public long Problems => Context.Simulation.Trace.Count(Severity.Warning);

    /// <summary>Turns everything on, as a kernel with one view of the controller does.</summary>
    public GicBench Started()
    {
        Write("GICD_CTLR", 3);
        for (int cpu = 0; cpu < Cpus.Length; cpu++)
        {
            Write("GICC_CTLR", 3, cpu);
            Write("GICC_PMR", 0xF8, cpu);
        }

        return this;
    }

    public void Enable(int id, int priority = 0xA0, int cpu = 0, byte targets = 1)
    {
        WriteByte("GICD_IPRIORITYR", id, (byte)priority, cpu);
        WriteByte("GICD_ITARGETSR", id, targets, cpu);
        Write($"GICD_ISENABLER{id / 32}", 1u << (id % 32), cpu);
    }

    public void Disable(int id, int cpu = 0) => Write($"GICD_ICENABLER{id / 32}", 1u << (id % 32), cpu);

    public void MakeEdge(int id) => Write($"GICD_ICFGR{id / 16}", Read($"GICD_ICFGR{id / 16}") | 2u << (id % 16 * 2));

    public bool Bit(string register, int id, int cpu = 0) => (Read($"{register}{id / 32}", cpu) >> (id % 32) & 1) != 0;

    public void SetLine(int id, bool level, int cpu = 0)
    {
        if (!_lines.TryGetValue((cpu, id), out InterruptLine? line))
        {
            line = NewLine(id, cpu);
            _lines[(cpu, id)] = line;
        }

        line.Set(level);
    }

    public InterruptLine NewLine(int id, int cpu = 0)
    {
        var line = new InterruptLine(Context.Simulation.Trace, "source", $"line {id}");
        uint[] specifier = id < 32 ? [1, (uint)id - 16, (0x100u << cpu) | 4] : [0, (uint)id - 32, 4];
        line.Connect(Gic.FindInput(specifier, out string problem) ?? throw new InvalidOperationException(problem));
        return line;
    }

    public void Pulse(int id, int cpu = 0)
    {
        SetLine(id, true, cpu);
        SetLine(id, false, cpu);
    }

    public uint Acknowledge(int cpu = 0) => Read("GICC_IAR", cpu);

    public void End(uint value, int cpu = 0) => Write("GICC_EOIR", value, cpu);

    public uint Read(string register, int cpu = 0, bool secure = false)
    {
        Cpus[cpu].IsSecure = secure;
        Cpus[cpu].Load(AddressOf(register), 4, out ulong value).Should().Be(BusStatus.Okay);
        return (uint)value;
    }

    public void Write(string register, uint value, int cpu = 0, bool secure = false)
    {
        Cpus[cpu].IsSecure = secure;
        Cpus[cpu].Store(AddressOf(register), 4, value).Should().Be(BusStatus.Okay);
    }

    public byte ReadByte(string register, int index, int cpu = 0, bool secure = false)
    {
        Cpus[cpu].IsSecure = secure;
        Cpus[cpu].Load(AddressOf(register + "0") + (ulong)index, 1, out ulong value).Should().Be(BusStatus.Okay);
        return (byte)value;
    }

    public void WriteByte(string register, int index, byte value, int cpu = 0, bool secure = false)
    {
        Cpus[cpu].IsSecure = secure;
        Cpus[cpu].Store(AddressOf(register + "0") + (ulong)index, 1, value).Should().Be(BusStatus.Okay);
    }

    private ulong AddressOf(string register)
    {
        int window = register.StartsWith("GICD", StringComparison.Ordinal) ? 0 : 1;
        Gic.Windows[window].TryFind(register, out ulong offset, out _).Should().BeTrue($"{register} is a register");
        return (window == 0 ? Distributor : Interface) + offset;
    }
}
