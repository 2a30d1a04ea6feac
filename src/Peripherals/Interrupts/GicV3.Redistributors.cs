using System.Globalization;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <content>The redistributors, after IHI 0069 chapters 12.10 and 12.11: two frames of 64 KiB for each CPU.</content>
public sealed partial class GicV3
{
    /// <summary>GICR_PIDR2: architecture version 3.</summary>
    private const uint PeripheralId2 = 0x3B;

    private const ulong FrameBytes = 0x2_0000;
    private const uint EnableLpis = 1;
    private const uint ProcessorSleep = 1 << 1;
    private const uint ChildrenAsleep = 1 << 2;
    private const ulong PropertyBaseMask = 0x070F_FFFF_FFFF_FF9F;
    private const ulong PendingBaseMask = 0x470F_FFFF_FFFF_0F80;
    private const ulong PendingTableZero = 1UL << 62;

    private static readonly RegisterMap<GicV3, GicV3State> RedistributorMap = MapRedistributors();

    private static RegisterMap<GicV3, GicV3State> MapRedistributors()
    {
        // csharpier-ignore
        RegisterMap<GicV3, GicV3State> map = new RegisterMap<GicV3, GicV3State>("GICR", size: MaxCpus * FrameBytes)
            .ReadWrite(0x0000, MaxCpus, FrameBytes, "GICR_CTLR_{0}",      (gic, cpu) => gic.State.Cpus[cpu].Control, (gic, cpu, value) => gic.WriteRedistributorControl(cpu, (uint)value), fields: "EnableLPIs[0] CES[1] IR[2] RWP[3] UWP[31]")
            .ReadOnly (0x0004, MaxCpus, FrameBytes, "GICR_IIDR_{0}",      (_, _) => Implementer)
            .ReadOnly (0x0008, MaxCpus, FrameBytes, "GICR_TYPER_{0}",     (gic, cpu) => gic.RedistributorType(cpu), width: 64, access: Halves, fields: "PLPIS[0] VLPIS[1] DirectLPI[3] Last[4] Processor_Number[23:8] CommonLPIAff[25:24] Affinity_Value[63:32]")
            .ReadOnly (0x0010, MaxCpus, FrameBytes, "GICR_STATUSR_{0}",   (_, _) => 0)
            .ReadWrite(0x0014, MaxCpus, FrameBytes, "GICR_WAKER_{0}",     (gic, cpu) => gic.State.Cpus[cpu].Waker, (gic, cpu, value) => gic.WriteWaker(cpu, (uint)value), fields: "ProcessorSleep[1] ChildrenAsleep[2]", reset: ProcessorSleep | ChildrenAsleep)
            .ReadWrite(0x0070, MaxCpus, FrameBytes, "GICR_PROPBASER_{0}", (gic, cpu) => gic.State.Cpus[cpu].PropertyBase, (gic, cpu, value) => gic.WritePropertyBase(cpu, value), width: 64, access: Halves, fields: "IDbits[4:0] InnerCache[9:7] Shareability[11:10] Physical_Address[51:12] OuterCache[58:56]")
            .ReadWrite(0x0078, MaxCpus, FrameBytes, "GICR_PENDBASER_{0}", (gic, cpu) => gic.State.Cpus[cpu].PendingBase & ~PendingTableZero, (gic, cpu, value) => gic.WritePendingBase(cpu, value), width: 64, access: Halves, fields: "InnerCache[9:7] Shareability[11:10] Physical_Address[51:16] OuterCache[58:56] PTZ[62]");
        MapIdentification(map, 0);
        MapIdentification(map, 0x1_0000);
        return MapPrivateInterrupts(map);
    }

    private static void MapIdentification(RegisterMap<GicV3, GicV3State> map, ulong frame)
    {
        (ulong Offset, string Name, uint Value)[] rows =
        [
            (0xFFD0, "PIDR4", 0x44),
            (0xFFE0, "PIDR0", 0x93),
            (0xFFE4, "PIDR1", 0xB4),
            (0xFFE8, "PIDR2", PeripheralId2),
            (0xFFEC, "PIDR3", 0x00),
            (0xFFF0, "CIDR0", 0x0D),
            (0xFFF4, "CIDR1", 0xF0),
            (0xFFF8, "CIDR2", 0x05),
            (0xFFFC, "CIDR3", 0xB1),
        ];
        string prefix = frame == 0 ? "GICR_" : "GICR_SGI_";
        foreach ((ulong offset, string name, uint value) in rows)
        {
            map.ReadOnly(frame + offset, MaxCpus, FrameBytes, prefix + name + "_{0}", (_, _) => value);
        }
    }

    /// <summary>SGI_base: the registers of SGIs and PPIs.</summary>
    private static RegisterMap<GicV3, GicV3State> MapPrivateInterrupts(RegisterMap<GicV3, GicV3State> map)
    {
        // csharpier-ignore
        map
            .ReadWrite(0x1_0080, MaxCpus, FrameBytes, "GICR_IGROUPR0_{0}",   (gic, cpu) => gic.State.Group[cpu],   (gic, cpu, value) => gic.WriteWord(cpu, (uint)value, ref gic.State.Group, Change.Store))
            .ReadWrite(0x1_0100, MaxCpus, FrameBytes, "GICR_ISENABLER0_{0}", (gic, cpu) => gic.State.Enabled[cpu], (gic, cpu, value) => gic.WriteWord(cpu, (uint)value, ref gic.State.Enabled, Change.Set))
            .ReadWrite(0x1_0180, MaxCpus, FrameBytes, "GICR_ICENABLER0_{0}", (gic, cpu) => gic.State.Enabled[cpu], (gic, cpu, value) => gic.WriteWord(cpu, (uint)value, ref gic.State.Enabled, Change.Clear))
            .ReadWrite(0x1_0200, MaxCpus, FrameBytes, "GICR_ISPENDR0_{0}",   (gic, cpu) => gic.PendingIn(cpu),     (gic, cpu, value) => gic.WriteWord(cpu, (uint)value, ref gic.State.Latch, Change.Set))
            .ReadWrite(0x1_0280, MaxCpus, FrameBytes, "GICR_ICPENDR0_{0}",   (gic, cpu) => gic.PendingIn(cpu),     (gic, cpu, value) => gic.WriteWord(cpu, (uint)value, ref gic.State.Latch, Change.Clear))
            .ReadWrite(0x1_0300, MaxCpus, FrameBytes, "GICR_ISACTIVER0_{0}", (gic, cpu) => gic.State.Active[cpu],  (gic, cpu, value) => gic.WriteWord(cpu, (uint)value, ref gic.State.Active, Change.Set))
            .ReadWrite(0x1_0380, MaxCpus, FrameBytes, "GICR_ICACTIVER0_{0}", (gic, cpu) => gic.State.Active[cpu],  (gic, cpu, value) => gic.WriteWord(cpu, (uint)value, ref gic.State.Active, Change.Clear))
            .ReadOnly (0x1_0C00, MaxCpus, FrameBytes, "GICR_ICFGR0_{0}",     (_, _) => 0xAAAA_AAAA)
            .ReadWrite(0x1_0C04, MaxCpus, FrameBytes, "GICR_ICFGR1_{0}",     (gic, cpu) => gic.ReadConfiguration(cpu * PrivateIds + SoftwareIds), (gic, cpu, value) => gic.WriteConfiguration(cpu * PrivateIds + SoftwareIds, (uint)value));
        for (int n = 0; n < PrivateIds / 4; n++)
        {
            int first = 4 * n;
            map.Lanes(
                0x1_0400 + (ulong)first,
                MaxCpus,
                FrameBytes,
                string.Create(CultureInfo.InvariantCulture, $"GICR_IPRIORITYR{n}_{{0}}"),
                (gic, cpu, in _) => gic.ReadPriorities(cpu * PrivateIds + first),
                (gic, cpu, value, lanes, in _) => gic.WritePriorities(cpu * PrivateIds + first, value, lanes),
                access: Parts
            );
        }

        return map;
    }

    /// <summary>Physical LPIs; the CPU's number and place; which is the last.</summary>
    private ulong RedistributorType(int cpu)
    {
        if (cpu >= _cpuCount)
        {
            return 0;
        }

        ulong affinity = _affinities[cpu];
        ulong last = cpu == _cpuCount - 1 ? 1UL << 4 : 0;
        return 1 | last | (ulong)cpu << 8 | (affinity & 0xFF_FFFF) << 32 | (affinity >> 32 & 0xFF) << 56;
    }

    /// <summary>Once EnableLPIs is set only a reset clears it, as in QEMU's and most implementations (CES is 0).</summary>
    private void WriteRedistributorControl(int cpu, uint value)
    {
        ref GicV3State.Redistributor view = ref State.Cpus[cpu];
        if ((value & EnableLpis) != 0 && (view.Control & EnableLpis) == 0)
        {
            view.Control |= EnableLpis;
            FindPendingLpi(cpu);
            Update();
        }
    }

    /// <summary>ChildrenAsleep follows ProcessorSleep at once.</summary>
    private void WriteWaker(int cpu, uint value)
    {
        State.Cpus[cpu].Waker = (value & ProcessorSleep) != 0 ? ProcessorSleep | ChildrenAsleep : 0;
        Update();
    }

    /// <summary>The tables stay where they are while LPIs are enabled.</summary>
    private void WritePropertyBase(int cpu, ulong value)
    {
        if ((State.Cpus[cpu].Control & EnableLpis) == 0)
        {
            State.Cpus[cpu].PropertyBase = value & PropertyBaseMask;
        }
    }

    private void WritePendingBase(int cpu, ulong value)
    {
        if ((State.Cpus[cpu].Control & EnableLpis) == 0)
        {
            State.Cpus[cpu].PendingBase = value & PendingBaseMask;
        }
    }
}
