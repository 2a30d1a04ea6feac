using Emulator.Machine;

namespace Emulator.KernelShim.Tests;

/// <summary>What vfio-pci does that no recording shows.</summary>
public sealed class VfioPciDeviceTests
{
    private const string Edu = "0000:00:02.0";
    private const string Nvme = "0000:00:03.0";
    private const uint Fd = VfioFlags.SetDataEventFd;
    private const uint None = VfioFlags.SetDataNone;
    private const uint Trigger = VfioFlags.SetActionTrigger;
    private const ushort Memory = 0x2;

    [Fact]
    public void A_mapping_of_a_BAR_is_SIGBUS_while_memory_is_not_decoded()
    {
        VfioPciBench bench = Create();
        long device = bench.Open(Edu);
        bench.Decode(device, Memory);
        ulong registers = bench.Map(device, 0, 4096);
        bench.User.Process.TryLoad(registers, 4, out ulong identification).Should().BeTrue();
        identification.Should().Be(0x0100_00ED);

        bench.Decode(device, 0);

        bench.User.Process.TryLoad(registers, 4, out _).Should().BeFalse();
        bench.User.Process.PendingSignal.Should().Be(7);
    }

    [Fact]
    public void A_function_in_D3hot_answers_no_access_and_comes_back_with_its_registers()
    {
        VfioPciBench bench = Create();
        long device = bench.Open(Nvme);
        bench.Decode(device, Memory);
        ulong control = PowerControl(bench, device);
        bench.ReadWord(device, 8).Should().Be(0x0001_0400);

        bench.Write(device, control, 3, 0).Should().Be(2);
        bench.Read(device, 8, 4).Should().Be(-(long)Errno.EIO);
        bench.Read(device, VfioPciBench.Configuration, 4).Should().Be(4);
        bench.Write(device, control, 0, 0).Should().Be(2);

        bench.ReadWord(device, 8).Should().Be(0x0001_0400);
    }

    [Fact]
    public void A_function_that_nobody_uses_sleeps_and_wakes_for_a_look_at_its_configuration()
    {
        VfioPciBench bench = Create();
        bench.Bind(Nvme).Should().BePositive();
        PciDevice function = bench.Kernel.Pci.Devices.Single(device => device.Name is Nvme);
        int control = function.FindCapability(PciCapabilityId.PowerManagement) + 4;

        (function.ReadWord(control) & 3).Should().Be(3, "it is idle");
        bench.User.Cat($"/sys/bus/pci/devices/{Nvme}/config")[control].Should().Be('\u0008', "it is awake while read");
        (function.ReadWord(control) & 3).Should().Be(3, "it sleeps again");

        bench.User.Echo(Nvme, "/sys/bus/pci/drivers/vfio-pci/unbind").Should().BePositive();
        (function.ReadWord(control) & 3).Should().Be(0, "its driver has left it");
        bench.User.Echo("1", "/sys/module/vfio_pci/parameters/disable_idle_d3").Should().BePositive();
        bench.Bind(Nvme).Should().BePositive();
        (function.ReadWord(control) & 3).Should().Be(0, "disable_idle_d3 keeps it awake");
    }

    [Fact]
    public void Low_power_takes_mappings_away_until_it_ends()
    {
        VfioPciBench bench = Create();
        long device = bench.Open(Edu);
        bench.Decode(device, Memory);
        ulong registers = bench.Map(device, 0, 4096);
        const int set = 0x2_0000;

        bench.Ioctl(device, VfioIoctl.DeviceFeature, 8, set | 3).Should().Be(0);
        bench.Ioctl(device, VfioIoctl.DeviceFeature, 8, set | 3).Should().Be(-(long)Errno.EINVAL);
        bench.User.RefusedBy.Should().Be("vfio_pci_runtime_pm_entry");
        bench.User.Process.TryLoad(registers, 4, out _).Should().BeFalse();
        bench.Read(device, 0, 4).Should().Be(4, "a call wakes it");
        bench.Ioctl(device, VfioIoctl.DeviceFeature, 8, set | 5).Should().Be(0);

        bench.User.Process.TryLoad(registers, 4, out _).Should().BeTrue();
    }

    [Theory]
    [InlineData(0x1_0003, 8, Errno.EINVAL)]
    [InlineData(0x0_0003, 8, Errno.EINVAL)]
    [InlineData(0x5_0003, 8, Errno.EINVAL)]
    [InlineData(0x2_0004, 8, Errno.EINVAL)]
    [InlineData(0x2_0000, 24, Errno.ENOTTY)]
    [InlineData(0x2_0063, 8, Errno.ENOTTY)]
    [InlineData(0x8_0003, 8, Errno.EINVAL)]
    public void Each_misuse_of_a_feature_has_its_errno(int flags, int argsz, Errno errno)
    {
        VfioPciBench bench = Create();
        long device = bench.Open(Edu);

        bench.Ioctl(device, VfioIoctl.DeviceFeature, argsz, flags, 0UL, 0UL).Should().Be(-(long)errno);
    }

    [Fact]
    public void An_eventfd_can_store_to_a_BAR()
    {
        VfioPciBench bench = Create();
        long device = bench.Open(Edu);
        bench.Decode(device, Memory);
        long eventFd = bench.EventFd();
        object[] store = [32, 4, 4UL, 0x1234_5678UL, (int)eventFd, 0];

        bench.Ioctl(device, VfioIoctl.DeviceIoEventFd, store).Should().Be(0);
        bench.Ioctl(device, VfioIoctl.DeviceIoEventFd, store).Should().Be(-(long)Errno.EEXIST);
        Signal(bench, eventFd);

        bench.ReadWord(device, 4).Should().Be(~0x1234_5678u);
        bench.Ioctl(device, VfioIoctl.DeviceIoEventFd, 32, 4, 4UL, 0x1234_5678UL, -1, 0).Should().Be(0);
        bench
            .Ioctl(device, VfioIoctl.DeviceIoEventFd, 32, 4, 4UL, 0x1234_5678UL, -1, 0)
            .Should()
            .Be(-(long)Errno.ENODEV);
        bench
            .Ioctl(device, VfioIoctl.DeviceIoEventFd, 32, 6, 4UL, 0UL, (int)eventFd, 0)
            .Should()
            .Be(-(long)Errno.EINVAL);
        bench
            .Ioctl(device, VfioIoctl.DeviceIoEventFd, 32, 4, 7UL << 40, 0UL, (int)eventFd, 0)
            .Should()
            .Be(-(long)Errno.EINVAL);
    }

    [Fact]
    public void With_nointxmask_a_line_is_the_function_s_alone()
    {
        var bench = new VfioPciBench(KernelProfiles.Linux612, "edu,addr=2", "edu,addr=6");
        bench.User.Echo("1", "/sys/module/vfio_pci/parameters/nointxmask").Should().BePositive();
        long first = bench.Open(Edu);
        long second = bench.Open("0000:00:06.0");
        long eventFd = bench.EventFd();
        bench.SetIrq(first, 0, Fd | Trigger, 0, 1, (int)eventFd).Should().Be(0);

        bench.SetIrq(second, 0, Fd | Trigger, 0, 1, (int)eventFd).Should().Be(-(long)Errno.EBUSY);

        bench.User.RefusedBy.Should().Be("request_irq");
        bench.SetIrq(second, 1, Fd | Trigger, 0, 1, (int)eventFd).Should().Be(0, "a refused INTx leaves MSI free");
    }

    [Fact]
    public void A_shared_line_interrupts_the_program_whose_function_asks()
    {
        var bench = new VfioPciBench(KernelProfiles.Linux612, "edu,addr=2", "edu,addr=6");
        long first = bench.Open(Edu);
        long second = bench.Open("0000:00:06.0");
        long one = bench.EventFd();
        long other = bench.EventFd();
        bench.SetIrq(first, 0, Fd | Trigger, 0, 1, (int)one).Should().Be(0);
        bench.SetIrq(second, 0, Fd | Trigger, 0, 1, (int)other).Should().Be(0);
        bench.Decode(second, Memory);

        bench.Write(second, 0x60, 1, 0, 0, 0).Should().Be(4);
        bench.Kernel.Simulation.RunFor(VirtualTime.Millisecond);

        bench.Take(one).Should().Be(0);
        bench.Take(other).Should().Be(1);
    }

    [Fact]
    public void An_eventfd_unmasks_INTx_and_its_count_is_taken()
    {
        VfioPciBench bench = Create();
        long device = bench.Open(Edu);
        bench.Decode(device, Memory);
        long trigger = bench.EventFd();
        long unmask = bench.EventFd();
        bench.SetIrq(device, 0, Fd | Trigger, 0, 1, (int)trigger).Should().Be(0);
        bench.SetIrq(device, 0, Fd | VfioFlags.SetActionUnmask, 0, 1, (int)unmask).Should().Be(0);
        Raise(bench, device);
        bench.Take(trigger).Should().Be(1);
        bench.Write(device, 0x64, 1, 0, 0, 0).Should().Be(4);

        Signal(bench, unmask);

        bench.Take(unmask).Should().Be(0);
        Raise(bench, device);
        bench.Take(trigger).Should().Be(1);
    }

    [Theory]
    [InlineData("6.1", Errno.EINVAL)]
    [InlineData("6.12", (Errno)0)]
    public void Taking_an_eventfd_from_a_vector_that_is_not_set_up_is_refused_before_6_4(string kernel, Errno errno)
    {
        VfioPciBench bench = Create(kernel is "6.1" ? KernelProfiles.Linux61 : KernelProfiles.Linux612);
        long device = bench.Open(Nvme);
        long eventFd = bench.EventFd();
        bench.SetIrq(device, 2, Fd | Trigger, 0, 2, (int)eventFd, (int)eventFd).Should().Be(0);

        bench.SetIrq(device, 2, Fd | Trigger, 4, 1, -1).Should().Be(-(long)errno);

        bench.SetIrq(device, 2, Fd | Trigger, 4, 1, (int)eventFd).Should().Be(-(long)Errno.EINVAL);
        bench.SetIrq(device, 2, None | Trigger, 1, 1).Should().Be(0);
        bench.Take(eventFd).Should().Be(1);
    }

    [Fact]
    public void A_reset_keeps_addresses_and_messages()
    {
        VfioPciBench bench = Create();
        long device = bench.Open(Nvme);
        long eventFd = bench.EventFd();
        bench.Decode(device, Memory);
        bench.SetIrq(device, 2, Fd | Trigger, 0, 1, (int)eventFd).Should().Be(0);
        PciDevice function = bench.Kernel.Pci.Devices.Single(known => known.Name is Nvme);
        int messages = function.FindCapability(PciCapabilityId.MsiX) + 2;

        bench.Ioctl(device, VfioIoctl.DeviceReset).Should().Be(0);

        bench.ReadWord(device, 8).Should().Be(0x0001_0400);
        (function.ReadWord(messages) & 0xC000).Should().Be(0x8000);
    }

    [Fact]
    public void Who_uses_a_function_is_asked_every_ten_seconds_and_told_of_every_tenth_time()
    {
        VfioPciBench bench = Create();
        long device = bench.Open(Edu);
        long request = bench.EventFd();
        bench.SetIrq(device, 4, Fd | Trigger, 0, 1, (int)request).Should().Be(0);
        var driver = (PciDriver)bench.Kernel.Drivers.Buses["pci"].FindDriver("vfio-pci")!;
        PciDevice function = bench.Kernel.Pci.Devices.Single(known => known.Name is Edu);

        driver.PrepareRemoval(function).Should().NotBeNull();
        bench.Kernel.Simulation.RunFor(105 * VirtualTime.Second);

        bench.Take(request).Should().Be(11);
        bench.Log.Where(line => line.Contains("Relaying", StringComparison.Ordinal)).Should().HaveCount(2);
        bench.User.Close(device);
        bench.Kernel.Simulation.RunFor(30 * VirtualTime.Second);
        bench.Take(request).Should().Be(0, "nobody asks once it is closed");
    }

    [Fact]
    public void A_token_for_a_function_without_virtual_functions_is_refused()
    {
        VfioPciBench bench = Create();
        bench.Bind(Edu).Should().BePositive();
        long group = bench.OpenGroup(Edu);
        const string token = " vf_token=00112233-4455-6677-8899-aabbccddeeff";

        bench.GetDevice(group, Edu + token).Should().Be(-(long)Errno.EINVAL);

        bench.Log.Should().ContainMatch("*VF token incorrectly provided, not a PF or VF");
        bench.GetDevice(group, Edu + token + token).Should().Be(-(long)Errno.EINVAL);
        bench.GetDevice(group, Edu + "x").Should().Be(-(long)Errno.ENODEV);
        bench.GetDevice(group, Edu + " ").Should().Be(-(long)Errno.EINVAL, "the group has no container");
    }

    [Fact]
    public void The_parameter_ids_binds_functions_when_the_module_is_loaded()
    {
        var bench = new VfioPciBench(KernelProfiles.Linux612, isLoaded: false, "edu,addr=2", "nvme,addr=3,serial=1");

        foreach (string module in new[] { "vfio", "vfio_pci_core" })
        {
            bench.Load(module).Should().Be(0);
        }

        bench.Load("vfio_pci", "ids=1234:11e8").Should().Be(0);

        bench.Log.Should().Contain("vfio_pci: add [1234:11e8[ffffffff:ffffffff]] class 0x000000/00000000");
        bench.User.ReadLink($"/sys/bus/pci/devices/{Edu}/driver").Should().EndWith("/vfio-pci");
        bench.User.ReadLink($"/sys/bus/pci/devices/{Nvme}/driver").Should().Be("<ENOENT>");
    }

    [Fact]
    public void Who_has_functions_by_their_nodes_resets_a_bus_when_all_of_it_is_one_iommufd_s()
    {
        var bench = new VfioPciBench(
            KernelProfiles.Linux612Oracle,
            "pcie-root-port,id=r1,addr=5",
            "nvme,bus=r1,addr=0.0,multifunction=on,serial=1",
            "nvme,bus=r1,addr=0.1,serial=2"
        );
        long iommu = bench.User.Open("/dev/iommu", OpenFlags.ReadWrite);
        long first = Bind(bench, iommu, "0000:01:00.0");
        Reset(bench, first).Should().Be(-(long)Errno.EINVAL, "the other function is nobody's");
        bench.Bind("0000:01:00.1").Should().BePositive();

        bench.Ioctl(first, VfioIoctl.DeviceGetPciHotResetInfo, 28, 0, 0, 0UL, 0UL).Should().Be(0);

        byte[] info = bench.User.Peek(28);
        BitConverter.ToUInt32(info, 4).Should().Be(3, "it names devices, and all are owned");
        BitConverter.ToUInt32(info, 12).Should().BePositive("the device's ID");
        BitConverter.ToUInt32(info, 20).Should().Be(0, "owned with the group");
        Reset(bench, first).Should().Be(0);
        bench.Ioctl(first, VfioIoctl.DevicePciHotReset, 16, 0, 1, (int)iommu).Should().Be(-(long)Errno.EINVAL);
    }

    private static long Reset(VfioPciBench bench, long device) =>
        bench.Ioctl(device, VfioIoctl.DevicePciHotReset, 12, 0, 0);

    private static long Bind(VfioPciBench bench, long iommu, string name)
    {
        bench.Bind(name).Should().BePositive();
        long device = bench.User.Open("/dev/vfio/devices/vfio0", OpenFlags.ReadWrite);
        bench.Ioctl(device, VfioIoctl.DeviceBindIommufd, 16, 0, (int)iommu, 0).Should().Be(0);
        return device;
    }

    private static VfioPciBench Create(KernelProfile? profile = null) =>
        new(profile ?? KernelProfiles.Linux612, "edu,addr=2", "nvme,addr=3,serial=1");

    private static void Raise(VfioPciBench bench, long device)
    {
        bench.Write(device, 0x60, 1, 0, 0, 0).Should().Be(4);
        bench.Kernel.Simulation.RunFor(VirtualTime.Millisecond);
    }

    private static void Signal(VfioPciBench bench, long eventFd)
    {
        bench.User.Poke([1, 0, 0, 0, 0, 0, 0, 0]);
        bench
            .User.Do(_ => bench.User.Calls.Write(bench.User.Process, (int)eventFd, bench.User.Buffer, 8))
            .Should()
            .Be(8);
    }

    /// <summary>Where the control word of power management is, found as a program finds it.</summary>
    private static ulong PowerControl(VfioPciBench bench, long device)
    {
        ulong at = bench.ReadWord(device, VfioPciBench.Configuration + 0x34) & 0xFF;
        uint head;
        while (((head = bench.ReadWord(device, VfioPciBench.Configuration + at)) & 0xFF) != 1)
        {
            at = head >> 8 & 0xFF;
        }

        return VfioPciBench.Configuration + at + 4;
    }

    [Fact]
    public void An_access_that_the_bus_answers_with_an_abort_is_an_oops_and_the_end_of_the_program()
    {
        var bench = new VfioPciBench(KernelProfiles.Linux61, "edu,addr=2");
        long device = bench.Open("0000:00:02.0");
        bench.Read(device, VfioPciBench.Configuration + 4, 2).Should().Be(2);
        bench.Write(device, VfioPciBench.Configuration + 4, [0x06, 0x00]).Should().Be(2);

        bench.Read(device, 0xF_FFFE, 4);

        bench.User.RefusedBy.Should().Be("vfio_pci_core_ioread");
        bench.User.Process.PendingSignal.Should().Be(11);
        bench.Log.Should().Contain("Internal error: synchronous external abort: 0000000096000010 [#1] SMP");
        bench.Log.Should().ContainMatch("Modules linked in: *vfio_pci vfio_pci_core*");
        bench.Kernel.Taints.Should().HaveFlag(KernelTaint.Died);
    }
}
