using System.Globalization;

namespace Emulator.KernelShim;

/// <summary>
/// How large the windows of bridges must be for what lies behind them (drivers/pci/setup-bus.c, __pci_bus_size_bridges).
/// What is only wished for, room for cards to come and for virtual functions, goes to a list where there is one.
/// </summary>
internal sealed class PciSizing(PciCore core)
{
    private const ulong MemoryAlign = 0x10_0000;
    private const ulong IoAlign = 0x1000;
    private const int Orders = 24;

    /// <summary>pci_hotplug_io_size.</summary>
    private const ulong HotplugIo = 256;

    /// <summary>pci_hotplug_mmio_size and pci_hotplug_mmio_pref_size.</summary>
    private const ulong HotplugMemory = 2 << 20;

    private const ulong Prefetchable = ResourceFlags.Memory | ResourceFlags.Prefetch;

    /// <summary>Sizes the windows below a bus, the deepest first.</summary>
    /// <param name="bus">The bus.</param>
    /// <param name="wishes">Where wishes are noted; null when they are demands.</param>
    public void SizeBridges(PciBus bus, PciWishes? wishes)
    {
        foreach (PciDevice device in bus.Devices)
        {
            if (device.Subordinate is { } below)
            {
                SizeBridges(below, wishes);
            }
        }

        if (bus.Bridge is { HeaderType: 1 } bridge)
        {
            CheckRanges(bridge);
            SizeWindows(bus, bridge, wishes);
        }
    }

    /// <summary>pci_bridge_check_ranges.</summary>
    private static void CheckRanges(PciDevice bridge)
    {
        bridge.Windows[1].Flags |= ResourceFlags.Memory;
        if (bridge.HasIoWindow)
        {
            bridge.Windows[0].Flags |= ResourceFlags.Io;
        }

        if (bridge.HasPrefetchWindow)
        {
            bridge.Windows[2].Flags |= Prefetchable | (bridge.HasPrefetch64Window ? ResourceFlags.Memory64 | 1 : 0);
        }
    }

    private void SizeWindows(PciBus bus, PciDevice bridge, PciWishes? wishes)
    {
        ulong moreIo = bridge.IsHotplugBridge ? HotplugIo : 0;
        ulong moreMemory = bridge.IsHotplugBridge ? HotplugMemory : 0;
        ulong morePrefetch = moreMemory;
        SizeIo(bus, moreIo, wishes);

        ulong mask = ResourceFlags.Memory;
        ulong prefetch = Prefetchable;
        ulong type2 = 0;
        ulong type3 = 0;
        if (bridge.Windows[2].Is64Bit)
        {
            // All 64-bit prefetchable resources there, everything else in the plain window.
            prefetch |= ResourceFlags.Memory64;
            if (SizeMemory(bus, new Kinds(prefetch, prefetch, prefetch, prefetch), morePrefetch, wishes))
            {
                mask = prefetch;
                type2 = prefetch & ~ResourceFlags.Memory64;
                type3 = prefetch & ~ResourceFlags.Prefetch;
            }
        }

        if (type2 == 0)
        {
            prefetch &= ~ResourceFlags.Memory64;
            if (SizeMemory(bus, new Kinds(prefetch, prefetch, prefetch, prefetch), morePrefetch, wishes))
            {
                mask = prefetch;
            }
            else
            {
                moreMemory += morePrefetch;
            }

            type2 = type3 = ResourceFlags.Memory;
        }

        SizeMemory(bus, new Kinds(mask, ResourceFlags.Memory, type2, type3), moreMemory, wishes);
    }

    /// <summary>pbus_size_io.</summary>
    private void SizeIo(PciBus bus, ulong more, PciWishes? wishes)
    {
        if (FindWindow(bus, ResourceFlags.Io, ResourceFlags.Io) is not { Parent: null } window)
        {
            return;
        }

        ulong minimum = wishes is null ? more : 0;
        ulong size = 0;
        ulong large = 0;
        ulong childrensWishes = 0;
        ulong align = IoAlign;
        foreach (PciDevice device in bus.Devices)
        {
            foreach (PciResource resource in device.Regions)
            {
                if (resource.Parent is not null || !resource.IsIo)
                {
                    continue;
                }

                size += resource.Size < 0x400 ? resource.Size : 0;
                large += resource.Size < 0x400 ? 0 : resource.Size;
                align = Math.Max(align, core.AlignmentOf(device, resource));
                childrensWishes += wishes?.SizeOf(resource) ?? 0;
            }
        }

        ulong old = OldSize(window);
        ulong demanded = Sum(Math.Max(Math.Max(size, minimum) + large, old), 0, 0, align);
        ulong wished =
            wishes is null || (more == 0 && childrensWishes == 0)
                ? demanded
                : Sum(Math.Max(Math.Max(size, minimum) + large, old), more, childrensWishes, align);
        Settle(bus, window, demanded, wished, align, align, wishes);
    }

    /// <summary>pbus_size_mem. False when the bus has no window of the kind.</summary>
    private bool SizeMemory(PciBus bus, Kinds kinds, ulong more, PciWishes? wishes)
    {
        if (FindWindow(bus, kinds.Mask | ResourceFlags.Prefetch, kinds.Type1) is not { } window)
        {
            return false;
        }

        if (window.Parent is not null)
        {
            return true;
        }

        var needs = new MemoryNeeds();
        foreach (PciDevice device in bus.Devices)
        {
            foreach (PciResource resource in device.Regions)
            {
                if (resource.Parent is null && kinds.Take(resource.Flags))
                {
                    needs.Add(core, device, resource, wishes);
                }
            }
        }

        ulong minimum = wishes is null ? more : 0;
        ulong align = Math.Max(needs.Alignment(), MemoryAlign);
        ulong wishedAlign = Math.Max(align, needs.WishedAlign);
        ulong size = Math.Max(Math.Max(needs.Size, minimum), OldSize(window));
        ulong demanded = Sum(size, 0, 0, align);
        ulong wished =
            wishes is null || (more == 0 && needs.ChildrensWishes == 0)
                ? demanded
                : Sum(size, more, needs.ChildrensWishes, wishedAlign);
        Settle(bus, window, demanded, wished, align, wishedAlign, wishes);
        return true;
    }

    private static ulong Sum(ulong size, ulong more, ulong children, ulong align) =>
        PciResource.AlignUp(Math.Max(size, more) + children, align);

    /// <summary>A window that was never set has one byte.</summary>
    private static ulong OldSize(PciResource window) => window.Size == 1 ? 0 : window.Size;

    private void Settle(
        PciBus bus,
        PciResource window,
        ulong demanded,
        ulong wished,
        ulong align,
        ulong wishedAlign,
        PciWishes? wishes
    )
    {
        PciDevice bridge = bus.Bridge!;
        if (demanded == 0 && wished == 0)
        {
            if (window.Start != 0 || window.End != 0)
            {
                core.Info(bridge, $"disabling bridge window {window.Text} to {bus.RangeText} (unused)");
            }

            window.Flags = 0;
            return;
        }

        window.Start = align;
        window.End = align + demanded - 1;
        window.Flags |= ResourceFlags.StartAlign;
        if (wishes is null || wished <= demanded)
        {
            return;
        }

        wishes.Add(bridge, window, wished - demanded, wishedAlign);
        string alignText = window.IsIo
            ? ""
            : string.Create(CultureInfo.InvariantCulture, $" add_align {wishedAlign:x}");
        core.Info(
            bridge,
            $"bridge window {window.Text} to {bus.RangeText} add_size "
                + (wished - demanded).ToString("x", CultureInfo.InvariantCulture)
                + alignText
        );
    }

    /// <summary>find_bus_resource_of_type: the first window of the kind that has no place yet, else the first at all.</summary>
    private static PciResource? FindWindow(PciBus bus, ulong mask, ulong type) =>
        bus.Windows.FirstOrDefault(window => (window.Flags & mask) == type && window.Parent is null)
        ?? bus.Windows.FirstOrDefault(window => (window.Flags & mask) == type);

    /// <summary>Which resources go into a window: those whose flags under a mask are one of three.</summary>
    private readonly record struct Kinds(ulong Mask, ulong Type1, ulong Type2, ulong Type3)
    {
        public bool Take(ulong flags) =>
            (flags & Mask) is var kind && (kind == Type1 || kind == Type2 || kind == Type3);
    }

    /// <summary>The sum of memory resources, and how many bytes want each alignment from 1 MiB on.</summary>
    private sealed class MemoryNeeds
    {
        private readonly ulong[] _aligned = new ulong[Orders];
        private int _highest;

        public ulong Size { get; private set; }

        public ulong ChildrensWishes { get; private set; }

        public ulong WishedAlign { get; private set; }

        public void Add(PciCore core, PciDevice device, PciResource resource, PciWishes? wishes)
        {
            ulong size = resource.Size;
            ulong align = core.AlignmentOf(device, resource);
            if (wishes is not null && resource.Index is >= PciDevice.IovResources and < PciDevice.BridgeResources)
            {
                WishedAlign = Math.Max(WishedAlign, align);
                resource.End = resource.Start - 1;
                wishes.Add(device, resource, size, 0);
                ChildrensWishes += size;
                return;
            }

            int order = Math.Max(0, System.Numerics.BitOperations.TrailingZeroCount(align) - 20);
            if (order >= Orders)
            {
                core.Warn(device, $"disabling BAR {resource.Index}: {resource.Text} (bad alignment 0x{align:x})");
                resource.Flags = 0;
                return;
            }

            Size += Math.Max(size, align);
            if (size <= align)
            {
                _aligned[order] += align;
            }

            _highest = Math.Max(_highest, order);
            if (wishes is not null)
            {
                ChildrensWishes += wishes.SizeOf(resource);
                WishedAlign = Math.Max(WishedAlign, wishes.AlignOf(resource));
            }
        }

        /// <summary>calculate_mem_align: the least alignment by which everything fits.</summary>
        public ulong Alignment()
        {
            ulong sum = 0;
            ulong least = 0;
            for (int order = 0; order <= _highest; order++)
            {
                ulong align = 1UL << (order + 20);
                if (sum == 0)
                {
                    least = align;
                }
                else if (PciResource.AlignUp(sum + least, least) < align)
                {
                    least = align >> 1;
                }

                sum += _aligned[order];
            }

            return least;
        }
    }
}
