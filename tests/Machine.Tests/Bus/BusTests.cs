using FsCheck;
using FsCheck.Fluent;

namespace Emulator.Machine.Tests;

public sealed class BusTests
{
    private const ulong Top = 0xFFFF_FFFF_FFFF_F000;

    private readonly Simulation _simulation = new();
    private readonly Master _master = new("dma0 channel 3");
    private readonly Bus _bus;

    public BusTests() => _bus = new Bus("bus", _simulation.Trace);

    [Fact]
    public void Addresses_reach_a_target_relative_to_where_it_begins()
    {
        var probe = new Probe();
        _bus.Map("uart", 0x1C09_0000, 0x1000, probe);
        ReadWord(0x1C09_0018, 4).Should().Be((BusStatus.Okay, 0x1B1A_1918UL));
        WriteWord(0x1C09_0FFC, 4, 0x1234_5678).Should().Be(BusStatus.Okay);
        probe.Accesses.Should().Equal("read 4 at 0x18", "write 78563412 at 0xffc");
    }

    [Fact]
    public void The_signals_of_a_transaction_arrive_unchanged()
    {
        var probe = new Probe();
        _bus.Map("uart", 0, 0x1000, probe);
        var signals = new Transaction
        {
            Initiator = _master,
            Tag = 77,
            RequesterId = 8,
            StreamId = 9,
            DeviceId = 10,
            Flags = TransactionFlags.Secure | TransactionFlags.Instruction,
        };
        _bus.Read(0, new byte[4], signals);
        _bus.WriteWord(0, 4, 0, signals);
        probe.Transactions.Should().Equal(signals, signals);
    }

    [Theory]
    [InlineData(0x1000, 0x1000)]
    [InlineData(0x0FFF, 2)]
    [InlineData(0x1FFF, 1)]
    [InlineData(0x0000, 0x1_0000)]
    [InlineData(0x1800, 4)]
    public void Overlapping_regions_are_refused_and_both_are_named(ulong start, ulong length)
    {
        BusRegion uart = _bus.Map("uart", 0x1000, 0x1000, new Probe());
        ulong epoch = _bus.Epoch.Value;
        BusMapException refusal = FluentActions
            .Invoking(() => _bus.Map("timer", start, length, new Probe()))
            .Should()
            .Throw<BusMapException>()
            .WithMessage($"Region 0x*..0x* timer overlaps 0x1000..0x1fff uart on bus.")
            .Which;
        refusal.Existing.Should().BeSameAs(uart);
        _bus.Regions.Should().Equal(uart);
        _bus.Epoch.Value.Should().Be(epoch);
    }

    [Fact]
    public void Adjacent_regions_do_not_overlap()
    {
        _bus.Map("b", 0x1000, 0x1000, new Probe());
        _bus.Map("a", 0x0000, 0x1000, new Probe());
        _bus.Map("c", 0x2000, 1, new Probe());
        _bus.Regions.Select(region => region.Name).Should().Equal("a", "b", "c");
        _bus.Find(0x0FFF)!.Name.Should().Be("a");
        _bus.Find(0x1000)!.Name.Should().Be("b");
        _bus.Find(0x1FFF)!.Name.Should().Be("b");
        _bus.Find(0x2000)!.Name.Should().Be("c");
        _bus.Find(0x2001).Should().BeNull();
    }

    [Fact]
    public void A_region_without_bytes_is_refused() =>
        FluentActions
            .Invoking(() => _bus.Map("nothing", 0x1000, 0, new Probe()))
            .Should()
            .Throw<BusMapException>()
            .WithMessage("Region 'nothing' at 0x1000 is empty.");

    [Fact]
    public void A_region_may_end_at_the_top_of_the_address_space_and_not_reach_past_it()
    {
        _bus.Map("top", Top, 0x1000, new Probe()).Last.Should().Be(ulong.MaxValue);
        ReadWord(ulong.MaxValue, 1).Should().Be((BusStatus.Okay, 0xFFUL));
        FluentActions
            .Invoking(() => new Bus("other", _simulation.Trace).Map("past", Top, 0x1001, new Probe()))
            .Should()
            .Throw<BusMapException>()
            .WithMessage(
                "Region 'past' at 0xffff_ffff_ffff_f000 with 0x1001 bytes reaches past the end of the 64-bit address space."
            );
    }

    [Fact]
    public void A_block_does_not_go_on_at_address_0_after_the_top_of_the_address_space()
    {
        var bottom = new Probe();
        _bus.Map("bottom", 0, 0x1000, bottom);
        _bus.Map("top", Top, 0x1000, new Probe());
        _bus.Read(ulong.MaxValue - 3, new byte[8], _master.Signals()).Should().Be(BusStatus.DecodeError);
        _bus.Write(ulong.MaxValue - 3, new byte[8], _master.Signals()).Should().Be(BusStatus.DecodeError);
        ReadWord(ulong.MaxValue - 3, 8).Status.Should().Be(BusStatus.DecodeError);
        bottom.Accesses.Should().BeEmpty();
        _simulation.Trace.Problems.Should().HaveCount(3);
    }

    [Fact]
    public void A_block_that_ends_at_the_top_of_the_address_space_is_fine()
    {
        _bus.Map("top", Top, 0x1000, new Ram("top", 0x1000));
        _bus.Write(ulong.MaxValue - 3, new byte[] { 1, 2, 3, 4 }, _master.Signals()).Should().Be(BusStatus.Okay);
        ReadWord(ulong.MaxValue - 3, 4).Should().Be((BusStatus.Okay, 0x0403_0201UL));
    }

    [Fact]
    public void Buses_nest()
    {
        var inner = new Bus("smb", _simulation.Trace, _bus.Epoch);
        inner.Map("ram", 0x0001_0000, 0x1000, new Ram("ram", 0x1000));
        _bus.Map("smb", 0x1C00_0000, 0x0400_0000, inner);
        WriteWord(0x1C01_0010, 4, 0xCAFE).Should().Be(BusStatus.Okay);
        ReadWord(0x1C01_0010, 4).Value.Should().Be(0xCAFE);
        _bus.TryGetDirectSpan(0x1C01_0010, DirectAccess.Read, default, out DirectSpan span).Should().BeTrue();
        span.Start.Should().Be(0x1C01_0000);
        span.LengthBytes.Should().Be(0x1000);
        span.From(0x1C01_0010, 2).ToArray().Should().Equal(0xFE, 0xCA);
        ReadWord(0x1C02_0000, 4).Status.Should().Be(BusStatus.DecodeError);
        _simulation.Trace.Problems.Should().ContainSingle().Which.Source.Should().Be("smb");
    }

    [Fact]
    public void A_change_of_an_inner_map_is_seen_from_outside()
    {
        var inner = new Bus("smb", _simulation.Trace, _bus.Epoch);
        _bus.Map("smb", 0x1000, 0x1000, inner);
        ulong before = _bus.Epoch.Value;
        inner.Map("ram", 0, 0x1000, new Ram("ram", 0x1000));
        _bus.Epoch.Value.Should().BeGreaterThan(before);
    }

    [Fact]
    public void A_block_crosses_from_region_to_region()
    {
        var first = new Ram("first", 0x1000);
        var second = new Ram("second", 0x1000);
        _bus.Map("first", 0x1000, 0x1000, first);
        _bus.Map("second", 0x2000, 0x1000, second);
        byte[] data = [1, 2, 3, 4, 5, 6, 7, 8];
        _bus.Write(0x1FFD, data, _master.Signals()).Should().Be(BusStatus.Okay);
        byte[] back = new byte[8];
        _bus.Read(0x1FFD, back, _master.Signals()).Should().Be(BusStatus.Okay);
        back.Should().Equal(data);
        second.ReadWord(0, 4, out ulong value, default).Should().Be(BusStatus.Okay);
        value.Should().Be(0x0706_0504);
    }

    [Fact]
    public void A_block_stops_where_somebody_refuses()
    {
        var probe = new Probe { Answer = BusStatus.SlaveError };
        var last = new Probe();
        _bus.Map("ram", 0x0000, 0x1000, new Ram("ram", 0x1000));
        _bus.Map("probe", 0x1000, 0x10, probe);
        _bus.Map("last", 0x1010, 0x1000, last);
        _bus.Read(0x0FF0, new byte[64], _master.Signals()).Should().Be(BusStatus.SlaveError);
        probe.Accesses.Should().Equal("read 16 at 0x0");
        last.Accesses.Should().BeEmpty();
    }

    [Fact]
    public void A_block_that_runs_into_a_hole_has_done_its_first_part()
    {
        _bus.Map("ram", 0x0000, 0x1000, new Ram("ram", 0x1000));
        _bus.Write(0x0FFE, new byte[] { 1, 2, 3, 4 }, _master.Signals()).Should().Be(BusStatus.DecodeError);
        ReadWord(0x0FFE, 2).Should().Be((BusStatus.Okay, 0x0201UL));
        Messages()
            .Should()
            .Equal("dma0 channel 3 writes 2 bytes at 0x1000 (requester 0x0, stream 0x0, non-secure): nothing is there");
    }

    [Fact]
    public void A_block_of_no_bytes_is_done_at_once()
    {
        var probe = new Probe();
        _bus.Map("probe", 0x1000, 0x1000, probe);
        _bus.Read(0x1010, [], _master.Signals()).Should().Be(BusStatus.Okay);
        _bus.Write(0x1010, [], _master.Signals()).Should().Be(BusStatus.Okay);
        probe.Accesses.Should().BeEmpty();
    }

    [Fact]
    public void A_word_does_not_cross_from_region_to_region()
    {
        var first = new Probe();
        var second = new Probe();
        _bus.Map("first", 0x1000, 0x1000, first);
        _bus.Map("second", 0x2000, 0x1000, second);
        ReadWord(0x1FFE, 4).Should().Be((BusStatus.DecodeError, 0UL));
        WriteWord(0x1FFC, 8, 1).Should().Be(BusStatus.DecodeError);
        first.Accesses.Should().BeEmpty();
        second.Accesses.Should().BeEmpty();
        WriteWord(0x1FFC, 4, 1).Should().Be(BusStatus.Okay);
    }

    [Fact]
    public void Regions_that_share_a_page_are_told_apart_on_every_look_up()
    {
        _bus.Map("a", 0x1000, 0x10, new Probe());
        _bus.Map("b", 0x1010, 0x10, new Probe());
        _bus.Map("c", 0x1800, 0x1000, new Probe());
        for (int time = 0; time < 3; time++)
        {
            _bus.Find(0x100F)!.Name.Should().Be("a");
            _bus.Find(0x1010)!.Name.Should().Be("b");
            _bus.Find(0x1020).Should().BeNull();
            _bus.Find(0x17FF).Should().BeNull();
            _bus.Find(0x1FFF)!.Name.Should().Be("c");
            _bus.Find(0x2000)!.Name.Should().Be("c");
            _bus.Find(0x27FF)!.Name.Should().Be("c");
            _bus.Find(0x2800).Should().BeNull();
        }
    }

    [Fact]
    public void Pages_that_share_a_place_in_the_look_up_cache_are_told_apart()
    {
        const ulong CacheReach = 1024 * 0x1000;
        _bus.Map("a", 0, 0x1000, new Probe());
        _bus.Map("b", CacheReach, 0x1000, new Probe());
        for (int time = 0; time < 3; time++)
        {
            _bus.Find(0x10)!.Name.Should().Be("a");
            _bus.Find(CacheReach + 0x10)!.Name.Should().Be("b");
            _bus.Find((2 * CacheReach) + 0x10).Should().BeNull();
        }
    }

    [Fact]
    public void What_was_unmapped_is_not_found_again()
    {
        BusRegion region = _bus.Map("a", 0x1000, 0x2000, new Probe());
        _bus.Find(0x1000).Should().BeSameAs(region);
        ulong before = _bus.Epoch.Value;
        _bus.Unmap(region).Should().BeTrue();
        _bus.Find(0x1000).Should().BeNull();
        _bus.Epoch.Value.Should().BeGreaterThan(before);
        _bus.Unmap(region).Should().BeFalse();
        BusRegion other = _bus.Map("b", 0x1800, 0x1000, new Probe());
        _bus.Find(0x1800).Should().BeSameAs(other);
        _bus.Find(0x1000).Should().BeNull();
    }

    [Fact]
    public void The_epoch_grows_with_every_region_and_stands_still_otherwise()
    {
        ulong before = _bus.Epoch.Value;
        _bus.Map("a", 0x1000, 0x1000, new Probe());
        _bus.Epoch.Value.Should().Be(before + 1);
        ReadWord(0x1000, 4);
        ReadWord(0x5000, 4);
        _bus.Epoch.Value.Should().Be(before + 1);
    }

    [Fact]
    public void Where_nobody_answers_the_miss_says_who_asked_for_what()
    {
        var signals = new Transaction
        {
            Initiator = _master,
            RequesterId = 0x3,
            StreamId = 0x10,
            Flags = TransactionFlags.Secure,
        };
        _simulation.RunUntil(1_500_000);
        _bus.ReadWord(0x4_0000_0000, 8, out ulong value, signals).Should().Be(BusStatus.DecodeError);
        value.Should().Be(0);
        _bus.WriteWord(0x20, 2, 1, default).Should().Be(BusStatus.DecodeError);
        _simulation
            .Trace.Problems.Select(problem => problem.ToString())
            .Should()
            .Equal(
                "[     1.500000] error: bus dma0 channel 3 reads 8 bytes at 0x4_0000_0000 "
                    + "(requester 0x3, stream 0x10, secure): nothing is there",
                "[     1.500000] error: bus somebody writes 2 bytes at 0x20 "
                    + "(requester 0x0, stream 0x0, non-secure): nothing is there"
            );
    }

    [Fact]
    public void A_direct_span_ends_where_its_region_ends()
    {
        _bus.Map("window", 0x8000_0000, 0x800, new Ram("ram", 0x1_0000));
        _bus.TryGetDirectSpan(0x8000_0400, DirectAccess.Write, default, out DirectSpan span).Should().BeTrue();
        span.Start.Should().Be(0x8000_0000);
        span.LengthBytes.Should().Be(0x800);
        span.Contains(0x8000_07FC, 4).Should().BeTrue();
        span.Contains(0x8000_07FD, 4).Should().BeFalse();
        span.Contains(0x7FFF_FFFF, 1).Should().BeFalse();
        _bus.TryGetDirectSpan(0x8000_0800, DirectAccess.Read, default, out _).Should().BeFalse();
        _simulation.Trace.Problems.Should().BeEmpty("asking has no effect");
    }

    [Fact]
    public void Registers_offer_no_direct_span()
    {
        _bus.Map("uart", 0, 0x1000, new Probe());
        _bus.TryGetDirectSpan(0, DirectAccess.Read, default, out _).Should().BeFalse();
    }

    [Fact]
    public void A_region_of_the_whole_address_space_answers_everywhere()
    {
        var inner = new Bus("inner", _simulation.Trace);
        inner.Map("ram", 0x8000_0000, 0x1000, new Ram("ram", 0x1000));
        _bus.Map("low", 0, ulong.MaxValue, inner);
        WriteWord(0x8000_0000, 4, 5);
        ReadWord(0x8000_0000, 4).Value.Should().Be(5);
        _bus.Find(ulong.MaxValue).Should().BeNull();
        _bus.Find(ulong.MaxValue - 1).Should().NotBeNull();
    }

    [Fact]
    public void Any_map_gives_what_a_linear_search_gives()
    {
        Gen<int[]> scripts = Gen.Choose(0, int.MaxValue).ArrayOf(120);
        Prop.ForAll(scripts.ToArbitrary(), Replay).Check(Config.QuickThrowOnFailure.WithMaxTest(100));
    }

    private static void Replay(int[] script)
    {
        var bus = new Bus("bus", new Simulation().Trace);
        var model = new List<(ulong Start, ulong Last, string Name, BusRegion Region)>();
        foreach (int step in script)
        {
            // Small regions close together, on both sides of page borders and of the reach of the look-up cache.
            ulong start = (ulong)(step / 16 % 64) * 0x280 + (step / 1024 % 2 == 0 ? 0 : 0x40_0000UL);
            ulong last = start + (ulong)(1 + step / 7 % 0x2400) - 1;
            bool clash = model.Exists(known => known.Start <= last && start <= known.Last);
            if (step % 4 == 0 && model.Count > 0)
            {
                int victim = step / 64 % model.Count;
                bus.Unmap(model[victim].Region).Should().BeTrue();
                model.RemoveAt(victim);
            }
            else if (clash)
            {
                FluentActions
                    .Invoking(() => bus.Map("clash", start, last - start + 1, new Probe()))
                    .Should()
                    .Throw<BusMapException>();
            }
            else
            {
                string name = $"r{step}";
                model.Add((start, last, name, bus.Map(name, start, last - start + 1, new Probe())));
            }

            for (int n = 0; n < 8; n++)
            {
                ulong address = (start & ~0xFFFUL) + (ulong)(step / (n + 1) % 0x3000);
                string? expected = model.Find(known => known.Start <= address && address <= known.Last).Name;
                bus.Find(address)?.Name.Should().Be(expected, $"of 0x{address:x}");
                (bus.Find(address) is null).Should().Be(expected is null, $"of 0x{address:x}");
            }
        }

        bus.Regions.Select(region => region.Start).Should().BeInAscendingOrder();
    }

    private (BusStatus Status, ulong Value) ReadWord(ulong address, int size) =>
        (_bus.ReadWord(address, size, out ulong value, _master.Signals()), value);

    private BusStatus WriteWord(ulong address, int size, ulong value) =>
        _bus.WriteWord(address, size, value, _master.Signals());

    private IEnumerable<string> Messages() => _simulation.Trace.Problems.Select(problem => problem.Message);
}
