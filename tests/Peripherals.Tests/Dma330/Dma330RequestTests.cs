using Emulator.Machine;

namespace Emulator.Peripherals.Tests;

/// <summary>What peripherals request and what DMAWFP, the S, B and P forms and DMAFLUSHP make of it.</summary>
public sealed class Dma330RequestTests
{
    private const string Head = "BC 01 35 40 0D 00 BC 00 00 20 00 00 BC 02 00 30 00 00 ";

    /// <summary>Moves a burst and ends, or one beat and ends, as the request was: then 16 or 4 bytes are at the destination.</summary>
    private static string WaitThenMove(string wait) => $"{Head} {wait} 07 0B 05 09 13 00";

    private static Dma330Bench Make(out Recorder peripheral, params (string, uint)[] options)
    {
        var bench = new Dma330Bench(options);
        peripheral = new Recorder();
        for (int n = 0; n < 4; n++)
        {
            bench.Dma.Connect(n, peripheral);
        }

        return bench;
    }

    [Fact] // T10b
    public void Linuxs_program_for_single_transfers_moves_one_beat_a_request()
    {
        Dma330Bench bench = Make(out Recorder peripheral);
        bench["INTEN"] = 2;
        bench.Run("BC 01 04 40 01 00 BC 00 00 90 00 00 BC 02 00 30 00 00 22 03 35 10 30 10 25 10 09 3C 07 34 08 00");
        (bench["CSR0"], bench["LC1_0"]).Should().Be((0x27, 3));
        for (uint left = 3; left > 0; left--)
        {
            bench.Dma.Request(2, Dma330RequestKind.Single);
            bench.Settle();
            bench["LC1_0"].Should().Be(left - 1);
        }

        bench.Dma.Request(2, Dma330RequestKind.Single);
        bench.Settle();
        (bench["DAR0"], bench["INT_EVENT_RIS"], bench["INTMIS"], bench["CSR0"]).Should().Be((0x3010, 2, 2, 0));
        string.Concat(peripheral.Seen).Should().Be("FSFSFSFS");
    }

    [Fact] // T10c
    public void A_burst_request_stays_for_a_later_burst_when_a_single_one_was_waited_for()
    {
        Dma330Bench bench = Make(out Recorder peripheral);
        bench.Dma.Request(0, Dma330RequestKind.Burst);
        bench.Run(Head + "30 00 05 09 32 00 07 0B 13 00");
        (bench["SAR0"], bench["DAR0"], bench["CSR0"]).Should().Be((0x2014, 0x3014, 0x4000));
        bench.Read(0x3000, 20).Should().Equal(bench.Read(0x2000, 20));
        bench.Dma.PendingRequests(0).Should().Be(0);
        peripheral.Seen.Should().BeEmpty("no P form was executed");
    }

    [Theory]
    [InlineData("30 00", Dma330RequestKind.Single, 4, 0)]
    [InlineData("30 00", Dma330RequestKind.Burst, 4, 1)]
    [InlineData("32 00", Dma330RequestKind.Burst, 16, 0)]
    [InlineData("31 00", Dma330RequestKind.Single, 4, 0)]
    [InlineData("31 00", Dma330RequestKind.Burst, 16, 0)]
    public void Operand_and_request_decide_what_is_moved_and_what_is_left(
        string wait,
        Dma330RequestKind request,
        int moved,
        int left
    )
    {
        Dma330Bench bench = Make(out _);
        bench.Dma.Request(0, request);
        bench.Run(WaitThenMove(wait));
        bench["DAR0"].Should().Be(0x3000 + (uint)moved);
        bench.Dma.PendingRequests(0).Should().Be(left);
        (bench["CSR0"] & 0xF).Should().Be(0);
    }

    [Fact]
    public void Waiting_for_a_burst_drops_single_requests_and_goes_on_waiting()
    {
        Dma330Bench bench = Make(out _);
        bench.Dma.Request(0, Dma330RequestKind.Single);
        bench.Run(WaitThenMove("32 00"));
        (bench["CSR0"], bench["CPC0"]).Should().Be((0x4007, 0x1012));
        bench.Dma.PendingRequests(0).Should().Be(0);
        bench.Dma.Request(0, Dma330RequestKind.Burst);
        bench.Settle();
        (bench["CSR0"], bench["DAR0"]).Should().Be((0x4000, 0x3010));
    }

    [Fact]
    public void A_flush_forgets_the_requests_of_its_interface_only()
    {
        Dma330Bench bench = Make(out Recorder peripheral);
        bench.Dma.Request(1, Dma330RequestKind.Burst);
        bench.Dma.Request(1, Dma330RequestKind.Single);
        bench.Dma.Request(3, Dma330RequestKind.Single);
        bench.Run("35 08 00");
        (bench.Dma.PendingRequests(1), bench.Dma.PendingRequests(3)).Should().Be((0, 1));
        peripheral.Seen.Should().Equal("F");
    }

    [Fact]
    public void An_early_request_is_not_lost_and_a_full_queue_takes_no_more()
    {
        Dma330Bench bench = Make(out _);
        int taken = 0;
        while (bench.Dma.Request(0, Dma330RequestKind.Single))
        {
            taken++;
        }

        taken.Should().Be(8);
        bench.Run(WaitThenMove("30 00"));
        (bench["DAR0"], bench.Dma.PendingRequests(0)).Should().Be((0x3004, 7));
    }

    [Fact]
    public void Bursts_by_the_P_forms_are_acknowledged_as_bursts()
    {
        Dma330Bench bench = Make(out Recorder peripheral);
        bench.Dma.Request(0, Dma330RequestKind.Burst);
        bench.Run(Head + "32 00 27 00 2B 00 25 00 29 00 13 00"); // LDPB, STPB; LDPS and STPS are no-ops
        (bench["SAR0"], bench["DAR0"]).Should().Be((0x2010, 0x3010));
        string.Concat(peripheral.Seen).Should().Be("BB");
    }

    [Theory]
    [InlineData("30 20 00", 0U, 0x2U)] // interface 4 of 4
    [InlineData("35 20 00", 0U, 0x2U)]
    [InlineData("25 20 00", 0U, 0x2U)]
    [InlineData("29 20 00", 0U, 0x2U)]
    [InlineData("35 08 00", 1U, 0x40U)]
    [InlineData("25 08 00", 1U, 0x40U)]
    [InlineData("29 08 00", 1U, 0x40U)]
    [InlineData("27 08 00", 1U, 0x40U)]
    public void Every_peripheral_instruction_checks_its_interface(string program, uint nonSecure, uint faultType)
    {
        Dma330Bench bench = Make(out Recorder peripheral);
        bench.Run(program, nonSecure: nonSecure != 0);
        (bench["FTR0"], bench["CPC0"]).Should().Be((faultType, 0x1000));
        peripheral.Seen.Should().BeEmpty();
    }

    [Fact]
    public void Without_request_interfaces_every_number_is_invalid()
    {
        var bench = new Dma330Bench(("peripherals", 0));
        (bench["CR0"] & 1).Should().Be(0);
        bench.Run("30 00 00");
        bench["FTR0"].Should().Be(2);
    }

    [Fact]
    public void Request_type_and_last_are_single_and_no_after_DMAGO()
    {
        Dma330Bench bench = Make(out _);
        bench.Dma.Request(0, Dma330RequestKind.Burst, last: true);
        bench.Run("31 00 00");
        bench.Run(Head + "05 09 07 0B 13 18 2C 01 00");
        bench["DAR0"].Should().Be(0x3004, "S forms execute and B forms do not");
        bench["CSR0"].Should().Be(1, "the loop has no last request");
    }

    private sealed class Recorder : IDma330Peripheral
    {
        public List<string> Seen { get; } = [];

        public void OnAcknowledge(int requestInterface, Dma330Acknowledge kind) => Seen.Add(kind.ToString()[..1]);
    }
}
