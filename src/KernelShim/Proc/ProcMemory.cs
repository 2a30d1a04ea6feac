using System.Globalization;
using System.Text;
using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim;

/// <summary>A region that somebody has requested (struct resource).</summary>
/// <param name="Range">Where it is.</param>
/// <param name="Name">Its name in /proc/iomem.</param>
internal readonly record struct IoRegion(DeviceResource Range, string Name);

/// <summary>
/// /proc/iomem (kernel/resource.c, r_show): memory, and the regions that buses and drivers have requested, each inside what contains it.
/// </summary>
internal static class ProcMemory
{
    /// <summary>The whole file.</summary>
    public static string Show(Kernel kernel)
    {
        var text = new StringBuilder();
        var around = new Stack<DeviceResource>();
        // A stable order: of two equal regions the one that was there first contains the other.
        foreach (
            IoRegion region in Regions(kernel)
                .OrderBy(region => region.Range.Start)
                .ThenByDescending(region => region.Range.End)
        )
        {
            while (around.TryPeek(out DeviceResource outer) && outer.End < region.Range.End)
            {
                around.Pop();
            }

            text.Append(' ', 2 * around.Count);
            text.Append(
                CultureInfo.InvariantCulture,
                $"{region.Range.Start:x8}-{region.Range.End:x8} : {region.Name}\n"
            );
            around.Push(region.Range);
        }

        return text.ToString();
    }

    private static IEnumerable<IoRegion> Regions(Kernel kernel)
    {
        foreach (RegEntry memory in kernel.Tree.ReadMemory())
        {
            yield return new IoRegion(new DeviceResource(memory.Address.Value, memory.LengthBytes), "System RAM");
        }

        foreach (IoRegion region in (kernel.Interrupts as IrqSubsystem)?.Regions ?? [])
        {
            yield return region;
        }

        foreach (IoRegion region in kernel.Drivers.Buses.Values.SelectMany(bus => bus.Devices).SelectMany(OfDevice))
        {
            yield return region;
        }

        foreach (IoRegion region in OfPci(kernel))
        {
            yield return region;
        }
    }

    /// <summary>
    /// What amba_device_add requests for the device, and what its driver requests of it. Platform devices of a device tree request
    /// nothing themselves.
    /// </summary>
    private static IEnumerable<IoRegion> OfDevice(Device device)
    {
        if (device.Node is not { } node)
        {
            yield break;
        }

        foreach (DeviceResource range in device.Resources)
        {
            if (device.Bus is AmbaBus)
            {
                yield return new IoRegion(range, node.Name);
            }

            if (device.Driver?.RegionName(device) is { } name)
            {
                yield return new IoRegion(range, name);
            }
        }
    }

    private static IEnumerable<IoRegion> OfPci(Kernel kernel)
    {
        foreach (PciHost host in kernel.Pci?.Hosts ?? [])
        {
            foreach (PciResource window in host.Windows.Where(window => window.IsMemory))
            {
                string name = host.Node?.Name ?? host.Device?.Node?.Name ?? host.Root.Name;
                yield return new IoRegion(new DeviceResource(window.Start, window.Size), name);
            }
        }

        foreach (PciDevice device in kernel.Pci?.Devices ?? [])
        {
            foreach (
                PciResource region in device.Regions.Where(region => region is { IsMemory: true, Parent: not null })
            )
            {
                bool isWindow = device.IsBridge && device.Windows.Contains(region);
                string name = isWindow ? "PCI Bus " + device.Subordinate?.Name : device.Name;
                yield return new IoRegion(new DeviceResource(region.Start, region.Size), name);
            }
        }
    }
}
