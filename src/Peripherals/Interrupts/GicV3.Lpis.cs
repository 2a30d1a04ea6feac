using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <content>
/// Locality-specific interrupts, after IHI 0069 chapter 5.1: configuration (a byte for each, from 8192 on) and pending state (a bit
/// for each, from 0 on) are in memory. The most urgent one is remembered and looked for again when it is taken, or when an
/// ITS is told INV: a changed configuration need not count before.
/// </content>
public sealed partial class GicV3 : ILpiTarget
{
    private const ulong TableAddressMask = 0x000F_FFFF_FFFF_F000;
    private const int MaxIdBits = 16;

    private static readonly TraceKind LpiPending = new(
        "gic.lpi",
        Severity.Info,
        "LPI {interrupt} {change} for cpu{cpu}"
    );

    private static readonly TraceKind BadTable = new(
        "gic.table",
        Severity.Warning,
        "the {table} table of cpu{cpu} cannot be read or written at {address}: {status}"
    );

    /// <inheritdoc/>
    int ILpiTarget.CpuCount => _cpuCount;

    /// <inheritdoc/>
    void ILpiTarget.SetPending(int cpu, uint interrupt, bool isPending)
    {
        if (!TakesLpi(cpu, interrupt) || !TryReadPendingByte(cpu, interrupt, out byte pending))
        {
            return;
        }

        byte bit = (byte)(1 << (int)(interrupt % 8));
        byte after = isPending ? (byte)(pending | bit) : (byte)(pending & ~bit);
        if (after == pending)
        {
            return;
        }

        WritePendingByte(cpu, interrupt, after);
        if (Trace.IsOn)
        {
            Trace.Emit(
                LpiPending,
                Name,
                TraceField.Decimal("interrupt", interrupt),
                TraceField.Of("change", isPending ? "becomes pending" : "is no longer pending"),
                TraceField.Decimal("cpu", (ulong)cpu)
            );
        }

        if (isPending)
        {
            Consider(cpu, interrupt);
        }
        else if (State.Cpus[cpu].PendingLpi == interrupt)
        {
            FindPendingLpi(cpu);
        }

        Update();
    }

    /// <inheritdoc/>
    void ILpiTarget.Reconsider(int cpu)
    {
        FindPendingLpi(cpu);
        Update();
    }

    /// <inheritdoc/>
    void ILpiTarget.Move(uint interrupt, int from, int to)
    {
        ILpiTarget self = this;
        if (from != to && TakesLpi(from, interrupt) && IsLpiPending(from, interrupt))
        {
            self.SetPending(from, interrupt, false);
            self.SetPending(to, interrupt, true);
        }
    }

    /// <inheritdoc/>
    void ILpiTarget.MoveAll(int from, int to)
    {
        if (from == to || !HasLpis(from))
        {
            return;
        }

        ILpiTarget self = this;
        for (uint interrupt = FirstLpi; interrupt < 1u << IdBits(from); interrupt++)
        {
            if (IsLpiPending(from, interrupt))
            {
                self.SetPending(from, interrupt, false);
                self.SetPending(to, interrupt, true);
            }
        }
    }

    private bool HasLpis(int cpu) => cpu < _cpuCount && (State.Cpus[cpu].Control & EnableLpis) != 0;

    private bool TakesLpi(int cpu, uint interrupt) =>
        HasLpis(cpu) && interrupt >= FirstLpi && interrupt < 1u << IdBits(cpu);

    /// <summary>GICR_PROPBASER.IDbits, at most what GICD_TYPER says.</summary>
    private int IdBits(int cpu) => Math.Min((int)(State.Cpus[cpu].PropertyBase & 0x1F) + 1, MaxIdBits);

    private bool IsLpiPending(int cpu, uint interrupt) =>
        TryReadPendingByte(cpu, interrupt, out byte pending) && (pending >> (int)(interrupt % 8) & 1) != 0;

    /// <summary>Whether an LPI that is pending now is the most urgent.</summary>
    private void Consider(int cpu, uint interrupt)
    {
        ref GicV3State.Redistributor view = ref State.Cpus[cpu];
        if (TryReadPriority(cpu, interrupt, out uint priority) && IsBetter(view, interrupt, priority))
        {
            view.PendingLpi = interrupt;
            view.PendingLpiPriority = priority;
        }
    }

    private static bool IsBetter(GicV3State.Redistributor view, uint interrupt, uint priority) =>
        view.PendingLpi == Spurious
        || priority < view.PendingLpiPriority
        || (priority == view.PendingLpiPriority && interrupt < view.PendingLpi);

    /// <summary>Looks through the pending table for the most urgent enabled LPI.</summary>
    private void FindPendingLpi(int cpu)
    {
        ref GicV3State.Redistributor view = ref State.Cpus[cpu];
        view.PendingLpi = Spurious;
        view.PendingLpiPriority = 0;
        if (!HasLpis(cpu) || IdBits(cpu) <= 13)
        {
            return;
        }

        byte[] table = new byte[((1 << IdBits(cpu)) - FirstLpi) / 8];
        ulong address = PendingTable(cpu) + FirstLpi / 8;
        if (!IsOkay(_memory.Read(address, table, _signals), "pending", cpu, address))
        {
            return;
        }

        for (int at = 0; at < table.Length; at += 8)
        {
            ulong bits = BinaryPrimitives.ReadUInt64LittleEndian(table.AsSpan(at));
            for (; bits != 0; bits &= bits - 1)
            {
                Consider(cpu, (uint)(FirstLpi + at * 8 + BitOperations.TrailingZeroCount(bits)));
            }
        }
    }

    /// <summary>The configuration of an LPI: the priority in bits 7:2, enabled by bit 0. False if it is not enabled.</summary>
    private bool TryReadPriority(int cpu, uint interrupt, out uint priority)
    {
        ulong address = (State.Cpus[cpu].PropertyBase & TableAddressMask) + interrupt - FirstLpi;
        BusStatus status = _memory.ReadWord(address, 1, out ulong configuration, _signals);
        priority = (uint)configuration & PriorityBits;
        return IsOkay(status, "configuration", cpu, address) && (configuration & 1) != 0;
    }

    private ulong PendingTable(int cpu) => State.Cpus[cpu].PendingBase & TableAddressMask & ~0xFFFFUL;

    private bool TryReadPendingByte(int cpu, uint interrupt, out byte pending)
    {
        ulong address = PendingTable(cpu) + interrupt / 8;
        BusStatus status = _memory.ReadWord(address, 1, out ulong value, _signals);
        pending = (byte)value;
        return IsOkay(status, "pending", cpu, address);
    }

    private void WritePendingByte(int cpu, uint interrupt, byte pending)
    {
        ulong address = PendingTable(cpu) + interrupt / 8;
        IsOkay(_memory.WriteWord(address, 1, pending, _signals), "pending", cpu, address);
    }

    /// <summary>An acknowledged LPI is pending no more; it has no active state.</summary>
    private void TakeLpi(int cpu)
    {
        uint interrupt = State.Cpus[cpu].PendingLpi;
        if (TryReadPendingByte(cpu, interrupt, out byte pending))
        {
            WritePendingByte(cpu, interrupt, (byte)(pending & ~(1 << (int)(interrupt % 8))));
        }

        FindPendingLpi(cpu);
    }

    private bool IsOkay(BusStatus status, string table, int cpu, ulong address)
    {
        if (status == BusStatus.Okay)
        {
            return true;
        }

        Trace.Emit(
            BadTable,
            Name,
            TraceField.Of("table", table),
            TraceField.Decimal("cpu", (ulong)cpu),
            TraceField.Hex("address", address),
            TraceField.Of("status", status.ToString())
        );
        return false;
    }
}

/// <summary>Redistributors, as an ITS reaches them: which CPU gets which LPI.</summary>
internal interface ILpiTarget
{
    /// <summary>How many redistributors there are; their processor numbers count from 0.</summary>
    int CpuCount { get; }

    /// <summary>Makes an LPI pending on a CPU, or no longer pending.</summary>
    void SetPending(int cpu, uint interrupt, bool isPending);

    /// <summary>The configuration of LPIs has changed.</summary>
    void Reconsider(int cpu);

    /// <summary>Moves the pending state of an LPI.</summary>
    void Move(uint interrupt, int from, int to);

    /// <summary>Moves the pending state of all LPIs.</summary>
    void MoveAll(int from, int to);
}
