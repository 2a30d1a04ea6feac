using Emulator.Machine;

namespace Emulator.Peripherals.Tests;

public sealed class Pl011Tests
{
    private const ulong DR = 0x000;
    private const ulong RSR = 0x004;
    private const ulong FR = 0x018;
    private const ulong IBRD = 0x024;
    private const ulong FBRD = 0x028;
    private const ulong LCRH = 0x02C;
    private const ulong CR = 0x030;
    private const ulong IFLS = 0x034;
    private const ulong IMSC = 0x038;
    private const ulong RIS = 0x03C;
    private const ulong MIS = 0x040;
    private const ulong ICR = 0x044;
    private const ulong DMACR = 0x048;

    private const uint Rx = 1 << 4;
    private const uint Tx = 1 << 5;
    private const uint Rt = 1 << 6;
    private const uint Oe = 1 << 10;

    /// <summary>24 MHz / (16 x 13 1/64): 115 200 baud within 0.2 %; ten bits of it.</summary>
    private static readonly long Character = Bits(10);

    private readonly StandaloneContext _context = new("uart");
    private readonly Terminal _terminal = new();

    private static long Bits(int count) => count * (13L * 64 + 1) * VirtualTime.Second / (4 * 24_000_000);

    private Simulation Simulation => _context.Simulation;

    private bool Line => _context.Lines["UARTINTR"].Level;

    private Pl011 Make(bool fifos = true, uint control = 0x301, uint revision = 3)
    {
        var uart = new Pl011(_context.With("emulator,revision", revision)) { Backend = _terminal };
        _terminal.Simulation = Simulation;
        _context.Bus.Map("uart", 0, 0x1000, _context.Registers[0]);
        Write(IBRD, 13);
        Write(FBRD, 1);
        Write(LCRH, fifos ? 0x70u : 0x60u);
        Write(CR, control);
        return uart;
    }

    private uint Read(ulong offset, int sizeBytes = 4)
    {
        _context.Bus.ReadWord(offset, sizeBytes, out ulong value, default).Should().Be(BusStatus.Okay);
        return (uint)value;
    }

    private void Write(ulong offset, uint value, int sizeBytes = 4) =>
        _context.Bus.WriteWord(offset, sizeBytes, value, default).Should().Be(BusStatus.Okay);

    private void Receive(Pl011 uart, string text)
    {
        foreach (char character in text)
        {
            uart.Receive((byte)character);
        }

        Simulation.RunFor(text.Length * Character);
    }

    [Fact]
    public void The_state_has_no_padding() => StatePadding.MustBeAbsent(Make());

    [Fact]
    public void After_reset_it_is_off_and_its_FIFOs_are_empty()
    {
        Pl011 uart = Make();
        uart.Reset();
        Read(CR).Should().Be(0x300);
        Read(IFLS).Should().Be(0x12);
        (Read(FR) & 0xF8).Should().Be(0x90);
        Read(LCRH).Should().Be(0);
        Line.Should().BeFalse();
    }

    [Fact]
    public void Characters_leave_one_after_another_at_the_baud_rate()
    {
        Make();
        Write(DR, 'a');
        Write(DR, 'b', sizeBytes: 1);
        Write(DR, 'c', sizeBytes: 2);
        Read(FR).Should().Be(0x1F, "busy, nothing received, neither full nor empty");
        Simulation.RunUntil(Character - 1);
        _terminal.Text.Should().BeEmpty();
        Simulation.RunUntil(10 * Character);
        _terminal.Text.Should().Be("abc");
        _terminal.Times.Should().Equal(Character, 2 * Character, 3 * Character);
        Read(FR).Should().Be(0x97);
    }

    [Theory]
    [InlineData(0x60u, 10)]
    [InlineData(0x62u, 11)]
    [InlineData(0x68u, 11)]
    [InlineData(0x6Au, 12)]
    [InlineData(0x00u, 7)]
    public void The_frame_format_decides_how_long_a_character_takes(uint lineControl, int bits)
    {
        Pl011 uart = Make();
        Write(LCRH, lineControl);
        uart.CharacterTime.Should().Be(Bits(bits));
    }

    [Fact]
    public void A_baud_rate_counts_from_the_next_write_of_the_line_control()
    {
        Pl011 uart = Make();
        Write(IBRD, 26);
        Write(FBRD, 2);
        uart.CharacterTime.Should().Be(Character);
        Write(LCRH, 0x70);
        uart.CharacterTime.Should().BeCloseTo(2 * Character, 1);
    }

    [Fact]
    public void Without_a_baud_rate_nothing_leaves_and_that_is_reported()
    {
        Make();
        Write(IBRD, 0);
        Write(LCRH, 0x70);
        Write(DR, 'x');
        Simulation.RunUntil(VirtualTime.Second);
        _terminal.Text.Should().BeEmpty();
        Simulation.Trace.Problems.Should().ContainSingle().Which.Kind.Name.Should().Be("uart.no-baud-rate");
    }

    [Fact]
    public void A_disabled_uart_keeps_what_it_shall_send()
    {
        Make(control: 0x300);
        Write(DR, 'x');
        Simulation.RunUntil(VirtualTime.Second);
        _terminal.Text.Should().BeEmpty();
        Write(CR, 0x301);
        Simulation.RunFor(Character);
        _terminal.Text.Should().Be("x");
    }

    [Theory]
    [InlineData(3u, 32)]
    [InlineData(1u, 16)]
    public void The_FIFOs_are_as_deep_as_the_revision_says(uint revision, int depth)
    {
        Make(revision: revision, control: 0x300);
        for (int count = 0; count < depth; count++)
        {
            (Read(FR) & 1 << 5).Should().Be(0);
            Write(DR, 'x');
        }

        (Read(FR) & 1 << 5).Should().Be(1 << 5);
        Write(DR, 'y');
        Simulation.Trace.Problems.Should().ContainSingle().Which.Kind.Name.Should().Be("uart.transmit-overflow");
        (Read(0xFE8) >> 4).Should().Be(revision);
    }

    [Fact]
    public void Without_FIFOs_there_is_one_holding_register_each_way()
    {
        Pl011 uart = Make(fifos: false);
        Write(DR, 'a');
        Write(DR, 'b');
        (Read(FR) & 1 << 5).Should().Be(1 << 5, "one shifts, one is held");
        Receive(uart, "x");
        (Read(FR) & 1 << 6).Should().Be(1 << 6);
        (Read(RIS) & Rx).Should().Be(Rx);
        Receive(uart, "y");
        (Read(RIS) & Oe).Should().Be(Oe);
        Read(DR).Should().Be('x');
    }

    [Theory]
    [InlineData(0u, 4)]
    [InlineData(1u, 8)]
    [InlineData(2u, 16)]
    [InlineData(3u, 24)]
    [InlineData(4u, 28)]
    public void The_receive_interrupt_comes_at_its_level_and_goes_below_it(uint select, int level)
    {
        Pl011 uart = Make();
        Write(IFLS, select << 3);
        Write(IMSC, Rx);
        Receive(uart, new string('x', level - 1));
        Line.Should().BeFalse();
        Receive(uart, "y");
        Line.Should().BeTrue();
        Read(MIS).Should().Be(Rx);
        Read(DR);
        Line.Should().BeFalse();
    }

    [Theory]
    [InlineData(0u, 4)]
    [InlineData(2u, 16)]
    [InlineData(4u, 28)]
    public void The_transmit_interrupt_comes_when_the_FIFO_falls_to_its_level(uint select, int level)
    {
        Make();
        Write(IFLS, select);
        Write(IMSC, Tx);
        Line.Should().BeFalse("an empty FIFO has not fallen");
        for (int count = 0; count < level + 2; count++)
        {
            Write(DR, 'x');
        }

        Line.Should().BeFalse("one is being shifted out, the FIFO is one above its level");
        Simulation.RunFor(Character);
        Line.Should().BeTrue();
        Write(DR, 'y');
        Line.Should().BeFalse("it is above the level again");
        Simulation.RunFor(Character);
        Line.Should().BeTrue();
        Write(ICR, Tx);
        Line.Should().BeFalse();
    }

    [Fact]
    public void A_few_characters_that_nobody_reads_raise_the_timeout_after_32_bits()
    {
        Pl011 uart = Make();
        Write(IMSC, Rt);
        Receive(uart, "ab");
        Simulation.RunFor(Bits(32) - 1);
        Line.Should().BeFalse();
        Simulation.RunFor(1);
        Line.Should().BeTrue();
        Read(DR).Should().Be('a');
        Line.Should().BeTrue();
        Read(DR).Should().Be('b');
        Line.Should().BeFalse();
        Read(FR).Should().Be(0x97);
    }

    [Fact]
    public void What_a_terminal_types_arrives_no_faster_than_the_baud_rate()
    {
        Pl011 uart = Make();
        uart.Receive((byte)'a');
        uart.Receive((byte)'b');
        Simulation.RunUntil(Character);
        Read(DR).Should().Be('a');
        (Read(FR) & 1 << 4).Should().Be(1 << 4);
        Simulation.RunUntil(2 * Character);
        Read(DR).Should().Be('b');
    }

    [Fact]
    public void The_character_after_an_overrun_says_that_one_was_lost()
    {
        Pl011 uart = Make();
        Receive(uart, new string('x', 32));
        Receive(uart, "L");
        Read(RIS).Should().Be(Rx | Oe);
        Read(RSR).Should().Be(1 << 3);
        Read(DR).Should().Be('x');
        Receive(uart, "n");
        for (int count = 0; count < 31; count++)
        {
            Read(DR).Should().Be('x');
        }

        Read(DR).Should().Be('n' | 1 << 11);
        Write(RSR, 0);
        Read(RSR).Should().Be(0);
        Write(ICR, Oe);
        (Read(RIS) & Oe).Should().Be(0);
    }

    [Theory]
    [InlineData(SerialErrors.Framing, 0)]
    [InlineData(SerialErrors.Parity, 1)]
    [InlineData(SerialErrors.Break, 2)]
    public void A_bad_character_carries_its_error_and_raises_an_interrupt(SerialErrors error, int place)
    {
        Pl011 uart = Make();
        uart.Receive(0x55, error);
        uart.Receive(0x56, SerialErrors.None);
        Read(RIS).Should().Be(1u << (7 + place));
        Read(DR).Should().Be(0x55u | 1u << (8 + place));
        Read(RSR).Should().Be(1u << place);
        Read(DR).Should().Be(0x56);
        Read(RSR).Should().Be(0);
    }

    [Fact]
    public void In_loopback_it_hears_itself_and_nobody_else()
    {
        Pl011 uart = Make(control: 0x381);
        Write(DR, 'z');
        Receive(uart, "no");
        Read(DR).Should().Be('z');
        (Read(FR) & 1 << 4).Should().Be(1 << 4);
        _terminal.Text.Should().BeEmpty();
    }

    [Fact]
    public void In_loopback_the_modem_outputs_are_the_inputs()
    {
        Make();
        Write(CR, 0x381);
        (Read(FR) & 0x107).Should().Be(0);
        Write(ICR, 0x7FF);
        Write(CR, 0x381 | 1 << 11 | 1 << 13);
        (Read(FR) & 0x107).Should().Be(0x101);
        Read(RIS).Should().Be(0b0011, "RI and CTS changed");
    }

    [Fact]
    public void A_break_is_sent_after_the_current_character_and_seen_in_loopback()
    {
        Make();
        Write(DR, 'a');
        Write(LCRH, 0x71);
        _terminal.IsBroken.Should().BeFalse();
        Simulation.RunFor(Character);
        _terminal.IsBroken.Should().BeTrue();
        Write(LCRH, 0x70);
        _terminal.IsBroken.Should().BeFalse();
        Write(CR, 0x381);
        Write(LCRH, 0x71);
        Simulation.RunFor(Character);
        Read(DR).Should().Be(1 << 10);
    }

    [Fact]
    public void With_flow_control_it_waits_for_clear_to_send_and_takes_back_request_to_send()
    {
        Pl011 uart = Make(control: 0xC301);
        Write(IFLS, 0);
        uart.SetModemInputs(ModemSignals.None);
        Write(DR, 'a');
        Simulation.RunFor(5 * Character);
        _terminal.Text.Should().BeEmpty();
        uart.SetModemInputs(ModemSignals.ClearToSend);
        Simulation.RunFor(Character);
        _terminal.Text.Should().Be("a");
        uart.ModemOutputs.Should().Be(ModemSignals.RequestToSend);
        Receive(uart, "1234");
        _terminal.Modem.Should().Be(ModemSignals.None);
        Read(DR);
        _terminal.Modem.Should().Be(ModemSignals.RequestToSend);
    }

    [Fact]
    public void Turning_the_FIFOs_off_empties_them()
    {
        Pl011 uart = Make(control: 0x301);
        Receive(uart, "abc");
        Write(DR, 'x');
        Write(DR, 'y');
        Write(LCRH, 0x60);
        (Read(FR) & 0x90).Should().Be(0x90);
        Simulation.RunFor(10 * Character);
        _terminal.Text.Should().Be("x", "it was in the shift register already");
    }

    [Fact]
    public void A_receiver_that_is_off_loses_characters()
    {
        Pl011 uart = Make(control: 0x101);
        Receive(uart, "a");
        (Read(FR) & 1 << 4).Should().Be(1 << 4);
    }

    [Fact]
    public void Looking_at_it_takes_no_character_away()
    {
        Pl011 uart = Make();
        Receive(uart, "a");
        uart.Windows[0].TryPeek(DR, out _).Should().BeFalse();
        uart.Windows[0].TryPeek(FR, out ulong flags).Should().BeTrue();
        (flags & 1 << 4).Should().Be(0);
        Read(DR).Should().Be('a');
    }

    [Fact]
    public void A_boot_loader_may_have_left_it_running()
    {
        _context.With("emulator,boot-baud", 115_200);
        var uart = new Pl011(_context) { Backend = _terminal };
        _terminal.Simulation = Simulation;
        uart.CharacterTime.Should().Be(Character);
        uart.Windows[0].WriteWord(DR, 4, 'b', default);
        Simulation.RunFor(Character);
        _terminal.Text.Should().Be("b");
    }

    [Fact]
    public void DMA_control_is_kept()
    {
        Make();
        Write(DMACR, 0xFF);
        Read(DMACR).Should().Be(7);
        Simulation.Trace.Count(Severity.Warning).Should().Be(0);
    }

    [Fact]
    public void A_reset_stops_what_was_going_on()
    {
        Pl011 uart = Make();
        Write(DR, 'a');
        uart.Reset();
        Simulation.RunFor(10 * Character);
        _terminal.Text.Should().BeEmpty();
        (Read(FR) & 1 << 3).Should().Be(0);
    }

    private sealed class Terminal : ISerialBackend
    {
        public Simulation? Simulation { get; set; }

        public string Text { get; private set; } = "";

        public List<long> Times { get; } = [];

        public bool IsBroken { get; private set; }

        public ModemSignals Modem { get; private set; }

        public void Transmit(byte value)
        {
            Text += (char)value;
            Times.Add(Simulation!.Now);
        }

        public void SetBreak(bool isHeld) => IsBroken = isHeld;

        public void SetModemOutputs(ModemSignals signals) => Modem = signals;
    }
}
