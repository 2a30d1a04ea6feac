using Emulator.Machine;

namespace Emulator.Peripherals.Tests;

/// <summary>From a device through the controller to a CPU, over real wires and a real bus.</summary>
public sealed class InterruptPathTests
{
    private const ulong RtcBase = 0x1C17_0000;
    private const int RtcInterrupt = 36;

    [Fact]
    public void An_alarm_of_the_clock_is_taken_served_and_ended_by_a_cpu()
    {
        GicBench gic = new(security: true);
        Simulation simulation = gic.Context.Simulation;
        var clock = new StandaloneContext("rtc", simulation, gic.Context.Bus);
        _ = new Pl031(clock);
        gic.Context.Bus.Map("rtc", RtcBase, 0x1000, clock.Registers[0]);
        clock.Lines["RTCINTR"].Connect(gic.Gic.FindInput([0, RtcInterrupt - 32, 4], out _)!);

        gic.Write("GICD_CTLR", 1);
        gic.Write("GICC_PMR", 0xF0);
        gic.Write("GICC_CTLR", 1);
        gic.Enable(RtcInterrupt);
        CpuPort cpu = gic.Cpus[0];
        cpu.Store(RtcBase + 0x10, 4, 1);
        cpu.Store(RtcBase + 0x04, 4, 3);

        simulation.RunUntil(() => cpu.Irq.Level).Should().Be(RunResult.Reached);
        simulation.Now.Should().Be(3 * VirtualTime.Second);
        uint taken = gic.Acknowledge();
        taken.Should().Be(RtcInterrupt);
        cpu.Store(RtcBase + 0x1C, 4, 1);
        gic.End(taken);
        cpu.Irq.Level.Should().BeFalse();
        gic.Acknowledge().Should().Be(1023);
        gic.Problems.Should().Be(0);
    }
}
