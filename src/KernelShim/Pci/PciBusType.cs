using System.Globalization;
using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim;

/// <summary>The PCI bus of the driver core (pci_bus_type of drivers/pci/pci-driver.c).</summary>
internal sealed class PciBusType : BusType
{
    private readonly PciCore _core;

    public PciBusType(PciCore core)
        : base("pci")
    {
        _core = core;
        HasDriverOverride = true;
    }

    /// <summary>
    /// Before a driver's probe: the function gets its INTx, and virtual functions whose physical one keeps drivers away are
    /// refused (pci_device_probe).
    /// </summary>
    internal override long PrepareProbe(Device device)
    {
        var function = (PciDevice)device;
        if (function is { PhysicalFunction.Sriov.DriversAutoProbe: false, DriverOverride: null })
        {
            return -(long)Errno.ENODEV;
        }

        PciInterrupts.Assign(_core, function);
        return 0;
    }

    internal override IReadOnlyList<IommuSpecifier> IommuSpecifiers(Kernel kernel, Device device) =>
        PciIommu.SpecifiersOf(kernel, (PciDevice)device);

    /// <summary>pci_device_group; what it looked at is kept with the function.</summary>
    internal override IommuGroup? FindGroup(Kernel kernel, Device device)
    {
        var function = (PciDevice)device;
        IommuGroup? group = PciDeviceGroup.Find(function, out IReadOnlyList<GroupingStep> steps);
        function.GroupingSteps = steps;
        return group;
    }

    internal override bool HasIsolatedMessages(Kernel kernel, Device device) =>
        device is PciDevice { OnBus.Host.Node: { } bridge } function
        && kernel.Tree.MapMsi(bridge, function.RequesterId) is { } mapped
        && SmmuDriver.IsIsolating(mapped.Target);

    internal override void AddAttributes(Device device, DirectoryInode directory) =>
        PciFiles.Add(_core, (PciDevice)device, directory);

    internal override IEnumerable<string> UeventVariables(Device device)
    {
        var function = (PciDevice)device;
        yield return Text($"PCI_CLASS={function.Class:X4}");
        yield return Text($"PCI_ID={function.VendorId:X4}:{function.DeviceId:X4}");
        yield return Text($"PCI_SUBSYS_ID={function.SubsystemVendorId:X4}:{function.SubsystemId:X4}");
        yield return "PCI_SLOT_NAME=" + device.Name;
        yield return "MODALIAS=" + PciFiles.Modalias(function);
    }

    /// <summary>The files of /sys/bus/pci that other buses do not have.</summary>
    public void AddFiles()
    {
        Directory!.AddAttribute("rescan", AttributeMode.WriteOnly, null, (process, text) => Rescan(process, text));
        string alignment = "";
        Directory!.AddAttribute(
            "resource_alignment",
            AttributeMode.ReadWrite,
            () => alignment,
            (_, text) =>
            {
                alignment = text;
                return text.Length;
            }
        );
        Directory!.AddDirectory("slots");
    }

    internal override void AddDriverFiles(Driver driver, DirectoryInode directory)
    {
        if (driver is not PciDriver pci)
        {
            return;
        }

        directory.AddAttribute(
            "new_id",
            AttributeMode.WriteOnly,
            null,
            (process, text) => PciDynamicIds.Add(_core, process, pci, text)
        );
        directory.AddAttribute(
            "remove_id",
            AttributeMode.WriteOnly,
            null,
            (process, text) => PciDynamicIds.Remove(process, pci, text)
        );
    }

    private long Rescan(Process process, string text)
    {
        if (!PciFiles.TryParse(text, out ulong value))
        {
            return process.Refuse(Errno.EINVAL, "rescan_store", $"'{text.TrimEnd('\n')}' is no number");
        }

        if (value != 0)
        {
            _core.RescanAll();
        }

        return text.Length;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
