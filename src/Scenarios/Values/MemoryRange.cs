using System.Globalization;
using YamlDotNet.RepresentationModel;

namespace Emulator.Scenarios;

/// <summary>A stretch of memory that a step looks at: a named region, or an address with a size.</summary>
internal sealed class MemoryRange
{
    private readonly NumberValue _address;
    private readonly NumberValue? _size;
    private readonly string? _region;
    private readonly HostName? _owner;

    private MemoryRange(NumberValue address, NumberValue? size, string? region, HostName? owner)
    {
        _address = address;
        _size = size;
        _region = region;
        _owner = owner;
    }

    public Place Place => _address.Place;

    /// <summary>The region that is named; null for an address.</summary>
    public string? RegionName => _region;

    /// <summary>Reads the value of <paramref name="key"/>, <c>size:</c> beside it, and under a kernel <c>on:</c>, whose memory it is.</summary>
    public static MemoryRange Read(ReadingContext context, MapReader map, string key, bool sizeNeeded = true)
    {
        NumberValue address = map.RequiredNumber(key);
        NumberValue? size = map.Number("size");
        string text = (map.Node(key) as YamlScalarNode)?.Value ?? "";
        string? region = context.Knows(text + ".size") ? text : null;
        if (region is null && size is null && sizeNeeded)
        {
            context.Fail(map.Place, $"'{key}: {text}' is not a named memory, so 'size:' is needed");
        }

        HostName? owner =
            context.Kernel is not null && region is null && map.Has("on")
                ? context.HostNames.ReadOwner(context, map)
                : null;
        return new MemoryRange(address, size, region, owner);
    }

    public (UserProcess? Owner, ulong Address, ulong SizeBytes) Resolve(World world)
    {
        ulong address = world.Number(_address);
        Region? region = _region is null ? null : world.FindRegion(_region);
        ulong size = _size is not null ? world.Number(_size) : region?.SizeBytes ?? 0;
        UserProcess? owner = _owner is null ? region?.Owner : world.Host(_owner.Place).Process(_owner);
        return (owner, address, size);
    }
}

/// <summary>Compares memory and shows the first difference side by side.</summary>
internal static class MemoryComparison
{
    private const int ShownBytes = 16;
    private const int ShownLines = 3;

    /// <summary>Compares two stretches of one length.</summary>
    public static void Compare(
        World world,
        Place place,
        Func<string> message,
        UserProcess? owner,
        ulong address,
        ReadOnlySpan<byte> expected,
        ReadOnlySpan<byte> found
    )
    {
        int first = expected.CommonPrefixLength(found);
        if (first == expected.Length && expected.Length == found.Length)
        {
            return;
        }

        int different = 0;
        for (int i = first; i < Math.Min(expected.Length, found.Length); i++)
        {
            different += expected[i] == found[i] ? 0 : 1;
        }

        var expectedLines = new List<string>();
        var foundLines = new List<string>();
        int line = first & ~(ShownBytes - 1);
        for (int shown = 0; shown < ShownLines && line < expected.Length; shown++, line += ShownBytes)
        {
            expectedLines.Add(Line(address, line, expected));
            foundLines.Add(Line(address, line, found));
        }

        string summary = string.Create(
            CultureInfo.InvariantCulture,
            $"{message()}: first difference at {world.Locate(address + (ulong)first, owner)}, {different} of {expected.Length} bytes differ"
        );
        throw new StepFailedException(new StepFailure(place, summary, expectedLines, foundLines));
    }

    private static string Line(ulong address, int offset, ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<byte> row = bytes[Math.Min(offset, bytes.Length)..Math.Min(offset + ShownBytes, bytes.Length)];
        string hex = string.Join(
            ' ',
            row.ToArray().Select(value => value.ToString("x2", CultureInfo.InvariantCulture))
        );
        return $"{Machine.Hexadecimal.Format(address + (ulong)offset)}: {hex}";
    }
}
