using Emulator.Machine;

namespace Emulator.Peripherals;

/// <content>The tables: devices, their interrupts, and collections.</content>
public sealed partial class GicIts
{
    private const ulong IndirectBit = 1UL << 62;

    private static readonly TraceKind Translates = new(
        "its.translate",
        Severity.Info,
        "device {device} event {event} -> LPI {interrupt} of cpu{cpu}"
    );

    private static readonly TraceKind Drops = new(
        "its.drop",
        Severity.Warning,
        "device {device} event {event} is dropped: {problem}"
    );

    private static readonly TraceKind BadMemory = new(
        "its.memory",
        Severity.Warning,
        "memory at {address} cannot be read or written: {status}"
    );

    /// <summary>A write to GITS_TRANSLATER.</summary>
    private void Translate(in Transaction transaction, uint eventId)
    {
        string? problem =
            (State.Control & EnabledBit) == 0
                ? "the ITS is not enabled"
                : Resolve(transaction.DeviceId, eventId, out Event found, out int cpu)
                    ?? Deliver(transaction.DeviceId, eventId, found.Interrupt, cpu);
        if (problem is not null)
        {
            Trace.Emit(
                Drops,
                Name,
                TraceField.Hex("device", transaction.DeviceId),
                TraceField.Decimal("event", eventId),
                TraceField.Of("problem", problem)
            );
        }
    }

    private string? Deliver(uint device, uint eventId, uint interrupt, int cpu)
    {
        if (Trace.IsOn)
        {
            Trace.Emit(
                Translates,
                Name,
                TraceField.Hex("device", device),
                TraceField.Decimal("event", eventId),
                TraceField.Decimal("interrupt", interrupt),
                TraceField.Decimal("cpu", (ulong)cpu)
            );
        }

        _redistributors.SetPending(cpu, interrupt, true);
        return null;
    }

    /// <summary>The entry of an event and the CPU that its collection names.</summary>
    private string? Resolve(uint device, uint eventId, out Event found, out int cpu)
    {
        cpu = 0;
        return Find(device, eventId, out found) ?? FindCpu(found.Collection, out cpu);
    }

    /// <summary>The entry of an event; null, or what is wrong.</summary>
    private string? Find(uint device, uint eventId, out Event found)
    {
        found = default;
        if (FindTable(device, eventId, out ulong address) is { } problem)
        {
            return problem;
        }

        if (
            !TryLoad(address, 4, out ulong state)
            || !TryLoad(address + 4, 4, out ulong collection)
            || !TryLoad(address + 8, 4, out ulong interrupt)
        )
        {
            return "its interrupt translation table cannot be read";
        }

        found = new Event((uint)interrupt, (uint)collection);
        return state >> 31 == 0 ? "the event is not mapped (MAPTI)" : null;
    }

    /// <summary>Where the entry of an event is.</summary>
    private string? FindTable(uint device, uint eventId, out ulong address)
    {
        address = 0;
        if (!TryFindEntry(DeviceTable, device, out ulong entryAddress))
        {
            return "the device table has no entry for it";
        }

        if (!TryLoad(entryAddress, 8, out ulong entry) || (entry & ValidBit) == 0)
        {
            return "the device is not mapped (MAPD)";
        }

        address = (entry & 0x000F_FFFF_FFFF_FF00) + InterruptEntryBytes * (ulong)eventId;
        return eventId >> ((int)(entry & 0x1F) + 1) != 0 ? "the event is beyond the device's table (MAPD, Size)" : null;
    }

    private string? FindCpu(uint collection, out int cpu)
    {
        cpu = 0;
        if (
            !TryFindEntry(CollectionTable, collection, out ulong address)
            || !TryLoad(address, 8, out ulong entry)
            || (entry & ValidBit) == 0
        )
        {
            return $"collection {collection} is not mapped (MAPC)";
        }

        cpu = (int)(entry & 0xFFFF);
        return cpu < _redistributors.CpuCount ? null : $"collection {collection} names a CPU that is not there";
    }

    /// <summary>The address of an entry of a device or collection table, through the first level where there are two.</summary>
    private bool TryFindEntry(int table, uint index, out ulong address)
    {
        ulong tableBase = State.Tables[table];
        ulong pageBytes = (tableBase >> 8 & 3) switch
        {
            0 => 0x1000,
            1 => 0x4000,
            _ => 0x1_0000,
        };
        ulong tableBytes = ((tableBase & 0xFF) + 1) * pageBytes;
        ulong start = TableAddress(tableBase, pageBytes);
        address = start + EntryBytes * (ulong)index;
        if ((tableBase & ValidBit) == 0 || index >> IdBits != 0)
        {
            return false;
        }

        if ((tableBase & IndirectBit) == 0)
        {
            return EntryBytes * (ulong)index < tableBytes;
        }

        ulong entriesOfPage = pageBytes / EntryBytes;
        ulong first = index / entriesOfPage * 8;
        if (first >= tableBytes || !TryLoad(start + first, 8, out ulong level1) || (level1 & ValidBit) == 0)
        {
            return false;
        }

        address = (level1 & AddressMask) + EntryBytes * (index % entriesOfPage);
        return true;
    }

    /// <summary>GITS_BASER.Physical_Address: with 64 KiB pages bits 15:12 are bits 51:48 of the address.</summary>
    private static ulong TableAddress(ulong tableBase, ulong pageBytes) =>
        pageBytes == 0x1_0000
            ? (tableBase & 0xFFFF_FFFF_0000) | (tableBase & 0xF000) << 36
            : tableBase & 0xFFFF_FFFF_F000;

    private bool TryLoad(ulong address, int sizeBytes, out ulong value) =>
        IsOkay(_memory.ReadWord(address, sizeBytes, out value, _signals), address);

    private bool TryStore(ulong address, int sizeBytes, ulong value) =>
        IsOkay(_memory.WriteWord(address, sizeBytes, value, _signals), address);

    private bool IsOkay(BusStatus status, ulong address)
    {
        if (status != BusStatus.Okay)
        {
            Trace.Emit(BadMemory, Name, TraceField.Hex("address", address), TraceField.Of("status", status.ToString()));
        }

        return status == BusStatus.Okay;
    }

    private readonly record struct Event(uint Interrupt, uint Collection);
}
