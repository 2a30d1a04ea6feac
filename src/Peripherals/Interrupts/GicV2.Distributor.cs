using System.Numerics;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <content>The distributor, after IHI 0048B chapter 4.3.</content>
public sealed partial class GicV2
{
    private const uint EnableGroup0 = 1;
    private const uint EnableGroup1 = 2;

    /// <summary>Registers of a byte per interrupt take bytes and halfwords too (DDI 0464, 8.3.1).</summary>
    private const AccessSizes Parts = AccessSizes.Byte | AccessSizes.Half | AccessSizes.Word;

    // csharpier-ignore
    private static readonly RegisterMap<GicV2, Registers> DistributorMap = new RegisterMap<GicV2, Registers>("GICD", size: 0x1000)
        .Viewed   (0x000, 1,   0, "GICD_CTLR",          (gic, _, in t) => gic.ReadDistributorControl(t), (gic, _, value, in t) => gic.WriteDistributorControl((uint)value, t), fields: "EnableGrp0[0] EnableGrp1[1]")
        .ReadOnly (0x004,         "GICD_TYPER",         gic => gic.ControllerType, fields: "ITLinesNumber[4:0] CPUNumber[7:5] SecurityExtn[10] LSPI[15:11]")
        .ReadOnly (0x008,         "GICD_IIDR",          gic => gic._part.DistributorId, fields: "Implementer[11:0] Revision[15:12] Variant[19:16] ProductID[31:24]")
        .Viewed   (0x080, 32,  4, "GICD_IGROUPR{0}",    (gic, n, in t) => gic.ReadGroup(n, t),           (gic, n, value, in t) => gic.WriteGroup(n, (uint)value, t))
        .Viewed   (0x100, 32,  4, "GICD_ISENABLER{0}",  (gic, n, in t) => gic.ReadEnabled(n, t),         (gic, n, value, in t) => gic.SetEnabled(n, (uint)value, true, t))
        .Viewed   (0x180, 32,  4, "GICD_ICENABLER{0}",  (gic, n, in t) => gic.ReadEnabled(n, t),         (gic, n, value, in t) => gic.SetEnabled(n, (uint)value, false, t))
        .Viewed   (0x200, 32,  4, "GICD_ISPENDR{0}",    (gic, n, in t) => gic.ReadPending(n, t),         (gic, n, value, in t) => gic.SetPending(n, (uint)value, true, t))
        .Viewed   (0x280, 32,  4, "GICD_ICPENDR{0}",    (gic, n, in t) => gic.ReadPending(n, t),         (gic, n, value, in t) => gic.SetPending(n, (uint)value, false, t))
        .Viewed   (0x300, 32,  4, "GICD_ISACTIVER{0}",  (gic, n, in t) => gic.ReadActive(n, t),          (gic, n, value, in t) => gic.SetActive(n, (uint)value, true, t))
        .Viewed   (0x380, 32,  4, "GICD_ICACTIVER{0}",  (gic, n, in t) => gic.ReadActive(n, t),          (gic, n, value, in t) => gic.SetActive(n, (uint)value, false, t))
        .Lanes    (0x400, 255, 4, "GICD_IPRIORITYR{0}", (gic, n, in t) => gic.ReadPriorities(n, t),      (gic, n, value, lanes, in t) => gic.WritePriorities(n, value, lanes, t), access: Parts)
        .Lanes    (0x800, 255, 4, "GICD_ITARGETSR{0}",  (gic, n, in t) => gic.ReadTargets(n, t),         (gic, n, value, lanes, in t) => gic.WriteTargets(n, value, lanes, t), access: Parts)
        .Viewed   (0xC00, 64,  4, "GICD_ICFGR{0}",      (gic, n, in t) => gic.ReadConfiguration(n, t),   (gic, n, value, in t) => gic.WriteConfiguration(n, (uint)value, t))
        .Viewed   (0xD00, 1,   0, "GICD_PPISR",         (gic, _, in t) => gic.ReadLevels(0, t) >> SoftwareIds, null)
        .Viewed   (0xD04, 31,  4, "GICD_SPISR{0}",      (gic, n, in t) => gic.ReadLevels(n + 1, t),      null)
        .Viewed   (0xF00, 1,   0, "GICD_SGIR",          null,                                            (gic, _, value, in t) => gic.SendSoftwareInterrupt((uint)value, t), fields: "SGIINTID[3:0] NSATT[15] CPUTargetList[23:16] TargetListFilter[25:24]")
        .Lanes    (0xF10, 4,   4, "GICD_CPENDSGIR{0}",  (gic, n, in t) => gic.ReadSources(n, t),         (gic, n, value, lanes, in t) => gic.WriteSources(n, value, lanes, false, t), access: Parts)
        .Lanes    (0xF20, 4,   4, "GICD_SPENDSGIR{0}",  (gic, n, in t) => gic.ReadSources(n, t),         (gic, n, value, lanes, in t) => gic.WriteSources(n, value, lanes, true, t), access: Parts)
        .Constant (0xFD0, "GICD_PIDR4", 0x04)
        .Constant (0xFD4, "GICD_PIDR5", 0x00)
        .Constant (0xFD8, "GICD_PIDR6", 0x00)
        .Constant (0xFDC, "GICD_PIDR7", 0x00)
        .Constant (0xFE0, "GICD_PIDR0", 0x90)
        .Constant (0xFE4, "GICD_PIDR1", 0xB4)
        .Constant (0xFE8, "GICD_PIDR2", 0x2B)
        .Constant (0xFEC, "GICD_PIDR3", 0x00)
        .Constant (0xFF0, "GICD_CIDR0", 0x0D)
        .Constant (0xFF4, "GICD_CIDR1", 0xF0)
        .Constant (0xFF8, "GICD_CIDR2", 0x05)
        .Constant (0xFFC, "GICD_CIDR3", 0xB1);

    private uint ControllerType => (uint)(_sharedWords | (_cpuCount - 1) << 5 | (_hasSecurity ? 1 << 10 : 0));

    /// <summary>The interrupts of a word that a view shows: the non-secure one hides group 0.</summary>
    private uint VisibleIn(int word, View view) => view.IsNonSecure ? State.Group[word] : uint.MaxValue;

    private bool IsVisible(int slot, View view) => (VisibleIn(slot / 32, view) >> (slot % 32) & 1) != 0;

    /// <summary>Wires and latch together: a level interrupt is pending while either is set, an edge one by its latch alone.</summary>
    private uint PendingIn(int word) => State.Latch[word] | (State.Level[word] & ~State.Edge[word]);

    private uint ReadDistributorControl(in Transaction transaction) =>
        ViewOf(transaction).IsNonSecure ? State.Control >> 1 : State.Control;

    private void WriteDistributorControl(uint value, in Transaction transaction)
    {
        State.Control = ViewOf(transaction).IsNonSecure
            ? (State.Control & EnableGroup0) | (value & 1) << 1
            : value & (EnableGroup0 | EnableGroup1);
        Update();
    }

    private uint ReadGroup(int index, in Transaction transaction)
    {
        View view = ViewOf(transaction);
        int word = WordOf(index, view.Cpu);
        return word < 0 || view.IsNonSecure ? 0 : State.Group[word];
    }

    private void WriteGroup(int index, uint value, in Transaction transaction)
    {
        View view = ViewOf(transaction);
        int word = WordOf(index, view.Cpu);
        if (word >= 0 && !view.IsNonSecure)
        {
            State.Group[word] = value;
            Update();
        }
    }

    private uint ReadEnabled(int index, in Transaction transaction)
    {
        View view = ViewOf(transaction);
        int word = WordOf(index, view.Cpu);
        return word < 0 ? 0 : State.Enabled[word] & VisibleIn(word, view);
    }

    private void SetEnabled(int index, uint bits, bool on, in Transaction transaction)
    {
        View view = ViewOf(transaction);
        int word = WordOf(index, view.Cpu);
        if (word >= 0)
        {
            // Software interrupts are always enabled.
            bits &= VisibleIn(word, view) & (index == 0 ? ~SoftwareMask : uint.MaxValue);
            State.Enabled[word] = on ? State.Enabled[word] | bits : State.Enabled[word] & ~bits;
            Update();
        }
    }

    private uint ReadPending(int index, in Transaction transaction)
    {
        View view = ViewOf(transaction);
        int word = WordOf(index, view.Cpu);
        return word < 0 ? 0 : PendingIn(word) & VisibleIn(word, view);
    }

    private void SetPending(int index, uint bits, bool on, in Transaction transaction)
    {
        View view = ViewOf(transaction);
        int word = WordOf(index, view.Cpu);
        if (word >= 0)
        {
            // Software interrupts are made pending with their source, by GICD_SGIR and GICD_SPENDSGIR.
            bits &= VisibleIn(word, view) & (index == 0 ? ~SoftwareMask : uint.MaxValue);
            State.Latch[word] = on ? State.Latch[word] | bits : State.Latch[word] & ~bits;
            Update();
        }
    }

    private uint ReadActive(int index, in Transaction transaction)
    {
        View view = ViewOf(transaction);
        int word = WordOf(index, view.Cpu);
        return word < 0 ? 0 : State.Active[word] & VisibleIn(word, view);
    }

    private void SetActive(int index, uint bits, bool on, in Transaction transaction)
    {
        View view = ViewOf(transaction);
        int word = WordOf(index, view.Cpu);
        if (word >= 0)
        {
            bits &= VisibleIn(word, view);
            State.Active[word] = on ? State.Active[word] | bits : State.Active[word] & ~bits;
            Update();
        }
    }

    private uint ReadLevels(int index, in Transaction transaction)
    {
        View view = ViewOf(transaction);
        int word = WordOf(index, view.Cpu);
        return word < 0 ? 0 : State.Level[word] & VisibleIn(word, view);
    }

    /// <summary>
    /// The slot of a byte-wide register's lane; -1 where there is no such interrupt or the view hides it.
    /// </summary>
    private int SlotOfLane(int index, int lane, View view)
    {
        int id = index * 4 + lane;
        if (WordOf(id / 32, view.Cpu) < 0)
        {
            return -1;
        }

        int slot = SlotOf(id, view.Cpu);
        return IsVisible(slot, view) ? slot : -1;
    }

    /// <summary>Non-secure software sees the lower half of the priorities as the whole range.</summary>
    private static uint PriorityIn(View view, uint priority) => view.IsNonSecure ? (priority << 1) & 0xFF : priority;

    private uint ReadPriorities(int index, in Transaction transaction)
    {
        View view = ViewOf(transaction);
        uint value = 0;
        for (int lane = 0; lane < 4; lane++)
        {
            int slot = SlotOfLane(index, lane, view);
            value |= slot < 0 ? 0 : PriorityIn(view, State.Priority[slot]) << (lane * 8);
        }

        return value;
    }

    private void WritePriorities(int index, ulong value, ulong lanes, in Transaction transaction)
    {
        View view = ViewOf(transaction);
        for (int lane = 0; lane < 4; lane++)
        {
            int slot = SlotOfLane(index, lane, view);
            if (slot >= 0 && (lanes >> (lane * 8) & 0xFF) != 0)
            {
                uint written = (uint)(value >> (lane * 8)) & 0xFF;
                State.Priority[slot] = (byte)((view.IsNonSecure ? 0x80 | written >> 1 : written) & PriorityMask);
            }
        }

        Update();
    }

    private uint ReadTargets(int index, in Transaction transaction)
    {
        View view = ViewOf(transaction);
        uint value = 0;

        // A controller with one CPU interface has no targets to choose: the registers read as zero.
        for (int lane = 0; lane < 4 && _cpuCount > 1; lane++)
        {
            int slot = SlotOfLane(index, lane, view);
            uint targets =
                slot < 0 ? 0
                : slot < FirstSharedSlot ? 1u << view.Cpu
                : State.Targets[slot];
            value |= targets << (lane * 8);
        }

        return value;
    }

    private void WriteTargets(int index, ulong value, ulong lanes, in Transaction transaction)
    {
        View view = ViewOf(transaction);
        for (int lane = 0; lane < 4 && _cpuCount > 1; lane++)
        {
            int slot = SlotOfLane(index, lane, view);
            if (slot >= FirstSharedSlot && (lanes >> (lane * 8) & 0xFF) != 0)
            {
                State.Targets[slot] = (byte)((value >> (lane * 8)) & ((1u << _cpuCount) - 1));
            }
        }

        Update();
    }

    private uint ReadConfiguration(int index, in Transaction transaction)
    {
        View view = ViewOf(transaction);
        int word = WordOf(index / 2, view.Cpu);
        uint value = 0;
        for (int pair = 0; pair < 16 && word >= 0; pair++)
        {
            int bit = (index & 1) * 16 + pair;
            value |= ((State.Edge[word] & VisibleIn(word, view)) >> bit & 1) << (pair * 2 + 1);
        }

        return value;
    }

    private void WriteConfiguration(int index, uint value, in Transaction transaction)
    {
        View view = ViewOf(transaction);
        int word = WordOf(index / 2, view.Cpu);
        if (word < FirstSharedWord)
        {
            return; // Software interrupts are edges, per-CPU ones levels.
        }

        for (int pair = 0; pair < 16; pair++)
        {
            uint bit = (1u << ((index & 1) * 16 + pair)) & VisibleIn(word, view);
            bool edge = (value >> (pair * 2 + 1) & 1) != 0;
            State.Edge[word] = edge ? State.Edge[word] | bit : State.Edge[word] & ~bit;
        }

        Update();
    }

    private void SendSoftwareInterrupt(uint value, in Transaction transaction)
    {
        View view = ViewOf(transaction);
        int id = (int)(value & 0xF);
        uint everybody = (1u << _cpuCount) - 1;
        uint self = 1u << view.Cpu;
        uint targets =
            (value >> 24 & 3) switch
            {
                0 => value >> 16 & 0xFF,
                1 => ~self,
                2 => self,
                _ => 0,
            } & everybody;

        // A non-secure request reaches group 1 only; a secure one says by NSATT which group it is meant for.
        bool group1 = view.IsNonSecure || (value >> 15 & 1) != 0;
        for (; targets != 0; targets &= targets - 1)
        {
            int cpu = BitOperations.TrailingZeroCount(targets);
            if (!_hasSecurity || group1 == ((State.Group[cpu] >> id & 1) != 0))
            {
                SetSources(cpu, id, (byte)(State.Sources[cpu * SoftwareIds + id] | self));
            }
        }

        Update();
    }

    private uint ReadSources(int index, in Transaction transaction)
    {
        View view = ViewOf(transaction);
        uint value = 0;
        for (int lane = 0; lane < 4; lane++)
        {
            int id = index * 4 + lane;
            bool visible = IsVisible(SlotOf(id, view.Cpu), view);
            value |= visible ? (uint)State.Sources[view.Cpu * SoftwareIds + id] << (lane * 8) : 0;
        }

        return value;
    }

    private void WriteSources(int index, ulong value, ulong lanes, bool set, in Transaction transaction)
    {
        View view = ViewOf(transaction);
        for (int lane = 0; lane < 4; lane++)
        {
            int id = index * 4 + lane;
            byte bits = (byte)((value & lanes) >> (lane * 8) & ((1u << _cpuCount) - 1));
            if (IsVisible(SlotOf(id, view.Cpu), view))
            {
                byte sources = State.Sources[view.Cpu * SoftwareIds + id];
                SetSources(view.Cpu, id, (byte)(set ? sources | bits : sources & ~bits));
            }
        }

        Update();
    }

    private void SetSources(int cpu, int id, byte sources)
    {
        State.Sources[cpu * SoftwareIds + id] = sources;
        uint bit = 1u << id;
        State.Latch[cpu] = sources != 0 ? State.Latch[cpu] | bit : State.Latch[cpu] & ~bit;
    }
}
