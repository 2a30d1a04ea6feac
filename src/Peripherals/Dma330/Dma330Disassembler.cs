using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Emulator.Peripherals;

/// <summary>An instruction at its address.</summary>
/// <param name="Address">Address of the first byte.</param>
/// <param name="Instruction">The instruction, with its bytes and length.</param>
[DebuggerDisplay("{ToString(),nq}")]
public readonly record struct Dma330DisassemblyLine(uint Address, Dma330Instruction Instruction)
{
    /// <summary>The instruction in assembly.</summary>
    public string Text => Instruction.ToString();

    /// <summary>Address, bytes and text side by side: <c>00002000  BC 00 00 10 00 00  DMAMOV SAR, 0x00001000</c>.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Dma330Decoder.MaximumLength];
        Instruction.CopyTo(bytes);
        var hex = new StringBuilder();
        foreach (var value in bytes[..Instruction.Length])
        {
            hex.Append(CultureInfo.InvariantCulture, $"{value:X2} ");
        }

        return string.Create(CultureInfo.InvariantCulture, $"{Address:X8}  {hex, -18} {Text}");
    }
}

/// <summary>Turns DMA-330 programs into the notation of <see cref="Dma330Assembler"/>. Any bytes will do.</summary>
public static class Dma330Disassembler
{
    /// <summary>
    /// The instructions in <paramref name="code"/>, from its first byte to its last. Bytes that are no instruction,
    /// or that end within one, become <c>.byte</c>.
    /// </summary>
    public static IReadOnlyList<Dma330DisassemblyLine> Disassemble(ReadOnlySpan<byte> code, uint address = 0)
    {
        var lines = new List<Dma330DisassemblyLine>();
        while (!code.IsEmpty)
        {
            if (!Dma330Decoder.TryDecode(code, out var instruction))
            {
                instruction = Dma330Instruction.UndefinedByte(code[0]);
            }

            lines.Add(new Dma330DisassemblyLine(address, instruction));
            code = code[instruction.Length..];
            address += (uint)instruction.Length;
        }

        return lines;
    }

    /// <summary>
    /// A source text that assembles to exactly <paramref name="code"/>. It starts with <c>.loops manual</c> if the
    /// loops are not ones that the assembler would accept, as in data or in a program with a mistake.
    /// </summary>
    public static string ToSource(ReadOnlySpan<byte> code)
    {
        var source = new StringBuilder();
        foreach (var line in Disassemble(code))
        {
            source.Append(line.Text).Append('\n');
        }

        var text = source.ToString();
        return Dma330Assembler.Assemble(text).Succeeded ? text : $".loops manual\n{text}";
    }
}
