using Emulator.Machine.DeviceTrees;

namespace Emulator.Machine;

/// <summary>
/// Hardware and what the kernel is told are two things. Facts of the hardware alone (wiring, identification values, LEDs)
/// are properties and nodes whose names begin with <c>emulator,</c>; the kernel gets the tree without them.
/// </summary>
public static class HardwareFacts
{
    /// <summary>What the names of hardware facts begin with.</summary>
    public const string Prefix = "emulator,";

    /// <summary>A copy of a tree without the facts of the hardware: what a boot loader hands to the kernel.</summary>
    public static DeviceTree KernelTree(DeviceTree hardware)
    {
        ArgumentNullException.ThrowIfNull(hardware);
        DeviceTree tree = hardware.DeepClone();
        foreach (DeviceTreeNode node in tree.Nodes.ToArray())
        {
            if (IsFact(node.Name))
            {
                node.Remove();
                continue;
            }

            foreach (DeviceTreeProperty property in node.Properties.ToArray())
            {
                if (IsFact(property.Name))
                {
                    node.RemoveProperty(property.Name);
                }
            }
        }

        return tree;
    }

    internal static bool IsFact(string name) => name.StartsWith(Prefix, StringComparison.Ordinal);
}
