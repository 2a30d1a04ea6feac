namespace Emulator.Peripherals;

/// <summary>
/// The instructions of the DMA-330, named as in Arm DDI 0424, chapter "Instruction set", and numbered densely for a
/// <c>switch</c>. Forms that differ only in the S or B condition, the loop counter or the security bit are one opcode.
/// DMALPFE is missing: it is an assembler directive and leaves its mark in the matching <see cref="DMALPEND"/>.
/// </summary>
public enum Dma330Opcode : byte
{
    /// <summary>Not an encoding of the DMA-330: executing it is an undef_instr fault.</summary>
    Undefined,

    /// <summary>Add halfword to SAR or DAR.</summary>
    DMAADDH,

    /// <summary>Add negative halfword (0xFFFF_0000 | immediate) to SAR or DAR; not in revision r0p0.</summary>
    DMAADNH,

    /// <summary>End of the program: the thread stops once its transfers are complete.</summary>
    DMAEND,

    /// <summary>Flush the requests of a peripheral and have it signal its level again.</summary>
    DMAFLUSHP,

    /// <summary>Start a channel thread (manager only).</summary>
    DMAGO,

    /// <summary>Kill the thread (debug registers only).</summary>
    DMAKILL,

    /// <summary>Load a burst into the MFIFO.</summary>
    DMALD,

    /// <summary>Load and acknowledge a peripheral.</summary>
    DMALDP,

    /// <summary>Start a loop: set a loop counter.</summary>
    DMALP,

    /// <summary>End a counted loop, or one without end (<see cref="Dma330Instruction.Forever"/>).</summary>
    DMALPEND,

    /// <summary>Set SAR, CCR or DAR.</summary>
    DMAMOV,

    /// <summary>Do nothing.</summary>
    DMANOP,

    /// <summary>Wait until the thread's reads are complete.</summary>
    DMARMB,

    /// <summary>Signal an event or an interrupt.</summary>
    DMASEV,

    /// <summary>Store a burst from the MFIFO.</summary>
    DMAST,

    /// <summary>Store and acknowledge a peripheral.</summary>
    DMASTP,

    /// <summary>Store zeros.</summary>
    DMASTZ,

    /// <summary>Wait for an event.</summary>
    DMAWFE,

    /// <summary>Wait for a peripheral's request.</summary>
    DMAWFP,

    /// <summary>Wait until the thread's writes are complete.</summary>
    DMAWMB,
}

/// <summary>The S or B suffix: which request_type of the last DMAWFP the instruction needs so as not to be a no-op.</summary>
public enum Dma330Condition : byte
{
    /// <summary>No suffix: executes always.</summary>
    Always,

    /// <summary>S: executes when request_type is Single, with bursts of one beat.</summary>
    Single,

    /// <summary>B: executes when request_type is Burst.</summary>
    Burst,
}

/// <summary>The operand of DMAWFP; the values are the bits <c>bs</c> and <c>P</c> of the encoding.</summary>
public enum Dma330Wait : byte
{
    /// <summary>Wait for a single or a burst request and treat it as a single one.</summary>
    Single = 0,

    /// <summary>Wait for any request; the peripheral's request says which kind it is.</summary>
    Periph = 1,

    /// <summary>Wait for a burst request.</summary>
    Burst = 2,
}

/// <summary>A channel register as encoded in DMAMOV. Values 3 to 7 encode no register (operand_invalid).</summary>
public enum Dma330Register : byte
{
    /// <summary>Source address register.</summary>
    SAR = 0,

    /// <summary>Channel control register, see <see cref="Dma330ChannelControl"/>.</summary>
    CCR = 1,

    /// <summary>Destination address register.</summary>
    DAR = 2,
}

/// <summary>Kinds of DMA-330 thread, as a set.</summary>
[Flags]
public enum Dma330Threads : byte
{
    /// <summary>No thread.</summary>
    None = 0,

    /// <summary>The manager thread.</summary>
    Manager = 1,

    /// <summary>A channel thread.</summary>
    Channel = 2,

    /// <summary>The manager and the channel threads.</summary>
    Both = Manager | Channel,
}

/// <summary>What follows the first byte of an instruction, and how it is written in assembly.</summary>
public enum Dma330OperandForm : byte
{
    /// <summary>Nothing.</summary>
    Nothing,

    /// <summary>SAR or DAR in the first byte, then a 16-bit immediate.</summary>
    AddressImmediate16,

    /// <summary>A peripheral in bits 7:3.</summary>
    Peripheral,

    /// <summary>Security in the first byte, a channel in bits 2:0, then the 32-bit start address.</summary>
    ChannelAddress,

    /// <summary>Loop counter in the first byte, then the number of iterations minus one.</summary>
    LoopCount,

    /// <summary>Loop counter in the first byte, then the distance back to the loop's first instruction.</summary>
    LoopEnd,

    /// <summary>A register in bits 2:0, then a 32-bit immediate.</summary>
    RegisterImmediate32,

    /// <summary>An event in bits 7:3.</summary>
    Event,

    /// <summary>An event in bits 7:3, and bit 1: invalidate the instruction cache.</summary>
    EventInvalidate,

    /// <summary>A peripheral in bits 7:3; the kind of wait is in the first byte.</summary>
    PeripheralWait,
}
