using Emulator.Machine;
using FsCheck;
using FsCheck.Fluent;

namespace Emulator.Iommu.Tests;

/// <summary>Direct spans through the SMMU: what they reach, when they end, and that nobody can tell them from plain accesses.</summary>
public sealed class DirectSpanTests
{
    private static readonly Transaction Signals = new() { StreamId = 0 };

    [Fact]
    public void A_span_is_lent_once_the_TLB_knows_the_page_and_reaches_to_its_ends()
    {
        SmmuBench bench = new SmmuBench().Route();
        bench.MapPage(0x5000, 0x9000_37FF);
        bench
            .Upstream.TryGetDirectSpan(0x5678, DirectAccess.Read, Signals, out _)
            .Should()
            .BeFalse("not looked up yet");
        bench.Read(0x5678, out _);
        bench.Upstream.TryGetDirectSpan(0x5678, DirectAccess.Read, Signals, out DirectSpan span).Should().BeTrue();
        span.Start.Should().Be(0x5000);
        span.LengthBytes.Should().Be(0x1000);
        span.From(0x5678, 1)[0] = 0x99;
        bench.Peek(0x9000_3678, 1).Should().Be(0x99);
    }

    [Fact]
    public void A_span_of_a_block_is_as_long_as_memory_lends()
    {
        SmmuBench bench = new SmmuBench().Route();
        bench.Poke(0x8001_0008, 0x0000_0000_C000_07FD);
        bench.Read(0x4000_0000, out _);
        bench
            .Upstream.TryGetDirectSpan(0x4012_3456, DirectAccess.Write, Signals, out DirectSpan span)
            .Should()
            .BeTrue();
        span.Start.Should().Be(0x4012_0000);
        span.LengthBytes.Should().Be(Ram.ChunkBytes);
    }

    [Fact]
    public void A_bypassing_stream_borrows_from_the_bus_itself()
    {
        var bench = new SmmuBench();
        bench.Upstream.TryGetDirectSpan(0x1234, DirectAccess.Write, Signals, out DirectSpan span).Should().BeTrue();
        span.LengthBytes.Should().Be(Ram.ChunkBytes);
    }

    [Fact]
    public void No_span_is_lent_where_the_access_would_be_refused()
    {
        SmmuBench bench = new SmmuBench().Route();
        bench.MapPage(0x1000, 0x9000_077F);
        bench.Read(0x1000, out _);
        Lends(DirectAccess.Read).Should().BeTrue();
        Lends(DirectAccess.Write).Should().BeFalse("it is read-only");
        bench["CB0_FSRRESTORE"] = 2;
        Lends(DirectAccess.Read).Should().BeFalse("a fault is outstanding");
        bench["CB0_FSR"] = 2;
        Lends(DirectAccess.Read).Should().BeTrue();
        bench["SMR0"] = 0;
        Lends(DirectAccess.Read).Should().BeFalse("no SMR matches");

        bool Lends(DirectAccess access) => bench.Upstream.TryGetDirectSpan(0x1000, access, Signals, out _);
    }

    [Fact]
    public void While_a_trace_listens_every_access_goes_the_plain_way()
    {
        var bench = new SmmuBench();
        var sink = new TailTraceSink(1);
        bench.Trace.Add(sink);
        bench.Upstream.TryGetDirectSpan(0x1000, DirectAccess.Read, Signals, out _).Should().BeFalse();
        bench.Trace.Remove(sink);
        bench.Upstream.TryGetDirectSpan(0x1000, DirectAccess.Read, Signals, out _).Should().BeTrue();
    }

    [Fact]
    public void Asking_for_a_span_changes_nothing()
    {
        SmmuBench bench = new SmmuBench().Route();
        bench.MapPage(0x1000, 0x9000_07FF);
        ulong before = bench.Hash;
        bench.Upstream.TryGetDirectSpan(0x1000, DirectAccess.Read, Signals, out _);
        bench.Upstream.TryGetDirectSpan(0x9000, DirectAccess.Read, Signals, out _);
        bench.Hash.Should().Be(before);
        bench["CB0_FSR"].Should().Be(0);
    }

    [Theory]
    [InlineData("sCR0", SmmuBench.On)]
    [InlineData("SMR1", 0)]
    [InlineData("S2CR1", 0)]
    [InlineData("CBAR0", 1)]
    [InlineData("CB0_SCTLR", SmmuBench.Terminating)]
    [InlineData("CB0_TCR", 0x8000_3540)]
    [InlineData("CB0_TTBR0", 0x8001_0000)]
    [InlineData("CB0_FSRRESTORE", 2)]
    [InlineData("TLBIVMID", 1)]
    [InlineData("TLBIALLNSNH", 0)]
    public void A_write_that_may_change_translations_ends_all_spans(string register, uint value)
    {
        SmmuBench bench = new SmmuBench().Route();
        ulong before = bench.Context.Epoch.Value;
        bench[register] = value;
        bench.Context.Epoch.Value.Should().BeGreaterThan(before);
    }

    [Fact]
    public void A_fault_and_an_eviction_end_all_spans()
    {
        SmmuBench bench = new SmmuBench(context => context.With("emulator,tlb-entries", 1)).Route();
        bench.MapPage(0x1000, 0x9000_07FF);
        bench.MapPage(0x2000, 0x9000_17FF);
        bench.Read(0x1000, out _);
        ulong before = bench.Context.Epoch.Value;
        bench.Read(0x2000, out _);
        bench.Context.Epoch.Value.Should().BeGreaterThan(before);
        before = bench.Context.Epoch.Value;
        bench.Read(0x3000, out _);
        bench.Context.Epoch.Value.Should().BeGreaterThan(before);
    }

    [Fact]
    public void Direct_and_plain_masters_leave_the_same_state_and_see_the_same()
    {
        Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed => Compare(new Random(seed)))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(300));
    }

    /// <summary>The same random story, told once with spans and once without.</summary>
    private static void Compare(Random random)
    {
        uint entries = (uint)random.Next(0, 6);
        var plain = new SmmuBench(context => context.With("emulator,tlb-entries", entries), 0xA000_0000);
        var direct = new SmmuBench(context => context.With("emulator,tlb-entries", entries), 0xA000_0000);
        plain.Route();
        direct.Route();
        var borrower = new Borrower(direct);
        ulong[] leaves = [0, 0x3FF, 0x77F, 0x7BF, 0x7FF, 0x7FF, 0x7FF, 0x7FF];
        for (int step = 0; step < 120; step++)
        {
            switch (random.Next(12))
            {
                case 0 or 1:
                    ulong page = (ulong)random.Next(6) << 12;
                    ulong leaf = 0x9000_0000 | ((ulong)random.Next(6) << 12) | leaves[random.Next(leaves.Length)];
                    plain.MapPage(page, leaf);
                    direct.MapPage(page, leaf);
                    break;
                case 2:
                    string register = random.Next(4) switch
                    {
                        0 => "TLBIVMID",
                        1 => "TLBIALLNSNH",
                        2 => "CB0_FSR",
                        _ => "CB0_SCTLR",
                    };
                    ulong value = register switch
                    {
                        "CB0_FSR" => 0x8000_01FE,
                        "CB0_SCTLR" => SmmuBench.Terminating
                            | ((uint)random.Next(2) << 8)
                            | ((uint)random.Next(2) << 3),
                        _ => 1,
                    };
                    plain[register] = value;
                    direct[register] = value;
                    break;
                default:
                    ulong address = (ulong)random.Next(0x6000);
                    byte[] data = new byte[random.Next(1, 64)];
                    byte[] other = new byte[data.Length];
                    bool isWrite = random.Next(2) == 0;
                    if (isWrite)
                    {
                        random.NextBytes(data);
                        data.CopyTo(other, 0);
                    }

                    BusStatus expected = isWrite
                        ? plain.Upstream.Write(address, data, Signals)
                        : plain.Upstream.Read(address, data, Signals);
                    borrower.Access(address, other, isWrite).Should().Be(expected);
                    if (expected == BusStatus.Okay)
                    {
                        other.Should().Equal(data);
                    }

                    break;
            }

            direct.Hash.Should().Be(plain.Hash);
        }

        byte[] left = new byte[0x6000];
        byte[] right = new byte[0x6000];
        plain.Context.Bus.Read(0x9000_0000, left, Signals);
        direct.Context.Bus.Read(0x9000_0000, right, Signals);
        right.Should().Equal(left);
    }

    /// <summary>A master that uses spans wherever it can and keeps them as long as it may.</summary>
    private sealed class Borrower(SmmuBench bench)
    {
        private readonly Dictionary<(ulong Page, bool IsWrite), (ulong Epoch, DirectSpan Span)> _spans = [];

        public BusStatus Access(ulong address, byte[] data, bool isWrite)
        {
            (ulong, bool) key = (address >> 12, isWrite);
            if (
                !_spans.TryGetValue(key, out (ulong Epoch, DirectSpan Span) kept)
                || kept.Epoch != bench.Context.Epoch.Value
            )
            {
                DirectAccess access = isWrite ? DirectAccess.Write : DirectAccess.Read;
                if (!bench.Upstream.TryGetDirectSpan(address, access, Signals, out kept.Span))
                {
                    return Plain(address, data, isWrite);
                }

                _spans[key] = kept = (bench.Context.Epoch.Value, kept.Span);
            }

            if (!kept.Span.Contains(address, data.Length))
            {
                return Plain(address, data, isWrite);
            }

            Span<byte> memory = kept.Span.From(address, data.Length);
            if (isWrite)
            {
                data.CopyTo(memory);
            }
            else
            {
                memory.CopyTo(data);
            }

            return BusStatus.Okay;
        }

        private BusStatus Plain(ulong address, byte[] data, bool isWrite) =>
            isWrite ? bench.Upstream.Write(address, data, Signals) : bench.Upstream.Read(address, data, Signals);
    }
}
