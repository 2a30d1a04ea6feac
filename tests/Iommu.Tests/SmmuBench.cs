using Emulator.Machine;

namespace Emulator.Iommu.Tests;

/// <summary>An SMMU-400 in front of a bus with memory, and a CPU's hand on its registers.</summary>
internal sealed class SmmuBench
{
    /// <summary>CLIENTPD 0, GFRE, GFIE, USFCFG: as Linux leaves it with bypass disabled.</summary>
    public const uint On = 0x0000_0406;

    /// <summary>SCTLR of today's Linux: M TRE AFE CFRE CFIE.</summary>
    public const uint Terminating = 0x67;

    /// <summary>SCTLR of Linux 3.x: the same with CFCFG.</summary>
    public const uint Stalling = 0xE7;

    private readonly Transaction _cpu = new() { Flags = TransactionFlags.Privileged };

    public SmmuBench(Action<StandaloneContext>? configure = null, ulong ramBytes = 1UL << 40, SmmuPart? part = null)
    {
        Context = new StandaloneContext("smmu");
        configure?.Invoke(Context);
        Ram = new Ram("ram", ramBytes);
        Context.Bus.Map("ram", 0, ramBytes, Ram);
        Smmu = new Smmu(Context, part ?? SmmuPart.Mmu400);
        Window = Smmu.Windows[0];
    }

    public StandaloneContext Context { get; }

    public Ram Ram { get; }

    public Smmu Smmu { get; }

    public IRegisterWindow Window { get; }

    public IBusTarget Upstream => Smmu.Upstream;

    public Trace Trace => Context.Simulation.Trace;

    public InterruptLine GlobalLine => Context.Lines["gbl_flt_irpt_ns"];

    public ulong this[string register]
    {
        get
        {
            Window.TryFind(register, out ulong offset, out RegisterDescription row).Should().BeTrue(register);
            Window.ReadWord(offset, row.WidthBits / 8, out ulong value, _cpu).Should().Be(BusStatus.Okay);
            return value;
        }
        set
        {
            Window.TryFind(register, out ulong offset, out RegisterDescription row).Should().BeTrue(register);
            Window.WriteWord(offset, row.WidthBits / 8, value, _cpu).Should().Be(BusStatus.Okay);
        }
    }

    public InterruptLine ContextLine(int n) => Context.Lines[$"cxt_irpt[{n}]"];

    /// <summary>Switches the SMMU on and leads a stream to a context bank with tables.</summary>
    public SmmuBench Route(
        uint stream = 0,
        int bank = 0,
        ulong ttbr = 0x8001_0000,
        uint tcr = 0x8000_3540,
        uint sctlr = Terminating,
        byte? vmid = null,
        int group = 0
    )
    {
        this["sCR0"] = On;
        this[$"S2CR{group}"] = (uint)bank;
        this[$"SMR{group}"] = 0x8000_0000 | stream;
        this[$"CBAR{bank}"] = vmid ?? (uint)bank + 1;
        this[$"CB{bank}_TTBR0"] = ttbr;
        this[$"CB{bank}_TCR"] = tcr;
        this[$"CB{bank}_SCTLR"] = sctlr;
        return this;
    }

    /// <summary>Switches the SMMU on and leads stream 0 to a stage-1 context bank with AArch64 tables.</summary>
    public SmmuBench RouteStageOne(
        int bank,
        uint tcr,
        uint tcr2,
        ulong ttbr,
        uint cbar = 0x0001_F300,
        uint sctlr = 0x1067,
        uint cba2r = 1
    )
    {
        this["sCR0"] = On;
        this["S2CR0"] = (uint)bank;
        this["SMR0"] = 0x8000_0000;
        this[$"CBA2R{bank}"] = cba2r;
        this[$"CBAR{bank}"] = cbar;
        this[$"CB{bank}_TCR2"] = tcr2;
        this[$"CB{bank}_TCR"] = tcr;
        this[$"CB{bank}_TTBR0"] = ttbr;
        this[$"CB{bank}_MAIR0"] = 0xF404_FF44;
        this[$"CB{bank}_SCTLR"] = sctlr;
        return this;
    }

    public void Poke(ulong address, ulong value) =>
        Context.Bus.WriteWord(address, 8, value, _cpu).Should().Be(BusStatus.Okay);

    public ulong Peek(ulong address, int size = 8)
    {
        Context.Bus.ReadWord(address, size, out ulong value, _cpu).Should().Be(BusStatus.Okay);
        return value;
    }

    public BusStatus Read(
        ulong address,
        out ulong value,
        uint stream = 0,
        TransactionFlags flags = default,
        int size = 1
    ) => Upstream.ReadWord(address, size, out value, new Transaction { StreamId = stream, Flags = flags });

    public BusStatus Write(
        ulong address,
        ulong value,
        uint stream = 0,
        TransactionFlags flags = default,
        int size = 1
    ) => Upstream.WriteWord(address, size, value, new Transaction { StreamId = stream, Flags = flags });

    /// <summary>A read arrives at a physical address: a byte is planted there and must come back.</summary>
    public void ReadShouldReach(ulong address, ulong physical, uint stream = 0, TransactionFlags flags = default)
    {
        ulong before = Peek(physical, 1);
        ulong planted = before ^ 0x5A;
        Context.Bus.WriteWord(physical, 1, planted, _cpu);
        Read(address, out ulong value, stream, flags).Should().Be(BusStatus.Okay);
        value.Should().Be(planted);
        Context.Bus.WriteWord(physical, 1, before, _cpu);
    }

    /// <summary>A write arrives at a physical address.</summary>
    public void WriteShouldReach(ulong address, ulong physical, uint stream = 0, TransactionFlags flags = default)
    {
        ulong value = Peek(physical, 1) ^ 0xA5;
        Write(address, value, stream, flags).Should().Be(BusStatus.Okay);
        Peek(physical, 1).Should().Be(value);
    }

    /// <summary>The fault registers of a bank hold what a vector says; then they are cleared.</summary>
    public void ShouldHaveFaulted(int bank, ulong fsr, ulong far, ulong fsynr0, uint stream = 0, ulong format = 0)
    {
        this[$"CB{bank}_FSR"].Should().Be(fsr, "FSR");
        this[$"CB{bank}_FAR"].Should().Be(far, "FAR");
        this[$"CB{bank}_FSYNR0"].Should().Be(fsynr0, "FSYNR0");
        this[$"CBFRSYNRA{bank}"].Should().Be(stream, "CBFRSYNRA");
        this[$"CB{bank}_FSR"] = 0xC000_01FE;
        this[$"CB{bank}_FSR"].Should().Be(format);
    }

    /// <summary>Maps a 4 KiB page in the tables at 0x8001_0000 (one of each level; IPA below 2 MiB).</summary>
    public void MapPage(ulong address, ulong leaf)
    {
        Poke(0x8001_0000, 0x8001_1003);
        Poke(0x8001_1000, 0x8001_3003);
        Poke(0x8001_3000 + (address >> 12 << 3), leaf);
    }

    public ulong Hash => ((IStateful)Smmu).StateHash;

    public static void FillWithPattern(Span<byte> bytes, int seed)
    {
        for (int n = 0; n < bytes.Length; n++)
        {
            bytes[n] = (byte)((n * 31) + (n >> 8) + seed);
        }
    }
}

/// <summary>A master that makes one access at a time, waits when it is held, and repeats it when told to.</summary>
internal sealed class TestMaster(IBusTarget port, string name = "dma", uint stream = 0) : IBusInitiator
{
    private readonly Dictionary<ulong, (bool IsWrite, ulong Address, byte[] Data)> _outstanding = [];
    private bool _inside;

    public string Name => name;

    public bool CanBeHeld { get; init; } = true;

    /// <summary>What became of held transactions.</summary>
    public List<(ulong Tag, HeldOutcome Outcome)> Outcomes { get; } = [];

    /// <summary>The tags whose transactions are done, in order, with the status and data of reads.</summary>
    public List<(ulong Tag, BusStatus Status, byte[] Data)> Done { get; } = [];

    public BusStatus Read(ulong tag, ulong address, int length) => Make(tag, false, address, new byte[length]);

    public BusStatus Write(ulong tag, ulong address, params byte[] data) => Make(tag, true, address, data);

    /// <summary>Resets the master: it forgets what it has outstanding.</summary>
    public void Kill() => _outstanding.Clear();

    public void OnHeldTransaction(ulong tag, HeldOutcome outcome)
    {
        _inside.Should().BeFalse("a master is never called back inside its own access");
        Outcomes.Add((tag, outcome));
        if (!_outstanding.Remove(tag, out (bool IsWrite, ulong Address, byte[] Data) access))
        {
            return;
        }

        switch (outcome)
        {
            case HeldOutcome.Repeat:
                Make(tag, access.IsWrite, access.Address, access.Data);
                break;
            case HeldOutcome.CompletedAsZero:
                Done.Add((tag, BusStatus.Okay, new byte[access.Data.Length]));
                break;
            default:
                Done.Add((tag, BusStatus.SlaveError, []));
                break;
        }
    }

    private BusStatus Make(ulong tag, bool isWrite, ulong address, byte[] data)
    {
        var signals = new Transaction
        {
            Initiator = this,
            StreamId = stream,
            Tag = tag,
        };
        _inside = true;
        BusStatus status = isWrite ? port.Write(address, data, signals) : port.Read(address, data, signals);
        _inside = false;
        if (status == BusStatus.Held)
        {
            _outstanding[tag] = (isWrite, address, data);
        }
        else
        {
            Done.Add((tag, status, data));
        }

        return status;
    }
}
