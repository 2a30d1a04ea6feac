using Emulator.Machine;

namespace Emulator.Peripherals.Tests;

/// <summary>A DMA-330 with RAM from 0 to 0xE000_0000 and nothing above, spoken to as a driver does.</summary>
internal sealed class Dma330Bench
{
    public const uint Code = 0x1000;
    public const uint Source = 0x2000;
    public const uint Destination = 0x3000;
    private static readonly Transaction Signals = new() { Flags = TransactionFlags.Secure };

    public Dma330Bench(params (string Property, uint Value)[] options)
        : this(null, options) { }

    public Dma330Bench(Action<StandaloneContext>? wire, params (string Property, uint Value)[] options)
    {
        Context = new StandaloneContext("dma")
            .With("emulator,events", 16)
            .With("emulator,peripherals", 4)
            .With("emulator,ins", 0)
            .With("emulator,pns", 0);
        foreach ((string property, uint value) in options)
        {
            Context.With("emulator," + property, value);
        }

        Context.Bus.Map("ram", 0, 0xE000_0000, Ram);
        wire?.Invoke(Context);
        Dma = new Dma330(Context);
        Registers = (IRegisterWindow)Context.Registers[0];
        Write(Source, [.. Enumerable.Range(0, 0x1000).Select(Pattern)]);
    }

    public StandaloneContext Context { get; }

    public Ram Ram { get; } = new("ram", 0xE000_0000);

    public Dma330 Dma { get; }

    public IRegisterWindow Registers { get; }

    public Simulation Simulation => Context.Simulation;

    public uint this[string register]
    {
        get
        {
            Registers.TryFind(register, out ulong offset, out _).Should().BeTrue($"{register} is a register");
            Registers.ReadWord(offset, 4, out ulong value, Signals).Should().Be(BusStatus.Okay);
            return (uint)value;
        }
        set
        {
            Registers.TryFind(register, out ulong offset, out _).Should().BeTrue($"{register} is a register");
            Registers.WriteWord(offset, 4, value, Signals);
        }
    }

    public static byte Pattern(int place) => (byte)(7 * place + 3);

    public static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

    public void Write(uint address, byte[] bytes) => Ram.Write(address, bytes, Signals);

    public byte[] Read(uint address, int length)
    {
        var bytes = new byte[length];
        Ram.Read(address, bytes, Signals);
        return bytes;
    }

    public void Debug(uint word0, uint word1 = 0)
    {
        this["DBGINST0"] = word0;
        this["DBGINST1"] = word1;
        this["DBGCMD"] = 0;
    }

    public void Go(int channel = 0, uint address = Code, bool nonSecure = false) =>
        Debug((nonSecure ? 0x00A2_0000U : 0x00A0_0000) | ((uint)channel << 24), address);

    public void Kill(int channel) => Debug(0x0001_0001U | ((uint)channel << 8));

    public void KillManager() => Debug(0x0001_0000);

    /// <summary>Puts a program in place, starts it and runs until nothing is left to do or 10 ms have passed.</summary>
    public Dma330Bench Run(string program, int channel = 0, bool nonSecure = false, uint address = Code)
    {
        Write(address, Bytes(program));
        Go(channel, address, nonSecure);
        return Settle();
    }

    public Dma330Bench Settle()
    {
        Simulation.RunUntil(() => false, Simulation.Now + 10 * VirtualTime.Millisecond);
        return this;
    }

    public bool Irq(int number) => Context.Lines[$"irq[{number}]"].Level;

    public bool Abort => Context.Lines["irq_abort"].Level;
}

/// <summary>A stretch of memory behind something that stalls accesses, as an SMMU with stalling faults does.</summary>
internal sealed class StallingMemory(Ram ram) : IBusTarget
{
    public List<Transaction> Held { get; } = [];

    public List<(ulong Address, int Length, bool Write, Transaction Signals)> Seen { get; } = [];

    public bool Stalls { get; set; } = true;

    public BusStatus Read(ulong address, Span<byte> data, in Transaction transaction) =>
        Admit(address, data.Length, false, transaction) ? ram.Read(address, data, transaction) : BusStatus.Held;

    public BusStatus Write(ulong address, ReadOnlySpan<byte> data, in Transaction transaction) =>
        Admit(address, data.Length, true, transaction) ? ram.Write(address, data, transaction) : BusStatus.Held;

    public void Resolve(HeldOutcome outcome)
    {
        Transaction[] held = [.. Held];
        Held.Clear();
        foreach (Transaction transaction in held)
        {
            transaction.Initiator!.OnHeldTransaction(transaction.Tag, outcome);
        }
    }

    private bool Admit(ulong address, int length, bool write, in Transaction transaction)
    {
        Seen.Add((address, length, write, transaction));
        if (Stalls)
        {
            transaction.Initiator!.CanBeHeld.Should().BeTrue();
            Held.Add(transaction);
        }

        return !Stalls;
    }
}
