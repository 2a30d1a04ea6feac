using Emulator.Machine;

namespace Emulator.Peripherals.Tests;

public sealed class GicItsTests
{
    private const ulong Queue = GicV3Bench.Memory;
    private const ulong Devices = GicV3Bench.Memory + 0x1_0000;
    private const ulong Collections = GicV3Bench.Memory + 0x3_0000;
    private const ulong Events = GicV3Bench.Memory + 0x4_0000;
    private const ulong Properties = GicV3Bench.Memory + 0x5_0000;
    private const ulong PendingTables = GicV3Bench.Memory + 0x10_0000;
    private const ulong Valid = 1UL << 63;
    private const uint Device = 0x108;
    private const uint Lpi = 8195;

    private readonly GicV3Bench _gic;

    public GicItsTests()
    {
        _gic = new GicV3Bench(cpus: 2).Started();
        for (int cpu = 0; cpu < 2; cpu++)
        {
            _gic.Write(GicV3Bench.Private(cpu, 0x70), 8, Properties | 15);
            _gic.Write(GicV3Bench.Private(cpu, 0x78), 8, PendingTables + 0x1_0000 * (ulong)cpu);
            _gic.Write(GicV3Bench.Private(cpu, 0), 4, 1);
        }

        _gic.Write(GicV3Bench.Service + 0x100, 8, Valid | Devices | 0x200 | 1);
        _gic.Write(GicV3Bench.Service + 0x108, 8, Valid | Collections | 0x200);
        _gic.Write(GicV3Bench.Service + 0x80, 8, Valid | Queue | 0xF);
        _gic.Write(GicV3Bench.Service, 4, 1);
    }

    private void Command(ulong word0, ulong word1 = 0, ulong word2 = 0, ulong word3 = 0)
    {
        ulong at = _gic.Read(GicV3Bench.Service + 0x88, 8);
        foreach ((ulong word, int n) in new[] { word0, word1, word2, word3 }.Select((word, n) => (word, n)))
        {
            _gic.Write(Queue + at + 8 * (ulong)n, 8, word);
        }

        _gic.Write(GicV3Bench.Service + 0x88, 8, (at + 32) % 0x1_0000);
        _gic.Read(GicV3Bench.Service + 0x90, 8).Should().Be((at + 32) % 0x1_0000);
    }

    private void MapDevice(uint device = Device, int eventBits = 5) =>
        Command(0x08 | (ulong)device << 32, (ulong)eventBits - 1, Valid | Events);

    private void MapCollection(uint collection, int cpu) => Command(0x09, 0, Valid | (ulong)cpu << 16 | collection);

    private void MapEvent(uint eventId, uint interrupt, uint collection, uint device = Device) =>
        Command(0x0A | (ulong)device << 32, (ulong)interrupt << 32 | eventId, collection);

    private void Configure(uint interrupt, byte value) => _gic.Write(Properties + interrupt - 8192, 1, value);

    private void Signal(uint device, uint eventId) =>
        _gic
            .Context.Bus.WriteWord(GicV3Bench.Service + 0x1_0040, 4, eventId, new Transaction { DeviceId = device })
            .Should()
            .Be(BusStatus.Okay);

    private void MapOne(int cpu = 0)
    {
        Configure(Lpi, 0xA1);
        MapDevice();
        MapCollection(0, cpu);
        MapEvent(3, Lpi, 0);
    }

    private bool IsPendingInMemory(uint interrupt, int cpu = 0) =>
        (_gic.Read(PendingTables + 0x1_0000 * (ulong)cpu + interrupt / 8, 1) >> (int)(interrupt % 8) & 1) != 0;

    [Fact]
    public void It_says_what_QEMU_s_says()
    {
        _gic.Read(GicV3Bench.Service + 8, 8).Should().Be(0x1F_0001_EFB1);
        (_gic.Read(GicV3Bench.Service + 0x100, 8) >> 48 & 0x71F).Should().Be(0x107, "devices, 8 bytes each");
        (_gic.Read(GicV3Bench.Service + 0x108, 8) >> 48 & 0x71F).Should().Be(0x407, "collections, 8 bytes each");
    }

    [Fact]
    public void An_event_of_a_device_becomes_the_LPI_of_its_collection_s_CPU()
    {
        MapOne(cpu: 1);
        Signal(Device, 3);
        IsPendingInMemory(Lpi, 1).Should().BeTrue();
        _gic.Cpus[0].Irq.Level.Should().BeFalse();
        _gic.Acknowledge(1).Should().Be(Lpi);
        IsPendingInMemory(Lpi, 1).Should().BeFalse();
        _gic.Acknowledge(1).Should().Be(1023);
        _gic.End(Lpi, 1);
        _gic.Problems.Should().Be(0);
    }

    [Fact]
    public void An_LPI_can_come_again_before_its_end_because_it_is_never_active()
    {
        MapOne();
        _gic.Set("ICC_CTLR_EL1", 2);
        Signal(Device, 3);
        _gic.Acknowledge().Should().Be(Lpi);
        Signal(Device, 3);
        _gic.Cpus[0].Irq.Level.Should().BeFalse("its own priority is running");
        _gic.End(Lpi);
        _gic.Acknowledge().Should().Be(Lpi);
    }

    [Theory]
    [InlineData(0x109u, 3u, "device is not mapped")]
    [InlineData(0x108u, 4u, "event is not mapped")]
    [InlineData(0x108u, 32u, "beyond the device's table")]
    [InlineData(0x1_0000u, 0u, "no entry")]
    public void What_nobody_mapped_is_dropped_and_reported(uint device, uint eventId, string why)
    {
        MapOne();
        using var said = new StringWriter();
        _gic.Context.Simulation.Trace.Add(new TextTraceSink(said));
        Signal(device, eventId);
        said.ToString().Should().Contain(why);
        _gic.Acknowledge().Should().Be(1023);
    }

    [Fact]
    public void A_disabled_LPI_stays_pending_until_it_is_enabled_and_the_ITS_is_told()
    {
        MapOne();
        Configure(Lpi, 0xA0);
        Signal(Device, 3);
        _gic.Cpus[0].Irq.Level.Should().BeFalse();
        Configure(Lpi, 0xA1);
        _gic.Cpus[0].Irq.Level.Should().BeFalse("nobody has said INV");
        Command(0x0C | (ulong)Device << 32, 3);
        _gic.Acknowledge().Should().Be(Lpi);
    }

    [Fact]
    public void The_most_urgent_LPI_is_taken_first()
    {
        MapOne();
        MapEvent(4, Lpi + 1, 0);
        Configure(Lpi + 1, 0x41);
        Signal(Device, 3);
        Signal(Device, 4);
        _gic.Acknowledge().Should().Be(Lpi + 1);
        _gic.End(Lpi + 1);
        _gic.Acknowledge().Should().Be(Lpi);
    }

    [Fact]
    public void MOVI_moves_an_event_and_what_is_pending_of_it()
    {
        MapOne();
        MapCollection(1, 1);
        Signal(Device, 3);
        Command(0x01 | (ulong)Device << 32, 3, 1);
        _gic.Cpus[0].Irq.Level.Should().BeFalse();
        _gic.Acknowledge(1).Should().Be(Lpi);
        _gic.End(Lpi, 1);
        Signal(Device, 3);
        _gic.Acknowledge(1).Should().Be(Lpi);
    }

    [Fact]
    public void MOVALL_moves_everything_that_is_pending()
    {
        MapOne();
        Signal(Device, 3);
        Command(0x0E, 0, 0, 1UL << 16);
        _gic.Acknowledge(0).Should().Be(1023);
        _gic.Acknowledge(1).Should().Be(Lpi);
    }

    [Fact]
    public void INT_and_CLEAR_set_and_take_back_and_DISCARD_forgets()
    {
        MapOne();
        Command(0x03 | (ulong)Device << 32, 3);
        _gic.Cpus[0].Irq.Level.Should().BeTrue();
        Command(0x04 | (ulong)Device << 32, 3);
        _gic.Cpus[0].Irq.Level.Should().BeFalse();
        Command(0x0F | (ulong)Device << 32, 3);
        Signal(Device, 3);
        _gic.Cpus[0].Irq.Level.Should().BeFalse();
        _gic.Problems.Should().Be(1);
    }

    [Fact]
    public void Two_levels_of_device_tables_are_walked()
    {
        _gic.Write(GicV3Bench.Service, 4, 0);
        _gic.Write(GicV3Bench.Service + 0x100, 8, Valid | 1UL << 62 | Devices | 0x200);
        _gic.Write(Devices + 8, 8, Valid | (Devices + 0x1_0000));
        _gic.Write(GicV3Bench.Service, 4, 1);
        Configure(Lpi, 0xA1);
        MapDevice(0x2008);
        MapCollection(0, 0);
        MapEvent(3, Lpi, 0, 0x2008);
        Signal(0x2008, 3);
        _gic.Acknowledge().Should().Be(Lpi);
        _gic.Read(Devices + 0x1_0000 + 8 * 8, 8).Should().NotBe(0, "device 0x2008 is the eighth of the second page");
        _gic.Problems.Should().Be(0);
    }

    [Fact]
    public void Commands_that_make_no_sense_are_left_out_and_the_queue_goes_on()
    {
        Command(0x55);
        MapCollection(0, 7);
        MapEvent(0, 77, 0);
        _gic.Problems.Should().Be(3);
        MapOne();
        Signal(Device, 3);
        _gic.Acknowledge().Should().Be(Lpi);
    }

    [Fact]
    public void The_queue_wraps()
    {
        for (int n = 0; n < 0x1_0000 / 32 + 3; n++)
        {
            Command(0x05);
        }

        _gic.Problems.Should().Be(0);
    }

    [Fact]
    public void An_ITS_that_is_off_takes_no_commands_and_no_events()
    {
        MapOne();
        _gic.Write(GicV3Bench.Service, 4, 0);
        Signal(Device, 3);
        _gic.Cpus[0].Irq.Level.Should().BeFalse();
        _gic.Problems.Should().Be(1);
    }

    [Fact]
    public void An_ITS_without_a_GIC_above_is_no_board() =>
        FluentActions
            .Invoking(() => new GicIts(new StandaloneContext("its")))
            .Should()
            .Throw<BoardException>()
            .WithMessage("its: an ITS is a child node of its GICv3*");
}
