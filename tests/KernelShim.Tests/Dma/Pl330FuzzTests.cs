using Emulator.Machine;
using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim.Tests;

/// <summary>Clients, faults and bindings in any order.</summary>
public sealed class Pl330FuzzTests
{
    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    [InlineData(14)]
    [InlineData(15)]
    public void Every_copy_ends_whatever_happens_around_it_and_the_controller_then_copies_as_before(int seed)
    {
        var world = new World(seed);
        for (int step = 0; step < 400; step++)
        {
            world.Step(step);
        }

        world.LetAllEnd();
        world.CopiesThatHaveNotEnded.Should().BeEmpty();
        world.CopyOnceMore();
    }

    private sealed class World
    {
        private const ulong Nowhere = 0x5000_0000;
        private const int Slots = 16;
        private const int SlotBytes = 4096;

        private readonly Random _random;
        private readonly DmaBench _bench = new(DmaBench.Modern, editHardware: WireAbort);
        private readonly ulong _source;
        private readonly ulong _destination;
        private readonly List<DmaChannel> _channels = [];
        private readonly List<DmaChannel> _orphans = [];
        private readonly List<Copy> _copies = [];
        private bool _isBound = true;
        private byte _fill;

        public World(int seed)
        {
            _random = new Random(seed);
            _bench.Without(2, 3);
            _source = _bench.Pages(256);
            _destination = _bench.Pages(Slots);
            for (int n = 0; n < 256; n++)
            {
                _bench.Cpu.Store(_source + (ulong)n * SlotBytes, Enumerable.Repeat((byte)n, SlotBytes).ToArray());
            }
        }

        public IEnumerable<Copy> CopiesThatHaveNotEnded =>
            _copies.Where(copy => !copy.IsCalledBack || copy.Channel.Status(copy.Cookie) != DmaStatus.Complete);

        public void Step(int step)
        {
            switch (_random.Next(12))
            {
                case 0 when _bench.Kernel.Dma.RequestChannel(DmaCapabilities.Memcpy) is { } channel:
                    _channels.Add(channel);
                    break;
                case 1 when step % 20 == 0:
                    Rebind();
                    break;
                case 2 when step % 7 == 0 && _channels.Count > 1:
                    Release(_channels[_random.Next(_channels.Count)]);
                    break;
                case < 9 when _channels.Count > 0:
                    _copies.Add(Submit(_channels[_random.Next(_channels.Count)]));
                    break;
                case 9 when _orphans.Count > 0:
                    Submit(_orphans[_random.Next(_orphans.Count)]);
                    break;
                default:
                    _bench.RunFor(_random.Next(40) * VirtualTime.Microsecond);
                    break;
            }

            foreach (DmaChannel channel in _channels.Concat(_orphans).Where(_ => _random.Next(3) == 0))
            {
                channel.IssuePending();
            }
        }

        public void LetAllEnd()
        {
            _channels.ForEach(channel => channel.IssuePending());
            _bench.RunFor(VirtualTime.Second);
        }

        /// <summary>With all channels given back and the driver bound, a copy brings its bytes.</summary>
        public void CopyOnceMore()
        {
            foreach (DmaChannel channel in _channels.Concat(_orphans).ToArray())
            {
                Release(channel);
            }

            if (!_isBound)
            {
                Rebind();
            }

            _bench.Copy(_bench.Request(), _destination, _source + 77 * SlotBytes, SlotBytes);
            _bench.Load(_destination, SlotBytes).Should().OnlyContain(value => value == 77);
            _bench.Register(0x34).Should().Be(0, "no channel is left faulting");
        }

        /// <summary>Gives dma1 a ninth interrupt for its abort output, so that every fault is learnt.</summary>
        private static void WireAbort(DeviceTree tree)
        {
            DeviceTreeNode dmac = tree.FindByLabel("dma1")!;
            dmac.SetCells("interrupts", [.. Enumerable.Range(96, 9).SelectMany(spi => new uint[] { 0, (uint)spi, 4 })]);
            dmac.SetCells("emulator,abort-interrupt", 8);
        }

        /// <summary>Unbinds the driver or binds it again; clients that hold a channel then are left with a dead one.</summary>
        private void Rebind()
        {
            _isBound = !_isBound;
            _orphans.AddRange(_channels);
            _channels.Clear();
            _copies.Clear();
            string file = DmaBench.DriverFiles + (_isBound ? "/bind" : "/unbind");
            _bench.User.Echo(DmaBench.Device, file).Should().BePositive();
        }

        private void Release(DmaChannel channel)
        {
            channel.TerminateAll();
            DmaEngine.ReleaseChannel(channel);
            _channels.Remove(channel);
            _copies.RemoveAll(copy => ReferenceEquals(copy.Channel, channel));
        }

        /// <summary>A copy into a slot of the destination, or one in eight into nothing.</summary>
        private Copy Submit(DmaChannel channel)
        {
            ulong to = _random.Next(8) == 0 ? Nowhere : _destination + (ulong)_random.Next(Slots) * SlotBytes;
            ulong from = _source + (ulong)++_fill * SlotBytes;
            Copy? made = null;
            int cookie = DmaBench.Submit(channel, to, from, SlotBytes, () => made!.IsCalledBack = true);
            return made = new Copy(channel, cookie);
        }
    }

    /// <summary>A client's copy.</summary>
    private sealed record Copy(DmaChannel Channel, int Cookie)
    {
        public bool IsCalledBack { get; set; }
    }
}
