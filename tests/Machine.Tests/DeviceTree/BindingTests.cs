using Emulator.Machine.DeviceTrees;

namespace Emulator.Machine.Tests.DeviceTrees;

public sealed class BindingTests
{
    private readonly DeviceTree _board = DtsReader.Parse(BoardSource.Text, "board.dts");

    private DeviceTreeNode Node(string path) => _board.GetByPath(path);

    [Fact]
    public void Reg_is_read_by_the_cells_of_the_parent()
    {
        Node("/soc/dma@2c0a0000").ReadReg().Should().Equal(new RegEntry(new BusAddress(0x2c0a_0000), 0x1000));
        Node("/cpus/cpu@1").ReadReg().Should().Equal(new RegEntry(new BusAddress(1), 0));
        Node("/interrupt-controller").ReadReg().Should().HaveCount(2);
        Node("/soc").ReadReg().Should().BeEmpty();
        BusAddress card = Node("/pcie/card").ReadReg()[0].Address;
        card.High.Should().Be(0x800);
        card.Pci.Device.Should().Be(1);
        card.Pci.RequesterId.Should().Be(8);
        card.Pci.Space.Should().Be(PciSpace.Configuration);
    }

    [Fact]
    public void Cells_default_to_two_and_one_and_are_not_inherited()
    {
        DeviceTree tree = DtsReader.Parse("/dts-v1/; / { #address-cells = <1>; n { }; };", "t.dts");
        tree.GetByPath("/n").AddressCells().Should().Be(2);
        tree.GetByPath("/n").SizeCells().Should().Be(1);
    }

    [Fact]
    public void Addresses_are_translated_through_ranges_up_to_the_root()
    {
        Node("/soc/dma@2c0a0000").TranslateAddress(new BusAddress(0x2c0a_0000)).Should().Be(0x2c0a_0000);
        Node("/soc/device@10").ReadPhysicalReg()[0].Address.Value.Should().Be(0x1_0000_0010);
        Node("/soc/dma").TranslateAddress(new BusAddress(0x5000_0000)).Should().BeNull("no range has it");
        Node("/soc/hidden/spi@5").TranslateAddress(new BusAddress(5)).Should().BeNull("the bus has no ranges");
        Node("/interrupt-controller/msi-controller").ReadPhysicalReg()[0].Address.Value.Should().Be(0x2c02_0000);
        DeviceTreeNode card = Node("/pcie/card");
        card.TranslateAddress(new BusAddress(0x5001_1000, 0x0200_0000)).Should().Be(0x6001_1000);
        card.TranslateAddress(new BusAddress(0x5001_1000, 0x0300_0000)).Should().Be(0x6001_1000);
        card.TranslateAddress(new BusAddress(0x10, 0x0100_0000)).Should().Be(0x5000_0010);
        Action outside = () => Node("/soc/hidden/spi@5").ReadPhysicalReg();
        outside.Should().Throw<DeviceTreeException>().WithMessage("board.dts:*/soc/hidden/spi@5*'reg'*");
    }

    [Fact]
    public void Dma_addresses_are_translated_through_dma_ranges_or_unchanged_without()
    {
        Node("/soc/dma").TranslateDmaAddress(new BusAddress(0x1000)).Should().Be(0x8_0000_1000);
        Node("/soc/dma").TranslateDmaAddress(new BusAddress(0x9000_0000)).Should().BeNull();
        Node("/pcie/card").TranslateDmaAddress(new BusAddress(0x1000)).Should().Be(0x1000);
    }

    [Fact]
    public void Interrupts_go_to_the_inherited_parent_or_where_the_extended_form_says()
    {
        DeviceTreeNode gic = Node("/interrupt-controller");
        IReadOnlyList<InterruptSpecifier> dma = _board.ReadInterrupts(Node("/soc/dma"));
        dma.Should().HaveCount(2);
        dma[1].Controller.Should().BeSameAs(gic);
        dma[1].Cells.Should().Equal(0, 89, 4);
        IReadOnlyList<InterruptSpecifier> low = _board.ReadInterrupts(Node("/soc/device@10"));
        low.Select(interrupt => interrupt.Controller.BaseName).Should().Equal("interrupt-controller", "gpio");
        low[1].Cells.Should().Equal(3, 1);
        _board.ReadInterrupts(Node("/chosen")).Should().BeEmpty();
    }

    [Fact]
    public void Pci_interrupts_are_mapped_by_the_host_bridge()
    {
        _board.ReadInterrupts(Node("/pcie/card"))[0].Cells.Should().Equal(0, 103, 4);
        _board
            .ResolveInterrupt(Node("/pcie"), [PciAddress.ConfigurationHigh(0x28), 0, 0], [1])
            .Cells.Should()
            .Equal([0, 102, 4], "device 5 looks like device 1 under the mask");
        Action unmapped = () => _board.ResolveInterrupt(Node("/pcie"), [0, 0, 0], [3]);
        unmapped.Should().Throw<DeviceTreeException>().WithMessage("*/pcie@40000000*'interrupt-map'*<0x3>*");
        InterruptBindings.SwizzlePciPin(1, 1).Should().Be(2);
        InterruptBindings.SwizzlePciPin(4, 1).Should().Be(1);
    }

    [Fact]
    public void Stream_ids_come_from_iommus_from_iommu_map_and_from_the_legacy_masters()
    {
        DeviceTreeNode smmu = Node("/soc/iommu");
        _board.ReadIommus(Node("/soc/dma")).Select(entry => entry.Args[0]).Should().Equal(3, 4);
        _board.MapIommu(Node("/pcie"), 0xf).Should().Be(new MappedId(smmu, 0x108));
        _board.MapIommu(Node("/pcie"), 0x1ff).Should().Be(new MappedId(smmu, 0x2f8));
        _board.MapIommu(Node("/pcie"), 0x200).Should().BeNull();
        _board.MapIommu(Node("/soc"), 0).Should().BeNull();
        IReadOnlyList<MmuMaster> masters = _board.ReadMmuMasters(smmu);
        masters.Select(master => master.Master.Name).Should().Equal("dma@2c0a0000", "spi@5");
        masters[0].StreamIds.Should().Equal(0x20, 0x21);
    }

    [Fact]
    public void Msi_controllers_come_from_msi_map_and_msi_parent()
    {
        DeviceTreeNode its = Node("/interrupt-controller/msi-controller");
        _board.MapMsi(Node("/pcie"), 0x0801).Should().Be(new MappedId(its, 0x1801));
        _board.ReadMsiParents(Node("/pcie")).Single().Node.Should().BeSameAs(its);
    }

    [Fact]
    public void Clocks_and_gpios_are_phandles_with_as_many_cells_as_their_provider_says()
    {
        IReadOnlyList<PhandleArgs> clocks = _board.ReadClocks(Node("/soc/serial"));
        clocks.Select(clock => clock.Node!.Name).Should().Equal("clock", "pll");
        clocks[1].Args.Should().Equal(1, 2);
        Node("/soc/serial").FindNamedIndex("clock-names", "apb_pclk").Should().Be(1);
        Node("/soc/serial").FindNamedIndex("clock-names", "none").Should().BeNull();
        _board.ReadGpios(Node("/keys/button"))[0].Args.Should().Equal(5, 1);
        IReadOnlyList<PhandleArgs> reset = _board.ReadGpios(Node("/keys/button"), "reset");
        reset[0].Node.Should().BeNull("phandle 0 leaves the entry empty");
        reset[1].Args.Should().Equal(6, 0);
    }

    [Fact]
    public void Memory_and_the_console_are_found()
    {
        _board.ReadMemory().Select(entry => entry.LengthBytes).Should().Equal(0x8000_0000, 0x1_0000_0000);
        (DeviceTreeNode Node, string? Options)? console = _board.ReadStdoutPath();
        console!.Value.Node.Path.Should().Be("/soc/serial@2c090000");
        console.Value.Options.Should().Be("115200n8");
        _board.FindByPath("serial0")!.Path.Should().Be("/soc/serial@2c090000");
        _board.FindByPath("nothing").Should().BeNull();
    }

    [Theory]
    [InlineData("n { reg = <1 2>; };", "*/n: property 'reg'*2 cells*needs 3*")]
    [InlineData("n { reg = [01]; };", "*/n: property 'reg'*no multiple of 4*")]
    [InlineData("#address-cells = <4>; n { reg = <1>; };", "*'#address-cells'*4 cells*")]
    [InlineData("n { interrupts = <1>; };", "*/n: property 'interrupts'*interrupt-parent*")]
    [InlineData("n { interrupt-parent = <77>; interrupts = <1>; };", "*/n: property 'interrupt-parent'*0x4d*")]
    [InlineData("n { clocks = <99>; };", "*/n: property 'clocks'*0x63*")]
    [InlineData("m: m { }; n { clocks = <&m>; };", "*/n: property 'clocks'*/m*#clock-cells*")]
    [InlineData("m: m { #clock-cells = <2>; }; n { clocks = <&m 1>; };", "*/n: property 'clocks'*middle of an entry*")]
    [InlineData("a: n { interrupt-parent = <&b>; interrupts = <1>; }; b: b { interrupt-parent = <&a>; };", "*circle*")]
    public void A_broken_property_is_refused_with_its_place_node_and_name(string body, string message)
    {
        DeviceTree tree = DtsReader.Parse("/dts-v1/; / { " + body + " };", "t.dts");
        DeviceTreeNode node = tree.GetByPath("/n");
        Action read = () =>
        {
            _ = node.ReadReg();
            _ = tree.ReadInterrupts(node);
            _ = tree.ReadClocks(node);
        };
        read.Should().Throw<DeviceTreeException>().WithMessage(message).WithMessage("t.dts:1:*");
    }
}
