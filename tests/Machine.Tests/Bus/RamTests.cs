using FsCheck;
using FsCheck.Fluent;

namespace Emulator.Machine.Tests;

public sealed class RamTests
{
    private const ulong Chunk = Ram.ChunkBytes;

    [Fact]
    public void Memory_that_was_never_written_reads_as_zero_and_costs_nothing()
    {
        const ulong Size = 34UL << 30;
        var ram = new Ram("memory", Size);
        byte[] data = [1, 2, 3, 4];
        ram.Read(Size - 4, data, default).Should().Be(BusStatus.Okay);
        data.Should().Equal(0, 0, 0, 0);
        ReadWord(ram, Size / 2, 8).Should().Be((BusStatus.Okay, 0UL));
        ram.TouchedBytes.Should().Be(0);
        ram.LengthBytes.Should().Be(Size);
    }

    [Fact]
    public void Memory_is_taken_from_the_host_where_it_is_written()
    {
        var ram = new Ram("memory", 34UL << 30);
        WriteWord(ram, 33UL << 30, 4, 0x1234).Should().Be(BusStatus.Okay);
        WriteWord(ram, (33UL << 30) + 4, 4, 0x5678).Should().Be(BusStatus.Okay);
        ram.TouchedBytes.Should().Be((long)Chunk);
        ReadWord(ram, 33UL << 30, 8).Value.Should().Be(0x5678_0000_1234);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void Words_are_little_endian_and_may_be_unaligned_even_across_chunks(int size)
    {
        var ram = new Ram("memory", Chunk * 2);
        const ulong Value = 0x8877_6655_4433_2211;
        for (ulong address = Chunk - 9; address < Chunk + 2; address++)
        {
            ulong value = size == 8 ? Value : Value & ((1UL << (size * 8)) - 1);
            WriteWord(ram, address, size, Value).Should().Be(BusStatus.Okay);
            ReadWord(ram, address, size).Should().Be((BusStatus.Okay, value));
            byte[] bytes = new byte[size];
            ram.Read(address, bytes, default);
            bytes.Should().Equal(BitConverter.GetBytes(Value)[..size]);
        }
    }

    [Theory]
    [InlineData(0x1001)]
    [InlineData(0x1_0000)]
    [InlineData(0x1_0003)]
    [InlineData(7)]
    public void Past_the_end_is_nobody(ulong size)
    {
        var ram = new Ram("memory", size);
        WriteWord(ram, size - 4, 4, 0x1234_5678).Should().Be(BusStatus.Okay);
        ReadWord(ram, size - 4, 4).Should().Be((BusStatus.Okay, 0x1234_5678UL));
        ReadWord(ram, size - 3, 4).Status.Should().Be(BusStatus.DecodeError);
        ReadWord(ram, size, 1).Status.Should().Be(BusStatus.DecodeError);
        ReadWord(ram, ulong.MaxValue, 2).Status.Should().Be(BusStatus.DecodeError);
        WriteWord(ram, size - 3, 4, 0).Should().Be(BusStatus.DecodeError);
        ram.Read(size - 1, new byte[2], default).Should().Be(BusStatus.DecodeError);
        ram.Write(ulong.MaxValue, new byte[2], default).Should().Be(BusStatus.DecodeError);
        ram.TryGetDirectSpan(size, DirectAccess.Read, default, out _).Should().BeFalse();
        ReadWord(ram, size - 4, 4).Value.Should().Be(0x1234_5678, "a refused write changes nothing");
    }

    [Theory]
    [InlineData(0UL)]
    [InlineData((1UL << 46) + 1)]
    public void A_size_that_no_memory_has_is_refused(ulong size) =>
        FluentActions.Invoking(() => new Ram("memory", size)).Should().Throw<ArgumentOutOfRangeException>();

    [Fact]
    public void A_direct_span_is_the_memory_itself()
    {
        var ram = new Ram("memory", Chunk + 0x100);
        ram.TryGetDirectSpan(Chunk + 0x10, DirectAccess.Write, default, out DirectSpan span).Should().BeTrue();
        span.Start.Should().Be(Chunk);
        span.LengthBytes.Should().Be(0x100, "memory ends there");
        span.From(Chunk + 0x10, 4)[0] = 0x5A;
        ReadWord(ram, Chunk + 0x10, 1).Value.Should().Be(0x5A);
        WriteWord(ram, Chunk + 0x11, 1, 0xA5);
        span.From(Chunk + 0x11, 1)[0].Should().Be(0xA5);
    }

    [Fact]
    public void A_span_lent_for_reading_sees_what_is_written_later()
    {
        var ram = new Ram("memory", Chunk);
        ram.TryGetDirectSpan(0, DirectAccess.Read, default, out DirectSpan span).Should().BeTrue();
        span.From(0, 1)[0].Should().Be(0);
        WriteWord(ram, 0, 1, 7);
        span.From(0, 1)[0].Should().Be(7);
        new Ram("other", Chunk).ReadWord(0, 1, out ulong other, default);
        other.Should().Be(0, "no two memories share their zeros with a borrower");
    }

    [Fact]
    public void Any_sequence_of_accesses_gives_what_a_dictionary_of_bytes_gives()
    {
        Gen<int[]> scripts = Gen.Choose(0, int.MaxValue).ArrayOf(150);
        Prop.ForAll(scripts.ToArbitrary(), Replay).Check(Config.QuickThrowOnFailure.WithMaxTest(100));
    }

    private static void Replay(int[] script)
    {
        const ulong Size = (1UL << 26) + (Chunk * 2) + 13;
        var ram = new Ram("memory", Size);
        var model = new Dictionary<ulong, byte>();
        ulong[] places = [0, Chunk, 1UL << 26, Chunk + (1UL << 26), Size - 20];
        foreach (int step in script)
        {
            ulong address = places[step % places.Length] + (ulong)(step / 8 % 24);
            address -= Math.Min(address, 8);
            int size = 1 << (step / 256 % 4);
            int length = step / 1024 % 40;
            bool fits = address + (ulong)size <= Size;
            bool blockFits = address + (ulong)length <= Size;
            byte[] data = [.. Enumerable.Range(0, 40).Select(n => (byte)((step >> 3) + n * 37))];
            switch (step / 5 % 6)
            {
                case 0:
                    WriteWord(ram, address, size, BitConverter.ToUInt64(data))
                        .Should()
                        .Be(fits ? BusStatus.Okay : BusStatus.DecodeError);
                    Store(model, address, data.AsSpan(0, fits ? size : 0));
                    break;
                case 1:
                    ram.Write(address, data.AsSpan(0, length), default)
                        .Should()
                        .Be(blockFits ? BusStatus.Okay : BusStatus.DecodeError);
                    Store(model, address, data.AsSpan(0, blockFits ? length : 0));
                    break;
                case 2 when ram.TryGetDirectSpan(address, DirectAccess.Write, default, out DirectSpan span):
                    if (span.Contains(address, size))
                    {
                        data.AsSpan(0, size).CopyTo(span.From(address, size));
                        Store(model, address, data.AsSpan(0, size));
                    }

                    break;
                case 3 when ram.TryGetDirectSpan(address, DirectAccess.Read, default, out DirectSpan span):
                    if (span.Contains(address, size))
                    {
                        span.From(address, size).ToArray().Should().Equal(Load(model, address, size));
                    }

                    break;
                case 4:
                    byte[] block = new byte[length];
                    BusStatus status = ram.Read(address, block, default);
                    status.Should().Be(blockFits ? BusStatus.Okay : BusStatus.DecodeError);
                    block.Should().Equal(blockFits ? Load(model, address, length) : new byte[length]);
                    break;
                default:
                    (BusStatus answer, ulong value) = ReadWord(ram, address, size);
                    answer.Should().Be(fits ? BusStatus.Okay : BusStatus.DecodeError);
                    if (fits)
                    {
                        BitConverter.GetBytes(value)[..size].Should().Equal(Load(model, address, size));
                    }

                    break;
            }
        }
    }

    private static void Store(Dictionary<ulong, byte> model, ulong address, ReadOnlySpan<byte> data)
    {
        for (int n = 0; n < data.Length; n++)
        {
            model[address + (ulong)n] = data[n];
        }
    }

    private static byte[] Load(Dictionary<ulong, byte> model, ulong address, int length) =>
        [.. Enumerable.Range(0, length).Select(n => model.GetValueOrDefault(address + (ulong)n))];

    private static BusStatus WriteWord(IBusTarget ram, ulong address, int size, ulong value) =>
        ram.WriteWord(address, size, value, default);

    private static (BusStatus Status, ulong Value) ReadWord(Ram ram, ulong address, int size) =>
        (ram.ReadWord(address, size, out ulong value, default), value);
}
