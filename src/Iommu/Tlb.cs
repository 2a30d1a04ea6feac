using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Emulator.Iommu;

/// <summary>A translation in the TLB.</summary>
[DebuggerDisplay("VMID {Vmid} page {Page,h} -> {Output,h} level {Level}")]
public struct SmmuTlbEntry
{
    /// <summary>The input address, shifted right by the size of the mapping.</summary>
    public ulong Page;

    /// <summary>The first output address.</summary>
    public ulong Output;

    /// <summary>The VMID.</summary>
    public ushort Vmid;

    /// <summary>The next entry of the same bucket, plus one; 0 ends the chain.</summary>
    public ushort Next;

    /// <summary>The level of the leaf: 1 for 1 GiB, 2 for 2 MiB, 3 for 4 KiB; 0 for a free entry.</summary>
    public byte Level;

    /// <summary>What is permitted: 1 read, 2 write, 4 execute.</summary>
    public byte Permissions;

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

/// <summary>
/// The TLB: fully associative, tagged by VMID and input page, entries of the size of the leaf they came from (fact sheet
/// 8). Banks with the same VMID share entries. Entries stay until they are invalidated or replaced, whatever becomes of
/// the tables.
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

    /// <summary>How many entries map 1 GiB.</summary>
    public uint Level1Count;

    /// <summary>How many entries map 2 MiB.</summary>
    public uint Level2Count;

    /// <summary>How many entries map 4 KiB.</summary>
    public uint Level3Count;

    /// <summary>Which entry is replaced next.</summary>
    public uint NextVictim;

    /// <summary>How many entries are in use.</summary>
    public readonly int Count => (int)(Level1Count + Level2Count + Level3Count);

    /// <summary>The entry that maps an address, or -1. The smallest mapping wins where stale entries overlap.</summary>
    internal readonly int Find(ushort vmid, ulong address)
    {
        int found = Level3Count == 0 ? -1 : Find(vmid, address, 3);
        if (found < 0 && Level2Count != 0)
        {
            found = Find(vmid, address, 2);
        }

        return found < 0 && Level1Count != 0 ? Find(vmid, address, 1) : found;
    }

    /// <summary>Keeps a translation. True when another one had to go.</summary>
    /// <param name="capacity">How many entries the part has; at least one.</param>
    /// <param name="vmid">The VMID.</param>
    /// <param name="address">An address inside the mapping.</param>
    /// <param name="leaf">The leaf that the walk found.</param>
    /// <param name="place">Where it is kept.</param>
    internal bool Insert(int capacity, ushort vmid, ulong address, ref readonly WalkResult leaf, out int place)
    {
        place = (int)(NextVictim % (uint)capacity);
        if (Count < capacity)
        {
            while (Entries[place].Level != 0)
            {
                place = place + 1 == capacity ? 0 : place + 1;
            }
        }

        bool evicts = Entries[place].Level != 0;
        if (evicts)
        {
            Remove(place);
        }

        NextVictim = (uint)(place + 1 == capacity ? 0 : place + 1);
        ulong page = address >> LpaeWalker.ShiftOf(leaf.Level);
        ref ushort bucket = ref Buckets[BucketOf(vmid, page, leaf.Level)];
        Entries[place] = new SmmuTlbEntry
        {
            Page = page,
            Output = leaf.Output,
            Vmid = vmid,
            Next = bucket,
            Level = (byte)leaf.Level,
            Permissions = (byte)leaf.Permissions,
        };
        bucket = (ushort)(place + 1);
        CountOf(leaf.Level)++;
        return evicts;
    }

    /// <summary>Removes the entries of a VMID. Returns how many.</summary>
    internal int InvalidateVmid(ushort vmid)
    {
        int removed = 0;
        for (int place = 0; place < SmmuParameters.MostTlbEntries && Count > 0; place++)
        {
            if (Entries[place].Level != 0 && Entries[place].Vmid == vmid)
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

    private readonly int Find(ushort vmid, ulong address, int level)
    {
        ulong page = address >> LpaeWalker.ShiftOf(level);
        int next = Buckets[BucketOf(vmid, page, level)];
        while (next != 0)
        {
            ref readonly SmmuTlbEntry entry = ref Entries[next - 1];
            if (entry.Page == page && entry.Vmid == vmid && entry.Level == level)
            {
                return next - 1;
            }

            next = entry.Next;
        }

        return -1;
    }

    private static int BucketOf(ushort vmid, ulong page, int level) =>
        (int)((page * 4 + (uint)level + ((ulong)vmid << 44)) * 0x9E37_79B9_7F4A_7C15 >> (64 - BucketBits));

    private void Remove(int place)
    {
        SmmuTlbEntry entry = Entries[place];
        ref ushort link = ref Buckets[BucketOf(entry.Vmid, entry.Page, entry.Level)];
        while (link != place + 1)
        {
            link = ref Entries[link - 1].Next;
        }

        link = entry.Next;
        CountOf(entry.Level)--;
        Entries[place] = default;
    }

    [UnscopedRef]
    private ref uint CountOf(int level)
    {
        switch (level)
        {
            case 1:
                return ref Level1Count;
            case 2:
                return ref Level2Count;
            default:
                return ref Level3Count;
        }
    }
}
