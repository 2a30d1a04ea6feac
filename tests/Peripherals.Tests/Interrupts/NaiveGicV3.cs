namespace Emulator.Peripherals.Tests;

/// <summary>
/// A GICv3 with one security state straight from the rules of IHI 0069: an object per interrupt (per CPU and interrupt below
/// 32), lists instead of bitmaps, nothing remembered that can be computed. Slow and plain, to compare the real one with.
/// </summary>
internal sealed class NaiveGicV3
{
    private readonly int _cpus;
    private readonly int _ids;
    private readonly Dictionary<(int Cpu, int Id), Interrupt> _interrupts = [];

    public NaiveGicV3(int cpus, int ids)
    {
        (_cpus, _ids) = (cpus, ids);
        Ports = [.. Enumerable.Range(0, cpus).Select(_ => new Port())];
        for (int id = 0; id < ids; id++)
        {
            for (int cpu = 0; cpu < (id < 32 ? cpus : 1); cpu++)
            {
                _interrupts[(id < 32 ? cpu : -1, id)] = new Interrupt { IsEdge = id < 16 };
            }
        }
    }

    public Port[] Ports { get; }

    public bool Group0 { get; set; }

    public bool Group1 { get; set; }

    public Interrupt Of(int id, int cpu) => _interrupts[(id < 32 ? cpu : -1, id)];

    public void SetLine(int id, int cpu, bool level)
    {
        Interrupt interrupt = Of(id, cpu);
        interrupt.Latch |= level && !interrupt.Line && interrupt.IsEdge;
        interrupt.Line = level;
    }

    public void Send(int id, int from, bool toOthers, int list, bool group1)
    {
        for (int to = 0; to < _cpus; to++)
        {
            bool isMeant = toOthers ? to != from : (list >> to & 1) != 0;
            Of(id, to).Latch |= isMeant && Of(id, to).Group1 == group1;
        }
    }

    public bool IsPending(int id, int cpu) =>
        Of(id, cpu) is var interrupt && (interrupt.Latch || (!interrupt.IsEdge && interrupt.Line));

    /// <summary>What the CPU would be told of, priorities aside; -1 for nothing.</summary>
    private int Best(int cpu)
    {
        Port port = Ports[cpu];
        return port.Sleeps
            ? -1
            : Enumerable
                .Range(0, _ids)
                .Where(id =>
                {
                    Interrupt interrupt = Of(id, cpu);
                    bool isOpen = interrupt.Group1 ? Group1 && port.Group1 : Group0 && port.Group0;
                    bool isMine = id < 32 || interrupt.Route == cpu;
                    return IsPending(id, cpu) && interrupt.Enabled && !interrupt.Active && isOpen && isMine;
                })
                .OrderBy(id => Of(id, cpu).Priority)
                .ThenBy(id => id)
                .FirstOrDefault(-1);
    }

    private int GroupPriority(int id, int cpu)
    {
        Port port = Ports[cpu];
        int ignored = Of(id, cpu).Group1 && !port.CommonBinaryPoint ? port.BinaryPoint1 : port.BinaryPoint0 + 1;
        return Of(id, cpu).Priority / (1 << ignored) * (1 << ignored);
    }

    private int Signalled(int cpu)
    {
        int best = Best(cpu);
        Port port = Ports[cpu];
        return best >= 0 && Of(best, cpu).Priority < port.Mask && GroupPriority(best, cpu) < port.Running ? best : -1;
    }

    public bool Irq(int cpu) => Signalled(cpu) is >= 0 and var id && Of(id, cpu).Group1;

    public bool Fiq(int cpu) => Signalled(cpu) is >= 0 and var id && !Of(id, cpu).Group1;

    public uint HighestPending(int cpu, bool group1) =>
        Best(cpu) is >= 0 and var id && Of(id, cpu).Group1 == group1 ? (uint)id : 1023;

    public uint Acknowledge(int cpu, bool group1)
    {
        int id = Signalled(cpu);
        if (id < 0 || Of(id, cpu).Group1 != group1)
        {
            return 1023;
        }

        Ports[cpu].Active(group1).Add(GroupPriority(id, cpu));
        Of(id, cpu).Active = true;
        Of(id, cpu).Latch = false;
        return (uint)id;
    }

    /// <summary>The most urgent running interrupt's priority drops, if it is of this group.</summary>
    public void End(int id, int cpu, bool group1)
    {
        Port port = Ports[cpu];
        SortedSet<int> mine = port.Active(group1);
        if (mine.Count == 0 || mine.Min != port.Running)
        {
            return;
        }

        mine.Remove(mine.Min);
        if (!port.SplitsEnd)
        {
            Of(id, cpu).Active = false;
        }
    }

    public void Deactivate(int id, int cpu)
    {
        if (Ports[cpu].SplitsEnd)
        {
            Of(id, cpu).Active = false;
        }
    }

    internal sealed class Interrupt
    {
        public bool Line;
        public bool Latch;
        public bool IsEdge;
        public bool Enabled;
        public bool Active;
        public bool Group1;
        public int Priority;
        public int Route;
    }

    internal sealed class Port
    {
        private readonly SortedSet<int> _active0 = [];
        private readonly SortedSet<int> _active1 = [];

        public bool Sleeps = true;
        public bool Group0;
        public bool Group1;
        public bool CommonBinaryPoint;
        public bool SplitsEnd;
        public int Mask;
        public int BinaryPoint0 = 2;
        public int BinaryPoint1 = 3;

        public int Running => _active0.Concat(_active1).DefaultIfEmpty(256).Min();

        public SortedSet<int> Active(bool group1) => group1 ? _active1 : _active0;
    }
}
