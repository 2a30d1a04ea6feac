using Emulator.Machine;

namespace Emulator.Peripherals.Tests;

/// <summary>The register map: reset values, and who may do what.</summary>
public sealed class Dma330RegisterTests
{
    private static readonly (string, uint)[] Zynq =
    [
        ("data-width", 64),
        ("mfifo-lines", 128),
        ("icache-line-bytes", 16),
        ("icache-lines", 8),
        ("revision", 2),
    ];

    /// <summary>The registers that are not 0 after reset on a Zynq-7000 (UG585, appendix B).</summary>
    private static readonly Dictionary<ulong, uint> NotZero = new()
    {
        [0x408] = 0x0080_0200,
        [0x428] = 0x0080_0200,
        [0x448] = 0x0080_0200,
        [0x468] = 0x0080_0200,
        [0x488] = 0x0080_0200,
        [0x4A8] = 0x0080_0200,
        [0x4C8] = 0x0080_0200,
        [0x4E8] = 0x0080_0200,
        [0xE00] = 0x001E_3071,
        [0xE04] = 0x0000_0074,
        [0xE14] = 0x07FF_7F73,
        [0xFE0] = 0x30,
        [0xFE4] = 0x13,
        [0xFE8] = 0x24,
        [0xFF0] = 0x0D,
        [0xFF4] = 0xF0,
        [0xFF8] = 0x05,
        [0xFFC] = 0xB1,
    };

    private static uint Read(Dma330Bench bench, ulong offset, int sizeBytes = 4)
    {
        bench.Registers.ReadWord(offset, sizeBytes, out ulong value, default).Should().Be(BusStatus.Okay);
        return (uint)value;
    }

    private static void Write(Dma330Bench bench, ulong offset, uint value, int sizeBytes = 4) =>
        bench.Registers.WriteWord(offset, sizeBytes, value, default).Should().Be(BusStatus.Okay);

    [Fact]
    public void Every_word_of_the_page_reads_its_reset_value()
    {
        var bench = new Dma330Bench(Zynq);
        for (ulong offset = 0; offset < 0x1000; offset += 4)
        {
            Read(bench, offset).Should().Be(NotZero.GetValueOrDefault(offset), $"of offset 0x{offset:x3}");
        }
    }

    [Fact]
    public void Only_INTEN_and_WD_keep_what_is_written()
    {
        var bench = new Dma330Bench(Zynq);
        for (ulong offset = 0; offset < 0x1000; offset += 4)
        {
            if (offset != 0xD04)
            {
                Write(bench, offset, 0xFFFF_FFFF);
            }
        }

        bench.Settle();
        for (ulong offset = 0; offset < 0x1000; offset += 4)
        {
            uint expected = offset switch
            {
                0x020 => 0xFFFF,
                0xE80 => 1,
                _ => NotZero.GetValueOrDefault(offset),
            };
            Read(bench, offset).Should().Be(expected, $"of offset 0x{offset:x3}");
        }

        bench.Dma.Reset();
        (bench["INTEN"], bench["WD"]).Should().Be((0, 0));
    }

    [Theory]
    [InlineData(0x000UL)]
    [InlineData(0x024UL)]
    [InlineData(0x104UL)]
    [InlineData(0x4E8UL)]
    [InlineData(0xE00UL)]
    [InlineData(0xFE0UL)]
    [InlineData(0x008UL)] // reserved
    [InlineData(0x500UL)]
    public void A_write_where_nothing_can_be_written_is_reported(ulong offset)
    {
        var bench = new Dma330Bench();
        Write(bench, offset, 1);
        bench.Simulation.Trace.Count(Severity.Warning).Should().Be(1);
    }

    [Theory]
    [InlineData(0xE00UL, 1)]
    [InlineData(0xE00UL, 2)]
    [InlineData(0xE02UL, 2)]
    [InlineData(0x408UL, 1)]
    public void Parts_of_a_word_read_as_zero(ulong offset, int sizeBytes)
    {
        var bench = new Dma330Bench();
        Read(bench, offset, sizeBytes).Should().Be(0);
        bench.Simulation.Trace.Count(Severity.Warning).Should().Be(1);
    }

    [Fact]
    public void Write_only_registers_read_as_zero()
    {
        var bench = new Dma330Bench { ["DBGINST0"] = 0x1234_0000, ["DBGINST1"] = 5 };
        (bench["DBGCMD"], bench["DBGINST0"], bench["DBGINST1"], bench["INTCLR"]).Should().Be((0, 0, 0, 0));
    }

    [Fact]
    public void Absent_channels_read_as_zero()
    {
        var bench = new Dma330Bench(("channels", 3));
        (bench["CCR2"], bench["CCR3"], bench["CSR3"]).Should().Be((0x0080_0200, 0, 0));
        ((bench["CR0"] >> 4) & 7).Should().Be(2);
    }

    [Fact]
    public void The_abort_line_takes_its_place_among_the_interrupts_or_none()
    {
        var bench = new Dma330Bench(("abort-interrupt", 0), ("irq-count", 4));
        bench.Context.Lines.Keys.Should().BeEquivalentTo("irq[0]", "irq[1]", "irq[2]", "irq[3]", "irq_abort");
        bench.Run("FF");
        bench.Abort.Should().BeTrue();
    }
}
