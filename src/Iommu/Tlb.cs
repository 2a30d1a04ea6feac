using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Emulator.Iommu;

/// <summary>The stages that a TLB entry spans, as a part of its tag.</summary>
[Flags]
internal enum TlbStages : byte
{
    /// <summary>Nothing is translated; marks a free entry.</summary>
    None = 0,

    /// <summary>A virtual address to what stage 1 makes of it.</summary>
    Stage1 = 1,

    /// <summary>An intermediate address to a physical one.</summary>
    Stage2 = 2,

    /// <summary>A virtual address to a physical one, through both.</summary>
    Both = Stage1 | Stage2,
}

/// <summary>A translation in the TLB.</summary>
[DebuggerDisplay("VMID {Vmid} ASID {Asid} page {Page,h} -> {Output,h}, 2^{SizeBits} bytes")]
public struct SmmuTlbEntry
{
    /// <summary>The input address, shifted right by the size of the mapping.</summary>
    public ulong Page;

    /// <summary>The first output address.</summary>
    public ulong Output;

    /// <summary>The first address between the stages, of an entry that spans both.</summary>
    public ulong Intermediate;

    /// <summary>The VMID.</summary>
    public ushort Vmid;

    /// <summary>The ASID, which counts where stage 1 takes part and the entry is not global.</summary>
    public ushort Asid;

    /// <summary>The next entry of the same bucket, plus one; 0 ends the chain.</summary>
    public ushort Next;

    /// <summary>The mapping has 2^SizeBits bytes.</summary>
    public byte SizeBits;

    /// <summary>1 stage 1, 2 stage 2, 3 both; 0 for a free entry.</summary>
    public byte Stages;

    /// <summary>1 where the entry holds for every ASID.</summary>
    public byte IsGlobal;

    /// <summary>The level of the leaf of the first stage that takes part.</summary>
    public byte Level;

    /// <summary>What that leaf permits.</summary>
    public byte Permissions;

    /// <summary>The level of the stage-2 leaf, of an entry that spans both.</summary>
    public byte Level2;

    /// <summary>What that leaf permits.</summary>
    public byte Permissions2;

    /// <summary>AttrIndx in [2:0] and SH in [5:4] of the first stage's leaf.</summary>
    public byte Attributes;

    /// <summary>Keeps the struct free of padding.</summary>
    public ushort Filler;
}

/// <summary>All places of the TLB.</summary>
[InlineArray(SmmuParameters.MostTlbEntries)]
public struct SmmuTlbEntries
{
    private SmmuTlbEntry _first;
}

/// <summary>The first entry of each bucket, plus one.</summary>
[InlineArray(SmmuParameters.MostTlbEntries)]
public struct SmmuTlbBuckets
{
    private ushort _first;
}

/// <summary>How many entries have each size.</summary>
[InlineArray(48)]
public struct SmmuTlbCounts
{
    private uint _first;
}

/// <summary>What a look-up brings to the TLB.</summary>
/// <param name="Stages">Which stages the context does.</param>
/// <param name="Vmid">Its VMID.</param>
/// <param name="Asid">Its ASID; 0 without stage 1.</param>
internal readonly record struct TlbTag(TlbStages Stages, ushort Vmid, ushort Asid = 0);

/// <summary>
/// The TLB: fully associative, tagged by the stages, VMID, ASID and input page, entries of the size of the leaf they came
/// from, of the smaller one where they span both stages (fact sheet 8). Banks with the same VMID and ASID share entries.
/// Entries stay until they are invalidated or replaced, whatever becomes of the tables.
/// </summary>
/// <remarks>
/// Replacement is round robin, so that a hit changes nothing: masters that copy by direct spans, and so hit without
/// asking, leave the same TLB as those that go step by step. A hash finds entries; it is part of the state, so that
/// restoring the state's bytes restores the TLB whole.
/// </remarks>
[DebuggerDisplay("{Count} entries")]
public struct SmmuTlb
{
    private const int BucketBits = 9;

    /// <summary>The entries.</summary>
    public SmmuTlbEntries Entries;

    /// <summary>The hash.</summary>
    public SmmuTlbBuckets Buckets;

    /// <summary>How many entries have each size.</summary>
    public SmmuTlbCounts CountsBySize;

    /// <summary>A one for each size that some entry has.</summary>
    public ulong Sizes;

    /// <summary>How many entries are in use.</summary>
    public uint InUse;

    /// <summary>Which entry is replaced next.</summary>
    public uint NextVictim;

    /// <summary>How many entries are in use.</summary>
    public readonly int Count => (int)InUse;

    /// <summary>The entry that maps an address, or -1. The smallest mapping wins where stale entries overlap.</summary>
    internal readonly int Find(in TlbTag tag, ulong address)
    {
        for (ulong left = Sizes; left != 0; left &= left - 1)
        {
            int found = Find(tag, address, BitOperations.TrailingZeroCount(left));
            if (found >= 0)
            {
                return found;
            }
        }

        return -1;
    }

    /// <summary>Keeps a translation. True when another one had to go.</summary>
    /// <param name="capacity">How many entries the part has; at least one.</param>
    /// <param name="entry">The translation; only its place in the hash is not filled in.</param>
    /// <param name="place">Where it is kept.</param>
    internal bool Insert(int capacity, ref readonly SmmuTlbEntry entry, out int place)
    {
        place = (int)(NextVictim % (uint)capacity);
        if (Count < capacity)
        {
            while (Entries[place].Stages != 0)
            {
                place = place + 1 == capacity ? 0 : place + 1;
            }
        }

        bool evicts = Entries[place].Stages != 0;
        if (evicts)
        {
            Remove(place);
        }

        NextVictim = (uint)(place + 1 == capacity ? 0 : place + 1);
        ref ushort bucket = ref Buckets[BucketOf(entry.Stages, entry.Vmid, entry.Page, entry.SizeBits)];
        Entries[place] = entry;
        Entries[place].Next = bucket;
        bucket = (ushort)(place + 1);
        InUse++;
        CountsBySize[entry.SizeBits]++;
        Sizes |= 1UL << entry.SizeBits;
        return evicts;
    }

    /// <summary>Removes the entries of a VMID, those of some stages only. Returns how many.</summary>
    internal int InvalidateVmid(ushort vmid, TlbStages stages = TlbStages.Both)
    {
        int removed = 0;
        for (int place = 0; place < SmmuParameters.MostTlbEntries && Count > 0; place++)
        {
            if (((TlbStages)Entries[place].Stages & stages) != TlbStages.None && Entries[place].Vmid == vmid)
            {
                Remove(place);
                removed++;
            }
        }

        return removed;
    }

    /// <summary>Removes the entries of an ASID that are not global. Returns how many.</summary>
    internal int InvalidateAsid(ushort vmid, ushort asid)
    {
        int removed = 0;
        for (int place = 0; place < SmmuParameters.MostTlbEntries && Count > 0; place++)
        {
            ref readonly SmmuTlbEntry entry = ref Entries[place];
            bool isMeant = ((TlbStages)entry.Stages & TlbStages.Stage1) != TlbStages.None && entry.IsGlobal == 0;
            if (isMeant && entry.Vmid == vmid && entry.Asid == asid)
            {
                Remove(place);
                removed++;
            }
        }

        return removed;
    }

    /// <summary>Removes the stage-1 and combined entries that map a virtual address. Returns how many.</summary>
    /// <param name="vmid">The VMID.</param>
    /// <param name="asid">The ASID, which global entries do not need to have; null for every ASID.</param>
    /// <param name="address">The address, of which as many bits count as the operand of the operation holds.</param>
    /// <param name="addressMask">Those bits.</param>
    internal int InvalidateAddress(ushort vmid, ushort? asid, ulong address, ulong addressMask)
    {
        int removed = 0;
        for (int place = 0; place < SmmuParameters.MostTlbEntries && Count > 0; place++)
        {
            ref readonly SmmuTlbEntry entry = ref Entries[place];
            bool isMeant = ((TlbStages)entry.Stages & TlbStages.Stage1) != TlbStages.None && entry.Vmid == vmid;
            bool isInSpace = asid is null || entry.IsGlobal != 0 || entry.Asid == asid;
            if (isMeant && isInSpace && Covers(in entry, address, addressMask))
            {
                Remove(place);
                removed++;
            }
        }

        return removed;
    }

    /// <summary>
    /// Removes the stage-2 entries that map an intermediate address. Those that span both stages stay, as the architecture
    /// allows. Returns how many.
    /// </summary>
    internal int InvalidateIntermediate(ushort vmid, ulong address)
    {
        int removed = 0;
        for (int place = 0; place < SmmuParameters.MostTlbEntries && Count > 0; place++)
        {
            ref readonly SmmuTlbEntry entry = ref Entries[place];
            bool isMeant = (TlbStages)entry.Stages == TlbStages.Stage2 && entry.Vmid == vmid;
            if (isMeant && Covers(in entry, address, ulong.MaxValue))
            {
                Remove(place);
                removed++;
            }
        }

        return removed;
    }

    /// <summary>Removes every entry. Returns how many.</summary>
    internal int InvalidateAll()
    {
        int removed = Count;
        uint victim = NextVictim;
        this = default;
        NextVictim = victim;
        return removed;
    }

    private static bool Covers(ref readonly SmmuTlbEntry entry, ulong address, ulong addressMask) =>
        entry.Stages != 0 && (((entry.Page << entry.SizeBits) ^ address) & addressMask) >> entry.SizeBits == 0;

    private readonly int Find(in TlbTag tag, ulong address, int sizeBits)
    {
        ulong page = address >> sizeBits;
        int next = Buckets[BucketOf((byte)tag.Stages, tag.Vmid, page, sizeBits)];
        while (next != 0)
        {
            ref readonly SmmuTlbEntry entry = ref Entries[next - 1];
            if (
                entry.Page == page
                && entry.Vmid == tag.Vmid
                && entry.SizeBits == sizeBits
                && entry.Stages == (byte)tag.Stages
                && (entry.Asid == tag.Asid || entry.IsGlobal != 0)
            )
            {
                return next - 1;
            }

            next = entry.Next;
        }

        return -1;
    }

    private static int BucketOf(byte stages, ushort vmid, ulong page, int sizeBits) =>
        (int)(
            ((page << 8) + (uint)sizeBits * 4 + stages + ((ulong)vmid << 44)) * 0x9E37_79B9_7F4A_7C15
            >> (64 - BucketBits)
        );

    private void Remove(int place)
    {
        SmmuTlbEntry entry = Entries[place];
        ref ushort link = ref Buckets[BucketOf(entry.Stages, entry.Vmid, entry.Page, entry.SizeBits)];
        while (link != place + 1)
        {
            link = ref Entries[link - 1].Next;
        }

        link = entry.Next;
        InUse--;
        if (--CountsBySize[entry.SizeBits] == 0)
        {
            Sizes &= ~(1UL << entry.SizeBits);
        }

        Entries[place] = default;
    }
}
