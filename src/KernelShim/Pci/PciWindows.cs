namespace Emulator.KernelShim;

/// <summary>The windows of a bridge in its registers (pci_read_bridge_io, _mmio, _mmio_pref and pci_setup_bridge_*).</summary>
internal static class PciWindows
{
    /// <summary>What the registers hold: the windows that are open.</summary>
    public static IEnumerable<PciResource> Read(PciDevice bridge)
    {
        if (bridge.HasIoWindow && ReadIo(bridge) is { } io)
        {
            yield return io;
        }

        uint memory = bridge.ReadDword(PciRegisters.MemoryBase);
        ulong start = (ulong)(memory & 0xFFF0) << 16;
        ulong end = memory & 0xFFF0_0000;
        if (start <= end)
        {
            yield return new PciResource
            {
                Flags = ResourceFlags.Memory,
                Start = start,
                End = end + 0xF_FFFF,
            };
        }

        if (bridge.HasPrefetchWindow && ReadPrefetchable(bridge) is { } prefetchable)
        {
            yield return prefetchable;
        }
    }

    /// <summary>Writes all the windows of a bus's bridge (pci_setup_bridge).</summary>
    public static void SetUp(PciCore core, PciBus bus)
    {
        PciDevice bridge = bus.Bridge!;
        core.Info(bridge, "PCI bridge to " + bus.RangeText);
        WriteIo(core, bridge, bridge.Windows[0]);
        WriteMemory(core, bridge, bridge.Windows[1]);
        WritePrefetchable(core, bridge, bridge.Windows[2]);
        bridge.WriteWord(PciRegisters.BridgeControl, bus.BridgeControl);
    }

    private static PciResource? ReadIo(PciDevice bridge)
    {
        ushort low = bridge.ReadWord(PciRegisters.IoBase);
        ulong start = (ulong)(low & 0xF0) << 8;
        ulong end = (ulong)(low >> 8 & 0xF0) << 8;
        if ((low & 0xF) == 1)
        {
            uint upper = bridge.ReadDword(PciRegisters.IoBaseUpper);
            start |= (ulong)(upper & 0xFFFF) << 16;
            end |= (ulong)(upper >> 16) << 16;
        }

        return start > end
            ? null
            : new PciResource
            {
                Flags = ResourceFlags.Io | (low & 0xFu),
                Start = start,
                End = end + 0xFFF,
            };
    }

    private static PciResource? ReadPrefetchable(PciDevice bridge)
    {
        uint low = bridge.ReadDword(PciRegisters.PrefetchableBase);
        ulong start = (ulong)(low & 0xFFF0) << 16;
        ulong end = low & 0xFFF0_0000;
        ulong flags = ResourceFlags.Memory | ResourceFlags.Prefetch | (low & 0xFu);
        if ((low & 0xF) == 1)
        {
            flags |= ResourceFlags.Memory64;
            uint upperStart = bridge.ReadDword(PciRegisters.PrefetchableBaseUpper);
            uint upperEnd = bridge.ReadDword(PciRegisters.PrefetchableLimitUpper);
            if (upperStart <= upperEnd)
            {
                start |= (ulong)upperStart << 32;
                end |= (ulong)upperEnd << 32;
            }
        }

        return start > end
            ? null
            : new PciResource
            {
                Flags = flags,
                Start = start,
                End = end + 0xF_FFFF,
            };
    }

    private static void WriteIo(PciCore core, PciDevice bridge, PciResource window)
    {
        uint upper = 0;
        ushort low = 0x00F0;
        if (window.IsIo)
        {
            low = (ushort)((window.End >> 8 & 0xF0) << 8 | (window.Start >> 8 & 0xF0));
            upper = (uint)(window.End & 0xFFFF_0000 | window.Start >> 16);
            core.Info(bridge, "  bridge window " + window.Text);
        }

        // The window is shut while its registers do not fit each other.
        bridge.WriteDword(PciRegisters.IoBaseUpper, 0x0000_FFFF);
        bridge.WriteWord(PciRegisters.IoBase, low);
        bridge.WriteDword(PciRegisters.IoBaseUpper, upper);
    }

    private static void WriteMemory(PciCore core, PciDevice bridge, PciResource window)
    {
        uint value = 0x0000_FFF0;
        if (window.IsMemory)
        {
            value = (uint)(window.Start >> 16 & 0xFFF0 | window.End & 0xFFF0_0000);
            core.Info(bridge, "  bridge window " + window.Text);
        }

        bridge.WriteDword(PciRegisters.MemoryBase, value);
    }

    private static void WritePrefetchable(PciCore core, PciDevice bridge, PciResource window)
    {
        bridge.WriteDword(PciRegisters.PrefetchableLimitUpper, 0);
        uint value = 0x0000_FFF0;
        uint upperStart = 0;
        uint upperEnd = 0;
        if (window.IsPrefetchable)
        {
            value = (uint)(window.Start >> 16 & 0xFFF0 | window.End & 0xFFF0_0000);
            if (window.Is64Bit)
            {
                upperStart = (uint)(window.Start >> 32);
                upperEnd = (uint)(window.End >> 32);
            }

            core.Info(bridge, "  bridge window " + window.Text);
        }

        bridge.WriteDword(PciRegisters.PrefetchableBase, value);
        bridge.WriteDword(PciRegisters.PrefetchableBaseUpper, upperStart);
        bridge.WriteDword(PciRegisters.PrefetchableLimitUpper, upperEnd);
    }
}
