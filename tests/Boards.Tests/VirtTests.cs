using Emulator.Machine;
using Emulator.Machine.DeviceTrees;

namespace Emulator.Boards.Tests;

/// <summary>QEMU's virt machine: its map, and what its options change.</summary>
public sealed class VirtTests
{
    // csharpier-ignore
    [Theory]
    [InlineData(0x0000_0000, 0x03FF_FFFF, "flash@0[0]")]
    [InlineData(0x0400_0000, 0x07FF_FFFF, "flash@0[1]")]
    [InlineData(0x0800_0000, 0x0800_FFFF, "gic[0]")]
    [InlineData(0x0808_0000, 0x0809_FFFF, "its")]
    [InlineData(0x080A_0000, 0x08FF_FFFF, "gic[1]")]
    [InlineData(0x0900_0000, 0x0900_0FFF, "uart0")]
    [InlineData(0x0901_0000, 0x0901_0FFF, "rtc")]
    [InlineData(0x0902_0000, 0x0902_0017, "fw_cfg")]
    [InlineData(0x0903_0000, 0x0903_0FFF, "gpio")]
    [InlineData(0x0A00_0000, 0x0A00_01FF, "virtio_mmio@a000000")]
    [InlineData(0x0A00_3E00, 0x0A00_3FFF, "virtio_mmio@a003e00")]
    [InlineData(0x0B00_0000, 0x0B07_FFFF, "smmu")]
    [InlineData(0x4000_0000, 0x7FFF_FFFF, "memory@40000000")]
    [InlineData(0x40_1000_0000, 0x40_1FFF_FFFF, "pcie")]
    public void It_has_its_parts_where_QEMU_has_them(ulong start, ulong last, string name)
    {
        BusRegion? region = Emulation.Create("virt").Bus.Find(start);
        region.Should().NotBeNull();
        (region!.Start, region.Last, region.Name).Should().Be((start, last, name));
    }

    [Fact]
    public void Memory_has_as_many_mebibytes_as_asked_for()
    {
        Board board = Emulation.Create("virt", ("m", 8192));
        board.Memory.Should().ContainSingle().Which.LengthBytes.Should().Be(8UL << 30);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void Phandles_are_numbered_in_QEMU_s_order_whatever_the_number_of_CPUs(int cpus)
    {
        DeviceTree tree = Emulation.Library.Tree("virt", new Dictionary<string, ulong> { ["smp"] = (ulong)cpus });
        uint gic = 0x8001 + (uint)cpus;
        tree.GetByPath("/cpus/cpu@0").Phandle.Should().Be(gic - 1);
        tree.GetByPath("/cpus/cpu-map/socket0/cluster0/core0").GetProperty("cpu").ReadUInt32().Should().Be(gic - 1);
        tree.GetByPath("/").GetProperty("interrupt-parent").ReadUInt32().Should().Be(gic);
        tree.MapMsi(tree.GetByPath("/pcie@10000000"), 8).Should().Be(new MappedId(tree.FindByPhandle(gic + 1)!, 8));
        tree.MapIommu(tree.GetByPath("/pcie@10000000"), 8)!.Value.Target.Phandle.Should().Be(gic + 2);
        tree.GetByPath("/gpio-keys/poweroff").GetProperty("gpios").ReadCells().Should().Equal(gic + 3, 3, 0);
        tree.GetByPath("/cpus").Children.Count(node => node.BaseName is "cpu").Should().Be(cpus);
        tree.GetByPath("/cpus/cpu@0").HasProperty("enable-method").Should().Be(cpus > 1);
    }

    [Fact]
    public void Without_an_IOMMU_nothing_of_it_is_left()
    {
        DeviceTree tree = Emulation.Library.Tree("virt", new Dictionary<string, ulong> { ["iommu"] = 0 });
        tree.FindCompatible("arm,mmu-500").Should().BeEmpty();
        tree.GetByPath("/pcie@10000000").HasProperty("iommu-map").Should().BeFalse();
        tree.GetByPath("/pl061@9030000").Phandle.Should().Be(0x8005);
    }

    [Theory]
    [InlineData("smp", 17)]
    [InlineData("smp", 0)]
    [InlineData("m", 0)]
    [InlineData("its", 2)]
    public void A_value_that_an_option_does_not_take_is_refused(string option, ulong value) =>
        FluentActions
            .Invoking(() => Emulation.Create("virt", (option, value)))
            .Should()
            .Throw<BoardException>()
            .WithMessage($"option {option} is *, not {value}");

    [Fact]
    public void The_power_key_is_on_line_3_of_the_GPIO_controller()
    {
        Board board = Emulation.Create("virt");
        IKeys keys = board.Devices.Select(device => device.Device).OfType<IKeys>().Single();
        keys.Keys.Should().Equal("poweroff");
        BoardRegister pin = board.Find("gpio")!.FindRegister("GPIODATA8")!.Value;
        foreach (bool isPressed in new[] { true, false })
        {
            keys.Press("poweroff", isPressed).Should().BeTrue();
            board.Cpu.Load(pin.Address, 4, out ulong value);
            value.Should().Be(isPressed ? 8u : 0u);
        }

        keys.Press("reset", true).Should().BeFalse();
    }
}
