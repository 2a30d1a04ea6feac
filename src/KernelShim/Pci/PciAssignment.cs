namespace Emulator.KernelShim;

/// <summary>
/// Giving resources their addresses and writing them to BARs and windows (drivers/pci/setup-bus.c and setup-res.c): on each
/// bus the strictest alignment first, then the buses below.
/// </summary>
internal sealed class PciAssignment(PciCore core)
{
    private const ulong MinimumIo = 0x1000;
    private const ulong TypeBits = 0x1F00;
    private const ulong HighStart = 1UL << 32;

    /// <summary>pci_bus_size_bridges and pci_bus_assign_resources: what slots keep free is demanded.</summary>
    public void AssignDemanded(PciBus root)
    {
        new PciSizing(core).SizeBridges(root, null);
        Assign(root, null, null);
    }

    /// <summary>
    /// pci_assign_unassigned_root_bus_resources: what slots keep free is only wished for. Where virtual functions have no
    /// addresses the last of several attempts alone wishes (pci_realloc_detect).
    /// </summary>
    public void AssignUnassigned(PciBus root)
    {
        int attempts = 1;
        if (HasUnassignedVirtualFunctions(root))
        {
            int depth = DepthOf(root);
            attempts = depth + 1;
            core.Info(root, $"max bus depth: {depth} pci_try_num: {attempts}");
        }

        for (int attempt = 1; ; attempt++)
        {
            PciWishes? wishes = attempt == attempts ? new PciWishes() : null;
            List<Failure> failures = [];
            new PciSizing(core).SizeBridges(root, wishes);
            Assign(root, wishes, failures);
            if (failures.Count == 0)
            {
                break;
            }

            if (attempt >= attempts)
            {
                core.Info(root, "Some PCI device resources are unassigned, try booting with pci=realloc");
                break;
            }

            core.Info(root, $"No. {attempt + 1} try to assign unassigned res");
            Restore(failures);
        }

        LogWindows(root);
    }

    /// <summary>pci_assign_unassigned_bus_resources: after a rescan, what has no address gets one.</summary>
    public void AssignAfterRescan(PciBus bus)
    {
        var wishes = new PciWishes();
        foreach (PciDevice device in bus.Devices)
        {
            if (device is { IsBridge: true, Subordinate: { } below })
            {
                new PciSizing(core).SizeBridges(below, wishes);
            }
        }

        Assign(bus, wishes, null);
    }

    /// <summary>pci_assign_resource.</summary>
    public bool TryAssign(PciDevice device, PciResource resource)
    {
        resource.Flags |= ResourceFlags.Unset;
        ulong align = core.AlignmentOf(device, resource);
        string name = NameOf(resource);
        if (align == 0)
        {
            core.Info(device, $"{name} {resource.Text}: can't assign; bogus alignment");
            return false;
        }

        ulong size = resource.Size;
        PciBus? bus = device.OnBus;
        while (!TryAllocate(bus, resource, size, align))
        {
            // A transparent bridge passes on what its windows do not hold.
            if (bus.Bridge is not { } bridge || (bridge.Class & 0xFF) != 1 || bus.Parent is null)
            {
                core.Info(device, $"{name} {resource.Text}: can't assign; no space");
                core.Info(device, $"{name} {resource.Text}: failed to assign");
                return false;
            }

            bus = bus.Parent;
        }

        resource.Flags &= ~(ResourceFlags.Unset | ResourceFlags.StartAlign);
        core.Info(device, $"{name} {resource.Text}: assigned");
        PciBaseAddresses.Update(device, resource);
        return true;
    }

    internal static string NameOf(PciResource resource) =>
        resource.Index switch
        {
            < PciDevice.RomResource => $"BAR {resource.Index}",
            PciDevice.RomResource => "ROM",
            < PciDevice.BridgeResources => $"VF BAR {resource.Index - PciDevice.IovResources}",
            _ => "bridge window",
        };

    /// <summary>__pci_bus_assign_resources.</summary>
    private void Assign(PciBus bus, PciWishes? wishes, List<Failure>? failures)
    {
        AssignSorted(Sorted(bus), wishes, failures);
        foreach (PciDevice device in bus.Devices)
        {
            if (device.Subordinate is not { } below)
            {
                continue;
            }

            Assign(below, wishes, failures);
            if (device.HeaderType == 1 && device.EnableCount == 0)
            {
                PciWindows.SetUp(core, below);
            }
        }
    }

    /// <summary>pdev_sort_resources: by alignment, largest first, in order of discovery where equal.</summary>
    private LinkedList<Entry> Sorted(PciBus bus)
    {
        List<(Entry Entry, ulong Align)> found = [];
        foreach (PciDevice device in bus.Devices)
        {
            // Not classless devices, and not host bridges.
            if (device.Class >> 8 is 0x0000 or 0x0600)
            {
                continue;
            }

            foreach (PciResource resource in device.Regions)
            {
                if (resource.Flags == 0 || resource.Parent is not null)
                {
                    continue;
                }

                ulong align = core.AlignmentOf(device, resource);
                if (align == 0)
                {
                    core.Warn(device, $"{NameOf(resource)} {resource.Text}: alignment must not be zero");
                    continue;
                }

                found.Add((new Entry(device, resource), align));
            }
        }

        return new LinkedList<Entry>(found.OrderByDescending(item => item.Align).Select(item => item.Entry));
    }

    /// <summary>__assign_resources_sorted: with all wishes first, then what is demanded and the wishes one by one.</summary>
    private void AssignSorted(LinkedList<Entry> entries, PciWishes? wishes, List<Failure>? failures)
    {
        if (wishes is { IsEmpty: false } && TryWithWishes(entries, wishes))
        {
            return;
        }

        AssignDemands(entries, failures);
        if (wishes is not null)
        {
            GrantWishes(entries, wishes);
        }
    }

    private bool TryWithWishes(LinkedList<Entry> entries, PciWishes wishes)
    {
        List<Failure> saved = [.. entries.Select(entry => Failure.Of(entry))];
        Enlarge(entries, wishes);
        List<Failure> failed = [];
        AssignDemands(entries, failed);
        if (failed.Count == 0)
        {
            foreach (Entry entry in entries)
            {
                wishes.Remove(entry.Resource);
            }

            return true;
        }

        KeepWhatNeedNotGo(entries, saved, failed, wishes);
        foreach (Entry entry in entries)
        {
            entry.Resource.Release();
        }

        foreach (Failure before in saved)
        {
            before.Restore();
        }

        return false;
    }

    /// <summary>Adds the wishes to what is demanded; a larger alignment moves a resource forward.</summary>
    private void Enlarge(LinkedList<Entry> entries, PciWishes wishes)
    {
        foreach (Entry entry in entries.ToArray())
        {
            PciResource resource = entry.Resource;
            resource.End += wishes.SizeOf(resource);
            ulong align = wishes.AlignOf(resource);
            if ((resource.Flags & ResourceFlags.StartAlign) == 0 || align <= resource.Start)
            {
                continue;
            }

            ulong size = resource.Size;
            resource.Start = align;
            resource.End = align + size - 1;
            for (LinkedListNode<Entry>? at = entries.First; at is not null; at = at.Next)
            {
                if (align > core.AlignmentOf(at.Value.Device, at.Value.Resource))
                {
                    entries.Remove(entry);
                    entries.AddBefore(at, entry);
                    break;
                }
            }
        }
    }

    /// <summary>Resources of a kind that did not fail stay where they are (pci_need_to_release).</summary>
    private static void KeepWhatNeedNotGo(
        LinkedList<Entry> entries,
        List<Failure> saved,
        List<Failure> failed,
        PciWishes wishes
    )
    {
        ulong kinds = failed.Aggregate(0UL, (all, failure) => all | failure.Flags);
        foreach (Entry entry in entries.ToArray())
        {
            if (entry.Resource.Parent is not { } parent || MustGo(entry.Resource, parent, kinds))
            {
                continue;
            }

            wishes.Remove(entry.Resource);
            saved.RemoveAll(before => ReferenceEquals(before.Entry, entry));
            entries.Remove(entry);
        }
    }

    private static bool MustGo(PciResource resource, PciResource parent, ulong kinds)
    {
        if (resource.IsIo)
        {
            return (kinds & ResourceFlags.Io) != 0;
        }

        if (resource.IsPrefetchable)
        {
            return (kinds & ResourceFlags.Prefetch) != 0
                || ((kinds & ResourceFlags.Memory) != 0 && !parent.IsPrefetchable);
        }

        return (kinds & ResourceFlags.Memory) != 0;
    }

    /// <summary>assign_requested_resources_sorted.</summary>
    private void AssignDemands(LinkedList<Entry> entries, List<Failure>? failures)
    {
        foreach (Entry entry in entries)
        {
            PciResource resource = entry.Resource;
            Failure before = Failure.Of(entry);
            if (resource.Size == 0 || TryAssign(entry.Device, resource))
            {
                continue;
            }

            bool isIdleRom = resource.Index == PciDevice.RomResource && (resource.Flags & ResourceFlags.RomEnable) == 0;
            if (!isIdleRom)
            {
                failures?.Add(before);
            }

            resource.Reset();
        }
    }

    /// <summary>reassign_resources_sorted.</summary>
    private void GrantWishes(LinkedList<Entry> entries, PciWishes wishes)
    {
        foreach (PciWishes.Wish wish in wishes.All)
        {
            PciResource resource = wish.Resource;
            if (resource.Flags == 0)
            {
                wishes.Remove(resource);
                continue;
            }

            if (!entries.Any(entry => ReferenceEquals(entry.Resource, resource)))
            {
                continue;
            }

            if (resource.Size == 0)
            {
                resource.Start = wish.Align;
                resource.End = resource.Start + wish.Size - 1;
                if (!TryAssign(wish.Device, resource))
                {
                    resource.Reset();
                }
            }
            else
            {
                TryEnlarge(wish);
            }

            wishes.Remove(resource);
        }
    }

    /// <summary>pci_reassign_resource: a larger place elsewhere, or the one it has.</summary>
    private void TryEnlarge(PciWishes.Wish wish)
    {
        PciResource resource = wish.Resource;
        if (resource.Parent is not { } parent)
        {
            return;
        }

        (ulong start, ulong end) = (resource.Start, resource.End);
        ulong size = resource.Size + wish.Size;
        resource.Release();
        if (!TryAllocate(wish.Device.OnBus, resource, size, Math.Max(1, wish.Align)))
        {
            (resource.Start, resource.End) = (start, end);
            parent.TryInsert(resource);
            core.Info(wish.Device, $"{NameOf(resource)} {resource.Text}: failed to add 0x{wish.Size:x}");
            return;
        }

        core.Info(wish.Device, $"{NameOf(resource)} {resource.Text}: reassigned; expanded by 0x{wish.Size:x}");
        PciBaseAddresses.Update(wish.Device, resource);
    }

    /// <summary>__pci_assign_resource: an exact match of prefetching first, then what can hold it as well.</summary>
    private static bool TryAllocate(PciBus bus, PciResource resource, ulong size, ulong align)
    {
        const ulong both = ResourceFlags.Prefetch | ResourceFlags.Memory64;
        if (TryAllocate(bus, resource, size, align, both))
        {
            return true;
        }

        if ((resource.Flags & both) == both && TryAllocate(bus, resource, size, align, ResourceFlags.Prefetch))
        {
            return true;
        }

        return (resource.Flags & both) != 0 && TryAllocate(bus, resource, size, align, 0);
    }

    /// <summary>pci_bus_alloc_resource: 64-bit resources above 4 GiB if there is room, else anywhere.</summary>
    private static bool TryAllocate(PciBus bus, PciResource resource, ulong size, ulong align, ulong mask) =>
        resource.Is64Bit
            ? TryAllocate(bus, resource, size, align, mask, HighStart, ulong.MaxValue)
                || TryAllocate(bus, resource, size, align, mask, 0, ulong.MaxValue)
            : TryAllocate(bus, resource, size, align, mask, 0, uint.MaxValue);

    private static bool TryAllocate(
        PciBus bus,
        PciResource resource,
        ulong size,
        ulong align,
        ulong mask,
        ulong lowest,
        ulong highest
    )
    {
        foreach (PciResource window in bus.Windows)
        {
            if (
                ((resource.Flags ^ window.Flags) & (mask | TypeBits)) != 0
                || window.Flags == 0
                || (window.IsPrefetchable && !resource.IsPrefetchable)
            )
            {
                continue;
            }

            ulong from = Math.Max(window.Start, lowest);
            ulong least =
                from != 0 ? from
                : resource.IsIo ? MinimumIo
                : 0;
            if (window.FindSpace(size, align, least, highest) is not { } start)
            {
                continue;
            }

            resource.Start = start;
            resource.End = start + size - 1;
            return window.TryInsert(resource);
        }

        return false;
    }

    private static void Restore(List<Failure> failures)
    {
        foreach (Failure failure in failures)
        {
            failure.Restore();
            if (failure.Entry.Resource.Index >= PciDevice.BridgeResources)
            {
                failure.Entry.Resource.Flags = 0;
            }
        }
    }

    private static bool HasUnassignedVirtualFunctions(PciBus bus) =>
        bus.Devices.Any(device =>
            device
                .Regions[PciDevice.IovResources..PciDevice.BridgeResources]
                .Any(resource => resource is { Flags: not 0, Start: 0 })
            || (device.Subordinate is { } below && HasUnassignedVirtualFunctions(below))
        );

    private static int DepthOf(PciBus bus) =>
        bus.Children.Count == 0 ? 0 : bus.Children.Max(child => DepthOf(child) + 1);

    /// <summary>pci_bus_dump_resources.</summary>
    private void LogWindows(PciBus bus)
    {
        int number = bus.IsRoot ? 4 : 0;
        foreach (PciResource window in bus.Windows)
        {
            if (window.End != 0 && window.Flags != 0)
            {
                core.Info(bus, $"resource {number} {window.Text}");
            }

            number++;
        }

        foreach (PciDevice device in bus.Devices)
        {
            if (device.Subordinate is { } below)
            {
                LogWindows(below);
            }
        }
    }

    /// <summary>A resource of a device that waits for its address.</summary>
    private sealed record Entry(PciDevice Device, PciResource Resource);

    /// <summary>What a resource was before something was tried with it.</summary>
    private sealed record Failure(Entry Entry, ulong Start, ulong End, ulong Flags)
    {
        public static Failure Of(Entry entry) =>
            new(entry, entry.Resource.Start, entry.Resource.End, entry.Resource.Flags);

        public void Restore()
        {
            Entry.Resource.Start = Start;
            Entry.Resource.End = End;
            Entry.Resource.Flags = Flags;
        }
    }
}
