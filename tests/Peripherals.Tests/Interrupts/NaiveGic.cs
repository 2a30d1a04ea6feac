namespace Emulator.Peripherals.Tests;

/// <summary>
/// A GICv2 straight from the rules of IHI 0048B: an object per interrupt (per CPU and interrupt below 32), lists instead of
/// bitmaps, nothing remembered that can be computed. Slow and plain, to compare the real one with.
/// </summary>
internal sealed class NaiveGic
{
    private readonly int _cpus;
    private readonly int _ids;
    private readonly bool _security;
    private readonly Dictionary<(int Cpu, int Id), Interrupt> _interrupts = [];
    private bool _group0;
    private bool _group1;

    public NaiveGic(int cpus, int ids, bool security)
    {
        (_cpus, _ids, _security) = (cpus, ids, security);
        Ports = [.. Enumerable.Range(0, cpus).Select(_ => new Port())];
        for (int id = 0; id < ids; id++)
        {
            for (int cpu = 0; cpu < (id < 32 ? cpus : 1); cpu++)
            {
                _interrupts[(id < 32 ? cpu : -1, id)] = new Interrupt { IsEdge = id < 16, Enabled = id < 16 };
            }
        }
    }

    public Port[] Ports { get; }

    public Interrupt Of(int id, int cpu) => _interrupts[(id < 32 ? cpu : -1, id)];

    public void SetLine(int id, int cpu, bool level)
    {
        Interrupt interrupt = Of(id, cpu);
        interrupt.Latch |= level && !interrupt.Line && interrupt.IsEdge;
        interrupt.Line = level;
    }

    private bool Hidden(int id, int cpu, bool secure) => _security && !secure && !Of(id, cpu).Group1;

    public void WriteDistributorControl(uint value, bool secure)
    {
        if (_security && !secure)
        {
            _group1 = (value & 1) != 0;
        }
        else
        {
            _group0 = (value & 1) != 0;
            _group1 = (value & 2) != 0;
        }
    }

    public void SetGroup(int id, int cpu, bool group1, bool secure)
    {
        if (!_security || secure)
        {
            Of(id, cpu).Group1 = group1;
        }
    }

    public void SetEnabled(int id, int cpu, bool on, bool secure)
    {
        if (id >= 16 && !Hidden(id, cpu, secure))
        {
            Of(id, cpu).Enabled = on;
        }
    }

    public void SetPending(int id, int cpu, bool on, bool secure)
    {
        if (id >= 16 && !Hidden(id, cpu, secure))
        {
            Of(id, cpu).Latch = on;
        }
    }

    public void SetActive(int id, int cpu, bool on, bool secure)
    {
        if (!Hidden(id, cpu, secure))
        {
            Of(id, cpu).Active = on;
        }
    }

    public void SetEdge(int id, int cpu, bool edge, bool secure)
    {
        if (id >= 32 && !Hidden(id, cpu, secure))
        {
            Of(id, cpu).IsEdge = edge;
        }
    }

    public void SetPriority(int id, int cpu, byte value, bool secure)
    {
        if (!Hidden(id, cpu, secure))
        {
            Of(id, cpu).Priority = (_security && !secure ? 128 + value / 2 : value) / 8 * 8;
        }
    }

    public void SetTargets(int id, int cpu, byte value, bool secure)
    {
        if (id >= 32 && !Hidden(id, cpu, secure))
        {
            Of(id, cpu).Targets = value;
        }
    }

    public void SetSource(int id, int cpu, int source, bool on, bool secure)
    {
        if (Hidden(id, cpu, secure))
        {
            return;
        }

        if (on)
        {
            Of(id, cpu).Sources.Add(source);
        }
        else
        {
            Of(id, cpu).Sources.Remove(source);
        }
    }

    public void Send(int id, int from, int filter, int list, bool forGroup1, bool secure)
    {
        for (int to = 0; to < _cpus; to++)
        {
            bool meant = filter switch
            {
                0 => (list >> to & 1) != 0,
                1 => to != from,
                2 => to == from,
                _ => false,
            };
            bool allowed = !_security || (secure ? Of(id, to).Group1 == forGroup1 : Of(id, to).Group1);
            if (meant && allowed)
            {
                Of(id, to).Sources.Add(from);
            }
        }
    }

    public void WriteInterfaceControl(int cpu, uint value, bool secure)
    {
        Port port = Ports[cpu];
        if (_security && !secure)
        {
            port.Group1 = (value & 1) != 0;
            port.SplitNonSecure = (value & 0x200) != 0;
            return;
        }

        port.Group0 = (value & 1) != 0;
        port.Group1 = (value & 2) != 0;
        port.AckControl = (value & 4) != 0;
        port.FiqEnable = (value & 8) != 0;
        port.CommonBinaryPoint = (value & 16) != 0;
        port.SplitSecure = (value & 0x200) != 0;
        port.SplitNonSecure = _security && (value & 0x400) != 0;
    }

    public void WriteMask(int cpu, byte value, bool secure)
    {
        Port port = Ports[cpu];
        if (!_security || secure)
        {
            port.Mask = value / 8 * 8;
        }
        else if (port.Mask >= 128)
        {
            port.Mask = (128 + value / 2) / 8 * 8;
        }
    }

    public void WriteBinaryPoint(int cpu, int value, bool secure)
    {
        Port port = Ports[cpu];
        if (!_security || secure)
        {
            port.BinaryPoint = Math.Max(2, value);
        }
        else if (!port.CommonBinaryPoint)
        {
            port.AliasedBinaryPoint = Math.Max(3, value);
        }
    }

    public bool IsPending(int id, int cpu)
    {
        Interrupt interrupt = Of(id, cpu);
        return id < 16 ? interrupt.Sources.Count > 0 : interrupt.Latch || (!interrupt.IsEdge && interrupt.Line);
    }

    private int Best(int cpu)
    {
        Port port = Ports[cpu];
        int best = Enumerable
            .Range(0, _ids)
            .Where(id =>
            {
                Interrupt interrupt = Of(id, cpu);
                bool open = interrupt.Group1 ? _group1 : _group0;
                bool mine = id < 32 || _cpus == 1 || (interrupt.Targets >> cpu & 1) != 0;
                return IsPending(id, cpu) && interrupt.Enabled && !interrupt.Active && open && mine;
            })
            .OrderBy(id => Of(id, cpu).Priority)
            .ThenBy(id => id)
            .FirstOrDefault(-1);
        return best >= 0 && (Of(best, cpu).Group1 ? port.Group1 : port.Group0) ? best : -1;
    }

    private int GroupPriority(int id, int cpu)
    {
        Port port = Ports[cpu];
        Interrupt interrupt = Of(id, cpu);
        int ignoredBits = interrupt.Group1 && !port.CommonBinaryPoint ? port.AliasedBinaryPoint : port.BinaryPoint + 1;
        return interrupt.Priority / (1 << ignoredBits) * (1 << ignoredBits);
    }

    private int Signalled(int cpu)
    {
        int best = Best(cpu);
        Port port = Ports[cpu];
        return best >= 0 && Of(best, cpu).Priority < port.Mask && GroupPriority(best, cpu) < port.Running ? best : -1;
    }

    public bool Fiq(int cpu) => Signalled(cpu) is >= 0 and var id && !Of(id, cpu).Group1 && Ports[cpu].FiqEnable;

    public bool Irq(int cpu) => Signalled(cpu) >= 0 && !Fiq(cpu);

    public uint HighestPending(int cpu, bool secure) => Best(cpu) is >= 0 and var id ? Show(id, cpu, secure) : 1023;

    private uint Show(int id, int cpu, bool secure) =>
        _security && !secure && !Of(id, cpu).Group1 ? 1023
        : (!_security || secure) && Of(id, cpu).Group1 && !Ports[cpu].AckControl ? 1022
        : id < 16 ? (uint)(id + 1024 * Of(id, cpu).Sources.Min)
        : (uint)id;

    public uint Acknowledge(int cpu, bool secure)
    {
        int id = Signalled(cpu);
        uint shown = id < 0 ? 1023 : Show(id, cpu, secure);
        if (shown is 1022 or 1023)
        {
            return shown;
        }

        Interrupt interrupt = Of(id, cpu);
        Ports[cpu].Active(interrupt.Group1).Add(GroupPriority(id, cpu));
        interrupt.Active = true;
        interrupt.Latch = false;
        interrupt.Sources.Remove(interrupt.Sources.Min);
        return shown;
    }

    public void End(int id, int cpu, bool secure)
    {
        if (id >= _ids || Hidden(id, cpu, secure))
        {
            return;
        }

        SortedSet<int> active = Ports[cpu].Active(Of(id, cpu).Group1);
        if (active.Count == 0)
        {
            return;
        }

        active.Remove(active.Min);
        if (!Splits(cpu, secure))
        {
            Of(id, cpu).Active = false;
        }
    }

    public void Deactivate(int id, int cpu, bool secure)
    {
        if (id < _ids && !Hidden(id, cpu, secure) && Splits(cpu, secure))
        {
            Of(id, cpu).Active = false;
        }
    }

    public uint RunningPriority(int cpu, bool secure)
    {
        int running = Ports[cpu].Running;
        return running == 256 ? 0xFF
            : !_security || secure ? (uint)running
            : running < 128 ? 0
            : (uint)(running * 2 % 256);
    }

    private bool Splits(int cpu, bool secure) =>
        _security && !secure ? Ports[cpu].SplitNonSecure : Ports[cpu].SplitSecure;

    internal sealed class Interrupt
    {
        public bool Line;
        public bool Latch;
        public bool IsEdge;
        public bool Enabled;
        public bool Active;
        public bool Group1;
        public int Priority;
        public int Targets;

        public SortedSet<int> Sources { get; } = [];
    }

    internal sealed class Port
    {
        private readonly SortedSet<int> _active0 = [];
        private readonly SortedSet<int> _active1 = [];

        public bool Group0;
        public bool Group1;
        public bool AckControl;
        public bool FiqEnable;
        public bool CommonBinaryPoint;
        public bool SplitSecure;
        public bool SplitNonSecure;
        public int Mask;
        public int BinaryPoint = 2;
        public int AliasedBinaryPoint = 3;

        public int Running => _active0.Concat(_active1).DefaultIfEmpty(256).Min();

        public SortedSet<int> Active(bool group1) => group1 ? _active1 : _active0;
    }
}
