using Emulator.Machine;
using Emulator.Machine.DeviceTrees;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.Boards.Tests;

/// <summary>A device tree is a user's input: a number that no part can have is an error with a name, never a crash.</summary>
public sealed class HostileTreeTests
{
    [Theory]
    [InlineData("memory@0 { device_type = \"memory\"; reg = <0x0 0x0 0x800000 0x0>; };")]
    [InlineData("memory@0 { device_type = \"memory\"; reg = <0x0 0x0 0x0 0x0>; };")]
    [InlineData("d@0 { compatible = \"arm,pl330\"; reg = <0x0 0x0 0x0 0x1000>; emulator,clock-hz = <0>; };")]
    [InlineData("d@0 { compatible = \"arm,pl330\"; reg = <0x0 0x0 0x0 0x1000>; emulator,channels = <99>; };")]
    [InlineData("d@0 { compatible = \"arm,pl011\"; reg = <0x0 0x0 0x0 0x1000>; emulator,clock-hz = <0>; };")]
    [InlineData("d@0 { compatible = \"arm,sp804\"; reg = <0x0 0x0 0x0 0x1000>; emulator,clock-hz = <0>; };")]
    [InlineData("d@0 { compatible = \"arm,sp805\"; reg = <0x0 0x0 0x0 0x1000>; emulator,clock-hz = <0>; };")]
    [InlineData(
        "d@0 { compatible = \"arm,mmu-400\"; reg = <0x0 0x0 0x0 0x1000>; emulator,tlb-entries = <0xffffffff>; };"
    )]
    [InlineData(
        "d@0 { compatible = \"arm,gic-400\"; reg = <0 0 0 0x1000>, <0 0x1000 0 0x1000>; emulator,spi-count = <7>; };"
    )]
    [InlineData("d@0 { compatible = \"mtd-ram\"; reg = <0x0 0x0 0xffffffff 0xffffffff>; };")]
    [InlineData("d@0 { compatible = \"arm,pl031\"; };")]
    public void A_tree_that_no_board_can_have_is_refused(string node)
    {
        using ServiceProvider services = new ServiceCollection().AddEmulator().BuildServiceProvider();
        DeviceTree tree = DtsReader.Parse(
            $"/dts-v1/; / {{ #address-cells = <2>; #size-cells = <2>; {node} }};",
            "own.dts"
        );

        Action create = () => services.GetRequiredService<IBoardLibrary>().Create("own", tree, new Simulation());

        create.Should().Throw<BoardException>();
    }
}
