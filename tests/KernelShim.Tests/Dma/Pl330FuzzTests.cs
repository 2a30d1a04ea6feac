using Emulator.Machine;

namespace Emulator.KernelShim.Tests;

/// <summary>Clients, faults and bindings in any order.</summary>
public sealed class Pl330FuzzTests
{
    private const ulong Nowhere = 0x5000_0000;
    private const int Slots = 16;
    private const int SlotBytes = 4096;

    /// <summary>A client's copy.</summary>
    private sealed record Copy(DmaChannel Channel, int Cookie)
    {
        public bool IsCalledBack { get; set; }
    }

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    [InlineData(14)]
    [InlineData(15)]
    public void Every_copy_ends_whatever_happens_around_it_and_the_controller_then_copies_as_before(int seed)
    {
        var random = new Random(seed);
        var bench = new DmaBench(
            DmaBench.Modern,
            editHardware: tree =>
            {
                Machine.DeviceTrees.DeviceTreeNode dmac = tree.FindByLabel("dma1")!;
                dmac.SetCells(
                    "interrupts",
                    [.. Enumerable.Range(96, 9).SelectMany(spi => new uint[] { 0, (uint)spi, 4 })]
                );
                dmac.SetCells("emulator,abort-interrupt", 8);
            }
        );
        bench.Without(2, 3);
        ulong source = bench.Pages(256);
        ulong destination = bench.Pages(Slots);
        for (int n = 0; n < 256; n++)
        {
            bench.Cpu.Store(source + (ulong)n * SlotBytes, Enumerable.Repeat((byte)n, SlotBytes).ToArray());
        }

        var channels = new List<DmaChannel>();
        var orphans = new List<DmaChannel>();
        var copies = new List<Copy>();
        bool isBound = true;
        byte fill = 0;
        for (int step = 0; step < 400; step++)
        {
            switch (random.Next(12))
            {
                case 0 when bench.Kernel.Dma.RequestChannel(DmaCapabilities.Memcpy) is { } channel:
                    channels.Add(channel);
                    break;
                case 1 when step % 20 == 0:
                    isBound = !isBound;
                    orphans.AddRange(channels);
                    channels.Clear();
                    copies.Clear();
                    bench
                        .User.Echo(DmaBench.Device, DmaBench.DriverFiles + (isBound ? "/bind" : "/unbind"))
                        .Should()
                        .BePositive();
                    break;
                case 2 when step % 7 == 0 && channels.Count > 1:
                    DmaChannel released = channels[random.Next(channels.Count)];
                    released.TerminateAll();
                    DmaEngine.ReleaseChannel(released);
                    channels.Remove(released);
                    copies.RemoveAll(copy => ReferenceEquals(copy.Channel, released));
                    break;
                case < 9 when channels.Count > 0:
                    copies.Add(Submit(channels[random.Next(channels.Count)], ++fill));
                    break;
                default:
                    bench.RunFor(random.Next(40) * VirtualTime.Microsecond);
                    break;
            }

            if (orphans.Count > 0 && random.Next(10) == 0)
            {
                Submit(orphans[random.Next(orphans.Count)], ++fill);
            }

            foreach (DmaChannel channel in channels.Concat(orphans))
            {
                if (random.Next(3) == 0)
                {
                    channel.IssuePending();
                }
            }
        }

        channels.ForEach(channel => channel.IssuePending());
        bench.RunFor(VirtualTime.Second);

        foreach (Copy copy in copies)
        {
            copy.Channel.Status(copy.Cookie).Should().Be(DmaStatus.Complete, copy.ToString());
            copy.IsCalledBack.Should().BeTrue(copy.ToString());
        }

        foreach (DmaChannel channel in channels.Concat(orphans))
        {
            channel.TerminateAll();
            DmaEngine.ReleaseChannel(channel);
        }

        if (!isBound)
        {
            bench.User.Echo(DmaBench.Device, DmaBench.DriverFiles + "/bind").Should().BePositive();
        }

        DmaChannel last = bench.Request();
        bench.Copy(last, destination, source + 77 * SlotBytes, SlotBytes).Should().Be(DmaStatus.Complete);
        bench.Load(destination, SlotBytes).Should().OnlyContain(value => value == 77);
        bench.Register(0x34).Should().Be(0, "no channel is left faulting");

        Copy Submit(DmaChannel channel, byte value)
        {
            bool canSucceed = random.Next(8) != 0;
            int slot = random.Next(Slots);
            Copy? made = null;
            int cookie = DmaBench.Submit(
                channel,
                canSucceed ? destination + (ulong)slot * SlotBytes : Nowhere,
                source + (ulong)value * SlotBytes,
                SlotBytes,
                () => made!.IsCalledBack = true
            );
            return made = new Copy(channel, cookie);
        }
    }
}
