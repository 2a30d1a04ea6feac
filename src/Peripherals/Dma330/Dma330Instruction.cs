using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Emulator.Peripherals;

/// <summary>
/// A decoded DMA-330 instruction: a value of 8 bytes, so that a cached program is an array of them. Operand properties
/// are cut out of the raw bytes when asked for; each is meaningful for the opcodes its summary names and harmless for
/// the others. <c>default</c> is no instruction (length 0). Source: Arm DDI 0424, chapter "Instruction set".
/// </summary>
[DebuggerDisplay("{ToString(),nq}")]
public readonly record struct Dma330Instruction
{
    // 63:62 debug threads, 61:60 threads, 59 not canonical, 58 operand invalid, 57:56 condition, 55:53 length,
    // 52:48 opcode, 47:0 the bytes of the instruction, first byte lowest.
    internal const ulong OperandInvalidBit = 1UL << 58;
    internal const ulong NotCanonicalBit = 1UL << 59;
    private const int OpcodeShift = 48;
    private const int LengthShift = 53;
    private const int ConditionShift = 56;
    private const int ThreadsShift = 60;
    private const int DebugThreadsShift = 62;

    private readonly ulong _bits;

    internal Dma330Instruction(ulong bits) => _bits = bits;

    /// <summary>The instruction, to switch on.</summary>
    public Dma330Opcode Opcode => OpcodeOf(_bits);

    /// <summary>Length in bytes: 1, 2, 3 or 6.</summary>
    public int Length => LengthOf(_bits);

    /// <summary>The S or B condition of DMALD, DMAST, DMALDP, DMASTP and DMALPEND.</summary>
    public Dma330Condition Condition => (Dma330Condition)((_bits >> ConditionShift) & 3);

    /// <summary>
    /// True if an operand is invalid in any configuration (operand_invalid): a bit that should be zero is set, or
    /// DMAMOV names register 3 to 7. Limits of a configuration (channels, events, peripherals, burst size) are not
    /// checked here.
    /// </summary>
    public bool OperandInvalid => (_bits & OperandInvalidBit) != 0;

    /// <summary>The threads whose program may hold the instruction; another thread faults with undef_instr.</summary>
    public Dma330Threads Threads => (Dma330Threads)((_bits >> ThreadsShift) & 3);

    /// <summary>The threads that take the instruction from the debug registers.</summary>
    public Dma330Threads DebugThreads => (Dma330Threads)(_bits >> DebugThreadsShift);

    /// <summary>DMAMOV: the register written (3 to 7 with <see cref="OperandInvalid"/>). DMAADDH, DMAADNH: SAR or DAR.</summary>
    public Dma330Register Register => (Dma330Register)(Opcode == Dma330Opcode.DMAMOV ? SecondByte & 7 : FirstByte & 2);

    /// <summary>DMAMOV: the value. DMAGO: the start address. DMAADDH, DMAADNH: the 16 bits as encoded.</summary>
    public uint Immediate => Length == 3 ? (ushort)(_bits >> 8) : (uint)(_bits >> 16);

    /// <summary>DMAADDH, DMAADNH: what to add to the register, modulo 2^32.</summary>
    public uint Addend => Opcode == Dma330Opcode.DMAADNH ? 0xFFFF_0000 | Immediate : Immediate;

    /// <summary>DMALP: the counter set; DMALPEND unless <see cref="Forever"/>: the counter tested. 0 or 1.</summary>
    public int LoopCounter => Opcode == Dma330Opcode.DMALP ? (FirstByte >> 1) & 1 : (FirstByte >> 2) & 1;

    /// <summary>DMALP: the value the loop counter is set to, which is the number of iterations minus one.</summary>
    public byte LoopCount => SecondByte;

    /// <summary>DMALPEND: true if it ends a loop without end (nf = 0), left only when request_last is set.</summary>
    public bool Forever => Opcode == Dma330Opcode.DMALPEND && (FirstByte & 0x10) == 0;

    /// <summary>DMALPEND: the distance in bytes from this instruction back to the loop's first one.</summary>
    public int BackwardsJump => SecondByte;

    /// <summary>DMASEV, DMAWFE: the event, 0 to 31.</summary>
    public int Event => SecondByte >> 3;

    /// <summary>DMAWFE: true if the thread's instruction cache lines are to be invalidated.</summary>
    public bool Invalidate => (SecondByte & 2) != 0;

    /// <summary>DMAWFP, DMALDP, DMASTP, DMAFLUSHP: the peripheral request interface, 0 to 31.</summary>
    public int Peripheral => SecondByte >> 3;

    /// <summary>DMAWFP: the kind of request waited for.</summary>
    public Dma330Wait Wait => (Dma330Wait)(FirstByte & 3);

    /// <summary>DMAGO: the channel to start, 0 to 7.</summary>
    public int Channel => SecondByte & 7;

    /// <summary>DMAGO: true to start the channel in the Non-secure state.</summary>
    public bool NonSecure => (FirstByte & 2) != 0;

    /// <summary>The instruction's bytes, the first one lowest, without anything above <see cref="Length"/>.</summary>
    public ulong RawBytes => _bits & 0xFFFF_FFFF_FFFF;

    /// <summary>
    /// True if the assembly text stands for these very bytes. False for an undefined byte, for opcode 28 (accepted as
    /// 2C) and where bits that should be zero are set; such bytes are written as <c>.byte</c>.
    /// </summary>
    internal bool IsCanonical => Opcode != Dma330Opcode.Undefined && (_bits & NotCanonicalBit) == 0;

    private byte FirstByte => (byte)_bits;

    private byte SecondByte => (byte)(_bits >> 8);

    /// <summary>DMALPEND at <paramref name="address"/>: the address of the loop's first instruction.</summary>
    public uint JumpTarget(uint address) => address - SecondByte;

    /// <summary>Copies the instruction's bytes; the span must hold <see cref="Length"/> of them.</summary>
    public void CopyTo(Span<byte> destination)
    {
        for (var i = 0; i < Length; i++)
        {
            destination[i] = (byte)(_bits >> (8 * i));
        }
    }

    /// <summary>The instruction in the notation of <see cref="Dma330Assembler"/>, which turns it into the same bytes.</summary>
    public override string ToString()
    {
        if (!IsCanonical || Dma330InstructionSet.Find(FirstByte) is not { } row)
        {
            return RawText();
        }

        var operands = row.Operands switch
        {
            Dma330OperandForm.AddressImmediate16 => $" {Register}, 0x{Immediate:X4}",
            Dma330OperandForm.Peripheral => $" P{Peripheral}",
            Dma330OperandForm.ChannelAddress => $" C{Channel}, 0x{Immediate:X8}{(NonSecure ? ", ns" : "")}",
            Dma330OperandForm.LoopCount => $" LC{LoopCounter}, {LoopCount + 1}",
            Dma330OperandForm.LoopEnd => $" {(Forever ? "FE" : $"LC{LoopCounter}")}, #-{BackwardsJump}",
            Dma330OperandForm.RegisterImmediate32 => Register switch
            {
                Dma330Register.CCR => $" CCR, {new Dma330ChannelControl(Immediate)}",
                Dma330Register.SAR or Dma330Register.DAR => $" {Register}, 0x{Immediate:X8}",
                _ => $" r{(int)Register}, 0x{Immediate:X8}",
            },
            Dma330OperandForm.Event => $" E{Event}",
            Dma330OperandForm.EventInvalidate => $" E{Event}{(Invalidate ? ", invalid" : "")}",
            Dma330OperandForm.PeripheralWait => $" P{Peripheral}, {WaitText()}",
            _ => "",
        };
        return row.Mnemonic + operands;
    }

    internal static ulong Head(Dma330Encoding row) =>
        ((ulong)row.Opcode << OpcodeShift)
        | ((ulong)row.Length << LengthShift)
        | ((ulong)row.Condition << ConditionShift)
        | (row.Canonical ? 0 : NotCanonicalBit)
        | ((ulong)row.Threads << ThreadsShift)
        | ((ulong)row.DebugThreads << DebugThreadsShift);

    internal static ulong UndefinedHead(int length) => (ulong)length << LengthShift;

    internal static Dma330Opcode OpcodeOf(ulong bits) => (Dma330Opcode)((bits >> OpcodeShift) & 0x1F);

    internal static int LengthOf(ulong bits) => (int)(bits >> LengthShift) & 7;

    internal static Dma330Instruction UndefinedByte(byte value) => new(UndefinedHead(1) | value);

    private string WaitText() =>
        Wait switch
        {
            Dma330Wait.Single => "single",
            Dma330Wait.Burst => "burst",
            _ => "periph",
        };

    private string RawText()
    {
        var text = new StringBuilder(".byte");
        for (var i = 0; i < Length; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"{(i == 0 ? " " : ", ")}0x{(byte)(_bits >> (8 * i)):X2}");
        }

        return text.ToString();
    }
}
