using Emulator.Machine;

namespace Emulator.Boards.Tests;

/// <summary>DMA requests between devices of a board, wired as the tree says.</summary>
public sealed class DmaWiringTests
{
    private const string Controller =
        "dma: dma@1000 { compatible = \"arm,pl330\"; reg = <0x1000 0x1000>; #dma-cells = <1>; emulator,peripherals = <4>; };";

    private static Board Assemble(string wiring, string controller = Controller) =>
        Emulation.Assemble(
            controller + $" uart: serial@2000 {{ compatible = \"arm,pl011\"; reg = <0x2000 0x1000>; {wiring} }};"
        );

    [Theory]
    [InlineData("dmas = <&dma 2>, <&dma 3>; dma-names = \"rx\", \"tx\";")]
    [InlineData("dmas = <&dma 3>, <&dma 2>; dma-names = \"tx\", \"rx\";")]
    [InlineData("emulator,dmas = <&dma 2>, <&dma 3>; emulator,dma-names = \"rx\", \"tx\";")]
    public void A_UARTs_requests_arrive_at_the_interfaces_that_are_named(string wiring)
    {
        Board board = Assemble(wiring);
        var dma = (Peripherals.Dma330)board.Find("dma")!.Device!;

        board.Cpu.Store(0x2048, 4, 2).Should().Be(BusStatus.Okay); // UARTDMACR.TXDMAE

        (dma.PendingRequests(2), dma.PendingRequests(3)).Should().Be((0, 1));
    }

    [Fact]
    public void Without_wiring_requests_go_nowhere()
    {
        Board board = Assemble("");

        board.Cpu.Store(0x2048, 4, 3).Should().Be(BusStatus.Okay);

        board.Warnings.Should().BeEmpty();
    }

    [Theory]
    [InlineData(
        "dmas = <&dma 4>; dma-names = \"rx\";",
        "/serial@2000: DMA rx <4> does not fit dma: it takes one cell, an interface below 4"
    )]
    [InlineData(
        "dmas = <&dma 1>, <&dma 1>; dma-names = \"rx\", \"tx\";",
        "/serial@2000: DMA tx <1> does not fit dma: something is wired to interface 1 already"
    )]
    [InlineData(
        "dmas = <&uart>; dma-names = \"rx\"; #dma-cells = <0>;",
        "/serial@2000: DMA rx <> does not fit uart: it is no DMA controller"
    )]
    public void Wiring_that_cannot_be_is_refused(string wiring, string message)
    {
        Action assemble = () => Assemble(wiring);

        assemble.Should().Throw<BoardException>().WithMessage(message);
    }

    [Fact]
    public void A_controller_that_nobody_models_is_warned_of() =>
        Assemble(
            "dmas = <&dma 1>; dma-names = \"rx\";",
            "dma: dma@1000 { compatible = \"acme,dma\"; reg = <0x1000 0x1000>; #dma-cells = <1>; };"
        )
            .Warnings.Should()
            .ContainSingle()
            .Which.Should()
            .Be("uart: its DMA requests rx go to /dma@1000, which is not modelled; nothing will see them");
}
