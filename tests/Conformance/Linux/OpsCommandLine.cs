using System.Globalization;
using Emulator.Machine.DeviceTrees;

namespace Emulator.Conformance.Linux;

/// <summary>What QEMU's command line says of the machine, and what the recording's own device tree adds to it.</summary>
internal sealed class OpsCommandLine
{
    private const string ModulesKey = "oracle.mods=";

    private readonly List<string> _words;

    public OpsCommandLine(string text) => _words = Split(text);

    /// <summary>The kernel's command line.</summary>
    public string KernelArguments => After("-append") ?? "";

    /// <summary>The modules that the recorder loaded before the script.</summary>
    public IEnumerable<string> Modules =>
        KernelArguments
            .Split(' ')
            .FirstOrDefault(word => word.StartsWith(ModulesKey, StringComparison.Ordinal))
            ?[ModulesKey.Length..].Split(',')
        ?? [];

    /// <summary>The options of the board.</summary>
    public IReadOnlyDictionary<string, ulong> BoardOptions
    {
        get
        {
            var options = new SortedDictionary<string, ulong>(StringComparer.Ordinal)
            {
                ["smp"] = ulong.Parse(After("-smp") ?? "1", CultureInfo.InvariantCulture),
                ["m"] = ulong.Parse(After("-m") ?? "128", CultureInfo.InvariantCulture),
            };
            if (!(After("-machine") ?? "").Contains("iommu=", StringComparison.Ordinal) && After("-dtb") is null)
            {
                options["iommu"] = 0;
            }

            return options;
        }
    }

    /// <summary>
    /// The tree that vfio-platform was recorded with (headers of its scripts): stream IDs for some devices that do no DMA,
    /// and a device whose reset function the kernel knows.
    /// </summary>
    public void Extend(DeviceTree tree)
    {
        if (After("-dtb") is null)
        {
            return;
        }

        DeviceTreeNode smmu = tree.Nodes.First(node => node.IsCompatible("arm,mmu-500"));
        uint phandle = smmu.FindProperty("phandle")!.ReadUInt32();
        tree.GetByPath("/virtio_mmio@a000000").SetCells("iommus", phandle, 0x100);
        tree.GetByPath("/virtio_mmio@a000200").SetCells("iommus", phandle, 0x101);
        tree.GetByPath("/virtio_mmio@a000400").SetCells("iommus", phandle, 0x101);
        tree.GetByPath("/pl061@9030000").SetCells("iommus", phandle, 0x110);
        DeviceTreeNode xgmac = tree.Root.AddChild("xgmac@a003000");
        xgmac.SetStrings("compatible", "calxeda,hb-xgmac");
        xgmac.SetCells("reg", 0, 0xA00_3000, 0, 0x1000);
        xgmac.SetCells("interrupts", 0, 40, 1);
        xgmac.SetCells("iommus", phandle, 0x120);
    }

    private string? After(string option)
    {
        int index = _words.IndexOf(option);
        return index >= 0 && index + 1 < _words.Count ? _words[index + 1] : null;
    }

    /// <summary>Words as a shell splits them, single quotes respected.</summary>
    private static List<string> Split(string text)
    {
        List<string> words = [];
        string[] parts = text.Split('\'');
        for (int n = 0; n < parts.Length; n++)
        {
            if (n % 2 == 1)
            {
                words.Add(parts[n]);
            }
            else
            {
                words.AddRange(parts[n].Split(' ', StringSplitOptions.RemoveEmptyEntries));
            }
        }

        return words;
    }
}
