using System.Globalization;
using System.Text;

namespace Emulator.Userland;

/// <summary>The functions in the text that <c>lspci -x</c> (or more of it) printed: -F FILE.</summary>
/// <remarks>The format is that of pciutils (lib/dump.c): a line with the address, then lines <c>10: 00 11 22 ...</c>.</remarks>
internal sealed class DumpAccess : PciAccess
{
    private readonly List<PciAddress> _order = [];
    private readonly Dictionary<PciAddress, byte[]> _dumps = [];

    /// <summary>Reads a dump.</summary>
    /// <exception cref="PciFailure">It is malformed.</exception>
    public DumpAccess(byte[] text)
    {
        PciAddress? current = null;
        foreach (string line in Encoding.UTF8.GetString(text).Split('\n').Select(line => line.TrimEnd('\r')))
        {
            int space = line.IndexOf(' ', StringComparison.Ordinal);
            if (line.Length == 0)
            {
                current = null;
            }
            else if (space > 0 && AddressOf(line[..space]) is { } address)
            {
                current = address;
                _order.Add(address);
                _dumps[address] = [];
            }
            else if (current is { } owner && space > 0 && OffsetOf(line[..space]) is { } offset)
            {
                AddBytes(owner, offset, line[(space + 1)..]);
            }
        }
    }

    /// <inheritdoc/>
    public override Task<IReadOnlyList<PciFunction>> Scan() =>
        Task.FromResult<IReadOnlyList<PciFunction>>([.. _order.Distinct().Select(Make)]);

    /// <inheritdoc/>
    public override Task<byte[]?> ReadConfig(PciAddress address, int at, int count) =>
        Task.FromResult(
            _dumps.TryGetValue(address, out byte[]? dump) && at + count <= dump.Length ? dump[at..(at + count)] : null
        );

    /// <inheritdoc/>
    public override Task WriteConfig(PciAddress address, int at, byte[] bytes) =>
        throw new PciFailure("Writing to dump files is not supported.");

    private static PciAddress? AddressOf(string word) =>
        word.Length >= 7 && word[^2] == '.' && word[^5] == ':' ? PciAddress.Parse(word) : null;

    private static int? OffsetOf(string word) =>
        word.Length is >= 3 and <= 9
        && word[^1] == ':'
        && int.TryParse(word[..^1], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int offset)
            ? offset
            : null;

    private void AddBytes(PciAddress owner, int offset, string text)
    {
        var bytes = new List<byte>();
        foreach (string word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (
                word.Length != 2
                || !byte.TryParse(word, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value)
            )
            {
                throw new PciFailure("dump: Malformed line");
            }

            bytes.Add(value);
        }

        if (offset < 0 || offset + bytes.Count > PciConfig.MaximumBytes)
        {
            throw new PciFailure("dump: At most 4096 bytes of config space are supported");
        }

        byte[] dump = _dumps[owner];
        if (dump.Length < offset + bytes.Count)
        {
            int known = dump.Length;
            Array.Resize(ref dump, offset + bytes.Count);
            dump.AsSpan(known).Fill(0xFF);
            _dumps[owner] = dump;
        }

        bytes.CopyTo(dump, offset);
    }
}
