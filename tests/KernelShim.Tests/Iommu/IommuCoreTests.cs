using Emulator.Machine;

namespace Emulator.KernelShim.Tests;

/// <summary>Groups, their numbers, and what sysfs shows of them.</summary>
public sealed class IommuCoreTests
{
    private readonly FvpKernel _machine = new();

    [Fact]
    public void Each_master_has_a_group_of_its_own_with_the_lowest_free_number()
    {
        Device[] devices = [.. Enumerable.Range(0, 4).Select(_machine.AddDmac)];
        devices.Select(device => device.Group!.Id).Should().Equal(0, 1, 2, 3);

        _machine.Iommus.OnDeviceRemoved(devices[1]);
        _machine.Iommus.OnDeviceRemoved(devices[3]);
        _machine.Iommus.Groups.Keys.Should().Equal(0, 2);
        devices[1].Group.Should().BeNull();

        _machine.Iommus.OnDeviceAdded(devices[3]);
        devices[3].Group!.Id.Should().Be(1);
    }

    [Fact]
    public void Sysfs_links_the_group_and_its_device_to_each_other()
    {
        Device device = _machine.AddDmac(0);

        ((LinkInode)device.Directory!.Find("iommu_group")!).Target.Should().Be("../../kernel/iommu_groups/0");
        DirectoryInode group = device.Group!.Directory!;
        group.Path.Should().Be("/sys/kernel/iommu_groups/0");
        group.Children.Select(child => child.Name).Should().Equal("devices");
        var link = (LinkInode)((DirectoryInode)group.Find("devices")!).Find("2c0a0000.dma")!;
        link.Target.Should().Be("../../../../devices/2c0a0000.dma");
        Follow("/sys/kernel/iommu_groups/0/devices/2c0a0000.dma").Should().BeSameAs(device.Directory);
        Follow("/sys/devices/2c0a0000.dma/iommu_group").Should().BeSameAs(group);

        _machine.Iommus.OnDeviceRemoved(device);
        device.Directory.Find("iommu_group").Should().BeNull();
        Follow("/sys/kernel/iommu_groups").Should().BeOfType<DirectoryInode>().Which.Children.Should().BeEmpty();
    }

    [Fact]
    public void A_kernel_of_3_16_says_nothing_when_a_device_joins()
    {
        int before = _machine.Kernel.Log.Lines.Count;
        _machine.AddDmac(0);
        _machine.Kernel.Log.Lines.Should().HaveCount(before);
    }

    [Theory]
    [InlineData("{driver} {device}: Adding to iommu group {group}", "platform 2c0a0000.dma: Adding to iommu group 0")]
    [InlineData("iommu: Adding device {device} to group {group}", "iommu: Adding device 2c0a0000.dma to group 0")]
    public void Other_kernels_have_their_words_for_it(string words, string line)
    {
        var machine = new FvpKernel(KernelProfiles.VosysV6 with { GroupJoinText = words });
        machine.AddDmac(0);
        machine.Log.Last().Should().Be(line);
    }

    [Fact]
    public void Later_kernels_show_type_and_reserved_regions()
    {
        var machine = new FvpKernel(
            KernelProfiles.VosysV6 with
            {
                GroupsShowReservedRegions = true,
                GroupsShowType = true,
            }
        );
        DirectoryInode group = machine.AddDmac(0).Group!.Directory!;
        group.Children.Select(child => child.Name).Should().Equal("devices", "reserved_regions", "type");
    }

    [Fact]
    public void A_device_that_no_IOMMU_serves_has_no_group()
    {
        var device = new Device { Name = "1c170000.rtc", Node = _machine.Kernel.Tree.FindByLabel("rtc") };
        _machine.Iommus.OnDeviceAdded(device);
        device.Group.Should().BeNull();
        _machine.Iommus.OnDeviceRemoved(device);
    }

    private Inode? Follow(string path) => _machine.Kernel.Files.Walk(_machine.Kernel.Init, path).Inode;
}
