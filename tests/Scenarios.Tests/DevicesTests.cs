namespace Emulator.Scenarios.Tests;

/// <summary><c>devices:</c>, the cards of a board.</summary>
public sealed class DevicesTests
{
    private const string Before = """
        name: cards
        board: virt
        kernel: none

        """;

    private const string After = """

        steps:
          - mmio: { read: 0x40_1000_8000, equals: 0x11e8_1234 }
        """;

    [Fact]
    public void A_device_is_plugged_in_where_it_says()
    {
        ScenarioReading reading = Bench.Read(Before + "devices: [\"edu,addr=1\"]\n" + After);
        reading.Errors.Should().BeEmpty();
        Bench.Runner.Run(reading.Scenario!).Failure.Should().BeNull();
    }

    [Fact]
    public void A_mistake_is_shown_at_the_device()
    {
        ScenarioReading reading = Bench.Read(Before + "devices:\n  - edu,addr=1\n  - edo,addr=2\n" + After);
        ScenarioError error = reading.Errors.Should().ContainSingle().Subject;
        error.Line.Should().Be(6);
        error.Message.Should().StartWith("'-device edo,addr=2': 'edo' is not modelled; devices: ");
    }

    [Theory]
    [InlineData("devices: [[edu]]", "a device is a text*")]
    [InlineData("devices: [\"edu,addr=1\", \"edu,addr=1\"]", "*slot 1.0 of pcie.0 is taken by emulator,edu")]
    public void What_is_no_device_or_does_not_fit_is_refused(string devices, string message)
    {
        ScenarioReading reading = Bench.Read(Before + devices + "\n" + After);
        reading.Errors.Should().ContainSingle().Which.Message.Should().Match(message);
    }

    [Fact]
    public void A_board_without_a_host_bridge_takes_no_devices()
    {
        ScenarioReading reading = Bench.Read(
            Before.Replace("virt", "fvp-ve", StringComparison.Ordinal) + "devices: [edu]\n" + After
        );
        reading.Errors[0].Message.Should().Be("the board has no PCI host bridge to plug devices into");
    }
}
