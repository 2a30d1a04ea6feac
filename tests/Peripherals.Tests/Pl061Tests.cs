using Emulator.Machine;

namespace Emulator.Peripherals.Tests;

public sealed class Pl061Tests
{
    private const ulong Base = 0x0903_0000;
    private const ulong Direction = 0x400;
    private const ulong Sense = 0x404;
    private const ulong BothEdges = 0x408;
    private const ulong Event = 0x40C;
    private const ulong Mask = 0x410;
    private const ulong Raw = 0x414;
    private const ulong Masked = 0x418;
    private const ulong Clear = 0x41C;

    private readonly StandaloneContext _context = new("gpio");
    private readonly Pl061 _gpio;
    private readonly CpuPort _cpu;
    private readonly InterruptLine[] _wires = new InterruptLine[8];

    public Pl061Tests()
    {
        _gpio = new Pl061(_context);
        _context.Bus.Map("gpio", Base, 0x1000, _context.Registers[0]);
        _cpu = _context.AddCpu();
        for (int pin = 0; pin < 8; pin++)
        {
            _wires[pin] = new InterruptLine(_context.Simulation.Trace, "test", $"wire {pin}");
            _wires[pin].Connect(_gpio.Input(pin));
        }
    }

    private bool Line => _context.Lines["GPIOINTR"].Level;

    private uint Read(ulong offset, int size = 4)
    {
        _cpu.Load(Base + offset, size, out ulong value).Should().Be(BusStatus.Okay);
        return (uint)value;
    }

    private void Write(ulong offset, uint value, int size = 4) =>
        _cpu.Store(Base + offset, size, value).Should().Be(BusStatus.Okay);

    /// <summary>GPIODATA as seen through the mask in address bits 9:2.</summary>
    private static ulong Data(uint mask) => mask << 2;

    [Fact]
    public void The_state_has_no_padding() => StatePadding.MustBeAbsent(_gpio);

    [Fact]
    public void It_identifies_itself_as_a_PL061() =>
        (Read(0xFE0) | Read(0xFE4) << 8 | Read(0xFE8) << 16 | Read(0xFEC) << 24).Should().Be(0x0004_1061);

    [Fact]
    public void The_address_masks_the_pins_that_are_read_and_written()
    {
        Write(Direction, 0xFF);
        Write(Data(0xFF), 0xA5);
        Write(Data(0x0F), 0xFF);
        Read(Data(0xFF)).Should().Be(0xAF);
        Read(Data(0x80)).Should().Be(0x80);
        Read(Data(0)).Should().Be(0);
    }

    [Fact]
    public void Bytes_do_as_Linux_accesses_it()
    {
        Write(Direction, 0x01, size: 1);
        Write(Data(1), 1, size: 1);
        Read(Data(1), size: 1).Should().Be(1);
        Read(Direction, size: 1).Should().Be(1);
        _context.Simulation.Trace.Problems.Should().BeEmpty();
    }

    [Fact]
    public void An_input_reads_its_wire_and_an_output_what_was_written()
    {
        _wires[2].Set(true);
        Write(Data(0xFF), 0x00);
        Read(Data(0xFF)).Should().Be(0x04);
        Write(Direction, 0x04);
        Read(Data(0xFF)).Should().Be(0x00);
        Write(Direction, 0x00);
        Read(Data(0xFF)).Should().Be(0x04);
    }

    [Theory]
    [InlineData(0u, 1u, true, false)]
    [InlineData(0u, 0u, false, true)]
    [InlineData(1u, 0u, true, true)]
    public void An_edge_that_is_asked_for_is_kept_until_it_is_cleared(uint both, uint rising, bool onRise, bool onFall)
    {
        Write(BothEdges, both << 3);
        Write(Event, rising << 3);
        Write(Clear, 0xFF);
        Write(Mask, 1 << 3);
        _wires[3].Set(true);
        Line.Should().Be(onRise);
        Write(Clear, 1 << 3);
        Line.Should().BeFalse();
        _wires[3].Set(false);
        Line.Should().Be(onFall);
    }

    [Fact]
    public void A_level_comes_back_as_long_as_it_is_there()
    {
        Write(Sense, 1);
        Write(Event, 1);
        Write(Mask, 1);
        _wires[0].Set(true);
        Write(Clear, 1);
        Line.Should().BeTrue();
        _wires[0].Set(false);
        Line.Should().BeFalse();
        Write(Event, 0);
        Line.Should().BeTrue("low is asked for now");
    }

    [Fact]
    public void A_masked_interrupt_is_raw_only()
    {
        Write(Event, 0xFF);
        _wires[5].Set(true);
        (Read(Raw), Read(Masked), Line).Should().Be((0x20u, 0u, false));
        Write(Mask, 0x20);
        (Read(Masked), Line).Should().Be((0x20u, true));
    }

    [Fact]
    public void Pins_that_nobody_drives_are_pulled_as_the_board_says()
    {
        StandaloneContext context = new StandaloneContext("gpio").With("emulator,pull-up", 0x81);
        new Pl061(context).Pins.Should().Be(0x81);
    }

    [Fact]
    public void A_pin_that_it_does_not_have_is_refused() => _gpio.FindPin([8, 0], out _).Should().BeNull();
}
