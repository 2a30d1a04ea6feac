namespace Emulator.KernelShim;

/// <summary>A bus in sysfs: the class pci_bus below its bridge (drivers/pci/probe.c, pcibus_class).</summary>
internal static class PciBusFiles
{
    public static void Add(Kernel kernel, PciBus bus, DirectoryInode above)
    {
        DirectoryInode directory = above.GetOrAddDirectory("pci_bus").AddDirectory(bus.Name);
        bus.Directory = directory;
        directory.AddAttribute("uevent", AttributeMode.ReadWrite, () => "", DriverCore.StoreUevent);
        directory.AddAttribute("cpuaffinity", AttributeMode.ReadOnly, () => "1\n");
        directory.AddAttribute("cpulistaffinity", AttributeMode.ReadOnly, () => "0\n");
        directory.AddAttribute(
            "rescan",
            AttributeMode.WriteOnly,
            null,
            (process, text) =>
            {
                if (!PciFiles.TryParse(text, out ulong value))
                {
                    return process.Refuse(Errno.EINVAL, "bus_rescan_store", "it is no number");
                }

                if (value != 0)
                {
                    kernel.Pci.Rescan(bus);
                }

                return text.Length;
            }
        );
        directory.AddRelativeLink("device", above);
        DirectoryInode names = kernel.Files.Sys.GetOrAddDirectory("class").GetOrAddDirectory("pci_bus");
        directory.AddRelativeLink("subsystem", names);
        names.AddRelativeLink(bus.Name, directory);
        PowerFiles.AddUnsupported(directory);
        if (bus.IsRoot)
        {
            above.AddAttribute("uevent", AttributeMode.ReadWrite, () => "", DriverCore.StoreUevent);
            PowerFiles.AddUnsupported(above);
            AddNode(kernel, bus, directory);
        }
    }

    /// <summary>The bus's directory goes with its bridge's; its name in the class goes here.</summary>
    public static void Remove(Kernel kernel, PciBus bus)
    {
        DirectoryInode names = kernel.Files.Sys.GetOrAddDirectory("class").GetOrAddDirectory("pci_bus");
        names.Remove(bus.Name);
        if (bus.Directory is { Parent: { } parent } directory)
        {
            parent.Remove(directory.Name);
        }
    }

    private static void AddNode(Kernel kernel, PciBus bus, DirectoryInode directory)
    {
        if (
            bus.Host.Device?.Node is { } node
            && ((DriverCore)kernel.Drivers).FindNodeDirectory(node.Path) is { } nodeDirectory
        )
        {
            directory.AddRelativeLink("of_node", nodeDirectory);
            directory.AddAttribute("waiting_for_supplier", AttributeMode.ReadOnly, () => "0\n");
        }
    }
}
