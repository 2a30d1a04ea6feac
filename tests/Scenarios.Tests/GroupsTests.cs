namespace Emulator.Scenarios.Tests;

/// <summary><c>groups:</c>, and expectations of who shares an IOMMU group.</summary>
public sealed class GroupsTests
{
    private const string Before = """
        name: groups
        board: virt
        kernel: "6.12"
        boot: acpi
        devices: ["edu,addr=2.0,multifunction=on", "edu,addr=2.1", "edu,addr=3"]
        steps:
          - host: |
              # modprobe pci-stub
              # for f in 02.0 02.1 03.0; do
                echo pci-stub > /sys/bus/pci/devices/0000:00:$f/driver_override
                echo 0000:00:$f > /sys/bus/pci/drivers_probe
              done
              ...

        """;

    [Theory]
    [InlineData("- expect: { same_group: [00:02.0, 0000:00:02.1] }")]
    [InlineData("- expect: { own_groups: [00:02.0, 00:03.0] }")]
    [InlineData("- groups: all")]
    [InlineData("- groups: { shows: [a virtual machine takes 0000:00:02.0 and 0000:00:02.1] }")]
    [InlineData("- groups: { why: 00:03.0, shows: [its own ID, a new group] }")]
    public void Groups_are_as_the_kernel_made_them(string step) => Run(step).Should().BeNull();

    [Fact]
    public void A_group_that_is_not_shared_is_explained()
    {
        StepFailure failure = Run("- expect: { same_group: [00:02.0, 00:03.0] }")!;
        failure.Message.Should().Be("these are not in one group");
        failure
            .Found.Should()
            .Contain("0000:00:02.0: group 0")
            .And.Contain("0000:00:03.0 (conventional function) is in group 1:");
    }

    [Theory]
    [InlineData("- expect: { own_groups: [00:02.0, 00:02.1] }", "these are not in a group each")]
    [InlineData("- expect: { same_group: [00:02.0, 00:09.0] }", "there is no PCI function '00:09.0'")]
    [InlineData("- groups: { why: 00:09.0 }", "there is no PCI function '00:09.0'")]
    [InlineData("- groups: { shows: [group 77] }", "the groups are others: 'group 77' is not shown")]
    public void What_is_not_so_fails(string step, string message) => Run(step)!.Message.Should().Be(message);

    [Theory]
    [InlineData("kernel: none\nsteps: [{ groups: { why: 00:01.0 } }]", "'groups:' needs a kernel*")]
    [InlineData("kernel: none\nboot: acpi\nsteps: []", "'boot:' says how a kernel is told*")]
    [InlineData(
        "kernel: \"6.1\"\nsteps: [{ expect: { same_group: [00:01.0] } }]",
        "'same_group:' is a list of at least two*"
    )]
    public void Mistakes_are_told(string rest, string message) =>
        Bench.Read($"name: x\nboard: virt\n{rest}\n").Errors[0].Message.Should().Match(message);

    private static StepFailure? Run(string step)
    {
        ScenarioReading reading = Bench.Read($"{Before}  {step}\n");
        reading.Errors.Should().BeEmpty();
        return Bench.Runner.Run(reading.Scenario!).Failure;
    }
}
