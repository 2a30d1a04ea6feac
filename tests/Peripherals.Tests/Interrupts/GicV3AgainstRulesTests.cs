using FsCheck;
using FsCheck.Fluent;

namespace Emulator.Peripherals.Tests;

/// <summary>Random software and random wires: the real GICv3 and the naive one must never differ.</summary>
public sealed class GicV3AgainstRulesTests
{
    private const ulong GroupRegister = 0x080;
    private const ulong Enable = 0x100;
    private const ulong Disable = 0x180;
    private const ulong SetPending = 0x200;
    private const ulong ClearPending = 0x280;
    private const ulong SetActive = 0x300;
    private const ulong ClearActive = 0x380;

    private static readonly int[] Ids = [0, 3, 15, 16, 27, 31, 32, 33, 63, 64, 200, 255];

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Any_sequence_of_wires_and_register_accesses_gives_what_the_rules_say(int cpus)
    {
        Gen<int[]> scripts = Gen.Choose(0, int.MaxValue).ArrayOf(250);
        Prop.ForAll(scripts.ToArbitrary(), script => Replay(script, cpus))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(30));
    }

    private static void Replay(int[] script, int cpus)
    {
        var gic = new GicV3Bench(cpus);
        var rules = new NaiveGicV3(cpus, 256);
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
                gic.Bit(SetPending, id, cpu).Should().Be(rules.IsPending(id, cpu));
                gic.Bit(SetActive, id, cpu).Should().Be(rules.Of(id, cpu).Active);
                gic.Bit(Enable, id, cpu).Should().Be(rules.Of(id, cpu).Enabled);
            }
        }
    }

    /// <summary>Mostly opened, so that interrupts flow from the first step on.</summary>
    private static void Open(GicV3Bench gic, NaiveGicV3 rules, int cpus, int seed)
    {
        gic.Write(GicV3Bench.Distributor, 4, 3);
        (rules.Group0, rules.Group1) = (true, true);
        for (int cpu = 0; cpu < cpus; cpu++)
        {
            gic.Write(GicV3Bench.Private(cpu, 0x14), 4, 0);
            gic.Set("ICC_PMR_EL1", 0xF8, cpu);
            gic.Set("ICC_IGRPEN0_EL1", 1, cpu);
            gic.Set("ICC_IGRPEN1_EL1", 1, cpu);
            NaiveGicV3.Port port = rules.Ports[cpu];
            (port.Sleeps, port.Mask, port.Group0, port.Group1) = (false, 0xF8, true, true);
            foreach (int id in Ids)
            {
                int priority = (seed >> (id % 13) & 0x1F) << 3;
                gic.Enable(id, priority, cpu);
                rules.Of(id, cpu).Priority = priority;
                rules.Of(id, cpu).Enabled = true;
            }
        }
    }

    private static void SetBit(GicV3Bench gic, ulong register, int id, int cpu) =>
        gic.Write(GicV3Bench.BitRegister(register, id, cpu), 4, 1u << (id % 32));

    private static void Do(int step, GicV3Bench gic, NaiveGicV3 rules, int cpus)
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
        bool on = Take(2) != 0;
        int value = Take(256);
        NaiveGicV3.Interrupt interrupt = rules.Of(id, cpu);
        NaiveGicV3.Port port = rules.Ports[cpu];
        switch (what)
        {
            case <= 6:
                id = Math.Max(id, 16);
                gic.SetLine(id, on, cpu: id < 32 ? cpu : 0);
                rules.SetLine(id, cpu, on);
                break;
            case <= 12:
                gic.Get(on ? "ICC_IAR1_EL1" : "ICC_IAR0_EL1", cpu).Should().Be(rules.Acknowledge(cpu, on));
                break;
            case <= 16:
                gic.Set(on ? "ICC_EOIR1_EL1" : "ICC_EOIR0_EL1", (ulong)id, cpu);
                rules.End(id, cpu, on);
                break;
            case 17:
                gic.Set("ICC_DIR_EL1", (ulong)id, cpu);
                rules.Deactivate(id, cpu);
                break;
            case 18:
                SetBit(gic, on ? Enable : Disable, id, cpu);
                interrupt.Enabled = on;
                break;
            case 19:
                SetBit(gic, on ? SetPending : ClearPending, id, cpu);
                interrupt.Latch = on;
                break;
            case 20:
                SetBit(gic, on ? SetActive : ClearActive, id, cpu);
                interrupt.Active = on;
                break;
            case 21:
                gic.Write(
                    id < 32
                        ? GicV3Bench.Private(cpu, 0x1_0400 + (ulong)id)
                        : GicV3Bench.Distributor + 0x400 + (ulong)id,
                    1,
                    (ulong)value
                );
                interrupt.Priority = value / 8 * 8;
                break;
            case 22 when id >= 32:
                gic.Route(id, value % (cpus + 1));
                interrupt.Route = value % (cpus + 1);
                break;
            case 23 when id >= 16:
                ulong register =
                    id < 32 ? GicV3Bench.Private(cpu, 0x1_0C04) : GicV3Bench.Distributor + 0xC00 + 4 * (ulong)(id / 16);
                uint pair = 2u << (id % 16 * 2);
                uint before = (uint)gic.Read(register, 4);
                gic.Write(register, 4, on ? before | pair : before & ~pair);
                interrupt.IsEdge = on;
                break;
            case 24:
                ulong groups = GicV3Bench.BitRegister(GroupRegister, id, cpu);
                uint mask = 1u << (id % 32);
                uint old = (uint)gic.Read(groups, 4);
                gic.Write(groups, 4, on ? old | mask : old & ~mask);
                interrupt.Group1 = on;
                break;
            case 25 or 26:
                id %= 16;
                gic.Set("ICC_SGI1R_EL1", (ulong)id << 24 | (on ? 1UL << 40 : 0) | (uint)value, cpu);
                rules.Send(id, cpu, on, value, group1: true);
                break;
            case 27:
                gic.Set("ICC_PMR_EL1", (ulong)value, cpu);
                port.Mask = value / 8 * 8;
                break;
            case 28:
                gic.Set("ICC_BPR0_EL1", (ulong)value % 8, cpu);
                port.BinaryPoint0 = Math.Max(2, value % 8);
                break;
            case 29:
                gic.Set("ICC_CTLR_EL1", (ulong)value % 4, cpu);
                (port.CommonBinaryPoint, port.SplitsEnd) = ((value & 1) != 0, (value & 2) != 0);
                break;
            case 30:
                gic.Set(on ? "ICC_IGRPEN1_EL1" : "ICC_IGRPEN0_EL1", (ulong)value & 1, cpu);
                port.Group1 = on ? (value & 1) != 0 : port.Group1;
                port.Group0 = on ? port.Group0 : (value & 1) != 0;
                break;
            default:
                gic.Get("ICC_RPR_EL1", cpu).Should().Be((ulong)Math.Min(255, port.Running));
                gic.Get("ICC_HPPIR1_EL1", cpu).Should().Be(rules.HighestPending(cpu, group1: true));
                break;
        }
    }
}
