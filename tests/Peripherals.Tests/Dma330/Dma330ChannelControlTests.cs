using FsCheck;
using FsCheck.Fluent;

namespace Emulator.Peripherals.Tests;

public sealed class Dma330ChannelControlTests
{
    [Theory]
    [InlineData(0x00BE_42F9, "SB16 SS128 SAI SP2 DB16 DS128 DAI DP2")]
    [InlineData(0x0080_0200, "SB1 SS8 SAF SP2 DB1 DS8 DAF DP2")]
    [InlineData(0x0000_4001, "SB1 SS8 SAI SP0 DB1 DS8 DAI DP0")]
    [InlineData(0x2E01_7805, "SB1 SS32 SAI SP0 SC7 DB1 DS32 DAI DP0 DC7 ES32")]
    [InlineData(0x0000_000B, "0x0000000B")]
    [InlineData(0x8000_4001, "0x80004001")]
    public void A_word_is_written_as_its_fields_unless_one_is_reserved(uint word, string text) =>
        new Dma330ChannelControl(word).ToString().Should().Be(text);

    [Fact]
    public void Fields_are_read_in_units_of_the_transfer()
    {
        var control = new Dma330ChannelControl(0x2CBD_5AF8);
        control.SourceIncrements.Should().BeFalse();
        control.SourceBeatBytes.Should().Be(16);
        control.SourceBeats.Should().Be(16);
        control.SourceProtection.Should().Be(2);
        control.SourceCache.Should().Be(3);
        control.DestinationIncrements.Should().BeTrue();
        control.DestinationBeatBytes.Should().Be(4);
        control.DestinationBeats.Should().Be(16);
        control.DestinationProtection.Should().Be(2);
        control.DestinationCache.Should().Be(6);
        control.EndianSwapBytes.Should().Be(4);
    }

    [Fact]
    public void Any_word_survives_being_written_and_assembled() =>
        Prop.ForAll<uint, uint>(
                (high, low) =>
                {
                    var control = new Dma330ChannelControl((high << 16) ^ low);
                    var code = Dma330Assembler.Assemble($"DMAMOV CCR, {control}").Code.Span;
                    return Dma330Decoder.Decode(code).Immediate == control.Value;
                }
            )
            .QuickCheckThrowOnFailure();
}
