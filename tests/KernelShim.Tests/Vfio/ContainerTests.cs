namespace Emulator.KernelShim.Tests;

/// <summary>Containers, groups, and the order of calls (facts 3.1, 3.4, 3.5).</summary>
public sealed class VfioContainerTests
{
    private readonly VfioBench _bench = new();

    [Fact]
    public void The_node_of_a_group_appears_with_its_first_bound_device_and_goes_with_the_last()
    {
        string node = $"/dev/vfio/{_bench.Group()}";
        _bench.OpenGroup().Should().Be(-(long)Errno.ENOENT);
        _bench.Bind("a.dma").Should().BePositive();

        DeviceInode inode = (DeviceInode)_bench.Kernel.Files.Walk(_bench.Kernel.Init, node).Inode!;
        inode.Permissions.Should().Be(0x180);
        _bench.Root.Cat($"/sys/class/vfio/{_bench.Group()}/dev").Should().Be($"{inode.Major}:{inode.Minor}\n");
        _bench.Unbind("a.dma").Should().BePositive();
        _bench.OpenGroup().Should().Be(-(long)Errno.ENOENT);
        _bench.Root.Cat($"/sys/class/vfio/{_bench.Group()}/dev").Should().Be("<ENOENT>");
    }

    [Fact]
    public void The_container_node_is_open_to_everybody_and_always_fresh()
    {
        _bench.User.Process.Capabilities = Capabilities.None;
        _bench.User.Process.UserId = 1000;
        long first = _bench.OpenContainer();
        long second = _bench.OpenContainer();

        first.Should().Be(0);
        second.Should().BeGreaterThan(first);
        _bench.Ioctl(second, VfioIoctl.GetApiVersion).Should().Be(0);
        _bench.Root.Cat("/sys/class/misc/vfio/dev").Should().Be("10:196\n");
        _bench.Bind("a.dma");
        _bench.OpenGroup().Should().Be(-(long)Errno.EACCES);
    }

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(2, 0, 0)]
    [InlineData(3, 1, 1)]
    [InlineData(4, 0, 0)]
    [InlineData(6, 0, 1)]
    [InlineData(8, 0, 0)]
    [InlineData(9, 0, 1)]
    [InlineData(10, 0, 0)]
    [InlineData(99, 0, 0)]
    public void Extensions_are_those_of_type1(ulong extension, long old, long modern)
    {
        var recent = new VfioBench(VfioBench.Modern);
        _bench.Ioctl(_bench.OpenContainer(), VfioIoctl.CheckExtension, extension).Should().Be(old);
        recent.Ioctl(recent.OpenContainer(), VfioIoctl.CheckExtension, extension).Should().Be(modern);
    }

    [Fact]
    public void Calls_in_the_wrong_order_are_refused()
    {
        _bench.Bind("a.dma");
        long container = _bench.OpenContainer();
        long group = _bench.OpenGroup();

        Refused(_bench.OpenGroup(), Errno.EBUSY, "vfio_group_fops_open");
        Refused(_bench.Map(container, 0, 0, 4096), Errno.EINVAL, "vfio_fops_unl_ioctl");
        Refused(_bench.SetIommu(container), Errno.EINVAL, "vfio_ioctl_set_iommu");
        Refused(_bench.GetDevice(group), Errno.EINVAL, "vfio_group_get_device_fd");
        Refused(_bench.Ioctl(group, VfioIoctl.GroupUnsetContainer), Errno.EINVAL, "vfio_group_ioctl_unset_container");
        Refused(_bench.Ioctl(group, VfioIoctl.GroupSetContainer, 8UL), Errno.EFAULT, "vfio_group_ioctl_set_container");
        Refused(_bench.SetContainer(group, 77), Errno.EBADF, "vfio_group_ioctl_set_container");
        Refused(_bench.SetContainer(group, group), Errno.EINVAL, "vfio_group_ioctl_set_container");
        Refused(_bench.Ioctl(group, 0x1234), Errno.ENOTTY, "vfio_group_fops_unl_ioctl");
        _bench.SetContainer(group, container).Should().Be(0);
        Refused(_bench.SetContainer(group, container), Errno.EINVAL, "vfio_group_ioctl_set_container");
        Refused(_bench.GetDevice(group), Errno.EINVAL, "vfio_group_get_device_fd");
        Refused(_bench.SetIommu(container, 2), Errno.ENODEV, "vfio_ioctl_set_iommu");
        _bench.SetIommu(container).Should().Be(0);
        Refused(_bench.SetIommu(container), Errno.EINVAL, "vfio_ioctl_set_iommu");
        Refused(_bench.Ioctl(container, 0x1234), Errno.ENOTTY, "vfio_iommu_type1_ioctl");
        Refused(_bench.GetDevice(group, "b.dma"), Errno.ENODEV, "vfio_device_get_from_name");
        Refused(_bench.Ioctl(group, VfioIoctl.GroupGetDeviceFd, 8UL), Errno.EFAULT, "strncpy_from_user");
        long device = _bench.GetDevice(group);
        _bench.User.Process.Descriptors[(int)device].CloseOnExec.Should().BeTrue();
        Refused(_bench.Ioctl(group, VfioIoctl.GroupUnsetContainer), Errno.EBUSY, "vfio_group_ioctl_unset_container");
        _bench.User.Close(device);
        _bench.Ioctl(group, VfioIoctl.GroupUnsetContainer).Should().Be(0);
        _bench.Iommu.Domains.Should().BeEmpty();
    }

    [Fact]
    public void Recent_kernels_look_at_the_name_first_and_call_a_wrong_file_EBADFD()
    {
        var bench = new VfioBench(VfioBench.Modern);
        bench.Bind("a.dma").Should().BePositive();
        long group = bench.OpenGroup();

        bench.GetDevice(group, "nothing").Should().Be(-(long)Errno.ENODEV);
        bench.GetDevice(group).Should().Be(-(long)Errno.EINVAL);
        bench.SetContainer(group, group).Should().Be(-(long)Errno.EBADFD);
        bench.SetContainer(group, -1).Should().Be(-(long)Errno.EBADF);
    }

    [Fact]
    public void A_name_without_end_is_EINVAL()
    {
        (_, long group, _) = _bench.Connect();
        _bench.User.Poke([.. Enumerable.Repeat((byte)'x', 8192)]);

        _bench.Ioctl(group, VfioIoctl.GroupGetDeviceFd, _bench.User.Buffer).Should().Be(-(long)Errno.EINVAL);
    }

    [Fact]
    public void The_status_of_a_group_tells_viability_and_container()
    {
        _bench.Bind("a.dma");
        long container = _bench.OpenContainer();
        long group = _bench.OpenGroup();

        Refused(_bench.Ioctl(group, VfioIoctl.GroupGetStatus, 7, 0), Errno.EINVAL, "vfio_group_ioctl_get_status");
        Refused(_bench.Ioctl(group, VfioIoctl.GroupGetStatus, 8UL), Errno.EFAULT, "vfio_group_ioctl_get_status");
        Status(_bench, group).Should().Be(1);
        _bench.SetContainer(group, container);
        Status(_bench, group).Should().Be(3);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_member_with_an_ordinary_driver_makes_a_group_unviable(bool hasOwners)
    {
        var bench = new VfioBench(VfioBench.Modern with { GroupsHaveOwners = hasOwners });
        bench.Bind("a.dma");
        Device neighbour = bench.Find("b.dma");
        bench.Find("a.dma").Group!.Devices.Add(neighbour);
        neighbour.Driver = new ScriptedDriver("ordinary", null, []);
        long container = bench.OpenContainer();
        long group = bench.OpenGroup();

        Status(bench, group).Should().Be(0);
        bench.SetContainer(group, container).Should().Be(hasOwners ? -(long)Errno.EPERM : 0);
        if (!hasOwners)
        {
            bench.SetIommu(container).Should().Be(0);
            Status(bench, group).Should().Be(2);
            bench.GetDevice(group).Should().Be(-(long)Errno.EINVAL);
            neighbour.Driver = null;
            bench.GetDevice(group).Should().BePositive();
        }
    }

    [Fact]
    public void An_ordinary_driver_gets_no_member_of_an_owned_group()
    {
        var bench = new VfioBench(VfioBench.Modern);
        bench.Connect();
        Device neighbour = bench.Find("b.dma");
        neighbour.Group = bench.Find("a.dma").Group;
        neighbour.DriverOverride = "ordinary";
        bench.Kernel.Drivers.Register(new ScriptedDriver("ordinary", null, []));

        bench.Bind("b.dma").Should().Be(-(long)Errno.EINVAL);
        bench.Root.Echo("b.dma", "/sys/bus/platform/drivers/ordinary/bind").Should().Be(-(long)Errno.EBUSY);
        neighbour.Driver.Should().BeNull();
    }

    public static TheoryData<string> CloseOrders => ["cgd", "cdg", "gcd", "gdc", "dcg", "dgc"];

    [Theory]
    [MemberData(nameof(CloseOrders))]
    public void Files_may_be_closed_in_any_order_and_the_last_undoes_everything(string order)
    {
        (long container, long group, long device) = _bench.Connect();
        ulong memory = (ulong)_bench.User.Mmap(8192);
        _bench.Map(container, memory, 0, 8192).Should().Be(0);
        _bench.SetIrqs(device, 0x24, 0, 0, 1, _bench.EventFd()).Should().Be(0);
        string open = "cgd";
        foreach (char file in order)
        {
            _bench
                .User.Close(
                    file == 'c' ? container
                    : file == 'g' ? group
                    : device
                )
                .Should()
                .Be(0);
            open = open.Replace(file.ToString(), "", StringComparison.Ordinal);
            bool isHeld = open.IndexOfAny(['g', 'd']) >= 0;
            _bench.Iommu.Domains.Count.Should().Be(isHeld ? 1 : 0, $"after {file} of {order}");
            _bench.User.Process.Memory.LockedPages.Should().Be(isHeld ? 2 : 0);
            _bench
                .Interrupts.Descriptors[0]
                .Actions.Count.Should()
                .Be(open.Contains('d', StringComparison.Ordinal) ? 1 : 0);
            if (isHeld)
            {
                _bench.OpenGroup().Should().Be(-(long)Errno.EBUSY);
            }
        }

        long again = _bench.OpenGroup();
        again.Should().BeGreaterThanOrEqualTo(0);
        Status(_bench, again).Should().Be(1);
    }

    [Fact]
    public void The_container_forgets_its_type_with_the_last_group()
    {
        (long container, long group, long device) = _bench.Connect();
        _bench.User.Close(device);
        _bench.User.Close(group);

        _bench.SetIommu(container).Should().Be(-(long)Errno.EINVAL);
        group = _bench.OpenGroup();
        _bench.SetContainer(group, container).Should().Be(0);
        _bench.Map(container, 0, 0, 4096).Should().Be(-(long)Errno.EINVAL);
        _bench.SetIommu(container, 3).Should().Be(0);
    }

    [Fact]
    public void A_group_that_joins_late_gets_the_mappings_that_are_there()
    {
        (long container, _, _) = _bench.Connect();
        ulong memory = (ulong)_bench.User.Mmap(4096);
        _bench.Map(container, memory, 0x7000, 4096).Should().Be(0);
        _bench.Bind("b.dma");
        _bench.Bind("c.other");
        _bench.SetContainer(_bench.OpenGroup("b.dma"), container).Should().Be(0);
        long other = _bench.OpenGroup("c.other");
        _bench.SetContainer(other, container).Should().Be(0);

        _bench.Iommu.Domains.Should().ContainSingle().Which.Devices.Should().HaveCount(2);
        TestDomain domain = _bench.OtherIommu.Domains.Should().ContainSingle().Subject;
        domain.Pages.Should().Equal(_bench.Iommu.Domains[0].Pages);
        _bench.User.Close(other);
        _bench.OtherIommu.Domains.Should().BeEmpty();
        _bench.Iommu.Domains[0].Pages.Should().HaveCount(1);
    }

    [Fact]
    public void What_the_IOMMU_refuses_SET_IOMMU_returns_and_nothing_stays()
    {
        _bench.Bind("a.dma");
        _bench.Bind("b.dma");
        long container = _bench.OpenContainer();
        _bench.SetContainer(_bench.OpenGroup(), container);
        _bench.SetContainer(_bench.OpenGroup("b.dma"), container);
        _bench.Iommu.AttachResult = -(long)Errno.ENXIO;
        _bench.SetIommu(container).Should().Be(-(long)Errno.ENXIO);
        _bench.Iommu.AttachResult = 0;
        _bench.Iommu.Room = 0;
        _bench.SetIommu(container).Should().Be(-(long)Errno.EIO);
        _bench.Iommu.Room = 1;
        _bench.SetIommu(container).Should().Be(0);
    }

    [Fact]
    public void Interrupts_that_are_not_isolated_need_the_parameter()
    {
        var bench = new VfioBench(VfioBench.Modern);
        bench.Iommu.IsolatesInterrupts = false;
        bench.Bind("a.dma");
        long container = bench.OpenContainer();
        bench.SetContainer(bench.OpenGroup(), container);

        bench.SetIommu(container).Should().Be(-(long)Errno.EPERM);
        bench
            .Log.Should()
            .Contain(
                "vfio_iommu_type1_attach_group: No interrupt remapping support.  Use the module param \"allow_unsafe_interrupts\" to enable VFIO IOMMU support on this platform"
            );
        const string Parameter = "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts";
        bench.Root.Cat(Parameter).Should().Be("N\n");
        bench.Root.Echo("maybe", Parameter).Should().Be(-(long)Errno.EINVAL);
        bench.Root.Echo("1", Parameter).Should().Be(2);
        bench.Root.Cat(Parameter).Should().Be("Y\n");
        bench.SetIommu(container).Should().Be(0);
    }

    [Fact]
    public void Unbinding_waits_until_programs_have_closed_the_device()
    {
        (long container, long group, long device) = _bench.Connect();
        bool isDone = false;
        TestProcess writer = new(_bench.Kernel);
        long unbind = writer.Open("/sys/bus/platform/drivers/vfio-platform/unbind", OpenFlags.WriteOnly);
        writer.Poke("a.dma\n"u8.ToArray());
        writer.Process.Run(async () =>
        {
            await writer.Process.Thread.Do(_ => writer.Calls.Write(writer.Process, (int)unbind, writer.Buffer, 6));
            isDone = true;
            return 0;
        });
        _bench.Kernel.Simulation.RunFor(1000);
        isDone.Should().BeFalse();
        _bench.GetDevice(group).Should().Be(-(long)Errno.ENODEV);
        _bench.User.Close(device);
        _bench.Kernel.Simulation.RunFor(1000);
        isDone.Should().BeTrue();
        _bench.Find("a.dma").Driver.Should().BeNull();
        _bench.User.Close(group);
        _bench.User.Close(container);
    }

    private static uint Status(VfioBench bench, long group)
    {
        bench.Ioctl(group, VfioIoctl.GroupGetStatus, 8, 0).Should().Be(0);
        return bench.Word(4);
    }

    private void Refused(long result, Errno errno, string function)
    {
        result.Should().Be(-(long)errno);
        _bench.User.RefusedBy.Should().Be(function);
    }
}
