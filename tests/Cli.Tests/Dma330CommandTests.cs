namespace Emulator.Cli.Tests;

/// <summary><c>emulator dma330 asm</c> and <c>dis</c>.</summary>
public sealed class Dma330CommandTests : IDisposable
{
    private const string Copy = """
        ; copies sixteen words
                DMAMOV CCR, SB4 SS32 SAI DB4 DS32 DAI
                DMAMOV SAR, 0x2000
                DMAMOV DAR, end
                DMALP 4
        again:  DMALD
                DMAST
                DMALPEND
                DMAEND
        end:
        """;

    private const string CopyHex = """
        BC 01 35 40 0D 00 BC 00 00 20 00 00 BC 02 19 00
        00 80 20 03 04 08 38 02 00

        """;

    private readonly EmulatorProcess _emulator = new();

    public void Dispose() => _emulator.Dispose();

    [Fact]
    public void A_program_becomes_hexadecimal_on_standard_output()
    {
        _emulator.Write("copy.s", Copy);

        Outcome outcome = _emulator.Run("dma330", "asm", "copy.s", "--at", "0x8000_0000");

        outcome.Errors.Should().BeEmpty();
        outcome.ExitCode.Should().Be(0);
        outcome.Output.Should().Be(CopyHex.ReplaceLineEndings("\n"));
    }

    [Theory]
    [InlineData("a.bin", null, new byte[] { 0x20, 0x0F, 0x04, 0x38, 0x01 })]
    [InlineData("a.hex", null, "20 0F 04 38 01\n")]
    [InlineData("a.txt", "bin", new byte[] { 0x20, 0x0F, 0x04, 0x38, 0x01 })]
    [InlineData(
        "a.bin",
        "listing",
        "00000000  20 0F              DMALP 16\n00000002  04                 DMALD\n00000003  38 01              DMALPEND\n"
    )]
    public void A_file_gets_bytes_or_what_its_name_or_an_option_says(string file, string? format, object expected)
    {
        string[] options = format is null ? [] : ["--format", format];

        _emulator
            .RunWith("DMALP 16\nDMALD\nDMALPEND\n", ["dma330", "asm", "-", "-o", file, .. options])
            .ExitCode.Should()
            .Be(0);

        byte[] written = File.ReadAllBytes(Path.Combine(_emulator.Folder, file));
        written.Should().Equal(expected as byte[] ?? System.Text.Encoding.ASCII.GetBytes((string)expected));
    }

    [Fact]
    public void Mistakes_are_told_with_file_line_and_column_and_nothing_is_written()
    {
        _emulator.Write("bad.s", "DMALD\n  DMASTX\nDMALP 300\n");

        Outcome outcome = _emulator.Run("dma330", "asm", "bad.s", "-o", "bad.bin");

        outcome.ExitCode.Should().Be(2);
        outcome.Output.Should().BeEmpty();
        outcome
            .Errors.Should()
            .StartWith("bad.s:2:3: unknown instruction DMASTX: did you mean ")
            .And.Contain("\nbad.s:3:1: ")
            .And.Contain("\nbad.s:3:7: ");
        File.Exists(Path.Combine(_emulator.Folder, "bad.bin")).Should().BeFalse();
    }

    [Theory]
    [InlineData("20 0F 04 38 01 FF")]
    [InlineData("200F043801FF")]
    [InlineData("0x20,0x0f, 04 3801 ff")]
    public void Bytes_on_the_command_line_are_disassembled(string bytes)
    {
        Outcome outcome = _emulator.Run(["dma330", "dis", .. bytes.Split(' '), "--at", "0x2000"]);

        outcome
            .Lines.Should()
            .Equal(
                "DMALP LC0, 16      ; 00002000  20 0F",
                "  DMALD            ; 00002002  04",
                "DMALPEND LC0, #-1  ; 00002003  38 01              to 00002002",
                ".byte 0xFF         ; 00002005  FF"
            );
    }

    [Fact]
    public void What_one_writes_the_other_reads_whatever_the_bytes_are()
    {
        var bytes = new byte[3000];
        new Random(1).NextBytes(bytes);
        string file = Path.Combine(_emulator.Folder, "random.bin");
        File.WriteAllBytes(file, bytes);

        _emulator.Run("dma330", "dis", "random.bin", "-o", "random.s").ExitCode.Should().Be(0);
        _emulator.Run("dma330", "asm", "random.s", "-o", "again.bin").ExitCode.Should().Be(0);

        File.ReadAllBytes(Path.Combine(_emulator.Folder, "again.bin")).Should().Equal(bytes);
    }

    [Fact]
    public void Bytes_that_look_like_hexadecimal_are_bytes_in_a_file_of_bytes()
    {
        _emulator.Write("seven.bin", "48");
        _emulator.Write("seven.hex", "34 38\n");

        _emulator.Run("dma330", "dis", "seven.bin").Output.Should().StartWith("DMASEV E7 ");
        _emulator.Run("dma330", "dis", "seven.hex").Output.Should().StartWith("DMASEV E7 ");
        _emulator.RunWith("34 38\n", "dma330", "dis", "-").Output.Should().StartWith("DMASEV E7 ");
        _emulator.RunWith("48", "dma330", "dis", "-", "--binary").Output.Should().StartWith("DMASEV E7 ");
    }

    [Theory]
    [InlineData("dis gone.bin", "'gone.bin' is neither a file nor whole bytes in hexadecimal")]
    [InlineData("dis 04 8", "'04 8' is neither a file nor whole bytes in hexadecimal")]
    [InlineData(
        "dis 04 --at 0x1_0000_0000",
        "--at takes an address of 32 bits such as 0x80002000, not '0x1_0000_0000'"
    )]
    [InlineData("asm - --format elf", "a format is hex, bin or listing, not 'elf'")]
    public void A_wrong_operand_is_named(string commandLine, string message)
    {
        Outcome outcome = _emulator.Run(["dma330", .. commandLine.Split(' ')]);

        outcome.ExitCode.Should().Be(2);
        outcome.Errors.Should().Be($"emulator: {message}\n");
    }

    [Fact]
    public void A_file_that_is_not_there_is_named()
    {
        Outcome outcome = _emulator.Run("dma330", "asm", "gone.s");

        outcome.ExitCode.Should().Be(2);
        outcome.Errors.Should().Contain("gone.s");
    }
}
