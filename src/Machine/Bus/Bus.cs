using System.Diagnostics;

namespace Emulator.Machine;

/// <summary>
/// A bus: regions of a 64-bit address space and the targets behind them. It is a target itself, so buses nest and an
/// SMMU has one behind it.
/// </summary>
/// <remarks>
/// Look-up is one compare in a direct-mapped cache of pages; what is not there is found by binary search. So the cost
/// does not grow with the number of regions for what is used again, and grows with its logarithm otherwise.
/// </remarks>
[DebuggerDisplay("{Name,nq}: {Regions.Count} regions")]
public sealed class Bus : IBusTarget
{
    private const int PageBits = 12;
    private const int CacheBits = 10;
    private const int CacheEntries = 1 << CacheBits;

    private static readonly TraceKind Miss = new(
        "bus.miss",
        Severity.Error,
        "{who} {access} {length} bytes at {address} (requester {requester}, stream {stream}, {security}): nothing is there"
    );

    private readonly Trace _trace;
    private readonly List<BusRegion> _regions = [];
    private readonly CacheEntry[] _cache = new CacheEntry[CacheEntries];
    private BusRegion? _lentLast;

    /// <summary>Creates an empty bus.</summary>
    /// <param name="name">The name shown in traces.</param>
    /// <param name="trace">Where misses are reported.</param>
    /// <param name="epoch">The epoch it shares with the other buses and SMMUs of the machine.</param>
    public Bus(string name, Trace trace, AddressMapEpoch? epoch = null)
    {
        Name = name;
        _trace = trace;
        Epoch = epoch ?? new AddressMapEpoch();
        ForgetLookups();
    }

    /// <summary>The name shown in traces.</summary>
    public string Name { get; }

    /// <summary>Grows when the map changes.</summary>
    public AddressMapEpoch Epoch { get; }

    /// <summary>The regions in order of address.</summary>
    public IReadOnlyList<BusRegion> Regions => _regions;

    /// <summary>Puts a target on the bus.</summary>
    /// <exception cref="BusMapException">The region is empty, reaches past the end, or overlaps another one.</exception>
    public BusRegion Map(string name, ulong start, ulong lengthBytes, IBusTarget target)
    {
        ArgumentNullException.ThrowIfNull(target);
        if (lengthBytes == 0)
        {
            throw new BusMapException($"Region '{name}' at {Hexadecimal.Format(start)} is empty.");
        }

        if (lengthBytes - 1 > ulong.MaxValue - start)
        {
            throw new BusMapException(
                $"Region '{name}' at {Hexadecimal.Format(start)} with {Hexadecimal.Format(lengthBytes)} bytes "
                    + "reaches past the end of the 64-bit address space."
            );
        }

        var region = new BusRegion(name, start, lengthBytes, target);
        int place = IndexOfFirstAfter(start);
        BusRegion? clash =
            place > 0 && _regions[place - 1].Last >= start ? _regions[place - 1]
            : place < _regions.Count && _regions[place].Start <= region.Last ? _regions[place]
            : null;
        if (clash is not null)
        {
            throw new BusMapException($"Region {region} overlaps {clash} on {Name}.") { Existing = clash };
        }

        _regions.Insert(place, region);
        ForgetLookups();
        return region;
    }

    /// <summary>Takes a region off the bus. False when it was not there.</summary>
    public bool Unmap(BusRegion region)
    {
        bool removed = _regions.Remove(region);
        ForgetLookups();
        return removed;
    }

    /// <summary>The region that holds an address, or null.</summary>
    public BusRegion? Find(ulong address)
    {
        ulong page = address >> PageBits;
        ref CacheEntry entry = ref _cache[PlaceOf(page)];
        return entry.Page == page ? entry.Region : Search(address);
    }

    /// <inheritdoc/>
    public BusStatus ReadWord(ulong address, int sizeBytes, out ulong value, in Transaction transaction)
    {
        BusRegion? region = Find(address);
        if (region is not null && (ulong)(sizeBytes - 1) <= region.Last - address)
        {
            return region.Target.ReadWord(address - region.Start, sizeBytes, out value, transaction);
        }

        value = 0;
        return ReportMiss("reads", address, sizeBytes, transaction);
    }

    /// <inheritdoc/>
    public BusStatus WriteWord(ulong address, int sizeBytes, ulong value, in Transaction transaction)
    {
        BusRegion? region = Find(address);
        return region is not null && (ulong)(sizeBytes - 1) <= region.Last - address
            ? region.Target.WriteWord(address - region.Start, sizeBytes, value, transaction)
            : ReportMiss("writes", address, sizeBytes, transaction);
    }

    /// <inheritdoc/>
    public BusStatus Read(ulong address, Span<byte> data, in Transaction transaction)
    {
        if (data.IsEmpty)
        {
            return BusStatus.Okay;
        }

        while (true)
        {
            BusRegion? region = Find(address);
            if (region is null)
            {
                return ReportMiss("reads", address, data.Length, transaction);
            }

            int length = RoomIn(region, address, data.Length);
            BusStatus status = region.Target.Read(address - region.Start, data[..length], transaction);
            if (status != BusStatus.Okay || length == data.Length)
            {
                return status;
            }

            if (region.Last == ulong.MaxValue)
            {
                return ReportMiss("reads", address, data.Length, transaction);
            }

            data = data[length..];
            address += (ulong)length;
        }
    }

    /// <inheritdoc/>
    public BusStatus Write(ulong address, ReadOnlySpan<byte> data, in Transaction transaction)
    {
        if (data.IsEmpty)
        {
            return BusStatus.Okay;
        }

        while (true)
        {
            BusRegion? region = Find(address);
            if (region is null)
            {
                return ReportMiss("writes", address, data.Length, transaction);
            }

            int length = RoomIn(region, address, data.Length);
            BusStatus status = region.Target.Write(address - region.Start, data[..length], transaction);
            if (status != BusStatus.Okay || length == data.Length)
            {
                return status;
            }

            if (region.Last == ulong.MaxValue)
            {
                return ReportMiss("writes", address, data.Length, transaction);
            }

            data = data[length..];
            address += (ulong)length;
        }
    }

    /// <inheritdoc/>
    public bool TryGetDirectSpan(ulong address, DirectAccess access, in Transaction transaction, out DirectSpan span)
    {
        BusRegion? region = _lentLast;
        if (region is null || address - region.Start >= region.LengthBytes)
        {
            _lentLast = region = Find(address);
        }

        if (
            region is null
            || !region.Target.TryGetDirectSpan(address - region.Start, access, transaction, out DirectSpan inner)
        )
        {
            span = default;
            return false;
        }

        ulong room = region.LengthBytes - inner.Start;
        int length = (int)Math.Min((ulong)inner.LengthBytes, room);
        span = new DirectSpan(inner.Start + region.Start, inner.Array, inner.Offset, length);
        return true;
    }

    /// <summary>Buffers of the same shape in different places of the map must not share their entries.</summary>
    private static int PlaceOf(ulong page) => (int)((page * 0x9E37_79B9_7F4A_7C15) >> (64 - CacheBits));

    private static int RoomIn(BusRegion region, ulong address, int wanted) =>
        (ulong)(wanted - 1) <= region.Last - address ? wanted : (int)(region.Last - address) + 1;

    private BusRegion? Search(ulong address)
    {
        int place = IndexOfFirstAfter(address) - 1;
        if (place < 0 || _regions[place].Last < address)
        {
            return null;
        }

        BusRegion region = _regions[place];
        ulong page = address >> PageBits;
        if (region.Start >> PageBits < page || (region.Start & ((1UL << PageBits) - 1)) == 0)
        {
            bool wholePage = region.Last >> PageBits > page || (~region.Last & ((1UL << PageBits) - 1)) == 0;
            if (wholePage)
            {
                _cache[PlaceOf(page)] = new CacheEntry { Page = page, Region = region };
            }
        }

        return region;
    }

    private int IndexOfFirstAfter(ulong address)
    {
        int low = 0;
        int high = _regions.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_regions[middle].Start <= address)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    private void ForgetLookups()
    {
        Array.Fill(_cache, new CacheEntry { Page = ulong.MaxValue });
        _lentLast = null;
        Epoch.Bump();
    }

    private BusStatus ReportMiss(string access, ulong address, int length, in Transaction transaction)
    {
        _trace.Emit(
            Miss,
            Name,
            TraceField.Of("who", transaction.InitiatorName),
            TraceField.Of("access", access),
            TraceField.Decimal("length", (ulong)length),
            TraceField.Hex("address", address),
            TraceField.Hex("requester", transaction.RequesterId),
            TraceField.Hex("stream", transaction.StreamId),
            TraceField.Of("security", transaction.IsSecure ? "secure" : "non-secure")
        );
        return BusStatus.DecodeError;
    }

    private struct CacheEntry
    {
        public ulong Page;
        public BusRegion? Region;
    }
}
