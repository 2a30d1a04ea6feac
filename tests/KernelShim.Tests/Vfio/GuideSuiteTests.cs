using Emulator.Machine;

namespace Emulator.KernelShim.Tests;

/// <summary>
/// The calls of the guide's test suite in their order (facts 9.1), on the real board: the DMA-330 fetches its program and moves
/// the bytes through stage-2 tables that arm-smmu has written into RAM.
/// </summary>
public sealed class VfioGuideSuiteTests
{
    private const ulong Page = 4096;
    private const string DeviceName = "2c0a0000.dma";

    private readonly Kernel _kernel;
    private readonly TestProcess _root;
    private readonly TestProcess _user;

    public VfioGuideSuiteTests()
    {
        _kernel = BootedKernel.Boot();
        _root = new TestProcess(_kernel);
        _user = new TestProcess(_kernel);
        _root.Echo("vfio-platform", $"/sys/bus/platform/devices/{DeviceName}/driver_override").Should().BePositive();
        _root.Echo(DeviceName, "/sys/bus/platform/drivers_probe").Should().BePositive();
    }

    [Fact]
    public void The_general_test_runs_as_on_the_real_kernel()
    {
        (long container, long group) = Begin();
        ulong megabyte = (ulong)_user.Mmap(0x10_0000);
        Ioctl(container, VfioIoctl.IommuMapDma, 32, 3, megabyte, 0UL, 0x10_0000UL).Should().Be(0);
        Ioctl(container, VfioIoctl.IommuUnmapDma, 24, 3, 0UL, 0x10_0000UL).Should().Be(-(long)Errno.EINVAL);
        _user.RefusedBy.Should().Be("vfio_iommu_type1_unmap_dma");

        long device = GetDevice(group);
        Ioctl(device, VfioIoctl.DeviceGetInfo, 20, 0, 0, 0, 0).Should().Be(0);
        _user.Peek(16, 4).Should().Equal(VfioBench.Pack(4, 1, 8, 0));
        ulong registers = MapRegion(device, 0x1000);
        foreach ((ulong offset, ulong id) in new[] { (16UL, 0x0DUL), (12UL, 0xF0UL), (8UL, 0x05UL), (4UL, 0xB1UL) })
        {
            Load(registers + Page - offset).Should().Be(id);
        }

        _user.Do(_ => _user.Calls.Munmap(_user.Process, registers, Page)).Should().Be(0);
        for (int irq = 0; irq < 8; irq++)
        {
            Ioctl(device, VfioIoctl.DeviceGetIrqInfo, 16, 0, irq, 0).Should().Be(0);
            _user.Peek(16).Should().Equal(VfioBench.Pack(16, 7, irq, 1));
            long events = _user.Do(_ => _user.Calls.EventFd(_user.Process, 0, 0x8_0800));
            Ioctl(device, VfioIoctl.DeviceSetIrqs, 24, 0x24, irq, 0, 1, events).Should().Be(0);
            _user.Read(events, 8).Result.Should().Be(-(long)Errno.EAGAIN);
            Ioctl(device, VfioIoctl.DeviceSetIrqs, 20, 0x21, irq, 0, 0).Should().Be(0);
            _user.Close(events).Should().Be(0);
        }

        long free = (long)_kernel.Pages.FreePages;
        _user.Process.Exit(0);
        ((long)_kernel.Pages.FreePages).Should().BeGreaterThan(free + 255, "the megabyte is given back");
        _root.Echo(DeviceName, "/sys/bus/platform/drivers/vfio-platform/unbind").Should().BePositive();
    }

    [Fact]
    public void The_PL330_test_copies_a_page_and_gets_its_interrupt()
    {
        (_, long device, ulong memory, ulong registers) = Prepare();
        long events = _user.Do(_ => _user.Calls.EventFd(_user.Process, 0, 0));
        Ioctl(device, VfioIoctl.DeviceSetIrqs, 24, 0x24, 0, 0, 1, events).Should().Be(0);
        _kernel
            .Interrupts.Descriptors.Should()
            .Contain(d => d.Actions.Any(a => a.Name == "vfio-irq[96](2c0a0000.dma)"));

        Start(registers);
        _user.Read(events, 8).Should().Be((8, "\u0001\0\0\0\0\0\0\0"));

        byte[] copy = new byte[Page];
        _user.Process.Memory.TryRead(memory + Page, copy).Should().BeTrue();
        copy.Should().Equal(Pattern());
        _user.Process.Memory.TryStore(registers + 0x02C, 4, 1, out _).Should().BeTrue();
        (Load(registers + 0x100) & 15).Should().Be(0);
        Ioctl(device, VfioIoctl.DeviceSetIrqs, 20, 0x21, 0, 0, 0).Should().Be(0);
        _user.Process.Exit(0);
    }

    [Fact]
    public void Outside_its_mappings_the_DMAC_reaches_nothing()
    {
        (long container, _, ulong memory, ulong registers) = Prepare();
        Ioctl(container, VfioIoctl.IommuUnmapDma, 24, 0, Page, Page).Should().Be(0);

        Start(registers);
        _kernel.Simulation.RunFor(VirtualTime.Millisecond);

        byte[] copy = new byte[Page];
        _user.Process.Memory.TryRead(memory + Page, copy).Should().BeTrue();
        copy.Should().OnlyContain(value => value == 0);
        _kernel.Log.Lines.Should().Contain(line => line.Text.Contains("Unhandled context fault: iova=0x00001000"));
        (Load(registers + 0x100) & 15).Should().BeOneOf([0xE, 0xF], "the channel is faulting");
    }

    [Fact]
    public void A_killed_process_leaves_no_mapping_and_no_interrupt()
    {
        (_, long device, _, ulong registers) = Prepare();
        long events = _user.Do(_ => _user.Calls.EventFd(_user.Process, 0, 0));
        Ioctl(device, VfioIoctl.DeviceSetIrqs, 24, 0x24, 0, 0, 1, events).Should().Be(0);
        Start(registers);
        _kernel.Simulation.RunFor(200 * VirtualTime.Nanosecond);

        _user.Process.Exit(9);

        _kernel
            .Interrupts.Descriptors.SelectMany(d => d.Actions)
            .Should()
            .NotContain(action => action.Name.StartsWith("vfio-irq", StringComparison.Ordinal));
        _kernel.Simulation.RunFor(VirtualTime.Millisecond);
        // Nobody resets the DMAC: arm-smmu lets its stream bypass again, and the transfer ends where nothing answers.
        _kernel.Board.Cpu.Load(0x2C0A_0100, 4, out ulong status);
        (status & 15).Should().Be(15, "the channel is faulting");
        _root.Open("/dev/vfio/0", OpenFlags.ReadWrite).Should().BeGreaterThanOrEqualTo(0);
    }

    private static byte[] Pattern() => [.. Enumerable.Range(0, (int)Page).Select(n => (byte)(n * 7 + 1))];

    private (long Container, long Group) Begin()
    {
        long container = _user.Open("/dev/vfio/vfio", OpenFlags.ReadWrite);
        Ioctl(container, VfioIoctl.GetApiVersion).Should().Be(0);
        _user.Do(_ => _user.Calls.Ioctl(_user.Process, (int)container, VfioIoctl.CheckExtension, 1)).Should().Be(1);
        long group = _user.Open("/dev/vfio/0", OpenFlags.ReadWrite);
        Ioctl(group, VfioIoctl.GroupGetStatus, 8, 0).Should().Be(0);
        _user.Peek(4, 4)[0].Should().Be(1);
        Ioctl(group, VfioIoctl.GroupSetContainer, container).Should().Be(0);
        _user.Do(_ => _user.Calls.Ioctl(_user.Process, (int)container, VfioIoctl.SetIommu, 1)).Should().Be(0);
        return (container, group);
    }

    /// <summary>Everything of the second program up to the start of the transfer.</summary>
    private (long Container, long Device, ulong Memory, ulong Registers) Prepare()
    {
        (long container, long group) = Begin();
        ulong memory = (ulong)_user.Mmap(3 * Page);
        _user.Process.Memory.TryWrite(memory, Pattern()).Should().BeTrue();
        // csharpier-ignore
        byte[] program =
        [
            0xBC, 0x01, 0xF9, 0x42, 0xBE, 0x00, // DMAMOV CCR
            0xBC, 0x00, 0x00, 0x00, 0x00, 0x00, // DMAMOV SAR
            0xBC, 0x02, 0x00, 0x10, 0x00, 0x00, // DMAMOV DAR
            0x20, 0x0F, 0x04, 0x12, 0x08, 0x13, // DMALP 16, DMALD, DMARMB, DMAST, DMAWMB
            0x38, 0x04, 0x34, 0x00, 0x00, // DMALPEND, DMASEV 0, DMAEND
        ];
        _user.Process.Memory.TryWrite(memory + 2 * Page, program).Should().BeTrue();
        for (ulong page = 0; page < 3; page++)
        {
            ulong at = page * Page;
            Ioctl(container, VfioIoctl.IommuMapDma, 32, 3, memory + at, at, Page).Should().Be(0);
        }

        long device = GetDevice(group);
        return (container, device, memory, MapRegion(device, 0x1000));
    }

    private void Start(ulong registers)
    {
        (Load(registers + 0xD00) & 1).Should().Be(0);
        Store(registers + 0x020, Load(registers + 0x020) | 1);
        Store(registers + 0xD08, 0x00A2_0000);
        Store(registers + 0xD0C, 0x2000);
        Store(registers + 0xD04, 0);
    }

    private long GetDevice(long group)
    {
        ulong name = _user.Put(DeviceName);
        return _user.Do(_ => _user.Calls.Ioctl(_user.Process, (int)group, VfioIoctl.GroupGetDeviceFd, name));
    }

    private ulong MapRegion(long device, ulong size)
    {
        Ioctl(device, VfioIoctl.DeviceGetRegionInfo, 32, 0, 0, 0, 0UL, 0UL).Should().Be(0);
        _user.PeekWord(16).Should().Be(size);
        ulong offset = _user.PeekWord(24);
        const Protection Both = Protection.Read | Protection.Write;
        long address = _user.Do(_ =>
            _user.Calls.Mmap(_user.Process, 0, size, Both, MapFlags.Shared, (int)device, offset)
        );
        address.Should().BePositive();
        return (ulong)address;
    }

    private long Ioctl(long file, uint command, params object[] words)
    {
        _user.Poke(VfioBench.Pack(words));
        return _user.Do(_ => _user.Calls.Ioctl(_user.Process, (int)file, command, _user.Buffer));
    }

    private ulong Load(ulong address)
    {
        _user.Process.Memory.TryLoad(address, 4, out ulong value, out _).Should().BeTrue();
        return value;
    }

    private void Store(ulong address, ulong value) =>
        _user.Process.Memory.TryStore(address, 4, value, out _).Should().BeTrue();
}
