using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim;

/// <summary>Nodes of the device tree that describe PCI functions (pci_set_of_node of drivers/pci/of.c).</summary>
internal static class PciNodes
{
    /// <summary>The node of a function below its bridge's node, by the first cell of <c>reg</c>; null mostly.</summary>
    public static DeviceTreeNode? Find(PciBus bus, int devfn)
    {
        DeviceTreeNode? above = bus.IsRoot ? bus.Host.Device?.Node : bus.Bridge?.Node;
        foreach (DeviceTreeNode child in above?.Children ?? [])
        {
            if (child.FindProperty("reg") is { LengthBytes: >= 4 } reg && ((reg.Value[2] & 0xFF) == devfn))
            {
                return child;
            }
        }

        return null;
    }
}
