using Emulator.Boards;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.KernelShim.Tests;

/// <summary>The drivers in their places of a boot, with the driver core.</summary>
public sealed class ArmSmmuBootTests
{
    private static readonly ServiceProvider Services = new ServiceCollection().AddEmulator().BuildServiceProvider();

    [Fact]
    public void The_platform_DMAC_gets_the_first_group_and_those_of_amba_the_next()
    {
        Kernel kernel = Boot();

        kernel
            .Iommus.Groups.Select(group => $"{group.Key} {group.Value.Devices.Single().Name}")
            .Should()
            .Equal("0 2c0a0000.dma", "1 2c0a1000.dma", "2 2c0a2000.dma", "3 2c0a3000.dma");
        BusType platform = kernel.Drivers.Buses["platform"];
        platform.FindDevice("2c0b0000.smmu")!.Driver!.Name.Should().Be("arm-smmu");
        platform.FindDevice("2c0a0000.dma")!.Interrupts.Should().Equal(Enumerable.Range(96, 8));
        kernel
            .Files.Walk(kernel.Init, "/sys/bus/platform/devices/2c0a0000.dma/iommu_group/devices/2c0a0000.dma")
            .Inode.Should()
            .BeSameAs(platform.FindDevice("2c0a0000.dma")!.Directory);
    }

    [Fact]
    public void A_tree_that_breaks_the_rules_leaves_the_SMMU_unused()
    {
        Kernel kernel = Boot(tree => tree.FindByPath("/smmu@2c0b0000")!.SetCells("mmu-masters", 0x7777_7777, 1));

        kernel.Iommus.Groups.Should().BeEmpty();
        kernel
            .Log.Lines.Should()
            .Contain(line => line.Text.StartsWith("arm-smmu 2c0b0000.smmu: ", StringComparison.Ordinal));
    }

    private static Kernel Boot(Action<DeviceTree>? edit = null)
    {
        Board board = Services.GetRequiredService<IBoardLibrary>().Create("fvp-ve", options: null, new Simulation());
        DeviceTree tree = HardwareFacts.KernelTree(board.HardwareTree);
        edit?.Invoke(tree);
        var kernel = new Kernel(board, KernelProfiles.VosysV6, tree);
        kernel.InitCalls.Add(new InitCall("init_IRQ", InitLevel.Interrupts, started => IrqSubsystem.Start(started)));
        kernel.InitCalls.Add(new InitCall("iommu_init", InitLevel.Core, started => IommuCore.Start(started)));
        kernel.InitCalls.Add(
            new InitCall("arm_smmu_init", InitLevel.Subsystem, started => ArmSmmuDriver.Start(started))
        );
        kernel.Boot();
        return kernel;
    }
}
