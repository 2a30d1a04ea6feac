using System.Text;
using Emulator.Machine;

namespace Emulator.Userland.Tests.ShellTests;

public sealed class ConsoleTests
{
    private readonly SimulatedSystem _system = new();
    private readonly StringBuilder _screen = new();
    private readonly ConsoleFile _terminal = new();
    private readonly ShellConsole _console;

    public ConsoleTests()
    {
        _terminal.Written += bytes => _screen.Append(Encoding.UTF8.GetString(bytes));
        _console = new ShellConsole(_system.Kernel.Init, _terminal);
    }

    [Fact]
    public void Variables_and_directory_stay_from_command_to_command()
    {
        Run("v=1; cd /tmp");
        Run("echo $v; pwd");

        _screen.ToString().Should().Be("1\n/tmp\n");
    }

    [Fact]
    public void A_mistake_ends_the_line_and_not_the_shell()
    {
        Run("fi");
        _console.Status.Should().Be(2);
        Run("cd /nosuch");
        Run("echo on");

        _screen
            .ToString()
            .Should()
            .Be("sh: syntax error: unexpected \"fi\"\nsh: cd: can't cd to /nosuch: No such file or directory\non\n");
    }

    [Theory]
    [InlineData("echo x | cat")]
    [InlineData("v=$(echo x)")]
    [InlineData("cat <<END\n$(printf %040000d 1)\nEND")]
    public void A_fork_that_fails_leaves_no_pipe_open(string command)
    {
        Run("i=0; while [ $i -lt 300 ]; do sleep 1000 & i=$((i + 1)); done");
        int open = _console.Process.Descriptors.Count;

        Run(command);

        _screen.ToString().Should().Contain("can't fork");
        _console.Process.Descriptors.Should().HaveCount(open);
        _console.HasEnded.Should().BeFalse();
    }

    [Theory]
    [InlineData("sleep 1000")]
    [InlineData("while true; do :; done")]
    [InlineData("(sleep 500; sleep 500) | cat")]
    [InlineData("for i in 1 2 3; do sleep 900; done")]
    public void Control_C_ends_the_command_and_not_the_shell(string command)
    {
        _console.Start(command);
        _system.Simulation.RunFor(VirtualTime.Millisecond);
        _console.IsIdle.Should().BeFalse();

        _console.Interrupt();
        _system.Simulation.RunFor(VirtualTime.Millisecond);
        _console.IsIdle.Should().BeTrue();
        _console.Status.Should().Be(130);
        Run("echo on");

        _screen.ToString().Should().Be("on\n");
        _system.Kernel.Processes.Should().HaveCount(2);
    }

    [Fact]
    public void What_is_typed_is_read_by_the_command_that_runs()
    {
        _console.Start("read line; echo got $line");
        _system.Simulation.RunFor(VirtualTime.Millisecond);
        _console.IsIdle.Should().BeFalse();

        _terminal.Type("hello\n"u8);
        _system.Simulation.RunFor(VirtualTime.Millisecond);

        _screen.ToString().Should().Be("got hello\n");
    }

    [Fact]
    public void A_job_in_the_background_goes_on_beside_the_next_commands()
    {
        Run("(sleep 1; echo late) &");
        Run("echo early; wait; echo $?");

        _screen.ToString().Should().Be("early\nlate\n0\n");
    }

    [Fact]
    public void Exit_ends_the_shell_with_its_status()
    {
        Run("exit 3");

        _console.HasEnded.Should().BeTrue();
        _console.Status.Should().Be(3);
    }

    [Theory]
    [InlineData("echo a", ShellInputState.Complete)]
    [InlineData("for i in 1 2; do", ShellInputState.Incomplete)]
    [InlineData("for i in 1 2; do\necho $i\ndone", ShellInputState.Complete)]
    [InlineData("echo 'a", ShellInputState.Incomplete)]
    [InlineData("echo \"a", ShellInputState.Incomplete)]
    [InlineData("echo a |", ShellInputState.Incomplete)]
    [InlineData("true &&", ShellInputState.Incomplete)]
    [InlineData("echo \\", ShellInputState.Incomplete)]
    [InlineData("echo $(ls", ShellInputState.Incomplete)]
    [InlineData("echo $((1 +", ShellInputState.Incomplete)]
    [InlineData("f() {", ShellInputState.Incomplete)]
    [InlineData("case x in", ShellInputState.Incomplete)]
    [InlineData("if true", ShellInputState.Incomplete)]
    [InlineData("cat <<EOF\na", ShellInputState.Incomplete)]
    [InlineData("cat <<EOF\na\nEOF", ShellInputState.Complete)]
    [InlineData("qemu -a \\\n -b", ShellInputState.Complete)]
    [InlineData("# comment", ShellInputState.Complete)]
    [InlineData("done", ShellInputState.Wrong)]
    [InlineData("echo )", ShellInputState.Wrong)]
    public void Incomplete_input_is_told_from_wrong_input(string text, ShellInputState expected) =>
        Shell.Check(text).State.Should().Be(expected);

    private void Run(string command)
    {
        _console.Start(command);
        _system.Simulation.RunUntil(() => _console.IsIdle, _system.Simulation.Now + 10 * VirtualTime.Second);
        _console.IsIdle.Should().BeTrue();
    }
}
