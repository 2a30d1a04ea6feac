using Emulator.Machine;

namespace Emulator.Peripherals.Tests;

/// <summary>The Non-secure APB port: what it shows, and what it lets happen.</summary>
public sealed class Dma330NonSecurePortTests
{
    private const ulong Inten = 0x020;
    private const ulong Ris = 0x024;
    private const ulong Intclr = 0x02C;
    private const ulong Fsrc = 0x034;

    private static Transaction Signals => default;

    private static (Dma330Bench Bench, IBusTarget Port) Make(params (string, uint)[] options)
    {
        var bench = new Dma330Bench(context => context.WithRegisterSize(1, 0x1000), options);
        return (bench, bench.Context.Registers[1]);
    }

    private static uint Read(IBusTarget port, ulong offset)
    {
        port.ReadWord(offset, 4, out ulong value, Signals).Should().Be(BusStatus.Okay);
        return (uint)value;
    }

    private static void Write(IBusTarget port, ulong offset, uint value) =>
        port.WriteWord(offset, 4, value, Signals).Should().Be(BusStatus.Okay);

    [Fact]
    public void Without_a_second_window_there_is_none() =>
        new Dma330Bench().Context.Registers.Should().ContainKey(0).And.NotContainKey(1);

    [Fact]
    public void With_a_secure_manager_nothing_of_the_controller_is_seen()
    {
        (Dma330Bench bench, IBusTarget port) = Make();
        bench["CR0"].Should().NotBe(0);
        for (ulong offset = 0; offset < 0x1000; offset += 4)
        {
            Read(port, offset).Should().Be(0, $"0x{offset:x} belongs to a Secure resource");
        }

        var block = new byte[16];
        port.Read(0xFF0, block, Signals).Should().Be(BusStatus.Okay);
        block.Should().OnlyContain(value => value == 0);
    }

    [Fact]
    public void With_a_nonsecure_manager_its_registers_are_seen()
    {
        (Dma330Bench bench, IBusTarget port) = Make(("boot-manager-ns", 1));
        Read(port, 0x000).Should().Be(0x200);
        Read(port, 0xE00).Should().Be(bench["CR0"]).And.NotBe(0);
        Read(port, 0xFF0).Should().Be(0x0D);
        var block = new byte[8];
        port.Read(0xFF0, block, Signals);
        block.Should().Equal(0x0D, 0, 0, 0, 0xF0, 0, 0, 0);
    }

    [Fact]
    public void Bits_of_secure_events_are_neither_seen_nor_changed()
    {
        (Dma330Bench bench, IBusTarget port) = Make(("ins", 0b0110));
        bench["INTEN"] = 0b1001;
        Write(port, Inten, 0xFFFF_FFFF);
        bench["INTEN"].Should().Be(0b1111);
        Read(port, Inten).Should().Be(0b0110);

        bench.Run("34 08 34 00 00"); // DMASEV 1, DMASEV 0
        bench["INT_EVENT_RIS"].Should().Be(0b0011);
        Read(port, Ris).Should().Be(0b0010);
        Write(port, Intclr, 0b0011);
        bench["INT_EVENT_RIS"].Should().Be(0b0001);
    }

    [Fact]
    public void A_secure_channel_is_hidden_and_a_nonsecure_one_is_shown()
    {
        (Dma330Bench bench, IBusTarget port) = Make();
        bench.Run("54 05 00 FF"); // DMAADDH SAR, 5; undefined
        bench.Run("54 05 00 FF", channel: 1, nonSecure: true);
        bench["FSRC"].Should().Be(0b11);
        Read(port, Fsrc).Should().Be(0b10);
        (Read(port, 0x400), Read(port, 0x420)).Should().Be((0, 5));
        (Read(port, 0x100), Read(port, 0x108)).Should().Be((0, 0x0020_000F));
        (Read(port, 0x040), Read(port, 0x044)).Should().Be((0, 1));
    }

    [Theory]
    [InlineData(0U, false)]
    [InlineData(1U, true)]
    public void Debug_instructions_are_taken_from_it_only_while_the_manager_is_nonsecure(uint nonSecure, bool runs)
    {
        (Dma330Bench bench, IBusTarget port) = Make(("boot-manager-ns", nonSecure));
        bench.Write(0x1000, Dma330Bench.Bytes("54 05 00 00"));
        Write(port, 0xD08, 0x00A2_0000);
        Write(port, 0xD0C, 0x1000);
        Write(port, 0xD04, 0);
        bench.Settle();
        bench["SAR0"].Should().Be(runs ? 5U : 0U);
    }
}
