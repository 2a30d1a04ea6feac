namespace Emulator.Boards.Tests;

/// <summary>Configuration cycles: who answers, with which bits, and how they find their way.</summary>
public sealed class ConfigurationCycleTests
{
    [Fact]
    public void A_function_says_what_it_is_and_nobody_reads_as_ones()
    {
        var board = new PciBoard("edu,addr=2", "e1000e,addr=3");
        board.Read(0, 0, 0, 0).Should().Be(0x0008_1B36);
        board.Read(0, 2, 0, 0).Should().Be(0x11E8_1234);
        board.Read(0, 2, 0, 8).Should().Be(0x00FF_0010);
        board.Read(0, 3, 0, 0).Should().Be(0x10D3_8086);
        board.Read(0, 4, 0, 0).Should().Be(0xFFFF_FFFF);
        board.Read(0, 2, 1, 0).Should().Be(0xFFFF_FFFF);
        board.Read(7, 2, 0, 0, 2).Should().Be(0xFFFF);
    }

    [Fact]
    public void Beyond_its_256_bytes_a_conventional_function_reads_as_ones()
    {
        var board = new PciBoard("edu,addr=2", "e1000e,addr=3");
        board.Read(0, 2, 0, 0x100).Should().Be(0xFFFF_FFFF);
        board.Read(0, 3, 0, 0x100).Should().Be(0x1402_0001);
    }

    [Fact]
    public void A_base_address_register_tells_its_size_when_ones_are_written()
    {
        var board = new PciBoard("nvme,addr=2,serial=s", "e1000,addr=3");
        board.Write(0, 2, 0, 0x10, 0xFFFF_FFFF);
        board.Write(0, 2, 0, 0x14, 0xFFFF_FFFF);
        board.Read(0, 2, 0, 0x10).Should().Be(0xFFFF_C004);
        board.Read(0, 2, 0, 0x14).Should().Be(0xFFFF_FFFF);
        board.Write(0, 3, 0, 0x14, 0xFFFF_FFFF);
        board.Read(0, 3, 0, 0x14).Should().Be(0xFFFF_FFC1);
        board.Write(0, 3, 0, 0x30, 0xFFFF_FFFF);
        board.Read(0, 3, 0, 0x30).Should().Be(0xFFFC_0001);
    }

    [Fact]
    public void Cycles_go_through_the_bridges_whose_bus_numbers_include_theirs()
    {
        var board = new PciBoard(
            "pcie-root-port,id=r1,addr=1,chassis=1",
            "x3130-upstream,id=u1,bus=r1",
            "xio3130-downstream,id=d0,bus=u1,addr=0,chassis=2",
            "xio3130-downstream,id=d1,bus=u1,addr=1,chassis=3",
            "edu,bus=d1"
        );
        board.Read(1, 0, 0, 0).Should().Be(0xFFFF_FFFF);
        board.SetBuses(0, 1, 0, 1, 4);
        board.Read(1, 0, 0, 0).Should().Be(0x8232_104C);
        board.SetBuses(1, 0, 0, 2, 4);
        board.Read(2, 1, 0, 0).Should().Be(0x8233_104C);
        board.Read(2, 2, 0, 0).Should().Be(0xFFFF_FFFF);
        board.SetBuses(2, 0, 0, 3, 3);
        board.SetBuses(2, 1, 0, 4, 4);
        board.Read(3, 0, 0, 0).Should().Be(0xFFFF_FFFF);
        board.Read(4, 0, 0, 0).Should().Be(0x11E8_1234);
        board.Read(4, 1, 0, 0).Should().Be(0xFFFF_FFFF);
        board.SetBuses(1, 0, 0, 2, 3);
        board.Read(4, 0, 0, 0).Should().Be(0xFFFF_FFFF);
    }

    [Fact]
    public void Read_only_bits_stay_and_status_bits_are_cleared_by_writing_one()
    {
        var board = new PciBoard("edu,addr=2");
        board.Write(0, 2, 0, 0x04, 0xFFFF_FFFF);
        board.Read(0, 2, 0, 0x04).Should().Be(0x0010_0507);
        board.Write(0, 2, 0, 0x00, 0);
        board.Read(0, 2, 0, 0x00).Should().Be(0x11E8_1234);
        board.Write(0, 2, 0, 0x3C, 0xFFFF_FFFF);
        board.Read(0, 2, 0, 0x3C).Should().Be(0x0000_01FF);
    }

    [Fact]
    public void The_control_of_access_control_services_has_the_bits_of_the_capability()
    {
        var board = new PciBoard(
            "pcie-root-port,id=r1,addr=1,chassis=1",
            "pcie-root-port,id=r2,addr=2,chassis=2,disable-acs=on"
        );
        board.Write(0, 1, 0, 0x14C, 0xFFFF_FFFF);
        board.Read(0, 1, 0, 0x14C).Should().Be(0x005F_005F);
        board.Read(0, 2, 0, 0x148).Should().Be(0);
    }

    [Fact]
    public void A_populated_slot_shows_a_card_and_an_active_link()
    {
        var board = new PciBoard(
            "pcie-root-port,id=r1,addr=1,chassis=1,slot=3",
            "pcie-root-port,id=r2,addr=2,chassis=2",
            "pcie-root-port,id=r3,addr=3,chassis=3",
            "e1000e,bus=r1",
            "edu,bus=r3"
        );
        board.Read(0, 1, 0, 0x66, 2).Should().Be(0x2011);
        board.Read(0, 1, 0, 0x68).Should().Be(0x001A_007B | (2 << 16));
        board.Read(0, 1, 0, 0x6C).Should().Be(0x0040_01C0);
        board.Read(0, 2, 0, 0x66, 2).Should().Be(0x0204);
        board.Read(0, 2, 0, 0x6C).Should().Be(0x0000_07C0);
        board.Read(0, 3, 0, 0x66, 2).Should().Be(0x2204);
    }

    [Fact]
    public void Virtual_functions_are_there_while_they_are_enabled()
    {
        var board = new PciBoard(
            "pcie-root-port,id=r1,addr=1,chassis=1",
            "nvme-subsys,id=ss0",
            "nvme,bus=r1,serial=s,subsys=ss0,sriov_max_vfs=4,sriov_vi_flexible=4,msix_qsize=6"
        );
        board.SetBuses(0, 1, 0, 1, 1);
        board.Read(1, 0, 0, 0x40, 4).Should().Be(0x0001_8011);
        board.Read(1, 0, 1, 0x08).Should().Be(0xFFFF_FFFF);
        board.Write(1, 0, 0, 0x130, 3, 2);
        board.Write(1, 0, 0, 0x128, 0x9, 2);
        board.Read(1, 0, 1, 0x00).Should().Be(0xFFFF_FFFF);
        board.Read(1, 0, 3, 0x08).Should().Be(0x0108_0202);
        board.Read(1, 0, 4, 0x08).Should().Be(0xFFFF_FFFF);
        board.Write(1, 0, 0, 0x128, 0, 2);
        board.Read(1, 0, 1, 0x08).Should().Be(0xFFFF_FFFF);
    }
}
