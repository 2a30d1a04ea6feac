namespace Emulator.KernelShim;

/// <content>Rescans and removal (drivers/pci/remove.c, pci_rescan_bus).</content>
public sealed partial class PciCore
{
    /// <summary>Looks for new functions everywhere (rescan_store of the bus).</summary>
    public void RescanAll()
    {
        foreach (PciHost host in _hosts)
        {
            Rescan(host.Root);
        }
    }

    /// <summary>pci_rescan_bus.</summary>
    internal void Rescan(PciBus bus)
    {
        new PciScanner(this).ScanChildBus(bus);
        new PciAssignment(this).AssignAfterRescan(bus);
        AddDevices(bus);
    }

    /// <summary>
    /// pci_stop_and_remove_bus_device: drivers go from the last function to the first, then the functions go from the first to
    /// the last, those behind a bridge before it.
    /// </summary>
    internal void StopAndRemove(PciDevice device)
    {
        Stop(device);
        Remove(device);
    }

    private void Stop(PciDevice device)
    {
        if (device.Subordinate is { } below)
        {
            foreach (PciDevice child in below.Devices.Reverse().ToArray())
            {
                Stop(child);
            }
        }

        if (device.IsAdded)
        {
            ((DriverCore)_kernel.Drivers).ReleaseDriver(device);
        }
    }

    private void Remove(PciDevice device)
    {
        if (device.Subordinate is { } below)
        {
            foreach (PciDevice child in below.Devices.ToArray())
            {
                Remove(child);
            }

            RemoveBus(device, below);
        }

        device.Sriov?.Release();
        if (device.IsAdded)
        {
            _kernel.Drivers.Remove(device);
            device.IsAdded = false;
        }

        device.OnBus.Remove(device);
        foreach (PciResource resource in device.Regions)
        {
            resource.ReleaseChildren();
            resource.Release();
        }
    }

    /// <summary>pci_remove_bus.</summary>
    private void RemoveBus(PciDevice bridge, PciBus bus)
    {
        Info(bus, $"busn_res: {bus.RangeText} is released");
        bus.Parent?.Remove(bus);
        PciBusFiles.Remove(_kernel, bus);
        Forget(bus);
        bridge.Subordinate = null;
    }
}
