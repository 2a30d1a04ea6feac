using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary>Bytes as a scenario writes them: a fill pattern, hexadecimal, words, text, or a file beside the scenario.</summary>
internal sealed class BytePattern
{
    private readonly Func<World, int, byte[]> _make;

    private BytePattern(Func<World, int, byte[]> make, int? length)
    {
        _make = make;
        LengthBytes = length;
    }

    /// <summary>The length, or null for a pattern that fills whatever there is.</summary>
    public int? LengthBytes { get; }

    /// <summary>The keys by which a step can say which bytes.</summary>
    public static IReadOnlyList<string> Keys { get; } = ["fill", "bytes", "words", "quads", "text", "file"];

    /// <summary>Whether the step says which bytes, rightly or not.</summary>
    public static bool IsIn(MapReader map) => Keys.Any(map.Has);

    /// <summary>Makes the bytes; <paramref name="length"/> is used by patterns without one of their own.</summary>
    public byte[] Make(World world, int length) => _make(world, LengthBytes ?? length);

    public static BytePattern? Read(ReadingContext context, MapReader map)
    {
        string? key = Keys.FirstOrDefault(map.Has);
        return key switch
        {
            "fill" => ReadFill(context, map),
            "bytes" => ReadHex(context, map),
            "words" => ReadNumbers(context, map, "words", 4),
            "quads" => ReadNumbers(context, map, "quads", 8),
            "text" => ReadText(map),
            "file" => ReadFile(context, map),
            _ => null,
        };
    }

    private static BytePattern? ReadFill(ReadingContext context, MapReader map)
    {
        MapReader fill = map.Map("fill", "fill")!;
        string? kind = fill.OneOf("random", "byte", "count", "word");
        if (kind is null)
        {
            fill.Finish();
            return null;
        }

        NumberValue value = fill.RequiredNumber(kind);
        fill.Finish();
        return new BytePattern((world, length) => Fill(kind, world.Number(value), length), null);
    }

    private static byte[] Fill(string kind, ulong value, int length)
    {
        byte[] bytes = new byte[length];
        switch (kind)
        {
            case "byte":
                Array.Fill(bytes, (byte)value);
                break;
            case "count":
                for (int i = 0; i < length; i++)
                {
                    bytes[i] = (byte)(value + (ulong)i);
                }

                break;
            case "word":
                for (int i = 0; i < length; i++)
                {
                    bytes[i] = (byte)(value >> (i % 4 * 8));
                }

                break;
            default:
                Randomise(bytes, value);
                break;
        }

        return bytes;
    }

    /// <summary>SplitMix64, little-endian: the same bytes for the same seed, everywhere.</summary>
    private static void Randomise(Span<byte> bytes, ulong seed)
    {
        Span<byte> word = stackalloc byte[8];
        for (int i = 0; i < bytes.Length; i += 8)
        {
            seed += 0x9E37_79B9_7F4A_7C15;
            ulong mixed = seed;
            mixed = (mixed ^ (mixed >> 30)) * 0xBF58_476D_1CE4_E5B9;
            mixed = (mixed ^ (mixed >> 27)) * 0x94D0_49BB_1331_11EB;
            BinaryPrimitives.WriteUInt64LittleEndian(word, mixed ^ (mixed >> 31));
            word[..Math.Min(8, bytes.Length - i)].CopyTo(bytes[i..]);
        }
    }

    private static BytePattern? ReadHex(ReadingContext context, MapReader map)
    {
        string text = map.RequiredWords("bytes");
        byte[]? bytes = ParseHex(text);
        if (bytes is null)
        {
            context.Fail(
                map.PlaceOf("bytes"),
                $"'bytes:' takes pairs of hexadecimal digits such as 'de ad be ef', not {ReadingContext.Describe(map.Node("bytes")!)}"
            );
            return null;
        }

        return new BytePattern((_, _) => bytes, bytes.Length);
    }

    /// <summary>Pairs of hexadecimal digits with any blanks between; null when it is something else.</summary>
    public static byte[]? ParseHex(string text)
    {
        string digits = string.Concat(text.Where(character => !char.IsWhiteSpace(character)));
        bool isHex = digits.Length is > 0 and <= 1 << 20 && digits.Length % 2 == 0 && digits.All(char.IsAsciiHexDigit);
        return isHex ? Convert.FromHexString(digits) : null;
    }

    private static BytePattern ReadNumbers(ReadingContext context, MapReader map, string key, int size)
    {
        NumberValue[] values = [.. map.List(key).Select(context.Number)];
        return new BytePattern(
            (world, _) =>
            {
                byte[] bytes = new byte[values.Length * size];
                for (int i = 0; i < values.Length; i++)
                {
                    ulong value = world.Number(values[i]);
                    if (size == 4 && value > uint.MaxValue)
                    {
                        string shown = value.ToString("x", CultureInfo.InvariantCulture);
                        throw StepFailedException.At(values[i].Place, $"0x{shown} does not fit in a word of 32 bits");
                    }

                    Span<byte> place = bytes.AsSpan(i * size, size);
                    if (size == 4)
                    {
                        BinaryPrimitives.WriteUInt32LittleEndian(place, (uint)value);
                    }
                    else
                    {
                        BinaryPrimitives.WriteUInt64LittleEndian(place, value);
                    }
                }

                return bytes;
            },
            values.Length * size
        );
    }

    private static BytePattern ReadText(MapReader map)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(map.RequiredWords("text"));
        return new BytePattern((_, _) => bytes, bytes.Length);
    }

    private static BytePattern? ReadFile(ReadingContext context, MapReader map)
    {
        string name = map.RequiredWords("file");
        byte[]? bytes = context.File(name, map.PlaceOf("file"));
        return bytes is null ? null : new BytePattern((_, _) => bytes, bytes.Length);
    }
}
