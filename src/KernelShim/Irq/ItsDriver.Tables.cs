namespace Emulator.KernelShim;

/// <content>The tables of the ITS and of the redistributors, all of 64 KiB (its_alloc_tables, its_cpu_init_lpis).</content>
public sealed partial class ItsDriver
{
    private const ulong DeviceTable = 1;
    private const ulong CollectionTable = 4;
    private const ulong PropertyBase = 0x70;
    private const ulong PendingBase = 0x78;
    private const ulong EnableLpis = 1;
    private const ulong LpiIdBits = 16;
    private const ulong EntriesOfPage = TableBytes / 8;

    private readonly HashSet<ulong> _secondLevels = [];

    private bool AllocateTables()
    {
        for (ulong n = 0; n < 8; n++)
        {
            ulong register = _base + TableBase + 8 * n;
            _cpu.Load(register, 8, out ulong value);
            ulong type = value >> 56 & 7;
            if (type is not (DeviceTable or CollectionTable))
            {
                continue;
            }

            if (!TryAllocateTable(out ulong table))
            {
                return false;
            }

            // Devices in two levels, as their IDs are sparse (its_parse_indirect_baser).
            bool isIndirect = type == DeviceTable;
            _cpu.Store(register, 8, Valid | (isIndirect ? Indirect : 0) | InnerShareable | PageSize64K | table);
            _deviceTable = isIndirect ? table : _deviceTable;
            ulong entryBytes = (value >> 48 & 0x1F) + 1;
            Print(
                LogLevel.Info,
                $"ITS@0x{_base:x16}: allocated {TableBytes / entryBytes} {(isIndirect ? "Devices" : "Interrupt Collections")} @{table:x} ({(isIndirect ? "indirect" : "flat")}, esz {entryBytes}, psz 64K, shr 1)"
            );
        }

        if (!TryAllocateTable(out _queue))
        {
            return false;
        }

        _cpu.Store(_base + CommandBase, 8, Valid | InnerShareable | (TablePages - 1) | _queue);
        _cpu.Store(_base + CommandWrite, 8, 0);
        _cpu.Store(_base + Control, 4, 1);
        return true;
    }

    /// <summary>One table of configurations for all, one of pending bits for each CPU.</summary>
    private bool AllocateLpiTables(IReadOnlyList<ulong> redistributors)
    {
        if (!TryAllocateTable(out _properties))
        {
            return false;
        }

        byte[] configuration = new byte[TableBytes];
        configuration.AsSpan().Fill(DefaultPriority | 0x02);
        _cpu.Store(_properties, configuration);
        Print(LogLevel.Info, $"GICv3: using LPI property table @0x{_properties:x16}");
        for (int cpu = 0; cpu < redistributors.Count; cpu++)
        {
            if (redistributors[cpu] == 0)
            {
                continue;
            }

            if (!TryAllocateTable(out ulong pending))
            {
                return false;
            }

            ulong frame = redistributors[cpu];
            _cpu.Store(frame + PropertyBase, 8, _properties | InnerShareable | (LpiIdBits - 1));
            _cpu.Store(frame + PendingBase, 8, pending | InnerShareable);
            _cpu.Store(frame, 4, EnableLpis);
            Print(LogLevel.Info, $"GICv3: CPU{cpu}: using allocated LPI pending table @0x{pending:x16}");
        }

        return true;
    }

    /// <summary>its_alloc_device_table: the second level of the device table comes into being with the first device in it.</summary>
    private bool HasDeviceEntry(uint deviceId)
    {
        int idBits = (int)(_type >> 13 & 0x1F) + 1;
        ulong page = deviceId / EntriesOfPage;
        if (deviceId >> idBits != 0)
        {
            return false;
        }

        if (_secondLevels.Contains(page))
        {
            return true;
        }

        if (!TryAllocateTable(out ulong table))
        {
            return false;
        }

        _cpu.Store(_deviceTable + 8 * page, 8, Valid | table);
        _secondLevels.Add(page);
        return true;
    }

    /// <summary>64 KiB of zeros on a boundary of 64 KiB: what is in front and behind goes back.</summary>
    private bool TryAllocateTable(out ulong table)
    {
        const int Most = 2 * TablePages - 1;
        table = 0;
        if (!_kernel.Pages.TryAllocate(Most, out ulong first))
        {
            return false;
        }

        table = (first + TableBytes - 1) & ~(TableBytes - 1);
        int before = (int)((table - first) / PageAllocator.PageBytes);
        if (before > 0)
        {
            _kernel.Pages.Free(first, before);
        }

        if (before < TablePages - 1)
        {
            _kernel.Pages.Free(table + TableBytes, TablePages - 1 - before);
        }

        Clear(table, TableBytes);
        return true;
    }

    private void Clear(ulong address, ulong lengthBytes) => _cpu.Store(address, new byte[lengthBytes]);
}
