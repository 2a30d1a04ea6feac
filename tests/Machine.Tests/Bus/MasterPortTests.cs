namespace Emulator.Machine.Tests;

public sealed class MasterPortTests
{
    private readonly Master _master = new("dma0");
    private readonly MasterPort _port = new("dma0");
    private readonly AddressMapEpoch _epoch = new();
    private readonly Probe _probe = new();

    [Fact]
    public void A_port_that_leads_nowhere_answers_a_decode_error()
    {
        _port.TargetName.Should().Be("nothing");
        _port.Read(0, new byte[4], default).Should().Be(BusStatus.DecodeError);
        _port.Write(0, new byte[4], default).Should().Be(BusStatus.DecodeError);
        _port.TryGetDirectSpan(0, DirectAccess.Read, default, out _).Should().BeFalse();
    }

    [Fact]
    public void Without_an_iommu_there_is_no_stream_id()
    {
        _port.Connect(_probe, "bus", _epoch);
        _port.StreamIds.Should().BeEmpty();
        _port.StreamIdOf(7).Should().Be(0);
        _port.TargetName.Should().Be("bus");
        _port.Epoch.Should().BeSameAs(_epoch);
    }

    [Theory]
    [InlineData(0, 0x10)]
    [InlineData(7, 0x10)]
    [InlineData(8, 0x18)]
    [InlineData(15, 0x18)]
    [InlineData(16, 0x18)]
    [InlineData(uint.MaxValue, 0x18)]
    public void The_shift_lets_a_group_of_requesters_share_a_stream_id(uint requester, uint stream)
    {
        _port.Connect(_probe, "smmu", _epoch, [0x10, 0x18], streamIdShift: 3);
        _port.StreamIdOf(requester).Should().Be(stream);
    }

    [Fact]
    public void Without_a_shift_every_requester_has_the_stream_id_of_its_number()
    {
        _port.Connect(_probe, "smmu", _epoch, [5, 6, 7]);
        Enumerable.Range(0, 5).Select(n => _port.StreamIdOf((uint)n)).Should().Equal(5, 6, 7, 7, 7);
    }

    [Fact]
    public void The_signals_of_a_requester_carry_its_stream_id_to_the_target()
    {
        _port.Connect(_probe, "smmu", _epoch, [0, 8], streamIdShift: 3);
        Transaction signals = _port.Signals(_master, 8, TransactionFlags.Secure | TransactionFlags.Privileged, tag: 3);
        _port.Read(0x40, new byte[4], signals).Should().Be(BusStatus.Okay);
        _port.Write(0x44, new byte[] { 1, 2 }, signals).Should().Be(BusStatus.Okay);
        _probe.Accesses.Should().Equal("read 4 at 0x40", "write 0102 at 0x44");
        Transaction seen = _probe.Transactions[0];
        seen.Should().Be(signals);
        seen.StreamId.Should().Be(8);
        seen.RequesterId.Should().Be(8);
        seen.Tag.Should().Be(3);
        seen.InitiatorName.Should().Be("dma0");
        (seen.IsSecure, seen.IsPrivileged, seen.IsInstruction).Should().Be((true, true, false));
    }

    [Fact]
    public void The_answer_of_the_target_comes_back()
    {
        _port.Connect(_probe, "smmu", _epoch);
        _probe.Answer = BusStatus.Held;
        _port.Read(0, new byte[1], default).Should().Be(BusStatus.Held);
        _probe.Answer = BusStatus.SlaveError;
        _port.Write(0, new byte[1], default).Should().Be(BusStatus.SlaveError);
    }

    [Fact]
    public void Direct_spans_come_from_the_target()
    {
        _port.Connect(new Ram("ram", 0x1000), "bus", _epoch);
        _port.TryGetDirectSpan(0x10, DirectAccess.Write, default, out DirectSpan span).Should().BeTrue();
        span.LengthBytes.Should().Be(0x1000);
    }
}
