namespace Emulator.Peripherals;

/// <summary>
/// Decodes DMA-330 instructions by a table of 256 first bytes, without allocation. An interpreter reads one byte,
/// asks <see cref="Length"/>, reads the rest and calls <see cref="Decode(ReadOnlySpan{byte})"/>.
/// </summary>
public static class Dma330Decoder
{
    /// <summary>The longest instruction (DMAMOV, DMAGO), in bytes.</summary>
    public const int MaximumLength = 6;

    private const int UndefinedLength = 1;

    private static readonly ulong[] Heads = BuildHeads();
    private static readonly byte[] SecondByteZeros = BuildSecondByteZeros();

    /// <summary>Length in bytes (1, 2, 3 or 6) of the instruction with this first byte; 1 if it is undefined.</summary>
    public static int Length(byte firstByte) => Dma330Instruction.LengthOf(Heads[firstByte]);

    /// <summary>The opcode of an instruction with this first byte.</summary>
    public static Dma330Opcode Opcode(byte firstByte) => Dma330Instruction.OpcodeOf(Heads[firstByte]);

    /// <summary>Decodes the instruction at the start of <paramref name="bytes"/>; what follows it is ignored.</summary>
    /// <exception cref="ArgumentException">The span is shorter than the instruction.</exception>
    public static Dma330Instruction Decode(ReadOnlySpan<byte> bytes) =>
        TryDecode(bytes, out var instruction)
            ? instruction
            : throw new ArgumentException("The bytes end within an instruction.", nameof(bytes));

    /// <summary>Decodes the instruction at the start of <paramref name="bytes"/>, unless they end within it.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, out Dma330Instruction instruction)
    {
        if (bytes.IsEmpty || bytes.Length < Length(bytes[0]))
        {
            instruction = default;
            return false;
        }

        var word = 0UL;
        for (var i = Math.Min(bytes.Length, MaximumLength) - 1; i >= 0; i--)
        {
            word = (word << 8) | bytes[i];
        }

        instruction = Decode(word);
        return true;
    }

    /// <summary>Decodes the instruction whose first byte is the lowest byte of <paramref name="word"/>.</summary>
    public static Dma330Instruction Decode(ulong word)
    {
        var first = (byte)word;
        var head = Heads[first];
        var length = Dma330Instruction.LengthOf(head);
        var bytes = word & ((1UL << (8 * length)) - 1);
        var second = (byte)(bytes >> 8);
        if ((second & SecondByteZeros[first]) != 0)
        {
            head |= Dma330Instruction.OperandInvalidBit | Dma330Instruction.NotCanonicalBit;
        }
        else if (second > (byte)Dma330Register.DAR && Dma330Instruction.OpcodeOf(head) == Dma330Opcode.DMAMOV)
        {
            head |= Dma330Instruction.OperandInvalidBit;
        }

        return new Dma330Instruction(head | bytes);
    }

    /// <summary>
    /// Decodes the instruction held by the debug registers: DBGINST0 bits 31:16 are bytes 0 and 1, DBGINST1 is bytes
    /// 2 to 5. Whether the thread takes it is told by <see cref="Dma330Instruction.DebugThreads"/>.
    /// </summary>
    public static Dma330Instruction DecodeDebug(uint dbginst0, uint dbginst1) =>
        Decode((dbginst0 >> 16) | ((ulong)dbginst1 << 16));

    private static ulong[] BuildHeads()
    {
        var heads = new ulong[256];
        for (var first = 0; first < heads.Length; first++)
        {
            heads[first] = Dma330InstructionSet.Find((byte)first) is { } row
                ? Dma330Instruction.Head(row)
                : Dma330Instruction.UndefinedHead(UndefinedLength);
        }

        return heads;
    }

    private static byte[] BuildSecondByteZeros()
    {
        var zeros = new byte[256];
        for (var first = 0; first < zeros.Length; first++)
        {
            zeros[first] = Dma330InstructionSet.Find((byte)first)?.SecondByteZeros ?? 0;
        }

        return zeros;
    }
}
