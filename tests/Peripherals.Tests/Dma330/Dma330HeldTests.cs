using Emulator.Machine;

namespace Emulator.Peripherals.Tests;

/// <summary>Accesses that something on the way holds and resolves later.</summary>
public sealed class Dma330HeldTests
{
    private const string Copy = "BC 01 05 40 01 00 BC 00 00 20 00 00 BC 02 00 00 00 F0 04 12 08 13 34 08 00";
    private const string CopyBack = "BC 01 05 40 01 00 BC 00 00 00 00 F0 BC 02 00 30 00 00 04 12 08 13 34 08 00";
    private readonly Ram _memory = new("behind", 0x1000);
    private readonly StallingMemory _stalling;
    private readonly Dma330Bench _bench;

    public Dma330HeldTests()
    {
        _stalling = new StallingMemory(_memory);
        _bench = new Dma330Bench(context => context.Bus.Map("stalling", 0xF000_0000, 0x1000, _stalling));
    }

    [Theory]
    [InlineData(HeldOutcome.Repeat, 0, 2)]
    [InlineData(HeldOutcome.CompletedAsZero, 0, 2)]
    [InlineData(HeldOutcome.SlaveError, 0x0002_0000, 0)]
    [InlineData(HeldOutcome.DecodeError, 0x0002_0000, 0)]
    public void A_held_store_ends_as_it_is_resolved(HeldOutcome outcome, uint faultType, uint events)
    {
        _bench.Run(Copy);
        (_bench["CSR0"], _bench["CPC0"], _stalling.Held.Count).Should().Be((1, 0x1014, 1));
        _bench.Dma.Channels[0].IsHeld.Should().BeTrue();
        _bench.Dma.Explain().Single().Should().Be("channel 0 waits: its write at 0xf000_0000 is held");
        _stalling.Stalls = false;
        _stalling.Resolve(outcome);
        _bench.Settle();
        (_bench["FTR0"], _bench["INT_EVENT_RIS"]).Should().Be((faultType, events));
        var stored = new byte[4];
        _memory.Read(0, stored, default);
        stored.Should().Equal(outcome == HeldOutcome.Repeat ? [3, 10, 17, 24] : new byte[4]);
    }

    [Theory]
    [InlineData(HeldOutcome.Repeat, 0)]
    [InlineData(HeldOutcome.CompletedAsZero, 0)]
    [InlineData(HeldOutcome.SlaveError, 0x0004_0000)]
    public void A_held_load_ends_as_it_is_resolved(HeldOutcome outcome, uint faultType)
    {
        _memory.Write(0, [9, 8, 7, 6], default);
        _bench.Write(0x3000, [1, 1, 1, 1]);
        _bench.Run(CopyBack);
        _stalling.Stalls = false;
        _stalling.Resolve(outcome);
        _bench.Settle();
        _bench["FTR0"].Should().Be(faultType);
        byte[] expected = outcome switch
        {
            HeldOutcome.Repeat => [9, 8, 7, 6],
            HeldOutcome.CompletedAsZero => [0, 0, 0, 0],
            _ => [1, 1, 1, 1],
        };
        _bench.Read(0x3000, 4).Should().Equal(expected);
    }

    [Fact]
    public void A_repeated_access_may_be_held_again()
    {
        _bench.Run(Copy);
        for (int round = 0; round < 3; round++)
        {
            _stalling.Resolve(HeldOutcome.Repeat);
            _bench.Settle();
            _stalling.Held.Should().ContainSingle();
        }

        _stalling.Seen.Should().HaveCount(4).And.OnlyContain(access => access.Write && access.Length == 4);
    }

    [Theory]
    [InlineData(HeldOutcome.Repeat, 0, 5)]
    [InlineData(HeldOutcome.CompletedAsZero, 0, 0)]
    [InlineData(HeldOutcome.DecodeError, 0x0001_0000, 0)]
    public void A_held_fetch_shows_a_cache_miss(HeldOutcome outcome, uint faultType, uint sar)
    {
        _memory.Write(0, [0x54, 5, 0, 0], default);
        _bench.Go(address: 0xF000_0000);
        _bench.Settle();
        _bench["CSR0"].Should().Be(2);
        _stalling.Stalls = false;
        _stalling.Resolve(outcome);
        _bench.Settle();
        (_bench["FTR0"], _bench["SAR0"], _bench["CSR0"]).Should().Be((faultType, sar, faultType == 0 ? 0 : 0xFU));
    }

    [Fact]
    public void Other_channels_go_on_while_one_is_held()
    {
        _bench.Run(Copy);
        _bench.Run("BC 01 05 40 01 00 BC 00 00 20 00 00 BC 02 00 30 00 00 04 08 00", channel: 1, address: 0x1100);
        (_bench["CSR0"], _bench["CSR1"]).Should().Be((1, 0));
        _bench.Read(0x3000, 4).Should().Equal(3, 10, 17, 24);
    }

    [Fact]
    public void A_kill_waits_until_the_held_access_is_resolved()
    {
        _bench.Run(Copy);
        _bench.Kill(0);
        _bench.Settle();
        _bench["CSR0"].Should().Be(8);
        _stalling.Stalls = false;
        _stalling.Resolve(HeldOutcome.Repeat);
        _bench.Settle();
        (_bench["CSR0"], _bench["FSRC"], _bench["INT_EVENT_RIS"]).Should().Be((0, 0, 0));
        _stalling.Seen.Should().ContainSingle("a killed channel does not repeat its access");
    }

    [Fact]
    public void A_reset_forgets_a_held_access_and_ignores_its_outcome()
    {
        _bench.Run(Copy);
        Transaction old = _stalling.Held.Single();
        _bench.Dma.Reset();
        _bench["CSR0"].Should().Be(0);
        _bench.Run(Copy);
        IBusInitiator initiator = _bench.Dma;
        initiator.OnHeldTransaction(old.Tag, HeldOutcome.DecodeError);
        _bench.Settle();
        (_bench["CSR0"], _bench["FTR0"]).Should().Be((1, 0), "the outcome belongs to an access before the reset");
        _stalling.Stalls = false;
        initiator.OnHeldTransaction(_stalling.Held[^1].Tag, HeldOutcome.Repeat);
        initiator.OnHeldTransaction(_stalling.Held[^1].Tag, HeldOutcome.DecodeError);
        initiator.OnHeldTransaction(0xFF, HeldOutcome.DecodeError);
        _bench.Settle();
        (_bench["CSR0"], _bench["FTR0"]).Should().Be((0, 0));
    }

    [Fact]
    public void Transactions_carry_the_channel_and_its_protection()
    {
        _stalling.Stalls = false;
        _bench.Run("BC 01 05 41 01 01 BC 00 00 00 00 F0 BC 02 00 00 00 F0 04 08 00", channel: 3);
        _stalling
            .Seen.Select(access => (access.Write, access.Signals.RequesterId, access.Signals.Flags))
            .Should()
            .Equal(
                (false, 3U, TransactionFlags.Privileged | TransactionFlags.Secure),
                (true, 3U, TransactionFlags.Instruction | TransactionFlags.Secure)
            );
        _stalling.Seen.Clear();
        _bench.Go(channel: 1, address: 0xF000_0100, nonSecure: true);
        _bench.Settle();
        _stalling.Seen[0].Signals.RequesterId.Should().Be(1);
        _stalling.Seen[0].Signals.Flags.Should().Be(TransactionFlags.Instruction);
    }
}
