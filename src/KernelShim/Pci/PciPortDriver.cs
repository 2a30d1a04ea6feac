using System.Globalization;

namespace Emulator.KernelShim;

/// <summary>
/// pcieport: root ports and switch ports, and the services that their registers offer as devices of the bus pci_express
/// (drivers/pci/pcie/portdrv.c).
/// </summary>
internal sealed class PciPortDriver(Kernel kernel) : PciDriver
{
    private const int MostVectors = 32;

    private static readonly PciDeviceId[] Table =
    [
        new(null, null, Class: 0x0604_00, ClassMask: uint.MaxValue),
        new(null, null, Class: 0x0604_01, ClassMask: uint.MaxValue),
        new(null, null, Class: 0x0807_00, ClassMask: uint.MaxValue),
    ];

    public override string Name => "pcieport";

    public override IReadOnlyList<PciDeviceId> Ids => Table;

    /// <summary>A port does no DMA of its own (driver_managed_dma).</summary>
    public override bool ManagesDma => true;

    /// <summary>Registers the bus of services, their drivers and the driver of ports (pcie_portdrv_init).</summary>
    public static void Start(Kernel kernel)
    {
        ((DriverCore)kernel.Drivers).AddBus(new BusType("pci_express"));
        kernel.Drivers.Register(new PciePmeDriver(kernel));
        kernel.Drivers.Register(new PcieErrorDriver(kernel));
        kernel.Drivers.Register(new PcieHotplugDriver(kernel));
        kernel.Drivers.Register(new PciPortDriver(kernel));
    }

    public override long Probe(PciDevice device)
    {
        bool isPort =
            device.IsExpress
            && device.ExpressType
                is PciExpressType.RootPort
                    or PciExpressType.Upstream
                    or PciExpressType.Downstream
                    or PciExpressType.EventCollector;
        if (!isPort)
        {
            return -(long)Errno.ENODEV;
        }

        long error = kernel.Pci.Enable(device);
        if (error != 0)
        {
            return error;
        }

        PcieService[] services = [.. ServicesOf(device)];
        if (services.Length == 0)
        {
            return 0;
        }

        kernel.Pci.SetMaster(device);
        IReadOnlyList<int> interrupts = RequestInterrupts(device, services);
        List<Device> children = [];
        for (int n = 0; n < services.Length; n++)
        {
            children.Add(AddService(device, services[n], interrupts[n]));
        }

        device.DriverData = children;
        return 0;
    }

    public override void Remove(PciDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        foreach (Device service in device.DriverData as List<Device> ?? [])
        {
            kernel.Drivers.Remove(service);
        }

        kernel.Pci.Messages.Disable(device);
        kernel.Pci.Disable(device);
    }

    /// <summary>get_port_device_capability.</summary>
    private static IEnumerable<PcieService> ServicesOf(PciDevice device)
    {
        bool isRoot = device.ExpressType is PciExpressType.RootPort or PciExpressType.EventCollector;
        if (isRoot)
        {
            device.UpdateWord(device.ExpressCapability + PciExpress.RootControl, PciePmeDriver.InterruptEnable, 0);
            yield return PcieService.PowerManagement;
        }

        if (device.AerCapability != 0)
        {
            yield return PcieService.Errors;
        }

        if (device.IsHotplugBridge)
        {
            yield return PcieService.Hotplug;
        }

        if (
            device.AerCapability != 0
            && device.FindExtendedCapability(PciExtendedCapabilityId.DownstreamContainment) != 0
        )
        {
            yield return PcieService.Containment;
        }

        const uint notifiesBandwidth = 1u << 21;
        if (
            device.ExpressType is PciExpressType.RootPort or PciExpressType.Downstream
            && (device.ReadDword(device.ExpressCapability + PciExpress.LinkCapabilities) & notifiesBandwidth) != 0
        )
        {
            yield return PcieService.Bandwidth;
        }
    }

    /// <summary>
    /// pcie_init_service_irqs: as many messages as the port can have, then as many as its registers number, else the INTx for
    /// all. The numbers are read while messages are on, because a port may choose them by how many it has got.
    /// </summary>
    private IReadOnlyList<int> RequestInterrupts(PciDevice device, PcieService[] services)
    {
        PciMessages messages = kernel.Pci.Messages;
        if (!messages.TryEnable(device, MostVectors, out IReadOnlyList<PciMessage> got))
        {
            return [.. services.Select(_ => device.Interrupt)];
        }

        int[] vectors = [.. services.Select(service => VectorOf(device, service))];
        int needed = vectors.Max() + 1;
        bool isEnough = needed <= got.Count;
        if (needed != got.Count)
        {
            messages.Disable(device);
            isEnough = isEnough && messages.TryEnable(device, needed, out got);
        }

        return isEnough
            ? [.. vectors.Select(vector => got[vector].Interrupt)]
            : [.. services.Select(_ => device.Interrupt)];
    }

    /// <summary>pcie_message_numbers.</summary>
    private static int VectorOf(PciDevice device, PcieService service) =>
        service == PcieService.Errors
            ? (int)(device.ReadDword(device.AerCapability + 0x30) >> 27)
            : device.ReadWord(device.ExpressCapability + PciExpress.Flags) >> 9 & 0x1F;

    /// <summary>pcie_device_init.</summary>
    private Device AddService(PciDevice device, PcieService service, int interrupt)
    {
        int id = ((int)device.ExpressType - (int)PciExpressType.RootPort) << 8 | (int)service;
        var child = new Device
        {
            Name = string.Create(CultureInfo.InvariantCulture, $"{device.Name}:pcie{id:x3}"),
            Bus = kernel.Drivers.Buses["pci_express"],
            Parent = device,
            Service = new PciePortService(device, service, interrupt),
        };
        kernel.Drivers.Add(child);
        PowerFiles.AddSmall(child.Directory!);
        return child;
    }
}

/// <summary>A service of a port (PCIE_PORT_SERVICE_*).</summary>
internal enum PcieService
{
    PowerManagement = 1,
    Errors = 2,
    Hotplug = 4,
    Containment = 8,
    Bandwidth = 16,
}

/// <summary>A service of a port, and the interrupt it has (struct pcie_device).</summary>
internal sealed record PciePortService(PciDevice Port, PcieService Service, int Interrupt);

/// <summary>A driver of one of the services (struct pcie_port_service_driver).</summary>
internal abstract class PcieServiceDriver(Kernel kernel) : Driver
{
    public override string BusName => "pci_express";

    protected Kernel Kernel => kernel;

    protected abstract PcieService Service { get; }

    public override bool Matches(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return device.Service is { } service && service.Service == Service;
    }

    public override long Probe(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return Probe(device.Service!);
    }

    public override void Remove(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        Remove(device.Service!);
    }

    protected abstract long Probe(PciePortService service);

    protected virtual void Remove(PciePortService service) { }
}

/// <summary>pcie_pme: power management events of root ports (drivers/pci/pcie/pme.c).</summary>
internal sealed class PciePmeDriver(Kernel kernel) : PcieServiceDriver(kernel)
{
    /// <summary>PCI_EXP_RTCTL_PMEIE.</summary>
    internal const ushort InterruptEnable = 0x8;

    public override string Name => "pcie_pme";

    protected override PcieService Service => PcieService.PowerManagement;

    protected override long Probe(PciePortService service)
    {
        PciDevice port = service.Port;
        port.WriteDword(port.ExpressCapability + PciExpress.RootStatus, 0x1_0000);
        Kernel.Pci.Info(port, $"PME: Signaling with IRQ {service.Interrupt}");
        port.UpdateWord(port.ExpressCapability + PciExpress.RootControl, 0, InterruptEnable);
        return 0;
    }

    protected override void Remove(PciePortService service) =>
        service.Port.UpdateWord(service.Port.ExpressCapability + PciExpress.RootControl, InterruptEnable, 0);
}

/// <summary>aer: error messages that reach a root port (drivers/pci/pcie/aer.c).</summary>
internal sealed class PcieErrorDriver(Kernel kernel) : PcieServiceDriver(kernel)
{
    private const int RootCommand = 0x2C;
    private const uint AllMessages = 7;
    private const ushort SystemErrors = 7;

    public override string Name => "aer";

    protected override PcieService Service => PcieService.Errors;

    protected override long Probe(PciePortService service)
    {
        PciDevice port = service.Port;
        if (port.ExpressType is not (PciExpressType.RootPort or PciExpressType.EventCollector))
        {
            return -(long)Errno.ENODEV;
        }

        // aer_enable_rootport: what came before is forgotten, then every kind of message interrupts.
        int deviceStatus = port.ExpressCapability + PciExpress.DeviceControl + 2;
        port.WriteWord(deviceStatus, port.ReadWord(deviceStatus));
        port.UpdateWord(port.ExpressCapability + PciExpress.RootControl, SystemErrors, 0);
        foreach (int status in (int[])[0x30, 0x10, 0x04])
        {
            port.WriteDword(port.AerCapability + status, port.ReadDword(port.AerCapability + status));
        }

        uint command = port.ReadDword(port.AerCapability + RootCommand);
        port.WriteDword(port.AerCapability + RootCommand, command | AllMessages);
        Kernel.Pci.Info(port, $"AER: enabled with IRQ {service.Interrupt}");
        return 0;
    }

    protected override void Remove(PciePortService service)
    {
        PciDevice port = service.Port;
        uint command = port.ReadDword(port.AerCapability + RootCommand);
        port.WriteDword(port.AerCapability + RootCommand, command & ~AllMessages);
    }
}
