using Emulator.Machine;

namespace Emulator.Peripherals.Tests;

/// <summary>The UART's DMA requests.</summary>
public sealed class Pl011DmaTests
{
    private const ulong Data = 0x000;
    private const ulong RawInterrupts = 0x03C;
    private const ulong InterruptClear = 0x044;
    private const ulong DmaControl = 0x048;

    private readonly StandaloneContext _context = new StandaloneContext("uart").With("emulator,boot-baud", 115_200);
    private readonly Recorder _rx = new("rx");
    private readonly Recorder _tx = new("tx");
    private readonly Pl011 _uart;

    public Pl011DmaTests()
    {
        _uart = new Pl011(_context);
        _context.DmaRequests["rx"].Connect(_rx);
        _context.DmaRequests["tx"].Connect(_tx);
    }

    private void Write(ulong offset, uint value) =>
        _context.Registers[0].WriteWord(offset, 4, value, default).Should().Be(BusStatus.Okay);

    private uint Read(ulong offset)
    {
        _context.Registers[0].ReadWord(offset, 4, out ulong value, default).Should().Be(BusStatus.Okay);
        return (uint)value;
    }

    private void Acknowledge(string line, DmaAcknowledge kind) =>
        ((IDmaClient)_uart).OnDmaAcknowledge(_context.DmaRequests[line], kind);

    [Fact]
    public void Nothing_is_requested_until_it_is_enabled()
    {
        _uart.Receive(1, SerialErrors.None);
        (_rx.Requests.Count + _tx.Requests.Count).Should().Be(0);
        Write(DmaControl, 1);
        _rx.Requests.Should().Equal(DmaRequestKind.Single);
        _tx.Requests.Should().BeEmpty();
    }

    [Fact]
    public void One_character_is_a_single_request_and_the_trigger_level_a_burst()
    {
        Write(DmaControl, 1);
        for (byte n = 0; n < 16; n++)
        {
            _uart.Receive(n, SerialErrors.None);
        }

        _rx.Requests.Should().Equal([DmaRequestKind.Single], "one is under way");
        Read(Data);
        _uart.Receive(16, SerialErrors.None);
        Acknowledge("rx", DmaAcknowledge.Single);
        _rx.Requests.Should().Equal(DmaRequestKind.Single, DmaRequestKind.Burst);
    }

    [Fact]
    public void An_empty_transmit_FIFO_asks_for_a_burst_a_full_one_for_nothing()
    {
        Write(DmaControl, 2);
        _tx.Requests.Should().Equal(DmaRequestKind.Burst);
        for (uint n = 0; n < 33; n++)
        {
            Write(Data, n);
        }

        Acknowledge("tx", DmaAcknowledge.Burst);
        _tx.Requests.Should().HaveCount(1, "the FIFO is full");
        _context.Simulation.RunFor(_uart.CharacterTime);
        _tx.Requests.Should().Equal(DmaRequestKind.Burst, DmaRequestKind.Single);
    }

    [Fact]
    public void A_flush_has_the_level_signalled_again()
    {
        Write(DmaControl, 2);
        Acknowledge("tx", DmaAcknowledge.Flush);
        _tx.Requests.Should().Equal(DmaRequestKind.Burst, DmaRequestKind.Burst);
    }

    [Fact]
    public void With_DMAONERR_an_error_holds_requests_until_it_is_cleared()
    {
        Write(DmaControl, 5);
        _uart.Receive(1, SerialErrors.Framing);
        (Read(RawInterrupts) & (1 << 7)).Should().NotBe(0);
        _rx.Requests.Should().BeEmpty();
        Write(InterruptClear, 0x7FF);
        _rx.Requests.Should().Equal(DmaRequestKind.Single);
    }

    [Fact]
    public void A_request_that_is_not_taken_is_made_again()
    {
        _rx.Takes = false;
        Write(DmaControl, 1);
        _uart.Receive(1, SerialErrors.None);
        _rx.Takes = true;
        _uart.Receive(2, SerialErrors.None);
        _rx.Requests.Should().Equal(DmaRequestKind.Single, DmaRequestKind.Single);
    }

    private sealed class Recorder(string name) : IDmaRequestInput
    {
        public List<DmaRequestKind> Requests { get; } = [];

        public bool Takes { get; set; } = true;

        public string Name { get; } = name;

        public bool Request(DmaRequestKind kind, bool last)
        {
            Requests.Add(kind);
            return Takes;
        }
    }
}
