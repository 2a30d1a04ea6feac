using System.Globalization;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;

namespace Emulator.Boards;

/// <summary>
/// QEMU's virt machine with gic-version=3. Its options are QEMU's: <c>-smp</c>, <c>-m</c> (in MiB) and the machine properties
/// <c>its</c> and <c>iommu</c>. Phandles are numbered as QEMU numbers them, in the order in which it makes the nodes.
/// </summary>
internal sealed class Virt()
    : BoardDefinition(
        new BoardType(
            "virt",
            "QEMU's virt machine: GICv3 with ITS, PCIe, and an MMU-500 where QEMU has an SMMUv3",
            [
                new BoardOption(Smp, 2, "how many CPUs, 1 to 16"),
                new BoardOption(M, 1024, "MiB of RAM, 1 to 261120"),
                new BoardOption(Its, 1, "0 leaves out the ITS, and with it message-signalled interrupts"),
                new BoardOption(Iommu, 1, "0 leaves out the MMU-500"),
            ]
        )
    )
{
    private const string Smp = "smp";
    private const string M = "m";
    private const string Its = "its";
    private const string Iommu = "iommu";
    private const ulong MostCpus = 16;
    private const ulong MostMebibytes = 255 * 1024;
    private const uint FirstPhandle = 0x8000;

    protected override void Apply(DeviceTree tree, string option, ulong value)
    {
        switch (option)
        {
            case Smp:
                SetCpus(tree, (int)Between(Smp, value, MostCpus));
                break;
            case M:
                ulong bytes = Between(M, value, MostMebibytes) << 20;
                tree.GetByPath("/memory@40000000").SetCells("reg", 0, 0x4000_0000, (uint)(bytes >> 32), (uint)bytes);
                break;
            case Its:
                LeaveOut(tree, Its, value, "its", "msi-map");
                break;
            default:
                LeaveOut(tree, Iommu, value, "smmu", "iommu-map");
                break;
        }

        NumberPhandles(tree);
    }

    private static ulong Between(string option, ulong value, ulong most) =>
        value >= 1 && value <= most ? value : throw new BoardException($"option {option} is 1 to {most}, not {value}");

    private static void LeaveOut(DeviceTree tree, string option, ulong value, string label, string map)
    {
        if (value != 0)
        {
            throw new BoardException($"option {option} is 0 or 1, not {value}");
        }

        tree.FindByLabel(label)!.Remove();
        tree.FindByLabel("pcie")!.RemoveProperty(map);
    }

    /// <summary>CPU nodes and the map of their cores. A single CPU has no enable-method, because nothing will start it.</summary>
    private static void SetCpus(DeviceTree tree, int count)
    {
        DeviceTreeNode cpus = tree.GetByPath("/cpus");
        DeviceTreeNode cluster = tree.GetByPath("/cpus/cpu-map/socket0/cluster0");
        DeviceTreeNode model = tree.FindByLabel("cpu0")!.DeepClone();
        foreach (
            DeviceTreeNode old in cpus.Children.Where(node => node.BaseName is "cpu").Concat(cluster.Children).ToArray()
        )
        {
            old.Remove();
        }

        for (int n = 0; n < count; n++)
        {
            DeviceTreeNode cpu = cpus.AddChild(string.Create(CultureInfo.InvariantCulture, $"cpu@{n:x}"));
            foreach (DeviceTreeProperty property in model.Properties)
            {
                cpu.SetProperty(property.Name, property.Value);
            }

            cpu.AddLabel(string.Create(CultureInfo.InvariantCulture, $"cpu{n}"));
            cpu.SetCells("reg", (uint)n);
            cpu.SetCells("phandle", PhandleOfCpu(n, count));
            if (count == 1)
            {
                cpu.RemoveProperty("enable-method");
            }

            cluster
                .AddChild(string.Create(CultureInfo.InvariantCulture, $"core{n}"))
                .SetCells("cpu", PhandleOfCpu(n, count));
        }
    }

    /// <summary>QEMU makes the CPUs' nodes from the last to the first, after that of the clock.</summary>
    private static uint PhandleOfCpu(int cpu, int count) => FirstPhandle + (uint)(count - cpu);

    /// <summary>Gives the nodes after the CPUs the next phandles, and puts them wherever the source refers to the nodes.</summary>
    private static void NumberPhandles(DeviceTree tree)
    {
        uint next = FirstPhandle + 1 + (uint)tree.GetByPath("/cpus").Children.Count(node => node.BaseName is "cpu");
        var numbers = new Dictionary<string, uint>(StringComparer.Ordinal);
        foreach (string label in (ReadOnlySpan<string>)["gic", "its", "smmu", "gpio"])
        {
            if (tree.FindByLabel(label) is { } node)
            {
                node.SetCells("phandle", next);
                numbers[label] = next++;
            }
        }

        foreach (DeviceTreeProperty property in tree.Nodes.SelectMany(node => node.Properties))
        {
            property.Retarget(numbers);
        }
    }
}
