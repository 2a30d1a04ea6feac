namespace Emulator.Scenarios.Tests;

/// <summary>Several consoles, programs that go on while others run, and what the kernel prints between.</summary>
public sealed class ConsoleTests
{
    [Fact]
    public void Consoles_have_shells_of_their_own() =>
        Pass(
            """
              - host: { on: tty2, run: x=2 }
              - host: { on: tty3, run: cd /sys }
              - host: { on: tty2, run: "# echo $x; pwd\n2\n/root" }
              - host: { on: tty3, run: "# echo $x; pwd\n\n/sys" }
            """
        );

    [Fact]
    public void A_program_is_started_typed_to_and_waited_for() =>
        Pass(
            """
              - host: { on: tty2, start: "echo name?; read name; echo hello $name; sleep 1; exit 3", until: name? }
              - host: { run: "# echo meanwhile\nmeanwhile" }
              - host: { on: tty2, type: world, until: /hel+o/, prints: hello world }
              - host: { on: tty2, for: 10ms, prints: "..." }
              - host: { on: tty2, exit: 3 }
            """
        );

    [Fact]
    public void Keys_end_what_runs() =>
        Pass(
            """
              - host: { start: sleep 1000, for: 1s }
              - host: { keys: ctrl-c, exit: 130 }
              - host: { start: cat, for: 1ms }
              - host: { type: a line, until: a line }
              - host: { keys: ctrl-d, exit: 0 }
              - host: { start: cat, for: 1ms }
              - host: { keys: ctrl-d, exit: 0 }
            """
        );

    [Fact]
    public void A_user_can_have_a_console() =>
        Pass(
            "  - host: { on: tty2, user: 1000, run: \"$ id -u\\n1000\\n$ echo x > /sys/bus/platform/uevent\\n/.*Permission denied/\" }\n"
        );

    [Fact]
    public void The_kernel_prints_on_the_first_console_with_a_time_that_needs_no_comparing() =>
        Pass(
            """
              - host: |
                  # echo 2c0a0000.dma > /dev/kmsg
                  2c0a0000.dma
                  # echo '<7>not shown' > /dev/kmsg
                  # dmesg -n 4; echo '<5>nor this' > /dev/kmsg
                  # echo '<3>but this' > /dev/kmsg
                  /\[ +0\.\d+\] but this/
                  # head -n 1 /dev/kmsg | cut -d, -f1-3
                  6,0,0
              - host: { on: tty2, run: "# echo '<1>not here' > /dev/kmsg" }
              - host: |
                  not here
                  # true
            """
        );

    [Theory]
    [InlineData("host: { type: x }", "nothing runs on this console that could read; begin it with 'start:'")]
    [InlineData("host: { keys: ctrl-c }", "nothing runs on this console *")]
    [InlineData("host: { start: true, until: never, within: 1ms }", "the console has not shown this after 1ms")]
    [InlineData("host: { start: echo a, exit: 0, prints: b }", "the console shows something else")]
    [InlineData("host: { start: sleep 9, exit: 0, within: 1s }", "the command has not ended after 1s")]
    [InlineData(
        "repeat: { times: 2, steps: [ { host: { start: sleep 9 } } ] }",
        "a command still runs on this console; *"
    )]
    public void Failures_say_what_the_console_does(string step, string message) =>
        Run($"  - {step}\n").Failure!.Message.Should().Match(message);

    [Theory]
    [InlineData("host: { run: true, until: x }", "'run:' waits for the end *")]
    [InlineData("host: { start: \"if\" }", "the shell cannot read this: *")]
    [InlineData("host: { until: \"/[/\", start: true }", "this is no regular expression: *")]
    [InlineData("host: { keys: ctrl-x }", "'keys:' cannot be 'ctrl-x'; did you mean 'ctrl-c'? *")]
    public void Mistakes_are_told_before_anything_runs(string step, string message) =>
        Bench
            .Read($"name: test\nboard: fvp-ve\nkernel: vosys-v6\nsteps:\n  - {step}\n")
            .Errors[0]
            .Message.Should()
            .Match(message);

    [Fact]
    public void Prose_after_a_prompt_is_a_comment_and_is_noted()
    {
        ScenarioReading reading = Bench.Read(
            "name: test\nboard: fvp-ve\nkernel: vosys-v6\nsteps:\n  - host: |\n"
                + "      # Now bind the device\n      # greet() { echo hi; }\n      # greet\n      hi\n"
        );

        reading.Errors.Should().BeEmpty();
        reading
            .Notes.Should()
            .ContainSingle()
            .Which.ToString()
            .Should()
            .Be("test.yaml:6:7: '# Now bind the device' begins with no command; it is taken as a comment");
        Bench.Runner.Run(reading.Scenario!).Failure.Should().BeNull();
    }

    [Fact]
    public void A_difference_is_shown_from_where_it_begins()
    {
        StepFailure failure = Run(
            "  - host: |\n      # seq 20\n      ...\n      /1[0-2]/\n      11\n      12\n      14\n      ...\n"
        ).Failure!;

        failure.Expected.Should().Equal("...", "10", "11", "12", "14", "...");
        failure.Found.Should().Equal("...", "10", "11", "12", "13", "14", "15", "16", "17", "18", "19", "20");
    }

    private static void Pass(string steps)
    {
        ScenarioResult result = Run(steps);
        result.Failure.Should().BeNull(result.Failure is { } failure ? FailureText.Of(result.Scenario, failure) : "");
    }

    private static ScenarioResult Run(string steps) =>
        Bench.Run($"name: test\nboard: fvp-ve\nkernel: vosys-v6\nsteps:\n{steps.ReplaceLineEndings("\n")}\n");
}
