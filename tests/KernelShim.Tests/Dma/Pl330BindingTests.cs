using Emulator.Machine;

namespace Emulator.KernelShim.Tests;

/// <summary>The pl330 driver in sysfs: bound at boot, unbound and bound again.</summary>
public sealed class Pl330BindingTests
{
    [Fact]
    public void The_driver_has_the_three_primecells_and_says_what_it_found()
    {
        var bench = new DmaBench();

        foreach (int dmac in new[] { 1, 2, 3 })
        {
            string device = $"2c0a{dmac}000.dma";
            bench.User.ReadLink($"{DmaBench.DriverFiles}/{device}").Should().Be($"../../../../devices/{device}");
            bench.User.ReadLink($"/sys/devices/{device}/driver").Should().Be("../../bus/amba/drivers/dma-pl330");
            bench
                .Log.Should()
                .ContainInOrder(
                    $"dma-pl330 {device}: Loaded driver for PL330 DMAC-3412784",
                    $"dma-pl330 {device}: \tDBUFF-0x16bytes Num_Chans-8 Num_Peri-32 Num_Events-32"
                );
        }

        bench.User.ReadLink("/sys/devices/2c0a0000.dma/driver").Should().Be("<ENOENT>");
        bench.Kernel.Simulation.Trace.Problems.Should().BeEmpty();
    }

    [Fact]
    public void A_recent_kernel_prints_the_id_in_hexadecimal_and_counts_all_lines_of_the_buffer() =>
        new DmaBench(DmaBench.Modern with { Pl330LogsHexadecimalId = true })
            .Log.Should()
            .ContainInOrder(
                "dma-pl330 2c0a1000.dma: Loaded driver for PL330 DMAC-341330",
                "dma-pl330 2c0a1000.dma: \tDBUFF-1024x16bytes Num_Chans-8 Num_Peri-32 Num_Events-32"
            );

    [Fact]
    public void A_kernel_without_the_driver_leaves_the_controllers_alone()
    {
        var bench = new DmaBench(KernelProfiles.VosysV6 with { HasPl330Driver = false });

        bench.Kernel.Dma.Devices.Should().BeEmpty();
        bench.User.ReadLink("/sys/devices/2c0a1000.dma/driver").Should().Be("<ENOENT>");
    }

    [Fact]
    public void Unbinding_gives_interrupts_memory_and_names_back_and_binding_takes_them_again()
    {
        var bench = new DmaBench();
        bench.User.ReadLink("/sys/class/dma/dma0chan0").Should().NotStartWith("<");
        string interrupts = bench.User.Cat("/proc/interrupts");
        ulong free = bench.Kernel.Pages.FreePages;
        interrupts.Split('\n').Count(line => line.EndsWith("  2c0a1000.dma", StringComparison.Ordinal)).Should().Be(8);

        bench.User.Echo(DmaBench.Device, DmaBench.DriverFiles + "/unbind").Should().BePositive();

        bench.Kernel.Pages.FreePages.Should().Be(free + 1);
        bench.User.Cat("/proc/interrupts").Should().NotContain(DmaBench.Device);
        bench.User.ReadLink("/sys/class/dma/dma0chan0").Should().Be("<ENOENT>");
        bench.User.Cat("/sys/devices/2c0a1000.dma/dma/dma0chan0/in_use").Should().Be("<ENOENT>");
        bench.User.ReadLink("/sys/class/dma/dma1chan0").Should().NotStartWith("<");

        bench.User.Echo(DmaBench.Device, DmaBench.DriverFiles + "/bind").Should().BePositive();

        bench.Kernel.Pages.FreePages.Should().Be(free);
        bench.User.Cat("/proc/interrupts").Should().Be(interrupts);
        bench
            .User.ReadLink("/sys/class/dma/dma0chan31")
            .Should()
            .Be("../../devices/2c0a1000.dma/dma/dma0chan31", "the lowest free number is taken again");
        bench.Copy(bench.Request(), bench.Pages(1), bench.Pages(1), 4096).Should().Be(DmaStatus.Complete);
    }

    [Fact]
    public void A_taken_interrupt_keeps_the_driver_from_the_device_and_leaves_no_other_taken()
    {
        var bench = new DmaBench();
        bench.User.Echo(DmaBench.Device, DmaBench.DriverFiles + "/unbind").Should().BePositive();
        bench.Kernel.Interrupts.Request(DmaBench.FirstInterrupt + 3, "other", () => false, this).Should().Be(0);
        ulong free = bench.Kernel.Pages.FreePages;

        bench.User.Echo(DmaBench.Device, DmaBench.DriverFiles + "/bind").Should().Be(-(long)Errno.ENODEV);

        bench.Log.Should().ContainSingle(line => line.Contains("failed with error -16", StringComparison.Ordinal));
        bench.User.Cat("/proc/interrupts").Should().NotContain(DmaBench.Device);
        bench.Kernel.Pages.FreePages.Should().Be(free);
    }

    [Fact]
    public void Unbinding_while_a_copy_runs_kills_it_and_completes_it_for_who_waits()
    {
        var bench = new DmaBench();
        DmaChannel channel = bench.Request();
        ulong memory = bench.Pages(512);
        byte[] ones = [.. Enumerable.Repeat((byte)1, 0x10_0000)];
        bench.Cpu.Store(memory, ones);
        DmaStatus? status = null;
        int cookie = DmaBench.Submit(channel, memory + 0x10_0000, memory, 0x10_0000);
        bench.Kernel.Dma.SyncWait(channel, cookie, result => status = result);
        bench.RunFor(10 * VirtualTime.Microsecond);
        (bench.Register(0x100) & 0xF).Should().NotBe(0, "it runs");

        bench.User.Echo(DmaBench.Device, DmaBench.DriverFiles + "/unbind").Should().BePositive();
        bench.RunFor(VirtualTime.Millisecond);

        bench.Register(0x100).Should().Be(0);
        status.Should().Be(DmaStatus.Complete);
        bench.Load(memory + 0x1F_FF00, 256).Should().Equal(new byte[256], "the end was never copied");
        bench.Log.Should().Contain("dma_async_device_unregister called while 1 clients hold a reference");
        DmaEngine.ReleaseChannel(channel);

        bench.User.Echo(DmaBench.Device, DmaBench.DriverFiles + "/bind").Should().BePositive();
        bench.Copy(bench.Request(), memory + 0x10_0000, memory, 0x10_0000).Should().Be(DmaStatus.Complete);
        bench.Load(memory + 0x10_0000, 0x10_0000).AsSpan().SequenceEqual(ones).Should().BeTrue();
    }

    [Fact]
    public void Killed_copies_leave_no_memory_to_the_controller()
    {
        var bench = new DmaBench();
        DmaChannel channel = bench.Request();
        DmaBench.Submit(channel, bench.Pages(64), bench.Pages(64), 0x4_0000);
        channel.IssuePending();
        bench.RunFor(2 * VirtualTime.Microsecond);
        bench.User.Echo(DmaBench.Device, DmaBench.DriverFiles + "/unbind").Should().BePositive();
        ulong reused = bench.Pages(1);
        bench.Cpu.Store(reused, "mine"u8);

        bench.RunFor(VirtualTime.Millisecond);

        bench.Load(reused, 4).Should().Equal("mine"u8.ToArray());
        bench.Simulation.Trace.Problems.Should().BeEmpty();
    }
}
