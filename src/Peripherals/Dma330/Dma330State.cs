using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Emulator.Peripherals;

/// <summary>
/// The state of a thread as DSR and CSRn show it (Arm DDI 0424, "Channel Status Registers"). The codes left out are
/// reserved; 6 in particular is never reported, though some drivers know it as "queue busy".
/// </summary>
public enum Dma330ThreadStatus : byte
{
    /// <summary>Not running; the PC means nothing.</summary>
    Stopped = 0,

    /// <summary>Running, or waiting for a free bus slot, for room in the MFIFO, or for a held data access.</summary>
    Executing = 1,

    /// <summary>Waiting for an instruction fetch. The model shows it only while a fetch is held.</summary>
    CacheMiss = 2,

    /// <summary>Computing the next PC. The model never shows it.</summary>
    UpdatingPc = 3,

    /// <summary>In DMAWFE.</summary>
    WaitingForEvent = 4,

    /// <summary>In DMARMB or DMAWMB.</summary>
    AtBarrier = 5,

    /// <summary>In DMAWFP.</summary>
    WaitingForPeripheral = 7,

    /// <summary>Killed, waiting for its bus accesses.</summary>
    Killing = 8,

    /// <summary>Past DMAEND, waiting for its bus accesses.</summary>
    Completing = 9,

    /// <summary>Faulted, waiting for its bus accesses.</summary>
    FaultingCompleting = 14,

    /// <summary>Faulted; only a debug DMAKILL or a reset leads out.</summary>
    Faulting = 15,
}

/// <summary>Why a channel that is Executing cannot go on with its DMALD.</summary>
internal enum Dma330Stall : byte
{
    None,

    /// <summary>The MFIFO has not enough free space.</summary>
    Space,

    /// <summary>Another channel holds the load-lock.</summary>
    LoadLock,
}

/// <summary>What a thread has under way on the bus.</summary>
internal enum Dma330Access : byte
{
    None,
    Fetch,
    Load,
    Store,
    StoreZeros,
}

/// <summary>What became of an access that was held, with "nothing yet" as the default.</summary>
internal enum Dma330Resolution : byte
{
    Pending,
    Repeat,
    CompletedAsZero,
    SlaveError,
    DecodeError,
}

/// <summary>What one thread remembers. Times are in picoseconds.</summary>
internal struct Dma330Thread
{
    /// <summary>When the thread can act next; <see cref="Machine.VirtualTime.Never"/> if something else must happen first.</summary>
    public long WakeAt;

    /// <summary>When the last of its reads completes.</summary>
    public long ReadsDoneAt;

    /// <summary>When the last of its writes completes.</summary>
    public long WritesDoneAt;

    /// <summary>The bytes of an instruction whose fetch was held, first byte lowest.</summary>
    public ulong FetchedBytes;

    /// <summary>The instruction whose access is under way.</summary>
    public Dma330Instruction AccessInstruction;

    public uint Pc;
    public uint Sar;
    public uint Dar;
    public uint Ccr;
    public uint Lc0;
    public uint Lc1;
    public uint FaultType;

    /// <summary>Where the last bus error was.</summary>
    public uint FaultAddress;

    /// <summary>Grows whenever an access ends or is given up, so that a late answer to it is known as such.</summary>
    public uint Generation;

    /// <summary>The access under way: its first address, length, progress, and beat length if the address is fixed.</summary>
    public uint AccessAddress;
    public int AccessBytes;
    public int AccessDone;
    public int FixedBeatBytes;

    /// <summary>Where the thread's bytes begin in the MFIFO.</summary>
    public int MfifoStart;

    /// <summary>How many bytes it has there.</summary>
    public int MfifoCount;

    /// <summary>How many more bytes of it are under way.</summary>
    public int MfifoReserved;

    public Dma330ThreadStatus Status;

    /// <summary>1: Non-secure (DNS, CNS).</summary>
    public byte NonSecure;

    /// <summary>The event or peripheral waited for.</summary>
    public byte WaitingFor;

    /// <summary>The operand of the last DMAWFP, as <see cref="Dma330Wait"/>.</summary>
    public Dma330Wait Wait;

    /// <summary>request_type of the last DMAWFP: 1 for Burst.</summary>
    public byte RequestBurst;

    /// <summary>request_last of the last DMAWFP.</summary>
    public byte RequestLast;

    /// <summary>The length of the instruction the thread waits in; added to the PC when the wait is over.</summary>
    public byte ResumeLength;

    public Dma330Access Access;

    /// <summary>1 while the access is held.</summary>
    public byte Held;

    public Dma330Resolution Resolution;
    public Dma330Stall Stall;

    /// <summary>How many bytes are in <see cref="FetchedBytes"/>.</summary>
    public byte FetchedCount;

    /// <summary>The beats of the access under way, for its time.</summary>
    public byte AccessBeats;

    /// <summary>1 if a peripheral is to be told when the access is done; <see cref="AcknowledgePeripheral"/> says which.</summary>
    public byte Acknowledge;

    public byte AcknowledgePeripheral;

    /// <summary>1 if what is acknowledged is a burst.</summary>
    public byte AcknowledgeBurst;
}

/// <summary>The channels, then the manager.</summary>
[InlineArray(Dma330Configuration.MaximumChannels + 1)]
internal struct Dma330ThreadArray
{
    private Dma330Thread _first;
}

/// <summary>When each outstanding slot of the bus interface becomes free.</summary>
[InlineArray(8)]
internal struct Dma330SlotArray
{
    private long _first;
}

/// <summary>The requests that wait at one peripheral request interface, oldest first.</summary>
internal struct Dma330RequestQueue
{
    public const int Capacity = 8;

    /// <summary>Two bits each: burst, last. The oldest is lowest.</summary>
    public uint Entries;
    public uint Count;
}

[InlineArray(Dma330Configuration.MaximumPeripherals)]
internal struct Dma330RequestQueueArray
{
    private Dma330RequestQueue _first;
}

/// <summary>Twice the largest MFIFO, so that a channel's bytes can always be moved to the end without closing gaps first.</summary>
[InlineArray(2 * Dma330Configuration.MaximumMfifoBytes)]
internal struct Dma330MfifoBytes
{
    private byte _first;
}

/// <summary>Everything a DMA-330 remembers.</summary>
[DebuggerDisplay("INTEN {Inten} RIS {Ris}")]
public struct Dma330State
{
    internal Dma330ThreadArray Threads;
    internal Dma330SlotArray ReadSlots;
    internal Dma330SlotArray WriteSlots;

    /// <summary>The first clock edge at which an instruction can be issued.</summary>
    internal long NextSlot;

    /// <summary>When the engine last did something.</summary>
    internal long LastActionAt;

    /// <summary>When the debug instruction is executed; never if there is none.</summary>
    internal long DebugAt;

    /// <summary>When the watchdog finds a lock-up.</summary>
    internal long WatchdogAt;

    internal Dma330RequestQueueArray Requests;
    internal uint Inten;
    internal uint Ris;
    internal uint DebugInstruction0;
    internal uint DebugInstruction1;
    internal uint Watchdog;

    /// <summary>The threads that have a time to wake at, a bit each.</summary>
    internal uint Runnable;

    /// <summary>The channels that stand at a DMALD which cannot go on.</summary>
    internal uint Stalled;

    /// <summary>The threads with a held access.</summary>
    internal uint HeldThreads;

    /// <summary>The end of the used part of the MFIFO's bytes.</summary>
    internal int MfifoTail;

    /// <summary>Bytes in the MFIFO and reserved for loads under way.</summary>
    internal int MfifoUsed;

    /// <summary>The DBGINST pair that waits for <see cref="DebugAt"/>.</summary>
    internal uint PendingDebug0;
    internal uint PendingDebug1;

    /// <summary>The channel that holds the load-lock, or <see cref="NoChannel"/>.</summary>
    internal byte LoadLock;

    /// <summary>The channel served last.</summary>
    internal byte LastChannel;

    /// <summary>1 if the manager was served last.</summary>
    internal byte ManagerServedLast;

    /// <summary>1 while the watchdog reports a lock-up by irq_abort alone.</summary>
    internal byte LockupSignalled;

    /// <summary>Keeps the struct free of padding.</summary>
    public uint Filler;
    internal Dma330MfifoBytes Mfifo;

    internal const byte NoChannel = 0xFF;
}
