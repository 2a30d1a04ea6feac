namespace Emulator.Peripherals;

/// <summary>
/// The assembler of DMA-330 programs. It takes the notation of Arm DDI 0424, that of <see cref="Dma330Disassembler"/> and
/// that which Linux's pl330 driver prints when built with PL330_DEBUG_MCGEN.
/// </summary>
/// <remarks>
/// <para>One instruction per line, after any number of labels (<c>copy:</c>). Mnemonics, registers and keywords are
/// taken in any case, labels are case-sensitive. Comments start with <c>;</c>, <c>@</c> or <c>//</c>, and with
/// <c>#</c> at the start of a line. Commas between operands may be left out.</para>
/// <para>Numbers are decimal, <c>0x</c> or <c>0b</c>, with <c>_</c> between digits and an optional <c>#</c> in front.
/// A value is a sum of numbers, labels and <c>.</c> (the address of this line).</para>
/// <para><b>Loops.</b> <c>DMALP 32</c> takes a free loop counter, <c>DMALP LC1, 32</c> the named one, <c>DMALPFE</c>
/// loops without end and emits nothing. <c>DMALPEND</c> (also S, B) closes the innermost open loop; a counter, as in
/// <c>DMALPEND LC0</c>, must be that loop's. Counted loops nest two deep and a body has at most 255 bytes.</para>
/// <para><b>Explicit jumps.</b> <c>DMALPEND LC0, #-4</c> and <c>DMALPEND LC0, label</c> are encoded as written, with
/// any counter, and still close the innermost loop if one is open; <c>FE</c> in place of the counter ends a loop
/// without end. <c>DMALPEND label</c> takes the counter from the innermost loop. After <c>.loops manual</c> (until
/// <c>.loops auto</c>) nothing is paired or checked; DMALP and DMALPEND then need everything written out.</para>
/// <para><b>CCR.</b> <c>DMAMOV CCR, SB16 SS64 SAI SP2 DB16 DS64 DAI DP2</c>: SB, DB burst length in beats (1 to 16);
/// SS, DS beat size in bits (8 to 128); SA, DA address incrementing (I) or fixed (F); SP, DP protection and SC, DC
/// cache control as the field's three bits; ES swap size in bits. Fields left out are SB1 SS8 SAI SP0 SC0, DB1 DS8
/// DAI DP0 DC0 and ES8.</para>
/// <para><b>Raw bytes.</b> <c>.byte 0x28, 8</c> or <c>DCB</c>. <c>DMAMOV r5, 1</c> encodes an invalid register.</para>
/// <para><b>Linux's notation.</b> <c>DMALDA</c>, <c>DMASTA</c>, <c>DMAWFPS 2</c>; and, with operands as encoded,
/// <c>DMALP_1 127</c> (128 iterations), <c>DMALPENDA_1 bjmpto_7</c>, <c>DMALPFEA_1 bjmpto_18</c> (hex),
/// <c>DMAADDH SA 16</c>, <c>DMAWFE 3, I</c>. An address before an instruction (<c>1c:</c>) is passed over.</para>
/// </remarks>
public static class Dma330Assembler
{
    /// <summary>Assembles a program that will stand at <paramref name="address"/>. No input makes it throw.</summary>
    public static Dma330Assembly Assemble(string source, uint address = 0)
    {
        ArgumentNullException.ThrowIfNull(source);
        return new Dma330AssemblerRun(address).Assemble(source);
    }
}
