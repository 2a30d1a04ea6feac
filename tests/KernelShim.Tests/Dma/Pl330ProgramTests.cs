using Emulator.Machine;

namespace Emulator.KernelShim.Tests;

/// <summary>The microcode that the pl330 driver writes into RAM, read where the controller fetches it.</summary>
public sealed class Pl330ProgramTests
{
    private const ulong Source = 0x9000_0000;
    private const ulong Destination = 0xA000_0000;

    /// <summary>DMAMOV CCR, DMAMOV SAR, DMAMOV DAR; loops; DMASEV 0; DMAEND.</summary>
    [Theory]
    [InlineData(256, "22 00 04 08 3C 02")]
    [InlineData(1024, "22 03 04 08 3C 02")]
    [InlineData(0x1_0000, "22 FF 04 08 3C 02")]
    [InlineData(0x1_0100, "20 00 22 FF 04 08 3C 02 38 06 22 00 04 08 3C 02")]
    [InlineData(0x10_0000, "20 0F 22 FF 04 08 3C 02 38 06")]
    [InlineData(0x100_0000, "20 FF 22 FF 04 08 3C 02 38 06")]
    [InlineData(0x200_0000, "20 FF 22 FF 04 08 04 08 3C 04 38 08")]
    [InlineData(0x200_0200, "20 FF 22 FF 04 08 04 08 3C 04 38 08 22 01 04 08 3C 02")]
    public void A_copy_is_loops_of_one_load_and_one_store(int length, string loops) =>
        ProgramOf(new DmaBench(), length)
            .Should()
            .StartWith($"BC 01 F9 40 3E 00 BC 00 00 00 00 90 BC 02 00 00 00 A0 {loops} 34 00 00 00");

    [Theory]
    [InlineData(1, 0x0000_4001)] // 1x1
    [InlineData(2, 0x0000_C003)] // 1x2
    [InlineData(12, 0x0001_4005)] // 1x4
    [InlineData(24, 0x0001_C007)] // 1x8
    [InlineData(48, 0x000A_4029)] // 3x16
    [InlineData(272, 0x0002_4009)] // 17 x 16, which has no common divisor up to 16
    [InlineData(512, 0x003E_40F9)] // 16x16
    public void A_kernel_that_counts_the_buffer_right_takes_the_longest_bursts_that_divide_the_length(
        int length,
        uint control
    ) => ProgramOf(new DmaBench(DmaBench.Modern), length).Should().StartWith("BC 01 " + Hex(control));

    [Fact]
    public void The_first_revision_needs_barriers() =>
        ProgramOf(new DmaBench(editHardware: tree => tree.FindByLabel("dma1")!.SetCells("emulator,revision", 0)), 1024)
            .Should()
            .Contain("22 03 04 12 08 13 3C 04 34 00 00");

    [Fact]
    public void A_manager_that_starts_non_secure_has_non_secure_channels()
    {
        var bench = new DmaBench(editHardware: tree =>
            tree.FindByLabel("dma1")!.SetCells("emulator,boot-manager-ns", 1)
        );

        ProgramOf(bench, 1024).Should().StartWith("BC 01 F9 42 BE 00");
        bench.Register(0x100).Should().Be(0x0020_0000, "channel 0 has stopped, and was started with ns");
    }

    [Fact]
    public void A_program_longer_than_its_half_of_the_buffer_is_refused_and_the_descriptor_given_back_as_done()
    {
        var bench = new DmaBench(DmaBench.Modern);
        DmaChannel channel = bench.Request();

        // 124 * 65536 single bytes: one loop unrolled 123 times, and another for the rest.
        bench.Copy(channel, Destination, Source, 124 * 65536 + 1).Should().Be(DmaStatus.Complete);

        bench
            .Log.Should()
            .ContainSingle(line => line.Contains("Trying increasing mcbufsz", StringComparison.Ordinal))
            .And.ContainSingle(line => line.Contains("Bad Desc(2)", StringComparison.Ordinal));
    }

    /// <summary>Runs a copy on dma1's first channel, and gives the program of its first slot as it was.</summary>
    private static string ProgramOf(DmaBench bench, int length)
    {
        DmaChannel channel = bench.Request();
        DmaBench.Submit(channel, Destination, Source, length);
        channel.IssuePending();

        // DBGINST0 and DBGINST1 cannot be read back, but the channel's PC can once it has begun.
        bench.RunFor(15 * VirtualTime.Nanosecond);
        ulong code = bench.Register(0x104) & ~0xFFUL;
        string program = BitConverter.ToString(bench.Load(code, 64)).Replace('-', ' ');
        bench.RunFor(10 * VirtualTime.Millisecond);
        return program;
    }

    private static string Hex(uint value) => BitConverter.ToString(BitConverter.GetBytes(value)).Replace('-', ' ');
}
