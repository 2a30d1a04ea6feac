using System.Text;
using Emulator.Machine;

namespace Emulator.Userland.Tests.VfioTests;

/// <summary>vfio_test_device.sh, run by the simulated shell.</summary>
public sealed class VfioTestScriptTests
{
    private const string Menu = """
        Reading available devices to test...
        0) 2c0a0000.dma
        1) 2c0a1000.dma
        2) 2c0a2000.dma
        3) 2c0a3000.dma
        Choose the device index to test [0 ... 3]:

        """;

    private const string Unbound = """
        VFIO: device 2c0a0000.dma unbound successfully
        ===================== end test ======================



        """;

    private readonly GuideSystem _system = new();

    [Fact]
    public void The_choice_is_typed_at_the_console()
    {
        _system.Start("cd vfio-host-test && ./vfio_test_device.sh -s");
        _system.Simulation.RunFor(100 * VirtualTime.Millisecond);
        _system.Screen.Should().Be(Menu);

        _system.Terminal.Type(Encoding.UTF8.GetBytes("0\n"));
        _system.Simulation.RunUntil(() => _system.Console.IsIdle, 10 * VirtualTime.Second);

        _system.Console.Status.Should().Be(0);
        _system
            .Screen.Should()
            .StartWith(
                Menu
                    + "\n\n============== device specifid test =================\ncompiling DMA330 test code\n"
                    + "register area mapped successfully\n"
            )
            .And.EndWith("| test completed successfully |\n------------------------------\n" + Unbound);
    }

    [Fact]
    public void By_default_the_general_test_comes_first()
    {
        (int status, string output) = _system.Run("cd vfio-host-test; echo 0 | ./vfio_test_device.sh");

        status.Should().Be(0);
        output
            .Should()
            .Contain(
                "==================== begin test =====================\n"
                    + "testing device: 2c0a0000.dma; IOMMU group: 0; bus: platform\n"
                    + "------------------ C code ---------------------------\n"
                    + "dma-mapping some memory to the device\n"
            )
            .And.Contain("\n\n\n----------------- end C code -----------------------\ntest completed successfully\n")
            .And.NotContain("Num irqs")
            .And.EndWith(Unbound);
    }

    [Theory]
    [InlineData("-i")]
    [InlineData("--default --test-irq")]
    public void Interrupts_are_tested_when_asked_for(string options) =>
        _system
            .Run($"cd vfio-host-test; echo 0 | bash vfio_test_device.sh {options}")
            .Output.Should()
            .Contain("Num irqs: 8\n");

    [Fact]
    public void A_device_with_a_driver_is_taken_from_it()
    {
        _system.Bind();

        (int status, string output) = _system.Run("cd vfio-host-test; echo 0 | ./vfio_test_device.sh -s");

        status.Should().Be(0);
        output.Should().StartWith(Menu + "the device has already a driver, unloading it\n");
    }

    [Fact]
    public void A_device_of_the_AMBA_bus_cannot_be_bound_by_this_kernel() =>
        _system
            .Run("cd vfio-host-test; echo 1 | ./vfio_test_device.sh")
            .Should()
            .Be((1, Menu + "VFIO: error while probing device 2c0a1000.dma\n"));

    [Theory]
    [InlineData("4")]
    [InlineData("-1")]
    [InlineData("x")]
    [InlineData("")]
    [InlineData("0 1")]
    public void A_wrong_choice_is_told_on_standard_error(string choice)
    {
        (int status, string output) = _system.Run(
            $"cd vfio-host-test; echo '{choice}' | ./vfio_test_device.sh 2>/tmp/errors"
        );

        status.Should().Be(1);
        output.Should().Be(Menu);
        _system.Run("cat /tmp/errors").Output.Should().Be("Please select a value between 0 and 3\n");
    }

    [Fact]
    public void An_unknown_option_gets_the_usage() =>
        _system
            .Run("cd vfio-host-test; ./vfio_test_device.sh --help")
            .Should()
            .Be((0, "vfio_test_device.sh [-i|--test-irq][-s|--only-specific]\n"));

    [Fact]
    public void The_guides_slip_fails_as_a_shells_cd_does() =>
        _system
            .Run("cd vfio-vhost-test")
            .Output.Should()
            .Be("sh: cd: can't cd to vfio-vhost-test: No such file or directory\n");

    [Fact]
    public void Make_finds_the_programs_built()
    {
        _system
            .Run("cd vfio-host-test/src_test/pl330/ && make")
            .Should()
            .Be((0, "make: 'test_pl330_vfio_driver' is up to date.\n"));
        _system.Run("make -C ..").Should().Be((0, "make: 'vfio_dev_test' is up to date.\n"));
        _system
            .Run("rm test_pl330_vfio_driver; make")
            .Should()
            .Be(
                (
                    2,
                    "make: *** 'test_pl330_vfio_driver' is not there, and building it is not supported by this system.  Stop.\n"
                )
            );
        _system.Run("cd /tmp; make").Should().Be((2, "make: *** No targets specified and no makefile found.  Stop.\n"));
    }

    [Fact]
    public void A_login_begins_at_home() => _system.Run("pwd").Output.Should().Be("/root\n");
}
