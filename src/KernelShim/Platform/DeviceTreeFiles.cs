using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim;

/// <summary>The device tree in sysfs and procfs (drivers/of/kobj.c).</summary>
internal static class DeviceTreeFiles
{
    private const string Base = "base";

    /// <summary>Adds /sys/firmware/devicetree/base, /sys/firmware/fdt and /proc/device-tree.</summary>
    public static void Add(Kernel kernel)
    {
        DirectoryInode firmware = kernel.Files.Sys.GetOrAddDirectory("firmware");
        firmware.AddBinary("fdt", AttributeMode.RootReadOnly, () => DtbWriter.Write(kernel.Tree));
        DirectoryInode root = firmware.GetOrAddDirectory("devicetree").AddDirectory(Base);
        Fill(root, kernel.Tree.Root);
        kernel.Files.Proc.AddLink("device-tree", root.Path);
    }

    /// <summary>/sys/firmware/devicetree/base, or null before it was added.</summary>
    public static DirectoryInode? Find(Kernel kernel) =>
        (kernel.Files.Sys.GetOrAddDirectory("firmware").Find("devicetree") as DirectoryInode)?.Find(Base)
        as DirectoryInode;

    private static void Fill(DirectoryInode directory, DeviceTreeNode node)
    {
        foreach (DeviceTreeProperty property in node.Properties)
        {
            byte[] value = property.Value.ToArray();
            directory.AddBinary(FreeName(directory, property.Name), AttributeMode.ReadOnly, () => value);
        }

        // Every node has a name, also when the blob leaves it out (unflatten_dt_node).
        if (!node.HasProperty("name"))
        {
            byte[] name = [.. System.Text.Encoding.UTF8.GetBytes(node.BaseName), 0];
            directory.AddBinary("name", AttributeMode.ReadOnly, () => name);
        }

        foreach (DeviceTreeNode child in node.Children)
        {
            Fill(directory.AddDirectory(FreeName(directory, child.Name)), child);
        }
    }

    /// <summary>A name that is free: a node that is called as a property of its parent gets <c>#1</c> (safe_name).</summary>
    private static string FreeName(DirectoryInode directory, string name)
    {
        string free = name;
        for (int number = 1; directory.Find(free) is not null; number++)
        {
            free = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{name}#{number}");
        }

        return free;
    }
}
