using Emulator.Machine;
using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim.Tests;

/// <summary>Interrupts from a DMA-330's wire through the GIC's registers to a handler.</summary>
public sealed class IrqSubsystemTests
{
    private const ulong Code = 0x9000_0000;
    private readonly FvpKernel _machine = new(withIommu: false);

    [Fact]
    public void A_DMA_controllers_interrupt_reaches_its_handler_after_the_entry_latency()
    {
        int irq = _machine.Interrupt(64);
        long taken = 0;
        Request(irq, () => taken = _machine.Simulation.Now);

        long raised = Raise();
        taken.Should().Be(0, "nothing is taken in the middle of a bus access");
        _machine.RunFor(10 * VirtualTime.Microsecond);

        taken.Should().Be(raised + IrqSubsystem.EntryLatency);
        Descriptor(irq).Count.Should().Be(1);
        _machine.Read("gic.GICD_ISACTIVER3").Should().Be(0, "the end of the interrupt was written");
    }

    [Fact]
    public void An_interrupt_that_nobody_mapped_is_counted_as_an_error()
    {
        _machine.Write(_machine.FindRegister("gic.GICD_ISENABLER3"), 1);
        Raise();
        _machine.RunFor(IrqSubsystem.EntryLatency);
        _machine.ClearDmacInterrupts(0);
        _machine.RunFor(VirtualTime.Millisecond);

        ulong errors = _machine.Interrupts.ErrorCount;
        errors.Should().BePositive();
        _machine.Log.Should().Contain("unexpected IRQ trap at vector 60");
        ProcInterrupts.Show(_machine.Kernel).Should().EndWith($"Err: {errors, 10}\n");
    }

    [Fact]
    public void The_numbers_and_the_name_are_those_of_the_profile()
    {
        _machine.Interrupt(64).Should().Be(96, "3.16 keeps the controller's numbers");
        IrqDescriptor descriptor = Descriptor(96);
        descriptor.ChipName.Should().Be("GIC");
        descriptor.HardwareNumber.Should().Be(96);
        descriptor.IsLevel.Should().BeTrue();
        descriptor.DisableDepth.Should().Be(1);

        KernelProfile later = KernelProfiles.VosysV6 with { GicKeepsHardwareNumbers = false, GicChipName = "GICv2" };
        var other = new FvpKernel(later, withIommu: false);
        other.Interrupt(64).Should().Be(16);
        other.Interrupt(3).Should().Be(17);
        other.Interrupt(64).Should().Be(16, "a line is mapped once");
        other.Interrupts.Descriptors.Select(one => one.ChipName).Should().Equal("GICv2", "GICv2");
    }

    [Fact]
    public void Specifiers_of_other_controllers_and_of_lines_that_are_not_there_are_not_mapped()
    {
        DeviceTreeNode gic = _machine.Kernel.Tree.FindByPath("/interrupt-controller@2c001000")!;

        _machine.Interrupts.Map(new InterruptSpecifier(gic, [0, 988, 4])).Should().BeNull();
        _machine.Interrupts.Map(new InterruptSpecifier(gic, [0, uint.MaxValue, 4])).Should().BeNull();
        _machine.Interrupts.Map(new InterruptSpecifier(gic, [0, 4])).Should().BeNull();
        _machine.Interrupts.Map(new InterruptSpecifier(gic.Parent!, [0, 4, 4])).Should().BeNull();
        _machine.Interrupts.Map(new InterruptSpecifier(gic, [1, 9, 4])).Should().Be(25, "a PPI");
    }

    [Fact]
    public void The_controller_is_programmed_as_Linux_does()
    {
        var fresh = new FvpKernel(withIommu: false);

        fresh.Read("gic.GICD_CTLR").Should().Be(1);
        fresh.Read("gic.GICC_CTLR").Should().Be(1);
        fresh.Read("gic.GICC_PMR").Should().Be(0xF0);
        fresh.Read("gic.GICD_IPRIORITYR24").Should().Be(0xA0A0_A0A0);
        fresh.Read("gic.GICD_ITARGETSR24").Should().Be(0x0101_0101);
        fresh.Read("gic.GICD_ISENABLER3").Should().Be(0);
        fresh.Simulation.Trace.Problems.Should().BeEmpty();
    }

    [Fact]
    public void Level_and_edge_are_told_to_the_controller()
    {
        _machine.Interrupt(64, flags: 1);
        _machine.Interrupt(65, flags: 4);
        _machine.Read("gic.GICD_ICFGR6").Should().Be(0b0010);
        Descriptor(96).IsLevel.Should().BeFalse();

        _machine.Interrupt(66, flags: 8);
        _machine.Log.Should().Contain("genirq: Setting trigger mode 8 for irq 98 failed (gic_set_type)");
    }

    [Fact]
    public void A_line_that_was_disabled_is_masked_when_it_fires_and_fires_again_when_enabled()
    {
        int irq = _machine.Interrupt(64);
        int taken = 0;
        Request(irq, () => taken++);
        _machine.Interrupts.Disable(irq);
        IsOpen().Should().BeTrue("disabling is lazy");

        Raise();
        _machine.RunFor(10 * VirtualTime.Microsecond);
        taken.Should().Be(0);
        IsOpen().Should().BeFalse();

        _machine.Interrupts.Enable(irq);
        _machine.RunFor(10 * VirtualTime.Microsecond);
        taken.Should().Be(1);
        IsOpen().Should().BeTrue();
    }

    [Fact]
    public void Disabling_nests_and_enabling_once_too_often_is_told()
    {
        int irq = _machine.Interrupt(64);
        int taken = 0;
        Request(irq, () => taken++);
        _machine.Interrupts.Disable(irq);
        _machine.Interrupts.Disable(irq);
        Raise();

        _machine.Interrupts.Enable(irq);
        _machine.RunFor(10 * VirtualTime.Microsecond);
        taken.Should().Be(0);
        Descriptor(irq).DisableDepth.Should().Be(1);

        _machine.Interrupts.Enable(irq);
        _machine.RunFor(10 * VirtualTime.Microsecond);
        taken.Should().Be(1);

        _machine.Interrupts.Enable(irq);
        _machine.Log.Should().ContainSingle().Which.Should().Be("Unbalanced enable for IRQ 96");
    }

    [Theory]
    [InlineData(true, 2)]
    [InlineData(false, 1)]
    public void A_level_line_whose_handler_disables_it_stays_masked_until_it_is_enabled(bool countsAll, int count)
    {
        var machine = new FvpKernel(
            KernelProfiles.VosysV6 with
            {
                CountsInterruptsOfDisabledLines = countsAll,
            },
            withIommu: false
        );
        int irq = machine.Interrupt(64);
        int taken = 0;
        machine.Interrupts.Request(
            irq,
            "vfio-irq",
            () =>
            {
                taken++;
                machine.Interrupts.Disable(irq);
                return true;
            },
            this
        );
        RaiseOn(machine);

        machine.RunFor(VirtualTime.Millisecond);
        taken.Should().Be(1);
        machine.Interrupts.Descriptors.Single().Count.Should().Be((ulong)count);
        machine.Read("gic.GICD_ISENABLER3").Should().Be(0);

        machine.Interrupts.Enable(irq);
        machine.RunFor(VirtualTime.Millisecond);
        taken.Should().Be(2, "the device was not made quiet");

        machine.ClearDmacInterrupts(0);
        machine.Interrupts.Enable(irq);
        machine.RunFor(VirtualTime.Millisecond);
        taken.Should().Be(2);
    }

    [Fact]
    public void A_line_that_nobody_asked_for_is_never_delivered()
    {
        _machine.Interrupt(64);
        Raise();
        _machine.RunFor(VirtualTime.Millisecond);

        Descriptor(96).Count.Should().Be(0);
        IsOpen().Should().BeFalse();
        _machine.Board.Cpu.Irq.Level.Should().BeFalse();
    }

    [Fact]
    public void A_freed_line_is_masked_and_can_be_asked_for_again()
    {
        int irq = _machine.Interrupt(64);
        int taken = 0;
        Request(irq, () => taken++);
        _machine.Interrupts.Free(irq, this);
        IsOpen().Should().BeFalse();
        Raise();
        _machine.RunFor(VirtualTime.Millisecond);
        taken.Should().Be(0);

        Request(irq, () => taken++);
        _machine.RunFor(VirtualTime.Millisecond);
        taken.Should().Be(1);

        _machine.Interrupts.Free(irq, new object());
        _machine.Log.Should().ContainSingle().Which.Should().Be("Trying to free already-free IRQ 96");
    }

    [Fact]
    public void A_line_is_shared_only_if_all_agree()
    {
        int irq = _machine.Interrupt(64);
        IrqSubsystem interrupts = _machine.Interrupts;
        interrupts.Request(irq, "one", () => false, "one").Should().Be(0);
        interrupts.Request(irq, "two", () => false, "two", isShared: true).Should().Be(-(long)Errno.EBUSY);
        _machine
            .Log.Should()
            .ContainSingle()
            .Which.Should()
            .Be("genirq: Flags mismatch irq 96. 00000080 (two) vs. 00000000 (one)");
        interrupts.Request(4_711, "nobody", () => false, "x").Should().Be(-(long)Errno.EINVAL);

        interrupts.Free(irq, "one");
        List<string> order = [];
        foreach (string name in new[] { "a", "b" })
        {
            interrupts.Request(irq, name, () => Note(order, name), name, isShared: true).Should().Be(0);
        }

        Raise();
        _machine.RunFor(10 * VirtualTime.Microsecond);
        order.Should().Equal("a", "b");
    }

    [Fact]
    public void An_edge_that_comes_while_its_line_is_disabled_is_delivered_when_it_is_enabled()
    {
        int irq = _machine.Interrupt(64, flags: 1);
        int taken = 0;
        Request(irq, () => taken++);
        _machine.Interrupts.Disable(irq);
        Raise();
        _machine.ClearDmacInterrupts(0);
        _machine.RunFor(10 * VirtualTime.Microsecond);
        taken.Should().Be(0);

        _machine.Interrupts.Enable(irq);
        taken.Should().Be(0, "not within the call");
        _machine.RunFor(10 * VirtualTime.Microsecond);
        taken.Should().Be(1);
    }

    [Fact]
    public void A_line_on_which_nothing_is_handled_is_given_up()
    {
        int irq = _machine.Interrupt(64);
        int taken = 0;
        _machine.Interrupts.Request(
            irq,
            "deaf",
            () =>
            {
                taken++;
                return false;
            },
            this
        );
        Raise();
        _machine.RunFor(VirtualTime.Second);

        taken.Should().Be(100_000);
        _machine
            .Log.Should()
            .Equal(
                "irq 96: nobody cared (try booting with the \"irqpoll\" option)",
                "handlers:",
                "deaf",
                "Disabling IRQ #96"
            );
        _machine.Kernel.Log.Lines.Last().Level.Should().Be(LogLevel.Emergency);
        IsOpen().Should().BeFalse();
        Descriptor(irq).DisableDepth.Should().Be(1);
    }

    [Fact]
    public void A_device_that_is_never_made_quiet_does_not_stop_the_clock()
    {
        int irq = _machine.Interrupt(64);
        int taken = 0;
        _machine.Interrupts.Request(
            irq,
            "deaf",
            () =>
            {
                taken++;
                return true;
            },
            this
        );
        Raise();
        _machine.RunFor(VirtualTime.Millisecond);
        taken.Should().BeInRange(990, 1_001);
    }

    private bool Note(List<string> order, string name)
    {
        order.Add(name);
        _machine.ClearDmacInterrupts(0);
        return true;
    }

    /// <summary>Has channel 0 of the first DMAC signal event 0; returns when.</summary>
    private static long RaiseOn(FvpKernel machine)
    {
        machine.Store(Code, Code, "DMASEV 0\nDMAEND");
        machine.StartChannel(0, 0, (uint)Code);
        RunResult result = machine.Simulation.RunUntil(
            () => (machine.Read(FvpKernel.DmacBase(0) + 0x28) & 1) != 0,
            machine.Simulation.Now + VirtualTime.Second
        );
        result.Should().Be(RunResult.Reached);
        return machine.Simulation.Now;
    }

    private long Raise() => RaiseOn(_machine);

    private void Request(int irq, Action handle) =>
        _machine
            .Interrupts.Request(
                irq,
                "test",
                () =>
                {
                    handle();
                    _machine.ClearDmacInterrupts(0);
                    return true;
                },
                this
            )
            .Should()
            .Be(0);

    private IrqDescriptor Descriptor(int number) =>
        _machine.Interrupts.Descriptors.Single(descriptor => descriptor.Number == number);

    private bool IsOpen() => (_machine.Read("gic.GICD_ISENABLER3") & 1) != 0;
}
