using System.Globalization;
using Emulator.Machine.DeviceTrees;

namespace Emulator.Boards;

/// <summary>What of a bus a device brings along.</summary>
internal enum QemuBus
{
    /// <summary>None: it is an endpoint.</summary>
    None,

    /// <summary>A link, on which only slot 0 is.</summary>
    Link,

    /// <summary>The inside of a switch, with 32 slots.</summary>
    Switch,

    /// <summary>A conventional bus with 32 slots.</summary>
    Conventional,

    /// <summary>A conventional bus whose slot 0 belongs to the hot-plug controller.</summary>
    HotPlug,
}

/// <summary>A device that QEMU's <c>-device</c> can name, as a node of hardware facts.</summary>
/// <param name="Name">QEMU's name; <c>emulator,NAME</c> is what the node is compatible with.</param>
/// <param name="Bus">The bus behind it.</param>
/// <param name="Properties">Its properties besides id, bus, addr and multifunction.</param>
internal sealed record QemuDeviceType(string Name, QemuBus Bus, IReadOnlyList<QemuProperty> Properties)
{
    /// <summary>The devices (QEMU 7.2, those of its command lines in tests and lessons).</summary>
    public static IReadOnlyList<QemuDeviceType> All { get; } =
    [
        new("pcie-root-port", QemuBus.Link, [Slot, Chassis, Port, DisableAcs]),
        new("ioh3420", QemuBus.Link, [Slot, Chassis, Port]),
        new("x3130-upstream", QemuBus.Switch, []),
        new("xio3130-downstream", QemuBus.Link, [Slot, Chassis, Port, OwnAcs]),
        new("pcie-pci-bridge", QemuBus.HotPlug, []),
        new("pci-bridge", QemuBus.HotPlug, [new("chassis_nr", QemuProperty.Number("emulator,chassis", 0xFF))]),
        new("i82801b11-bridge", QemuBus.Conventional, []),
        new("edu", QemuBus.None, [new("dma_mask", QemuProperty.Number64("emulator,dma-mask"))]),
        new("e1000e", QemuBus.None, [Mac]),
        new("e1000", QemuBus.None, [Mac]),
        new("nvme", QemuBus.None, NvmeProperties),
        new("virtio-rng-pci", QemuBus.None, []),
        new("pci-testdev", QemuBus.None, []),
    ];

    private static QemuProperty Slot => new("slot", QemuProperty.Number("emulator,slot", 0x1FFF));

    private static QemuProperty Chassis => new("chassis", QemuProperty.Number("emulator,chassis", 0xFF));

    private static QemuProperty Port => new("port", QemuProperty.Number("emulator,port", 0xFF));

    private static QemuProperty DisableAcs => new("disable-acs", QemuProperty.Switch("emulator,no-acs"));

    /// <summary>Ours, not QEMU's: no switch of QEMU has access control, and lessons need one.</summary>
    private static QemuProperty OwnAcs => new("x-acs", QemuProperty.Switch("emulator,acs"));

    private static QemuProperty Mac => new("mac", QemuProperty.Mac);

    private static IReadOnlyList<QemuProperty> NvmeProperties =>
        [
            new("serial", QemuProperty.Text("emulator,serial")),
            new("subsys", QemuProperty.Text("emulator,subsystem")),
            new("max_ioqpairs", QemuProperty.Number("emulator,io-queues", 0xFFFE)),
            new("msix_qsize", QemuProperty.Number("emulator,msix-vectors", 65)),
            new("sriov_max_vfs", QemuProperty.Number("emulator,virtual-functions", 127)),
            new("sriov_vq_flexible", QemuProperty.Number("emulator,flexible-queues", 0xFFFF)),
            new("sriov_vi_flexible", QemuProperty.Number("emulator,flexible-interrupts", 65)),
        ];
}

/// <summary>A property of a device, and what it makes of the node.</summary>
/// <param name="Name">QEMU's name.</param>
/// <param name="Apply">Sets a value on the node; what is wrong with it, or null.</param>
internal sealed record QemuProperty(string Name, Func<DeviceTreeNode, string, string?> Apply)
{
    public static Func<DeviceTreeNode, string, string?> Number(string property, ulong most) =>
        (node, text) =>
        {
            if (!QemuValue.TryNumber(text, out ulong value) || value > most)
            {
                return $"'{text}' is no number from 0 to {most}";
            }

            node.SetCells(property, (uint)value);
            return null;
        };

    public static Func<DeviceTreeNode, string, string?> Number64(string property) =>
        (node, text) =>
        {
            if (!QemuValue.TryNumber(text, out ulong value))
            {
                return $"'{text}' is no number";
            }

            node.SetCells(property, (uint)(value >> 32), (uint)value);
            return null;
        };

    public static Func<DeviceTreeNode, string, string?> Text(string property) =>
        (node, text) =>
        {
            node.SetStrings(property, text);
            return null;
        };

    public static Func<DeviceTreeNode, string, string?> Switch(string property) =>
        (node, text) =>
        {
            if (QemuValue.ReadSwitch(text) is not { } isOn)
            {
                return $"'{text}' is neither on nor off";
            }

            if (isOn)
            {
                node.SetCells(property);
            }

            return null;
        };

    public static string? Mac(DeviceTreeNode node, string text)
    {
        string[] parts = text.Split(':');
        ulong address = 0;
        foreach (string part in parts)
        {
            if (!byte.TryParse(part, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out byte value))
            {
                return $"'{text}' is no MAC address";
            }

            address = (address << 8) | value;
        }

        if (parts.Length != 6)
        {
            return $"'{text}' is no MAC address";
        }

        node.SetCells("emulator,mac", (uint)(address >> 32), (uint)address);
        return null;
    }
}
