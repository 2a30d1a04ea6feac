using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim.Tests;

/// <summary>What sysfs shows after a boot on fvp-ve.</summary>
public sealed class SysfsLayoutTests
{
    private const string Dma0 = "2c0a0000.dma";

    [Fact]
    public void The_first_dmac_is_on_the_platform_bus_and_the_others_on_amba()
    {
        var board = new BootedBoard();

        board.List("/sys/bus/platform/devices").Should().Contain(Dma0).And.NotContain("2c0a1000.dma");
        board
            .List("/sys/bus/amba/devices")
            .Should()
            .Contain(["2c0a1000.dma", "2c0a2000.dma", "2c0a3000.dma"])
            .And.NotContain(Dma0);
    }

    [Fact]
    public void An_old_kernel_has_device_tree_devices_directly_under_sys_devices()
    {
        var board = new BootedBoard();

        board
            .List("/sys/devices")
            .Where(name => name.Contains("dma", StringComparison.Ordinal))
            .Should()
            .Equal(Dma0, "2c0a1000.dma", "2c0a2000.dma", "2c0a3000.dma");
        board.User.ReadLink($"/sys/bus/platform/devices/{Dma0}").Should().Be($"../../../devices/{Dma0}");
        board.User.ReadLink($"/sys/devices/{Dma0}/subsystem").Should().Be("../../bus/platform");
    }

    [Fact]
    public void A_newer_kernel_has_them_under_the_platform_device()
    {
        TestProcess user = new BootedBoard(BootedBoard.Modern).User;

        user.ReadLink($"/sys/bus/platform/devices/{Dma0}").Should().Be($"../../../devices/platform/{Dma0}");
        user.ReadLink($"/sys/devices/platform/{Dma0}/subsystem").Should().Be("../../../bus/platform");
        user.ReadLink($"/sys/devices/platform/{Dma0}/of_node")
            .Should()
            .Be("../../../firmware/devicetree/base/dma@2c0a0000");
    }

    [Fact]
    public void Devices_behind_buses_without_addresses_hang_below_them_and_have_physical_addresses_in_their_names() =>
        new BootedBoard()
            .User.ReadLink("/sys/bus/amba/devices/1c170000.rtc")
            .Should()
            .Be("../../../devices/smb/smb:motherboard/smb:motherboard:iofpga@3/1c170000.rtc");

    [Fact]
    public void Every_link_of_sysfs_leads_somewhere()
    {
        var board = new BootedBoard();
        board.Core.Register(new ScriptedDriver("drv", "arm,pl330", []) { ModuleName = "drv-mod" });
        var open = new Stack<DirectoryInode>([board.Kernel.Files.Sys]);
        int links = 0;
        while (open.TryPop(out DirectoryInode? directory))
        {
            foreach (Inode inode in directory.Children)
            {
                if (inode is DirectoryInode below)
                {
                    open.Push(below);
                }
                else if (inode is LinkInode)
                {
                    links++;
                    board.Kernel.Files.Walk(board.User.Process, inode.Path).Inode.Should().NotBeNull(inode.Path);
                }
            }
        }

        links.Should().BeGreaterThan(40);
    }

    [Fact]
    public void A_driver_directory_has_bind_unbind_uevent_its_devices_and_its_module()
    {
        var board = new BootedBoard();
        board.Core.Register(new ScriptedDriver("drv", "arm,pl330", []) { ModuleName = "drv-mod" });

        board.List("/sys/bus/platform/drivers/drv").Should().Equal(Dma0, "bind", "module", "uevent", "unbind");
        board.User.ReadLink("/sys/bus/platform/drivers/drv/module").Should().Be("../../../../module/drv_mod");
        board
            .User.ReadLink("/sys/module/drv_mod/drivers/platform:drv")
            .Should()
            .Be("../../../bus/platform/drivers/drv");
        board.User.ReadLink($"/sys/devices/{Dma0}/driver").Should().Be("../../bus/platform/drivers/drv");
    }

    [Fact]
    public void A_bus_directory_has_the_files_of_linux() =>
        new BootedBoard()
            .List("/sys/bus/amba")
            .Should()
            .Equal("devices", "drivers", "drivers_autoprobe", "drivers_probe", "uevent");

    [Fact]
    public void Driver_override_is_there_where_the_kernel_has_it()
    {
        const string amba = "/sys/bus/amba/devices/2c0a1000.dma/driver_override";
        var old = new BootedBoard();

        old.User.Cat($"/sys/bus/platform/devices/{Dma0}/driver_override").Should().Be("(null)\n");
        old.User.Cat(amba).Should().Be("<ENOENT>");
        new BootedBoard(BootedBoard.Modern).User.Cat(amba).Should().Be("(null)\n");
    }

    [Fact]
    public void Modalias_and_uevent_tell_the_node_and_its_compatibles()
    {
        TestProcess user = new BootedBoard().User;
        const string modalias = "of:NdmaT<NULL>Carm,pl330";

        user.Cat($"/sys/devices/{Dma0}/modalias").Should().Be(modalias + "\n");
        user.Cat($"/sys/devices/{Dma0}/uevent")
            .Should()
            .Be(
                "OF_NAME=dma\nOF_FULLNAME=/dma@2c0a0000\nOF_COMPATIBLE_0=arm,pl330\nOF_COMPATIBLE_N=1\n"
                    + $"MODALIAS={modalias}\n"
            );
        new BootedBoard(BootedBoard.Modern)
            .User.Cat($"/sys/devices/platform/{Dma0}/modalias")
            .Should()
            .Be("of:NdmaT(null)Carm,pl330\n");
    }

    [Fact]
    public void The_peripheral_id_of_an_amba_device_was_read_from_its_registers()
    {
        TestProcess user = new BootedBoard().User;

        user.Cat("/sys/devices/2c0a1000.dma/id").Should().MatchRegex("^00[0-9a-f]41330\n$");
        user.Cat("/sys/devices/2c0a1000.dma/resource")
            .Should()
            .Be("\t000000002c0a1000\t000000002c0a1fff\t0000000000000200\n");
        user.Cat("/sys/devices/2c0a1000.dma/uevent").Should().MatchRegex("MODALIAS=amba:d00[0-9A-F]41330\n$");
    }

    [Theory]
    [InlineData(false, "")]
    [InlineData(true, "OF: ")]
    public void A_primecell_without_an_id_in_its_registers_is_logged_and_becomes_no_device(bool isModern, string prefix)
    {
        var board = new BootedBoard(
            isModern ? BootedBoard.Modern : null,
            tree => tree.GetByPath("/cci@2c090000").SetStrings("compatible", "arm,cci", "arm,primecell")
        );

        board.LogLines.Should().Contain(prefix + "amba_device_add() failed (-19) for /cci@2c090000");
        board.List("/sys/bus/amba/devices").Should().NotContain("2c090000.cci");
    }

    [Fact]
    public void Every_primecell_of_the_board_says_what_it_is_and_no_identification_is_a_warning()
    {
        var board = new BootedBoard();

        board.LogLines.Should().NotContain(line => line.Contains("failed", StringComparison.Ordinal));
        board.Kernel.Simulation.Trace.Problems.Should().BeEmpty();
        foreach (
            (string device, string id) in new[]
            {
                ("1c040000.aaci", "00041041"),
                ("1c050000.mmci", "00041180"),
                ("1c060000.kmi", "00041050"),
                ("1c070000.kmi", "00041050"),
                ("1c1f0000.clcd", "00041111"),
            }
        )
        {
            board.User.Cat($"/sys/bus/amba/devices/{device}/id").Should().Be(id + "\n");
        }
    }

    [Fact]
    public void A_peripheral_id_in_the_tree_is_believed() =>
        new BootedBoard(
            null,
            tree => tree.GetByPath("/smb/motherboard/iofpga@3/aaci@40000").SetCells("arm,primecell-periphid", 0x41041)
        )
            .User.Cat("/sys/bus/amba/devices/1c040000.aaci/id")
            .Should()
            .Be("00041041\n");

    [Fact]
    public void Removing_primecell_from_the_tree_moves_a_dmac_to_the_platform_bus()
    {
        var board = new BootedBoard(
            null,
            tree => tree.GetByPath("/dma@2c0a1000").SetStrings("compatible", "arm,pl330")
        );

        board.List("/sys/bus/platform/devices").Should().Contain("2c0a1000.dma");
        board.List("/sys/bus/amba/devices").Should().NotContain("2c0a1000.dma");
    }

    [Fact]
    public void A_disabled_node_is_no_device() =>
        new BootedBoard(null, tree => tree.GetByPath("/dma@2c0a0000").SetStrings("status", "disabled"))
            .List("/sys/bus/platform/devices")
            .Should()
            .NotContain(Dma0);

    [Fact]
    public void A_broken_node_is_logged_and_the_boot_goes_on()
    {
        var board = new BootedBoard(null, tree => tree.GetByPath("/dma@2c0a0000").SetCells("reg", 1, 2, 3));

        board.LogLines.Should().Contain(line => line.Contains("dma@2c0a0000", StringComparison.Ordinal));
        board.List("/sys/bus/amba/devices").Should().Contain("2c0a3000.dma");
    }

    [Fact]
    public void Two_nodes_of_one_name_and_address_make_one_device()
    {
        var board = new BootedBoard(
            null,
            tree =>
            {
                DeviceTreeNode twin = tree.Root.AddChild("dma@twin");
                twin.SetStrings("compatible", "arm,pl330");
                twin.SetCells("reg", 0, 0x2C0A_0000, 0, 0x1000);
            }
        );

        board.LogLines.Should().Contain(line => line.Contains("(-17)", StringComparison.Ordinal));
        board.List("/sys/bus/platform/devices").Should().ContainSingle(name => name == Dma0);
    }

    [Fact]
    public void The_device_tree_stands_in_sysfs_as_raw_bytes_and_proc_links_to_it()
    {
        TestProcess user = new BootedBoard().User;

        user.ReadLink("/proc/device-tree").Should().Be("/sys/firmware/devicetree/base");
        user.Cat("/proc/device-tree/dma@2c0a1000/compatible").Should().Be("arm,pl330\0arm,primecell\0");
        user.Cat("/proc/device-tree/dma@2c0a1000/name").Should().Be("dma\0");
        user.Cat("/proc/device-tree/interrupt-controller@2c001000/interrupt-controller").Should().BeEmpty();
        user.Cat("/proc/device-tree/dma@2c0a1000/#dma-cells").Should().Be("\0\0\0\u0001");
        user.Cat("/sys/firmware/fdt").Should().StartWith("\u00d0\u000d\u00fe\u00ed");
    }

    [Fact]
    public void The_tree_of_the_kernel_tells_nothing_of_the_hardware_alone() =>
        new BootedBoard()
            .List("/proc/device-tree/smmu@2c0b0000")
            .Should()
            .Contain("mmu-masters")
            .And.NotContain(name => name.StartsWith("emulator,", StringComparison.Ordinal));

    [Fact]
    public void Modules_of_the_kernel_are_in_sys_module_and_proc_modules()
    {
        var board = new BootedBoard(calls: [ModuleLoader.InitCall]);

        board.List("/sys/module").Should().Contain("vfio_platform");
        board.List("/sys/module/vfio_iommu_type1").Should().Contain("parameters");
        board.User.Cat("/proc/modules").Should().Contain("vfio_iommu_type1 16384 0 - Live 0x00000000\n");
        board
            .User.Cat("/proc/modules")
            .Should()
            .EndWith("vfio 16384 2 vfio_platform,vfio_iommu_type1, Live 0x00000000\n");
    }
}
