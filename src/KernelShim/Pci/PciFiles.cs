using System.Globalization;
using System.Text;

namespace Emulator.KernelShim;

/// <summary>The files of a function in sysfs (drivers/pci/pci-sysfs.c).</summary>
internal static class PciFiles
{
    private const int RemoveMode = 0x90;
    private const int RootMode = 0x180;

    /// <summary>Adds them.</summary>
    public static void Add(PciCore core, PciDevice device, DirectoryInode directory)
    {
        AddIdentity(device, directory);
        AddState(core, device, directory);
        AddActions(core, device, directory);
        AddRegions(core, device, directory);
        PowerFiles.Add(
            directory,
            canWakeUp: device.IsBridge || device.FindCapability(PciCapabilityId.PowerManagement) != 0
        );
        if (device.IsBridge)
        {
            Show(directory, "secondary_bus_number", () => Decimal(device.ReadByte(PciRegisters.SecondaryBus)));
            Show(directory, "subordinate_bus_number", () => Decimal(device.ReadByte(PciRegisters.SubordinateBus)));
        }

        if (device.Subordinate is { } below)
        {
            PciBusFiles.Add(core.Kernel, below, directory);
        }

        PciLinkFiles.AddLink(device, directory);
        if (device.IsExpress)
        {
            PciLinkFiles.Add(device, directory);
        }

        if (device.Sriov is { } sriov)
        {
            PciSriovFiles.Add(core, device, sriov, directory);
        }
    }

    /// <summary>modalias: <c>pci:v00001957d000080C0sv..sd..bc06sc04i00</c>.</summary>
    public static string Modalias(PciDevice device) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"pci:v{device.VendorId:X8}d{device.DeviceId:X8}sv{device.SubsystemVendorId:X8}sd{device.SubsystemId:X8}bc{device.Class >> 16 & 0xFF:X2}sc{device.Class >> 8 & 0xFF:X2}i{device.Class & 0xFF:X2}"
        );

    /// <summary>kstrtoul with base 0.</summary>
    public static bool TryParse(string text, out ulong value)
    {
        string number = BusType.CString(text).ToString();
        number = number.EndsWith('\n') ? number[..^1] : number;
        if (number.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
        {
            return ulong.TryParse(number[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
        }

        return ulong.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }

    /// <summary>The lines of <c>resource</c>: seven, and the bridge's windows or the virtual functions' BARs after them.</summary>
    public static string ShowResources(PciDevice device)
    {
        var text = new StringBuilder();
        int count = device.Subordinate is not null ? PciDevice.ResourceCount : PciDevice.BridgeResources;
        for (int n = 0; n < count; n++)
        {
            PciResource resource = device.Regions[n];
            bool isSet = (resource.Flags & ResourceFlags.Unset) == 0 && resource.Flags != 0;
            text.Append(
                CultureInfo.InvariantCulture,
                $"0x{(isSet ? resource.Start : 0):x16} 0x{(isSet ? resource.End : 0):x16} 0x{(isSet ? resource.Flags : 0):x16}\n"
            );
        }

        return text.ToString();
    }

    private static void AddIdentity(PciDevice device, DirectoryInode directory)
    {
        Show(directory, "vendor", () => Text($"0x{device.VendorId:x4}\n"));
        Show(directory, "device", () => Text($"0x{device.DeviceId:x4}\n"));
        Show(directory, "subsystem_vendor", () => Text($"0x{device.SubsystemVendorId:x4}\n"));
        Show(directory, "subsystem_device", () => Text($"0x{device.SubsystemId:x4}\n"));
        Show(directory, "revision", () => Text($"0x{device.Revision:x2}\n"));
        Show(directory, "class", () => Text($"0x{device.Class:x6}\n"));
        Show(directory, "modalias", () => Modalias(device) + "\n");
        Show(directory, "devspec", () => device.Node is { } node ? node.Path + "\n" : "\n");
        directory.Add("config", new PciConfigurationInode(device));
    }

    private static void AddState(PciCore core, PciDevice device, DirectoryInode directory)
    {
        Show(directory, "irq", () => Decimal(core.Messages.FirstInterruptOf(device) ?? device.Interrupt));
        Show(directory, "local_cpus", () => "1\n");
        Show(directory, "local_cpulist", () => "0\n");
        Show(directory, "resource", () => ShowResources(device));
        Show(directory, "dma_mask_bits", () => "32\n");
        Show(directory, "consistent_dma_mask_bits", () => "32\n");
        Show(directory, "ari_enabled", () => device.OnBus.Bridge is { AriEnabled: true } ? "1\n" : "0\n");
        Show(directory, "power_state", () => device.EnableCount > 0 ? "D0\n" : "unknown\n");
        Keep(directory, "numa_node", "-1\n");
        Keep(directory, "broken_parity_status", "0\n");
        Keep(directory, "msi_bus", "1\n");
        Keep(directory, "d3cold_allowed", "1\n");
    }

    private static void AddActions(PciCore core, PciDevice device, DirectoryInode directory)
    {
        directory.AddAttribute(
            "enable",
            AttributeMode.ReadWrite,
            () => Decimal(device.EnableCount),
            (process, text) => StoreEnable(core, process, device, text)
        );
        directory.AddAttribute(
            "remove",
            RemoveMode,
            null,
            (process, text) => Act(process, text, "remove_store", () => core.StopAndRemove(device))
        );
        directory.AddAttribute(
            "rescan",
            AttributeMode.WriteOnly,
            null,
            (process, text) => Act(process, text, "dev_rescan_store", () => core.Rescan(device.OnBus))
        );
        PciResetFiles.Add(core, device, directory);
    }

    /// <summary>enable_store: anything but 0 enables once more.</summary>
    private static long StoreEnable(PciCore core, Process process, PciDevice device, string text)
    {
        const string function = "enable_store";
        if (!process.Has(Capabilities.SysAdmin))
        {
            return process.Refuse(Errno.EPERM, function, "it needs CAP_SYS_ADMIN");
        }

        if (!TryParse(text, out ulong value))
        {
            return process.Refuse(Errno.EINVAL, function, $"'{text.TrimEnd('\n')}' is no number");
        }

        if (device.Driver is { } driver)
        {
            return process.Refuse(Errno.EBUSY, function, $"{driver.Name} has the device");
        }

        long error = 0;
        if (value != 0)
        {
            error = core.Enable(device);
        }
        else if (device.EnableCount > 0)
        {
            core.Disable(device);
        }
        else
        {
            error = -(long)Errno.EIO;
        }

        return error == 0
            ? text.Length
            : process.Refuse((Errno)(-error), function, value == 0 ? "it is not enabled" : "a region has no address");
    }

    /// <summary>A file that does something when anything but 0 is written.</summary>
    private static long Act(Process process, string text, string function, Action action)
    {
        if (!TryParse(text, out ulong value))
        {
            return process.Refuse(Errno.EINVAL, function, $"'{text.TrimEnd('\n')}' is no number");
        }

        if (value != 0)
        {
            action();
        }

        return text.Length;
    }

    /// <summary>resourceN and rom (pci_create_resource_files).</summary>
    private static void AddRegions(PciCore core, PciDevice device, DirectoryInode directory)
    {
        for (int n = 0; n < PciDevice.RomResource; n++)
        {
            PciResource region = device.Regions[n];
            if (region.Flags == 0 || region.Size == 0)
            {
                continue;
            }

            string name = string.Create(CultureInfo.InvariantCulture, $"resource{n}");
            directory.Add(name, new PciRegionInode(core.Kernel, device, region, RootMode));
            if (region is { IsMemory: true, IsPrefetchable: true })
            {
                directory.Add(name + "_wc", new PciRegionInode(core.Kernel, device, region, RootMode));
            }
        }

        PciResource rom = device.Regions[PciDevice.RomResource];
        if (rom.Flags != 0 && rom.Size != 0)
        {
            directory.Add("rom", new PciRegionInode(core.Kernel, device, rom, RootMode));
        }
    }

    private static void Show(DirectoryInode directory, string name, Func<string> show) =>
        directory.AddAttribute(name, AttributeMode.ReadOnly, show);

    /// <summary>A file that keeps a number and changes nothing else.</summary>
    private static void Keep(DirectoryInode directory, string name, string initial)
    {
        string value = initial;
        directory.AddAttribute(
            name,
            AttributeMode.ReadWrite,
            () => value,
            (process, text) =>
            {
                if (!TryParse(text, out _))
                {
                    return process.Refuse(Errno.EINVAL, name + "_store", $"'{text.TrimEnd('\n')}' is no number");
                }

                value = text.TrimEnd('\n') + "\n";
                return text.Length;
            }
        );
    }

    private static string Decimal(int value) => value.ToString(CultureInfo.InvariantCulture) + "\n";

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
