using System.Globalization;
using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim;

/// <summary>Makes devices of the device tree's nodes (drivers/of/platform.c).</summary>
public static class PlatformPopulation
{
    private const string PrimeCell = "arm,primecell";

    /// <summary>Nodes whose children are devices as well (of_default_bus_match_table).</summary>
    private static readonly string[] Buses = ["simple-bus", "simple-mfd", "isa", "arm,amba-bus"];

    /// <summary>Adds the devices of the kernel's tree (of_platform_populate).</summary>
    public static void Populate(Kernel kernel)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        foreach (DeviceTreeNode node in kernel.Tree.Root.Children)
        {
            Create(kernel, node, null);
        }
    }

    /// <summary>
    /// The name of a node's device (of_device_make_bus_id): the address and the node's name; without an address the node's
    /// names down from the nearest bus that has one.
    /// </summary>
    public static string NameOf(DeviceTreeNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        string? name = null;
        for (DeviceTreeNode at = node; at.Parent is not null; at = at.Parent)
        {
            string tail = name is null ? "" : ":" + name;
            if (FirstAddress(at) is { } address)
            {
                return string.Create(CultureInfo.InvariantCulture, $"{address:x}.{at.BaseName}{tail}");
            }

            name = at.Name + tail;
        }

        return name ?? "";
    }

    private static void Create(Kernel kernel, DeviceTreeNode node, Device? parent)
    {
        Device device;
        try
        {
            if (node.Compatible.Count == 0 || !node.IsEnabled)
            {
                return;
            }

            bool isPrimeCell = node.IsCompatible(PrimeCell);
            device = new Device
            {
                Name = NameOf(node),
                Bus = kernel.Drivers.Buses[isPrimeCell ? "amba" : "platform"],
                Parent = parent,
                Node = node,
                Resources = ResourcesOf(node),
                FindInterrupts = () => InterruptsOf(kernel, node),
            };
            if (!kernel.Profile.MapsInterruptsAtProbe)
            {
                _ = device.Interrupts;
            }

            if (isPrimeCell)
            {
                AddPrimeCell(kernel, device);
                return;
            }
        }
        catch (DeviceTreeException wrong)
        {
            // A tree that only the kernel was given may break rules that the board's own tree was checked for.
            Log(kernel, wrong.Message);
            return;
        }

        if (!TryAdd(kernel, device))
        {
            return;
        }

        if (Buses.Any(node.IsCompatible))
        {
            foreach (DeviceTreeNode child in node.Children)
            {
                Create(kernel, child, device);
            }
        }
    }

    private static void AddPrimeCell(Kernel kernel, Device device)
    {
        DeviceTreeNode node = device.Node!;
        if (device.Resources.Count == 0)
        {
            Log(kernel, $"amba: of_address_to_resource() failed ({-(int)Errno.EINVAL}) for {node.Path}");
            return;
        }

        uint? id = node.FindProperty("arm,primecell-periphid") is { LengthBytes: 4 } given
            ? given.ReadUInt32()
            : AmbaBus.ReadPeripheralId(kernel.Board.Cpu, device.Resources[0]);
        if (id is null)
        {
            Log(kernel, $"amba_device_add() failed ({-(int)Errno.ENODEV}) for {node.Path}");
            return;
        }

        device.PeripheralId = id.Value;
        TryAdd(kernel, device);
    }

    /// <summary>Adds a device unless its name is taken, which a tree with two nodes for one address can bring about.</summary>
    private static bool TryAdd(Kernel kernel, Device device)
    {
        if (device.Bus!.FindDevice(device.Name) is not null)
        {
            Log(kernel, $"{device.Name}: device_add failed: a device of this name exists ({-(int)Errno.EEXIST})");
            return false;
        }

        kernel.Drivers.Add(device);
        return true;
    }

    private static ulong? FirstAddress(DeviceTreeNode node) =>
        node.ReadReg() is [var first, ..] ? node.TranslateAddress(first.Address) : null;

    private static List<DeviceResource> ResourcesOf(DeviceTreeNode node)
    {
        List<DeviceResource> resources = [];
        foreach (RegEntry entry in node.ReadReg())
        {
            if (entry.LengthBytes > 0 && node.TranslateAddress(entry.Address) is { } address)
            {
                resources.Add(new DeviceResource(address, entry.LengthBytes));
            }
        }

        return resources;
    }

    private static List<int> InterruptsOf(Kernel kernel, DeviceTreeNode node)
    {
        List<int> numbers = [];
        if (kernel.Interrupts is not { } interrupts)
        {
            return numbers;
        }

        foreach (InterruptSpecifier specifier in kernel.Tree.ReadInterrupts(node))
        {
            if (interrupts.Map(specifier) is { } number)
            {
                numbers.Add(number);
            }
        }

        return numbers;
    }

    private static void Log(Kernel kernel, string text) =>
        kernel.Log.Print(LogLevel.Error, kernel.Profile.DeviceTreeLogPrefix + text);
}
