using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim;

/// <summary>A message that raises an interrupt: what a device writes where (struct msi_msg), and Linux's number for it.</summary>
/// <param name="Address">The physical address of GITS_TRANSLATER.</param>
/// <param name="Data">The EventID.</param>
/// <param name="Interrupt">The Linux number.</param>
public readonly record struct MessageInterrupt(ulong Address, uint Data, int Interrupt);

/// <summary>How /proc/interrupts names a message interrupt.</summary>
/// <param name="ChipName">The chip: <c>ITS-MSI</c>.</param>
/// <param name="HardwareNumber">The number beside it.</param>
public readonly record struct MessageName(string ChipName, int HardwareNumber);

/// <summary>
/// The driver of the ITS (drivers/irqchip/irq-gic-v3-its.c): gives it its tables and its command queue in RAM, and maps devices
/// and their events to LPIs by commands.
/// </summary>
[DebuggerDisplay("ITS at {_base,h}, {_devices.Count} devices")]
public sealed partial class ItsDriver : IIrqChip
{
    private const ulong Control = 0x0000;
    private const ulong Type = 0x0008;
    private const ulong CommandBase = 0x0080;
    private const ulong CommandWrite = 0x0088;
    private const ulong CommandRead = 0x0090;
    private const ulong TableBase = 0x0100;
    private const ulong PeripheralId2 = 0xFFE8;
    private const ulong Translater = 0x1_0040;
    private const ulong Valid = 1UL << 63;
    private const ulong Indirect = 1UL << 62;
    private const ulong PageSize64K = 2 << 8;
    private const ulong InnerShareable = 1 << 10;
    private const int FirstLpi = 8192;
    private const int TablePages = 16;
    private const ulong TableBytes = TablePages * PageAllocator.PageBytes;
    private const byte DefaultPriority = 0xA0;
    private const byte EnabledInGroup1 = 0x03;

    private readonly Kernel _kernel;
    private readonly IrqSubsystem _interrupts;
    private readonly CpuPort _cpu;
    private readonly ulong _base;
    private readonly ulong _type;
    private readonly SortedDictionary<uint, ItsDevice> _devices = [];
    private readonly SortedSet<int> _usedLpis = [];
    private readonly Dictionary<int, (ItsDevice Device, uint Event)> _byLpi = [];
    private ulong _queue;
    private ulong _properties;
    private ulong _deviceTable;

    private ItsDriver(Kernel kernel, IrqSubsystem interrupts, DeviceTreeNode node, ulong registers)
    {
        _kernel = kernel;
        _interrupts = interrupts;
        _cpu = kernel.Board.Cpu;
        _base = registers;
        Node = node;
        _cpu.Load(_base + Type, 8, out _type);
    }

    /// <summary>Its node in the tree that the kernel was told: the target of <c>msi-map</c> and <c>msi-parent</c>.</summary>
    public DeviceTreeNode Node { get; }

    /// <summary>Where devices write their messages, as a physical address.</summary>
    public ulong Doorbell => _base + Translater;

    /// <summary>The ITS of a kernel, or null where there is none.</summary>
    public static ItsDriver? Of(Kernel kernel) => (kernel?.Interrupts as IrqSubsystem)?.Its;

    internal static ItsDriver? Start(
        Kernel kernel,
        IrqSubsystem interrupts,
        DeviceTreeNode node,
        IReadOnlyList<ulong> redistributors
    )
    {
        if (node.ReadPhysicalReg() is not [var reg, ..])
        {
            return null;
        }

        var its = new ItsDriver(kernel, interrupts, node, reg.Address.Value);
        its.Print(LogLevel.Info, $"ITS [mem 0x{reg.Address.Value:x8}-0x{reg.Address.Value + reg.LengthBytes - 1:x8}]");
        its._cpu.Load(its._base + PeripheralId2, 4, out ulong id);
        if ((id & 0xF0) != 0x30)
        {
            its.Print(LogLevel.Warning, $"ITS@0x{its._base:x16}: No ITS detected, giving up");
            return null;
        }

        if (!its.AllocateTables() || !its.AllocateLpiTables(redistributors))
        {
            its.Print(LogLevel.Error, $"ITS: Failed to allocate memory");
            return null;
        }

        its.SendMapCollection();
        string name = node.Name;
        its.Print(LogLevel.Info, $"Platform MSI: {name} domain created");
        its.Print(LogLevel.Info, $"PCI/MSI: {node.Path} domain created");
        its.Print(LogLevel.Info, $"fsl-mc MSI: {name} domain created");
        return its;
    }

    /// <summary>
    /// Gives a device messages (its_msi_prepare, its_irq_domain_alloc and _activate): the device gets a table of events, each
    /// event an LPI of the boot CPU's collection. All are enabled when somebody asks for their numbers.
    /// </summary>
    /// <param name="deviceId">The DeviceID that its writes carry, by msi-map or msi-parent.</param>
    /// <param name="count">How many; for PCI MSI a power of two, whose data then follow each other.</param>
    /// <param name="name">How /proc/interrupts names each.</param>
    /// <returns>The messages, or null where the tables have no room.</returns>
    public IReadOnlyList<MessageInterrupt>? Allocate(uint deviceId, int count, Func<int, MessageName> name)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentNullException.ThrowIfNull(name);
        if (_devices.ContainsKey(deviceId) || CreateDevice(deviceId, count) is not { } device)
        {
            return null;
        }

        _devices[deviceId] = device;
        var messages = new List<MessageInterrupt>(count);
        for (int n = 0; n < count; n++)
        {
            int lpi = device.FirstLpi + n;
            MessageName shown = name(n);
            int number = _interrupts.Add(
                new IrqSource(this, lpi, shown.ChipName, shown.HardwareNumber, IsLevel: false),
                lpi
            );
            device.Numbers.Add(number);
            _byLpi[lpi] = (device, (uint)n);
            SendMapEvent(device, (uint)n, (uint)lpi);
            messages.Add(new MessageInterrupt(Doorbell, (uint)n, number));
        }

        return messages;
    }

    /// <summary>Takes a device's messages back (its_irq_domain_free, its_free_device).</summary>
    public void Free(uint deviceId)
    {
        if (!_devices.Remove(deviceId, out ItsDevice? device))
        {
            return;
        }

        for (int n = 0; n < device.Numbers.Count; n++)
        {
            SendDiscard(device, (uint)n);
            _interrupts.Remove(device.Numbers[n]);
            _byLpi.Remove(device.FirstLpi + n);
        }

        SendMapDevice(device, isValid: false);
        for (int n = 0; n < device.LpiCount; n++)
        {
            _usedLpis.Remove(device.FirstLpi + n);
        }

        _kernel.Pages.Free(device.Table, device.TablePages);
    }

    /// <inheritdoc/>
    void IIrqChip.Mask(int number) => Configure(number, isEnabled: false);

    /// <inheritdoc/>
    void IIrqChip.Unmask(int number) => Configure(number, isEnabled: true);

    /// <summary>lpi_update_config: a byte in memory, and INV so that the redistributor reads it.</summary>
    private void Configure(int lpi, bool isEnabled)
    {
        byte value = (byte)(isEnabled ? DefaultPriority | EnabledInGroup1 : DefaultPriority | 0x02);
        _cpu.Store(_properties + (ulong)(lpi - FirstLpi), 1, value);
        if (_byLpi.TryGetValue(lpi, out (ItsDevice Device, uint Event) mapped))
        {
            SendInvalidate(mapped.Device, mapped.Event);
        }
    }

    private ItsDevice? CreateDevice(uint deviceId, int count)
    {
        // its_create_device: at least two entries, and a table on a boundary of 256 bytes.
        int events = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(2, count));
        int entryBytes = (int)(_type >> 4 & 0xF) + 1;
        int pages = (events * entryBytes + PageAllocator.PageBytes - 1) / PageAllocator.PageBytes;
        if (
            !HasDeviceEntry(deviceId)
            || FindLpis(events) is not { } first
            || !_kernel.Pages.TryAllocate(pages, out ulong table)
        )
        {
            return null;
        }

        Clear(table, (ulong)pages * PageAllocator.PageBytes);
        for (int n = 0; n < events; n++)
        {
            _usedLpis.Add(first + n);
        }

        var device = new ItsDevice(deviceId, events, table, pages, first);
        SendMapDevice(device, isValid: true);
        return device;
    }

    /// <summary>its_lpi_alloc: the lowest free range.</summary>
    private int? FindLpis(int count)
    {
        int last = 1 << ((int)(_type >> 8 & 0x1F) + 1);
        int first = FirstLpi;
        foreach (int used in _usedLpis)
        {
            if (used - first >= count)
            {
                break;
            }

            first = used + 1;
        }

        return first + count <= last ? first : null;
    }

    private void Print(LogLevel level, FormattableString text) =>
        _kernel.Log.Print(level, text.ToString(CultureInfo.InvariantCulture));

    /// <summary>struct its_device.</summary>
    private sealed class ItsDevice(uint id, int lpiCount, ulong table, int tablePages, int firstLpi)
    {
        public uint Id { get; } = id;

        public int LpiCount { get; } = lpiCount;

        public ulong Table { get; } = table;

        public int TablePages { get; } = tablePages;

        public int FirstLpi { get; } = firstLpi;

        public List<int> Numbers { get; } = [];
    }
}
