using Emulator.Machine;

namespace Emulator.KernelShim.Tests;

/// <summary>The class of GPIOs over the virt board's PL061.</summary>
public sealed class GpioTests
{
    private const string Class = "/sys/class/gpio/";

    private readonly VirtKernel _virt = new();

    private TestProcess User => _virt.User;

    private InterruptLine WireTo(int pin)
    {
        var wire = new InterruptLine(_virt.Kernel.Simulation.Trace, "test", "wire");
        wire.Connect(((IPinController)_virt.Board.Find("gpio")!.Device!).FindPin([(uint)pin, 0], out _)!);
        return wire;
    }

    private string Export(int number)
    {
        User.Echo($"{number}", Class + "export").Should().BeGreaterThan(0);
        return $"{Class}gpio{number}/";
    }

    private PollEvents Poll(long descriptor) => User.Process.FindFile((int)descriptor)!.Poll();

    private void Settle() => _virt.Kernel.Simulation.RunFor(100 * VirtualTime.Microsecond);

    [Theory]
    [InlineData("6.1", 504)]
    [InlineData("6.12", 512)]
    public void Numbers_come_from_the_end_of_512_or_begin_there(string name, int first)
    {
        var virt = new VirtKernel(name is "6.1" ? KernelProfiles.Linux61 : KernelProfiles.Linux612);
        virt.User.Cat($"{Class}gpiochip{first}/base").Should().Be($"{first}\n");
        virt.User.ReadLink($"{Class}gpiochip{first}")
            .Should()
            .Be($"../../devices/platform/9030000.pl061/gpio/gpiochip{first}");
        virt.Log.Should().Contain("pl061_gpio 9030000.pl061: PL061 GPIO chip registered");
        virt.Kernel.Simulation.Trace.Problems.Should().BeEmpty();
    }

    [Fact]
    public void An_input_shows_the_wire_and_active_low_turns_it_round()
    {
        InterruptLine wire = WireTo(2);
        string gpio = Export(506);
        User.Cat(gpio + "value").Should().Be("0\n");
        wire.Set(true);
        User.Cat(gpio + "value").Should().Be("1\n");
        User.Echo("1", gpio + "active_low");
        User.Cat(gpio + "value").Should().Be("0\n");
        User.Echo("1", gpio + "value").Should().Be(-(long)Errno.EPERM);
        User.RefusedBy.Should().Be("value_store");
    }

    [Fact]
    public void An_output_drives_the_pin()
    {
        string gpio = Export(505);
        BoardRegister pins = _virt.Board.Find("gpio")!.FindRegister("GPIODATA255")!.Value;
        foreach ((string word, uint expected) in new[] { ("high", 2u), ("low", 0u), ("out", 0u) })
        {
            User.Echo(word, gpio + "direction").Should().Be(word.Length + 1);
            _virt.Board.Cpu.Load(pins.Address, 4, out ulong value);
            value.Should().Be(expected, word);
        }
    }

    [Fact]
    public void An_edge_wakes_who_polls_the_value()
    {
        InterruptLine wire = WireTo(1);
        string gpio = Export(505);
        User.Echo("rising", gpio + "edge").Should().Be(7);
        long descriptor = User.Open(gpio + "value");
        Poll(descriptor).Should().HaveFlag(PollEvents.Priority, "it was never read");
        User.Read(descriptor);
        Poll(descriptor).Should().NotHaveFlag(PollEvents.Priority);
        wire.Set(true);
        Settle();
        Poll(descriptor).Should().HaveFlag(PollEvents.Priority).And.HaveFlag(PollEvents.Error);
        User.Do(_ => User.Calls.PRead(User.Process, (int)descriptor, User.Buffer, 16, 0)).Should().Be(2);
        wire.Set(false);
        Settle();
        Poll(descriptor).Should().NotHaveFlag(PollEvents.Priority, "falling was not asked for");
        User.Cat("/proc/interrupts").Should().Contain("          1          0 9030000.pl061   1 Edge      gpiolib\n");
    }

    [Fact]
    public void A_line_that_a_driver_has_cannot_be_exported_and_the_other_way_round()
    {
        _virt.Kernel.Modules!.Request("gpio_keys");
        User.Echo("507", Class + "export").Should().Be(-(long)Errno.EBUSY);
        User.Cat("/sys/kernel/debug/gpio")
            .Should()
            .Contain(" gpio-507 (                    |GPIO Key Poweroff   ) in  lo IRQ \n");
        User.Echo("gpio-keys", "/sys/bus/platform/drivers/gpio-keys/unbind").Should().BeGreaterThan(0);
        Export(507);
        User.Echo("gpio-keys", "/sys/bus/platform/drivers/gpio-keys/bind").Should().Be(-(long)Errno.EBUSY);
        _virt.Log.Should().Contain("gpio-keys gpio-keys: failed to get gpio: -16");
    }

    [Fact]
    public void The_power_key_raises_its_interrupt_when_it_is_pressed_and_released()
    {
        _virt.Kernel.Modules!.Request("gpio_keys");
        IKeys keys = _virt.Board.Devices.Select(device => device.Device).OfType<IKeys>().Single();
        keys.Press("poweroff", true);
        Settle();
        keys.Press("poweroff", false);
        Settle();
        User.Cat("/proc/interrupts")
            .Should()
            .Contain("          2          0 9030000.pl061   3 Edge      GPIO Key Poweroff\n");
    }

    [Fact]
    public void Unbinding_the_controller_takes_exported_lines_away()
    {
        string gpio = Export(504);
        User.Echo("9030000.pl061", "/sys/bus/amba/drivers/pl061_gpio/unbind").Should().BeGreaterThan(0);
        User.Cat(gpio + "value").Should().Be("<ENOENT>");
        User.Echo("9030000.pl061", "/sys/bus/amba/drivers/pl061_gpio/bind").Should().BeGreaterThan(0);
        Export(504);
    }
}
