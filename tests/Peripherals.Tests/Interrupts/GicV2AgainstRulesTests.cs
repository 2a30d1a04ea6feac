using FsCheck;
using FsCheck.Fluent;

namespace Emulator.Peripherals.Tests;

/// <summary>Random software and random wires: the real controller and the naive one must never differ.</summary>
public sealed class GicV2AgainstRulesTests
{
    private static readonly int[] Ids = [0, 3, 15, 16, 27, 31, 32, 33, 63, 64, 200, 511];

    [Theory]
    [InlineData(1, false)]
    [InlineData(3, false)]
    [InlineData(1, true)]
    [InlineData(3, true)]
    public void Any_sequence_of_wires_and_register_accesses_gives_what_the_rules_say(int cpus, bool security)
    {
        Gen<int[]> scripts = Gen.Choose(0, int.MaxValue).ArrayOf(250);
        Prop.ForAll(scripts.ToArbitrary(), script => Replay(script, cpus, security))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(25));
    }

    private static void Replay(int[] script, int cpus, bool security)
    {
        var gic = new GicBench(cpus, security, bootsNonSecure: false);
        var rules = new NaiveGic(cpus, 512, security);
        Open(gic, rules, cpus, script[0]);
        foreach (int step in script)
        {
            Do(step, gic, rules, cpus);
            for (int cpu = 0; cpu < cpus; cpu++)
            {
                gic.Cpus[cpu].Irq.Level.Should().Be(rules.Irq(cpu), $"IRQ of cpu{cpu} after step {step}");
                gic.Cpus[cpu].Fiq.Level.Should().Be(rules.Fiq(cpu), $"FIQ of cpu{cpu} after step {step}");
            }
        }

        for (int cpu = 0; cpu < cpus; cpu++)
        {
            foreach (int id in Ids)
            {
                NaiveGic.Interrupt expected = rules.Of(id, cpu);
                SecureBit(gic, "GICD_ISPENDR", id, cpu).Should().Be(rules.IsPending(id, cpu));
                SecureBit(gic, "GICD_ISACTIVER", id, cpu).Should().Be(expected.Active);
                SecureBit(gic, "GICD_ISENABLER", id, cpu).Should().Be(expected.Enabled);
                gic.ReadByte("GICD_IPRIORITYR", id, cpu, secure: true).Should().Be((byte)expected.Priority);
            }
        }
    }

    private static bool SecureBit(GicBench gic, string register, int id, int cpu) =>
        (gic.Read($"{register}{id / 32}", cpu, secure: true) >> (id % 32) & 1) != 0;

    /// <summary>Mostly opened, so that interrupts flow from the first step on.</summary>
    private static void Open(GicBench gic, NaiveGic rules, int cpus, int seed)
    {
        gic.Write("GICD_CTLR", 3, secure: true);
        rules.WriteDistributorControl(3, secure: true);
        for (int cpu = 0; cpu < cpus; cpu++)
        {
            uint control = (seed >> cpu & 1) != 0 ? 7u : 0xFu;
            gic.Write("GICC_CTLR", control, cpu, secure: true);
            rules.WriteInterfaceControl(cpu, control, secure: true);
            gic.Write("GICC_PMR", 0xF8, cpu, secure: true);
            rules.WriteMask(cpu, 0xF8, secure: true);
            foreach (int id in Ids)
            {
                byte priority = (byte)((seed >> (id % 13) & 0x1F) << 3);
                gic.WriteByte("GICD_IPRIORITYR", id, priority, cpu, secure: true);
                rules.SetPriority(id, cpu, priority, secure: true);
                gic.Write($"GICD_ISENABLER{id / 32}", 1u << (id % 32), cpu, secure: true);
                rules.SetEnabled(id, cpu, true, secure: true);
                gic.WriteByte("GICD_ITARGETSR", id, (byte)((1 << cpus) - 1), cpu, secure: true);
                rules.SetTargets(id, cpu, (byte)((1 << cpus) - 1), secure: true);
            }
        }
    }

    private static void Do(int step, GicBench gic, NaiveGic rules, int cpus)
    {
        int Take(int range)
        {
            int taken = step % range;
            step /= range;
            return taken;
        }

        int what = Take(32);
        int cpu = Take(cpus);
        int id = Ids[Take(Ids.Length)];
        bool secure = Take(2) != 0;
        bool on = Take(2) != 0;
        byte value = (byte)Take(256);
        string bit = $"{id / 32}";
        uint mask = 1u << (id % 32);
        switch (what)
        {
            case <= 6:
                id = Math.Max(id, 16);
                gic.SetLine(id, on, cpu: id < 32 ? cpu : 0);
                rules.SetLine(id, cpu, on);
                break;
            case 7 or 8 or 9 or 10 or 11 or 12:
                gic.Read("GICC_IAR", cpu, secure).Should().Be(rules.Acknowledge(cpu, secure));
                break;
            case 13 or 14 or 15 or 16:
                gic.Write("GICC_EOIR", (uint)id, cpu, secure);
                rules.End(id, cpu, secure);
                break;
            case 17:
                gic.Write("GICC_DIR", (uint)id, cpu, secure);
                rules.Deactivate(id, cpu, secure);
                break;
            case 18:
                gic.Write((on ? "GICD_ISENABLER" : "GICD_ICENABLER") + bit, mask, cpu, secure);
                rules.SetEnabled(id, cpu, on, secure);
                break;
            case 19:
                gic.Write((on ? "GICD_ISPENDR" : "GICD_ICPENDR") + bit, mask, cpu, secure);
                rules.SetPending(id, cpu, on, secure);
                break;
            case 20:
                gic.Write((on ? "GICD_ISACTIVER" : "GICD_ICACTIVER") + bit, mask, cpu, secure);
                rules.SetActive(id, cpu, on, secure);
                break;
            case 21:
                gic.WriteByte("GICD_IPRIORITYR", id, value, cpu, secure);
                rules.SetPriority(id, cpu, value, secure);
                break;
            case 22:
                value &= (byte)((1 << cpus) - 1);
                gic.WriteByte("GICD_ITARGETSR", id, value, cpu, secure);
                rules.SetTargets(id, cpu, value, secure);
                break;
            case 23:
                uint pair = 2u << (id % 16 * 2);
                uint others = gic.Read($"GICD_ICFGR{id / 16}", cpu, secure) & ~pair;
                gic.Write($"GICD_ICFGR{id / 16}", others | (on ? pair : 0), cpu, secure);
                rules.SetEdge(id, cpu, on, secure);
                break;
            case 24:
                uint groups = gic.Read("GICD_IGROUPR" + bit, cpu, secure: true);
                gic.Write("GICD_IGROUPR" + bit, on ? groups | mask : groups & ~mask, cpu, secure);
                rules.SetGroup(id, cpu, on, secure);
                break;
            case 25:
                id %= 16;
                int filter = Take(4);
                gic.Write("GICD_SGIR", (uint)(id | (on ? 1 << 15 : 0) | value << 16 | filter << 24), cpu, secure);
                rules.Send(id, cpu, filter, value, on, secure);
                break;
            case 26:
                id %= 16;
                int source = value % cpus;
                gic.WriteByte(on ? "GICD_SPENDSGIR" : "GICD_CPENDSGIR", id, (byte)(1 << source), cpu, secure);
                rules.SetSource(id, cpu, source, on, secure);
                break;
            case 27:
                gic.Write("GICC_PMR", value, cpu, secure);
                rules.WriteMask(cpu, value, secure);
                break;
            case 28:
                gic.Write("GICC_BPR", (uint)value % 8, cpu, secure);
                rules.WriteBinaryPoint(cpu, value % 8, secure);
                break;
            case 29:
                uint control = value & 0x1Fu | 2 | (on ? 0x200u : 0);
                gic.Write("GICC_CTLR", control, cpu, secure);
                rules.WriteInterfaceControl(cpu, control, secure);
                break;
            case 30:
                gic.Write("GICD_CTLR", value % 4u, cpu, secure);
                rules.WriteDistributorControl(value % 4u, secure);
                break;
            default:
                gic.Read("GICC_RPR", cpu, secure).Should().Be(rules.RunningPriority(cpu, secure));
                gic.Read("GICC_HPPIR", cpu, secure).Should().Be(rules.HighestPending(cpu, secure));
                break;
        }
    }
}
