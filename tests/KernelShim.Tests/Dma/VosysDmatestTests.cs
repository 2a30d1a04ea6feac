using Emulator.Machine;

namespace Emulator.KernelShim.Tests;

/// <summary>The guide's DMA test, by what user space sees of it.</summary>
public sealed class VosysDmatestTests
{
    private const string Files = "/sys/kernel/debug/vosys_dmatest";
    private const string Init = "vosys dmatest module init";
    private const string CalledBack = "callback: transfer completed";
    private const string Completed = "tx completed";
    private const string Match = "source and destination match.";
    private const string Mismatch = "src and destination do not match";

    [Fact]
    public void A_run_copies_1024_bytes_and_says_so_at_debug_level()
    {
        var bench = new DmaBench();
        bench.User.Cat(Files + "/start").Should().Be("N\n");
        bench.User.Cat(Files + "/size").Should().Be("1024\n");
        bench.User.Cat(Files + "/type").Should().Be("0\n");

        bench.User.Echo("1", Files + "/start").Should().Be(1, "the handler takes one byte, whatever was written");

        Messages(bench).Should().Equal(Init, CalledBack, Completed, Match);
        bench
            .Kernel.Log.Lines.Where(line => line.Text.StartsWith("vosys", StringComparison.Ordinal))
            .Should()
            .OnlyContain(line => line.Level == LogLevel.Debug);
        bench.User.Cat(Files + "/start").Should().Be("N\n");
        bench.User.Cat("/sys/class/dma/dma0chan0/bytes_transferred").Should().Be("1024\n");
        bench.User.Cat("/sys/class/dma/dma0chan0/in_use").Should().Be("0\n");
        bench.Interrupts(DmaBench.FirstInterrupt).Should().Be(1);
    }

    [Theory]
    [InlineData("\n")]
    [InlineData("0\n")]
    [InlineData("n")]
    [InlineData("start")]
    public void Only_1_and_y_start_a_run(string text)
    {
        var bench = new DmaBench();
        long start = bench.User.Open(Files + "/start", OpenFlags.WriteOnly);
        bench.User.Write(start, text).Should().Be(1);
        Messages(bench).Should().Equal(Init);
        bench.User.Write(start, "yes").Should().Be(1);
        Messages(bench).Should().Equal(Init, CalledBack, Completed, Match);
    }

    [Theory]
    [InlineData("256")]
    [InlineData("0x1000")]
    [InlineData("1048576")]
    [InlineData("4194304")]
    public void Any_size_that_the_driver_takes_is_copied(string size)
    {
        var bench = new DmaBench();
        bench.User.Echo(size, Files + "/size").Should().BePositive();
        bench.User.Echo("1", Files + "/start").Should().Be(1);
        Messages(bench).Should().Equal(Init, CalledBack, Completed, Match);
    }

    [Fact]
    public void Runs_follow_each_other_and_never_free_their_buffers()
    {
        var bench = new DmaBench();
        bench.User.Poke([0]);
        ulong free = bench.Kernel.Pages.FreePages;
        for (int run = 0; run < 5; run++)
        {
            bench.User.Echo("1", Files + "/start").Should().Be(1);
        }

        Messages(bench).Count(text => text is Match).Should().Be(5);
        bench.Kernel.Pages.FreePages.Should().Be(free - 10);
    }

    [Fact]
    public void The_writer_waits_and_others_see_the_run_and_start_none()
    {
        var bench = new DmaBench();
        bench.User.Echo("0x400000", Files + "/size");
        var other = new TestProcess(bench.Kernel);
        long start = other.Open(Files + "/start", OpenFlags.ReadWrite);
        var writer = new TestProcess(bench.Kernel);
        long file = writer.Open(Files + "/start", OpenFlags.WriteOnly);
        writer.Poke("1"u8.ToArray());
        Attempt attempt = writer.Calls.Write(writer.Process, (int)file, writer.Buffer, 1);

        attempt.IsBlocked.Should().BeTrue();
        attempt.WaitsOn!.Name.Should().Be("dma_sync_wait");
        other.Read(start).Text.Should().Be("Y\n");
        other.Write(start, "1").Should().Be(1, "at once");
        Messages(bench).Should().Equal(Init);
        bench.RunFor(VirtualTime.Second);
        writer.Calls.Write(writer.Process, (int)file, writer.Buffer, 1).Should().Be((Attempt)1L);
        Messages(bench).Should().Equal(Init, CalledBack, Completed, Match);
    }

    [Fact]
    public void Without_a_controller_there_is_no_channel_and_the_test_never_runs_again()
    {
        DmaBench bench = new DmaBench().Without(1, 2, 3);

        bench.User.Echo("1", Files + "/start").Should().Be(1);

        Messages(bench).Should().Equal(Init, "no DMA channel available");
        bench.User.Echo(DmaBench.Device, DmaBench.DriverFiles + "/bind").Should().BePositive();
        bench.User.Cat(Files + "/start").Should().Be("Y\n");
        bench.User.Echo("1", Files + "/start").Should().Be(1);
        Messages(bench).Should().HaveCount(2);
    }

    [Theory]
    [InlineData("4194305", "error while allocating buffers")]
    [InlineData("-1", "error while allocating buffers")]
    [InlineData("0", "error during copy")]
    public void A_size_that_cannot_be_is_refused_in_the_modules_words(string size, string message)
    {
        var bench = new DmaBench();
        bench.User.Echo(size, Files + "/size");
        bench.User.Echo("1", Files + "/start").Should().Be(1);
        Messages(bench).Should().Equal(Init, message);
        bench.User.Cat(Files + "/start").Should().Be("Y\n");
    }

    [Fact]
    public void A_size_that_the_driver_cannot_program_is_a_mismatch_after_a_completion()
    {
        var bench = new DmaBench();
        bench.User.Echo("1000", Files + "/size");
        bench.User.Echo("1", Files + "/start").Should().Be(1);
        Messages(bench).Should().Equal(Init, CalledBack, Completed, Mismatch);
        bench.Log.Should().ContainSingle(line => line.Contains("Bad Desc(2)", StringComparison.Ordinal));
    }

    [Fact]
    public void When_the_smmu_stops_the_transfer_the_test_waits_five_seconds_and_says_so()
    {
        var bench = new DmaBench();
        bench.Cpu.Load(0x2C0B_0000, 4, out ulong control);
        bench.Cpu.Store(0x2C0B_0000, 4, control | 1 << 10);
        long begun = bench.Simulation.Now;

        bench.User.Echo("1", Files + "/start").Should().Be(1);

        (bench.Simulation.Now - begun)
            .Should()
            .BeInRange(5 * VirtualTime.Second, 5 * VirtualTime.Second + 1000 * VirtualTime.Microsecond);
        bench.Log.Should().Contain("dmaengine: dma_sync_wait: timeout!");
        Messages(bench).Should().Equal(Init, "tx error", Completed, Mismatch);
        bench.User.Cat("/sys/class/dma/dma0chan0/in_use").Should().Be("1\n", "the channel is not given back");
    }

    [Fact]
    public void With_the_interrupt_wire_cut_the_bytes_arrive_and_the_test_still_waits_in_vain()
    {
        var bench = new DmaBench(options: new() { ["dmac1_int_base"] = 200 });

        bench.User.Echo("1", Files + "/start").Should().Be(1);

        Messages(bench).Should().Equal(Init, "tx error", Completed, Match);
        bench.User.Cat(Files + "/start").Should().Be("Y\n", "nobody has called back");
    }

    [Fact]
    public void Unbinding_the_controller_ends_a_run_without_its_bytes()
    {
        var bench = new DmaBench();
        bench.User.Echo("0x400000", Files + "/size");
        var writer = new TestProcess(bench.Kernel);
        long file = writer.Open(Files + "/start", OpenFlags.WriteOnly);
        writer.Poke("1"u8.ToArray());
        writer.Calls.Write(writer.Process, (int)file, writer.Buffer, 1).IsBlocked.Should().BeTrue();
        bench.RunFor(10 * VirtualTime.Microsecond);

        bench.Without(1);
        bench.RunFor(VirtualTime.Millisecond);

        writer.Calls.Write(writer.Process, (int)file, writer.Buffer, 1).IsBlocked.Should().BeFalse();
        Messages(bench).Should().Equal(Init, Completed, Mismatch);
    }

    [Fact]
    public void A_writer_that_dies_leaves_a_run_that_ends_by_itself()
    {
        var bench = new DmaBench();
        var writer = new TestProcess(bench.Kernel);
        long file = writer.Open(Files + "/start", OpenFlags.WriteOnly);
        writer.Poke("1"u8.ToArray());
        writer.Calls.Write(writer.Process, (int)file, writer.Buffer, 1).IsBlocked.Should().BeTrue();
        writer.Process.Exit(9);
        bench.RunFor(VirtualTime.Millisecond);
        Messages(bench).Should().Equal(Init, CalledBack, Completed, Match);
    }

    [Fact]
    public void A_kernel_without_the_module_has_no_files_of_it() =>
        new DmaBench(KernelProfiles.VosysV6 with { Modules = [] }).User.Cat(Files + "/start").Should().Be("<ENOENT>");

    private static IEnumerable<string> Messages(DmaBench bench) =>
        bench
            .Log.Where(line => line.StartsWith("vosys dmatest: ", StringComparison.Ordinal))
            .Select(line => line["vosys dmatest: ".Length..]);
}
