using FsCheck;
using FsCheck.Fluent;

namespace Emulator.Peripherals.Tests;

public sealed class Dma330DisassemblerTests
{
    [Fact]
    public void A_program_is_listed_with_addresses_and_bytes()
    {
        byte[] code = [0xBC, 0x02, 0x00, 0x10, 0x00, 0x00, 0x20, 0x0F, 0x04, 0x38, 0x01, 0xFF];
        Dma330Disassembler
            .Disassemble(code, 0x2000)
            .Select(line => line.ToString())
            .Should()
            .Equal(
                "00002000  BC 02 00 10 00 00  DMAMOV DAR, 0x00001000",
                "00002006  20 0F              DMALP LC0, 16",
                "00002008  04                 DMALD",
                "00002009  38 01              DMALPEND LC0, #-1",
                "0000200B  FF                 .byte 0xFF"
            );
    }

    [Fact]
    public void An_instruction_cut_off_at_the_end_becomes_bytes() =>
        Dma330Disassembler.ToSource([0x04, 0xBC, 0x02]).Should().Be("DMALD\n.byte 0xBC\n.byte 0x02\n");

    [Fact]
    public void A_program_with_sound_loops_needs_no_directive() =>
        Dma330Disassembler.ToSource([0x20, 0x0F, 0x04, 0x38, 0x01, 0x00]).Should().NotContain(".loops");

    [Fact]
    public void A_loop_that_nothing_closes_is_marked_as_meant() =>
        Dma330Disassembler.ToSource([0x20, 0x0F, 0x00]).Should().Be(".loops manual\nDMALP LC0, 16\nDMAEND\n");

    [Fact]
    public void Any_bytes_come_back_from_their_text() =>
        Prop.ForAll<byte[]>(ComesBack).Check(Config.QuickThrowOnFailure.WithMaxTest(1000));

    [Fact]
    public void Any_sequence_of_instructions_comes_back_from_its_text() =>
        Prop.ForAll(
                Gen.Select(Gen.ArrayOf(Instruction()), parts => parts.SelectMany(part => part).ToArray()).ToArbitrary(),
                ComesBack
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(1000));

    [Fact]
    public void Any_instruction_comes_back_from_its_text() =>
        Prop.ForAll(
                Instruction().ToArbitrary(),
                bytes =>
                {
                    var instruction = Dma330Decoder.Decode(bytes);
                    var code = Dma330Assembler.Assemble($".loops manual\n{instruction}").Code.Span;
                    return Dma330Decoder.Decode(code) == instruction;
                }
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    [Fact]
    public void Lines_cover_the_bytes_without_a_gap() =>
        Prop.ForAll<byte[]>(bytes =>
            {
                var address = 0xFFFF_FFF0;
                foreach (var line in Dma330Disassembler.Disassemble(bytes, address))
                {
                    if (line.Address != address)
                    {
                        return false;
                    }

                    address += (uint)line.Instruction.Length;
                }

                return address == unchecked(0xFFFF_FFF0 + (uint)bytes.Length);
            })
            .QuickCheckThrowOnFailure();

    private static bool ComesBack(byte[] bytes) =>
        Dma330Assembler.Assemble(Dma330Disassembler.ToSource(bytes)).Code.Span.SequenceEqual(bytes);

    /// <summary>The bytes of a random instruction, often with operand bits that should be zero.</summary>
    private static Gen<byte[]> Instruction() =>
        Gen.SelectMany(
            Gen.Elements(Dma330InstructionSet.Encodings.ToArray()),
            row =>
                Gen.Select(
                    Gen.ArrayOf(Gen.Select(Gen.Choose(0, 255), value => (byte)value), row.Length),
                    bytes =>
                    {
                        bytes[0] = (byte)(row.Value | (bytes[0] & ~row.Mask));
                        return bytes;
                    }
                )
        );
}
