using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>Entries of an MSI-X table, 16 bytes each.</summary>
[InlineArray(MsixTable.MaximumVectors * MsixTable.EntryBytes)]
public struct MsixEntryBytes
{
    private byte _first;
}

/// <summary>Pending bits.</summary>
[InlineArray(MsixTable.PendingBytes)]
public struct MsixPendingBytes
{
    private byte _first;
}

/// <summary>What a function with MSI-X remembers.</summary>
public struct PciMsixState
{
    /// <summary>The table.</summary>
    public MsixEntryBytes Table;

    /// <summary>The pending bits.</summary>
    public MsixPendingBytes Pending;
}

/// <summary>
/// The table and pending bits of MSI-X in a window of a function (PCI Local Bus 3.0, 6.8.2). The rest of the window belongs
/// to another target.
/// </summary>
internal sealed class MsixTable(IMsixOwner owner, int vectors, ulong tableAt, ulong pendingAt, IBusTarget rest)
    : IBusTarget
{
    /// <summary>The most vectors that the parts here have.</summary>
    public const int MaximumVectors = 65;

    public const int EntryBytes = 16;

    public const int PendingBytes = 16;

    private const int ControlAt = 12;
    private const uint Masked = 1;
    private const int FunctionMask = 0x4000;

    /// <summary>After reset every vector is masked.</summary>
    public static void Reset(ref PciMsixState state)
    {
        Span<byte> table = MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref state.Table, 1));
        for (int at = ControlAt; at < table.Length; at += EntryBytes)
        {
            table[at] = (byte)Masked;
        }
    }

    /// <summary>Sends the message of a vector, or marks it pending while it is masked.</summary>
    public void Send(int vector)
    {
        PciFunction function = owner.Function;
        if (!function.IsMsixOn || vector >= vectors)
        {
            return;
        }

        Span<byte> entry = Entry(vector);
        int control = function.Configuration.Get16(function.Configuration.Layout.MsixAt + 2);
        bool isMasked = (control & FunctionMask) != 0 || (entry[ControlAt] & Masked) != 0;
        Span<byte> pending = Pending;
        if (isMasked)
        {
            pending[vector / 8] |= (byte)(1 << (vector % 8));
            return;
        }

        pending[vector / 8] &= (byte)~(1 << (vector % 8));
        function.SendMessage(
            BinaryPrimitives.ReadUInt64LittleEndian(entry),
            BinaryPrimitives.ReadUInt32LittleEndian(entry[8..])
        );
    }

    /// <summary>Sends what was pending and is masked no longer.</summary>
    public void SendUnmasked()
    {
        for (int vector = 0; vector < vectors; vector++)
        {
            if ((Pending[vector / 8] & (1 << (vector % 8))) != 0)
            {
                Send(vector);
            }
        }
    }

    public BusStatus Read(ulong address, Span<byte> data, in Transaction transaction)
    {
        if (Find(address, data.Length) is { IsEmpty: false } bytes)
        {
            bytes.CopyTo(data);
            return BusStatus.Okay;
        }

        return rest.Read(address, data, transaction);
    }

    public BusStatus Write(ulong address, ReadOnlySpan<byte> data, in Transaction transaction)
    {
        if (address - pendingAt < PendingBytes)
        {
            return BusStatus.Okay;
        }

        if (Find(address, data.Length) is { IsEmpty: false } bytes)
        {
            data.CopyTo(bytes);
            SendUnmasked();
            return BusStatus.Okay;
        }

        return rest.Write(address, data, transaction);
    }

    private Span<byte> Pending => MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref owner.Msix.Pending, 1));

    private Span<byte> Entry(int vector) =>
        MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref owner.Msix.Table, 1)).Slice(vector * EntryBytes, EntryBytes);

    private Span<byte> Find(ulong address, int length)
    {
        ulong inTable = address - tableAt;
        ulong inPending = address - pendingAt;
        bool isTable =
            inTable < (ulong)(vectors * EntryBytes) && inTable + (ulong)length <= (ulong)(vectors * EntryBytes);
        return isTable
                ? MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref owner.Msix.Table, 1)).Slice((int)inTable, length)
            : inPending + (ulong)length <= PendingBytes ? Pending.Slice((int)inPending, length)
            : [];
    }
}

/// <summary>A device with an MSI-X table.</summary>
internal interface IMsixOwner
{
    /// <summary>The function.</summary>
    PciFunction Function { get; }

    /// <summary>Table and pending bits.</summary>
    ref PciMsixState Msix { get; }
}
