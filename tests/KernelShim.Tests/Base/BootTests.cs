using System.Globalization;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim.Tests;

/// <summary>The order of a boot, and procfs after it.</summary>
public sealed class BootTests
{
    [Fact]
    public void The_log_begins_as_that_of_linux() =>
        new BootedBoard()
            .LogLines.Take(4)
            .Should()
            .SatisfyRespectively(
                line => line.Should().Be("Booting Linux on physical CPU 0x0"),
                line => line.Should().StartWith("Linux version 3.16.0-rc1-vosys "),
                line => line.Should().Be("Machine model: RTSM_VE_Cortex_A15x4_A7x4"),
                line => line.Should().StartWith("Kernel command line: ")
            );

    [Fact]
    public void Init_calls_run_by_level_then_by_order_of_addition_and_devices_come_last_at_arch()
    {
        List<string> ran = [];
        IInitCall Call(string name, int level) =>
            new InitCall(name, level, kernel => ran.Add($"{name} {kernel.Drivers.Buses["platform"].Devices.Any()}"));

        _ = new BootedBoard(
            null,
            null,
            Call("late", InitLevel.Late),
            Call("device", InitLevel.Device),
            Call("device2", InitLevel.Device),
            Call("arch", InitLevel.Arch),
            Call("irq", InitLevel.Interrupts)
        );

        ran.Should().Equal("irq False", "arch False", "device True", "device2 True", "late True");
    }

    [Fact]
    public void A_kernel_boots_once() =>
        new BootedBoard().Invoking(board => board.Kernel.Boot()).Should().Throw<InvalidOperationException>();

    [Fact]
    public void The_command_line_is_that_of_chosen_else_the_profiles()
    {
        new BootedBoard().User.Cat("/proc/cmdline").Should().Contain("console=ttyAMA0").And.EndWith("\n");
        new BootedBoard(null, tree => tree.GetByPath("/chosen").SetStrings("bootargs", "quiet rw"))
            .User.Cat("/proc/cmdline")
            .Should()
            .Be("quiet rw\n");
    }

    [Fact]
    public void Proc_has_version_uptime_and_mounts()
    {
        var board = new BootedBoard();
        board.Kernel.Simulation.RunFor(1_500 * VirtualTime.Millisecond);

        board.User.Cat("/proc/version").Should().StartWith("Linux version 3.16.0-rc1-vosys ").And.EndWith("\n");
        board.User.Cat("/proc/uptime").Should().MatchRegex(@"^1\.5\d \d+\.\d\d\n$");
        board.User.Cat("/proc/meminfo").Should().MatchRegex(@"^MemTotal: +\d{7} kB\nMemFree: +\d{7} kB\n$");
        board.User.Cat("/proc/mounts").Should().Contain("sysfs /sys sysfs ").And.EndWith("0 0\n");
    }

    [Fact]
    public void Proc_iomem_lists_memory_and_devices_by_address()
    {
        string text = new BootedBoard().User.Cat("/proc/iomem");

        text.Should().Contain("2c0a0000-2c0a0fff : 2c0a0000.dma\n").And.Contain("80000000-ffffffff : System RAM\n");
        text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => ulong.Parse(line.Split('-')[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture))
            .Should()
            .BeInAscendingOrder();
    }

    [Fact]
    public void Proc_interrupts_has_a_column_for_each_cpu_and_ends_with_the_errors()
    {
        string[] lines = new BootedBoard().User.Cat("/proc/interrupts").Split('\n');

        lines[0].Should().StartWith("           CPU0       CPU1       CPU2       ");
        lines[1].Should().StartWith("IPI0:          0          0 ").And.EndWith("  CPU wakeup interrupts");
        lines[^2].Should().Be("Err:          0");
    }

    [Fact]
    public void A_line_of_proc_interrupts_has_the_columns_of_linux_and_unused_interrupts_have_none()
    {
        var board = new BootedBoard(
            null,
            null,
            new InitCall("init_IRQ", InitLevel.Interrupts, kernel => kernel.Interrupts = new Table())
        );

        board
            .User.Cat("/proc/interrupts")
            .Split('\n')
            .Should()
            .Contain(
                " 51:          3          0          0          0          0          0          0          0 "
                    + "      GIC  96 Level     2c0a0000.dma, other"
            )
            .And.NotContain(line => line.StartsWith(" 52:", StringComparison.Ordinal));
    }

    /// <summary>Two interrupts, one of which somebody asked for.</summary>
    private sealed class Table : IIrqSubsystem
    {
        public Table()
        {
            var used = new IrqDescriptor
            {
                Number = 51,
                HardwareNumber = 96,
                ChipName = "GIC",
                IsLevel = true,
                Count = 3,
            };
            used.Actions.Add(new IrqAction("2c0a0000.dma", () => true, this));
            used.Actions.Add(new IrqAction("other", () => true, this));
            Descriptors =
            [
                used,
                new IrqDescriptor
                {
                    Number = 52,
                    HardwareNumber = 97,
                    ChipName = "GIC",
                },
            ];
        }

        public IReadOnlyList<IrqDescriptor> Descriptors { get; }

        public int? Map(InterruptSpecifier specifier) => null;

        public long Request(int number, string name, Func<bool> handle, object owner, bool isShared = false) => 0;

        public void Free(int number, object owner) { }

        public void Disable(int number) { }

        public void Enable(int number) { }
    }
}
