using System.Globalization;
using Emulator.Machine;
using Emulator.Machine.DeviceTrees;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.Boards.Tests;

/// <summary>The fvp-ve board: what is where, what is wired to what.</summary>
public sealed class FvpVeTests
{
    private static readonly ServiceProvider Services = new ServiceCollection().AddEmulator().BuildServiceProvider();

    private static IBoardLibrary Library => Services.GetRequiredService<IBoardLibrary>();

    [Theory]
    [InlineData("dma0", 0x2C0A_0000UL, 64, new uint[] { 0x0, 0x8 })]
    [InlineData("dma1", 0x2C0A_1000UL, 96, new uint[] { 0x1, 0x9 })]
    [InlineData("dma2", 0x2C0A_2000UL, 128, new uint[] { 0x2, 0xA })]
    [InlineData("dma3", 0x2C0A_3000UL, 160, new uint[] { 0x3, 0xB })]
    public void A_DMAC_stands_behind_the_SMMU_with_eight_interrupts(string name, ulong address, int spi, uint[] streams)
    {
        BoardDevice dmac = Create().Find(name)!;

        dmac.Regions[0].Start.Should().Be(address);
        dmac.Interrupts.Where(line => line.Input is not null)
            .Select(line => line.Input!.Name)
            .Should()
            .Equal(Enumerable.Range(spi, 8).Select(n => string.Create(CultureInfo.InvariantCulture, $"gic SPI {n}")));
        dmac.Interrupts.Single(line => line.Name is "irq_abort").Input.Should().BeNull();
        dmac.Ports.Single().TargetName.Should().Be("smmu");
        dmac.Ports.Single().StreamIds.Should().Equal(streams);
    }

    [Fact]
    public void A_channel_carries_the_first_stream_ID_and_the_manager_the_second()
    {
        MasterPort port = Create().Find("dma2")!.Ports.Single();

        Enumerable.Range(0, 8).Select(channel => port.StreamIdOf((uint)channel)).Should().AllBeEquivalentTo(2U);
        port.StreamIdOf(8).Should().Be(0xA);
    }

    [Fact]
    public void All_context_banks_share_SPI_60() =>
        Create()
            .Find("smmu")!
            .Interrupts.Where(line => line.Name.StartsWith("cxt", StringComparison.Ordinal))
            .Select(line => line.Input!.Name)
            .Should()
            .HaveCount(7)
            .And.AllBe("gic SPI 60");

    [Fact]
    public void The_DMACs_identify_themselves_as_the_guide_needs_them()
    {
        Board board = Create();

        Read(board, "dma0", "CR0").Should().Be(0x003F_F071, "8 channels, 32 events, manager Secure");
        (Read(board, "dma0", "CRD") & 7).Should().Be(4, "128 bits");
        ((Read(board, "dma0", "CRD") >> 20) + 1).Should().Be(1024, "MFIFO lines");
        Read(board, "dma0", "CR3").Should().Be(0xFFFF_FFFF, "INS");
        Read(board, "dma0", "CR4").Should().Be(0xFFFF_FFFF, "PNS");
        Read(board, "dma0", "periph_id_2").Should().Be(0x34, "r1p2");
        (Read(board, "smmu", "PIDR2") >> 4).Should().Be(0, "SMMUv1");
        (Read(board, "smmu", "IDR1") & 0xFF).Should().Be(8, "context banks");
    }

    [Fact]
    public void The_guides_interrupt_base_of_dma3_is_warned_of()
    {
        Board board = Library.Create(
            "fvp-ve",
            new Dictionary<string, ulong> { ["dmac3_int_base"] = 168 },
            new Simulation()
        );

        board.Find("dma3")!.Interrupts[0].Input!.Name.Should().Be("gic SPI 168");
        board.Warnings.Should().ContainSingle().Which.Should().Contain("dma3").And.Contain("SPI 168");
    }

    [Fact]
    public void Without_its_interrupt_the_SMMU_is_wired_to_nothing()
    {
        Board board = Library.Create("fvp-ve", new Dictionary<string, ulong> { ["smmu_irq"] = 0 }, new Simulation());

        board.Find("smmu")!.Interrupts.Should().OnlyContain(line => line.Input == null);
    }

    [Theory]
    [InlineData("dmac4_int_base", 64)]
    [InlineData("dmac0_int_base", 1000)]
    [InlineData("smmu_irq", 7)]
    public void An_option_that_the_board_does_not_take_is_refused(string option, ulong value)
    {
        Action create = () =>
            Library.Create("fvp-ve", new Dictionary<string, ulong> { [option] = value }, new Simulation());

        create.Should().Throw<BoardException>().WithMessage($"*{option}*");
    }

    [Fact]
    public void The_kernel_is_told_nothing_of_the_facts_of_the_hardware()
    {
        DeviceTree tree = HardwareFacts.KernelTree(Library.Tree("fvp-ve"));

        DtsWriter.Write(tree).Should().NotContain("emulator,");
        tree.FindByPath("/smmu@2c0b0000")!.Compatible.Should().Equal("arm,smmu-v2");
    }

    private static Board Create() => Library.Create("fvp-ve", options: null, new Simulation());

    private static ulong Read(Board board, string device, string register)
    {
        BoardRegister found = board.Find(device)!.FindRegister(register)!.Value;
        board.Cpu.Load(found.Address, 4, out ulong value).Should().Be(BusStatus.Okay);
        return value;
    }
}
