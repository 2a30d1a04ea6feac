using Emulator.Machine;

namespace Emulator.KernelShim.Tests;

/// <summary>Copies by the DMA engine on the real board.</summary>
public sealed class Pl330CopyTests
{
    private const int Area = 16 * PageAllocator.PageBytes;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Any_number_of_bytes_from_anywhere_to_anywhere_arrives_and_nothing_else_changes(int seed)
    {
        var random = new Random(seed);
        var bench = new DmaBench(DmaBench.Modern);
        DmaChannel channel = bench.Request();
        ulong source = bench.Pages(16);
        ulong destination = bench.Pages(16);
        byte[] from = new byte[Area];
        byte[] expected = new byte[Area];
        random.NextBytes(from);
        random.NextBytes(expected);
        bench.Cpu.Store(source, from);
        bench.Cpu.Store(destination, expected);

        for (int round = 0; round < 150; round++)
        {
            int alignment = 1 << random.Next(9);
            int length = Math.Max(1, random.Next(1 << random.Next(1, 15)) & -alignment);
            int sourceAt = random.Next(Area - length) & -alignment;
            int destinationAt = random.Next(Area - length) & -alignment;

            bench
                .Copy(channel, destination + (ulong)destinationAt, source + (ulong)sourceAt, length)
                .Should()
                .Be(DmaStatus.Complete);

            from.AsSpan(sourceAt, length).CopyTo(expected.AsSpan(destinationAt));
            bench
                .Load(destination, Area)
                .AsSpan()
                .SequenceEqual(expected)
                .Should()
                .BeTrue($"round {round}: {length} bytes from {sourceAt} to {destinationAt}");
        }

        bench.Load(source, Area).Should().Equal(from);
        bench.Interrupts(DmaBench.FirstInterrupt).Should().Be(150);
        bench.Kernel.Simulation.Trace.Problems.Should().BeEmpty();
    }

    [Theory]
    [InlineData(256)]
    [InlineData(0x1_2300)]
    [InlineData(0x40_0000)]
    public void The_guides_kernel_copies_multiples_of_256_bytes(int length)
    {
        var bench = new DmaBench();
        DmaChannel channel = bench.Request();
        byte[] bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        ulong source = bench.Pages(length / 4096 + 1);
        ulong destination = bench.Pages(length / 4096 + 1);
        bench.Cpu.Store(source, bytes);

        bench.Copy(channel, destination, source, length).Should().Be(DmaStatus.Complete);

        bench.Load(destination, length).AsSpan().SequenceEqual(bytes).Should().BeTrue();
    }

    [Fact]
    public void The_guides_kernel_keeps_no_count_of_1024_buffer_lines_and_refuses_lengths_that_sixteen_beats_do_not_divide()
    {
        var bench = new DmaBench();
        DmaChannel channel = bench.Request();
        ulong destination = bench.Pages(1);

        bench.Copy(channel, destination, bench.Pages(1), 1000).Should().Be(DmaStatus.Complete, "it knows no errors");

        bench.Log.Should().ContainSingle(line => line.EndsWith("Bad Desc(2)", StringComparison.Ordinal));
        bench.Interrupts(DmaBench.FirstInterrupt).Should().Be(0);
    }

    [Fact]
    public void A_kernel_that_looks_at_the_length_alone_cannot_copy_between_addresses_of_different_alignment()
    {
        var bench = new DmaBench(DmaBench.Modern with { Pl330AlignsBeats = false });
        DmaChannel channel = bench.Request();
        ulong source = bench.Pages(1);
        ulong destination = bench.Pages(1);
        byte[] bytes = [.. Enumerable.Repeat((byte)0x5A, 512)];
        bench.Cpu.Store(source, bytes);

        bench.Copy(channel, destination, source + 3, 256);

        bench.Load(destination, 256).Should().NotEqual(bytes[..256]);
    }

    [Fact]
    public void Copies_of_one_channel_are_done_in_order_and_call_back_in_order()
    {
        var bench = new DmaBench(DmaBench.Modern);
        DmaChannel channel = bench.Request();
        ulong memory = bench.Pages(8);
        bench.Cpu.Store(memory, "first"u8);
        var order = new List<int>();
        int[] cookies =
        [
            .. Enumerable
                .Range(0, 7)
                .Select(n =>
                    DmaBench.Submit(
                        channel,
                        memory + (ulong)(n + 1) * 4096,
                        memory + (ulong)n * 4096,
                        4096,
                        () => order.Add(n)
                    )
                ),
        ];

        cookies.Should().Equal(2, 3, 4, 5, 6, 7, 8);
        channel.Status(cookies[0]).Should().Be(DmaStatus.InProgress);
        bench.RunFor(VirtualTime.Millisecond);
        order.Should().BeEmpty("nothing begins before issue_pending");
        channel.IssuePending();
        bench.RunFor(VirtualTime.Millisecond);

        order.Should().Equal(0, 1, 2, 3, 4, 5, 6);
        cookies.Select(channel.Status).Should().AllBeEquivalentTo(DmaStatus.Complete);
        bench.Load(memory + 7 * 4096, 5).Should().Equal("first"u8.ToArray());
        bench.Interrupts(DmaBench.FirstInterrupt).Should().Be(7);
    }

    [Fact]
    public void Two_channels_of_a_controller_copy_at_once_each_with_its_own_interrupt()
    {
        var bench = new DmaBench();
        DmaChannel first = bench.Request();
        DmaChannel second = bench.Request();
        ulong memory = bench.Pages(64);
        bench.Cpu.Store(memory, "one"u8);
        bench.Cpu.Store(memory + 0x1_0000, "two"u8);
        var order = new List<string>();
        DmaBench.Submit(first, memory + 0x2_0000, memory, 0x1_0000, () => order.Add("first"));
        DmaBench.Submit(second, memory + 0x3_0000, memory + 0x1_0000, 0x8000, () => order.Add("second"));

        first.IssuePending();
        second.IssuePending();
        bench.RunFor(VirtualTime.Microsecond);
        (bench.Register(0x100) & 0xF).Should().Be(1, "channel 0 executes");
        (bench.Register(0x108) & 0xF).Should().Be(1, "channel 1 executes");
        bench.RunFor(VirtualTime.Millisecond);

        order.Should().Equal("second", "first");
        bench.Load(memory + 0x2_0000, 3).Should().Equal("one"u8.ToArray());
        bench.Load(memory + 0x3_0000, 3).Should().Equal("two"u8.ToArray());
        bench.Interrupts(DmaBench.FirstInterrupt).Should().Be(1);
        bench.Interrupts(DmaBench.FirstInterrupt + 1).Should().Be(1);
        bench.Interrupts(DmaBench.FirstInterrupt + 2).Should().Be(0);
    }

    [Fact]
    public void Three_controllers_copy_at_once()
    {
        var bench = new DmaBench();
        ulong memory = bench.Pages(8);
        bench.Cpu.Store(memory, "bytes"u8);
        int done = 0;
        for (int dmac = 1; dmac <= 3; dmac++)
        {
            DmaChannel channel = bench.Request(dmac);
            DmaBench.Submit(channel, memory + (ulong)dmac * 4096, memory, 4096, () => done++);
            channel.IssuePending();
        }

        bench.RunFor(VirtualTime.Millisecond);

        done.Should().Be(3);
        for (int dmac = 1; dmac <= 3; dmac++)
        {
            bench.Load(memory + (ulong)dmac * 4096, 5).Should().Equal("bytes"u8.ToArray());
            bench.Interrupts(96 + 32 * dmac).Should().Be(1);
        }
    }

    [Fact]
    public void Physical_addresses_reach_memory_because_the_smmu_lets_streams_pass_that_nobody_attached()
    {
        var bench = new DmaBench();
        DmaChannel channel = bench.Request();
        bench.Copy(channel, bench.Pages(1), bench.Pages(1), 256).Should().Be(DmaStatus.Complete);

        // USFCFG of sCR0: now an unmatched stream is a fault, and the DMAC cannot even fetch its program.
        bench.Cpu.Load(0x2C0B_0000, 4, out ulong control);
        bench.Cpu.Store(0x2C0B_0000, 4, control | 1 << 10);
        bench.Copy(channel, bench.Pages(1), bench.Pages(1), 256).Should().Be(DmaStatus.Error);

        bench.Log.Should().Contain("dmaengine: dma_sync_wait: timeout!");
        bench.Register(0x34).Should().Be(1, "channel 0 is faulting, of which no wire tells");
    }
}
