namespace Emulator.Machine.Tests;

/// <summary>Somebody who makes transactions.</summary>
internal sealed class Master(string name = "master", bool canBeHeld = true) : IBusInitiator
{
    public string Name { get; } = name;

    public bool CanBeHeld { get; } = canBeHeld;

    public List<(ulong Tag, HeldOutcome Outcome)> Resolved { get; } = [];

    public Transaction Signals(TransactionFlags flags = TransactionFlags.None, uint requesterId = 0) =>
        new()
        {
            Initiator = this,
            Flags = flags,
            RequesterId = requesterId,
        };

    public void OnHeldTransaction(ulong tag, HeldOutcome outcome) => Resolved.Add((tag, outcome));
}
