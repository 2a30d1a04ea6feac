using FsCheck;
using FsCheck.Fluent;

namespace Emulator.Peripherals.Tests;

public sealed class Dma330AssemblerTests
{
    public static TheoryData<string, string, string> Programs => Dma330Programs.All;

    [Theory]
    [MemberData(nameof(Programs))]
    public void A_known_program_assembles_to_its_bytes(string name, string source, string bytes)
    {
        var assembly = Dma330Assembler.Assemble(source, 0x1000);
        assembly.Errors.Should().BeEmpty(name);
        Hex(assembly).Should().Be(bytes, name);
    }

    [Theory]
    [MemberData(nameof(Programs))]
    public void A_known_program_comes_back_from_its_disassembly(string name, string source, string bytes)
    {
        var code = Dma330Assembler.Assemble(source).Code.Span;
        var text = Dma330Disassembler.ToSource(code);
        Hex(Dma330Assembler.Assemble(text)).Should().Be(bytes, name);
    }

    // ---- notation ----

    // csharpier-ignore
    [Theory]
    [InlineData("dmamov sar 4096", "BC 00 00 10 00 00")]
    [InlineData("DmaMov Sar, #0x1_0000", "BC 00 00 00 01 00")]
    [InlineData("DMAMOV SAR, 0b1010_0000", "BC 00 A0 00 00 00")]
    [InlineData("DMAMOV SAR, 2 + 3 - -1", "BC 00 06 00 00 00")]
    [InlineData("DMAMOV SAR, .+6", "BC 00 06 20 00 00")]
    [InlineData("a: b: DMAMOV SAR, end - a\nend:", "BC 00 06 00 00 00")]
    [InlineData("DMAMOV DAR, end+0x10\nend:", "BC 02 16 20 00 00")]
    [InlineData("DMAMOV CCR, SB16", "BC 01 F1 40 00 00")]
    [InlineData("DMAMOV CCR SA F, SS 64, DC7", "BC 01 06 40 00 0E")]
    [InlineData("DMAMOV CCR, sb1 saf daf", "BC 01 00 00 00 00")]
    [InlineData("DMAMOV r1, SB16", "BC 01 F1 40 00 00")]
    [InlineData("DMAGO 3, 0x2000", "A0 03 00 20 00 00")]
    [InlineData("DMAGO C3 0x2000 NS", "A2 03 00 20 00 00")]
    [InlineData("DMAWFE 3 INVALID", "36 1A")]
    [InlineData("DMAWFPP P2", "31 10")]
    [InlineData("DMAWFPS 2", "30 10")]
    [InlineData("DMAWFPB 2", "32 10")]
    [InlineData("DMAWFP 2 Burst", "32 10")]
    [InlineData("DMALDA", "04")]
    [InlineData("DMAADNH SAR, -1", "5C FF FF")]
    [InlineData("DMAADNH SAR, -0x10000", "5C 00 00")]
    [InlineData(".byte 0x28, 5, -1", "28 05 FF")]
    [InlineData("DCB 1 2 3", "01 02 03")]
    [InlineData("; only\n// comments\n  # here\n@ ok", "")]
    [InlineData("DMALD ; a\nDMAST // b\nDMAEND @ c\r\n", "04 08 00")]
    [InlineData("DMALP_0 255\nDMALPENDS_0 bjmpto_0", "20 FF 39 00")]
    [InlineData("DMALPFEB_1 bjmpto_ff", "2F FF")]
    [InlineData("DMAADDH SA 16\nDMAADNH DA 65520", "54 10 00 5E F0 FF")]
    [InlineData("DMAWFE 3, I", "36 1A")]
    [InlineData(
        "0:\tDMAMOV CCR 0xbd0239\n6:\tDMALP_1 3\n8:\tDMALDA\n9:\tDMASTA\na:\tDMALPENDA_1 bjmpto_2\nc:\tDMAWFPS 2\n10:\tDMAFLUSHP 2\n1e:\tDMAEND",
        "BC 01 39 02 BD 00 22 03 04 08 3C 02 30 10 35 10 00"
    )]
    [InlineData("DMALPFE\nDMALD\nDMALPENDB", "04 2F 01")]
    [InlineData("DMALP 2\nDMALPENDS", "20 01 39 00")]
    [InlineData("DMALP 2\nDMALPEND #-2", "20 01 38 02")]
    [InlineData("x: DMALD\nDMALPEND LC1, x", "04 3C 01")]
    [InlineData("x: DMALD\nDMALPEND FE x", "04 2C 01")]
    [InlineData("DMALPFE\nDMALPFE\nDMALPEND\nDMALPEND FE", "2C 00 2C 02")]
    [InlineData(".loops manual\nDMALP LC0,2\nDMALP LC0,3\n.loops auto\nDMALP 1\nDMALPEND", "20 01 20 02 20 00 38 00")]
    public void Every_notation_is_understood(string source, string bytes)
    {
        var assembly = Dma330Assembler.Assemble(source, 0x2000);
        assembly.Errors.Should().BeEmpty();
        Hex(assembly).Should().Be(bytes);
    }

    [Fact]
    public void Loop_counters_are_chosen_around_the_named_ones()
    {
        Hex(Dma330Assembler.Assemble("DMALP LC0, 2\nDMALP 3\nDMALPEND\nDMALPEND\nDMALP 4\nDMALPEND"))
            .Should()
            .Be("20 01 22 02 3C 00 38 04 20 03 38 00");
        Hex(Dma330Assembler.Assemble("DMALP LC1, 2\nDMALPFE\nDMALP 3\nDMALPEND\nDMALPEND\nDMALPEND"))
            .Should()
            .Be("22 01 20 02 38 00 2C 04 3C 06");
    }

    [Fact]
    public void The_listing_and_the_labels_tell_where_everything_went()
    {
        var assembly = Dma330Assembler.Assemble(
            "; copy\nstart: DMAMOV SAR, 0x1000\n\n  DMALPFE\nbody:\n  DMALD\n  DMALPEND",
            0x2000
        );
        assembly
            .Listing.Select(line => $"{line.Line} {line}")
            .Should()
            .Equal(
                "2 00002000  BC 00 00 10 00 00  start: DMAMOV SAR, 0x1000",
                "4 00002006                     DMALPFE",
                "5 00002006                     body:",
                "6 00002006  04                 DMALD",
                "7 00002007  2C 01              DMALPEND"
            );
        assembly.Address.Should().Be(0x2000);
        assembly
            .Labels.Should()
            .BeEquivalentTo(
                new Dictionary<string, uint>(StringComparer.Ordinal) { ["start"] = 0x2000, ["body"] = 0x2006 }
            );
    }

    // ---- errors ----

    // csharpier-ignore
    [Theory]
    [InlineData("DMALDD", "1:1: unknown instruction DMALDD: did you mean DMALD?")]
    [InlineData("  DMAMVO SAR, 1", "1:3: unknown instruction DMAMVO: did you mean DMAMOV?")]
    [InlineData("MOV SAR, 1", "1:1: unknown instruction MOV: did you mean DMAMOV?")]
    [InlineData("memcpy a, b", "1:1: unknown instruction memcpy")]
    [InlineData("DMALDP 2", "1:1: DMALDP has no unconditional form: write DMALDPS or DMALDPB")]
    [InlineData("42", "1:1: expected an instruction, a label or a directive, not '42'")]
    [InlineData("DMALD 3", "1:7: DMALD takes no operands")]
    [InlineData("DMASEV", "1:7: expected the event, found nothing: DMASEV <event>")]
    [InlineData("DMASEV 1, 2", "1:9: unexpected ',' after the operands of DMASEV <event>")]
    [InlineData("DMASEV 32", "1:8: the event must be 0 to 31, not 32")]
    [InlineData("DMASEV E32", "1:8: the event must be 0 to 31, not 32")]
    [InlineData("DMASEV -1", "1:8: the event must be 0 to 31, not -1")]
    [InlineData("DMAFLUSHP P99", "1:11: the peripheral must be 0 to 31, not 99")]
    [InlineData("DMAGO C8, 0", "1:7: the channel must be 0 to 7, not 8")]
    [InlineData("DMAGO C1", "1:9: expected the address, found nothing: DMAGO <channel>, <address>[, ns]")]
    [InlineData("DMAGO C1, 0, xs", "1:12: unexpected ',' after the operands of DMAGO <channel>, <address>[, ns]")]
    [InlineData("DMAMOV", "1:7: expected a register, found nothing: DMAMOV <SAR|DAR|CCR>, <value>")]
    [InlineData("DMAMOV SAR", "1:11: expected the value, found nothing: DMAMOV <SAR|DAR|CCR>, <value>")]
    [InlineData("DMAMOV SAX, 1", "1:8: expected a register, found 'SAX': DMAMOV <SAR|DAR|CCR>, <value>")]
    [InlineData("DMAMOV SAR, 0x1_0000_0000", "1:13: the value must be 0 to 0xFFFFFFFF, not 0x100000000")]
    [InlineData("DMAMOV SAR, 12z", "1:13: '12z' is not a number")]
    [InlineData("DMAMOV SAR, srcc\nsrc:", "1:13: unknown label 'srcc': did you mean src?")]
    [InlineData("DMAMOV CCR, SB17", "1:13: SB must be 1 to 16, not '17'")]
    [InlineData("DMAMOV CCR, SS24", "1:13: SS must be 8, 16, 32, 64 or 128, not '24'")]
    [InlineData("DMAMOV CCR, SB1 SAX", "1:17: SA must be I (incrementing) or F (fixed), not 'X'")]
    [InlineData("DMAMOV CCR, DP8", "1:13: DP must be 0 to 7, not '8'")]
    [InlineData("DMAMOV CCR, SB1 SB2", "1:17: CCR field SB is given twice")]
    [InlineData(
        "DMAMOV CCR, SZ1",
        "1:13: unknown CCR field 'SZ1': the fields are SB, SS, SA, SP, SC, DB, DS, DA, DP, DC, ES"
    )]
    [InlineData("DMAADDH CCR, 1", "1:9: DMAADDH adds to SAR or DAR only: DMAADDH <SAR|DAR>, <value>")]
    [InlineData("DMAADDH SAR, 0x10000", "1:14: the immediate must be 0 to 0xFFFF, not 0x10000")]
    [InlineData("DMAADNH SAR, -65537", "1:14: the immediate must be -0x10000 to 0xFFFF, not -0x10001")]
    [InlineData(
        "DMAWFP 1",
        "1:9: expected single, burst or periph, found nothing: DMAWFP <peripheral>, <single|burst|periph>"
    )]
    [InlineData(".byte 256", "1:7: the byte must be -128 to 255, not 256")]
    [InlineData(".byte", "1:6: expected the byte, found nothing: .byte <byte>, ...")]
    [InlineData("DMALP 257\nDMALPEND", "1:7: the number of iterations must be 1 to 256, not 257")]
    [InlineData("DMALP 0\nDMALPEND", "1:7: the number of iterations must be 1 to 256, not 0")]
    [InlineData(
        "DMALP LC0\nDMALPEND",
        "1:10: expected the number of iterations, found nothing: DMALP [LC0|LC1,] <iterations>"
    )]
    [InlineData("DMALP 2\nDMALD", "1:1: this loop is never closed: a DMALPEND is missing")]
    [InlineData("DMALD\n DMALPFE", "2:2: this loop is never closed: a DMALPEND is missing")]
    [InlineData("DMALD\nDMALPEND", "2:1: DMALPEND closes no open loop")]
    [InlineData(
        "DMALP 2\nDMALP 2\nDMALP 2\nDMALPEND\nDMALPEND\nDMALPEND",
        "3:1: counted loops nest at most 2 deep: LC0 and LC1 are both in use"
    )]
    [InlineData("DMALP LC0,2\nDMALP LC0,2\nDMALPEND\nDMALPEND", "2:1: LC0 already counts the loop opened in line 1")]
    [InlineData("DMALP LC0,2\nDMALPEND LC1", "2:1: the innermost open loop, of line 1, is counted by LC0, not LC1")]
    [InlineData("DMALPEND LC0, #-256", "1:15: the jump is 256 bytes long, but DMALPEND jumps back at most 255")]
    [InlineData("DMALPEND LC0, 4", "1:15: DMALPEND jumps backwards only: write -4")]
    [InlineData("DMALPEND LC0, x\nx:", "1:15: DMALPEND jumps backwards only, and the target is 2 bytes ahead")]
    [InlineData("DMALPENDA_0 5", "1:13: expected a distance in hex, found '5': DMALPENDA_0 bjmpto_<0 to ff>")]
    [InlineData(
        ".loops manual\nDMALP 2",
        "2:7: expected LC0 or LC1 (.loops manual), found '2': DMALP [LC0|LC1,] <iterations>"
    )]
    [InlineData(
        ".loops manual\nDMALPEND",
        "2:1: after .loops manual DMALPEND needs a counter and a jump: DMALPEND [LC0|LC1|FE][, <label or -distance>]"
    )]
    [InlineData(".loops no", "1:8: expected manual or auto, found 'no': .loops <manual|auto>")]
    [InlineData("a:\na: DMALD", "2:1: label 'a' is already defined in line 1")]
    [InlineData("lc0: DMALD", "1:1: 'lc0' is a reserved word and cannot be a label")]
    public void An_error_says_where_what_and_what_is_allowed(string source, string error)
    {
        var assembly = Dma330Assembler.Assemble(source);
        assembly.Errors.Select(found => found.ToString()).Should().Equal(error);
        assembly.Succeeded.Should().BeFalse();
        assembly.Code.Length.Should().Be(0);
    }

    [Fact]
    public void A_loop_body_over_255_bytes_is_refused()
    {
        var body = string.Concat(Enumerable.Repeat("DMALD\n", 255));
        Dma330Assembler.Assemble($"DMALP 2\n{body}DMALPEND").Succeeded.Should().BeTrue();
        Dma330Assembler
            .Assemble($"DMALP 2\n{body}DMAST\nDMALPEND")
            .Errors.Should()
            .Equal(
                new Dma330AssemblyError(
                    258,
                    1,
                    "the body of the loop of line 1 has 256 bytes, but DMALPEND jumps back at most 255"
                )
            );
    }

    [Fact]
    public void A_program_must_end_within_the_address_space()
    {
        Dma330Assembler.Assemble("DMALD\nDMAEND", 0xFFFF_FFFE).Succeeded.Should().BeTrue();
        Dma330Assembler
            .Assemble("DMALD\nDMAEND", 0xFFFF_FFFF)
            .Errors.Should()
            .Equal(new Dma330AssemblyError(2, 1, "the program runs past the end of the 32-bit address space"));
    }

    [Fact]
    public void All_errors_are_reported_in_the_order_of_the_lines() =>
        Dma330Assembler
            .Assemble("DMAMOV SAR, nowhere\nDMALP 2\nDMALDD\nDMASEV 99\nDMAMOV SAR, alsonowhere\n")
            .Errors.Select(error => error.Line)
            .Should()
            .Equal(1, 2, 3, 4, 5);

    [Fact]
    public void Random_text_never_throws() =>
        Prop.ForAll<string?>(text => Dma330Assembler.Assemble(text ?? "") is not null)
            .Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    [Fact]
    public void Random_words_of_the_language_never_throw()
    {
        string[] words =
        [
            .. Dma330InstructionSet.Encodings.Select(row => row.Mnemonic),
            .. "DMALPFE DMALP_0 DMALP_1 DMALPENDA_0 DMALPFEA_1 bjmpto_7 DMAWFPS DCB .byte .loops manual auto".Split(
                ' '
            ),
            .. "SAR DAR CCR r7 LC0 LC1 FE SB16 SS64 SA I SAF ES 128 SB C0 E3 P31 P99 ns invalid single burst".Split(
                ' '
            ),
            .. "0 1 -1 255 256 0x 0xFFFFFFFF 99999999999999999999 0b2 1_ a a: b: . .. + - # , : ; // @ \n \r\n \t".Split(
                ' '
            ),
            .. new[] { "\n", "\n", "\n", "\0", "\uD800", "💥" },
        ];
        var sources = Gen.Select(Gen.ArrayOf(Gen.Elements(words)), parts => string.Join(' ', parts));
        Prop.ForAll(sources.ToArbitrary(), text => Dma330Assembler.Assemble(text, 0xFFFF_FFF0) is not null)
            .Check(Config.QuickThrowOnFailure.WithMaxTest(3000));
    }

    private static string Hex(Dma330Assembly assembly) =>
        string.Join(' ', assembly.Code.ToArray().Select(value => value.ToString("X2", null)));
}
