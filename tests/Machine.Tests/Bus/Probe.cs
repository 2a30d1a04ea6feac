namespace Emulator.Machine.Tests;

/// <summary>A device that answers every access as it is told and writes down what reached it; it has no words of its own.</summary>
internal sealed class Probe : IBusTarget
{
    public List<string> Accesses { get; } = [];

    public List<Transaction> Transactions { get; } = [];

    public BusStatus Answer { get; set; } = BusStatus.Okay;

    public BusStatus Read(ulong address, Span<byte> data, in Transaction transaction)
    {
        Accesses.Add($"read {data.Length} at 0x{address:x}");
        Transactions.Add(transaction);
        for (int n = 0; n < data.Length; n++)
        {
            data[n] = (byte)(address + (ulong)n);
        }

        return Answer;
    }

    public BusStatus Write(ulong address, ReadOnlySpan<byte> data, in Transaction transaction)
    {
        Accesses.Add($"write {Convert.ToHexString(data)} at 0x{address:x}");
        Transactions.Add(transaction);
        return Answer;
    }
}
