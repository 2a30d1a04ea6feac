using System.Collections.Frozen;
using static Emulator.Peripherals.Dma330Opcode;
using static Emulator.Peripherals.Dma330OperandForm;

namespace Emulator.Peripherals;

/// <summary>One row of the instruction set: an encoding of the first byte and all that follows from it.</summary>
/// <param name="Opcode">The instruction.</param>
/// <param name="Mask">The bits of the first byte that select this row.</param>
/// <param name="Value">Their value.</param>
/// <param name="Length">Length of the instruction in bytes.</param>
/// <param name="Mnemonic">The name in assembly, condition suffix included.</param>
/// <param name="Operands">What follows the first byte.</param>
/// <param name="Condition">The S or B condition.</param>
/// <param name="Threads">The threads whose program may hold it; any other thread faults with undef_instr.</param>
/// <param name="DebugThreads">The threads that take it from the debug registers DBGINST0 and DBGINST1.</param>
/// <param name="AlsoSpelled">Another accepted spelling, as Linux's pl330 driver prints it.</param>
/// <param name="Canonical">False for an encoding that no assembler emits.</param>
public sealed record Dma330Encoding(
    Dma330Opcode Opcode,
    byte Mask,
    byte Value,
    int Length,
    string Mnemonic,
    Dma330OperandForm Operands,
    Dma330Condition Condition,
    Dma330Threads Threads,
    Dma330Threads DebugThreads,
    string? AlsoSpelled = null,
    bool Canonical = true
)
{
    /// <summary>Bits of the second byte that should be zero; if one is not, the instruction is operand_invalid.</summary>
    public byte SecondByteZeros =>
        Operands switch
        {
            Peripheral or Event or PeripheralWait => 0b0000_0111,
            EventInvalidate => 0b0000_0101,
            ChannelAddress or RegisterImmediate32 => 0b1111_1000,
            _ => 0,
        };

    /// <summary>The form in assembly, for messages and documentation: <c>DMASEV &lt;event&gt;</c>.</summary>
    public string Syntax =>
        Operands switch
        {
            AddressImmediate16 => $"{Mnemonic} <SAR|DAR>, <value>",
            Peripheral => $"{Mnemonic} <peripheral>",
            ChannelAddress => $"{Mnemonic} <channel>, <address>[, ns]",
            LoopCount => $"{Mnemonic} [LC0|LC1,] <iterations>",
            LoopEnd => $"{Mnemonic} [LC0|LC1|FE][, <label or -distance>]",
            RegisterImmediate32 => $"{Mnemonic} <SAR|DAR|CCR>, <value>",
            Event => $"{Mnemonic} <event>",
            EventInvalidate => $"{Mnemonic} <event>[, invalid]",
            PeripheralWait => $"{Mnemonic} <peripheral>, <single|burst|periph>",
            _ => Mnemonic,
        };
}

/// <summary>
/// The whole instruction set of the DMA-330 as one table, which serves decoding, assembling, disassembling and the
/// documentation. Source: Arm DDI 0424, chapter "Instruction set"; the encodings are those that Linux's
/// drivers/dma/pl330.c emits. Conditional forms with bs=1 and x=0 (06, 0A, 2A, 2E, 3A, 3E) and 33 are no encodings.
/// </summary>
public static class Dma330InstructionSet
{
    private const Dma330Condition Always = Dma330Condition.Always;
    private const Dma330Condition Single = Dma330Condition.Single;
    private const Dma330Condition Burst = Dma330Condition.Burst;
    private const Dma330Threads __ = Dma330Threads.None;
    private const Dma330Threads M_ = Dma330Threads.Manager;
    private const Dma330Threads _C = Dma330Threads.Channel;
    private const Dma330Threads MC = Dma330Threads.Both;

    // csharpier-ignore
    private static readonly Dma330Encoding[] Rows =
    [
        //  opcode     mask  value bytes mnemonic     operands             condition  run debug also spelled
        new(DMAADDH,   0xFD, 0x54, 3, "DMAADDH",   AddressImmediate16,  Always, _C, __),
        new(DMAADNH,   0xFD, 0x5C, 3, "DMAADNH",   AddressImmediate16,  Always, _C, __),
        new(DMAEND,    0xFF, 0x00, 1, "DMAEND",    Nothing,             Always, MC, __),
        new(DMAFLUSHP, 0xFF, 0x35, 2, "DMAFLUSHP", Peripheral,          Always, _C, __),
        new(DMAGO,     0xFD, 0xA0, 6, "DMAGO",     ChannelAddress,      Always, M_, M_),
        new(DMAKILL,   0xFF, 0x01, 1, "DMAKILL",   Nothing,             Always, __, MC),
        new(DMALD,     0xFF, 0x04, 1, "DMALD",     Nothing,             Always, _C, __, "DMALDA"),
        new(DMALD,     0xFF, 0x05, 1, "DMALDS",    Nothing,             Single, _C, __),
        new(DMALD,     0xFF, 0x07, 1, "DMALDB",    Nothing,             Burst,  _C, __),
        new(DMALDP,    0xFF, 0x25, 2, "DMALDPS",   Peripheral,          Single, _C, __),
        new(DMALDP,    0xFF, 0x27, 2, "DMALDPB",   Peripheral,          Burst,  _C, __),
        new(DMALP,     0xFD, 0x20, 2, "DMALP",     LoopCount,           Always, _C, __),
        new(DMALPEND,  0xFB, 0x38, 2, "DMALPEND",  LoopEnd,             Always, _C, __, "DMALPENDA"),
        new(DMALPEND,  0xFB, 0x39, 2, "DMALPENDS", LoopEnd,             Single, _C, __),
        new(DMALPEND,  0xFB, 0x3B, 2, "DMALPENDB", LoopEnd,             Burst,  _C, __),
        // The end of a loop without end (nf = 0): the assembler sets lc, else S and B would be DMASTPS and DMASTPB.
        new(DMALPEND,  0xFF, 0x2C, 2, "DMALPEND",  LoopEnd,             Always, _C, __),
        new(DMALPEND,  0xFF, 0x2D, 2, "DMALPENDS", LoopEnd,             Single, _C, __),
        new(DMALPEND,  0xFF, 0x2F, 2, "DMALPENDB", LoopEnd,             Burst,  _C, __),
        new(DMALPEND,  0xFF, 0x28, 2, "DMALPEND",  LoopEnd,             Always, _C, __, Canonical: false),
        new(DMAMOV,    0xFF, 0xBC, 6, "DMAMOV",    RegisterImmediate32, Always, _C, __),
        new(DMANOP,    0xFF, 0x18, 1, "DMANOP",    Nothing,             Always, MC, __),
        new(DMARMB,    0xFF, 0x12, 1, "DMARMB",    Nothing,             Always, _C, __),
        new(DMASEV,    0xFF, 0x34, 2, "DMASEV",    Event,               Always, MC, MC),
        new(DMAST,     0xFF, 0x08, 1, "DMAST",     Nothing,             Always, _C, __, "DMASTA"),
        new(DMAST,     0xFF, 0x09, 1, "DMASTS",    Nothing,             Single, _C, __),
        new(DMAST,     0xFF, 0x0B, 1, "DMASTB",    Nothing,             Burst,  _C, __),
        new(DMASTP,    0xFF, 0x29, 2, "DMASTPS",   Peripheral,          Single, _C, __),
        new(DMASTP,    0xFF, 0x2B, 2, "DMASTPB",   Peripheral,          Burst,  _C, __),
        new(DMASTZ,    0xFF, 0x0C, 1, "DMASTZ",    Nothing,             Always, _C, __),
        new(DMAWFE,    0xFF, 0x36, 2, "DMAWFE",    EventInvalidate,     Always, MC, __),
        new(DMAWFP,    0xFF, 0x30, 2, "DMAWFP",    PeripheralWait,      Always, _C, __, "DMAWFPS"),
        new(DMAWFP,    0xFF, 0x32, 2, "DMAWFP",    PeripheralWait,      Always, _C, __, "DMAWFPB"),
        new(DMAWFP,    0xFF, 0x31, 2, "DMAWFP",    PeripheralWait,      Always, _C, __, "DMAWFPP"),
        new(DMAWMB,    0xFF, 0x13, 1, "DMAWMB",    Nothing,             Always, _C, __),
    ];

    private static readonly Dma330Encoding?[] RowsByFirstByte = IndexByFirstByte();

    /// <summary>Every mnemonic and other spelling, in any case, with the first row that bears it.</summary>
    internal static readonly FrozenDictionary<string, Dma330Encoding> RowsByName = IndexByName();

    /// <summary>The table, in the order of the manual.</summary>
    public static IReadOnlyList<Dma330Encoding> Encodings => Rows;

    /// <summary>The row that encodes an instruction with this first byte, or null if there is none.</summary>
    public static Dma330Encoding? Find(byte firstByte) => RowsByFirstByte[firstByte];

    private static Dma330Encoding?[] IndexByFirstByte()
    {
        var rows = new Dma330Encoding?[256];
        for (var first = 0; first < rows.Length; first++)
        {
            rows[first] = Array.Find(Rows, row => (first & row.Mask) == row.Value);
        }

        return rows;
    }

    private static FrozenDictionary<string, Dma330Encoding> IndexByName()
    {
        var rows = new Dictionary<string, Dma330Encoding>(StringComparer.OrdinalIgnoreCase);
        foreach (var row in Rows)
        {
            rows.TryAdd(row.Mnemonic, row);
            if (row.AlsoSpelled is not null)
            {
                rows.Add(row.AlsoSpelled, row);
            }
        }

        return rows.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);
    }
}
