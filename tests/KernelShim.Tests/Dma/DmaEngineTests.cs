namespace Emulator.KernelShim.Tests;

/// <summary>The DMA engine core: channels, clients, cookies, the class in sysfs.</summary>
public sealed class DmaEngineTests
{
    [Fact]
    public void A_channel_of_the_class_shows_who_uses_it_and_what_for()
    {
        var bench = new DmaBench();
        const string directory = "/sys/class/dma/dma0chan0";
        bench.User.ReadLink(directory).Should().Be("../../devices/2c0a1000.dma/dma/dma0chan0");
        bench.User.ReadLink(directory + "/device").Should().Be("../../../2c0a1000.dma");
        bench.User.ReadLink(directory + "/subsystem").Should().Be("../../../../class/dma");
        bench.User.Cat(directory + "/in_use").Should().Be("0\n");

        DmaChannel channel = bench.Request();

        channel.Name.Should().Be("dma0chan0");
        bench.User.Cat(directory + "/in_use").Should().Be("1\n");
        bench.User.Cat(directory + "/memcpy_count").Should().Be("0\n");
        bench.User.Cat(directory + "/bytes_transferred").Should().Be("0\n");
        DmaEngine.ReleaseChannel(channel);
        bench.User.Cat(directory + "/in_use").Should().Be("0\n");
    }

    [Fact]
    public void A_controller_gives_as_many_channels_as_it_has_threads_then_the_next_one_is_asked()
    {
        var bench = new DmaBench();
        DmaChannel?[] channels =
        [
            .. Enumerable.Range(0, 25).Select(_ => bench.Kernel.Dma.RequestChannel(DmaCapabilities.Memcpy)),
        ];

        channels
            .Take(24)
            .Select(channel => channel!.Name)
            .Should()
            .Equal(Enumerable.Range(0, 24).Select(n => $"dma{n / 8}chan{n % 8}"));
        channels[24].Should().BeNull();
        DmaEngine.ReleaseChannel(channels[10]!);
        bench.Kernel.Dma.RequestChannel(DmaCapabilities.Memcpy).Should().BeSameAs(channels[10]);
    }

    [Fact]
    public void A_channel_is_chosen_by_capability_and_filter()
    {
        var bench = new DmaBench();

        bench.Kernel.Dma.RequestChannel(DmaCapabilities.Slave, _ => false).Should().BeNull();
        bench
            .Kernel.Dma.RequestChannel(DmaCapabilities.Slave, channel => channel.Name is "dma2chan5")!
            .Name.Should()
            .Be("dma2chan5");
    }

    [Fact]
    public void A_copy_of_nothing_is_no_copy() =>
        new DmaBench().Request().PrepareMemcpy(0x8000_0000, 0x8000_1000, 0).Should().BeNull();

    [Fact]
    public void Terminating_forgets_what_was_submitted()
    {
        var bench = new DmaBench();
        DmaChannel channel = bench.Request();
        ulong memory = bench.Pages(2);
        bench.Cpu.Store(memory, "x"u8);
        int cookie = DmaBench.Submit(channel, memory + 4096, memory, 4096);

        channel.TerminateAll();
        channel.IssuePending();
        bench.RunFor(Machine.VirtualTime.Millisecond);

        channel.Status(cookie).Should().Be(DmaStatus.Complete);
        bench.Load(memory + 4096, 1).Should().Equal(0);
        bench.Copy(channel, memory + 4096, memory, 4096).Should().Be(DmaStatus.Complete);
        bench.Load(memory + 4096, 1).Should().Equal((byte)'x');
    }

    [Fact]
    public void An_event_of_a_terminated_copy_does_not_complete_the_next_one()
    {
        var bench = new DmaBench();
        DmaChannel channel = bench.Request();
        ulong memory = bench.Pages(512);
        bench.Cpu.Store(memory + 0xF_FFFF, 1, 0x77);
        DmaBench.Submit(channel, memory + 0x10_0000, memory, 4096);
        channel.IssuePending();
        bench.Simulation.RunUntil(() => bench.Register(0x24) != 0);

        channel.TerminateAll();

        bench.Copy(channel, memory + 0x10_0000, memory, 0x10_0000).Should().Be(DmaStatus.Complete);
        bench.Load(memory + 0x1F_FFFF, 1).Should().Equal(0x77);
        bench.Interrupts(DmaBench.FirstInterrupt).Should().Be(1);
    }

    [Theory]
    [InlineData("12", "12")]
    [InlineData("0x10", "16")]
    [InlineData("010", "8")]
    [InlineData("-1", "4294967295")]
    [InlineData("0xg", "0")]
    [InlineData("4294967297", "1")]
    [InlineData("12 34", "12")]
    [InlineData("many", "0")]
    public void A_number_file_of_debugfs_takes_what_the_kernel_reads_of_it(string written, string shown)
    {
        const string size = "/sys/kernel/debug/vosys_dmatest/size";
        var bench = new DmaBench();
        bench.User.Echo(written, size).Should().Be(written.Length + 1);
        bench.User.Cat(size).Should().Be(shown + "\n");
    }
}
