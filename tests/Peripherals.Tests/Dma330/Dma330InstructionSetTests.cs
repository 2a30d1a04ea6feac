using static Emulator.Peripherals.Dma330Opcode;

namespace Emulator.Peripherals.Tests;

public sealed class Dma330InstructionSetTests
{
    // Text, bytes, opcode.
    // csharpier-ignore
    public static readonly TheoryData<string, string, Dma330Opcode> Encodings = new()
    {
        { "DMAADDH SAR, 0x1234",      "54 34 12",          DMAADDH },
        { "DMAADDH DAR, 0x000E",      "56 0E 00",          DMAADDH },
        { "DMAADNH SAR, 0xFFF0",      "5C F0 FF",          DMAADNH },
        { "DMAADNH DAR, 0x0000",      "5E 00 00",          DMAADNH },
        { "DMAEND",                   "00",                DMAEND },
        { "DMAFLUSHP P31",            "35 F8",             DMAFLUSHP },
        { "DMAGO C0, 0x00002000",     "A0 00 00 20 00 00", DMAGO },
        { "DMAGO C7, 0x12345678, ns", "A2 07 78 56 34 12", DMAGO },
        { "DMAKILL",                  "01",                DMAKILL },
        { "DMALD",                    "04",                DMALD },
        { "DMALDS",                   "05",                DMALD },
        { "DMALDB",                   "07",                DMALD },
        { "DMALDPS P2",               "25 10",             DMALDP },
        { "DMALDPB P31",              "27 F8",             DMALDP },
        { "DMALP LC0, 1",             "20 00",             DMALP },
        { "DMALP LC1, 256",           "22 FF",             DMALP },
        { "DMALPEND LC0, #-4",        "38 04",             DMALPEND },
        { "DMALPENDS LC0, #-255",     "39 FF",             DMALPEND },
        { "DMALPENDB LC0, #-0",       "3B 00",             DMALPEND },
        { "DMALPEND LC1, #-1",        "3C 01",             DMALPEND },
        { "DMALPENDS LC1, #-2",       "3D 02",             DMALPEND },
        { "DMALPENDB LC1, #-3",       "3F 03",             DMALPEND },
        { "DMALPEND FE, #-8",         "2C 08",             DMALPEND },
        { "DMALPENDS FE, #-9",        "2D 09",             DMALPEND },
        { "DMALPENDB FE, #-10",       "2F 0A",             DMALPEND },
        { "DMAMOV SAR, 0x12345678",   "BC 00 78 56 34 12", DMAMOV },
        { "DMAMOV DAR, 0xFFFFFFFF",   "BC 02 FF FF FF FF", DMAMOV },
        { "DMAMOV r5, 0x00001234",    "BC 05 34 12 00 00", DMAMOV },
        { "DMAMOV CCR, 0xFFFFFFFF",   "BC 01 FF FF FF FF", DMAMOV },
        { "DMAMOV CCR, SB4 SS32 SAI SP0 DB16 DS128 DAF DP2", "BC 01 35 00 BE 00", DMAMOV },
        { "DMANOP",                   "18",                DMANOP },
        { "DMARMB",                   "12",                DMARMB },
        { "DMASEV E0",                "34 00",             DMASEV },
        { "DMASEV E31",               "34 F8",             DMASEV },
        { "DMAST",                    "08",                DMAST },
        { "DMASTS",                   "09",                DMAST },
        { "DMASTB",                   "0B",                DMAST },
        { "DMASTPS P3",               "29 18",             DMASTP },
        { "DMASTPB P0",               "2B 00",             DMASTP },
        { "DMASTZ",                   "0C",                DMASTZ },
        { "DMAWFE E5",                "36 28",             DMAWFE },
        { "DMAWFE E3, invalid",       "36 1A",             DMAWFE },
        { "DMAWFP P2, single",        "30 10",             DMAWFP },
        { "DMAWFP P2, periph",        "31 10",             DMAWFP },
        { "DMAWFP P31, burst",        "32 F8",             DMAWFP },
        { "DMAWMB",                   "13",                DMAWMB },
        { ".byte 0xFF",               "FF",                Undefined },
    };

    [Theory]
    [MemberData(nameof(Encodings))]
    public void Each_instruction_has_its_encoding_and_its_text(string text, string bytes, Dma330Opcode opcode)
    {
        var code = Convert.FromHexString(bytes.Replace(" ", "", StringComparison.Ordinal));

        Dma330Assembler.Assemble($".loops manual\n{text}").Code.ToArray().Should().Equal(code);
        var instruction = Dma330Decoder.Decode(code);
        instruction.Opcode.Should().Be(opcode);
        instruction.Length.Should().Be(code.Length);
        instruction.ToString().Should().Be(text);
        var copy = new byte[code.Length];
        instruction.CopyTo(copy);
        copy.Should().Equal(code);
    }

    [Fact]
    public void Every_opcode_has_a_row_and_a_tested_encoding()
    {
        var opcodes = Enum.GetValues<Dma330Opcode>();
        Dma330InstructionSet.Encodings.Select(row => row.Opcode).Append(Undefined).Should().Contain(opcodes);
        Encodings.Select(row => row.Data.Item3).Should().Contain(opcodes);
    }

    [Fact]
    public void No_first_byte_belongs_to_two_rows()
    {
        for (var first = 0; first < 256; first++)
        {
            Dma330InstructionSet.Encodings.Count(row => (first & row.Mask) == row.Value).Should().BeLessThan(2);
        }
    }

    [Fact]
    public void Exactly_the_published_first_bytes_are_instructions()
    {
        byte[] published =
        [
            .. new byte[] { 0x00, 0x01, 0x04, 0x05, 0x07, 0x08, 0x09, 0x0B, 0x0C, 0x12, 0x13, 0x18, 0x20, 0x22 },
            .. new byte[] { 0x25, 0x27, 0x28, 0x29, 0x2B, 0x2C, 0x2D, 0x2F, 0x30, 0x31, 0x32, 0x34, 0x35, 0x36 },
            .. new byte[] { 0x38, 0x39, 0x3B, 0x3C, 0x3D, 0x3F, 0x54, 0x56, 0x5C, 0x5E, 0xA0, 0xA2, 0xBC },
        ];
        for (var first = 0; first < 256; first++)
        {
            var defined = Dma330Decoder.Opcode((byte)first) != Undefined;
            defined.Should().Be(published.Contains((byte)first), $"that is so for 0x{first:X2}");
            Dma330Decoder.Length((byte)first).Should().BeInRange(1, defined ? Dma330Decoder.MaximumLength : 1);
        }
    }

    [Fact]
    public void Only_end_nop_event_and_go_instructions_run_on_the_manager()
    {
        Dma330InstructionSet
            .Encodings.Where(row => row.Threads.HasFlag(Dma330Threads.Manager))
            .Select(row => row.Mnemonic)
            .Should()
            .Equal("DMAEND", "DMAGO", "DMANOP", "DMASEV", "DMAWFE");
        Dma330InstructionSet.Find(0xA2)!.Threads.Should().Be(Dma330Threads.Manager);
    }

    [Theory]
    [InlineData("DMAGO C1, 0x2000", Dma330Threads.Manager)]
    [InlineData("DMASEV E1", Dma330Threads.Both)]
    [InlineData("DMAKILL", Dma330Threads.Both)]
    [InlineData("DMAWFE E1", Dma330Threads.None)]
    [InlineData("DMAEND", Dma330Threads.None)]
    public void The_debug_registers_take_go_sev_and_kill_only(string text, Dma330Threads threads) =>
        Decode(text).DebugThreads.Should().Be(threads);

    [Fact]
    public void Operands_are_cut_out_of_the_bytes()
    {
        var go = Decode("DMAGO C5, 0x80001000, ns");
        go.Channel.Should().Be(5);
        go.Immediate.Should().Be(0x8000_1000);
        go.NonSecure.Should().BeTrue();
        Decode("DMAGO C5, 0").NonSecure.Should().BeFalse();

        Decode("DMAADDH DAR, 0xFFF0").Register.Should().Be(Dma330Register.DAR);
        Decode("DMAADDH DAR, 0xFFF0").Addend.Should().Be(0x0000_FFF0);
        Decode("DMAADNH SAR, 0xFFF0").Register.Should().Be(Dma330Register.SAR);
        Decode("DMAADNH SAR, 0xFFF0").Addend.Should().Be(0xFFFF_FFF0);
        Decode("DMAMOV CCR, 0x14005").Register.Should().Be(Dma330Register.CCR);
        Decode("DMAMOV CCR, 0x14005").Immediate.Should().Be(0x14005);

        var loop = Decode("DMALP LC1, 256");
        loop.LoopCounter.Should().Be(1);
        loop.LoopCount.Should().Be(255);
        var end = Decode("DMALPENDB LC1, #-12");
        end.LoopCounter.Should().Be(1);
        end.Forever.Should().BeFalse();
        end.Condition.Should().Be(Dma330Condition.Burst);
        end.BackwardsJump.Should().Be(12);
        end.JumpTarget(0x2010).Should().Be(0x2004);
        Decode("DMALPENDS FE, #-12").Forever.Should().BeTrue();
        Decode("DMALPENDS FE, #-12").Condition.Should().Be(Dma330Condition.Single);

        Decode("DMAWFE E17, invalid").Event.Should().Be(17);
        Decode("DMAWFE E17, invalid").Invalidate.Should().BeTrue();
        Decode("DMAWFE E17").Invalidate.Should().BeFalse();
        Decode("DMAWFP P9, periph").Peripheral.Should().Be(9);
        Decode("DMAWFP P9, periph").Wait.Should().Be(Dma330Wait.Periph);
        Decode("DMAWFP P9, burst").Wait.Should().Be(Dma330Wait.Burst);
        Decode("DMAWFP P9, single").Wait.Should().Be(Dma330Wait.Single);
        Decode("DMASTPB P30").Peripheral.Should().Be(30);
        Decode("DMALD").Condition.Should().Be(Dma330Condition.Always);
    }

    [Fact]
    public void Opcode_28_is_accepted_as_the_end_of_a_loop_without_end()
    {
        var instruction = Dma330Decoder.Decode([0x28, 0x05]);
        instruction.Opcode.Should().Be(DMALPEND);
        instruction.Forever.Should().BeTrue();
        instruction.BackwardsJump.Should().Be(5);
        instruction.OperandInvalid.Should().BeFalse();
        instruction.ToString().Should().Be(".byte 0x28, 0x05");
    }

    [Theory]
    [InlineData("35 01", true)]
    [InlineData("35 F8", false)]
    [InlineData("34 04", true)]
    [InlineData("36 02", false)]
    [InlineData("36 01", true)]
    [InlineData("36 04", true)]
    [InlineData("31 07", true)]
    [InlineData("25 02", true)]
    [InlineData("A0 08 00 00 00 00", true)]
    [InlineData("A0 07 00 00 00 00", false)]
    [InlineData("BC 02 00 00 00 00", false)]
    [InlineData("BC 03 00 00 00 00", true)]
    [InlineData("BC 08 00 00 00 00", true)]
    [InlineData("20 FF", false)]
    [InlineData("38 FF", false)]
    public void Set_bits_that_should_be_zero_make_an_operand_invalid(string bytes, bool invalid) =>
        Dma330Decoder
            .Decode(Convert.FromHexString(bytes.Replace(" ", "", StringComparison.Ordinal)))
            .OperandInvalid.Should()
            .Be(invalid);

    [Fact]
    public void The_debug_registers_hold_the_bytes_of_an_instruction()
    {
        var go = Dma330Decoder.DecodeDebug(0x00A2_0000, 0x2000);
        go.ToString().Should().Be("DMAGO C0, 0x00002000, ns");
        Dma330Decoder.DecodeDebug(0x0001_0301, 0xFFFF_FFFF).ToString().Should().Be("DMAKILL");
        Dma330Decoder.DecodeDebug(0x1834_0000, 0xFFFF_FFFF).ToString().Should().Be("DMASEV E3");
    }

    [Fact]
    public void Bytes_that_end_within_an_instruction_are_not_decoded()
    {
        Dma330Decoder.TryDecode([0xBC, 1, 2, 3, 4], out _).Should().BeFalse();
        Dma330Decoder.TryDecode([], out _).Should().BeFalse();
        var decode = () => Dma330Decoder.Decode([0x20]);
        decode.Should().Throw<ArgumentException>();
    }

    [Fact]
    public void Decoding_allocates_nothing()
    {
        byte[] code = [0xBC, 1, 0xF9, 0x42, 0xBE, 0];
        var sum = Dma330Decoder.Decode(code).Length;
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            sum += Dma330Decoder.Decode(code).Length;
        }

        GC.GetAllocatedBytesForCurrentThread().Should().Be(before);
        sum.Should().Be(6006);
    }

    private static Dma330Instruction Decode(string text) =>
        Dma330Decoder.Decode(Dma330Assembler.Assemble($".loops manual\n{text}").Code.Span);
}
