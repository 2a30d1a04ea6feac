using Emulator.Machine;

namespace Emulator.Peripherals.Tests;

/// <summary>Faults, security, the debug interface, the watchdog.</summary>
public sealed class Dma330FaultTests
{
    private const string CopyFrom = "BC 01 05 40 01 00 BC 00 00 20 00 00 BC 02 00 30 00 00 ";

    [Theory] // F1, F2, F5, F6, K2
    [InlineData("18 FF", false, 0x0000_0001, 0x1001)]
    [InlineData("18 01", false, 0x0000_0001, 0x1001)] // DMAKILL in a program
    [InlineData("A0 00 00 00 00 00", false, 0x0000_0001, 0x1000)] // DMAGO in a channel
    [InlineData("18 06", false, 0x0000_0001, 0x1001)] // bs=1, x=0
    [InlineData("18 35 F8", false, 0x0000_0002, 0x1001)]
    [InlineData("34 80", false, 0x0000_0002, 0x1000)] // event 16 of 16
    [InlineData("34 01", false, 0x0000_0002, 0x1000)] // bits that should be zero
    [InlineData("BC 03 00 00 00 00", false, 0x0000_0002, 0x1000)]
    [InlineData("BC 01 0B 40 01 00", false, 0x0000_0002, 0x1000)] // a beat of 32 bytes
    [InlineData(CopyFrom + "BC 01 05 40 05 00 04 08 00", false, 0x0000_2000, 0x1019)]
    [InlineData("BC 01 05 42 81 00 34 18 00", true, 0x0000_0020, 0x1006)]
    [InlineData("36 18 00", true, 0x0000_0020, 0x1000)]
    [InlineData("30 08 00", true, 0x0000_0040, 0x1000)]
    [InlineData("BC 01 05 40 01 00 00", true, 0x0000_0080, 0x1000)]
    [InlineData("BC 01 05 42 01 00 00", true, 0x0000_0080, 0x1000)]
    public void A_precise_fault_stops_the_channel_at_the_instruction(
        string program,
        bool nonSecure,
        uint faultType,
        uint pc
    )
    {
        var bench = new Dma330Bench { ["INTEN"] = 8 }.Run(program, nonSecure: nonSecure);
        bench["FTR0"].Should().Be(faultType);
        bench["CPC0"].Should().Be(pc);
        bench["CSR0"].Should().Be(nonSecure ? 0x0020_000FU : 0xF);
        (bench["FSRC"], bench["FSRD"], bench.Abort).Should().Be((1, 0, true));
        (bench["INT_EVENT_RIS"], bench.Irq(3)).Should().Be((0, false));
        bench.Dma.Explain().Should().ContainSingle().Which.Should().StartWith("channel 0 faulting: ");

        bench.Kill(0);
        bench.Settle();
        (bench["FSRC"], bench["FTR0"], bench["CSR0"] & 15, bench.Abort).Should().Be((0, 0, 0, false));
        bench.Run("54 05 00 00", nonSecure: nonSecure);
        bench["FSRC"].Should().Be(0);
    }

    [Fact] // F3
    public void A_store_without_data_changes_nothing()
    {
        var bench = new Dma330Bench().Run("BC 01 05 40 05 00 BC 00 00 20 00 00 BC 02 00 30 00 00 04 08 00");
        (bench["FTR0"], bench["CPC0"], bench["SAR0"], bench["DAR0"]).Should().Be((0x2000, 0x1013, 0x2004, 0x3000));
        bench.Read(0x3000, 8).Should().Equal(new byte[8]);
    }

    [Fact] // F4
    public void A_burst_larger_than_the_MFIFO_is_an_MFIFO_error()
    {
        var bench = new Dma330Bench(("mfifo-lines", 8)).Run(
            "BC 01 F9 40 3E 00 BC 00 00 20 00 00 BC 02 00 30 00 00 04 08 00"
        );
        (bench["FTR0"], bench["CSR0"], bench.Abort).Should().Be((0x1000, 0xF, true));
    }

    [Theory] // F10, F11
    [InlineData(0xF000_0000, 0x3000, 0x0004_0000, "data read error (FTR0 bit 18)")]
    [InlineData(0x2000, 0xF000_0000, 0x0002_0000, "data write error (FTR0 bit 17)")]
    public void A_bus_error_faults_and_nothing_is_signalled(uint from, uint to, uint faultType, string explained)
    {
        var bench = new Dma330Bench { ["INTEN"] = 1 };
        byte[] program = Dma330Bench.Bytes(CopyFrom + "04 12 08 13 34 00 00");
        BitConverter.TryWriteBytes(program.AsSpan(8), from);
        BitConverter.TryWriteBytes(program.AsSpan(14), to);
        bench.Write(0x1000, program);
        bench.Go();
        bench.Settle();
        (bench["FTR0"], bench["CSR0"], bench["INT_EVENT_RIS"], bench.Abort).Should().Be((faultType, 0xF, 0, true));
        bench.Dma.Explain().Single().Should().Contain(explained).And.Contain("0xf000_0000");
        bench.Simulation.Trace.Problems.Should().Contain(problem => problem.Kind.Name == "dma.fault");
    }

    [Fact] // F9
    public void A_fetch_from_nowhere_faults_at_that_address()
    {
        var bench = new Dma330Bench();
        bench.Go(address: 0xF000_0000);
        bench.Settle();
        (bench["FTR0"], bench["CPC0"], bench["CSR0"]).Should().Be((0x0001_0000, 0xF000_0000, 0xF));
    }

    [Fact]
    public void A_program_that_ends_with_the_last_byte_of_memory_does_not_fault()
    {
        var bench = new Dma330Bench().Run("BC 00 44 33 22 11 00", address: 0xE000_0000 - 7);
        (bench["SAR0"], bench["CSR0"]).Should().Be((0x1122_3344, 0));
        bench.Simulation.Trace.Problems.Should().BeEmpty();
    }

    [Fact] // F7
    public void A_nonsecure_manager_cannot_start_a_secure_channel()
    {
        var bench = new Dma330Bench(("boot-manager-ns", 1));
        bench.Go();
        bench.Settle();
        (bench["FSRD"], bench["FTRD"], bench["DSR"], bench["CSR0"]).Should().Be((1, 0x4000_0010, 0x20F, 0));
        bench.Abort.Should().BeTrue();
        bench.KillManager();
        bench.Settle();
        (bench["FSRD"], bench["FTRD"], bench["DSR"], bench.Abort).Should().Be((0, 0, 0x200, false));
        bench.Debug(0x1834_0000);
        bench.Settle();
        bench["FTRD"].Should().Be(0x4000_0020);
    }

    [Theory] // F8
    [InlineData(0, 0x8000_0000, 0xF)]
    [InlineData(1, 0, 1)]
    public void The_watchdog_finds_a_load_that_never_fits(uint interruptOnly, uint faultType, uint status)
    {
        var bench = new Dma330Bench(("mfifo-lines", 8)) { ["WD"] = interruptOnly };
        bench.Run("BC 01 F7 C0 3D 00 BC 00 00 20 00 00 04 04 00");
        (bench["FTR0"], bench["CSR0"], bench.Abort).Should().Be((faultType, status, true));
        bench.Kill(0);
        bench.Settle();
        (bench["CSR0"], bench.Abort).Should().Be((0, false));
    }

    [Fact]
    public void A_load_waits_for_another_channel_to_store()
    {
        var bench = new Dma330Bench(("mfifo-lines", 8));
        bench.Write(0x1100, Dma330Bench.Bytes("BC 01 F7 C0 3D 00 BC 00 00 20 00 00 BC 02 00 40 00 00 04 36 08 08 00"));
        bench.Go(1, 0x1100);
        bench.Settle();
        bench.Run("BC 01 F7 C0 3D 00 BC 00 00 20 00 00 BC 02 00 30 00 00 04 08 00");
        bench["FTR0"].Should().Be(0x8000_0000, "channel 1 waits for an event and does not count");
        bench.Kill(0);
        bench.Settle();
        bench.Go();
        bench.Simulation.RunFor(VirtualTime.Microsecond);
        bench["CSR0"].Should().Be(1);
        bench.Debug(0x0834_0000);
        bench.Settle();
        (bench["CSR0"], bench["CSR1"], bench["FSRC"]).Should().Be((0, 0, 0));
        bench.Read(0x3000, 128).Should().Equal(bench.Read(0x4000, 128));
    }

    [Theory]
    [InlineData(0x0018_0000, true, 0x4000_0001)] // DMANOP to the manager
    [InlineData(0x00A0_0001, false, 0x4000_0001)] // DMAGO to a channel
    [InlineData(0x00FF_0001, false, 0x4000_0001)]
    [InlineData(0x8034_0000, true, 0x4000_0002)] // event 16 of 16
    [InlineData(0x0834_0000, true, 0)]
    public void The_debug_interface_takes_three_instructions(uint word, bool manager, uint faultType)
    {
        var bench = new Dma330Bench();
        bench.Debug(word, 0x1000);
        bench.Settle();
        (bench[manager ? "FTRD" : "FTR0"], bench["DBGSTATUS"]).Should().Be((faultType, 0));
        bench.Abort.Should().Be(faultType != 0);
    }

    [Fact]
    public void Reserved_DBGCMD_values_and_missing_channels_are_ignored_with_a_warning()
    {
        var bench = new Dma330Bench(("channels", 2));
        bench.Write(0x1000, [0x54, 5, 0, 0]);
        bench["DBGINST0"] = 0x00A0_0000;
        bench["DBGINST1"] = 0x1000;
        bench["DBGCMD"] = 1;
        bench.Settle();
        bench["SAR0"].Should().Be(0);
        bench.Kill(5);
        bench.Settle();
        bench.Simulation.Trace.Count(Severity.Warning).Should().Be(2);
        bench.Go(channel: 2);
        bench.Settle();
        bench["FTRD"].Should().Be(0x4000_0002);
        (bench["CCR1"], bench["CCR2"]).Should().Be((Dma330ChannelControl.ResetValue, 0));
    }

    [Fact]
    public void DBGCMD_runs_nothing_inside_the_register_write_and_loses_no_instruction()
    {
        var bench = new Dma330Bench();
        bench.Write(0x1000, [0x54, 5, 0, 0]);
        bench.Go(0);
        bench.Go(1);
        bench.Go(2);
        bench["SAR0"].Should().Be(0);
        bench.Settle();
        (bench["SAR0"], bench["SAR1"], bench["SAR2"]).Should().Be((5, 5, 5));
    }

    [Fact]
    public void Faulting_completing_lasts_until_the_channels_bus_accesses_are_over()
    {
        var bench = new Dma330Bench();
        bench.Write(0x1000, Dma330Bench.Bytes(CopyFrom + "04 08 FF"));
        bench.Go();
        var seen = new List<uint>();
        for (int look = 0; look < 400; look++)
        {
            bench.Simulation.RunFor(VirtualTime.Nanosecond);
            uint status = bench["CSR0"];
            if (seen.LastOrDefault(99U) != status)
            {
                seen.Add(status);
            }
        }

        seen.Should().Equal(0, 1, 0xE, 0xF);
        bench["FSRC"].Should().Be(1);
    }

    [Fact]
    public void Reset_forgets_everything()
    {
        var bench = new Dma330Bench { ["INTEN"] = 1 }.Run(CopyFrom + "04 08 13 34 00 FF");
        (bench.Irq(0), bench.Abort).Should().Be((true, true));
        bench.Dma.Reset();
        bench.Simulation.Events.Count.Should().Be(0);
        (bench.Irq(0), bench.Abort, bench["INTEN"], bench["SAR0"]).Should().Be((false, false, 0, 0));
        bench["CCR0"].Should().Be(Dma330ChannelControl.ResetValue);
    }

    [Fact]
    public void INTEN_chooses_between_event_and_interrupt()
    {
        var bench = new Dma330Bench { ["INTEN"] = 2 };
        bench["INTEN"] = 0xFFFF_FFFE;
        bench["INTEN"].Should().Be(0xFFFE, "there are 16 events");
        bench["INTEN"] = 2;
        bench.Run("34 00 34 08 00");
        (bench["INT_EVENT_RIS"], bench["INTMIS"]).Should().Be((3, 2));
        bench["INTCLR"] = 3;
        (bench["INT_EVENT_RIS"], bench["INTMIS"]).Should().Be((1, 0), "an event is not an interrupt");
        bench.Run("34 08 00");
        bench["INTEN"] = 0;
        (bench["INT_EVENT_RIS"], bench["INTMIS"], bench.Irq(1)).Should().Be((3, 0, false));
    }

    [Fact]
    public void The_configuration_shows_in_the_registers()
    {
        var bench = new Dma330Bench(
            ("events", 32),
            ("peripherals", 32),
            ("ins", uint.MaxValue),
            ("pns", uint.MaxValue)
        );
        (bench["CR0"], bench["CR1"], bench["CR2"]).Should().Be((0x003F_F071, 0xF5, 0));
        (bench["CR3"], bench["CR4"], bench["CRD"]).Should().Be((uint.MaxValue, uint.MaxValue, 0x3FFF_7F74));
        uint[] ids = [.. Enumerable.Range(0, 4).Select(n => bench[$"periph_id_{n}"])];
        ids.Should().Equal(0x30, 0x13, 0x34, 0x00);
        uint[] cells = [.. Enumerable.Range(0, 4).Select(n => bench[$"pcell_id_{n}"])];
        cells.Should().Equal(0x0D, 0xF0, 0x05, 0xB1);
    }

    [Theory]
    [InlineData("channels", 9, "emulator,channels is 9; a DMA-330 takes 1 to 8.")]
    [InlineData("data-width", 256, "emulator,data-width is 256; a DMA-330 takes 32, 64, 128.")]
    [InlineData("mfifo-lines", 0, "emulator,mfifo-lines is 0; a DMA-330 takes 1 to 1024.")]
    public void An_impossible_configuration_is_refused(string property, uint value, string message)
    {
        Action make = () => _ = new Dma330Bench((property, value));
        make.Should().Throw<BoardException>().WithMessage($"dma: {message}");
    }

    [Fact]
    public void The_state_is_free_of_padding() => StatePadding.MustBeAbsent(new Dma330Bench().Dma);
}
