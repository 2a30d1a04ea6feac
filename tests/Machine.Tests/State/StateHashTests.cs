namespace Emulator.Machine.Tests;

public sealed class StateHashTests
{
    [Theory]
    [InlineData("", 0xCBF2_9CE4_8422_2325)]
    [InlineData("a", 0xAF63_DC4C_8601_EC8C)]
    [InlineData("b", 0xAF63_DF4C_8601_F1A5)]
    [InlineData("foobar", 0x8594_4171_F739_67E8)]
    public void The_hash_is_the_published_one_and_so_equal_on_every_run_and_host(string text, ulong hash) =>
        StateHash.Of(System.Text.Encoding.ASCII.GetBytes(text)).Should().Be(hash);

    [Fact]
    public void Folding_in_parts_gives_the_hash_of_the_whole() =>
        StateHash.Fold(StateHash.Of("foo"u8), "bar"u8).Should().Be(StateHash.Of("foobar"u8));

    [Fact]
    public void The_hash_of_nothing_is_the_seed() => StateHash.Of([]).Should().Be(StateHash.Seed);
}
