using System.Globalization;

namespace Emulator.KernelShim;

/// <summary>
/// Finding buses and functions by configuration cycles (drivers/pci/probe.c): which slots answer, which bridges lead further,
/// and which numbers the buses behind them get.
/// </summary>
internal sealed class PciScanner(PciCore core)
{
    private const int FunctionsOfSlot = 8;
    private const int AllDevfns = 256;

    /// <summary>pci_scan_child_bus: the highest bus number below.</summary>
    public int ScanChildBus(PciBus bus) => ScanChildBus(bus, 0);

    private int ScanChildBus(PciBus bus, int available)
    {
        for (int devfn = 0; devfn < AllDevfns; devfn += FunctionsOfSlot)
        {
            ScanSlot(bus, devfn);
        }

        int used = PciSriov.BusRange(bus);
        int max = bus.Number + used;
        PciDevice[] bridges = [.. bus.Devices.Where(device => device.IsBridge)];
        int hotplug = bridges.Count(bridge => bridge.IsHotplugBridge);

        // Bridges that are set up already keep their numbers; one bus is reserved for each of the others.
        foreach (PciDevice bridge in bridges)
        {
            int before = max;
            max = ScanBridge(bus, bridge, max, 0, isSecondPass: false);
            used += Math.Max(1, max - before);
        }

        foreach (PciDevice bridge in bridges)
        {
            int share =
                bridges.Length == 1 && hotplug == 0 ? available
                : bridge.IsHotplugBridge ? Math.Max(0, Math.Min(available / hotplug, available - used + 1))
                : 0;
            int before = max;
            max = ScanBridge(bus, bridge, before, share, isSecondPass: true);
            used += Math.Max(0, max - before - 1);
        }

        // A slot keeps as many numbers free as the bridge above could give (pci_hotplug_bus_size is 1).
        return bus.Bridge is { IsHotplugBridge: true } && max - bus.Number < available
            ? Math.Min(bus.Number + available, bus.End)
            : max;
    }

    /// <summary>pci_scan_slot.</summary>
    public int ScanSlot(PciBus bus, int devfn)
    {
        if (devfn > 0 && bus.Bridge is { IsDownstreamPort: true })
        {
            return 0;
        }

        int found = 0;
        for (int function = 0; function >= 0; )
        {
            PciDevice? device = ScanFunction(bus, devfn + function, ref found);
            if (device is null && function == 0)
            {
                break;
            }

            if (device is not null && function > 0)
            {
                device.IsMultifunction = true;
            }

            function = NextFunction(bus, device, function);
        }

        return found;
    }

    /// <summary>next_fn: the function to look for after this one, or -1.</summary>
    private static int NextFunction(PciBus bus, PciDevice? device, int function)
    {
        if (bus.Bridge is { AriEnabled: true })
        {
            if (device is null)
            {
                return -1;
            }

            int at = device.FindExtendedCapability(PciExtendedCapabilityId.AlternativeRouting);
            int next = at == 0 ? 0 : device.ReadWord(at + 4) >> 8 & 0xFF;
            return next > function ? next : -1;
        }

        return function == FunctionsOfSlot - 1 || (device is not null && !device.IsMultifunction) ? -1 : function + 1;
    }

    /// <summary>pci_scan_single_device.</summary>
    private PciDevice? ScanFunction(PciBus bus, int devfn, ref int found)
    {
        if (bus.Find(devfn) is { } present)
        {
            return present;
        }

        uint id = bus.Host.Configuration.Read(bus.Number, devfn, PciRegisters.VendorId, 4);
        if (id is uint.MaxValue or 0 or 0x0000_FFFF or 0xFFFF_0000)
        {
            return null;
        }

        found++;
        PciDevice device = core.CreateDevice(bus, devfn, null);
        device.VendorId = (ushort)id;
        device.DeviceId = (ushort)(id >> 16);
        new PciDeviceSetup(core).SetUp(device);
        core.Add(device);
        return device;
    }

    /// <summary>pci_scan_bridge_extend.</summary>
    private int ScanBridge(PciBus bus, PciDevice bridge, int max, int available, bool isSecondPass)
    {
        uint buses = bridge.ReadDword(PciRegisters.PrimaryBus);
        int primary = (int)(buses & 0xFF);
        int secondary = (int)(buses >> 8 & 0xFF);
        int subordinate = (int)(buses >> 16 & 0xFF);
        bool isBroken = false;
        if (!isSecondPass && (primary != bus.Number || secondary <= bus.Number || secondary > subordinate))
        {
            core.Info(
                bridge,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"bridge configuration invalid ([bus {secondary:x2}-{subordinate:x2}]), reconfiguring"
                )
            );
            isBroken = true;
        }

        // Master aborts are expected while looking.
        ushort control = bridge.ReadWord(PciRegisters.BridgeControl);
        bridge.WriteWord(PciRegisters.BridgeControl, (ushort)(control & ~PciRegisters.BridgeMasterAbort));
        if ((secondary != 0 || subordinate != 0) && !bus.Host.ReassignsBuses && !isBroken)
        {
            max = isSecondPass ? max : ScanConfigured(bus, bridge, max, secondary, subordinate, control);
        }
        else if (!isSecondPass)
        {
            if (bus.Host.ReassignsBuses || isBroken)
            {
                bridge.WriteDword(PciRegisters.PrimaryBus, buses & ~0xFF_FFFFu);
            }
        }
        else
        {
            max = ScanNew(bus, bridge, max, available, buses, control);
        }

        bridge.WriteWord(PciRegisters.SecondaryStatus, 0xFFFF);
        bridge.WriteWord(PciRegisters.BridgeControl, control);
        return max;
    }

    /// <summary>A bridge that firmware or an earlier scan gave numbers.</summary>
    private int ScanConfigured(PciBus bus, PciDevice bridge, int max, int secondary, int subordinate, ushort control)
    {
        PciBus? child = core.FindBus(bus.Host.Domain, secondary);
        if (child is null)
        {
            child = core.AddBus(bus, bridge, secondary, subordinate);
            child.BridgeControl = control;
        }

        int reached = ScanChildBus(child, subordinate - secondary);
        if (reached > subordinate)
        {
            core.Warn(
                bridge,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"bridge has subordinate {subordinate:x2} but max busn {reached:x2}"
                )
            );
        }

        return Math.Max(max, subordinate);
    }

    /// <summary>A bridge that gets the next free numbers.</summary>
    private int ScanNew(PciBus bus, PciDevice bridge, int max, int available, uint buses, ushort control)
    {
        bridge.WriteWord(PciRegisters.Status, 0xFFFF);
        int number = max + 1;
        if (number > bus.End)
        {
            core.Warn(bridge, "No bus number available for hot-added bridge");
            return max;
        }

        PciBus child = core.FindBus(bus.Host.Domain, number) ?? core.AddBus(bus, bridge, number, bus.End);
        bridge.WriteDword(
            PciRegisters.PrimaryBus,
            (buses & 0xFF00_0000) | (uint)bus.Number | (uint)child.Number << 8 | (uint)child.End << 16
        );
        child.BridgeControl = control;
        max = ScanChildBus(child, Math.Max(0, available - 1));
        core.UpdateBusEnd(child, max);
        bridge.WriteByte(PciRegisters.SubordinateBus, (byte)max);
        return max;
    }
}
