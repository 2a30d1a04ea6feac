using System.Diagnostics;

namespace Emulator.Machine;

/// <summary>The answer to a bus transaction.</summary>
public enum BusStatus : byte
{
    /// <summary>AXI OKAY: done.</summary>
    Okay,

    /// <summary>AXI SLVERR: somebody is there and refuses.</summary>
    SlaveError,

    /// <summary>AXI DECERR: nobody is there.</summary>
    DecodeError,

    /// <summary>
    /// An SMMU has stalled the transaction and keeps it. The initiator is called back on
    /// <see cref="IBusInitiator.OnHeldTransaction"/> when the SMMU resumes. Only initiators that can wait ever see this.
    /// </summary>
    Held,
}

/// <summary>What becomes of a transaction that was held.</summary>
public enum HeldOutcome : byte
{
    /// <summary>Make the same transaction again: it is looked up afresh.</summary>
    Repeat,

    /// <summary>It ended without an error: reads gave zeros, writes were dropped.</summary>
    CompletedAsZero,

    /// <summary>It ended with SLVERR.</summary>
    SlaveError,

    /// <summary>It ended with DECERR.</summary>
    DecodeError,
}

/// <summary>The signals that go with an access and are not its address, length or direction.</summary>
[Flags]
public enum TransactionFlags : byte
{
    /// <summary>A non-secure, unprivileged access to data.</summary>
    None = 0,

    /// <summary>AxPROT[1] is 0.</summary>
    Secure = 1,

    /// <summary>AxPROT[0] is 1.</summary>
    Privileged = 2,

    /// <summary>AxPROT[2] is 1: an instruction fetch.</summary>
    Instruction = 4,
}

/// <summary>Somebody who makes bus transactions.</summary>
public interface IBusInitiator
{
    /// <summary>The name that traces and misses show.</summary>
    string Name { get; }

    /// <summary>
    /// Whether it can wait with a transaction outstanding. DMA masters can; a CPU's accesses are never held, so an SMMU
    /// that would stall one terminates it.
    /// </summary>
    bool CanBeHeld { get; }

    /// <summary>A held transaction has been resolved.</summary>
    /// <param name="tag">The tag the transaction carried.</param>
    /// <param name="outcome">What became of it.</param>
    void OnHeldTransaction(ulong tag, HeldOutcome outcome);
}

/// <summary>
/// What a transaction carries besides address, length and direction. A master makes one per thread or channel and uses it
/// for every access; the port it goes through adds the stream ID.
/// </summary>
[DebuggerDisplay("{Initiator?.Name,nq} requester {RequesterId} stream {StreamId} {Flags}")]
public readonly record struct Transaction
{
    /// <summary>Who asks; null only in bare tests.</summary>
    public IBusInitiator? Initiator { get; init; }

    /// <summary>The initiator's own mark, handed back when a held transaction is resolved.</summary>
    public ulong Tag { get; init; }

    /// <summary>Which requester inside the initiator: the AXI ID of a DMA thread, the requester ID of a PCI function.</summary>
    public uint RequesterId { get; init; }

    /// <summary>What an SMMU matches on. Added by the <see cref="MasterPort"/>, as the wiring of the board says.</summary>
    public uint StreamId { get; init; }

    /// <summary>What an ITS matches on, for message-signalled interrupts.</summary>
    public uint DeviceId { get; init; }

    /// <summary>Secure, privileged, instruction.</summary>
    public TransactionFlags Flags { get; init; }

    /// <summary>
    /// AxSIZE: how many bytes each beat of a burst has; 0 where it makes no difference. Registers see a burst beat by beat.
    /// </summary>
    public byte BeatBytes { get; init; }

    /// <summary>Whether the access is secure (AxPROT[1] = 0).</summary>
    public bool IsSecure => (Flags & TransactionFlags.Secure) == TransactionFlags.Secure;

    /// <summary>Whether the access is privileged (AxPROT[0] = 1).</summary>
    public bool IsPrivileged => (Flags & TransactionFlags.Privileged) == TransactionFlags.Privileged;

    /// <summary>Whether the access is an instruction fetch (AxPROT[2] = 1).</summary>
    public bool IsInstruction => (Flags & TransactionFlags.Instruction) == TransactionFlags.Instruction;

    /// <summary>The initiator's name, for messages.</summary>
    public string InitiatorName => Initiator?.Name ?? "somebody";
}
