namespace Emulator.Scenarios.Tests;

/// <summary>The steps by which a scenario's processes use VFIO.</summary>
public sealed class VfioStepTests
{
    private const string Bind = """
          - host: |
              echo vfio-platform > /sys/bus/platform/devices/2c0a0000.dma/driver_override
              echo 2c0a0000.dma > /sys/bus/platform/drivers_probe
        """;

    private const string Opened = "  - vfio: { as: dma, group: /dev/vfio/0, device: 2c0a0000.dma }\n";

    [Fact]
    public void Registers_are_reached_by_name_field_offset_mapping_and_file() =>
        Pass(
            """
              - regs: { on: dma, write: { INTEN: 0x5, 0xe8: 1 } }
              - regs: { on: dma, read: INTEN, equals: 5, as: inten }
              - regs: { on: dma, read: 0x20, by: file, mask: 4, equals: 4 }
              - regs: { on: dma, write: { INTEN: 0xff }, by: file }
              - regs: { on: dma, read: INTEN, equals: 0xff }
              - regs: { on: dma, read: CR0.num_chnls, equals: 7 }
              - expect: { value: inten, equals: 5 }
            """
        );

    [Fact]
    public void Memory_of_a_process_is_stored_mapped_and_compared() =>
        Pass(
            """
              - memory: { on: dma, size: 8KiB, as: buffer, fill: { count: 0 } }
              - map: { on: dma, iova: 0x10000, memory: buffer }
              - expect: { value: buffer.iova, equals: 0x10000 }
              - memory: { on: dma, at: buffer + 4KiB, words: [1, 2] }
              - expect: { memory: buffer + 4KiB, on: dma, size: 8, words: [1, 2] }
              - expect: { memory: buffer, size: 4, bytes: 00 01 02 03 }
              - map: { on: dma, iova: 0x10000, size: 4KiB, fails: { errno: EEXIST, by: vfio_dma_do_map } }
              - unmap: { on: dma, iova: 0x10000, size: 16KiB, unmapped: 8KiB }
              - unmap: { on: dma, iova: 0x10000, size: 4KiB, unmapped: 0 }
            """
        );

    [Fact]
    public void Interrupts_are_set_up_triggered_and_taken_away() =>
        Pass(
            """
              - irq: { on: dma, index: 2 }
              - never: { irq: dma.2, within: 10us }
              - irq: { on: dma, index: 2, action: trigger }
              - wait: { irq: dma.2, within: 1us, count: 1 }
              - note: the handler has masked it, as for an interrupt that came
                irq: { on: dma, index: 2, action: trigger }
              - never: { irq: dma.2, within: 1us }
              - irq: { on: dma, index: 2, action: unmask }
              - irq: { on: dma, index: 2, action: trigger }
              - wait: { irq: dma.2, within: 1us, count: 1 }
              - irq: { on: dma, index: 2, action: mask }
              - irq: { on: dma, index: 2, action: unmask }
              - irq: { on: dma, index: 2, action: "off" }
              - irq: { on: dma, index: 8, fails: EINVAL }
            """
        );

    [Fact]
    public void Two_groups_share_a_container()
    {
        const string Second = """
              - host: |
                  echo vfio-platform > /sys/bus/platform/devices/2c0a1000.dma/driver_override
                  echo 2c0a1000.dma > /sys/bus/platform/drivers_probe
              - vfio: { as: other, container: dma, group: /dev/vfio/1, device: 2c0a1000.dma }
              - map: { on: other, iova: 0, size: 4KiB }
              - map: { on: dma, iova: 0, size: 4KiB, fails: EEXIST }
              - close: { on: dma }
              - unmap: { on: other, iova: 0, size: 4KiB }
            """;
        const string Tree = """
            kernel-tree:
              overlay: |
                /dts-v1/;
                /plugin/;
                &dma1 { compatible = "arm,pl330"; };

            """;

        StepFailure failure = Run(Bind + "\n" + Opened + Second, Tree).Failure!;

        failure.Message.Should().Be("VFIO_IOMMU_UNMAP_DMA was refused");
        failure.Found[0].Should().StartWith("EBADF", "the container's only descriptor was that of the first");
    }

    [Theory]
    [InlineData("process: { as: p }", "the scenario has 256 processes; that is the limit")]
    [InlineData("memory: { on: dma, size: 64MiB }", "mmap was refused")]
    [InlineData("open: { on: dma, path: /dev/null }", "open of /dev/null was refused")]
    public void What_a_scenario_can_ask_for_without_end_is_bounded(string step, string message) =>
        Fail($"  - repeat: {{ times: 1000000, steps: [ {{ {step} }} ] }}\n").Message.Should().Be(message);

    [Theory]
    [InlineData("kill: { on: dma }", "killed by signal 9")]
    [InlineData("kill: { on: dma, signal: TERM }", "killed by signal 15")]
    public void A_killed_process_can_do_nothing_more(string kill, string how) =>
        Fail($"  - {kill}\n  - reset: {{ on: dma }}\n").Message.Should().Be($"process 'dma' has ended: {how}");

    [Fact]
    public void A_signal_that_is_ignored_kills_nobody() =>
        Pass("  - kill: { on: dma, signal: CHLD }\n  - regs: { on: dma, read: DSR, equals: 0 }\n");

    [Theory]
    [InlineData(
        "map: { on: dma, iova: 1, size: 4KiB }",
        "VFIO_IOMMU_MAP_DMA was refused",
        "success",
        "EINVAL (Invalid argument) by vfio_dma_do_map"
    )]
    [InlineData(
        "map: { on: dma, iova: 0, size: 4KiB, fails: EINVAL }",
        "VFIO_IOMMU_MAP_DMA was not refused",
        "EINVAL",
        "success (0)"
    )]
    [InlineData(
        "map: { on: dma, iova: 1, size: 4KiB, fails: EEXIST }",
        "VFIO_IOMMU_MAP_DMA was refused",
        "EEXIST",
        "EINVAL (Invalid argument) by vfio_dma_do_map"
    )]
    [InlineData(
        "map: { on: dma, iova: 1, size: 4KiB, fails: { errno: EINVAL, by: nobody } }",
        "VFIO_IOMMU_MAP_DMA was refused",
        "EINVAL by nobody",
        "EINVAL (Invalid argument) by vfio_dma_do_map"
    )]
    [InlineData("open: { on: dma, path: /nowhere }", "open of /nowhere was refused", "success", "ENOENT *")]
    [InlineData("regs: { on: dma, read: INTEN, equals: 7 }", "INTEN has another value", "0x7", "0x0")]
    [InlineData(
        "unmap: { on: dma, iova: 0, size: 4KiB }",
        "VFIO_IOMMU_UNMAP_DMA unmapped another size",
        "0x1000",
        "0x0"
    )]
    [InlineData(
        "ioctl: { on: dma.device, request: VFIO_DEVICE_GET_INFO, words: [16], gives: { words: [16, 4, 2] } }",
        "VFIO_DEVICE_GET_INFO gave another struct",
        "  0: 0x00000010",
        "  0: 0x00000010"
    )]
    [InlineData(
        "ioctl: { on: dma.container, request: VFIO_CHECK_EXTENSION, arg: 1, returns: 0 }",
        "VFIO_CHECK_EXTENSION returned something else",
        "0",
        "1"
    )]
    [InlineData("expect: { irqs: { SPI 64: 3 } }", "SPI 64 was taken another number of times", "3", "0")]
    [InlineData("expect: { dmesg: nothing of the kind }", "the kernel has not logged this", "nothing of the kind", "*")]
    [InlineData(
        "expect: { dmesg: { lacks: [ /.*SMMUv1 with.*/ ] } }",
        "the kernel has logged this",
        "no /.*SMMUv1 with.*/",
        "*SMMUv1 with:"
    )]
    [InlineData(
        "expect: { path: /proc/sys/kernel/ostype, holds: HURD }",
        "/proc/sys/kernel/ostype holds something else",
        "HURD",
        "*"
    )]
    [InlineData(
        "expect: { path: /sys/bus/platform/devices/2c0a0000.dma/iommu_group, link: ../nowhere }",
        "* is another link",
        "../nowhere",
        "../../kernel/iommu_groups/0"
    )]
    [InlineData("expect: { path: /dev/vfio/0, exists: false }", "/dev/vfio/0, whether it exists", "no", "yes")]
    [InlineData("wait: { irq: dma.1, within: 1us }", "interrupt 1 of 'dma' has no eventfd; *", null, null)]
    public void A_failure_says_what_was_expected_and_what_came(
        string step,
        string message,
        string? expected,
        string? found
    )
    {
        StepFailure failure = Fail($"  - {step}\n");

        failure.Message.Should().Match(message);
        (failure.Expected is [var wanted, ..] ? wanted : null).Should().Be(expected);
        (failure.Found is [var first, ..] ? first : "-").Should().Match(found ?? "-");
    }

    [Fact]
    public void An_interrupt_that_does_not_come_in_time_fails_the_step_and_one_that_comes_fails_never()
    {
        Fail("  - irq: { on: dma, index: 0 }\n  - wait: { irq: dma.0, within: 5us }\n")
            .Message.Should()
            .Be("interrupt 0 of 'dma' did not come within 5us");
        Fail(
            "  - irq: { on: dma, index: 0 }\n  - irq: { on: dma, index: 0, action: trigger }\n"
                + "  - never: { irq: dma.0, within: 5us }\n"
        )
            .Message.Should()
            .Be("interrupt 0 of 'dma' was never to come");
    }

    [Fact]
    public void A_user_without_capabilities_meets_the_modes_of_files()
    {
        ScenarioResult result = Run(
            """
              - process: { as: user, uid: 1000 }
              - open: { on: user, path: /dev/vfio/vfio, access: r }
              - open: { on: user, path: /sys/bus/platform/drivers_probe, access: w, fails: EACCES }
              - process: { as: admin, uid: 1000, caps: [dac_override] }
              - open: { on: admin, path: /sys/bus/platform/drivers_probe, access: w, as: file }
              - close: { on: file }
              - close: { on: file, fails: EBADF }
            """
        );

        result.Failure.Should().BeNull();
    }

    [Theory]
    [InlineData(
        "regs: { on: dma, read: INTEN }",
        "'dma' is not an opened device (made by 'vfio:'); did you mean 'dma1'? Known here: dma1"
    )]
    [InlineData("regs: { on: dma1, read: INTEM }", "dma0 has no register 'INTEM'; did you mean 'INTEN'?")]
    [InlineData("kill: { on: dma1, signal: NONE }", "there is no signal 'NONE'; write KILL, TERM, INT or a number")]
    [InlineData(
        "ioctl: { on: dma1.group, request: VFIO_GET_API_VERSIO }",
        "there is no ioctl 'VFIO_GET_API_VERSIO'; did you mean 'VFIO_GET_API_VERSION'?*"
    )]
    [InlineData("ioctl: { on: dma1, request: 1 }", "'dma1' is not a descriptor *")]
    [InlineData(
        "map: { on: dma1, iova: 0, size: 4KiB, fails: EBUSSY }",
        "'fails:' takes the name of an error number, such as EBUSY, not 'EBUSSY'; did you mean 'EBUSY'?"
    )]
    [InlineData("map: { on: dma1, iova: 0 }", "map needs 'size:'")]
    [InlineData(
        "process: { as: p, caps: [sys_admim] }",
        "there is no capability 'sys_admim'; did you mean 'sys_admin'? *"
    )]
    [InlineData(
        "wait: { irq: dma1, within: 1us }",
        "'irq:' takes an interrupt of a device that 'vfio:' has opened, such as dma.0, not 'dma1'"
    )]
    [InlineData("memory: { on: dma1, as: m }", "memory of a process is new *")]
    [InlineData("vfio: { group: /dev/vfio/0, device: d }", "vfio needs 'as:', *")]
    [InlineData("expect: { dmesg: \"/[/\" }", "this is no regular expression: *")]
    [InlineData("expect: { path: sys, exists: true }", "'path:' takes a whole path of the simulated system, from /")]
    [InlineData("dma330: { on: dma0, at: 0, bytes: '00' }", "'dma0' is not an opened device *")]
    public void Mistakes_are_told_before_anything_runs(string step, string message)
    {
        ScenarioReading reading = Bench.Read(
            "name: test\nboard: fvp-ve\nkernel: vosys-v6\nsteps:\n"
                + "  - vfio: { as: dma1, group: /dev/vfio/0, device: 2c0a0000.dma }\n"
                + $"  - {step}\n"
        );

        reading.Errors.Should().NotBeEmpty();
        reading.Errors[0].Message.Should().Match(message);
        reading.Errors[0].Line.Should().Be(6);
    }

    [Fact]
    public void Processes_need_a_kernel() =>
        Bench
            .StepErrors("  - process: { as: p }")
            .Should()
            .Equal("test.yaml:5:5: 'process:' is what a process does; the scenario says 'kernel: none'");

    [Theory]
    [InlineData("kernel-tree: { overlay: nowhere.dtso }", "there is no file 'nowhere.dtso' beside the scenario*")]
    [InlineData("kernel-tree: { }", "kernel-tree needs one of: overlay:, file:")]
    [InlineData("kernel-tree: { overlay: \"/dts-v1/; /plugin/;\\n&nobody { a; };\" }", "*nobody*")]
    public void A_wrong_device_tree_for_the_kernel_is_told(string key, string message) =>
        Bench
            .Read($"name: test\nboard: fvp-ve\nkernel: vosys-v6\n{key}\nsteps: [ ]\n")
            .Errors[0]
            .Message.Should()
            .Match(message);

    [Fact]
    public void A_kernel_can_be_told_another_board_than_it_runs_on()
    {
        ScenarioReading reading = Bench.Read(
            "name: t\nboard: fvp-ve\nkernel: vosys-v6\nkernel-tree: { file: k.dts }\nsteps:\n"
                + "  - expect: { path: /proc/device-tree/model, holds: \"/another.*/\" }\n",
            (
                "k.dts",
                "/dts-v1/; / { model = \"another\"; #address-cells=<1>; #size-cells=<1>; memory@80000000 { device_type=\"memory\"; reg=<0x80000000 0x8000000>; }; };"u8.ToArray()
            )
        );

        reading.Errors.Should().BeEmpty();
        Bench.Runner.Run(reading.Scenario!).Failure.Should().BeNull();
    }

    private static void Pass(string steps)
    {
        ScenarioResult result = Run(Bind + "\n" + Opened + steps);
        result.Failure.Should().BeNull(result.Failure is { } failure ? FailureText.Of(result.Scenario, failure) : "");
    }

    private static StepFailure Fail(string steps)
    {
        StepFailure? failure = Run(Bind + "\n" + Opened + steps).Failure;
        failure.Should().NotBeNull(steps);
        return failure!;
    }

    private static ScenarioResult Run(string steps, string top = "") =>
        Bench.Run(
            $"name: test\nboard: fvp-ve\nkernel: vosys-v6\n{top.ReplaceLineEndings("\n")}steps:\n{steps.ReplaceLineEndings("\n")}\n"
        );
}
