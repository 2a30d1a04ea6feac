using Emulator.Machine;
using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim.Tests;

/// <summary>What the pl330 driver does when a channel faults.</summary>
public sealed class Pl330FaultTests
{
    /// <summary>Nothing is there.</summary>
    private const ulong Nowhere = 0x5000_0000;

    [Fact]
    public void With_irq_abort_wired_a_fault_is_learnt_by_its_interrupt_and_the_channel_killed()
    {
        var bench = new DmaBench(editHardware: WireAbort);
        DmaChannel channel = bench.Request();
        bool isCalledBack = false;
        int cookie = DmaBench.Submit(channel, Nowhere, bench.Pages(1), 4096, () => isCalledBack = true);
        channel.IssuePending();
        bench.RunFor(VirtualTime.Millisecond);

        bench
            .Log.Should()
            .ContainSingle(line => line.Contains("Reset", StringComparison.Ordinal))
            .Which.Should()
            .MatchRegex("^dma-pl330 2c0a1000.dma: Reset Channel-0\t CS-[ef] FTC-20000$");
        bench.Interrupts(DmaBench.FirstInterrupt + 8).Should().BePositive();
        bench.Register(0x100).Should().Be(0, "the channel was killed and has stopped");
        bench.Register(0x34).Should().Be(0);
        bench.Register(0x20).Should().Be(0, "its event raises no interrupt any more");
        channel.Status(cookie).Should().Be(DmaStatus.Complete, "the driver of the time tells nobody of errors");
        isCalledBack.Should().BeTrue();
    }

    [Fact]
    public void After_a_fault_the_channel_copies_again()
    {
        var bench = new DmaBench(editHardware: WireAbort);
        DmaChannel channel = bench.Request();
        ulong memory = bench.Pages(2);
        bench.Cpu.Store(memory, "again"u8);

        bench.Copy(channel, Nowhere, memory, 4096);
        bench.Copy(channel, memory + 4096, Nowhere, 4096);
        bench.Copy(channel, memory + 4096, memory, 4096).Should().Be(DmaStatus.Complete);

        bench.Load(memory + 4096, 5).Should().Equal("again"u8.ToArray());
        bench.Log.Count(line => line.Contains("Reset Channel-0", StringComparison.Ordinal)).Should().Be(2);
    }

    [Fact]
    public void What_waits_behind_a_faulting_copy_in_the_threads_buffer_is_lost_and_later_ones_are_done()
    {
        var bench = new DmaBench(editHardware: WireAbort);
        DmaChannel channel = bench.Request();
        ulong memory = bench.Pages(4);
        bench.Cpu.Store(memory, "x"u8);
        DmaBench.Submit(channel, Nowhere, memory, 4096);
        DmaBench.Submit(channel, memory + 0x1000, memory, 4096);
        int last = DmaBench.Submit(channel, memory + 0x2000, memory, 4096);
        channel.IssuePending();
        bench.RunFor(VirtualTime.Millisecond);

        channel.Status(last).Should().Be(DmaStatus.Complete);
        bench.Load(memory + 0x1000, 1).Should().Equal(0);
        bench.Load(memory + 0x2000, 1).Should().Equal((byte)'x');
    }

    [Fact]
    public void Without_irq_abort_a_fault_is_found_when_another_channel_interrupts()
    {
        var bench = new DmaBench();
        DmaChannel broken = bench.Request();
        DmaChannel sound = bench.Request();
        ulong memory = bench.Pages(2);
        int lost = DmaBench.Submit(broken, Nowhere, memory, 4096);
        broken.IssuePending();
        bench.RunFor(10 * VirtualTime.Millisecond);
        broken.Status(lost).Should().Be(DmaStatus.InProgress);
        bench.Register(0x34).Should().Be(1);

        bench.Copy(sound, memory + 4096, memory, 4096).Should().Be(DmaStatus.Complete);
        bench.RunFor(VirtualTime.Millisecond);

        broken.Status(lost).Should().Be(DmaStatus.Complete);
        bench.Log.Should().ContainSingle(line => line.Contains("Reset Channel-0", StringComparison.Ordinal));
        bench.Register(0x34).Should().Be(0);
    }

    [Fact]
    public void With_the_event_wires_elsewhere_the_copy_is_made_and_nobody_learns_of_it()
    {
        var bench = new DmaBench(options: new() { ["dmac1_int_base"] = 200 });
        DmaChannel channel = bench.Request();
        ulong memory = bench.Pages(2);
        bench.Cpu.Store(memory, "made"u8);
        long begun = bench.Simulation.Now;

        bench.Copy(channel, memory + 4096, memory, 4096).Should().Be(DmaStatus.Error);

        (bench.Simulation.Now - begun).Should().Be(5 * VirtualTime.Second);
        bench.Load(memory + 4096, 4).Should().Equal("made"u8.ToArray());
    }

    [Fact]
    public void A_fault_of_the_manager_kills_every_channel()
    {
        var bench = new DmaBench(editHardware: WireAbort);
        DmaChannel channel = bench.Request();
        ulong memory = bench.Pages(1 << 8);
        int cookie = DmaBench.Submit(channel, memory + 0x8_0000, memory, 0x8_0000);
        channel.IssuePending();
        bench.RunFor(VirtualTime.Microsecond);

        // DMALD is none of the manager's instructions.
        bench.Cpu.Store(DmaBench.Registers + 0xD08, 4, 0x0004_0000);
        bench.Cpu.Store(DmaBench.Registers + 0xD0C, 4, 0);
        bench.Cpu.Store(DmaBench.Registers + 0xD04, 4, 0);
        bench.RunFor(10 * VirtualTime.Microsecond);

        bench.Register(0x30).Should().Be(0);
        bench.Register(0x100).Should().Be(0);
        channel.Status(cookie).Should().Be(DmaStatus.Complete);
        bench.Copy(channel, memory + 4096, memory, 4096).Should().Be(DmaStatus.Complete);
    }

    /// <summary>Gives dma1 a ninth interrupt, SPI 104, for its abort output.</summary>
    private static void WireAbort(DeviceTree tree)
    {
        DeviceTreeNode dmac = tree.FindByLabel("dma1")!;
        dmac.SetCells("interrupts", [.. Enumerable.Range(96, 9).SelectMany(spi => new uint[] { 0, (uint)spi, 4 })]);
        dmac.SetCells("emulator,abort-interrupt", 8);
    }
}
