using Emulator.Machine;

namespace Emulator.KernelShim.Tests;

/// <summary>The device file of vfio-platform (facts 4.1, 4.2).</summary>
public sealed class VfioPlatformDeviceTests
{
    private const long Einval = -(long)Errno.EINVAL;
    private const uint None = VfioFlags.SetDataNone;
    private const uint Bool = VfioFlags.SetDataBool;
    private const uint Fd = VfioFlags.SetDataEventFd;
    private const uint Mask = VfioFlags.SetActionMask;
    private const uint Unmask = VfioFlags.SetActionUnmask;
    private const uint Trigger = VfioFlags.SetActionTrigger;

    private VfioBench _bench = new();

    [Fact]
    public void Device_regions_and_interrupts_are_described()
    {
        long device = _bench.Connect().Device;

        _bench.Ioctl(device, VfioIoctl.DeviceGetInfo, 20, 0, 0, 0, 0x77).Should().Be(0);
        _bench.User.Peek(20).Should().Equal(VfioBench.Pack(20, 4, 2, 2, 0x77));
        _bench.Ioctl(device, VfioIoctl.DeviceGetRegionInfo, 32, 0, 0, 0x77, 0UL, 0UL).Should().Be(0);
        _bench.User.Peek(32).Should().Equal(VfioBench.Pack(32, 7, 0, 0x77, 4096UL, 0UL));
        _bench.Ioctl(device, VfioIoctl.DeviceGetRegionInfo, 32, 0, 1, 0, 0UL, 0UL).Should().Be(0);
        _bench.User.Peek(32).Should().Equal(VfioBench.Pack(32, 3, 1, 0, 0x106UL, 1UL << 40));
        _bench.Ioctl(device, VfioIoctl.DeviceGetIrqInfo, 16, 0, 0, 0).Should().Be(0);
        _bench.User.Peek(16).Should().Equal(VfioBench.Pack(16, 7, 0, 1));
        _bench.Ioctl(device, VfioIoctl.DeviceGetIrqInfo, 16, 0, 1, 0).Should().Be(0);
        _bench.User.Peek(16).Should().Equal(VfioBench.Pack(16, 1, 1, 1));
    }

    [Theory]
    [InlineData(VfioIoctl.DeviceGetInfo, 15, 0, Errno.EINVAL)]
    [InlineData(VfioIoctl.DeviceGetRegionInfo, 31, 0, Errno.EINVAL)]
    [InlineData(VfioIoctl.DeviceGetRegionInfo, 32, 2, Errno.EINVAL)]
    [InlineData(VfioIoctl.DeviceGetIrqInfo, 15, 0, Errno.EINVAL)]
    [InlineData(VfioIoctl.DeviceGetIrqInfo, 16, 2, Errno.EINVAL)]
    [InlineData(VfioIoctl.DeviceReset, 0, 0, Errno.EINVAL)]
    [InlineData(VfioIoctl.IommuMapDma, 32, 0, Errno.ENOTTY)]
    [InlineData(VfioIoctl.DeviceFeature, 8, 0, Errno.ENOTTY)]
    [InlineData(0x1234u, 0, 0, Errno.ENOTTY)]
    public void Each_misuse_of_a_device_ioctl_has_its_errno(uint command, int argsz, int index, Errno errno)
    {
        long device = _bench.Connect().Device;

        _bench.Ioctl(device, command, argsz, 0, index, 0, 0UL, 0UL).Should().Be(-(long)errno);
        if (command is >= VfioIoctl.DeviceGetInfo and <= VfioIoctl.DeviceSetIrqs)
        {
            _bench.Ioctl(device, command, 8UL).Should().Be(-(long)Errno.EFAULT);
        }
    }

    [Fact]
    public void A_reset_without_reset_function_is_EINVAL_and_logged()
    {
        _bench = new VfioBench(VfioBench.Modern);
        long device = _bench.Connect().Device;

        _bench.Ioctl(device, VfioIoctl.DeviceReset).Should().Be(Einval);
        _bench.Log.Should().Contain("vfio-platform a.dma: VFIO: no reset function found!");
    }

    [Fact]
    public void Registers_are_read_and_written_in_pieces_of_4_2_and_1()
    {
        var log = new List<string>();
        _bench.Kernel.Board.Bus.Map("recorder", RecordingTarget.Start, 4096, new RecordingTarget(log));
        _bench.Kernel.Drivers.Remove(_bench.Find("b.dma"));
        _bench.Kernel.Drivers.Add(
            new Device
            {
                Name = "r.dma",
                Bus = _bench.Kernel.Drivers.Buses["platform"],
                Resources = [new DeviceResource(RecordingTarget.Start, 4096)],
                DriverOverride = "vfio-platform",
            }
        );
        long container = _bench.OpenContainer();
        long group = _bench.OpenGroup("r.dma");
        _bench.SetContainer(group, container);
        _bench.SetIommu(container);
        long device = _bench.GetDevice(group, "r.dma");

        Read(device, 12, 0x101).Should().Be(12);
        Write(device, 7, 0x202).Should().Be(7);
        Read(device, 4, 0xFFC).Should().Be(4);
        Read(device, 4, 0x800).Should().Be(-(long)Errno.EIO, "the bus answers with an error");

        log.Should()
            .Equal("R1 101", "R2 102", "R4 104", "R4 108", "R1 10c", "W2 202", "W4 204", "W1 208", "R4 ffc", "R4 800");
    }

    [Theory]
    [InlineData(0, 4, 4)]
    [InlineData(0x1, 7, 7)]
    [InlineData(0xFFE, 8, 2)]
    [InlineData(0x1000, 4, Einval)]
    [InlineData(1L << 40, 0x200, 0x106)]
    [InlineData((1L << 40) + 0x106, 1, Einval)]
    [InlineData(2L << 40, 4, Einval)]
    [InlineData(long.MaxValue, 4, Einval)]
    public void Reads_and_writes_end_at_the_end_of_the_region(long position, long count, long expected)
    {
        long device = _bench.Connect().Device;
        ulong address = _bench.Registers + (position >> 40 == 1 ? 4096UL : 0) + (ulong)(position & 0xFFFF);

        _bench.User.Poke([.. Enumerable.Range(1, 0x200).Select(n => (byte)n)]);
        Write(device, count, position).Should().Be(expected);
        _bench.User.Poke(new byte[0x200]);
        Read(device, count, position).Should().Be(expected);
        if (expected > 0)
        {
            byte[] wanted = [.. Enumerable.Range(1, (int)expected).Select(n => (byte)n)];
            _bench.User.Peek((int)expected).Should().Equal(wanted);
            byte[] there = new byte[expected];
            _bench.Kernel.Board.Cpu.Load(address, there);
            there.Should().Equal(wanted);
        }

        TestProcess user = _bench.User;
        if (expected > 0)
        {
            user.Do(_ => user.Calls.PRead(user.Process, (int)device, 8, count, position))
                .Should()
                .Be(-(long)Errno.EFAULT);
            user.Do(_ => user.Calls.PWrite(user.Process, (int)device, 8, count, position))
                .Should()
                .Be(-(long)Errno.EFAULT);
        }
    }

    [Theory]
    [InlineData(4096, Protection.Read | Protection.Write, MapFlags.Shared, 0L, (Errno)0)]
    [InlineData(4096, Protection.Read, MapFlags.Shared, 0L, (Errno)0)]
    [InlineData(1, Protection.Read, MapFlags.Shared, 0L, (Errno)0)]
    [InlineData(4096, Protection.Read, MapFlags.Private, 0L, Errno.EINVAL)]
    [InlineData(8192, Protection.Read, MapFlags.Shared, 0L, Errno.EINVAL)]
    [InlineData(4096, Protection.Read, MapFlags.Shared, 4096L, Errno.EINVAL)]
    [InlineData(4096, Protection.Read, MapFlags.Shared, 16L, Errno.EINVAL)]
    [InlineData(4096, Protection.Read, MapFlags.Shared, 1L << 40, Errno.EINVAL)]
    [InlineData(4096, Protection.Read, MapFlags.Shared, 2L << 40, Errno.EINVAL)]
    public void Whole_pages_of_registers_can_be_mapped_shared(
        ulong length,
        Protection protection,
        MapFlags flags,
        long offset,
        Errno errno
    )
    {
        long device = _bench.Connect().Device;
        TestProcess user = _bench.User;

        long address = user.Do(_ =>
            user.Calls.Mmap(user.Process, 0, length, protection, flags, (int)device, (ulong)offset)
        );

        if (errno != default)
        {
            address.Should().Be(-(long)errno);
            return;
        }

        _bench.Kernel.Board.Cpu.Store(_bench.Registers + 8, 4, 0x1234_5678);
        user.Process.Memory.TryLoad((ulong)address + 8, 4, out ulong value, out _).Should().BeTrue();
        value.Should().Be(0x1234_5678);
        user.Close(device);
        user.Process.Memory.TryLoad((ulong)address + 8, 4, out _, out _).Should().BeTrue("the mapping keeps the file");
        _bench.Iommu.Domains.Should().ContainSingle();
    }

    /// <summary>argsz (0: what the data needs), flags, index, start, count, data; errno.</summary>
    public static TheoryData<int, uint, int, int, int, object[], Errno> IrqMisuse =>
        new()
        {
            { 19, None | Trigger, 0, 0, 1, [], Errno.EINVAL },
            { 0, None | Trigger, 2, 0, 1, [], Errno.EINVAL },
            { 0, None | Trigger | 0x40, 0, 0, 1, [], Errno.EINVAL },
            { 0, None | Trigger, 0, 1, -2, [], Errno.EINVAL },
            { 0, None | Trigger, 0, 2, 0, [], Errno.EINVAL },
            { 0, None | Trigger, 0, 0, 3, [], Errno.EINVAL },
            { 0, None | Trigger, 0, 1, 1, [], Errno.EINVAL },
            { 0, None | Trigger, 0, 0, 2, [], Errno.EINVAL },
            { 0, Trigger, 0, 0, 1, [], Errno.EINVAL },
            { 0, None | Bool | Trigger, 0, 0, 1, [], Errno.EINVAL },
            { 20, Bool | Trigger, 0, 0, 1, [], Errno.EINVAL },
            { 23, Fd | Trigger, 0, 0, 1, [0], Errno.EINVAL },
            { 0, None, 0, 0, 1, [], Errno.ENOTTY },
            { 0, None | Mask | Unmask, 0, 0, 1, [], Errno.ENOTTY },
            { 0, Fd | Trigger, 0, 0, 1, [99], Errno.EBADF },
            { 0, Fd | Trigger, 0, 0, 1, [0], Errno.EINVAL },
            { 0, Fd | Mask, 0, 0, 1, [99], Errno.EBADF },
            { 0, Fd | Unmask, 0, 0, 1, [0], Errno.EINVAL },
            { 0, None | Mask, 0, 0, 0, [], Errno.EINVAL },
            { 0, None | Mask, 1, 0, 1, [], Errno.EINVAL },
            { 0, None | Unmask, 1, 0, 1, [], Errno.EINVAL },
            { 0, Fd | Unmask, 1, 0, 1, [-1], Errno.EINVAL },
        };

    [Theory]
    [MemberData(nameof(IrqMisuse))]
    public void Each_misuse_of_SET_IRQS_has_its_errno(
        int argsz,
        uint flags,
        int index,
        int start,
        int count,
        object[] data,
        Errno errno
    )
    {
        long device = _bench.Connect().Device;
        byte[] bytes = VfioBench.Pack(data);
        int given = argsz != 0 ? argsz : 20 + bytes.Length;
        _bench.User.Poke([.. VfioBench.Pack(given, flags, index, start, count), .. bytes]);

        _bench.Ioctl(device, VfioIoctl.DeviceSetIrqs, _bench.User.Buffer).Should().Be(-(long)errno);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_level_interrupt_comes_once_and_again_after_UNMASK(bool isModern)
    {
        _bench = new VfioBench(isModern ? VfioBench.Modern : null);
        long device = _bench.Connect().Device;
        long events = _bench.EventFd();
        _bench.Interrupts.Descriptors[0].Actions.Count.Should().Be(isModern ? 1 : 0);
        _bench.SetIrqs(device, Fd | Trigger, 0, 0, 1, events).Should().Be(0);
        _bench.Interrupts.Descriptors[0].Actions.Single().Name.Should().Be("vfio-irq[40](a.dma)");

        _bench.Interrupts.Raise(VfioBench.Level);
        _bench.Events(events).Count.Should().Be(1);
        _bench.Interrupts.Descriptors[0].DisableDepth.Should().Be(1);
        _bench.SetIrqs(device, None | Unmask, 0, 0, 1).Should().Be(0);
        _bench.Events(events).Count.Should().Be(2, "it is still asserted");
        _bench.Interrupts.Lower(VfioBench.Level);
        _bench.SetIrqs(device, Bool | Unmask, 0, 0, 1, (byte)0).Should().Be(0);
        _bench.Interrupts.Descriptors[0].DisableDepth.Should().Be(1, "BOOL 0 does nothing");
        _bench.SetIrqs(device, Bool | Unmask, 0, 0, 1, (byte)1).Should().Be(0);
        _bench.Interrupts.Descriptors[0].DisableDepth.Should().Be(0);
        _bench.SetIrqs(device, None | Mask, 0, 0, 1).Should().Be(0);
        _bench.SetIrqs(device, None | Mask, 0, 0, 1).Should().Be(0);
        _bench.Interrupts.Raise(VfioBench.Level);
        _bench.Events(events).Count.Should().Be(2);
        _bench.SetIrqs(device, None | Trigger, 0, 0, 1).Should().Be(0);
        _bench.Events(events).Count.Should().Be(2, "a masked interrupt cannot be fired");
        _bench.SetIrqs(device, None | Unmask, 0, 0, 1).Should().Be(0);
        _bench.Events(events).Count.Should().Be(3);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Disabling_and_setting_again_keeps_the_mask(bool isModern)
    {
        _bench = new VfioBench(isModern ? VfioBench.Modern : null);
        long device = _bench.Connect().Device;
        long first = _bench.EventFd();
        long second = _bench.EventFd();
        _bench.SetIrqs(device, Fd | Trigger, 0, 0, 1, first).Should().Be(0);
        _bench.SetIrqs(device, None | Mask, 0, 0, 1).Should().Be(0);
        _bench.SetIrqs(device, None | Trigger, 0, 0, 0).Should().Be(0);
        _bench.Interrupts.Raise(VfioBench.Level);
        _bench.SetIrqs(device, Fd | Trigger, 0, 0, 1, second).Should().Be(0);
        _bench.Events(second).Count.Should().Be(0);
        _bench.SetIrqs(device, None | Unmask, 0, 0, 1).Should().Be(0);
        _bench.Events(second).Count.Should().Be(1);
        _bench.Events(first).Count.Should().Be(0);
        _bench.SetIrqs(device, Fd | Trigger, 0, 0, 1, 99).Should().Be(-(long)Errno.EBADF);
        _bench.SetIrqs(device, None | Unmask, 0, 0, 1).Should().Be(0);
        _bench.Events(second).Count.Should().Be(1, "a refused descriptor has ended the old one");
        _bench.SetIrqs(device, Fd | Trigger, 0, 0, 1, -1).Should().Be(0);
    }

    [Fact]
    public void An_edge_interrupt_counts_each_time()
    {
        long device = _bench.Connect().Device;
        long events = _bench.EventFd();
        _bench.SetIrqs(device, Fd | Trigger, 1, 0, 1, events).Should().Be(0);

        _bench.Interrupts.Raise(VfioBench.Edge);
        _bench.Interrupts.Raise(VfioBench.Edge);
        _bench.SetIrqs(device, None | Trigger, 1, 0, 1).Should().Be(0);
        _bench.SetIrqs(device, Bool | Trigger, 1, 0, 1, (byte)1).Should().Be(0);
        _bench.Events(events).Count.Should().Be(4);
    }

    [Fact]
    public void Eventfds_can_mask_and_unmask()
    {
        long device = _bench.Connect().Device;
        long events = _bench.EventFd();
        long mask = _bench.EventFd();
        long unmask = _bench.EventFd();
        _bench.SetIrqs(device, Fd | Trigger, 0, 0, 1, events).Should().Be(0);
        _bench.SetIrqs(device, Fd | Unmask, 0, 0, 1, unmask).Should().Be(0);
        _bench.SetIrqs(device, Fd | Unmask, 0, 0, 1, mask).Should().Be(-(long)Errno.EBUSY);
        _bench.SetIrqs(device, Fd | Mask, 0, 0, 1, mask).Should().Be(0);

        _bench.Interrupts.Raise(VfioBench.Level);
        _bench.Events(unmask).Signal();
        _bench.Events(events).Count.Should().Be(2);
        _bench.SetIrqs(device, Fd | Unmask, 0, 0, 1, -1).Should().Be(0);
        _bench.Events(unmask).Signal();
        _bench.Events(events).Count.Should().Be(2);
        _bench.Interrupts.Lower(VfioBench.Level);
        _bench.SetIrqs(device, None | Unmask, 0, 0, 1).Should().Be(0);
        _bench.Events(mask).Signal();
        _bench.Interrupts.Descriptors[0].DisableDepth.Should().Be(1);
    }

    [Fact]
    public void A_line_that_another_has_is_EBUSY()
    {
        long device = _bench.Connect().Device;
        _bench.Interrupts.Request(VfioBench.Level, "other", () => true, this);

        _bench.SetIrqs(device, Fd | Trigger, 0, 0, 1, _bench.EventFd()).Should().Be(-(long)Errno.EBUSY);
    }

    [Fact]
    public void A_killed_process_leaves_no_interrupt_and_no_mapping()
    {
        (long container, _, long device) = _bench.Connect();
        ulong free = _bench.Kernel.Pages.FreePages;
        ulong memory = (ulong)_bench.User.Mmap(8192);
        _bench.Map(container, memory, 0, 8192).Should().Be(0);
        _bench.SetIrqs(device, Fd | Trigger, 0, 0, 1, _bench.EventFd()).Should().Be(0);

        _bench.User.Process.Exit(9);

        _bench.Iommu.Domains.Should().BeEmpty();
        _bench.Interrupts.Descriptors[0].Actions.Should().BeEmpty();
        _bench.Kernel.Pages.FreePages.Should().BeGreaterThanOrEqualTo(free);
        _bench.User = new TestProcess(_bench.Kernel);
        _bench.OpenGroup().Should().BeGreaterThanOrEqualTo(0);
    }

    [Theory]
    [InlineData(true, true, true, "probe with driver")]
    [InlineData(false, false, true, "")]
    [InlineData(false, true, false, "")]
    public void A_probe_refuses_what_the_kernel_refuses(bool needsReset, bool isCoherent, bool hasGroup, string line)
    {
        _bench = new VfioBench(VfioBench.Modern with { VfioPlatformResetRequired = needsReset });
        _bench.Iommu.IsCoherent = isCoherent;
        if (!hasGroup)
        {
            _bench.Find("a.dma").Group = null;
        }

        long result = _bench.Root.Echo("a.dma", "/sys/bus/platform/drivers/vfio-platform/bind");
        result.Should().Be(needsReset ? -(long)Errno.ENOENT : Einval);
        if (needsReset)
        {
            _bench.Log.Should().Contain("vfio-platform a.dma: VFIO: No reset function found for device a.dma");
            _bench.Log.Should().Contain(text => text.Contains(line, StringComparison.Ordinal));
            _bench
                .Root.Echo("0", "/sys/module/vfio_platform/parameters/reset_required")
                .Should()
                .Be(-(long)Errno.EACCES, "it is set when the module is loaded");
        }
    }

    private long Read(long device, long count, long position)
    {
        TestProcess user = _bench.User;
        return user.Do(_ => user.Calls.PRead(user.Process, (int)device, user.Buffer, count, position));
    }

    private long Write(long device, long count, long position)
    {
        TestProcess user = _bench.User;
        return user.Do(_ => user.Calls.PWrite(user.Process, (int)device, user.Buffer, count, position));
    }

    /// <summary>Registers that write down how they are reached; the one at 0x800 answers with an error.</summary>
    private sealed class RecordingTarget(List<string> log) : IBusTarget
    {
        public const ulong Start = 0x7000_0000;

        public BusStatus Read(ulong address, Span<byte> data, in Transaction transaction)
        {
            data.Clear();
            log.Add($"R{data.Length} {address:x}");
            return address == 0x800 ? BusStatus.SlaveError : BusStatus.Okay;
        }

        public BusStatus Write(ulong address, ReadOnlySpan<byte> data, in Transaction transaction)
        {
            log.Add($"W{data.Length} {address:x}");
            return BusStatus.Okay;
        }
    }
}
