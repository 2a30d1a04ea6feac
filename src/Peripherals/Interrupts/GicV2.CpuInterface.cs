using System.Numerics;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <content>The CPU interfaces, after IHI 0048B chapters 3 and 4.4.</content>
public sealed partial class GicV2
{
    private const uint AcknowledgeControl = 1 << 2;
    private const uint FiqEnable = 1 << 3;
    private const uint CommonBinaryPoint = 1 << 4;
    private const int EndModeBit = 9;
    private const int NonSecureEndModeBit = 10;
    private const uint IdleRunningPriority = 0x100;

    private static readonly TraceKind Signals = new("gic.signal", Severity.Info, "{interrupt} -> cpu{cpu} {pin}");

    private static readonly TraceKind Acknowledges = new(
        "gic.acknowledge",
        Severity.Info,
        "cpu{cpu} acknowledges {interrupt}"
    );

    private static readonly TraceKind Ends = new("gic.end", Severity.Info, "cpu{cpu} ends {interrupt}: {effect}");

    private static readonly TraceKind BadEnd = new(
        "gic.bad-end",
        Severity.Warning,
        "cpu{cpu} writes {interrupt} to {register}: {problem}"
    );

    private static readonly RegisterMap<GicV2, Registers> SmallInterfaceMap = InterfaceRows(0x1000);

    private static readonly RegisterMap<GicV2, Registers> InterfaceMap = InterfaceRows(0x2000)
        .Viewed(0x1000, 1, 0, "GICC_DIR", null, (gic, _, value, in t) => gic.Deactivate((uint)value, t));

    private static readonly RegisterMap<GicV2, Registers> HypervisorMap = new RegisterMap<GicV2, Registers>(
        "GICH",
        size: 0x1000
    ).Unmodelled(0, "GICH_{0}", count: 0x400);

    private static readonly RegisterMap<GicV2, Registers> GuestMap = new RegisterMap<GicV2, Registers>(
        "GICV",
        size: 0x2000
    ).Unmodelled(0, "GICV_{0}", count: 0x800);

    // csharpier-ignore
    private static RegisterMap<GicV2, Registers> InterfaceRows(ulong size) => new RegisterMap<GicV2, Registers>("GICC", size)
        .Viewed   (0x000, 1, 0, "GICC_CTLR",   (gic, _, in t) => gic.ReadInterfaceControl(t),     (gic, _, value, in t) => gic.WriteInterfaceControl((uint)value, t), fields: "EnableGrp0[0] EnableGrp1[1] AckCtl[2] FIQEn[3] CBPR[4] FIQBypDisGrp0[5] IRQBypDisGrp0[6] FIQBypDisGrp1[7] IRQBypDisGrp1[8] EOImodeS[9] EOImodeNS[10]")
        .Viewed   (0x004, 1, 0, "GICC_PMR",    (gic, _, in t) => gic.ReadPriorityMask(t),         (gic, _, value, in t) => gic.WritePriorityMask((uint)value, t), fields: "Priority[7:0]")
        .Viewed   (0x008, 1, 0, "GICC_BPR",    (gic, _, in t) => gic.ReadBinaryPoint(t),          (gic, _, value, in t) => gic.WriteBinaryPoint((uint)value, t), fields: "BinaryPoint[2:0]")
        .Viewed   (0x00C, 1, 0, "GICC_IAR",    (gic, _, in t) => gic.Acknowledge(t),              null, sideEffect: true, fields: "InterruptID[9:0] CPUID[12:10]")
        .Viewed   (0x010, 1, 0, "GICC_EOIR",   null,                                              (gic, _, value, in t) => gic.End((uint)value, "GICC_EOIR", t), fields: "EOIINTID[9:0] CPUID[12:10]")
        .Viewed   (0x014, 1, 0, "GICC_RPR",    (gic, _, in t) => gic.ReadRunningPriority(t),      null, fields: "Priority[7:0]")
        .Viewed   (0x018, 1, 0, "GICC_HPPIR",  (gic, _, in t) => gic.ReadHighestPending(t),       null, fields: "PENDINTID[9:0] CPUID[12:10]")
        .Viewed   (0x01C, 1, 0, "GICC_ABPR",   (gic, _, in t) => gic.ReadAliasedBinaryPoint(t),   (gic, _, value, in t) => gic.WriteAliasedBinaryPoint((uint)value, t), fields: "BinaryPoint[2:0]")
        .Viewed   (0x020, 1, 0, "GICC_AIAR",   (gic, _, in t) => gic.AcknowledgeAliased(t),       null, sideEffect: true, fields: "InterruptID[9:0] CPUID[12:10]")
        .Viewed   (0x024, 1, 0, "GICC_AEOIR",  null,                                              (gic, _, value, in t) => gic.EndAliased((uint)value, t), fields: "InterruptID[9:0] CPUID[12:10]")
        .Viewed   (0x028, 1, 0, "GICC_AHPPIR", (gic, _, in t) => gic.ReadAliasedHighestPending(t), null, fields: "PENDINTID[9:0] CPUID[12:10]")
        .Viewed   (0x0D0, 1, 0, "GICC_APR0",   (gic, _, in t) => gic.ReadActivePriorities(t),     (gic, _, value, in t) => gic.WriteActivePriorities((uint)value, t))
        .Viewed   (0x0E0, 1, 0, "GICC_NSAPR0", (gic, _, in t) => gic.ReadNonSecureActive(t),      (gic, _, value, in t) => gic.WriteNonSecureActive((uint)value, t))
        .ReadOnly (0x0FC,       "GICC_IIDR",   gic => gic._part.InterfaceId, fields: "Implementer[11:0] Revision[15:12] Architecture[19:16] ProductID[31:20]");

    private bool IsGroup1(int slot) => (State.Group[slot / 32] >> (slot % 32) & 1) != 0;

    /// <summary>
    /// The slot of the pending interrupt of the highest priority that the distributor forwards to a CPU interface, the lowest
    /// number among equals; -1 for none. It is also -1 where the interface does not signal that interrupt's group: a less
    /// urgent one of the other group does not take its place (IHI 0048B, HighestPriorityPendingInterrupt and GICC_IAR).
    /// </summary>
    private int HighestPending(int cpu)
    {
        ref Registers state = ref State;
        if (state.Control == 0)
        {
            return -1;
        }

        uint group0 = (state.Control & EnableGroup0) != 0 ? uint.MaxValue : 0;
        uint group1 = (state.Control & EnableGroup1) != 0 ? uint.MaxValue : 0;
        int best = -1;
        int bestPriority = 0x100;
        for (int index = 0; index <= _sharedWords; index++)
        {
            int word = WordOf(index, cpu);
            uint group = state.Group[word];
            uint ready =
                PendingIn(word) & state.Enabled[word] & ~state.Active[word] & ((group & group1) | (~group & group0));
            for (; ready != 0; ready &= ready - 1)
            {
                int slot = word * 32 + BitOperations.TrailingZeroCount(ready);
                bool mine = index == 0 || _cpuCount == 1 || (state.Targets[slot] >> cpu & 1) != 0;
                if (mine && state.Priority[slot] < bestPriority)
                {
                    (best, bestPriority) = (slot, state.Priority[slot]);
                }
            }
        }

        return best >= 0 && (state.Cpus[cpu].Control & (IsGroup1(best) ? EnableGroup1 : EnableGroup0)) != 0 ? best : -1;
    }

    /// <summary>The bits of a priority that decide about preemption, for interrupts of a group.</summary>
    private static uint GroupPriorityMask(CpuInterface view, bool group1) =>
        group1 && (view.Control & CommonBinaryPoint) == 0
            ? 0xFFu << (int)view.AliasedBinaryPoint
            : 0xFFu << ((int)view.BinaryPoint + 1);

    /// <summary>The group priority of the most urgent active interrupt; 0x100 when the CPU is idle.</summary>
    private static uint RunningPriority(CpuInterface view)
    {
        uint active = view.ActiveGroup0 | view.ActiveGroup1;
        return active == 0 ? IdleRunningPriority : (uint)BitOperations.TrailingZeroCount(active) << 3;
    }

    /// <summary>Whether an interrupt is urgent enough to be signalled: above the mask, and above what is running.</summary>
    private bool IsSignalled(int cpu, int slot)
    {
        if (slot < 0)
        {
            return false;
        }

        ref CpuInterface view = ref State.Cpus[cpu];
        uint priority = State.Priority[slot];
        return priority < view.PriorityMask
            && (priority & GroupPriorityMask(view, IsGroup1(slot))) < RunningPriority(view);
    }

    /// <summary>Drives the CPUs' inputs after any change.</summary>
    private void Update()
    {
        for (int cpu = 0; cpu < _cpuCount; cpu++)
        {
            int slot = HighestPending(cpu);
            bool signalled = IsSignalled(cpu, slot);
            ref CpuInterface view = ref State.Cpus[cpu];
            bool fiq = signalled && !IsGroup1(slot) && (view.Control & FiqEnable) != 0;
            uint id = signalled ? (uint)IdOf(slot) : Spurious;
            if (view.Signalled != id)
            {
                view.Signalled = id;
                if (Trace.IsOn && signalled)
                {
                    Trace.Emit(
                        Signals,
                        Name,
                        NameOf(id),
                        TraceField.Decimal("cpu", (ulong)cpu),
                        TraceField.Of("pin", fiq ? "FIQ" : "IRQ")
                    );
                }
            }

            _irq[cpu].Set(signalled && !fiq);
            _fiq[cpu].Set(fiq);
        }
    }

    private uint ReadInterfaceControl(in Transaction transaction)
    {
        View view = ViewOf(transaction);
        uint control = State.Cpus[view.Cpu].Control;
        return view.IsNonSecure ? (control >> 1 & 1) | (control >> 2 & 0x60) | (control >> 1 & 0x200) : control;
    }

    private void WriteInterfaceControl(uint value, in Transaction transaction)
    {
        View view = ViewOf(transaction);
        ref uint control = ref State.Cpus[view.Cpu].Control;
        control = view.IsNonSecure
            ? (control & ~0x582u) | (value & 1) << 1 | (value & 0x60) << 2 | (value & 0x200) << 1
            : value & (_hasSecurity ? 0x7FFu : 0x3FFu);
        Update();
    }

    /// <summary>GICC_CTLR.EOImode of a view: whether ending an interrupt leaves it active until GICC_DIR is written.</summary>
    private bool SplitsEnd(View view) =>
        (State.Cpus[view.Cpu].Control >> (view.IsNonSecure ? NonSecureEndModeBit : EndModeBit) & 1) != 0;

    private uint ReadPriorityMask(in Transaction transaction)
    {
        View view = ViewOf(transaction);
        uint mask = State.Cpus[view.Cpu].PriorityMask;
        return view.IsNonSecure && mask < 0x80 ? 0 : PriorityIn(view, mask);
    }

    private void WritePriorityMask(uint value, in Transaction transaction)
    {
        View view = ViewOf(transaction);
        ref uint mask = ref State.Cpus[view.Cpu].PriorityMask;
        if (!view.IsNonSecure)
        {
            mask = value & PriorityMask;
        }
        else if (mask >= 0x80)
        {
            mask = (0x80 | (value & 0xFF) >> 1) & PriorityMask;
        }

        Update();
    }

    private uint ReadBinaryPoint(in Transaction transaction)
    {
        View view = ViewOf(transaction);
        ref CpuInterface registers = ref State.Cpus[view.Cpu];
        return !view.IsNonSecure ? registers.BinaryPoint
            : (registers.Control & CommonBinaryPoint) != 0 ? Math.Min(registers.BinaryPoint + 1, 7)
            : registers.AliasedBinaryPoint;
    }

    private void WriteBinaryPoint(uint value, in Transaction transaction)
    {
        View view = ViewOf(transaction);
        ref CpuInterface registers = ref State.Cpus[view.Cpu];
        if (!view.IsNonSecure)
        {
            registers.BinaryPoint = Math.Max(value & 7, MinBinaryPoint);
        }
        else if ((registers.Control & CommonBinaryPoint) == 0)
        {
            registers.AliasedBinaryPoint = Math.Max(value & 7, MinBinaryPoint + 1);
        }

        Update();
    }

    private uint ReadAliasedBinaryPoint(in Transaction transaction)
    {
        View view = ViewOf(transaction);
        return view.IsNonSecure ? 0 : State.Cpus[view.Cpu].AliasedBinaryPoint;
    }

    private void WriteAliasedBinaryPoint(uint value, in Transaction transaction)
    {
        View view = ViewOf(transaction);
        if (!view.IsNonSecure)
        {
            State.Cpus[view.Cpu].AliasedBinaryPoint = Math.Max(value & 7, MinBinaryPoint + 1);
            Update();
        }
    }

    private uint Acknowledge(in Transaction transaction)
    {
        View view = ViewOf(transaction);
        int slot = HighestPending(view.Cpu);
        return IsSignalled(view.Cpu, slot) ? Deny(slot, view) ?? Acknowledge(view.Cpu, slot) : Spurious;
    }

    private uint AcknowledgeAliased(in Transaction transaction)
    {
        View view = ViewOf(transaction);
        int slot = view.IsNonSecure ? -1 : HighestPending(view.Cpu);
        return view.IsNonSecure ? 0
            : IsSignalled(view.Cpu, slot) && IsGroup1(slot) ? Acknowledge(view.Cpu, slot)
            : Spurious;
    }

    /// <summary>What GICC_IAR and GICC_HPPIR read instead of an interrupt of the other group; null where they may show it.</summary>
    private uint? Deny(int slot, View view) =>
        view.IsNonSecure ? (IsGroup1(slot) ? null : Spurious)
        : IsGroup1(slot) && (State.Cpus[view.Cpu].Control & AcknowledgeControl) == 0 ? OtherGroup
        : null;

    private uint Acknowledge(int cpu, int slot)
    {
        ref CpuInterface view = ref State.Cpus[cpu];
        bool group1 = IsGroup1(slot);
        uint value = Shown(cpu, slot);
        uint level = 1u << ((int)(State.Priority[slot] & GroupPriorityMask(view, group1)) >> 3);
        (group1 ? ref view.ActiveGroup1 : ref view.ActiveGroup0) |= level;
        if (IdOf(slot) < SoftwareIds)
        {
            byte sources = State.Sources[cpu * SoftwareIds + IdOf(slot)];
            SetSources(cpu, IdOf(slot), (byte)(sources & (sources - 1)));
        }
        else
        {
            State.Latch[slot / 32] &= ~(1u << (slot % 32));
        }

        State.Active[slot / 32] |= 1u << (slot % 32);
        if (Trace.IsOn)
        {
            Trace.Emit(Acknowledges, Name, NameOf(value), TraceField.Decimal("cpu", (ulong)cpu));
        }

        Update();
        return value;
    }

    /// <summary>An interrupt as GICC_IAR shows it: a software one with its source, the lowest if there are several.</summary>
    private uint Shown(int cpu, int slot)
    {
        int id = IdOf(slot);
        return id < SoftwareIds
            ? (uint)(id | BitOperations.TrailingZeroCount(State.Sources[cpu * SoftwareIds + id]) << 10)
            : (uint)id;
    }

    private uint ReadHighestPending(in Transaction transaction)
    {
        View view = ViewOf(transaction);
        int slot = HighestPending(view.Cpu);
        return slot < 0 ? Spurious : Deny(slot, view) ?? Shown(view.Cpu, slot);
    }

    private uint ReadAliasedHighestPending(in Transaction transaction)
    {
        View view = ViewOf(transaction);
        int slot = view.IsNonSecure ? -1 : HighestPending(view.Cpu);
        return view.IsNonSecure ? 0
            : slot >= 0 && IsGroup1(slot) ? Shown(view.Cpu, slot)
            : Spurious;
    }

    private uint ReadRunningPriority(in Transaction transaction)
    {
        View view = ViewOf(transaction);
        uint running = RunningPriority(State.Cpus[view.Cpu]);
        return running == IdleRunningPriority ? 0xFF
            : view.IsNonSecure && running < 0x80 ? 0
            : PriorityIn(view, running);
    }

    private void EndAliased(uint value, in Transaction transaction)
    {
        if (!ViewOf(transaction).IsNonSecure)
        {
            End(value, "GICC_AEOIR", transaction);
        }
    }

    /// <summary>Priority drop, and deactivation unless EOImode leaves that to GICC_DIR.</summary>
    private void End(uint value, string register, in Transaction transaction)
    {
        View view = ViewOf(transaction);
        if (!TryFindForEnd(value, register, view, out int slot))
        {
            return;
        }

        ref CpuInterface registers = ref State.Cpus[view.Cpu];
        ref uint active = ref IsGroup1(slot) ? ref registers.ActiveGroup1 : ref registers.ActiveGroup0;
        if (active == 0)
        {
            ReportBadEnd(value, register, "nothing of its group was acknowledged", view);
            return;
        }

        active &= active - 1;
        bool splits = SplitsEnd(view);
        if (!splits)
        {
            ClearActive(slot, value, register, view);
        }

        TraceEnd(value, splits ? "priority drop" : "priority drop, inactive", view);
        Update();
    }

    private void Deactivate(uint value, in Transaction transaction)
    {
        View view = ViewOf(transaction);
        if (!TryFindForEnd(value, "GICC_DIR", view, out int slot))
        {
            return;
        }

        if (!SplitsEnd(view))
        {
            ReportBadEnd(value, "GICC_DIR", "GICC_CTLR.EOImode is 0", view);
            return;
        }

        ClearActive(slot, value, "GICC_DIR", view);
        TraceEnd(value, "inactive", view);
        Update();
    }

    private void ClearActive(int slot, uint value, string register, View view)
    {
        uint bit = 1u << (slot % 32);
        if ((State.Active[slot / 32] & bit) == 0)
        {
            ReportBadEnd(value, register, "it is not active", view);
        }

        State.Active[slot / 32] &= ~bit;
    }

    /// <summary>The interrupt of a write to GICC_EOIR or GICC_DIR; false where there is nothing to do.</summary>
    private bool TryFindForEnd(uint value, string register, View view, out int slot)
    {
        int id = (int)(value & 0x3FF);
        slot = -1;
        if (id >= 1020)
        {
            return false; // The special numbers end nothing.
        }

        if (WordOf(id / 32, view.Cpu) < 0)
        {
            ReportBadEnd(value, register, "there is no such interrupt", view);
            return false;
        }

        slot = SlotOf(id, view.Cpu);
        if (!IsVisible(slot, view))
        {
            ReportBadEnd(value, register, "it is in group 0, the access non-secure", view);
            return false;
        }

        return true;
    }

    private uint ReadActivePriorities(in Transaction transaction)
    {
        View view = ViewOf(transaction);
        ref CpuInterface registers = ref State.Cpus[view.Cpu];
        return view.IsNonSecure ? registers.ActiveGroup1 >> 16 : registers.ActiveGroup0;
    }

    private void WriteActivePriorities(uint value, in Transaction transaction)
    {
        View view = ViewOf(transaction);
        ref CpuInterface registers = ref State.Cpus[view.Cpu];
        if (view.IsNonSecure)
        {
            registers.ActiveGroup1 = (registers.ActiveGroup1 & 0xFFFF) | value << 16;
        }
        else
        {
            registers.ActiveGroup0 = value;
        }

        Update();
    }

    private uint ReadNonSecureActive(in Transaction transaction)
    {
        View view = ViewOf(transaction);
        return view.IsNonSecure ? 0 : State.Cpus[view.Cpu].ActiveGroup1;
    }

    private void WriteNonSecureActive(uint value, in Transaction transaction)
    {
        View view = ViewOf(transaction);
        if (!view.IsNonSecure)
        {
            State.Cpus[view.Cpu].ActiveGroup1 = value;
            Update();
        }
    }

    /// <summary>An interrupt as people number it: <c>SPI 64 (96)</c>.</summary>
    private static TraceField NameOf(uint value)
    {
        uint id = value & 0x3FF;
        return TraceField.Of(
            "interrupt",
            id < SoftwareIds ? $"SGI {id} from cpu{value >> 10 & 7}"
                : id < BankedIds ? $"PPI {id - SoftwareIds} ({id})"
                : $"SPI {id - BankedIds} ({id})"
        );
    }

    private void TraceEnd(uint value, string effect, View view)
    {
        if (Trace.IsOn)
        {
            Trace.Emit(
                Ends,
                Name,
                NameOf(value),
                TraceField.Decimal("cpu", (ulong)view.Cpu),
                TraceField.Of("effect", effect)
            );
        }
    }

    private void ReportBadEnd(uint value, string register, string problem, View view) =>
        Trace.Emit(
            BadEnd,
            Name,
            NameOf(value),
            TraceField.Decimal("cpu", (ulong)view.Cpu),
            TraceField.Of("register", register),
            TraceField.Of("problem", problem)
        );
}
