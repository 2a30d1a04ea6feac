using Emulator.Boards;
using Emulator.Machine.DeviceTrees;

namespace Emulator.Conformance.Linux;

/// <summary>What QEMU's command line says of the machine, and what the recording's own device tree adds to it.</summary>
internal sealed class OpsCommandLine(string text)
{
    private const string ModulesKey = "oracle.mods=";

    private readonly QemuCommandLine _line = QemuCommandLine.Parse(text);

    /// <summary>The kernel's command line.</summary>
    public string KernelArguments => _line.KernelArguments;

    /// <summary>Whether firmware described the machine by ACPI.</summary>
    public bool ByAcpi => _line.HasFirmware;

    /// <summary>The modules that the recorder loaded before the script.</summary>
    public IEnumerable<string> Modules =>
        KernelArguments
            .Split(' ')
            .FirstOrDefault(word => word.StartsWith(ModulesKey, StringComparison.Ordinal))
            ?[ModulesKey.Length..].Split(',')
        ?? [];

    /// <summary>The options of the board.</summary>
    public IReadOnlyDictionary<string, ulong> BoardOptions =>
        new SortedDictionary<string, ulong>(StringComparer.Ordinal)
        {
            ["smp"] = (ulong)_line.Cpus,
            ["m"] = _line.MemoryMiB,
            ["iommu"] = _line.MachineProperties.GetValueOrDefault("iommu", "none") is "smmuv3" ? 1UL : 0,
        };

    /// <summary>
    /// Plugs the cards in, and makes the tree that vfio-platform was recorded with (headers of its scripts): stream IDs for some
    /// devices that do no DMA, and a device whose reset function the kernel knows.
    /// </summary>
    public void Extend(DeviceTree tree)
    {
        if (_line.Devices.Count > 0)
        {
            QemuDevices.Plug(tree, _line.Devices);
        }

        if (_line.DeviceTree is null)
        {
            return;
        }

        DeviceTreeNode smmu = tree.Nodes.First(node => node.IsCompatible("arm,mmu-500"));
        uint phandle = smmu.FindProperty("phandle")!.ReadUInt32();
        tree.GetByPath("/virtio_mmio@a000000").SetCells("iommus", phandle, 0x100);
        tree.GetByPath("/virtio_mmio@a000200").SetCells("iommus", phandle, 0x101);
        tree.GetByPath("/virtio_mmio@a000400").SetCells("iommus", phandle, 0x101);
        tree.GetByPath("/pl061@9030000").SetCells("iommus", phandle, 0x110);
    }

    /// <summary>What the recording's tree tells the kernel besides: a device in the place of some of the transports.</summary>
    public void ExtendTold(DeviceTree tree)
    {
        if (_line.DeviceTree is null)
        {
            return;
        }

        uint phandle = tree.Nodes.First(node => node.IsCompatible("arm,mmu-500")).FindProperty("phandle")!.ReadUInt32();
        DeviceTreeNode xgmac = tree.Root.AddChild("xgmac@a003000");
        xgmac.SetStrings("compatible", "calxeda,hb-xgmac");
        xgmac.SetCells("reg", 0, 0xA00_3000, 0, 0x1000);
        xgmac.SetCells("interrupts", 0, 40, 1);
        xgmac.SetCells("iommus", phandle, 0x120);
    }
}
