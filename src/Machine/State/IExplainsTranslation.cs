namespace Emulator.Machine;

/// <summary>A device that can say in words how it would translate an address, without doing it.</summary>
public interface IExplainsTranslation
{
    /// <summary>
    /// The way of an access: stream, context, TLB, each descriptor of the walk, and where it ends or why it does not.
    /// Nothing changes: no fault is recorded and no TLB entry is made.
    /// </summary>
    /// <param name="streamId">The stream.</param>
    /// <param name="address">The address as the master gives it.</param>
    /// <param name="isWrite">Whether it is a write.</param>
    /// <param name="flags">Privileged, instruction.</param>
    IReadOnlyList<string> ExplainTranslation(
        uint streamId,
        ulong address,
        bool isWrite,
        TransactionFlags flags = TransactionFlags.None
    );
}
