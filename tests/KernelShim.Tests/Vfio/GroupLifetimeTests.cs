using Emulator.Machine;

namespace Emulator.KernelShim.Tests;

/// <summary>Groups, nodes and unbinding when programs do not keep to the usual order.</summary>
public sealed class VfioGroupLifetimeTests
{
    [Fact]
    public void A_full_table_of_descriptors_leaves_the_group_closed()
    {
        var bench = new VfioBench();
        bench.Bind("a.dma");
        while (bench.User.Open("/dev/null") >= 0) { }

        bench.OpenGroup().Should().Be(-(long)Errno.EMFILE);

        bench.User.Close(3);
        bench.OpenGroup().Should().Be(3, "the group is not held by a file that nobody has");
    }

    [Fact]
    public void Before_groups_had_owners_an_open_group_outlives_its_last_device()
    {
        var bench = new VfioBench();
        bench.Bind("a.dma");
        string node = $"/dev/vfio/{bench.Group()}";
        long container = bench.OpenContainer();
        long group = bench.OpenGroup();
        bench.SetContainer(group, container).Should().Be(0);
        bench.SetIommu(container).Should().Be(0);

        bench.Unbind("a.dma").Should().BePositive();

        bench.Ioctl(group, VfioIoctl.GroupGetStatus, 8, 0).Should().Be(0);
        bench.Word(4).Should().Be(3, "viable and in its container");
        bench.Bind("a.dma").Should().BePositive();
        bench.OpenGroup().Should().Be(-(long)Errno.EBUSY, "it is the same group");
        bench.GetDevice(group).Should().BePositive();
        bench.User.Process.Exit(0);
        bench.Iommu.Domains.Should().BeEmpty();
        bench.Unbind("a.dma").Should().BePositive();
        bench.Root.Open(node).Should().Be(-(long)Errno.ENOENT);
    }

    [Fact]
    public void Since_groups_have_owners_an_open_group_loses_its_container_with_its_last_device()
    {
        var bench = new VfioBench(VfioBench.Modern);
        bench.Bind("a.dma");
        long container = bench.OpenContainer();
        long group = bench.OpenGroup();
        bench.SetContainer(group, container).Should().Be(0);
        bench.SetIommu(container).Should().Be(0);

        bench.Unbind("a.dma").Should().BePositive();

        bench.Iommu.Domains.Should().BeEmpty();
        bench.Ioctl(group, VfioIoctl.GroupGetStatus, 8, 0).Should().Be(-(long)Errno.ENODEV);
        bench.SetContainer(group, container).Should().Be(-(long)Errno.ENODEV);
        bench.Bind("a.dma").Should().BePositive();
        long again = bench.OpenGroup();
        again.Should().BePositive();
        bench.SetContainer(again, container).Should().Be(0);
        bench.User.Process.Exit(0);
        bench.OpenCountOf("a.dma").Should().Be(0);
    }

    [Fact]
    public void An_unbind_whose_writer_is_killed_ends_when_the_device_is_closed()
    {
        var bench = new VfioBench();
        (_, _, long device) = bench.Connect();
        var writer = new TestProcess(bench.Kernel);
        long file = writer.Open("/sys/bus/platform/drivers/vfio-platform/unbind", OpenFlags.WriteOnly);
        ulong name = writer.Put("a.dma");
        bool isKilled = false;
        writer.Process.Run(async () =>
        {
            await writer.Process.Thread.Do(reason =>
                (isKilled = reason == WakeReason.Signal) ? 0 : writer.Calls.Write(writer.Process, (int)file, name, 5)
            );
            return 9;
        });
        bench.Kernel.Simulation.RunFor(VirtualTime.Millisecond);
        bench.Find("a.dma").IsLeavingDriver.Should().BeTrue();

        writer.Process.Thread.Signal();
        bench.Kernel.Simulation.RunFor(VirtualTime.Millisecond);
        isKilled.Should().BeTrue();
        bench.User.Close(device).Should().Be(0);

        bench.Find("a.dma").Driver.Should().BeNull();
        bench.Find("a.dma").IsLeavingDriver.Should().BeFalse();
        bench.User.Process.Exit(0);
        bench.Bind("a.dma").Should().BePositive();
        bench.Find("a.dma").Driver!.Name.Should().Be("vfio-platform");
    }

    [Fact]
    public void Files_of_VFIO_have_positions_that_nobody_can_move()
    {
        var bench = new VfioBench();
        (long container, long group, long device) = bench.Connect();

        foreach (long file in new[] { container, group, device })
        {
            bench
                .User.Do(_ => bench.User.Calls.LSeek(bench.User.Process, (int)file, 4, 0))
                .Should()
                .Be(-(long)Errno.ESPIPE);
        }

        bench.User.Read(device, 4).Result.Should().Be(4);
        bench.User.Process.FindFile((int)device)!.Position.Should().Be(4);
    }

    [Fact]
    public void A_device_that_is_only_mapped_when_its_program_ends_is_given_up()
    {
        var bench = new VfioBench();
        (_, _, long device) = bench.Connect();
        bench
            .User.Do(_ =>
                bench.User.Calls.Mmap(bench.User.Process, 0, 4096, Protection.Read, MapFlags.Shared, (int)device, 0)
            )
            .Should()
            .BePositive();
        bench.User.Close(device);
        bench.OpenCountOf("a.dma").Should().Be(1, "the mapping holds it");

        bench.User.Process.Exit(0);

        bench.OpenCountOf("a.dma").Should().Be(0);
        bench.Iommu.Domains.Should().BeEmpty();
    }

    [Fact]
    public void A_name_that_a_program_put_in_the_way_costs_the_group_its_node_and_nothing_else()
    {
        var bench = new VfioBench();
        string path = $"/dev/vfio/{bench.Group()}";
        bench.Root.Close(bench.Root.Open(path, OpenFlags.Create));

        bench.Bind("a.dma").Should().BePositive();

        bench.Find("a.dma").Driver.Should().NotBeNull();
        bench.Ioctl(bench.Root.Open(path), VfioIoctl.GroupGetStatus, 8, 0).Should().BeNegative();
        bench.Unbind("a.dma").Should().BePositive();
        bench.Root.Open(path).Should().BePositive("the program's file is not the kernel's to remove");
    }

    [Fact]
    public void A_group_behind_another_IOMMU_of_the_same_driver_gets_a_domain_of_its_own()
    {
        var bench = new VfioBench();
        bench.Bind("b.dma");
        (long container, _, _) = bench.Connect();
        bench.Iommu.Domains[0].RefusesMore = true;

        bench.SetContainer(bench.OpenGroup("b.dma"), container).Should().Be(0);

        bench.Iommu.Domains.Should().HaveCount(2);
        bench.User.Process.Exit(0);
        bench.Iommu.Domains.Should().BeEmpty();
    }
}
