using System.Globalization;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>What a DMA-330 reports.</summary>
public sealed partial class Dma330
{
    /// <summary>The instruction being executed, for the trace of its bursts. Set only while somebody traces.</summary>
    private Dma330Instruction _executing;

    private static class Kinds
    {
        public static readonly TraceKind Instruction = new("dma.instruction", Severity.Debug, "{thread} {pc} {text}");

        public static readonly TraceKind Read = new(
            "dma.read",
            Severity.Debug,
            "{thread} {pc} {instruction}  <- {address} {length} B (burst {burst}) {type} prot {prot} cache {cache} {data}{status}"
        );

        public static readonly TraceKind Write = new(
            "dma.write",
            Severity.Debug,
            "{thread} {pc} {instruction}  -> {address} {length} B (burst {burst}) {type} prot {prot} cache {cache} {data}{status}"
        );

        public static readonly TraceKind State = new("dma.state", Severity.Info, "{thread} {from} -> {to} at {pc}");

        public static readonly TraceKind Event = new(
            "dma.event",
            Severity.Info,
            "{thread} signals event {event}: {effect}"
        );

        public static readonly TraceKind Request = new("dma.request", Severity.Info, "peripheral {peripheral}: {what}");

        public static readonly TraceKind Fault = new(
            "dma.fault",
            Severity.Error,
            "{thread} faults at {pc}: {names} ({explanation})"
        );

        public static readonly TraceKind Lockup = new(
            "dma.lockup",
            Severity.Error,
            "channels {channels} are locked up: no room in the MFIFO and nothing that could make some"
        );

        public static readonly TraceKind Debug = new("dma.debug", Severity.Warning, "{problem}");

        public static readonly TraceKind Swap = new(
            "dma.swap",
            Severity.Warning,
            "{thread} loads {length} bytes at {address} with an endian swap of {unit} bytes: not aligned, unpredictable in "
                + "hardware"
        );
    }

    private void TraceInstruction(int index, Dma330Instruction instruction, string prefix, uint? pc = null)
    {
        ref Dma330Thread thread = ref State.Threads[index];
        Trace.Emit(
            Kinds.Instruction,
            Name,
            TraceField.Of("thread", NameOf(index)),
            TraceField.Hex("pc", pc ?? thread.Pc),
            TraceField.Of("text", prefix + instruction),
            TraceField.Hex("sar", thread.Sar),
            TraceField.Hex("dar", thread.Dar),
            TraceField.Hex("ccr", thread.Ccr),
            TraceField.Decimal("lc0", thread.Lc0),
            TraceField.Decimal("lc1", thread.Lc1),
            TraceField.Decimal("mfifo", (ulong)thread.MfifoCount),
            TraceField.Decimal("reads", OutstandingOf(ref State.ReadSlots)),
            TraceField.Decimal("writes", OutstandingOf(ref State.WriteSlots))
        );
    }

    /// <summary>How many bursts of all channels are outstanding.</summary>
    private ulong OutstandingOf(ref Dma330SlotArray slots)
    {
        ulong outstanding = 0;
        foreach (long free in slots)
        {
            outstanding += free > Simulation.Now ? 1UL : 0;
        }

        return outstanding;
    }

    /// <summary>Reports a burst as the pair it is where it crosses 4 KiB.</summary>
    private void TraceBurst(
        int index,
        Dma330Access access,
        uint address,
        int fixedBeatBytes,
        ReadOnlySpan<byte> data,
        uint ccr,
        BusStatus status
    )
    {
        var control = new Dma330ChannelControl(ccr);
        bool reads = access == Dma330Access.Load;
        int size = reads ? control.SourceBeatBytes : control.DestinationBeatBytes;
        ref Dma330Thread thread = ref State.Threads[index];
        Dma330Instruction instruction = thread.Access == Dma330Access.None ? _executing : thread.AccessInstruction;
        TransactionFlags flags = FlagsOf(reads ? control.SourceProtection : control.DestinationProtection, ref thread);
        // ARCACHE[3] and AWCACHE[2] are tied to 0.
        int cache = reads
            ? control.SourceCache
            : ((control.DestinationCache & 4) << 1) | (control.DestinationCache & 3);
        while (!data.IsEmpty)
        {
            int length = fixedBeatBytes != 0 ? data.Length : Math.Min(data.Length, 0x1000 - (int)(address & 0xFFF));
            int beats =
                fixedBeatBytes != 0
                    ? length / fixedBeatBytes
                    : (int)((((address & (uint)(size - 1)) + (uint)length) + (uint)size - 1) / (uint)size);
            Trace.Emit(
                reads ? Kinds.Read : Kinds.Write,
                Name,
                TraceField.Of("thread", NameOf(index)),
                TraceField.Hex("pc", thread.Pc),
                TraceField.Of("instruction", instruction.ToString()),
                TraceField.Hex("address", address),
                TraceField.Decimal("length", (ulong)length),
                TraceField.Of("burst", BurstText(ref thread, beats, size)),
                TraceField.Of("type", fixedBeatBytes != 0 ? "FIXED" : "INCR"),
                TraceField.Of("prot", Bits(ProtectionOf(flags), 3)),
                TraceField.Of("cache", Bits(cache, 4)),
                TraceField.Decimal("beats", (ulong)beats),
                TraceField.Decimal("size", (ulong)size),
                status == BusStatus.Okay || !reads
                    ? TraceField.Bytes("data", data[..length])
                    : TraceField.Of("data", ""),
                TraceField.Decimal("requester", (ulong)index),
                TraceField.Of("status", status == BusStatus.Okay ? "" : $" {status}")
            );
            data = data[length..];
            address += (uint)length;
        }
    }

    /// <summary>Beats and their size. A fixed address that is no plain memory is accessed beat by beat, of the one burst.</summary>
    private static string BurstText(ref Dma330Thread thread, int beats, int size) =>
        thread.Access == Dma330Access.None || thread.FixedBeatBytes == 0
            ? string.Create(CultureInfo.InvariantCulture, $"{beats}x{size}")
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{thread.AccessBeats}x{size}, beat {thread.AccessDone / thread.FixedBeatBytes + 1}"
            );

    /// <summary>AxPROT[2:0]: instruction, Non-secure, privileged.</summary>
    private static int ProtectionOf(TransactionFlags flags) =>
        ((flags & TransactionFlags.Privileged) != TransactionFlags.None ? 1 : 0)
        | ((flags & TransactionFlags.Secure) == TransactionFlags.None ? 2 : 0)
        | ((flags & TransactionFlags.Instruction) != TransactionFlags.None ? 4 : 0);

    private static string Bits(int value, int count) => "0b" + Convert.ToString(value, 2).PadLeft(count, '0');

    private void TraceEventSignal(int index, int number, string effect)
    {
        if (Trace.IsOn)
        {
            Trace.Emit(
                Kinds.Event,
                Name,
                TraceField.Of("thread", NameOf(index)),
                TraceField.Decimal("event", (ulong)number),
                TraceField.Of("effect", effect)
            );
        }
    }

    private void TraceSwap(int index, in Burst burst, int unitBytes) =>
        Trace.Emit(
            Kinds.Swap,
            Name,
            TraceField.Of("thread", NameOf(index)),
            TraceField.Decimal("length", (ulong)burst.Bytes),
            TraceField.Hex("address", burst.Address),
            TraceField.Decimal("unit", (ulong)unitBytes)
        );

    private void TraceFault(int index, Dma330Fault fault)
    {
        var names = new List<string>();
        var meanings = new List<string>();
        foreach ((Dma330Fault bit, string name, string meaning) in FaultNames)
        {
            if ((fault & bit) == bit)
            {
                names.Add(bit == Dma330Fault.Event ? (index == ManagerIndex ? "mgr_evnt_err" : "ch_evnt_err") : name);
                meanings.Add(meaning);
            }
        }

        ref Dma330Thread thread = ref State.Threads[index];
        Trace.Emit(
            Kinds.Fault,
            Name,
            TraceField.Of("thread", NameOf(index)),
            TraceField.Hex("pc", thread.Pc),
            TraceField.Of("names", string.Join(" ", names)),
            TraceField.Of("explanation", string.Join(", ", meanings)),
            TraceField.Hex("fault", (uint)fault),
            TraceField.Hex("address", thread.FaultAddress),
            TraceField.Hex("sar", thread.Sar),
            TraceField.Hex("dar", thread.Dar)
        );
    }
}
