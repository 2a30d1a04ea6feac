using Emulator.Machine;

namespace Emulator.Peripherals.Tests;

/// <summary>Programs that do what no compiler would make them do. Each ends in a defined state, whatever runs it.</summary>
public sealed class Dma330HostileTests
{
    private const string Words = "BC 01 35 40 0D 00 "; // 4 beats of 4 bytes both ways

    [Fact]
    public void A_loop_may_jump_back_before_address_0()
    {
        // DMALP LC0, 2; DMALPEND LC0, -255 at address 2
        var bench = new Dma330Bench().Run("20 01 38 FF 00", address: 0);
        (bench["FTR0"], bench["CPC0"]).Should().Be((0x0001_0000, 0xFFFF_FF03));
    }

    [Fact]
    public void A_program_that_runs_off_the_end_of_memory_faults_there()
    {
        var bench = new Dma330Bench().Run("18 18 18 18", address: 0xE000_0000 - 4);
        (bench["FTR0"], bench["CPC0"]).Should().Be((0x0001_0000, 0xE000_0000));
    }

    [Fact]
    public void An_instruction_cut_off_by_the_end_of_memory_faults_and_does_nothing()
    {
        var bench = new Dma330Bench().Run("18 BC 00 01", address: 0xE000_0000 - 4);
        (bench["FTR0"], bench["CPC0"], bench["SAR0"]).Should().Be((0x0001_0000, 0xE000_0000 - 3, 0));
    }

    [Fact]
    public void The_program_counter_wraps_at_the_end_of_the_address_space()
    {
        var high = new Ram("high", 0x1000);
        var bench = new Dma330Bench(context => context.Bus.Map("high", 0xFFFF_F000, 0x1000, high));
        bench.Write(0, Dma330Bench.Bytes("33 22 11 18 00"));
        bench.Context.Bus.Write(0xFFFF_FFFD, Dma330Bench.Bytes("BC 00 44"), default);
        bench.Go(address: 0xFFFF_FFFD);
        bench.Settle();
        (bench["FSRC"], bench["SAR0"]).Should().Be((0, 0x1122_3344));
    }

    [Theory]
    [InlineData("04 08 13 00", 0x0002_0000U)] // the store
    [InlineData("0C 13 00", 0x0002_0000U)]
    public void A_store_that_fails_in_the_middle_of_a_burst_has_written_what_came_before(string program, uint faultType)
    {
        // RAM ends at 0xE000_0000: 8 of 16 bytes fit.
        var bench = new Dma330Bench();
        bench.Write(0xE000_0000 - 8, [1, 1, 1, 1, 1, 1, 1, 1]);
        bench.Run($"{Words} BC 00 00 20 00 00 BC 02 F8 FF FF DF {program}");
        (bench["FTR0"], bench["CSR0"]).Should().Be((faultType, 0xF));
        byte[] zeros = new byte[8];
        bench
            .Read(0xE000_0000 - 8, 8)
            .Should()
            .Equal(program.StartsWith("0C", StringComparison.Ordinal) ? zeros : bench.Read(0x2000, 8));
    }

    [Fact]
    public void A_load_that_fails_in_the_middle_of_a_burst_leaves_nothing_after_the_kill()
    {
        var bench = new Dma330Bench().Run($"{Words} BC 00 F8 FF FF DF BC 02 00 30 00 00 04 12 08 13 00");
        (bench["FTR0"], bench["CSR0"]).Should().Be((0x0004_0000, 0xF));
        bench.Read(0x3000, 16).Should().Equal(new byte[16]);
        bench.Kill(0);
        bench.Settle();
        bench.Dma.Channels[0].MfifoBytes.Should().Be(0);
        bench.Run($"{Words} BC 00 00 20 00 00 BC 02 00 30 00 00 04 08 13 00");
        bench.Read(0x3000, 16).Should().Equal(bench.Read(0x2000, 16));
    }

    [Fact]
    public void A_store_over_the_next_instruction_is_obeyed_at_once()
    {
        // The 4 bytes after DMAST become DMAADDH SAR, 5; DMAEND.
        var bench = new Dma330Bench();
        bench.Write(0x2000, Dma330Bench.Bytes("54 05 00 00"));
        bench.Run("BC 01 05 40 01 00 BC 00 00 20 00 00 BC 02 14 10 00 00 04 08 FF FF FF FF");
        (bench["FSRC"], bench["SAR0"]).Should().Be((0, 0x2009));
    }

    [Fact]
    public void A_loop_that_overwrites_its_own_body_runs_the_new_one()
    {
        // Each round loads a byte and stores it over the DMANOP at 0x1016: first DMANOP, then DMAEND.
        var bench = new Dma330Bench();
        bench.Write(0x2000, [0x18, 0x18, 0x00, 0x18]);
        bench.Run("BC 01 01 00 00 00 BC 00 00 20 00 00 BC 02 16 10 00 00 20 FF 04 08 18 38 03 FF");
        (bench["FSRC"], bench["CSR0"], bench["SAR0"], bench["LC0_0"]).Should().Be((0, 0, 0x2003, 0xFD));
    }

    [Fact]
    public void One_channel_may_rewrite_the_program_of_another()
    {
        var bench = new Dma330Bench();
        bench.Write(0x1100, Dma330Bench.Bytes("18 2C 01 00"));
        bench.Go(1, 0x1100);
        bench.Settle();
        bench["CSR1"].Should().Be(1);
        bench.Write(0x2000, [0x00]);
        bench.Run("BC 01 01 40 00 00 BC 00 00 20 00 00 BC 02 00 11 00 00 04 08 13 00");
        (bench["CSR0"], bench["CSR1"], bench["FSRC"]).Should().Be((0, 0, 0));
    }

    [Fact]
    public void A_channel_may_kill_and_start_others_through_the_controllers_own_registers()
    {
        // The registers are on the bus too: channel 0 writes DBGINST0, DBGINST1 and DBGCMD, and so starts channel 1.
        Dma330Bench? made = null;
        var bench = new Dma330Bench(context => context.Bus.Map("own", 0xF000_0000, 0x1000, new Late(() => made!)));
        made = bench;
        bench.Write(0x1100, Dma330Bench.Bytes("54 07 00 00"));
        bench.Write(0x2000, [0, 0, 0xA2, 1, 0x00, 0x11, 0, 0]);
        bench.Write(0x2008, [0, 0, 0, 0]);
        bench.Run(
            "BC 01 15 40 05 00 BC 00 00 20 00 00 BC 02 08 0D 00 F0 04 08 13 "
                + "BC 01 05 40 01 00 BC 02 04 0D 00 F0 04 08 13 00"
        );
        (bench["FSRC"], bench["FSRD"], bench["CSR0"]).Should().Be((0, 0, 0));
        bench["SAR1"].Should().Be(7);
    }

    [Theory]
    [InlineData("BC 01 F1 43 FC 00", 1)] // 16 beats of 1 byte
    [InlineData("BC 01 73 C3 DC 00", 2)]
    [InlineData("BC 01 35 43 CD 00", 4)]
    [InlineData("BC 01 17 C3 C5 00", 8)]
    public void A_device_sees_the_beats_of_a_burst(string control, int beatBytes)
    {
        var port = new StallingMemory(new Ram("port", 0x1000)) { Stalls = false };
        var bench = new Dma330Bench(context => context.Bus.Map("port", 0xF000_0000, 0x1000, port));
        bench.Run($"{control} BC 00 00 00 00 F0 BC 02 00 01 00 F0 04 08 13 00");
        bench["FTR0"].Should().Be(0);
        port.Seen.Should().HaveCount(2).And.OnlyContain(seen => seen.Length == 16);
        port.Seen.Should().OnlyContain(seen => seen.Signals.BeatBytes == beatBytes);
    }

    [Fact]
    public void Endless_programs_on_all_channels_leave_the_simulation_responsive()
    {
        var bench = new Dma330Bench();
        bench.Write(0x1000, Dma330Bench.Bytes("BC 01 F9 40 3E 00 2C 00"));
        for (int channel = 0; channel < 8; channel++)
        {
            bench.Go(channel);
        }

        long before = bench.Simulation.Now;
        bench.Simulation.RunFor(10 * VirtualTime.Microsecond);
        bench.Simulation.Now.Should().Be(before + 10 * VirtualTime.Microsecond);
        for (int channel = 0; channel < 8; channel++)
        {
            bench[$"CSR{channel}"].Should().Be(1);
            bench.Kill(channel);
        }

        bench.Settle();
        bench.Dma.Channels.Should().OnlyContain(channel => channel.Status == Dma330ThreadStatus.Stopped);
    }

    /// <summary>The registers of a controller that is made after the bus.</summary>
    private sealed class Late(Func<Dma330Bench> bench) : IBusTarget
    {
        public BusStatus Read(ulong address, Span<byte> data, in Transaction transaction) =>
            bench().Registers.Read(address, data, transaction);

        public BusStatus Write(ulong address, ReadOnlySpan<byte> data, in Transaction transaction) =>
            bench().Registers.Write(address, data, transaction);
    }
}
