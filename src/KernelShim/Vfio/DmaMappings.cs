using System.Collections;
using System.Diagnostics;

namespace Emulator.KernelShim;

/// <summary>
/// The mappings of a container, in order of I/O addresses (the rb-tree dma_list of vfio_iommu_type1). They never overlap. Kept in
/// leaves of a few hundred, so that a million of them are found and changed nearly as fast as a thousand.
/// </summary>
[DebuggerDisplay("{Count} mappings")]
internal sealed class DmaMappings : IEnumerable<DmaMapping>
{
    private const int LeafCapacity = 128;

    private readonly List<Leaf> _leaves = [];

    // The first address of each leaf, apart from it, so that a search touches little memory.
    private readonly List<ulong> _firsts = [];

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    /// <summary>The mapping that holds an address, or null.</summary>
    public DmaMapping? Find(ulong iova)
    {
        if (!TryPlace(iova, out int leaf, out int index))
        {
            return null;
        }

        DmaMapping mapping = _leaves[leaf].Mappings[index];
        return mapping.Last >= iova ? mapping : null;
    }

    /// <summary>The mappings that overlap a range, in order. They must not change meanwhile.</summary>
    public IEnumerable<DmaMapping> Within(ulong first, ulong last)
    {
        if (!TryPlace(first, out int leaf, out int index))
        {
            leaf = 0;
            index = 0;
        }
        else if (_leaves[leaf].Mappings[index].Last < first)
        {
            index++;
        }

        for (; leaf < _leaves.Count; leaf++, index = 0)
        {
            Leaf present = _leaves[leaf];
            for (; index < present.Count; index++)
            {
                if (present.Keys[index] > last)
                {
                    yield break;
                }

                yield return present.Mappings[index];
            }
        }
    }

    /// <summary>Adds a mapping that overlaps no other.</summary>
    public void Add(DmaMapping mapping)
    {
        Count++;
        if (_leaves.Count == 0)
        {
            _leaves.Add(new Leaf());
            _firsts.Add(mapping.Iova);
        }

        if (!TryPlace(mapping.Iova, out int leaf, out int index))
        {
            leaf = 0;
            index = -1;
        }

        if (_leaves[leaf].Count == LeafCapacity)
        {
            Split(leaf, atEnd: index == LeafCapacity - 1);
            if (index >= _leaves[leaf].Count)
            {
                index -= _leaves[leaf].Count;
                leaf++;
            }
            else if (index == _leaves[leaf].Count - 1 && _leaves[leaf].Count == LeafCapacity)
            {
                leaf++;
                index = -1;
            }
        }

        _leaves[leaf].Insert(index + 1, mapping);
        _firsts[leaf] = _leaves[leaf].Keys[0];
    }

    /// <summary>Removes a mapping that is there.</summary>
    public void Remove(DmaMapping mapping)
    {
        if (!TryPlace(mapping.Iova, out int leaf, out int index))
        {
            return;
        }

        Count--;
        _leaves[leaf].RemoveAt(index);
        if (_leaves[leaf].Count == 0)
        {
            _leaves.RemoveAt(leaf);
            _firsts.RemoveAt(leaf);
            return;
        }

        _firsts[leaf] = _leaves[leaf].Keys[0];
    }

    /// <summary>Removes all.</summary>
    public void Clear()
    {
        _leaves.Clear();
        _firsts.Clear();
        Count = 0;
    }

    /// <inheritdoc/>
    public IEnumerator<DmaMapping> GetEnumerator() => Within(0, ulong.MaxValue).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The last mapping that begins at or before an address. False when none does.</summary>
    private bool TryPlace(ulong iova, out int leaf, out int index)
    {
        leaf = _firsts.BinarySearch(iova);
        leaf = leaf >= 0 ? leaf : ~leaf - 1;
        index = -1;
        if (leaf < 0)
        {
            return false;
        }

        Leaf found = _leaves[leaf];
        index = Array.BinarySearch(found.Keys, 0, found.Count, iova);
        index = index >= 0 ? index : ~index - 1;
        return index >= 0;
    }

    /// <summary>Makes room: half of a leaf moves on, or, where mappings come in order, a new leaf begins behind it.</summary>
    private void Split(int leaf, bool atEnd)
    {
        Leaf full = _leaves[leaf];
        var next = new Leaf();
        if (!atEnd)
        {
            full.MoveHalfTo(next);
        }

        _leaves.Insert(leaf + 1, next);
        _firsts.Insert(leaf + 1, atEnd ? full.Keys[full.Count - 1] + 1 : next.Keys[0]);
    }

    private sealed class Leaf
    {
        public readonly ulong[] Keys = new ulong[LeafCapacity];
        public readonly DmaMapping[] Mappings = new DmaMapping[LeafCapacity];

        public int Count { get; private set; }

        public void Insert(int index, DmaMapping mapping)
        {
            Array.Copy(Keys, index, Keys, index + 1, Count - index);
            Array.Copy(Mappings, index, Mappings, index + 1, Count - index);
            Keys[index] = mapping.Iova;
            Mappings[index] = mapping;
            Count++;
        }

        public void RemoveAt(int index)
        {
            Count--;
            Array.Copy(Keys, index + 1, Keys, index, Count - index);
            Array.Copy(Mappings, index + 1, Mappings, index, Count - index);
            Mappings[Count] = null!;
        }

        public void MoveHalfTo(Leaf next)
        {
            int kept = Count / 2;
            int moved = Count - kept;
            Array.Copy(Keys, kept, next.Keys, 0, moved);
            Array.Copy(Mappings, kept, next.Mappings, 0, moved);
            Array.Clear(Mappings, kept, moved);
            next.Count = moved;
            Count = kept;
        }
    }
}
