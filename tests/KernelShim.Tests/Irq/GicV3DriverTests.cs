using Emulator.Machine;

namespace Emulator.KernelShim.Tests;

/// <summary>The drivers of GICv3 and ITS on the virt board.</summary>
public sealed class GicV3DriverTests
{
    private readonly VirtKernel _virt = new();

    private static MessageName Name(int n) => new("ITS-MSI", 16384 + n);

    private void Signal(uint device, MessageInterrupt message)
    {
        _virt
            .Board.Bus.WriteWord(message.Address, 4, message.Data, new Transaction { DeviceId = device })
            .Should()
            .Be(BusStatus.Okay);
        _virt.Kernel.Simulation.RunFor(10 * VirtualTime.Microsecond);
    }

    [Fact]
    public void The_boot_tells_of_controller_redistributors_and_tables() =>
        _virt
            .Log.Should()
            .ContainInConsecutiveOrder(
                "GICv3: 224 SPIs implemented",
                "GICv3: 0 Extended SPIs implemented",
                "Root IRQ handler: gic_handle_irq",
                "GICv3: GICv3 features: 16 PPIs",
                "GICv3: CPU0: found redistributor 0 region 0:0x00000000080a0000",
                "GICv3: CPU1: found redistributor 1 region 0:0x00000000080c0000",
                "ITS [mem 0x08080000-0x0809ffff]"
            )
            .And.ContainMatch("ITS@0x0000000008080000: allocated 8192 Devices @* (indirect, esz 8, psz 64K, shr 1)")
            .And.ContainMatch(
                "ITS@0x0000000008080000: allocated 8192 Interrupt Collections @* (flat, esz 8, psz 64K, shr 1)"
            )
            .And.ContainMatch("GICv3: using LPI property table @0x00000000????????")
            .And.ContainMatch("GICv3: CPU1: using allocated LPI pending table @0x00000000????????")
            .And.Contain("PCI/MSI: /intc@8000000/its@8080000 domain created");

    [Fact]
    public void A_healthy_boot_gives_hardware_no_reason_to_complain() =>
        _virt.Kernel.Simulation.Trace.Problems.Should().BeEmpty();

    [Fact]
    public void Interrupts_are_listed_as_arm64_lists_them()
    {
        string[] lines = _virt.User.Cat("/proc/interrupts").Split('\n');
        lines[0].Should().Be("           CPU0       CPU1       ");
        lines[1].Should().Be(" 11:          0          0     GICv3  27 Level     arch_timer");
        lines.Should().Contain("IPI6:         0          0       CPU wake-up interrupts");
    }

    [Fact]
    public void Memory_regions_are_listed_inside_what_contains_them() =>
        _virt
            .User.Cat("/proc/iomem")
            .Should()
            .StartWith(
                "08000000-0800ffff : GICD\n"
                    + "080a0000-08ffffff : GICR\n"
                    + "09000000-09000fff : pl011@9000000\n"
                    + "  09000000-09000fff : 9000000.pl011 pl011@9000000\n"
                    + "09010000-09010fff : pl031@9010000\n"
                    + "  09010000-09010fff : rtc-pl031\n"
                    + "09030000-09030fff : pl061@9030000\n"
                    + "  09030000-09030fff : 9030000.pl061 pl061@9030000\n"
            )
            .And.Contain("\n10000000-3efeffff : pcie@10000000\n")
            .And.Contain("\n40000000-7fffffff : System RAM\n")
            .And.EndWith("4010000000-401fffffff : PCI ECAM\n8000000000-ffffffffff : pcie@10000000\n");

    [Fact]
    public void A_wire_reaches_its_handler_and_is_ended()
    {
        int taken = 0;
        InterruptLine wire = new(_virt.Kernel.Simulation.Trace, "test", "wire");
        wire.Connect(((IInterruptController)_virt.Board.Find("gic")!.Device!).FindInput([0, 100, 4], out _)!);
        int number = _virt
            .Kernel.Interrupts.Map(new(_virt.Kernel.Tree.FindCompatible("arm,gic-v3").First(), [0, 100, 4]))!
            .Value;
        _virt.Kernel.Interrupts.Request(
            number,
            "test",
            () =>
            {
                taken++;
                wire.Set(false);
                return true;
            },
            this
        );
        for (int round = 1; round <= 3; round++)
        {
            wire.Set(true);
            _virt.Kernel.Simulation.RunFor(10 * VirtualTime.Microsecond);
            taken.Should().Be(round);
        }
    }

    [Fact]
    public void Messages_of_a_device_become_its_interrupts_and_no_other_device_can_send_them()
    {
        ItsDriver its = ItsDriver.Of(_virt.Kernel)!;
        MessageInterrupt[] messages = [.. its.Allocate(0x10, 2, Name)!];
        messages.Select(message => message.Address).Should().OnlyContain(address => address == 0x0809_0040);
        messages.Select(message => message.Data).Should().Equal(0u, 1u);
        int[] taken = new int[2];
        for (int n = 0; n < 2; n++)
        {
            int which = n;
            _virt
                .Kernel.Interrupts.Request(messages[n].Interrupt, "dev", () => ++taken[which] > 0, this)
                .Should()
                .Be(0);
        }

        Signal(0x10, messages[1]);
        taken.Should().Equal(0, 1);
        Signal(0x11, messages[1]);
        taken.Should().Equal(0, 1);
        _virt.Kernel.Simulation.Trace.Count(Severity.Warning).Should().Be(1, "device 0x11 is not mapped");
        Signal(0x10, messages[0]);
        taken.Should().Equal(1, 1);
        _virt.User.Cat("/proc/interrupts").Should().Contain("          1          0   ITS-MSI 16385 Edge      dev\n");
    }

    [Fact]
    public void A_disabled_message_interrupt_comes_when_it_is_enabled_again()
    {
        ItsDriver its = ItsDriver.Of(_virt.Kernel)!;
        MessageInterrupt message = its.Allocate(0x18, 1, Name)![0];
        int taken = 0;
        _virt.Kernel.Interrupts.Request(message.Interrupt, "dev", () => ++taken > 0, this);
        _virt.Kernel.Interrupts.Disable(message.Interrupt);
        Signal(0x18, message);
        Signal(0x18, message);
        taken.Should().Be(0);
        _virt.Kernel.Interrupts.Enable(message.Interrupt);
        _virt.Kernel.Simulation.RunFor(10 * VirtualTime.Microsecond);
        taken.Should().BeGreaterThan(0);
    }

    [Fact]
    public void Messages_that_were_given_back_are_dropped_and_can_be_given_out_again()
    {
        ItsDriver its = ItsDriver.Of(_virt.Kernel)!;
        ulong free = _virt.Kernel.Pages.FreePages;
        MessageInterrupt message = its.Allocate(0x10, 32, Name)![31];
        its.Allocate(0x10, 1, Name).Should().BeNull("it has its messages");
        its.Free(0x10);
        Signal(0x10, message);
        _virt.Kernel.Simulation.Trace.Count(Severity.Warning).Should().Be(1);
        its.Allocate(0x10, 32, Name)!.Count.Should().Be(32);
        its.Free(0x10);
        (free - _virt.Kernel.Pages.FreePages).Should().Be(16, "the second level of the device table stays");
    }

    [Theory]
    [InlineData("6.1")]
    [InlineData("6.12")]
    public void Every_profile_of_the_recordings_boots_on_every_form_of_the_board(string name)
    {
        KernelProfile profile = name is "6.1" ? KernelProfiles.Linux61 : KernelProfiles.Linux612;
        foreach (
            (string option, ulong value) in new (string, ulong)[]
            {
                ("smp", 1),
                ("smp", 16),
                ("its", 0),
                ("iommu", 0),
                ("m", 128),
            }
        )
        {
            var virt = new VirtKernel(profile, new Dictionary<string, ulong> { [option] = value });
            virt.Kernel.Simulation.Trace.Problems.Should().BeEmpty($"of {option}={value}");
            (ItsDriver.Of(virt.Kernel) is null).Should().Be(option is "its");
        }
    }
}
