using System.Globalization;
using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim;

/// <summary>
/// pci-host-generic: a host bridge whose configuration space lies in a window of memory (drivers/pci/controller/pci-host-common.c,
/// pci-host-generic.c).
/// </summary>
internal sealed class PciHostGenericDriver(Kernel kernel) : Driver
{
    public override string Name => "pci-host-generic";

    public override string BusName => "platform";

    public override bool Matches(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return device.Compatible.Contains("pci-host-ecam-generic", StringComparer.Ordinal);
    }

    public override long Probe(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (device.Node is not { } node || device.Resources.Count == 0)
        {
            return -(long)Errno.EINVAL;
        }

        PciHost host = Create(device, node);
        PciCore core = kernel.Pci;
        if (kernel.BootsByAcpi)
        {
            AcpiFirmware.SetUp(host);
        }

        core.Register(host);
        LogWindows(host);
        core.Scan(host);
        var assignment = new PciAssignment(core);
        if (kernel.Profile.PciHostsWishForHotplug || kernel.BootsByAcpi)
        {
            assignment.AssignUnassigned(host.Root);
        }
        else
        {
            assignment.AssignDemanded(host.Root);
        }

        core.AddDevices(host.Root);
        return 0;
    }

    public override void Remove(Device device) { }

    private PciHost Create(Device device, DeviceTreeNode node)
    {
        uint[] range = node.FindProperty("bus-range")?.ReadCells() ?? [0, 255];
        int domain = node.FindProperty("linux,pci-domain") is { LengthBytes: 4 } number ? (int)number.ReadUInt32() : 0;
        var configuration = new EcamConfiguration(
            kernel.Board.Cpu,
            device.Resources[0].Start,
            (int)range[0],
            (int)range[1]
        );

        // With ACPI there is no platform device: the bridge lies at the top of the device tree of sysfs.
        var host = new PciHost(configuration, domain, kernel.BootsByAcpi ? null : device, (int)range[0], (int)range[1])
        {
            ReassignsBuses = !kernel.BootsByAcpi,
            Node = node,
        };
        AddWindows(host, node);
        if (!kernel.BootsByAcpi)
        {
            LogRanges(device, node, range);
        }

        return host;
    }

    /// <summary>devm_of_pci_get_host_bridge_resources.</summary>
    private static void AddWindows(PciHost host, DeviceTreeNode node)
    {
        foreach (RangeEntry entry in node.ReadRanges() ?? [])
        {
            bool isIo = entry.Child.Pci.Space == PciSpace.Io;
            ulong start = entry.Child.Value;
            host.Windows.Add(
                new PciResource
                {
                    Start = start,
                    End = start + entry.LengthBytes - 1,
                    Flags = isIo
                        ? ResourceFlags.Io
                        : ResourceFlags.Memory | (entry.Child.Pci.IsPrefetchable ? ResourceFlags.Prefetch : 0),
                }
            );
            if (isIo)
            {
                host.IoBase = entry.Parent.Value;
            }
        }
    }

    private void LogRanges(Device device, DeviceTreeNode node, uint[] buses)
    {
        Log(device, $"host bridge {node.Path} ranges:");
        foreach (RangeEntry entry in node.ReadRanges() ?? [])
        {
            string kind = entry.Child.Pci.Space == PciSpace.Io ? "IO" : "MEM";
            ulong start = entry.Parent.Value;
            Log(
                device,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"  {kind, 6} 0x{start:x10}..0x{start + entry.LengthBytes - 1:x10} -> 0x{entry.Child.Value:x10}"
                )
            );
        }

        bool isWide = (node.ReadRanges() ?? []).Any(entry =>
            entry.Child.Pci is { Space: not PciSpace.Io, IsPrefetchable: false } && entry.LengthBytes >> 32 != 0
        );
        if (isWide)
        {
            kernel.Log.Print(LogLevel.Warning, device.LogPrefix + "Memory resource size exceeds max for 32 bits");
        }

        DeviceResource window = device.Resources[0];
        Log(
            device,
            string.Create(
                CultureInfo.InvariantCulture,
                $"ECAM at [mem 0x{window.Start:x8}-0x{window.End:x8}] for [bus {buses[0]:x2}-{buses[1]:x2}]"
            )
        );
        Log(device, "PCI host bridge to bus " + PciBusName(node, buses));
    }

    private static string PciBusName(DeviceTreeNode node, uint[] buses)
    {
        uint domain = node.FindProperty("linux,pci-domain") is { LengthBytes: 4 } number ? number.ReadUInt32() : 0;
        return string.Create(CultureInfo.InvariantCulture, $"{domain:x4}:{buses[0]:x2}");
    }

    private void LogWindows(PciHost host)
    {
        kernel.Pci.Info(host.Root, "root bus resource " + host.Root.RangeText);
        foreach (PciResource window in host.Windows)
        {
            kernel.Pci.Info(host.Root, "root bus resource " + window.Text);
        }
    }

    private void Log(Device device, string text) => kernel.Log.Print(LogLevel.Info, device.LogPrefix + text);
}
