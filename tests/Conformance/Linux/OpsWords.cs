using System.Globalization;

namespace Emulator.Conformance.Linux;

/// <summary>The words of an operation: positional ones, and options <c>name=value</c>.</summary>
internal sealed class OpsWords
{
    private readonly SortedDictionary<string, string> _options = new(StringComparer.Ordinal);

    public OpsWords(string text)
    {
        int space = text.IndexOf(' ', StringComparison.Ordinal);
        Verb = space < 0 ? text : text[..space];
        Rest = space < 0 ? "" : text[(space + 1)..];
        foreach (string word in Rest.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = word.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0)
            {
                _options[word[..equals]] = word[(equals + 1)..];
            }
            else
            {
                Positional.Add(word);
            }
        }
    }

    /// <summary>The first word.</summary>
    public string Verb { get; }

    /// <summary>Everything behind the first word, as it stands.</summary>
    public string Rest { get; }

    public List<string> Positional { get; } = [];

    /// <summary>A positional word; empty when there are not so many.</summary>
    public string this[int index] => index < Positional.Count ? Positional[index] : "";

    public string? Option(string name) => _options.GetValueOrDefault(name);

    public ulong Number(string name, ulong otherwise) => Option(name) is { } text ? ParseNumber(text) : otherwise;

    public uint Number32(string name, uint otherwise) => (uint)Number(name, otherwise);

    /// <summary>A number as C reads it, base 0; negative ones wrap.</summary>
    public static ulong ParseNumber(string text)
    {
        bool isNegative = text.StartsWith('-');
        string digits = isNegative ? text[1..] : text;
        ulong value = digits.StartsWith("0x", StringComparison.Ordinal)
            ? ulong.Parse(digits.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)
            : ulong.Parse(digits, CultureInfo.InvariantCulture);
        return isNegative ? 0 - value : value;
    }

    /// <summary>The escapes of written data: \n, \s for a blank, \0; <c>""</c> is nothing.</summary>
    public static byte[] Unescape(string text)
    {
        var bytes = new List<byte>();
        for (int at = 0; text is not "\"\"" && at < text.Length; at++)
        {
            bool isEscape = text[at] == '\\' && at + 1 < text.Length;
            bytes.Add(
                !isEscape
                    ? (byte)text[at]
                    : text[++at] switch
                    {
                        'n' => (byte)'\n',
                        's' => (byte)' ',
                        '0' => (byte)0,
                        't' => (byte)'\t',
                        var other => (byte)other,
                    }
            );
        }

        return [.. bytes];
    }

    /// <summary>Data as the recorder writes it: quoted, everything unprintable escaped.</summary>
    public static string Quote(ReadOnlySpan<byte> bytes)
    {
        var text = new System.Text.StringBuilder("\"");
        foreach (byte value in bytes)
        {
            text.Append(
                value switch
                {
                    (byte)'\n' => "\\n",
                    (byte)'"' => "\\\"",
                    (byte)'\\' => "\\\\",
                    < 0x20 or >= 0x7F => string.Create(CultureInfo.InvariantCulture, $"\\x{value:x2}"),
                    _ => ((char)value).ToString(),
                }
            );
        }

        return text.Append('"').ToString();
    }
}
