using System.Numerics;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <content>What the CPU interfaces do, after IHI 0069 chapter 4: 32 levels of priority, group 0 as FIQ and group 1 as IRQ.</content>
public sealed partial class GicV3
{
    private const uint MinBinaryPoint0 = 2;
    private const uint MinBinaryPoint1 = 3;
    private const uint CommonBinaryPoint = 1;
    private const uint EndMode = 2;

    /// <summary>PRIbits 5, IDbits 24 and affinity level 3, as QEMU's.</summary>
    private const uint FixedInterfaceControl = 4 << 8 | 1 << 11 | 1 << 15;

    /// <summary>ICC_SRE_EL1: SRE, DFB and DIB read as one; there are no memory-mapped CPU interfaces.</summary>
    private const uint SystemRegistersOnly = 7;

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

    private bool IsGroup1(int slot) => (State.Group[slot / 32] >> (slot % 32) & 1) != 0;

    /// <summary>
    /// The most urgent interrupt that is pending, enabled, not active and of a group that distributor and CPU take, the lowest
    /// number among equals.
    /// </summary>
    private Candidate HighestPending(int cpu)
    {
        ref GicV3State state = ref State;
        ref GicV3State.Redistributor view = ref state.Cpus[cpu];
        uint groups = state.Control & view.GroupEnable;
        if (groups == 0 || (view.Waker & ProcessorSleep) != 0)
        {
            return Candidate.None;
        }

        Candidate best = Candidate.None;
        for (int index = 0; index <= _sharedWords; index++)
        {
            int word = index == 0 ? cpu : FirstSharedWord + index - 1;
            uint group = state.Group[word];
            uint open = ((groups & EnableGroup1) != 0 ? group : 0) | ((groups & EnableGroup0) != 0 ? ~group : 0);
            uint ready = PendingIn(word) & state.Enabled[word] & ~state.Active[word] & open;
            for (; ready != 0; ready &= ready - 1)
            {
                int slot = word * 32 + BitOperations.TrailingZeroCount(ready);
                bool mine = index == 0 || state.Targets[slot - FirstSharedSlot] == cpu;
                if (mine && state.Priority[slot] < best.Priority)
                {
                    best = new Candidate(IdOf(slot), slot, state.Priority[slot], IsGroup1(slot));
                }
            }
        }

        return (groups & EnableGroup1) != 0 && view.PendingLpi != Spurious && view.PendingLpiPriority < best.Priority
            ? new Candidate((int)view.PendingLpi, -1, view.PendingLpiPriority, true)
            : best;
    }

    /// <summary>The bits of a priority that decide about preemption.</summary>
    private static uint GroupPriorityMask(GicV3State.Redistributor view, bool isGroup1) =>
        isGroup1 && (view.InterfaceControl & CommonBinaryPoint) == 0
            ? 0xFFu << (int)view.BinaryPoint1
            : 0xFFu << ((int)view.BinaryPoint0 + 1);

    /// <summary>The group priority of the most urgent active interrupt; 0x100 when the CPU is idle.</summary>
    private static uint RunningPriority(GicV3State.Redistributor view)
    {
        uint active = view.ActiveGroup0 | view.ActiveGroup1;
        return active == 0 ? IdleRunningPriority : (uint)BitOperations.TrailingZeroCount(active) << 3;
    }

    /// <summary>Whether an interrupt is urgent enough to be signalled: above the mask, and above what is running.</summary>
    private bool IsSignalled(int cpu, in Candidate candidate)
    {
        ref GicV3State.Redistributor view = ref State.Cpus[cpu];
        return candidate.Exists
            && candidate.Priority < view.PriorityMask
            && (candidate.Priority & GroupPriorityMask(view, candidate.IsGroup1)) < RunningPriority(view);
    }

    /// <summary>Drives the CPUs' inputs after any change.</summary>
    private void Update()
    {
        for (int cpu = 0; cpu < _cpuCount; cpu++)
        {
            Candidate candidate = HighestPending(cpu);
            bool isSignalled = IsSignalled(cpu, candidate);
            ref GicV3State.Redistributor view = ref State.Cpus[cpu];
            uint id = isSignalled ? (uint)candidate.Id : Spurious;
            if (view.Signalled != id)
            {
                view.Signalled = id;
                if (Trace.IsOn && isSignalled)
                {
                    Trace.Emit(
                        Signals,
                        Name,
                        NameOf(id),
                        TraceField.Decimal("cpu", (ulong)cpu),
                        TraceField.Of("pin", candidate.IsGroup1 ? "IRQ" : "FIQ")
                    );
                }
            }

            _irq[cpu].Set(isSignalled && candidate.IsGroup1);
            _fiq[cpu].Set(isSignalled && !candidate.IsGroup1);
        }
    }

    private uint Acknowledge(int cpu, bool isGroup1)
    {
        Candidate candidate = HighestPending(cpu);
        if (!IsSignalled(cpu, candidate) || candidate.IsGroup1 != isGroup1)
        {
            return Spurious;
        }

        ref GicV3State.Redistributor view = ref State.Cpus[cpu];
        uint level = 1u << ((int)(candidate.Priority & GroupPriorityMask(view, isGroup1)) >> 3);
        (isGroup1 ? ref view.ActiveGroup1 : ref view.ActiveGroup0) |= level;
        if (candidate.Slot < 0)
        {
            TakeLpi(cpu);
        }
        else
        {
            uint bit = 1u << (candidate.Slot % 32);
            State.Latch[candidate.Slot / 32] &= ~bit;
            State.Active[candidate.Slot / 32] |= bit;
        }

        if (Trace.IsOn)
        {
            Trace.Emit(Acknowledges, Name, NameOf((uint)candidate.Id), TraceField.Decimal("cpu", (ulong)cpu));
        }

        Update();
        return (uint)candidate.Id;
    }

    private uint ReadHighestPending(int cpu, bool isGroup1)
    {
        Candidate candidate = HighestPending(cpu);
        return candidate.Exists && candidate.IsGroup1 == isGroup1 ? (uint)candidate.Id : Spurious;
    }

    /// <summary>ICC_EOIR0_EL1, ICC_EOIR1_EL1: the priority drops, and with EOImode 0 the interrupt is no longer active.</summary>
    private void End(int cpu, uint value, bool isGroup1)
    {
        uint id = value & 0xFF_FFFF;
        if (id is >= 1020 and < 1024)
        {
            return;
        }

        string register = isGroup1 ? "ICC_EOIR1_EL1" : "ICC_EOIR0_EL1";
        ref GicV3State.Redistributor view = ref State.Cpus[cpu];
        ref uint active = ref isGroup1 ? ref view.ActiveGroup1 : ref view.ActiveGroup0;
        uint other = isGroup1 ? view.ActiveGroup0 : view.ActiveGroup1;
        if (
            active == 0
            || (other != 0 && BitOperations.TrailingZeroCount(other) < BitOperations.TrailingZeroCount(active))
        )
        {
            ReportBadEnd(cpu, id, register, "no interrupt of this group is the running one; ignored");
            return;
        }

        active &= active - 1;
        bool deactivates = (view.InterfaceControl & EndMode) == 0;
        if (deactivates && id < FirstLpi)
        {
            ClearActive(cpu, id, register);
        }

        if (Trace.IsOn)
        {
            Trace.Emit(
                Ends,
                Name,
                NameOf(id),
                TraceField.Decimal("cpu", (ulong)cpu),
                TraceField.Of("effect", deactivates ? "priority drop and deactivation" : "priority drop")
            );
        }

        Update();
    }

    private void Deactivate(int cpu, uint value)
    {
        uint id = value & 0xFF_FFFF;
        if ((State.Cpus[cpu].InterfaceControl & EndMode) == 0)
        {
            ReportBadEnd(cpu, id, "ICC_DIR_EL1", "EOImode is 0; ignored");
            return;
        }

        // An LPI has no active state.
        if (id < FirstLpi)
        {
            ClearActive(cpu, id, "ICC_DIR_EL1");
            Update();
        }
    }

    private void ClearActive(int cpu, uint id, string register)
    {
        int slot = id < PrivateIds || SharedSlot((int)id) >= 0 ? SlotOf((int)id, cpu) : -1;
        uint bit = slot < 0 ? 0 : 1u << (slot % 32);
        if (slot < 0 || (State.Active[slot / 32] & bit) == 0)
        {
            ReportBadEnd(cpu, id, register, "it is not active");
            return;
        }

        State.Active[slot / 32] &= ~bit;
    }

    private void WritePriorityMask(int cpu, uint value)
    {
        State.Cpus[cpu].PriorityMask = value & PriorityBits;
        Update();
    }

    private void WriteBinaryPoint0(int cpu, uint value)
    {
        State.Cpus[cpu].BinaryPoint0 = Math.Max(value & 7, MinBinaryPoint0);
        Update();
    }

    /// <summary>With CBPR, ICC_BPR1_EL1 reads as ICC_BPR0_EL1 plus one, at most 7, and ignores writes.</summary>
    private uint ReadBinaryPoint1(int cpu)
    {
        ref GicV3State.Redistributor view = ref State.Cpus[cpu];
        return (view.InterfaceControl & CommonBinaryPoint) != 0
            ? Math.Min(view.BinaryPoint0 + 1, 7)
            : view.BinaryPoint1;
    }

    private void WriteBinaryPoint1(int cpu, uint value)
    {
        ref GicV3State.Redistributor view = ref State.Cpus[cpu];
        if ((view.InterfaceControl & CommonBinaryPoint) == 0)
        {
            view.BinaryPoint1 = Math.Max(value & 7, MinBinaryPoint1);
            Update();
        }
    }

    private void WriteActive(int cpu, uint value, bool isGroup1)
    {
        ref GicV3State.Redistributor view = ref State.Cpus[cpu];
        (isGroup1 ? ref view.ActiveGroup1 : ref view.ActiveGroup0) = value;
        Update();
    }

    private void WriteInterfaceControl(int cpu, uint value)
    {
        State.Cpus[cpu].InterfaceControl = value & (CommonBinaryPoint | EndMode);
        Update();
    }

    private void EnableGroup(int cpu, int group, uint value)
    {
        ref uint enable = ref State.Cpus[cpu].GroupEnable;
        enable = (enable & ~(1u << group)) | (value & 1) << group;
        Update();
    }

    /// <summary>
    /// ICC_SGI1R_EL1 and its like: one interrupt to the CPUs of a cluster that a list names, or to all others. It becomes pending
    /// where it is configured for the group.
    /// </summary>
    private void SendSoftwareInterrupt(int from, ulong value, bool isGroup1)
    {
        int id = (int)(value >> 24 & 0xF);
        bool toOthers = (value >> 40 & 1) != 0;
        ulong cluster = (value >> 48 & 0xFF) << 32 | (value >> 32 & 0xFF) << 16 | (value >> 16 & 0xFF) << 8;
        int firstInList = (int)(value >> 44 & 0xF) * 16;
        for (int cpu = 0; cpu < _cpuCount; cpu++)
        {
            int place = (int)(_affinities[cpu] & 0xFF) - firstInList;
            bool isMeant = toOthers
                ? cpu != from
                : (_affinities[cpu] & ~0xFFUL) == cluster && place is >= 0 and < 16 && (value >> place & 1) != 0;
            if (isMeant && IsGroup1(SlotOf(id, cpu)) == isGroup1)
            {
                State.Latch[cpu] |= 1u << id;
            }
        }

        Update();
    }

    private void ReportBadEnd(int cpu, uint id, string register, string problem) =>
        Trace.Emit(
            BadEnd,
            Name,
            TraceField.Decimal("cpu", (ulong)cpu),
            NameOf(id),
            TraceField.Of("register", register),
            TraceField.Of("problem", problem)
        );

    private static TraceField NameOf(uint id) =>
        TraceField.Of(
            "interrupt",
            id < SoftwareIds ? $"SGI {id}"
                : id < PrivateIds ? $"PPI {id - SoftwareIds}"
                : id < Spurious ? $"SPI {id - PrivateIds}"
                : $"LPI {id}"
        );

    /// <summary>An interrupt that a CPU could be told of. <paramref name="Slot"/> is -1 for an LPI.</summary>
    private readonly record struct Candidate(int Id, int Slot, uint Priority, bool IsGroup1)
    {
        public static Candidate None { get; } = new(Spurious, -1, 0x100, false);

        public bool Exists => Id != Spurious;
    }
}
