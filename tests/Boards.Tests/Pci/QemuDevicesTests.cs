using Emulator.Machine;

namespace Emulator.Boards.Tests;

/// <summary>QEMU's -device strings and command lines.</summary>
public sealed class QemuDevicesTests
{
    [Theory]
    [InlineData("e1001e", "'e1001e' is not modelled; devices: pcie-root-port, *")]
    [InlineData(
        "edu,color=red",
        "*'edu' has no property 'color' here; it takes dma_mask, id, bus, addr, multifunction"
    )]
    [InlineData("edu,addr", "*'addr' is not of the form name=value")]
    [InlineData("edu,addr=20", "*addr: '20' is no SLOT or SLOT.FUNCTION*")]
    [InlineData("edu,addr=1.8", "*addr: '1.8' is no SLOT*")]
    [InlineData("edu,bus=r9", "*there is no bus 'r9' yet; buses: pcie.0")]
    [InlineData("edu,addr=0", "*slot 0.0 of pcie.0 is taken by emulator,gpex-root")]
    [InlineData("edu,multifunction=maybe", "*multifunction: 'maybe' is neither on nor off")]
    [InlineData("e1000e,mac=5", "*mac: '5' is no MAC address")]
    [InlineData("nvme", "*needs a serial")]
    [InlineData("nvme,serial=s,subsys=x", "*there is no nvme-subsys 'x' yet")]
    [InlineData("nvme,serial=s,sriov_max_vfs=2", "*SR-IOV needs a subsystem")]
    [InlineData("pci-bridge,id=b", "*needs a chassis_nr above 0")]
    [InlineData("pcie-root-port,slot=9000", "*slot: '9000' is no number from 0 to 8191")]
    public void What_is_not_known_is_refused_by_name(string device, string message)
    {
        Func<PciBoard> plug = () => new PciBoard(device);
        plug.Should().Throw<BoardException>().WithMessage($"*{message}");
    }

    [Theory]
    [InlineData("pcie-root-port,id=r,chassis=1;edu,bus=r,addr=1", "*the port r has only slot 0")]
    [InlineData("pcie-root-port,id=r,chassis=1;edu,bus=r;edu,bus=r", "*no slot of r is free")]
    [InlineData("pcie-root-port,chassis=1;pcie-root-port,chassis=1", "*slot 0 of chassis 1 exists already*")]
    [InlineData("edu,addr=2;edu,addr=2.1", "*function 0 needs multifunction=on")]
    [InlineData("edu,addr=2.1;edu,addr=2", "*2.0 indicates single function*")]
    [InlineData("pcie-pci-bridge,id=b;edu,bus=b,addr=0", "*slot 0 of b belongs to its hot-plug controller*")]
    public void What_does_not_fit_together_is_refused(string devices, string message)
    {
        Func<PciBoard> plug = () => new PciBoard(devices.Split(';'));
        plug.Should().Throw<BoardException>().WithMessage(message);
    }

    [Fact]
    public void A_device_without_an_address_gets_the_lowest_free_slot()
    {
        var board = new PciBoard("edu,addr=2", "edu", "edu", "pcie-pci-bridge,id=b", "edu,bus=b");
        board.Read(0, 1, 0, 0).Should().Be(0x11E8_1234);
        board.Read(0, 3, 0, 0).Should().Be(0x11E8_1234);
        board.Read(0, 4, 0, 0).Should().Be(0x000E_1B36);
        board.SetBuses(0, 4, 0, 1, 1);
        board.Read(1, 0, 0, 0).Should().Be(0xFFFF_FFFF);
        board.Read(1, 1, 0, 0).Should().Be(0x11E8_1234);
    }

    [Fact]
    public void Network_cards_are_numbered_in_the_order_of_the_command_line()
    {
        var board = new PciBoard(
            "e1000e,addr=2",
            "e1000,addr=3",
            "e1000e,addr=4",
            "e1000e,addr=5,mac=02:00:00:00:00:09"
        );
        board.Read(0, 2, 0, 0x144).Should().Be(0xFF12_3456);
        board.Read(0, 4, 0, 0x144).Should().Be(0xFF12_3458);
        board.Read(0, 4, 0, 0x148).Should().Be(0x5254_00FF);
        board.Read(0, 5, 0, 0x144).Should().Be(0xFF00_0009);
    }

    [Fact]
    public void A_command_line_is_read_word_by_word()
    {
        QemuCommandLine line = QemuCommandLine.Parse(
            "qemu-system-aarch64 -machine virt,iommu=smmuv3,gic-version=3 -cpu cortex-a57 -accel tcg -smp 2 -m 768 -nographic "
                + "-nic none -append 'console=ttyAMA0 panic=-1' -bios QEMU_EFI.fd -device edu,addr=1 -device e1000e"
        );
        line.Cpus.Should().Be(2);
        line.MemoryMiB.Should().Be(768);
        line.KernelArguments.Should().Be("console=ttyAMA0 panic=-1");
        line.HasFirmware.Should().BeTrue();
        line.MachineProperties["iommu"].Should().Be("smmuv3");
        line.Devices.Should().Equal("edu,addr=1", "e1000e");
    }

    [Theory]
    [InlineData("qemu -machine q35", "*'q35' is not modelled*")]
    [InlineData("qemu -machine virt,secure=on", "*'secure=on' is not modelled")]
    [InlineData("qemu -drive file=x", "*'-drive file=x' is not known")]
    [InlineData("qemu -smp 99", "*takes 1 to 8 here, not '99'")]
    [InlineData("qemu -device", "*'-device' is not known, or lacks its value")]
    public void A_command_line_that_says_something_unknown_is_refused(string text, string message)
    {
        Func<QemuCommandLine> parse = () => QemuCommandLine.Parse(text);
        parse.Should().Throw<BoardException>().WithMessage(message);
    }
}
