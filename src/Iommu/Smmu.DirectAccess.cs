using Emulator.Machine;

namespace Emulator.Iommu;

/// <content>
/// Translations for masters that copy by direct spans. The way is that of every transaction, made short: tables are read
/// where they lie in RAM. What would fault, be traced or reach something that is no RAM is left to the plain way, untouched.
/// </content>
public sealed partial class Smmu
{
    // The TLB's places of which a span or a recent look-up is about. Derived from the state and the epoch, as _recent is.
    private readonly ulong[] _lent = new ulong[(SmmuParameters.MostTlbEntries + 63) / 64];
    private ulong _lentEpoch;

    /// <summary>
    /// Finds memory for an access that is made now: a missing TLB entry is fetched, exactly as the access itself would
    /// have it. False, and nothing has changed, where anything but success and plain memory would come of it.
    /// </summary>
    private bool TryReach(ulong address, DirectAccess access, in Transaction transaction, out DirectSpan span)
    {
        span = default;
        if (Trace.IsOn)
        {
            return false;
        }

        uint streamId = transaction.StreamId & _parameters.StreamIdMask;
        StreamMatch match = Match(streamId);
        if (match.Route != StreamRoute.Translate)
        {
            return match.Route == StreamRoute.Bypass && TryLend(address, access, transaction, out span);
        }

        if (BlockedBank(match) >= 0)
        {
            return false;
        }

        Lookup lookup = LookupOf(match, address);
        if (lookup.Tag.Stages == TlbStages.None)
        {
            return TryLend(address, access, transaction, out span);
        }

        AccessKind kind = StreamMapping.Override(
            State.StreamToContext[match.Group],
            KindOf(access == DirectAccess.Write, transaction)
        );
        var request = new Request(match, lookup, address, kind, streamId);
        return TryReachByTlb(request, access, transaction, out span, out bool isKnown)
            || (!isKnown && TryReachByTables(request, access, transaction, out span));
    }

    private bool TryReachByTlb(
        in Request request,
        DirectAccess access,
        in Transaction transaction,
        out DirectSpan span,
        out bool isKnown
    )
    {
        span = default;
        int place = State.Tlb.Find(request.Lookup.Tag, request.Lookup.Address);
        isKnown = place >= 0;
        if (!isKnown)
        {
            return false;
        }

        ref readonly SmmuTlbEntry entry = ref State.Tlb.Entries[place];
        Translation known = Hit(in entry, request.Address);
        if (
            !LeafPermissions.Permit((PagePermissions)(entry.Permissions & entry.Permissions2), request.Kind)
            || !TryLend(known.Physical, access, transaction, out DirectSpan inner)
        )
        {
            return false;
        }

        MarkLent(place);
        span = UpstreamPort.Clip(inner, known);
        return true;
    }

    private bool TryReachByTables(
        in Request request,
        DirectAccess access,
        in Transaction transaction,
        out DirectSpan span
    )
    {
        span = default;
        if (_parameters.TlbEntries == 0)
        {
            return false;
        }

        _walker.ReadsLentMemoryOnly = true;
        bool found = TryWalk(request, both: true, record: null, out SmmuTlbEntry entry, out bool mayKeep, out _);
        _walker.ReadsLentMemoryOnly = false;
        if (!found || !mayKeep)
        {
            return false;
        }

        Translation known = Hit(in entry, request.Address);
        if (!TryLend(known.Physical, access, transaction, out DirectSpan inner))
        {
            return false;
        }

        MarkLent(KeepInTlb(in entry));
        span = UpstreamPort.Clip(inner, known);
        return true;
    }

    private bool TryLend(ulong physical, DirectAccess access, in Transaction transaction, out DirectSpan span) =>
        transaction.IsSecure
            ? _bus.TryGetDirectSpan(physical, access, UpstreamPort.AsNonSecure(transaction), out span)
            : _bus.TryGetDirectSpan(physical, access, transaction, out span);

    /// <summary>Keeps a translation in the TLB. Returns its place.</summary>
    private int KeepInTlb(ref readonly SmmuTlbEntry entry)
    {
        bool evicts = State.Tlb.Insert(_parameters.TlbEntries, in entry, out int place);
        if (evicts && IsLent(place))
        {
            // Spans and recent look-ups of the translation that had to go would otherwise outlive it. What streams lead to
            // is as before.
            _epoch.Bump();
            _replacements++;
        }

        return place;
    }

    /// <summary>A span or a recent look-up of the entry is about: when it goes, they must go.</summary>
    private void MarkLent(int place)
    {
        if (_lentEpoch != _epoch.Value)
        {
            Array.Clear(_lent);
            _lentEpoch = _epoch.Value;
        }

        _lent[place >> 6] |= 1UL << place;
    }

    private bool IsLent(int place) => _lentEpoch == _epoch.Value && ((_lent[place >> 6] >> place) & 1) != 0;
}
