namespace Emulator.Cli.Tests;

/// <summary>Help, and what a misspelt command line gets.</summary>
public sealed class HelpTests : IDisposable
{
    private readonly EmulatorProcess _emulator = new();

    public void Dispose() => _emulator.Dispose();

    [Theory]
    [InlineData("", "  emulator run scenarios                 run every scenario below a folder")]
    [InlineData("run", "  emulator run page-copy.yaml --step")]
    [InlineData("check", "  emulator check scenarios")]
    [InlineData("boards", "  emulator boards show fvp-ve")]
    [InlineData("boards show", "  emulator boards show fvp-ve --registers smmu")]
    [InlineData("groups", "  lspci -vvvnn | emulator groups --lspci -")]
    [InlineData("dtc", "  emulator dtc -I dts -O dtb -o board.dtb board.dts")]
    [InlineData("dma330", "  emulator dma330 asm copy.s")]
    [InlineData("dma330 asm", "  emulator dma330 asm copy.s -o copy.bin")]
    [InlineData("dma330 dis", "  emulator dma330 dis 200F0408380200")]
    public void Every_command_has_help_with_examples_at_its_end(string command, string example)
    {
        Outcome outcome = _emulator.Run([.. command.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"]);

        outcome.ExitCode.Should().Be(0);
        outcome.Errors.Should().BeEmpty();
        string[] lines = outcome.Lines;
        lines.Should().Contain(example);
        lines.Count(line => line is "Examples:").Should().Be(1);
        Array.IndexOf(lines, "Examples:").Should().BeGreaterThan(Array.IndexOf(lines, "Options:"));
    }

    [Fact]
    public void The_list_of_commands_has_one_line_each_and_the_exit_codes_follow()
    {
        string[] lines = _emulator.Run("--help").Lines;

        int commands = Array.IndexOf(lines, "Commands:");
        lines[(commands + 1)..(commands + 9)]
            .Select(line => line.Trim().Split(' ')[0])
            .Should()
            .Equal("run", "check", "boards", "kernels", "groups", "dtc", "dma330", "");
        lines[^1].Should().Be("  130  interrupted");
    }

    [Theory]
    [InlineData("rnu x", "emulator: there is no command 'rnu'; did you mean 'run'?", "See: emulator --help")]
    [InlineData(
        "boards shwo",
        "emulator: there is no command 'shwo'; did you mean 'show'?",
        "See: emulator boards --help"
    )]
    [InlineData(
        "run --fliter a b",
        "emulator: there is no option '--fliter'; did you mean '--filter'?",
        "See: emulator run --help"
    )]
    [InlineData(
        "check --hlep",
        "emulator: there is no option '--hlep'; did you mean '--help'?",
        "See: emulator check --help"
    )]
    [InlineData("dtc --xyzzy a", "emulator: there is no option '--xyzzy'", "See: emulator dtc --help")]
    [InlineData("dtc a b", "emulator: 'b' is more than the command takes", "See: emulator dtc --help")]
    [InlineData("run --jobs 0 a", "emulator: --jobs takes a whole number from 1, not '0'", "See: emulator run --help")]
    [InlineData(
        "run --repeat x a",
        "emulator: --repeat takes a whole number from 1, not 'x'",
        "See: emulator run --help"
    )]
    public void A_mistake_takes_one_line_and_exit_code_2(string commandLine, string message, string seeAlso)
    {
        Outcome outcome = _emulator.Run(commandLine.Split(' '));

        outcome.ExitCode.Should().Be(2);
        outcome.Output.Should().BeEmpty();
        outcome.Errors.ReplaceLineEndings("\n").Should().Be($"{message}\n{seeAlso}\n");
    }

    [Fact]
    public void A_missing_argument_is_named()
    {
        Outcome outcome = _emulator.Run("run");

        outcome.ExitCode.Should().Be(2);
        outcome.Errors.Should().Contain("'PATH' missing").And.Contain("See: emulator run --help");
    }

    [Fact]
    public void Without_a_command_there_is_help_and_exit_code_2()
    {
        Outcome outcome = _emulator.Run();

        outcome.ExitCode.Should().Be(2);
        outcome.Output.Should().Contain("Commands:");
    }

    [Fact]
    public void What_follows_two_dashes_is_no_option()
    {
        _emulator.WriteGood("-odd.yaml");

        _emulator.Run("run", "--", "-odd.yaml").ExitCode.Should().Be(0);
        _emulator.Run("run", "--", "--gone").Errors.Should().Be("emulator: there is no file or folder '--gone'\n");
    }
}
