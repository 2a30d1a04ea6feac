using Emulator.KernelShim;
using Emulator.Machine;

namespace Emulator.Userland.Tests.VfioTests;

/// <summary>Whole runs of test_pl330_vfio_driver on the guide's board.</summary>
public sealed class Pl330VfioTestTests
{
    private const string Folder = "cd ~/vfio-host-test/src_test/pl330; ";
    private const string Program = "test_pl330_vfio_driver";
    private const string Test = Folder + "./test_pl330_vfio_driver /dev/vfio/0 2c0a0000.dma";

    private const string Success = """
        register area mapped successfully
        device init, num channel: 8
        allocated thread 0
        channel 0 allocated
        debug: DMAMOV 1 be42f9
        debug: DMAMOV 0 0
        debug: DMAMOV 2 1000
        debug: set up loops:
        debug:     burst_cnt:16
        debug:     full_loop_cnt:0
        debug:     remaining_burst:16
        debug: DMALP LOOP_CNT_0_REG, count: 16
        debug:         inner_loop_off:20, cnt: 16
        debug:         inner_loop_end:26, backjmp: 4
        debug: DMASEV event: 0
        debug: DMAEND
        TRIGGER!
        ------------------------------
        | test completed successfully |
        ------------------------------

        """;

    // csharpier-ignore
    private static readonly string[] Opening =
    [
        "open(\"/dev/vfio/vfio\", O_RDWR) = 3",
        "ioctl(3, VFIO_GET_API_VERSION, 0) = 0",
        "ioctl(3, VFIO_CHECK_EXTENSION, 0x1) = 1",
        "open(\"/dev/vfio/0\", O_RDWR) = 4",
        "ioctl(4, VFIO_GROUP_GET_STATUS, P) = 0",
        "ioctl(4, VFIO_GROUP_SET_CONTAINER, P) = 0",
        "ioctl(3, VFIO_SET_IOMMU, 0x1) = 0",
        "mmap2(NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, 0, 0) = P",
        "ioctl(3, VFIO_DEVICE_PCI_HOT_RESET or VFIO_IOMMU_MAP_DMA, P) = 0",
        "mmap2(NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, 0, 0) = P",
        "ioctl(3, VFIO_DEVICE_PCI_HOT_RESET or VFIO_IOMMU_MAP_DMA, P) = 0",
        "mmap2(NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, 0, 0) = P",
        "ioctl(3, VFIO_DEVICE_PCI_HOT_RESET or VFIO_IOMMU_MAP_DMA, P) = 0",
    ];

    private readonly GuideSystem _system = new();

    [Fact]
    public void The_DMAC_copies_a_page_and_the_program_says_so() => _system.Bind().Run(Test).Should().Be((0, Success));

    [Fact]
    public void The_system_calls_are_those_of_the_real_program_in_its_order()
    {
        _system.Bind().Run(Test);

        // csharpier-ignore
        _system.CallsOf(Program).Should().Equal(
            [
                .. Opening,
                "ioctl(4, VFIO_GROUP_GET_DEVICE_FD, \"2c0a0000.dma\") = 5",
                "ioctl(5, VFIO_DEVICE_GET_INFO, P) = 0",
                "ioctl(5, VFIO_DEVICE_GET_REGION_INFO, P) = 0",
                "mmap2(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 5, 0) = P",
                "ioctl(1, TCGETS, P) = 0",
                .. Enumerable.Repeat("ioctl(5, VFIO_DEVICE_GET_IRQ_INFO, P) = 0", 8),
                "eventfd2(0, EFD_NONBLOCK|EFD_CLOEXEC) = 6",
                "ioctl(5, VFIO_DEVICE_SET_IRQS, P) = 0",
                "clock_gettime(CLOCK_REALTIME, P) = 0",
                "mmap2(NULL, 8388608, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = P",
                "mprotect(P, 4096, PROT_NONE) = 0",
                _system.CallsOf(Program).Single(call => call.StartsWith("clone(", StringComparison.Ordinal)),
                "_newselect(7, P, NULL, NULL, NULL) = 1",
                "read(6, \"\\1\\0\\0\\0\\0\\0\\0\\0\", 8) = 8",
                _system.CallsOf(Program).Single(call => call.StartsWith("clock_nanosleep(", StringComparison.Ordinal)),
                "ioctl(5, VFIO_DEVICE_SET_IRQS, P) = 0",
                "close(6) = 0",
                "exit_group(0) = ?",
            ]
        );
    }

    [Fact]
    public void An_exit_ends_the_thread_that_waits_for_interrupts()
    {
        _system.Bind().Run(Test);

        _system.Simulation.Scheduler.Processes.Should().NotContain(thread => thread.Name == Program);
        _system.Kernel.Processes.Values.Should().NotContain(process => process.Command == Program);
    }

    [Fact]
    public void Two_runs_are_equal_to_the_picosecond()
    {
        _system.Bind().Run(Test);
        var other = new GuideSystem();
        other.Bind().Run(Test);

        other.Trace.Should().Equal(_system.Trace);
    }

    [Fact]
    public void A_trace_changes_nothing_of_what_it_shows()
    {
        _system.Bind().Run(Test);
        var other = new GuideSystem();
        other.Simulation.Trace.Remove(other);
        other.Bind().Run(Test);

        other.Simulation.Now.Should().Be(_system.Simulation.Now);
        other.Kernel.Pages.FreePages.Should().Be(_system.Kernel.Pages.FreePages);
    }

    [Fact]
    public void A_killed_program_gives_everything_back()
    {
        ulong free = _system.Bind().Kernel.Pages.FreePages;

        (int status, string output) = _system.Run(Test + " & sleep 1; kill -9 $!; wait $!; echo $?");

        status.Should().Be(0);
        output.Should().EndWith("TRIGGER!\nKilled\n137\n");
        _system.Simulation.Scheduler.Processes.Should().NotContain(thread => thread.Name == Program);
        _system.Kernel.Pages.FreePages.Should().Be(free);
        _system
            .Kernel.Interrupts.Descriptors.SelectMany(line => line.Actions)
            .Should()
            .NotContain(action => action.Name.StartsWith("vfio-irq", StringComparison.Ordinal));
        _system.Run(Test).Should().Be((0, Success), "the group is free again");
    }

    [Fact]
    public void Control_C_ends_the_program_with_its_thread()
    {
        _system.Bind().Start(Test);
        _system.Simulation.RunFor(VirtualTime.Second);
        _system.Simulation.Scheduler.Processes.Should().Contain(thread => thread.Name == Program);

        _system.Console.Interrupt();
        _system.Simulation.RunFor(VirtualTime.Millisecond);

        _system.Console.IsIdle.Should().BeTrue();
        _system.Console.Status.Should().Be(130);
        _system.Simulation.Scheduler.Processes.Should().NotContain(thread => thread.Name == Program);
        _system.Run(Test).Should().Be((0, Success), "the group is free again");
    }

    [Fact]
    public void Of_two_at_once_the_second_cannot_have_the_group()
    {
        _system.Bind().Run(Test + " > /tmp/first & sleep 1; ./test_pl330_vfio_driver /dev/vfio/0 2c0a0000.dma; wait");

        _system.Screen.Should().Be("the group is not viable\n");
        _system.Run("cat /tmp/first").Output.Should().Be(Success);
    }

    [Fact]
    public void What_a_killed_program_had_in_its_buffer_is_lost()
    {
        _system.Bind().Run(Test + " > /tmp/out & sleep 1; kill -9 $!; wait $!; wc -c < /tmp/out");

        _system.Screen.Trim().Should().EndWith("0");
    }

    [Theory]
    [InlineData("", "Usage: ./test_pl330_vfio_driver /dev/vfio/${group_id} device_id\n")]
    [InlineData("/dev/vfio/0", "Usage: ./test_pl330_vfio_driver /dev/vfio/${group_id} device_id\n")]
    [InlineData("/dev/vfio/7 2c0a0000.dma", "the group is not viable\n")]
    [InlineData("/dev/null 2c0a0000.dma", "the group is not viable\n")]
    [InlineData("/dev/vfio/0 2c0b0000.dma", "Could not get VFIO device\n")]
    public void A_mistake_is_told_in_the_programs_words(string arguments, string output) =>
        _system.Bind().Run($"{Folder}./{Program} {arguments}").Should().Be((1, output));

    [Fact]
    public void A_device_of_another_name_is_asked_for_and_refused()
    {
        _system.Bind().Run($"{Folder}./{Program} /dev/vfio/0 2c0b0000.dma");

        // csharpier-ignore
        _system.CallsOf(Program).Should().Equal(
            [
                .. Opening,
                "ioctl(4, VFIO_GROUP_GET_DEVICE_FD, \"2c0b0000.dma\") = -1 ENODEV",
                "ioctl(1, TCGETS, P) = 0",
                "exit_group(1) = ?",
            ]
        );
    }

    [Fact]
    public void An_AMBA_device_was_never_bound_so_its_group_has_no_node()
    {
        _system.Run($"{Folder}./{Program} /dev/vfio/1 2c0a1000.dma").Should().Be((1, "the group is not viable\n"));
        // csharpier-ignore
        _system.CallsOf(Program).Should().Equal(
            "open(\"/dev/vfio/vfio\", O_RDWR) = 3",
            "ioctl(3, VFIO_GET_API_VERSION, 0) = 0",
            "ioctl(3, VFIO_CHECK_EXTENSION, 0x1) = 1",
            "open(\"/dev/vfio/1\", O_RDWR) = -1 ENOENT",
            "ioctl(-1, VFIO_GROUP_GET_STATUS, P) = -1 EBADF",
            "ioctl(1, TCGETS, P) = 0",
            "exit_group(1) = ?"
        );
    }

    [Fact]
    public void Without_permission_the_group_cannot_be_opened()
    {
        _system.Bind();
        _system.LogIn(process =>
        {
            process.UserId = 1000;
            process.Capabilities = Capabilities.None;
        });

        _system.Run(Test).Should().Be((1, "the group is not viable\n"));
        _system.CallsOf(Program).Should().Contain("open(\"/dev/vfio/0\", O_RDWR) = -1 EACCES");
    }

    [Fact]
    public void With_the_DMACs_interrupt_wire_cut_no_callback_comes()
    {
        _system.Bind();
        _system.Start(Test);
        _system.Simulation.RunUntil(
            () => _system.Screen.Contains("DMAEND", StringComparison.Ordinal),
            VirtualTime.Second
        );
        // The GIC's own enable bit of the line: nobody hears of the interrupt.
        _system.Kernel.Board.Cpu.Store(0x2C00_1180 + 4 * (96 / 32), 4, 1);
        _system.Simulation.RunUntil(() => _system.Console.IsIdle, 20 * VirtualTime.Second);

        _system.Console.Status.Should().Be(1);
        _system.Screen.Should().EndWith("Error, the controller hasn't notified yet the completionof the copy.\n");
    }
}
