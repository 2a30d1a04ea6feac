using Emulator.Machine;

namespace Emulator.Peripherals.Tests;

/// <summary>What the MFIFO holds, by bytes and by lines, and how bursts show in the trace.</summary>
public sealed class Dma330MfifoTests
{
    private const string Addresses = "BC 00 00 20 00 00 BC 02 00 30 00 00 ";

    [Theory]
    [InlineData("BC 01 F7 C0 3D 00", "3000", 0, 0U)] // 128 bytes, aligned: 8 lines of 16
    [InlineData("BC 01 F7 C0 3D 00", "3000", 1, 0U)]
    [InlineData("BC 01 F7 C0 3D 00", "3008", 0, 0U)] // from the middle of a line: 9 lines
    [InlineData("BC 01 F7 C0 3D 00", "3008", 1, 0x1000U)]
    [InlineData("BC 01 F5 00 3D 00", "3000", 0, 0U)] // 64 bytes to a fixed word: 16 beats
    [InlineData("BC 01 F5 00 3D 00", "3000", 1, 0x1000U)]
    [InlineData("BC 01 75 00 1D 00", "3000", 1, 0U)] // 8 beats
    public void A_load_that_needs_more_lines_than_there_are_is_an_MFIFO_error(
        string control,
        string to,
        uint byLines,
        uint faultType
    )
    {
        var bench = new Dma330Bench(("mfifo-lines", 8), ("mfifo-by-lines", byLines));
        bench.Run($"{control} BC 00 00 20 00 00 BC 02 {to[2..]} {to[..2]} 00 00 04 08 13 00");
        bench["FTR0"].Should().Be(faultType);
    }

    [Fact]
    public void Lines_of_other_channels_count()
    {
        var bench = new Dma330Bench(("mfifo-lines", 8), ("mfifo-by-lines", 1));
        // Channel 1 keeps 4 bytes for a fixed destination: one line.
        bench.Run("BC 01 05 00 01 00 " + Addresses + "04 36 08 00", channel: 1, address: 0x1100);
        bench.Run("BC 01 F7 C0 3D 00 " + Addresses + "04 08 13 00");
        bench["FTR0"].Should().Be(0x8000_0000, "8 lines are needed and 7 are free");
    }

    [Fact]
    public void The_same_program_ends_alike_when_lines_are_plenty()
    {
        foreach (uint byLines in (uint[])[0, 1])
        {
            var bench = new Dma330Bench(("mfifo-by-lines", byLines));
            bench.Run("BC 01 35 40 38 00 BC 00 01 20 00 00 BC 02 03 30 00 00 04 08 13 00");
            bench.Read(0x3003, 15).Should().Equal(bench.Read(0x2001, 15));
        }
    }

    [Fact]
    public void DMAADNH_is_no_instruction_of_r0p0()
    {
        var bench = new Dma330Bench(("revision", 0)).Run("5C F0 FF 00");
        (bench["FTR0"], bench["SAR0"], bench["periph_id_2"]).Should().Be((1, 0, 0x04));
        new Dma330Bench(("revision", 0)).Run("54 F0 FF 00")["SAR0"].Should().Be(0xFFF0);
    }

    [Fact]
    public void The_managers_wait_shows_in_DSR()
    {
        var bench = new Dma330Bench(
            ("boot-from-pc", 1),
            ("boot-address", 0x1000),
            ("boot-manager-ns", 1),
            ("ins", 0x20)
        );
        bench.Write(0x1000, Dma330Bench.Bytes("18 36 28 00"));
        bench.Settle();
        (bench["DSR"], bench["DPC"]).Should().Be((0x254, 0x1001));
        bench.Debug(0x2834_0000);
        bench.Settle();
        (bench["DSR"], bench["INT_EVENT_RIS"]).Should().Be((0x200, 0));
    }

    [Theory]
    [InlineData("BC 01 35 40 0D 00", "ch0 0x1012 DMALD  <- 0x2000 16 B (burst 4x4) INCR prot 0b000 cache 0b0000 ")]
    [InlineData("BC 01 34 7F 0D 00", "ch0 0x1012 DMALD  <- 0x2000 16 B (burst 4x4) FIXED prot 0b111 cache 0b0111 ")]
    [InlineData("BC 01 35 40 CD 0F", "ch0 0x1013 DMAST  -> 0x3000 16 B (burst 4x4) INCR prot 0b111 cache 0b1011 ")]
    public void Bursts_show_as_AXI_sees_them(string control, string line)
    {
        var bench = new Dma330Bench();
        var tail = new TailTraceSink(100);
        bench.Simulation.Trace.Add(tail);
        bench.Run($"{control} {Addresses} 04 08 13 00");
        tail.Events.Select(traced => traced.Message)
            .Should()
            .ContainSingle(message => message.StartsWith(line, StringComparison.Ordinal));
    }

    [Fact]
    public void A_burst_across_4_KiB_shows_as_two_and_a_fixed_one_at_a_device_beat_by_beat()
    {
        var port = new StallingMemory(new Ram("port", 0x1000)) { Stalls = false };
        var bench = new Dma330Bench(context => context.Bus.Map("port", 0xF000_0000, 0x1000, port));
        var tail = new TailTraceSink(100);
        bench.Simulation.Trace.Add(tail);
        bench.Run("BC 01 35 00 0D 00 BC 00 F8 2F 00 00 BC 02 00 00 00 F0 04 08 13 00");
        tail.Events.Where(traced => traced.Kind.Name is "dma.read" or "dma.write")
            .Select(traced => traced.Message[..traced.Message.IndexOf(" prot", StringComparison.Ordinal)])
            .Should()
            .Equal(
                "ch0 0x1012 DMALD  <- 0x2ff8 8 B (burst 2x4) INCR",
                "ch0 0x1012 DMALD  <- 0x3000 8 B (burst 2x4) INCR",
                "ch0 0x1013 DMAST  -> 0xf000_0000 4 B (burst 4x4, beat 1) FIXED",
                "ch0 0x1013 DMAST  -> 0xf000_0000 4 B (burst 4x4, beat 2) FIXED",
                "ch0 0x1013 DMAST  -> 0xf000_0000 4 B (burst 4x4, beat 3) FIXED",
                "ch0 0x1013 DMAST  -> 0xf000_0000 4 B (burst 4x4, beat 4) FIXED"
            );
    }

    [Fact]
    public void Channels_take_turns_in_the_trace()
    {
        var bench = new Dma330Bench();
        bench.Write(0x1000, Dma330Bench.Bytes("36 08 18 18 18 00"));
        for (int channel = 0; channel < 8; channel++)
        {
            bench.Go(channel);
        }

        bench.Settle();
        var tail = new TailTraceSink(200);
        bench.Simulation.Trace.Add(tail);
        bench.Debug(0x0834_0000);
        bench.Settle();
        string[] nops =
        [
            .. tail
                .Events.Select(traced => traced.Message)
                .Where(message => message.EndsWith(" DMANOP", StringComparison.Ordinal))
                .Select(message => message[..3]),
        ];
        string[] round = [.. nops.Take(8)];
        round.Order(StringComparer.Ordinal).Should().Equal(Enumerable.Range(0, 8).Select(n => $"ch{n}"));
        nops.Should().Equal([.. round, .. round, .. round]);
    }
}
