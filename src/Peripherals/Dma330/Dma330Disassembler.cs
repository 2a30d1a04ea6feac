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
    public override string ToString() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Address:X8}  {Dma330Disassembler.Hexadecimal(Instruction), -18} {Text}"
        );
}

/// <summary>Turns DMA-330 programs into the notation of <see cref="Dma330Assembler"/>. Any bytes will do.</summary>
public static class Dma330Disassembler
{
    /// <summary>Data that looks like loops in loops is set in no deeper than this.</summary>
    private const int DeepestIndent = 4;

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

        return WithLoopMode(source.ToString());
    }

    /// <summary>
    /// As <see cref="ToSource"/>, for reading: bodies of loops are set in, and a comment at each line tells its address,
    /// its bytes and where a jump goes. It assembles to exactly <paramref name="code"/>, too.
    /// </summary>
    public static string ToListing(ReadOnlySpan<byte> code, uint address = 0)
    {
        var lines = Disassemble(code, address);
        var texts = new string[lines.Count];
        var depth = 0;
        for (var i = 0; i < texts.Length; i++)
        {
            var instruction = lines[i].Instruction;
            var closes = instruction is { Opcode: Dma330Opcode.DMALPEND, Forever: false };
            depth = Math.Max(0, depth - (closes ? 1 : 0));
            texts[i] = new string(' ', 2 * Math.Min(depth, DeepestIndent)) + lines[i].Text;
            depth += instruction.Opcode == Dma330Opcode.DMALP ? 1 : 0;
        }

        var column = texts.Select(text => text.Length).Append(0).Max();
        var listing = new StringBuilder();
        for (var i = 0; i < texts.Length; i++)
        {
            listing.Append(texts[i].PadRight(column)).Append("  ; ").Append(Comment(lines[i])).Append('\n');
        }

        return WithLoopMode(listing.ToString());
    }

    private static string Comment(Dma330DisassemblyLine line)
    {
        var bytes = Hexadecimal(line.Instruction);
        return line.Instruction is { Opcode: Dma330Opcode.DMALPEND, IsCanonical: true }
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"{line.Address:X8}  {bytes, -17}  to {line.Instruction.JumpTarget(line.Address):X8}"
            )
            : string.Create(CultureInfo.InvariantCulture, $"{line.Address:X8}  {bytes}");
    }

    internal static string Hexadecimal(Dma330Instruction instruction)
    {
        Span<byte> bytes = stackalloc byte[Dma330Decoder.MaximumLength];
        instruction.CopyTo(bytes);
        var hex = new StringBuilder();
        foreach (var value in bytes[..instruction.Length])
        {
            hex.Append(CultureInfo.InvariantCulture, $"{(hex.Length == 0 ? "" : " ")}{value:X2}");
        }

        return hex.ToString();
    }

    private static string WithLoopMode(string text) =>
        Dma330Assembler.Assemble(text).Succeeded ? text : $".loops manual\n{text}";
}
