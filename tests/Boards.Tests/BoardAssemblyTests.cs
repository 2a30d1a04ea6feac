using Emulator.Machine;
using Emulator.Machine.DeviceTrees;

namespace Emulator.Boards.Tests;

/// <summary>Small trees, assembled as every board is: what becomes of a node, and what is said when it cannot be.</summary>
public sealed class BoardAssemblyTests
{
    private const string Gic = "interrupt-parent = <&gic>; " + GicNode;

    private const string GicNode = """
        gic: interrupt-controller@2c001000 {
            compatible = "arm,gic-400";
            interrupt-controller;
            #interrupt-cells = <3>;
            reg = <0x2c001000 0x1000>, <0x2c002000 0x2000>;
        };
        """;

    private const string Smmu = """
        smmu: iommu@30000000 {
            compatible = "arm,mmu-400";
            #iommu-cells = <1>;
            reg = <0x30000000 0x10000>;
        };
        """;

    [Fact]
    public void The_container_is_valid_and_its_models_have_titles()
    {
        Emulation.Models.Should().NotBeEmpty();
        Emulation.Models.Should().OnlyContain(model => model.Title.Length > 0 && model.Compatible.Length > 0);
        Emulation.Models.Select(model => model.Compatible).Should().OnlyHaveUniqueItems();
        Emulation.Library.Boards.Should().Contain(board => board.Name == "fvp-ve");
        Emulation.Library.Should().BeSameAs(Emulation.Service<IBoardLibrary>());
    }

    [Fact]
    public void The_most_specific_compatible_that_is_modelled_decides()
    {
        Board board = Emulation.Assemble(
            """
            a@1000 { compatible = "acme,rtc", "arm,pl031", "mtd-ram"; reg = <0x1000 0x1000>; };
            b@2000 { compatible = "mtd-ram", "arm,pl031"; reg = <0x2000 0x1000>; };
            """
        );
        board.Find("a@1000")!.Device.Should().BeOfType<Peripherals.Pl031>();
        board.Find("b@2000")!.Device.Should().BeOfType<MemoryDevice>();
        board.Find("a@1000")!.Compatible.Should().Equal("acme,rtc", "arm,pl031", "mtd-ram");
    }

    [Fact]
    public void What_nobody_models_is_a_stub_that_reports_every_access()
    {
        Board board = Emulation.Assemble(
            "lcd: display@5000 { compatible = \"acme,display\"; reg = <0x5000 0x1000>, <0x9000 0x10>; };"
        );
        BoardDevice stub = board.Devices.Should().ContainSingle().Which;
        stub.IsStub.Should().BeTrue();
        stub.Title.Should().BeNull();
        stub.Regions.Select(region => region.ToString())
            .Should()
            .Equal("0x5000..0x5fff lcd[0]", "0x9000..0x900f lcd[1]");
        board.Cpu.Load(0x5010, 4, out ulong value).Should().Be(BusStatus.Okay);
        value.Should().Be(0);
        board.Cpu.Store(0x9004, 2, 0x1234).Should().Be(BusStatus.Okay);
        board
            .Simulation.Trace.Problems.Select(problem => $"{problem.Source}: {problem.Message}")
            .Should()
            .Equal(
                "lcd: not modelled: cpu0 reads 4 bytes at offset 0x10 and gets 0",
                "lcd: not modelled: cpu0 writes 0x1234 (2 bytes) at offset 0x4; ignored"
            );
    }

    [Fact]
    public void A_stub_of_a_primecell_says_what_it_is_without_a_report_and_nothing_else()
    {
        Board board = Emulation.Assemble(
            """
            lcd: display@5000 {
                compatible = "acme,display";
                reg = <0x5000 0x1000>;
                emulator,primecell-id = <0x00341111>;
            };
            """
        );
        ulong[] expected = [0x11, 0x11, 0x34, 0x00, 0x0D, 0xF0, 0x05, 0xB1];
        for (int n = 0; n < expected.Length; n++)
        {
            board.Cpu.Load(0x5FE0 + 4 * (ulong)n, 4, out ulong value).Should().Be(BusStatus.Okay);
            value.Should().Be(expected[n]);
        }

        board.Simulation.Trace.Problems.Should().BeEmpty();
        board.Cpu.Load(0x5FDC, 4, out ulong other).Should().Be(BusStatus.Okay);
        other.Should().Be(0);
        board.Cpu.Store(0x5FE0, 4, 1);
        board.Simulation.Trace.Problems.Should().HaveCount(2);
    }

    [Theory]
    [InlineData("status = \"disabled\";", false)]
    [InlineData("status = \"fail\";", false)]
    [InlineData("status = \"okay\";", true)]
    [InlineData("status = \"ok\";", true)]
    [InlineData("", true)]
    public void A_disabled_node_is_not_there(string status, bool there)
    {
        Board board = Emulation.Assemble(
            $$"""rtc@1000 { compatible = "arm,pl031"; reg = <0x1000 0x1000>; {{status}} };"""
        );
        (board.Find("rtc@1000") is not null).Should().Be(there);
        board.Cpu.Load(0x1000, 4, out _).Should().Be(there ? BusStatus.Okay : BusStatus.DecodeError);
    }

    [Fact]
    public void What_hangs_on_a_disabled_bus_is_not_there_either() =>
        Emulation
            .Assemble(
                """
                soc {
                    compatible = "simple-bus"; #address-cells = <1>; #size-cells = <1>; ranges; status = "disabled";
                    rtc@1000 { compatible = "arm,pl031"; reg = <0x1000 0x1000>; };
                };
                """
            )
            .Devices.Should()
            .BeEmpty();

    [Fact]
    public void Nodes_that_describe_no_hardware_on_the_bus_are_no_devices() =>
        Emulation
            .Assemble(
                """
                chosen { compatible = "x"; reg = <0x1000 0x1000>; };
                cpus { #address-cells = <1>; #size-cells = <0>; cpu@0 { compatible = "arm,cortex-a15"; reg = <0>; }; };
                reserved-memory { #address-cells = <1>; #size-cells = <1>; ranges;
                    pool@3000 { compatible = "shared-dma-pool"; reg = <0x3000 0x1000>; };
                };
                clock { compatible = "fixed-clock"; };
                i2c { #address-cells = <1>; #size-cells = <0>; eeprom@50 { compatible = "atmel,24c02"; reg = <0x50>; }; };
                emulator,led { compatible = "acme,led"; reg = <0x4000 0x1000>; };
                """
            )
            .Devices.Should()
            .BeEmpty();

    [Fact]
    public void What_lies_below_a_fact_of_the_hardware_is_no_device() =>
        Emulation
            .Assemble(
                """
                emulator,cards { #address-cells = <1>; #size-cells = <1>; ranges;
                    card@4000 { compatible = "acme,card"; reg = <0x4000 0x1000>; };
                };
                """
            )
            .Devices.Should()
            .BeEmpty();

    [Fact]
    public void The_model_s_name_may_be_a_fact_of_the_hardware()
    {
        Board board = Emulation.Assemble(
            "rtc@1000 { compatible = \"acme,clock\"; reg = <0x1000 0x1000>; emulator,model = \"arm,pl031\"; };"
        );
        board.Find("rtc@1000")!.Device.Should().BeOfType<Peripherals.Pl031>();
        board.Find("rtc@1000")!.Compatible.Should().Equal("acme,clock");
    }

    [Fact]
    public void A_model_whose_node_has_no_reg_is_refused_with_its_path() =>
        Refusal("rtc { compatible = \"arm,pl031\"; };")
            .Should()
            .Be("/rtc: its model needs a 'reg' entry 0, and the node has 0");

    [Fact]
    public void Devices_that_overlap_are_refused_and_both_are_named() =>
        Refusal(
                """
                rtc: rtc@1000 { compatible = "arm,pl031"; reg = <0x1000 0x1000>; };
                lcd: lcd@1800 { compatible = "acme,lcd"; reg = <0x1800 0x1000>; };
                """
            )
            .Should()
            .Be("board test: Region 0x1800..0x27ff lcd overlaps 0x1000..0x1fff rtc on bus.");

    [Fact]
    public void A_broken_tree_is_refused_with_node_and_property() =>
        Refusal("rtc@1000 { compatible = \"arm,pl031\"; reg = <0x1000>; };")
            .Should()
            .Contain("/rtc@1000")
            .And.Contain("reg");

    [Fact]
    public void Memory_of_34_GiB_costs_nothing_until_it_is_written()
    {
        DeviceTree tree = DtsReader.Parse(
            """
            /dts-v1/;
            / {
                #address-cells = <2>; #size-cells = <2>;
                memory@80000000 { device_type = "memory"; reg = <0x0 0x80000000 0x0 0x80000000>, <0x8 0x0 0x8 0x0>; };
            };
            """,
            "big.dts"
        );
        Board board = Emulation.Library.Create("big", tree, new Simulation());
        board.Memory.Sum(region => (long)region.LengthBytes).Should().Be(34L << 30);
        board.Cpu.Store(0xF_FFFF_FFF8, 8, 0x0123_4567_89AB_CDEF).Should().Be(BusStatus.Okay);
        board.Cpu.Load(0xF_FFFF_FFF8, 8, out ulong value).Should().Be(BusStatus.Okay);
        value.Should().Be(0x0123_4567_89AB_CDEF);
        board.Memory.Sum(region => ((Ram)region.Target).TouchedBytes).Should().Be(Ram.ChunkBytes);
        board.Devices.Should().BeEmpty();
        board.Cpus.Should().ContainSingle("a board has a CPU even where the tree names none");
    }

    [Fact]
    public void Addresses_pass_the_ranges_of_the_buses_above()
    {
        Board board = Emulation.Assemble(
            """
            soc { compatible = "simple-bus"; #address-cells = <2>; #size-cells = <1>; ranges = <3 0 0x1c000000 0x200000>;
                rtc: rtc@3,170000 { compatible = "arm,pl031"; reg = <3 0x170000 0x1000>; };
            };
            """
        );
        board.Find("rtc")!.Regions[0].Start.Should().Be(0x1C17_0000);
    }

    [Fact]
    public void An_interrupt_is_wired_as_the_tree_says_even_to_a_controller_that_comes_later()
    {
        Board board = Emulation.Assemble(
            "rtc: rtc@1000 { compatible = \"arm,pl031\"; reg = <0x1000 0x1000>; interrupt-parent = <&gic>; "
                + "interrupts = <0 36 4>; };"
                + GicNode
        );
        board.Find("rtc")!.Interrupts.Should().ContainSingle().Which.Input!.Name.Should().Be("gic SPI 36");
        board.Warnings.Should().BeEmpty();
    }

    [Fact]
    public void A_line_without_an_interrupt_in_the_tree_is_wired_to_nothing()
    {
        Board board = Emulation.Assemble(Gic + "rtc: rtc@1000 { compatible = \"arm,pl031\"; reg = <0x1000 0x1000>; };");
        board.Find("rtc")!.Interrupts.Should().ContainSingle().Which.Input.Should().BeNull();
        board.Warnings.Should().BeEmpty();
    }

    [Fact]
    public void The_hardware_may_be_wired_otherwise_than_the_tree_says_with_a_warning()
    {
        Board board = Emulation.Assemble(
            Gic
                + "rtc: rtc@1000 { compatible = \"arm,pl031\"; reg = <0x1000 0x1000>; interrupts = <0 36 4>; "
                + "emulator,interrupts = <0 40 4>; };"
        );
        board.Find("rtc")!.Interrupts[0].Input!.Name.Should().Be("gic SPI 40");
        board
            .Warnings.Should()
            .ContainSingle()
            .Which.Should()
            .StartWith("rtc: wired otherwise than the device tree says")
            .And.Contain("gic SPI 40 (the tree says <0 36 4>)");
    }

    [Fact]
    public void A_line_to_a_controller_that_nobody_models_is_warned_of()
    {
        Board board = Emulation.Assemble(
            """
            interrupt-parent = <&pic>;
            pic: pic@9000 { compatible = "acme,pic"; interrupt-controller; #interrupt-cells = <1>; reg = <0x9000 0x1000>; };
            rtc: rtc@1000 { compatible = "arm,pl031"; reg = <0x1000 0x1000>; interrupts = <3>; };
            """
        );
        board
            .Warnings.Should()
            .ContainSingle()
            .Which.Should()
            .Be("rtc: RTCINTR goes to /pic@9000, which is not modelled; nothing will see it");
    }

    [Theory]
    [InlineData("<2 36 4>", "/rtc@1000: interrupt 0 <2 36 4> does not fit gic: the first cell of a GIC interrupt is *")]
    [InlineData("<0 999 4>", "/rtc@1000: interrupt 0 <0 999 4> does not fit gic: there is no SPI 999*")]
    [InlineData("<1 16 0x104>", "/rtc@1000: interrupt 0 <1 16 260> does not fit gic: there is no PPI 16*")]
    [InlineData("<0 36 3>", "/rtc@1000: interrupt 0 <0 36 3> does not fit gic: the trigger *")]
    [InlineData("<0 36>", "*/rtc@1000*interrupts*")]
    public void An_interrupt_that_the_controller_does_not_have_is_refused_with_the_reason(
        string cells,
        string message
    ) =>
        Refusal(
                Gic
                    + $$"""rtc: rtc@1000 { compatible = "arm,pl031"; reg = <0x1000 0x1000>; interrupts = {{cells}}; };"""
            )
            .Should()
            .Match(message);

    [Fact]
    public void A_device_that_is_no_interrupt_controller_takes_no_lines() =>
        Refusal(
                """
                interrupt-parent = <&ram>;
                ram: ram@9000 { compatible = "mtd-ram"; interrupt-controller; #interrupt-cells = <1>; reg = <0x9000 0x1000>; };
                rtc: rtc@1000 { compatible = "arm,pl031"; reg = <0x1000 0x1000>; interrupts = <3>; };
                """
            )
            .Should()
            .Be("/rtc@1000: interrupt 0 <3> does not fit ram: it is no interrupt controller");

    [Theory]
    [InlineData("emulator,interrupts = <0 40>;", "'emulator,interrupts' has 2 cells, which is no multiple of 3")]
    [InlineData("emulator,interrupts = <0 999 4>;", "there is no SPI 999")]
    public void A_wiring_that_cannot_be_is_refused(string wiring, string reason) =>
        Refusal(Gic + $$"""rtc@1000 { compatible = "arm,pl031"; reg = <0x1000 0x1000>; {{wiring}} };""")
            .Should()
            .Contain(reason)
            .And.Contain("/rtc@1000");

    [Fact]
    public void A_master_without_an_iommu_is_on_the_bus()
    {
        MasterPort port = PortOf("dma: dma@4000 { compatible = \"arm,pl330\"; reg = <0x4000 0x1000>; };");
        port.TargetName.Should().Be("bus");
        port.StreamIds.Should().BeEmpty();
    }

    [Fact]
    public void A_master_with_iommus_is_behind_them_even_if_they_come_later()
    {
        MasterPort port = PortOf(
            "dma: dma@4000 { compatible = \"arm,pl330\"; reg = <0x4000 0x1000>; iommus = <&smmu 0x10>, <&smmu 0x18>; "
                + "emulator,stream-id-shift = <3>; };"
                + Smmu
        );
        port.TargetName.Should().Be("smmu");
        port.StreamIds.Should().Equal(0x10, 0x18);
        port.StreamIdOf(7).Should().Be(0x10);
        port.StreamIdOf(8).Should().Be(0x18);
    }

    [Fact]
    public void The_older_binding_names_its_masters_at_the_iommu()
    {
        MasterPort port = PortOf(
            """
            dma: dma@4000 { compatible = "arm,pl330"; reg = <0x4000 0x1000>; #stream-id-cells = <2>; };
            smmu: iommu@30000000 { compatible = "arm,mmu-400"; reg = <0x30000000 0x10000>; mmu-masters = <&dma 5 6>; };
            """
        );
        port.TargetName.Should().Be("smmu");
        port.StreamIds.Should().Equal(5, 6);
        port.StreamIdOf(0).Should().Be(5);
        port.StreamIdOf(1).Should().Be(6);
    }

    [Fact]
    public void A_master_behind_an_iommu_that_nobody_models_is_on_the_bus_with_a_warning()
    {
        Board board = Emulation.Assemble(
            """
            dma: dma@4000 { compatible = "arm,pl330"; reg = <0x4000 0x1000>; iommus = <&ipmmu 0>; };
            ipmmu: iommu@30000000 { compatible = "acme,iommu"; #iommu-cells = <1>; reg = <0x30000000 0x10000>; };
            """
        );
        board.Find("dma")!.Ports[0].TargetName.Should().Be("bus");
        board
            .Warnings.Should()
            .ContainSingle()
            .Which.Should()
            .Be("dma: its IOMMU /iommu@30000000 is not modelled; its accesses go straight to the bus");
    }

    [Fact]
    public void An_attached_device_stands_where_the_tree_has_its_node()
    {
        Attachment window = new("/passthrough@4000", context => new Scratchpad(context));
        Board board = Emulation.Assemble(
            Gic + "passthrough@4000 { compatible = \"arm,pl031\"; reg = <0x4000 0x1000>; interrupts = <0 50 4>; };",
            window
        );
        BoardDevice device = board.Find("/passthrough@4000")!;
        device.Device.Should().BeOfType<Scratchpad>();
        device.Title.Should().Be("attached device");
        device.Interrupts[0].Input!.Name.Should().Be("gic SPI 50");
        board.Cpu.Store(0x4008, 4, 77);
        board.Cpu.Load(0x4008, 4, out ulong value);
        value.Should().Be(77);
    }

    [Theory]
    [InlineData("/nowhere")]
    [InlineData("/off@4000")]
    public void An_attachment_to_a_node_that_is_no_device_is_refused(string path) =>
        FluentActions
            .Invoking(() =>
                Emulation.Assemble(
                    "off@4000 { compatible = \"acme,off\"; reg = <0x4000 0x1000>; status = \"disabled\"; };",
                    new Attachment(path, context => new Scratchpad(context))
                )
            )
            .Should()
            .Throw<BoardException>()
            .WithMessage($"board test: *{path}*");

    [Fact]
    public void The_kernel_s_tree_has_no_fact_of_the_hardware_anywhere()
    {
        DeviceTree hardware = Emulation.Tree(
            """
            emulator,seed = <1>;
            emulator,leds { led { compatible = "acme,led"; emulator,colour = "red"; }; };
            soc { emulator,x;
                rtc@1000 { compatible = "arm,pl031"; emulator,epoch = <5>; reg = <0x1000 0x1000>;
                    emulator,deep { child { }; };
                    child { emulator,deeper = "x"; told = "yes"; };
                };
            };
            """
        );
        string before = DtsWriter.Write(hardware);
        DeviceTree kernel = HardwareFacts.KernelTree(hardware);
        string text = DtsWriter.Write(kernel);
        text.Should().NotContain("emulator,").And.NotContain("led").And.Contain("told = \"yes\"");
        kernel.FindByPath("/soc/rtc@1000/child").Should().NotBeNull();
        DtsWriter.Write(hardware).Should().Be(before, "the hardware keeps its tree");
    }

    [Fact]
    public void Registers_are_found_by_name_and_by_address()
    {
        Board board = Emulation.Assemble("rtc: rtc@1000 { compatible = \"arm,pl031\"; reg = <0x1000 0x1000>; };");
        BoardRegister register = board.Find("rtc")!.FindRegister("rtcmr")!.Value;
        (register.Address, register.Name).Should().Be((0x1004, "rtc.RTCMR"));
        board.FindRegister(0x1004)!.Value.Name.Should().Be("rtc.RTCMR");
        board.FindRegister(0x1006).Should().BeNull();
        board.FindRegister(0x5000).Should().BeNull();
        board.Find("rtc@1000").Should().BeSameAs(board.Find("rtc"));
        board.Find("/rtc@1000").Should().BeSameAs(board.Find("rtc"));
        board.Find("nothing").Should().BeNull();
    }

    [Fact]
    public void The_reset_button_resets_devices_and_leaves_memory_alone()
    {
        Board board = Emulation.Assemble(
            """
            memory@80000000 { device_type = "memory"; reg = <0x80000000 0x10000>; };
            ram@9000 { compatible = "mtd-ram"; reg = <0x9000 0x1000>; };
            rtc@1000 { compatible = "arm,pl031"; reg = <0x1000 0x1000>; };
            """
        );
        foreach (ulong address in new ulong[] { 0x8000_0000, 0x9000, 0x1004 })
        {
            board.Cpu.Store(address, 4, 0x55);
        }

        board.Reset();
        new ulong[] { 0x8000_0000, 0x9000, 0x1004 }
            .Select(address => (board.Cpu.Load(address, 4, out ulong value), value))
            .Should()
            .Equal((BusStatus.Okay, 0x55), (BusStatus.Okay, 0x55), (BusStatus.Okay, 0));
    }

    [Fact]
    public void Two_boards_in_one_simulation_share_its_clock_and_nothing_else()
    {
        var simulation = new Simulation();
        DeviceTree tree = Emulation.Tree("ram@9000 { compatible = \"mtd-ram\"; reg = <0x9000 0x1000>; };");
        Board host = Emulation.Library.Create("host", tree, simulation);
        Board guest = Emulation.Library.Create("guest", tree, simulation);
        host.Cpu.Store(0x9000, 4, 1);
        guest.Cpu.Load(0x9000, 4, out ulong value);
        value.Should().Be(0);
        guest.Simulation.Should().BeSameAs(host.Simulation);
    }

    private static MasterPort PortOf(string nodes)
    {
        Board board = Emulation.Assemble(nodes);
        board.Warnings.Should().BeEmpty();
        return board.Find("dma")!.Ports.Should().ContainSingle().Subject;
    }

    private static string Refusal(string nodes) =>
        FluentActions.Invoking(() => Emulation.Assemble(nodes)).Should().Throw<BoardException>().Which.Message;

    /// <summary>A caller's own device: a little memory and an interrupt.</summary>
    private sealed class Scratchpad : IDevice
    {
        public Scratchpad(DeviceContext context)
        {
            Name = context.Name;
            context.MapRegisters(0, new Ram(Name, context.RegisterSize(0)));
            context.Interrupt(0, "irq");
        }

        public string Name { get; }

        public IReadOnlyList<IRegisterWindow> Windows => [];

        public void Reset() { }
    }
}
