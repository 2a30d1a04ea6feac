using Emulator.Machine;

namespace Emulator.Iommu.Tests;

/// <summary>Accesses longer than a page, and accesses that lie across two.</summary>
public sealed class BlockAccessTests
{
    private static readonly Transaction Signals = new() { StreamId = 0 };

    private static SmmuBench Scattered(uint sctlr = SmmuBench.Terminating)
    {
        SmmuBench bench = new SmmuBench().Route(sctlr: sctlr);
        bench.MapPage(0x1000, 0x9000_77FF);
        bench.MapPage(0x2000, 0x9000_37FF);
        bench.MapPage(0x3000, 0x9000_57FF);
        return bench;
    }

    [Fact]
    public void A_block_goes_to_scattered_pages_and_comes_back_whole()
    {
        SmmuBench bench = Scattered();
        byte[] sent = new byte[0x2345];
        SmmuBench.FillWithPattern(sent, 5);
        bench.Upstream.Write(0x1800, sent, Signals).Should().Be(BusStatus.Okay);
        byte[] received = new byte[sent.Length];
        bench.Upstream.Read(0x1800, received, Signals).Should().Be(BusStatus.Okay);
        received.Should().Equal(sent);
        bench.Peek(0x9000_7800, 1).Should().Be(sent[0]);
        bench.Peek(0x9000_3000, 1).Should().Be(sent[0x800]);
        bench.Peek(0x9000_5000, 1).Should().Be(sent[0x1800]);
    }

    [Fact]
    public void A_fault_in_the_middle_stops_there_with_everything_before_it_done()
    {
        SmmuBench bench = Scattered();
        bench.MapPage(0x2000, 0);
        byte[] data = new byte[0x3000];
        Array.Fill(data, (byte)0x77);
        bench.Upstream.Write(0x1000, data, Signals).Should().Be(BusStatus.SlaveError);
        bench.Peek(0x9000_7FFF, 1).Should().Be(0x77);
        bench.Peek(0x9000_3000, 1).Should().Be(0);
        bench.Peek(0x9000_5000, 1).Should().Be(0);
        bench.ShouldHaveFaulted(0, 0x2, 0x2000, 0x13);
    }

    [Fact]
    public void A_page_terminated_without_error_reads_zero_and_the_rest_goes_on()
    {
        SmmuBench bench = Scattered(sctlr: 0x147);
        byte[] data = new byte[0x3000];
        Array.Fill(data, (byte)0x77);
        bench.Upstream.Write(0x1000, data, Signals).Should().Be(BusStatus.Okay);
        bench["TLBIALLNSNH"] = 0;
        bench.MapPage(0x2000, 0);
        bench.Upstream.Read(0x1000, data, Signals).Should().Be(BusStatus.Okay);
        data[0xFFF].Should().Be(0x77);
        data[0x1000].Should().Be(0);
        data[0x1FFF].Should().Be(0);
        data[0x2000].Should().Be(0x77);
        bench.ShouldHaveFaulted(0, 0x2, 0x2000, 0x03);
    }

    [Fact]
    public void A_word_across_two_pages_is_put_together()
    {
        SmmuBench bench = Scattered();
        bench.Write(0x1FFE, 0x1122_3344_5566_7788, size: 8).Should().Be(BusStatus.Okay);
        bench.Peek(0x9000_7FFE, 2).Should().Be(0x7788);
        bench.Peek(0x9000_3000, 4).Should().Be(0x3344_5566);
        bench.Read(0x1FFE, out ulong value, size: 8).Should().Be(BusStatus.Okay);
        value.Should().Be(0x1122_3344_5566_7788);
    }

    [Fact]
    public void An_access_ends_at_the_top_of_the_address_space()
    {
        var bench = new SmmuBench(ramBytes: 0x1000);
        bench.Read(ulong.MaxValue, out _).Should().Be(BusStatus.DecodeError);
        bench.Upstream.Write(0x800, new byte[0x1000], Signals).Should().Be(BusStatus.DecodeError);
    }

    [Fact]
    public void A_held_block_is_repeated_whole()
    {
        SmmuBench bench = Scattered(SmmuBench.Stalling);
        bench.MapPage(0x2000, 0);
        var master = new TestMaster(bench.Upstream);
        byte[] data = new byte[0x2000];
        Array.Fill(data, (byte)0x42);
        master.Write(1, 0x1000, data).Should().Be(BusStatus.Held);
        bench["CB0_FAR"].Should().Be(0x2000);
        bench.MapPage(0x2000, 0x9000_37FF);
        bench["CB0_FSR"] = 0x2;
        bench["CB0_RESUME"] = 0;
        master.Done.Should().ContainSingle().Which.Status.Should().Be(BusStatus.Okay);
        bench.Peek(0x9000_3FFF, 1).Should().Be(0x42);
    }
}
