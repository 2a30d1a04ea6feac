namespace Emulator.Userland;

/// <content>Base address registers, expansion ROMs, windows of bridges.</content>
internal sealed partial class LspciView
{
    private const ulong IoResource = 0x100;
    private const ulong MemoryResource = 0x200;
    private const ulong PrefetchResource = 0x2000;
    private const ulong Memory64Resource = 0x10_0000;

    private void Bases(PciSysfsDevice device, int count)
    {
        for (int n = 0; n < count; n++)
        {
            PciResourceLine line = device.ResourceAt(n);
            uint flags = RegisterFlags(line.Flags);
            if (line.Base == 0 && flags == 0 && line.LengthBytes == 0)
            {
                continue;
            }

            Put(verbosity > 1 ? $"\tRegion {n}: " : (FormattableString)$"\t");
            Base(device, n, count, line, flags);
            Size(line.LengthBytes);
            Put("\n");
        }
    }

    private void Base(PciSysfsDevice device, int index, int count, PciResourceLine line, uint flags)
    {
        bool hasConfiguration = device.HasConfiguration;
        uint command = hasConfiguration ? device.Word(CommandAt) : 3u;
        uint low = hasConfiguration ? device.Long(0x10 + 4 * index) : 0;
        uint high = 0;
        bool isBroken = false;
        bool isVirtual = false;
        if (hasConfiguration && (low & 1) == (flags & 1))
        {
            if ((line.Flags & 0x300) == MemoryResource && (low & 6) == 4)
            {
                isBroken = index >= count - 1;
                high = isBroken ? 0 : device.Long(0x14 + 4 * index);
            }

            isVirtual = line.Base != 0 && low == 0 && high == 0;
        }

        if ((flags & 1) != 0)
        {
            ulong port = line.Base & ~3UL;
            bool isPlaced = port != 0 || (command & 1) != 0;
            Put($"I/O ports at {(isPlaced ? $"{port:x4}" : low != 0 ? "<ignored>" : "<unassigned>")}");
            Put(
                isVirtual ? " [virtual]"
                : (command & 1) == 0 ? " [disabled]"
                : ""
            );
            return;
        }

        ulong address = line.Base & ~0xFUL;
        string where =
            isBroken ? "<broken-64-bit-slot>"
            : address != 0 ? $"{address:x8}"
            : low != 0 || high != 0 ? "<ignored>"
            : "<unassigned>";
        string width = (flags & 6) switch
        {
            0 => "32-bit",
            2 => "low-1M",
            4 => "64-bit",
            _ => "type 3",
        };
        Put($"Memory at {where} ({width}, {((flags & 8) != 0 ? "" : "non-")}prefetchable)");
        Put(
            isVirtual ? " [virtual]"
            : (command & 2) == 0 ? " [disabled]"
            : ""
        );
    }

    private static uint RegisterFlags(ulong flags) =>
        (flags & IoResource) != 0 ? 1
        : (flags & MemoryResource) == 0 ? 0
        : ((flags & Memory64Resource) != 0 ? 4u : 0) | ((flags & PrefetchResource) != 0 ? 8u : 0);

    private void Size(ulong length)
    {
        if (length == 0)
        {
            return;
        }

        string[] suffixes = ["", "K", "M", "G", "T"];
        int n = 0;
        while (n < suffixes.Length - 1 && length % 1024 == 0)
        {
            length /= 1024;
            n++;
        }

        Put($" [size={(uint)length}{suffixes[n]}]");
    }

    private void Rom(PciSysfsDevice device, int register)
    {
        PciResourceLine line = device.ResourceAt(6);
        ulong address = line.Base;
        uint flags = device.Long(register);
        const ulong AddressMask = ~0x7FFUL;
        const uint RegisterMask = ~0x7FFu;
        if (address == 0 && flags == 0 && line.LengthBytes == 0)
        {
            return;
        }

        bool isVirtual = (address & AddressMask) != 0 && (flags & RegisterMask) == 0;
        flags = isVirtual ? (uint)address : flags;
        string where =
            (address & AddressMask) != 0 ? $"{address & AddressMask:x8}"
            : (flags & RegisterMask) != 0 ? "<ignored>"
            : "<unassigned>";
        Put($"\tExpansion ROM at {where}{(isVirtual ? " [virtual]" : "")}");
        bool isOff = (device.Word(CommandAt) & 2) == 0;
        Put(
            (flags & 1) == 0 ? " [disabled]"
            : !isVirtual && isOff ? " [disabled by cmd]"
            : ""
        );
        Size(line.LengthBytes);
        Put("\n");
    }

    private void Bridge(PciSysfsDevice device)
    {
        Bases(device, 2);
        Put($"\tBus: primary={device.Byte(0x18):x2}, secondary={device.Byte(0x19):x2}, ");
        Put($"subordinate={device.Byte(0x1A):x2}, sec-latency={device.Byte(0x1B)}\n");
        IoWindow(device);
        MemoryWindow(device);
        PrefetchableWindow(device);
        uint status = device.Word(0x1E);
        if (verbosity > 1)
        {
            Put(
                $"\tSecondary status: {PciFlags.Show(status, "66MHz:5 FastB2B:7 ParErr:8")} DEVSEL={DeviceSelect(status)} "
            );
            Put($"{PciFlags.Show(status, ">TAbort:11 <TAbort:12 <MAbort:13 <SERR:14 <PERR:15")}\n");
        }

        Rom(device, 0x38);
        if (verbosity > 1)
        {
            const string Control = "Parity:0 SERR:1 NoISA:2 VGA:3 VGA16:4 MAbort:5 >Reset:6 FastB2B:7";
            uint control = device.Word(0x3E);
            Put($"\tBridgeCtl: {PciFlags.Show(control, Control)}\n");
            Put($"\t\t{PciFlags.Show(control, "PriDiscTmr:8 SecDiscTmr:9 DiscTmrStat:10 DiscTmrSERREn:11")}\n");
        }

        Capabilities(device);
    }

    /// <summary>A window as the kernel has it; null where it told of none, with a length of 0 where it told of an empty one.</summary>
    private static PciResourceLine? WindowAt(PciSysfsDevice device, int index) => device.BridgeWindows?[index];

    private void IoWindow(PciSysfsDevice device)
    {
        PciResourceLine? window = WindowAt(device, 0);
        if (window is { LengthBytes: > 0 } known)
        {
            uint first = (uint)known.Address & ~0xFu;
            Range("I/O", first, (uint)(first + known.LengthBytes - 1), (known.Address & 0xF) == 1 ? 32 : 16, false);
            return;
        }

        uint start = device.Byte(0x1C);
        uint end = device.Byte(0x1D);
        if ((start & 0xF) != (end & 0xF) || (start & 0xF) > 1)
        {
            Put($"\t!!! Unknown I/O range types {start:x}/{end:x}\n");
            return;
        }

        bool is32Bit = (start & 0xF) == 1;
        start = ((start & 0xF0) << 8) | (is32Bit ? (uint)device.Word(0x30) << 16 : 0);
        end = ((end & 0xF0) << 8) | (is32Bit ? (uint)device.Word(0x32) << 16 : 0);
        bool isDisabled = window is not null;
        if (start != 0 || end != 0 || !isDisabled)
        {
            Range("I/O", start, end + 0xFFF, is32Bit ? 32 : 16, isDisabled);
        }
    }

    private void MemoryWindow(PciSysfsDevice device)
    {
        PciResourceLine? window = WindowAt(device, 1);
        if (window is { LengthBytes: > 0 } known)
        {
            uint first = (uint)known.Address & ~0xFu;
            Range("Memory", first, (uint)(first + known.LengthBytes - 1), 32, false);
            return;
        }

        uint start = device.Word(0x20);
        uint end = device.Word(0x22);
        if ((start & 0xF) != 0 || (end & 0xF) != 0)
        {
            Put($"\t!!! Unknown memory range types {start:x}/{end:x}\n");
            return;
        }

        Range("Memory", start << 16, unchecked((end << 16) + 0xF_FFFF), 32, window is not null);
    }

    private void PrefetchableWindow(PciSysfsDevice device)
    {
        PciResourceLine? window = WindowAt(device, 2);
        if (window is { LengthBytes: > 0 } known)
        {
            ulong first = known.Address & ~0xFUL;
            Range(
                "Prefetchable memory",
                first,
                first + known.LengthBytes - 1,
                (known.Address & 0xF) == 1 ? 64 : 32,
                false
            );
            return;
        }

        uint low = device.Word(0x24);
        uint limit = device.Word(0x26);
        if ((low & 0xF) != (limit & 0xF) || (low & 0xF) > 1)
        {
            Put($"\t!!! Unknown prefetchable memory range types {low:x}/{limit:x}\n");
            return;
        }

        bool is64Bit = (low & 0xF) == 1;
        ulong start = ((low & 0xFFF0UL) << 16) | (is64Bit ? (ulong)device.Long(0x28) << 32 : 0);
        ulong end = ((limit & 0xFFF0UL) << 16) | (is64Bit ? (ulong)device.Long(0x2C) << 32 : 0);
        bool isDisabled = window is not null;
        if (start != 0 || end != 0 || !isDisabled)
        {
            Range("Prefetchable memory", start, end + 0xF_FFFF, is64Bit ? 64 : 32, isDisabled);
        }
    }

    private void Range(string what, ulong start, ulong end, int bits, bool isDisabled)
    {
        Put($"\t{what} behind bridge:");
        string format = bits switch
        {
            16 => "x4",
            32 => "x8",
            _ => "x16",
        };
        if (start <= end || verbosity > 2)
        {
            Put($" {start.ToString(format, null)}-{end.ToString(format, null)}");
        }

        if (!isDisabled && start <= end)
        {
            Size(end - start + 1);
        }
        else
        {
            Put(" [disabled]");
        }

        Put($" [{bits}-bit]\n");
    }
}
