using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace Emulator.Peripherals;

/// <summary>
/// The channel control register CCR, which is also the immediate of <c>DMAMOV CCR</c>. Field layout: Arm DDI 0424,
/// "Channel Control Registers". Burst and swap sizes 5 to 7 are reserved; the properties give the plain power of two.
/// </summary>
/// <param name="Value">The 32-bit word.</param>
[DebuggerDisplay("{ToString(),nq}")]
public readonly record struct Dma330ChannelControl(uint Value)
{
    /// <summary>Value after reset: both sides Non-secure, fixed address, one beat of one byte.</summary>
    public const uint ResetValue = 0x0080_0200;

    /// <summary>Value of <c>DMAMOV CCR</c> with no field given: SB1 SS8 SAI SP0 SC0 DB1 DS8 DAI DP0 DC0 ES8.</summary>
    public const uint AssemblerDefault = 0x0000_4001;

    private const uint ReservedBit = 0x8000_0000;

    /// <summary>How a field's bits are written in assembly.</summary>
    internal enum Notation
    {
        /// <summary>I for 1, F for 0.</summary>
        IncrementingOrFixed,

        /// <summary>A size in bits, 8 to 128, for 0 to 4.</summary>
        SizeInBits,

        /// <summary>1 to 16 for 0 to 15.</summary>
        Beats,

        /// <summary>The field's value.</summary>
        Number,
    }

    /// <summary>A field: its two-letter name in assembly, its place, its notation, and whether it is always written.</summary>
    internal sealed record Field(string Name, int Shift, int Width, Notation Notation, bool AlwaysWritten)
    {
        public uint Mask => (1U << Width) - 1;

        public uint Get(uint word) => (word >> Shift) & Mask;

        public uint Set(uint word, uint value) => (word & ~(Mask << Shift)) | (value << Shift);
    }

    // csharpier-ignore
    internal static readonly Field[] Fields =
    [
        new("SB",  4, 4, Notation.Beats,               AlwaysWritten: true),  // src_burst_len
        new("SS",  1, 3, Notation.SizeInBits,          AlwaysWritten: true),  // src_burst_size
        new("SA",  0, 1, Notation.IncrementingOrFixed, AlwaysWritten: true),  // src_inc
        new("SP",  8, 3, Notation.Number,              AlwaysWritten: true),  // src_prot_ctrl
        new("SC", 11, 3, Notation.Number,              AlwaysWritten: false), // src_cache_ctrl
        new("DB", 18, 4, Notation.Beats,               AlwaysWritten: true),  // dst_burst_len
        new("DS", 15, 3, Notation.SizeInBits,          AlwaysWritten: true),  // dst_burst_size
        new("DA", 14, 1, Notation.IncrementingOrFixed, AlwaysWritten: true),  // dst_inc
        new("DP", 22, 3, Notation.Number,              AlwaysWritten: true),  // dst_prot_ctrl
        new("DC", 25, 3, Notation.Number,              AlwaysWritten: false), // dst_cache_ctrl
        new("ES", 28, 3, Notation.SizeInBits,          AlwaysWritten: false), // endian_swap_size
    ];

    /// <summary>src_inc: true if the source address increments, false if it is fixed.</summary>
    public bool SourceIncrements => (Value & 1) != 0;

    /// <summary>src_burst_size in bytes per beat.</summary>
    public int SourceBeatBytes => 1 << (int)((Value >> 1) & 7);

    /// <summary>src_burst_len in beats, 1 to 16.</summary>
    public int SourceBeats => (int)((Value >> 4) & 15) + 1;

    /// <summary>src_prot_ctrl: ARPROT[2:0]; bit 1 is Non-secure.</summary>
    public int SourceProtection => (int)((Value >> 8) & 7);

    /// <summary>src_cache_ctrl: ARCACHE[2:0]; ARCACHE[3] is 0.</summary>
    public int SourceCache => (int)((Value >> 11) & 7);

    /// <summary>dst_inc: true if the destination address increments, false if it is fixed.</summary>
    public bool DestinationIncrements => ((Value >> 14) & 1) != 0;

    /// <summary>dst_burst_size in bytes per beat.</summary>
    public int DestinationBeatBytes => 1 << (int)((Value >> 15) & 7);

    /// <summary>dst_burst_len in beats, 1 to 16.</summary>
    public int DestinationBeats => (int)((Value >> 18) & 15) + 1;

    /// <summary>dst_prot_ctrl: AWPROT[2:0]; bit 1 is Non-secure.</summary>
    public int DestinationProtection => (int)((Value >> 22) & 7);

    /// <summary>dst_cache_ctrl, the field's three bits: AWCACHE[3], AWCACHE[1], AWCACHE[0]; AWCACHE[2] is 0.</summary>
    public int DestinationCache => (int)((Value >> 25) & 7);

    /// <summary>endian_swap_size in bytes: 1 for no swap, up to 16.</summary>
    public int EndianSwapBytes => 1 << (int)((Value >> 28) & 7);

    /// <summary>True if no field holds a reserved value.</summary>
    public bool IsWellFormed =>
        (Value & ReservedBit) == 0 && ((Value >> 1) & 7) <= 4 && ((Value >> 15) & 7) <= 4 && ((Value >> 28) & 7) <= 4;

    /// <summary>The fields as in assembly, <c>SB16 SS128 SAI SP2 DB16 DS128 DAI DP2</c>, or hex if one is reserved.</summary>
    public override string ToString()
    {
        if (!IsWellFormed)
        {
            return string.Create(CultureInfo.InvariantCulture, $"0x{Value:X8}");
        }

        var text = new StringBuilder();
        foreach (var field in Fields)
        {
            var value = field.Get(Value);
            if (field.AlwaysWritten || value != field.Get(AssemblerDefault))
            {
                text.Append(text.Length == 0 ? "" : " ").Append(field.Name).Append(Write(field, value));
            }
        }

        return text.ToString();
    }

    /// <summary>The bits of a field from the number written in assembly, or null if the field cannot hold it.</summary>
    internal static uint? Encode(Field field, ulong written) =>
        field.Notation switch
        {
            Notation.SizeInBits => written is >= 8 and <= 128 && BitOperations.IsPow2(written)
                ? (uint)BitOperations.Log2(written / 8)
                : null,
            Notation.Beats => written is >= 1 and <= 16 ? (uint)written - 1 : null,
            Notation.Number => written <= field.Mask ? (uint)written : null,
            _ => null,
        };

    /// <summary>The values that may be written for a field, for messages.</summary>
    internal static string Range(Field field) =>
        field.Notation switch
        {
            Notation.SizeInBits => "8, 16, 32, 64 or 128",
            Notation.Beats => "1 to 16",
            Notation.Number => "0 to 7",
            _ => "I (incrementing) or F (fixed)",
        };

    private static string Write(Field field, uint value) =>
        field.Notation switch
        {
            Notation.IncrementingOrFixed => value != 0 ? "I" : "F",
            Notation.SizeInBits => (8 << (int)value).ToString(CultureInfo.InvariantCulture),
            Notation.Beats => (value + 1).ToString(CultureInfo.InvariantCulture),
            _ => value.ToString(CultureInfo.InvariantCulture),
        };
}
