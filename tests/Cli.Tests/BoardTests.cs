using System.Diagnostics;

namespace Emulator.Cli.Tests;

/// <summary><c>emulator boards</c> and <c>emulator dtc</c>.</summary>
public sealed class BoardTests : IDisposable
{
    private const string Source =
        "/dts-v1/;\n\n/ {\n\t#address-cells = <0x01>;\n\t#size-cells = <0x01>;\n\n\trtc@9000 {\n"
        + "\t\tcompatible = \"arm,pl031\";\n\t\treg = <0x9000 0x1000>;\n\t};\n};\n";

    private readonly EmulatorProcess _emulator = new();

    public void Dispose() => _emulator.Dispose();

    [Fact]
    public void Boards_are_listed_with_their_options()
    {
        Outcome outcome = _emulator.Run("boards");

        outcome.ExitCode.Should().Be(0);
        outcome.Output.Should().Contain("fvp-ve").And.Contain("dmac3_int_base: 160");
    }

    [Fact]
    public void A_board_shows_its_map_its_wiring_and_its_masters()
    {
        Outcome outcome = _emulator.Run("boards", "show", "fvp-ve");

        outcome.ExitCode.Should().Be(0);
        outcome.Output.Should().Contain("memory map").And.Contain("0x2c0b_0000..0x2c0b_ffff").And.Contain("SPI 60");
        outcome.Output.Should().Contain("stream IDs 0x0, 0x8");
    }

    [Fact]
    public void An_option_changes_the_wiring_and_takes_decimal_and_hexadecimal_numbers()
    {
        Outcome outcome = _emulator.Run("boards", "show", "fvp-ve", "--option", "dmac3_int_base=168");

        outcome.Output.Should().Contain("warning: dma3").And.Contain("gic SPI 168");
        _emulator.Run("boards", "show", "fvp-ve", "--option", "dmac3_int_base=0xa8").Output.Should().Be(outcome.Output);
    }

    [Fact]
    public void The_registers_of_a_device_are_listed_with_fields() =>
        _emulator
            .Run("boards", "show", "fvp-ve", "--registers", "smmu")
            .Output.Should()
            .Contain("SMMU-400 at 0x2c0b_0000")
            .And.Contain("sCR0")
            .And.Contain("CLIENTPD[0]");

    [Theory]
    [InlineData(
        "show fvp-v",
        "there is no board 'fvp-v'; did you mean 'fvp-ve'? Boards: fvp-ve, virt, or a .dts or .dtb file of your own"
    )]
    [InlineData("show fvp-ve --registers smu", "board fvp-ve has no device 'smu'; did you mean 'smmu'? Its devices: *")]
    [InlineData(
        "show fvp-ve --option smmu_irk=1",
        "board fvp-ve has no option 'smmu_irk'; did you mean 'smmu_irq'? Its options: *"
    )]
    [InlineData("show fvp-ve --option smmu_irq=x", "--option takes NAME=VALUE with a number, not 'smmu_irq=x'")]
    [InlineData("show fvp-ve --option smmu_irq=2", "option smmu_irq is 0 or 1, not 2")]
    [InlineData("show mine.dts --option smmu_irq=1", "a board of your own has no options; change its device tree")]
    [InlineData("show gone.dts", "Could not find file *")]
    public void What_is_not_there_is_named_with_the_nearest_word(string commandLine, string message)
    {
        Outcome outcome = _emulator.Run(["boards", .. commandLine.Split(' ')]);

        outcome.ExitCode.Should().Be(2);
        outcome.Errors.Should().Match($"emulator: {message}\n");
    }

    [Fact]
    public void A_tree_of_ones_own_is_a_board()
    {
        _emulator.Write("mine.dts", Source);
        _emulator.Write("broken.dts", "/dts-v1/; / oops");

        _emulator.Run("boards", "show", "mine.dts").Output.Should().Contain("0x9000..0x9fff").And.Contain("PL031");
        Outcome broken = _emulator.Run("boards", "show", "broken.dts");
        broken.ExitCode.Should().Be(2);
        broken.Errors.Should().Contain("broken.dts:1:13");
    }

    [Fact]
    public void Trees_are_converted_there_and_back_through_files_and_pipes()
    {
        _emulator.Write("a.dts", Source);

        _emulator.Run("dtc", "-I", "dts", "-O", "dtb", "-o", "a.dtb", "a.dts").ExitCode.Should().Be(0);
        Outcome back = _emulator.Run("dtc", "-I", "dtb", "-O", "dts", "a.dtb");
        Outcome piped = _emulator.RunWith(Source, "dtc", "-O", "dts");

        back.ExitCode.Should().Be(0);
        back.Output.Should().Contain("compatible = \"arm,pl031\";");
        piped.Output.Should().Contain("compatible = \"arm,pl031\";");
        using Process blob = _emulator.Start("dtc", "-O", "dtb", "a.dts");
        blob.StandardInput.Close();
        byte[] bytes = EmulatorProcess.ReadAll(blob.StandardOutput.BaseStream);
        blob.WaitForExit();
        bytes.Should().Equal(File.ReadAllBytes(Path.Combine(_emulator.Folder, "a.dtb")));
    }

    [Theory]
    [InlineData("-O yaml a.dts", "emulator: a format is dts or dtb, not 'yaml'\n")]
    [InlineData("gone.dts", "emulator: Could not find file *\n")]
    [InlineData("broken.dts", "broken.dts:1:13: *\n")]
    [InlineData("-I dtb a.dts", "*a.dts*\n")]
    public void What_cannot_be_converted_gives_2(string commandLine, string errors)
    {
        _emulator.Write("a.dts", Source);
        _emulator.Write("broken.dts", "/dts-v1/; / oops");

        Outcome outcome = _emulator.Run(["dtc", .. commandLine.Split(' ')]);

        outcome.ExitCode.Should().Be(2);
        outcome.Errors.Should().Match(errors).And.NotContain("   at ");
    }
}
