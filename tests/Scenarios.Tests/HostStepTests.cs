namespace Emulator.Scenarios.Tests;

/// <summary><c>host:</c> types at a console of the simulated Linux and compares what comes back.</summary>
public sealed class HostStepTests
{
    [Fact]
    public void A_transcript_is_typed_command_by_command()
    {
        ScenarioResult result = Run(
            """
            # uname -r
            3.16.0-rc1-vosys
            # cd /sys/kernel/iommu_groups
            /sys/kernel/iommu_groups# ls
            0  1  2  3
            [root] # for group in *
            do
              echo group $group
            done
            group 0
            ...
            /group [3]/
            """
        );

        result.Failure.Should().BeNull();
    }

    [Theory]
    [InlineData("# echo a b\na b", true)]
    [InlineData("# echo a b\na", false)]
    [InlineData("# echo a b", false)]
    [InlineData("# true", true)]
    [InlineData("# true\na", false)]
    [InlineData("# true\n...", true)]
    [InlineData("# seq 9\n1\n...\n9", true)]
    [InlineData("# seq 9\n...\n5\n...\n8\n...", true)]
    [InlineData("# seq 9\n...\n5\n...\n4\n...", false)]
    [InlineData("# seq 9\n...\n...\n9", true)]
    [InlineData("# seq 9\n...\n9\n...\n...", true)]
    [InlineData("# seq 9\n...\n10", false)]
    [InlineData("# seq 9\n...\n8", false)]
    [InlineData("# echo 2c0a0000.dma\n/[0-9a-f]{8}\\.dma/", true)]
    [InlineData("# echo x2c0a0000.dma\n/[0-9a-f]{8}\\.dma/", false)]
    [InlineData("# echo /a.c/\n/a.c/", true)]
    [InlineData("# echo /sys/\n/sys/", true)]
    public void The_lines_below_a_command_must_come_back(string transcript, bool passes) =>
        (Run(transcript).Failure is null).Should().Be(passes);

    [Fact]
    public void A_script_must_succeed_and_a_status_can_be_asked_for()
    {
        Run("mkdir /tmp/a\ntouch /tmp/a/b").Failure.Should().BeNull();
        Run("cat /nowhere")
            .Failure!.Found.Should()
            .Contain("exit 1")
            .And.Contain("cat: can't open '/nowhere': No such file or directory");
        Run("exit: 1", "cat /nowhere").Failure.Should().BeNull();
        Run("exit: 0", "cat /nowhere").Failure!.Expected.Should().Equal("exit 0");
    }

    [Fact]
    public void A_failure_names_the_line_of_the_command_and_shows_what_was_printed()
    {
        StepFailure failure = Run("# true\n# echo one\ntwo").Failure!;

        failure.Place.Line.Should().Be(7);
        failure.Message.Should().Be("'echo one' printed something else");
        failure.Expected.Should().Equal("two");
        failure.Found.Should().Equal("one");
    }

    [Fact]
    public void A_command_that_never_ends_is_given_up()
    {
        StepFailure failure = Run("# sleep 61").Failure!;

        failure.Message.Should().Be("the command has not ended after 60s");
    }

    [Theory]
    [InlineData("while true; do :; done")]
    [InlineData("cat /dev/zero")]
    public void A_command_that_works_for_ever_is_ended(string command) =>
        Run(command).Failure!.Message.Should().StartWith("the scenario has computed 100000000 ");

    [Fact]
    public void Nothing_can_be_typed_after_the_shell_has_ended() =>
        Run("# exit 3\n# echo one\none").Failure!.Message.Should().Be("the shell of this console has ended");

    [Fact]
    public void Time_is_virtual_and_runs_repeat()
    {
        const string Transcript = "# sleep 5\n# dmesg\n...";
        Run(Transcript).VirtualTime.Should().BeGreaterThan(5_000_000_000_000).And.Be(Run(Transcript).VirtualTime);
    }

    [Theory]
    [InlineData("kernel: none", "host: 'true'", "host needs a kernel; the scenario says 'kernel: none'")]
    [InlineData(
        "kernel: vosys-v6",
        "mmio: { write: { dma0.INTEN: 1 } }",
        "'mmio:' acts on bare metal; under kernel 'vosys-v6' use 'host:' or 'regs:'"
    )]
    [InlineData(
        "kernel: vosys-v5",
        "host: 'true'",
        "kernel 'vosys-v5' is not modelled; did you mean 'vosys-v6'? Kernels: none, slides-2013-before, slides-2013, vosys-v6, 6.1, 6.12, 6.12-oracle"
    )]
    [InlineData("kernel: vosys-v6", "host: [ ]", "host takes a transcript, the text of a console, not an empty list")]
    [InlineData("kernel: vosys-v6", "host: { on: tty2 }", "host needs one of: run:, start:, type:, keys:")]
    [InlineData("kernel: vosys-v6", "host: 'if true'", "the shell cannot read this: *")]
    [InlineData(
        "kernel: vosys-v6",
        "host: \"# The prose of a guide\\nb\"",
        "nothing runs '# The prose of a guide', so nothing can come back"
    )]
    [InlineData("kernel: vosys-v6", "host: \"# true\\n/[/\"", "this is no regular expression: *")]
    public void Mistakes_are_told_before_anything_runs(string kernel, string step, string message)
    {
        ScenarioReading reading = Bench.Read($"name: test\nboard: fvp-ve\n{kernel}\nsteps:\n  - {step}\n");

        reading.Scenario.Should().BeNull();
        reading.Errors[0].Message.Should().Match(message);
    }

    private static ScenarioResult Run(string transcript) => Run("", transcript);

    private static ScenarioResult Run(string more, string transcript)
    {
        string lines = string.Concat(transcript.ReplaceLineEndings("\n").Split('\n').Select(line => $"      {line}\n"));
        string step = more.Length == 0 ? $"  - host: |\n{lines}" : $"  - host:\n     {more}\n     run: |\n{lines}";
        return Bench.Run($"name: test\nboard: fvp-ve\nkernel: vosys-v6\nsteps:\n{step}");
    }
}
