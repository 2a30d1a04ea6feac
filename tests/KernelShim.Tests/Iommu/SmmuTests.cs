using Emulator.Boards;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.KernelShim.Tests;

/// <summary>
/// The arm-smmu driver of 6.x on an fvp-ve whose SMMU is an MMU-500, or its own MMU-400: domains are tables in RAM and registers, and
/// what they let through is seen by a DMA controller.
/// </summary>
public sealed class SmmuTests
{
    private const string Sysfs = "/sys/bus/platform/devices/";

    private static readonly ServiceProvider Services = new ServiceCollection().AddEmulator().BuildServiceProvider();

    private static readonly KernelProfile Profile = KernelProfiles.Linux612Oracle with
    {
        Modules = ["vfio_iommu_type1", "vfio_platform"],
        VfioPlatformResetRequired = false,
    };

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_program_copies_by_DMA_through_stage_one_tables_and_through_stage_two_ones(bool hasStageOne)
    {
        Kernel kernel = Boot(hasStageOne);
        var root = new TestProcess(kernel);
        Bind(root).Should().BePositive();

        DmaCopy.Run(new TestProcess(kernel)).Should().BeTrue("{0}", string.Join("\n", kernel.Log.Lines));

        kernel.Log.Lines.Should().NotContain(line => line.Text.Contains("fault", StringComparison.Ordinal));
    }

    [Fact]
    public void What_is_not_mapped_faults_and_the_line_says_where()
    {
        Kernel kernel = Boot(hasStageOne: true);
        Bind(new TestProcess(kernel));
        var user = new TestProcess(kernel);
        DmaCopy.Open(user, [0, 0x2000], out ulong memory, out ulong registers);
        user.Process.Memory.TryWrite(memory + 4096, DmaCopy.Program(0, 0x1000, 1));
        DmaCopy.Kill(user, registers);

        DmaCopy.Start(user, registers, 0x2000);
        kernel.Simulation.RunFor(VirtualTime.Millisecond);

        string[] lines = [.. kernel.Log.Lines.Select(line => line.Text)];
        lines
            .Should()
            .ContainMatch(
                "arm-smmu 2c0b0000.smmu: Unhandled context fault: fsr=0x402, iova=0x00001000, fsynr=*, cbfrsynra=0x0, cb=*"
            );
        lines.Should().ContainMatch("arm-smmu 2c0b0000.smmu: FSR    = 00000402 [Format=2 TF], SID=0x0");
        lines.Should().ContainMatch("arm-smmu 2c0b0000.smmu: FSYNR0 = *WNR PLVL=3]");
    }

    [Fact]
    public void Devices_with_one_stream_are_in_one_group_and_join_when_they_are_probed()
    {
        Kernel kernel = Boot(
            hasStageOne: true,
            tree =>
            {
                uint smmu = tree.FindCompatible("arm,mmu-500").First().FindProperty("phandle")!.ReadUInt32();
                tree.GetByPath("/dma@2c0a1000").SetCells("iommus", smmu, 0);
            }
        );
        var root = new TestProcess(kernel);
        root.Do(_ =>
                kernel.Calls.ReadLink(
                    root.Process,
                    root.Put($"{Sysfs}{DmaCopy.DeviceName}/iommu_group"),
                    root.Buffer + 4096,
                    64
                )
            )
            .Should()
            .Be(-(long)Errno.ENOENT);

        Bind(root).Should().BePositive();
        Bind(root, "2c0a1000.dma").Should().BePositive();

        root.ReadLink($"{Sysfs}2c0a1000.dma/iommu_group")
            .Should()
            .Be(root.ReadLink($"{Sysfs}{DmaCopy.DeviceName}/iommu_group"));
        kernel
            .Log.Lines.Select(line => line.Text)
            .Should()
            .Contain("vfio-platform 2c0a1000.dma: Adding to iommu group 0");
    }

    [Fact]
    public void A_group_shows_the_message_window_and_takes_another_type_while_it_is_idle()
    {
        Kernel kernel = Boot(hasStageOne: true);
        var root = new TestProcess(kernel);
        Bind(root);
        const string Group = "/sys/kernel/iommu_groups/0/";

        root.Cat(Group + "reserved_regions").Should().Be("0x0000000008000000 0x00000000080fffff msi\n");
        root.Cat(Group + "type").Should().Be("DMA\n");
        root.Echo("nonsense", Group + "type").Should().Be(-(long)Errno.EINVAL);
        root.Echo("identity", Group + "type").Should().BePositive();
        root.Cat(Group + "type").Should().Be("identity\n");
        DmaCopy.Run(new TestProcess(kernel)).Should().BeTrue("a program gets a domain of its own all the same");
        root.Echo("DMA", Group + "type").Should().Be(-(long)Errno.EPERM, "a program owns the group");
    }

    private static long Bind(TestProcess root, string device = DmaCopy.DeviceName)
    {
        root.Echo("1", "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts").Should().BePositive();
        root.Echo("vfio-platform", $"{Sysfs}{device}/driver_override").Should().BePositive();
        return root.Echo(device, "/sys/bus/platform/drivers/vfio-platform/bind");
    }

    private static Kernel Boot(bool hasStageOne, Action<DeviceTree>? edit = null)
    {
        IBoardLibrary library = Services.GetRequiredService<IBoardLibrary>();
        DeviceTree tree = library.Tree("fvp-ve");
        DeviceTreeNode smmu = tree.FindByLabel("smmu")!;
        uint phandle = 0x5000;
        smmu.SetCells("phandle", phandle);
        smmu.SetCells("#iommu-cells", 1);
        smmu.SetProperty("dma-coherent", []);
        smmu.SetStrings("compatible", hasStageOne ? "arm,mmu-500" : "arm,mmu-400");
        smmu.RemoveProperty("mmu-masters");
        smmu.SetCells("emulator,context-interrupts", 8);
        smmu.SetCells(
            "interrupts",
            [0, 58, 4, 0, 59, 4, .. Enumerable.Repeat(new uint[] { 0, 60, 4 }, 8).SelectMany(cells => cells)]
        );
        smmu.SetStrings("emulator,model", hasStageOne ? "arm,mmu-500" : "arm,mmu-400");
        for (uint number = 0; number < 4; number++)
        {
            DeviceTreeNode node = tree.GetByPath($"/dma@2c0a{number}000");
            node.SetStrings("compatible", "arm,pl330");
            node.SetCells("iommus", phandle, number, phandle, number + 8);
        }

        edit?.Invoke(tree);
        return BuiltInDrivers.Boot(library.Create("fvp-ve", tree, new Simulation()), Profile);
    }
}
