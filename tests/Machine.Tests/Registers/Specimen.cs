using System.Runtime.CompilerServices;

namespace Emulator.Machine.Tests;

/// <summary>A device with a register of every kind and width.</summary>
public sealed class Specimen : Device<Specimen.Memory>
{
    // csharpier-ignore
    public static readonly RegisterMap<Specimen, Memory> Map = new RegisterMap<Specimen, Memory>("SPEC", size: 0x3000)
        .ReadOnly  (0x000, "ID",       part => part.Identity, fields: "Part[11:0] Revision[31:28]")
        .Stored    (0x004, "CTRL",     (ref s) => ref s.Control, mask: 0xF0F0, reset: 0x0A00, then: (part, value) => part.Log.Add($"CTRL {value:x}"))
        .Stored    (0x008, "WORD",     (ref s) => ref s.Word, access: AccessSizes.Byte | AccessSizes.Half | AccessSizes.Word)
        .WriteOnly (0x00C, "DBGCMD",   (part, value) => part.Log.Add($"DBGCMD {value:x}"), access: AccessSizes.Byte | AccessSizes.Word)
        .ReadWrite (0x010, "FIFO",     part => part.Pop(), (part, value) => part.Log.Add($"FIFO {value:x}"), access: AccessSizes.Byte | AccessSizes.Word, sideEffect: true)
        .ReadWrite (0x014, "LEVEL",    part => part.State.Level, (part, value) => part.State.Level = (uint)value & 0xFF, access: AccessSizes.Byte | AccessSizes.Word)
        .Viewed    (0x018, 1, 4, "VIEW", (part, _, in signals) => signals.IsSecure ? 0x5EC : 0x0A5u, (part, _, value, in signals) => part.Log.Add($"VIEW {value:x} {signals.IsSecure}"))
        .Constant  (0x01C, "MAGIC",    0xB105_F00D)
        .Unmodelled(0x020, "PERF")
        .Stored    (0x028, "WIDE",     (ref s) => ref s.Wide, access: AccessSizes.Word | AccessSizes.Double)
        .Stored    (0x030, "ONLYWIDE", (ref s) => ref s.OnlyWide)
        .Stored    (0x038, "HALF",     (ref s) => ref s.Half, access: AccessSizes.Half | AccessSizes.Word)
        .Stored    (0x03C, "BYTE",     (ref s) => ref s.Byte, mask: 0x7F)
        .ReadOnly  (0x040, "SLOT",     (ref s) => ref s.Word)
        .Viewed    (0x044, 1, 4, "COMMAND", null, (part, _, value, in signals) => part.Log.Add($"COMMAND {value:x}"))
        .Viewed    (0x048, 1, 4, "STATUS", (part, _, in signals) => signals.RequesterId, null)
        .Stored    (0x100, 8, 0x20, "SAR{0}", (ref s, n) => ref s.Channels[n].Source, then: (part, n, value) => part.Log.Add($"SAR{n} {value:x}"))
        .ReadOnly  (0x104, 8, 0x20, "DAR{0}", (ref s, n) => ref s.Channels[n].Destination)
        .ReadOnly  (0x108, 8, 0x20, "CSR{0}", (part, n) => part.State.Channels[n].Source + (uint)n)
        .WriteOnly (0x10C, 8, 0x20, "KILL{0}", (part, n, value) => part.Log.Add($"KILL{n} {value:x}"))
        .ReadWrite (0x110, 8, 0x20, "LOOP{0}", (part, n) => part.State.Channels[n].Loops, (part, n, value) => part.State.Channels[n].Loops = (uint)value)
        .Lanes     (0x200, 4, 4, "PRIO{0}", (part, n, in _) => part.State.Priorities[n], (part, n, value, lanes, in _) => part.WriteLanes(n, value, lanes))
        .Unmodelled(0x300, "PM{0}", count: 4)
        .Stored    (0x2FFC, "LAST",    (ref s) => ref s.Last);

    public Specimen(StandaloneContext context)
        : base(context)
    {
        Window = new RegisterWindow<Specimen, Memory>(this, Map);
        Windows = [Window];
        context.MapRegisters(0, Window);
        Reset();
    }

    public override IReadOnlyList<IRegisterWindow> Windows { get; }

    public IRegisterWindow Window { get; }

    /// <summary>What it remembers, for tests to look at and to prepare.</summary>
    public new ref Memory State => ref base.State;

    public List<string> Log { get; } = [];

    public ulong Identity { get; set; } = 0x1000_0330;

    public int Pops { get; private set; }

    public override void Reset()
    {
        State = default;
        Map.ApplyResetValues(ref State);
    }

    private ulong Pop() => (ulong)(0x41 + Pops++);

    private void WriteLanes(int n, ulong value, ulong lanes)
    {
        Log.Add($"PRIO{n} {value:x} in {lanes:x}");
        State.Priorities[n] = (State.Priorities[n] & ~(uint)lanes) | (uint)value;
    }

    public struct Channel
    {
        public uint Source;
        public uint Destination;
        public uint Loops;
    }

    [InlineArray(8)]
    public struct EightChannels
    {
        private Channel _first;
    }

    [InlineArray(4)]
    public struct FourWords
    {
        private uint _first;
    }

    public struct Memory
    {
        public ulong Wide;
        public ulong OnlyWide;
        public uint Control;
        public uint Word;
        public uint Level;
        public uint Last;
        public ushort Half;
        public byte Byte;
        public byte Filler;
        public EightChannels Channels;
        public FourWords Priorities;
        public uint Filler2;
    }
}
