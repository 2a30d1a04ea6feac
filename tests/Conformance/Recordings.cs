using System.Globalization;
using System.Text.Json;

namespace Emulator.Conformance;

/// <summary>Where the recordings are: <c>$EMULATOR_GOLDEN</c>, or the project's own copy.</summary>
internal static class Recordings
{
    public static string Folder { get; } =
        Environment.GetEnvironmentVariable("EMULATOR_GOLDEN") is { Length: > 0 } folder
            ? folder
            : Path.Combine(Root, "tests", "Conformance", "golden");

    /// <summary>Whether these are the project's own, of which it is known how many agree.</summary>
    public static bool IsOwnCopy =>
        string.Equals(Folder, Path.Combine(Root, "tests", "Conformance", "golden"), StringComparison.Ordinal);

    public static string Root
    {
        get
        {
            string? folder = AppContext.BaseDirectory;
            while (folder is not null && !File.Exists(Path.Combine(folder, "Emulator.sln")))
            {
                folder = Path.GetDirectoryName(folder);
            }

            return folder ?? throw new InvalidOperationException("The tests are not below the repository.");
        }
    }

    /// <summary>The vectors of a sub-folder: each line of each .jsonl file, in order of file and line.</summary>
    public static IEnumerable<JsonElement> Vectors(string subfolder, string pattern = "*.jsonl")
    {
        string folder = Path.Combine(Folder, subfolder);
        if (!Directory.Exists(folder))
        {
            yield break;
        }

        foreach (string file in Directory.GetFiles(folder, pattern).Order(StringComparer.Ordinal))
        {
            foreach (string line in File.ReadLines(file).Where(line => line.Trim().Length > 0))
            {
                using JsonDocument document = JsonDocument.Parse(line);
                yield return document.RootElement.Clone();
            }
        }
    }

    /// <summary>A number: a JSON number, or a string such as <c>0x1f</c>.</summary>
    public static ulong Number(this JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.Number)
        {
            return element.GetUInt64();
        }

        string text = element.GetString()!;
        return text.StartsWith("0x", StringComparison.Ordinal)
            ? ulong.Parse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)
            : ulong.Parse(text, CultureInfo.InvariantCulture);
    }

    public static string Text(this JsonElement element, string property) => element.GetProperty(property).GetString()!;

    public static bool Flag(this JsonElement element, string property) =>
        element.TryGetProperty(property, out JsonElement value) && value.GetBoolean();

    /// <summary>The bytes of a segment: <c>fill</c>, or the generator <c>lcg</c> of the README.</summary>
    public static byte[] SegmentBytes(JsonElement segment)
    {
        byte[] bytes = new byte[(int)segment.GetProperty("len").Number()];
        if (segment.TryGetProperty("fill", out JsonElement fill))
        {
            Array.Fill(bytes, (byte)fill.Number());
            return bytes;
        }

        uint x = (uint)segment.GetProperty("lcg").Number();
        for (int i = 0; i < bytes.Length; i++)
        {
            x = x * 1_664_525 + 1_013_904_223;
            bytes[i] = (byte)(x >> 24);
        }

        return bytes;
    }
}
