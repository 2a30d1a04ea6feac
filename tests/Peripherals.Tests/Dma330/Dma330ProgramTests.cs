using Emulator.Machine;

namespace Emulator.Peripherals.Tests;

/// <summary>Programs by hand: what they leave in memory and registers. T1, F1 and so on are the names of known vectors.</summary>
public sealed class Dma330ProgramTests
{
    private const string Copy4 = "BC 01 05 40 01 00 BC 00 00 20 00 00 BC 02 00 30 00 00 04 08 13 34 00 00";

    private static byte[] Pattern(int first, int count) =>
        [.. Enumerable.Range(first, count).Select(Dma330Bench.Pattern)];

    [Fact] // T1
    public void A_basic_copy_ends_with_an_interrupt()
    {
        var bench = new Dma330Bench { ["INTEN"] = 1 }.Run(Copy4);
        bench["CCR0"].Should().Be(0x0001_4005);
        bench.Read(0x3000, 5).Should().Equal(0x03, 0x0A, 0x11, 0x18, 0x00);
        (bench["SAR0"], bench["DAR0"]).Should().Be((0x2004, 0x3004));
        (bench["INT_EVENT_RIS"], bench["INTMIS"], bench["CSR0"]).Should().Be((1, 1, 0));
        bench.Irq(0).Should().BeTrue();
        bench["INTCLR"] = 1;
        bench.Irq(0).Should().BeFalse();
        (bench["INT_EVENT_RIS"], bench["INTMIS"], bench["INTCLR"]).Should().Be((0, 0, 0));
        bench.Simulation.Trace.Problems.Should().BeEmpty();
    }

    [Fact] // T2
    public void A_loop_of_bursts_copies_all_of_them()
    {
        var bench = new Dma330Bench().Run(
            "BC 01 35 40 0D 00 BC 00 00 20 00 00 BC 02 00 30 00 00 20 03 04 08 38 02 13 00"
        );
        bench.Read(0x3000, 64).Should().Equal(Pattern(0, 64));
        bench.Read(0x3040, 1).Should().Equal(0);
        (bench["SAR0"], bench["DAR0"], bench["LC0_0"]).Should().Be((0x2040, 0x3040, 0));
    }

    [Fact] // T3
    public void Nested_loops_and_DMAADDH_copy_a_rectangle()
    {
        var bench = new Dma330Bench().Run(
            "BC 01 01 40 00 00 BC 00 00 20 00 00 BC 02 00 30 00 00 22 02 20 01 04 08 38 02 56 0E 00 3C 09 00"
        );
        bench.Read(0x3000, 3).Should().Equal(0x03, 0x0A, 0);
        bench.Read(0x3010, 3).Should().Equal(0x11, 0x18, 0);
        bench.Read(0x3020, 3).Should().Equal(0x1F, 0x26, 0);
        (bench["SAR0"], bench["DAR0"], bench["LC0_0"], bench["LC1_0"]).Should().Be((0x2006, 0x3030, 0, 0));
    }

    [Theory] // T4, T5
    [InlineData("BC 01 35 40 38 00 BC 00 01 20 00 00 BC 02 03 30 00 00 04 08 13 00", 3, 1, 15, 0x2010, 0x3012)]
    [InlineData("BC 01 21 40 01 00 BC 00 00 20 00 00 BC 02 01 30 00 00 04 08 13 00", 1, 0, 3, 0x2003, 0x3004)]
    public void An_unaligned_burst_is_shorter_by_its_offset(
        string program,
        int to,
        int from,
        int count,
        uint sar,
        uint dar
    )
    {
        var bench = new Dma330Bench().Run(program);
        bench.Read(0x3000, to + count + 2).Should().Equal([.. new byte[to], .. Pattern(from, count), 0, 0]);
        (bench["SAR0"], bench["DAR0"]).Should().Be((sar, dar));
    }

    [Fact] // T6
    public void A_fixed_source_is_read_once_per_beat()
    {
        var seen = new StallingMemory(new Ram("port", 0x1000)) { Stalls = false };
        var bench = new Dma330Bench(context => context.Bus.Map("port", 0xF000_0000, 0x1000, seen));
        bench.Write(0x2000, [0xEF, 0xBE, 0xAD, 0xDE]);
        bench.Run("BC 01 F4 40 3D 00 BC 00 00 20 00 00 BC 02 00 30 00 00 04 08 13 00");
        bench
            .Read(0x3000, 68)
            .Should()
            .Equal([.. Enumerable.Repeat<byte[]>([0xEF, 0xBE, 0xAD, 0xDE], 16).SelectMany(word => word), 0, 0, 0, 0]);
        (bench["SAR0"], bench["DAR0"]).Should().Be((0x2000, 0x3040));

        bench.Run("BC 01 F4 40 3D 00 BC 00 00 00 00 F0 BC 02 00 30 00 00 04 08 13 00");
        seen.Seen.Should().HaveCount(16).And.OnlyContain(access => access.Address == 0 && access.Length == 4);
    }

    [Fact] // T7
    public void DMASTZ_writes_zeros_and_reads_nothing()
    {
        var bench = new Dma330Bench();
        bench.Write(0x3000, [.. Enumerable.Repeat((byte)0xFF, 260)]);
        bench.Run("BC 01 01 C0 3D 00 BC 02 00 30 00 00 20 01 0C 38 01 13 00");
        bench.Read(0x3000, 260).Should().Equal([.. new byte[256], 0xFF, 0xFF, 0xFF, 0xFF]);
        bench["DAR0"].Should().Be(0x3100);
    }

    [Fact] // T8
    public void DMAADDH_and_DMAADNH_add_modulo_32_bits()
    {
        var bench = new Dma330Bench().Run("BC 00 10 20 00 00 BC 02 00 30 00 00 54 34 12 5E F0 FF 00");
        (bench["SAR0"], bench["DAR0"]).Should().Be((0x3244, 0x2FF0));
    }

    [Fact] // T9, T9b
    public void A_channel_waits_for_an_event_of_another_one()
    {
        const string Waits = "BC 01 01 40 00 00 BC 00 00 20 00 00 BC 02 00 30 00 00 36 28 04 08 13 00";
        const string Sends = "BC 01 01 40 00 00 BC 00 10 20 00 00 BC 02 00 20 00 00 04 08 13 34 28 00";
        var bench = new Dma330Bench().Run(Waits);
        (bench["CSR0"], bench["CPC0"]).Should().Be((0x54, 0x1012));
        bench.Run(Sends, channel: 1, address: 0x1100);
        (bench.Read(0x2000, 1)[0], bench.Read(0x3000, 1)[0]).Should().Be((0x73, 0x73));
        (bench["CSR0"], bench["CSR1"], bench["INT_EVENT_RIS"]).Should().Be((0, 0, 0));

        bench = new Dma330Bench().Run(Sends, channel: 1, address: 0x1100);
        bench["INT_EVENT_RIS"].Should().Be(0x20);
        bench.Run(Waits);
        (bench["CSR0"], bench["INT_EVENT_RIS"], bench.Read(0x3000, 1)[0]).Should().Be((0, 0, 0x73));
    }

    [Fact] // the endian vector
    public void Endian_swap_reverses_each_word()
    {
        var bench = new Dma330Bench().Run("BC 01 05 40 01 20 BC 00 00 20 00 00 BC 02 00 30 00 00 04 08 13 00");
        bench.Read(0x3000, 4).Should().Equal(0x18, 0x11, 0x0A, 0x03);
    }

    [Fact] // V1
    public void The_VFIO_test_drivers_program_copies_a_page()
    {
        var bench = new Dma330Bench(("ins", uint.MaxValue), ("events", 32)) { ["INTEN"] = 1 };
        bench.Write(0, Pattern(5, 4096));
        bench.Write(
            0x2000,
            Dma330Bench.Bytes("BC 01 F9 42 BE 00 BC 00 00 00 00 00 BC 02 00 10 00 00 20 0F 04 12 08 13 38 04 34 00 00")
        );
        bench.Go(address: 0x2000, nonSecure: true);
        bench["DBGSTATUS"].Should().Be(0);
        bench.Settle();
        bench.Read(0x1000, 4096).Should().Equal(Pattern(5, 4096));
        (bench["SAR0"], bench["DAR0"], bench["LC0_0"], bench["CSR0"]).Should().Be((0x1000, 0x2000, 0, 0x0020_0000));
        (bench["INT_EVENT_RIS"], bench["INTMIS"], bench.Irq(0), bench["DSR"]).Should().Be((1, 1, true, 0));
    }

    [Fact] // V2
    public void The_VFIO_test_drivers_wrong_loop_counter_moves_half_of_it()
    {
        var bench = new Dma330Bench(("ins", uint.MaxValue)) { ["INTEN"] = 1 };
        bench.Run(
            "BC 01 F9 42 BE 00 BC 00 00 00 00 00 BC 02 00 00 10 00 22 01 20 FF 04 12 08 13 38 04 38 08 34 00 00",
            nonSecure: true,
            address: 0x8000_0000
        );
        (bench["SAR0"], bench["DAR0"], bench["LC0_0"], bench["LC1_0"]).Should().Be((0x0001_0000, 0x0011_0000, 0, 1));
        bench.Irq(0).Should().BeTrue();
    }

    [Fact] // L1
    public void Linuxs_memcpy_has_its_data_in_memory_when_the_interrupt_comes()
    {
        var bench = new Dma330Bench { ["INTEN"] = 1 };
        bench.Write(0x1000_0000, Pattern(9, 4096));
        bench.Write(
            Dma330Bench.Code,
            Dma330Bench.Bytes("BC 01 F7 C0 3D 00 BC 00 00 00 00 10 BC 02 00 00 00 20 22 1F 04 08 3C 02 34 00 00")
        );
        bench.Go();
        bench.Simulation.RunUntil(() => bench.Irq(0), VirtualTime.Millisecond).Should().Be(RunResult.Reached);
        bench.Read(0x2000_0000, 4096).Should().Equal(Pattern(9, 4096));
        bench.Settle();
        (bench["SAR0"], bench["DAR0"], bench["LC1_0"]).Should().Be((0x1000_1000, 0x2000_1000, 0));
    }

    [Fact]
    public void Eight_channels_copy_at_once()
    {
        var bench = new Dma330Bench();
        for (uint channel = 0; channel < 8; channel++)
        {
            string program =
                $"BC 01 F9 40 3E 00 BC 00 00 2{channel} 00 00 BC 02 00 0{channel} 10 00 20 00 04 04 08 08 38 04 00";
            program = program.Replace($"00 0{channel} 10 00", $"00 {channel:X2} 10 00", StringComparison.Ordinal);
            bench.Write(0x2000 + channel * 0x100, Pattern((int)channel, 0x400));
            bench.Write(0x8000 + channel * 0x100, Dma330Bench.Bytes(program));
        }

        for (int channel = 7; channel >= 0; channel--)
        {
            bench.Go(channel, 0x8000 + (uint)channel * 0x100);
        }

        bench.Settle();
        for (uint channel = 0; channel < 8; channel++)
        {
            bench[$"CSR{channel}"].Should().Be(0);
            bench[$"SAR{channel}"].Should().Be(0x2200 + channel * 0x100);
            uint from = 0x2000 + channel * 0x100;
            bench.Read(0x10_0000 + channel * 0x100, 256).Should().Equal(bench.Read(from, 256));
        }
    }

    [Fact] // K1
    public void A_forever_loop_costs_virtual_time_and_can_be_killed()
    {
        var bench = new Dma330Bench();
        bench.Write(Dma330Bench.Code, Dma330Bench.Bytes("18 2C 01 00"));
        bench.Go();
        for (int look = 0; look < 20; look++)
        {
            bench.Simulation.RunFor(VirtualTime.Microsecond + 7);
            bench["CSR0"].Should().Be(1);
            bench["CPC0"].Should().BeOneOf(0x1000, 0x1001);
        }

        bench.Kill(0);
        bench.Settle();
        (bench["CSR0"], bench["DBGSTATUS"], bench["FSRC"]).Should().Be((0, 0, 0));
    }

    [Fact] // K3
    public void A_killed_channel_leaves_nothing_in_the_MFIFO()
    {
        var bench = new Dma330Bench { ["INTEN"] = 1 }.Run("BC 01 05 40 01 00 BC 00 00 20 00 00 04 36 28 00");
        bench.Dma.Channels[0].MfifoBytes.Should().Be(4);
        bench.Kill(0);
        bench.Settle();
        bench.Dma.Channels[0].MfifoBytes.Should().Be(0);
        bench.Write(0x2000, [1, 2, 3, 4]);
        bench.Run(Copy4).Read(0x3000, 4).Should().Equal(1, 2, 3, 4);
    }

    [Fact] // G1
    public void DMAGO_to_a_busy_channel_is_ignored_with_a_warning()
    {
        var bench = new Dma330Bench();
        bench.Run("18 2C 01 00");
        bench.Go(address: 0x2000);
        bench.Settle();
        (bench["CSR0"], bench["FSRD"], bench["FSRC"]).Should().Be((1, 0, 0));
        bench["CPC0"].Should().BeOneOf(0x1000, 0x1001);
        bench.Simulation.Trace.Count(Severity.Warning).Should().Be(1);
    }

    [Fact] // D1
    public void Data_left_at_DMAEND_is_discarded()
    {
        var bench = new Dma330Bench().Run("BC 01 05 40 01 00 BC 00 00 20 00 00 04 00");
        (bench["CSR0"], bench["FTR0"], bench.Dma.Channels[0].MfifoBytes).Should().Be((0, 0, 0));
    }

    [Fact]
    public void The_manager_boots_from_its_program_and_starts_channels()
    {
        var bench = new Dma330Bench(("boot-from-pc", 1), ("boot-address", 0x1000));
        bench["CR0"].Should().Be(0x001E_3073);
        bench["DPC"].Should().Be(0x1000);
        bench.Write(0x1000, Dma330Bench.Bytes("A0 02 00 11 00 00 36 08 00"));
        bench.Write(0x1100, Dma330Bench.Bytes("54 05 00 34 08 00"));
        bench.Settle();
        (bench["DSR"], bench["SAR2"], bench["INT_EVENT_RIS"]).Should().Be((0, 5, 0));
    }

    [Fact]
    public void A_burst_may_cross_4_KiB_and_the_end_of_the_address_space_wraps()
    {
        var bench = new Dma330Bench();
        bench.Write(0x0000_FFC0, Pattern(1, 128));
        bench.Run("BC 01 F7 C0 3D 00 BC 00 C0 FF 00 00 BC 02 C0 2F 00 00 04 08 13 00");
        bench.Read(0x2FC0, 128).Should().Equal(Pattern(1, 128));
    }

    [Fact] // T10
    public void Requests_of_a_peripheral_pace_single_transfers()
    {
        var bench = new Dma330Bench { ["INTEN"] = 2 };
        var peripheral = new Recorder();
        bench.Dma.Connect(2, peripheral);
        bench.Run("BC 01 04 40 01 00 BC 00 00 90 00 00 BC 02 00 30 00 00 20 03 35 10 30 10 25 10 08 38 07 13 34 08 00");
        (bench["CSR0"], bench["CPC0"], bench["LC0_0"]).Should().Be((0x27, 0x1016, 3));
        for (int request = 0; request < 4; request++)
        {
            bench.Dma.Request(2, Dma330RequestKind.Single).Should().BeTrue();
            bench.Settle();
        }

        (bench["DAR0"], bench["INTMIS"], bench["CSR0"]).Should().Be((0x3010, 2, 0));
        string.Concat(peripheral.Seen).Should().Be("FSFSFSFS");
    }

    [Fact] // T11
    public void The_last_request_ends_a_loop_without_end()
    {
        var bench = new Dma330Bench();
        var peripheral = new Recorder();
        bench.Dma.Connect(0, peripheral);
        bench.Run("BC 01 35 00 0D 00 BC 00 00 20 00 00 BC 02 00 90 00 00 35 00 31 00 07 2B 00 05 29 00 2C 08 13 00");
        (bench["CSR0"], bench["CPC0"]).Should().Be((0x8007, 0x1014));
        bench.Dma.Request(0, Dma330RequestKind.Burst);
        bench.Settle();
        bench["SAR0"].Should().Be(0x2010);
        bench.Dma.Request(0, Dma330RequestKind.Single);
        bench.Settle();
        bench["SAR0"].Should().Be(0x2014);
        bench.Dma.Request(0, Dma330RequestKind.Single, last: true);
        bench.Settle();
        (bench["SAR0"], bench["CSR0"] & 15).Should().Be((0x2018, 0));
        string.Concat(peripheral.Seen).Should().Be("FBSS");
    }

    private sealed class Recorder : IDma330Peripheral
    {
        public List<string> Seen { get; } = [];

        public void OnAcknowledge(int requestInterface, Dma330Acknowledge kind) => Seen.Add(kind.ToString()[..1]);
    }
}
