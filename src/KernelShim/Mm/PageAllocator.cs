using System.Diagnostics;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>
/// Hands out pages of the board's RAM. Lowest free address first, so that runs repeat; freed pages are used again before
/// new ones.
/// </summary>
[DebuggerDisplay("{FreePages} of {TotalPages} pages free")]
public sealed class PageAllocator
{
    /// <summary>The size of a page.</summary>
    public const int PageBytes = 4096;

    private readonly CpuPort _cpu;
    private readonly List<(ulong Start, ulong Next, ulong End)> _regions = [];
    private readonly SortedSet<ulong> _freed = [];

    /// <summary>Creates an allocator over the RAM of a board.</summary>
    /// <param name="board">The board.</param>
    /// <param name="reservedBytes">How much at the start of the first region holds the kernel itself.</param>
    public PageAllocator(Board board, ulong reservedBytes)
    {
        ArgumentNullException.ThrowIfNull(board);
        _cpu = board.Cpu;
        foreach (BusRegion memory in board.Memory)
        {
            ulong skipped = _regions.Count == 0 ? Math.Min(reservedBytes, memory.LengthBytes) : 0;
            _regions.Add((memory.Start + skipped, memory.Start + skipped, memory.Start + memory.LengthBytes));
        }

        TotalPages = _regions.Aggregate(0UL, (sum, region) => sum + (region.End - region.Start) / PageBytes);
        FreePages = TotalPages;
    }

    /// <summary>How many pages there are.</summary>
    public ulong TotalPages { get; }

    /// <summary>How many are free.</summary>
    public ulong FreePages { get; private set; }

    /// <summary>Takes a zeroed page; false when there is none.</summary>
    public bool TryAllocate(out ulong page) => TryAllocate(1, out page);

    /// <summary>Takes zeroed pages that follow each other, aligned to their size rounded up to a power of two.</summary>
    public bool TryAllocate(int count, out ulong first)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        if (count == 1 && _freed.Count > 0)
        {
            first = _freed.Min;
            _freed.Remove(first);
            Zero(first, 1);
            return true;
        }

        ulong alignment = System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)count) * PageBytes;
        for (int index = 0; index < _regions.Count; index++)
        {
            (ulong start, ulong next, ulong end) = _regions[index];
            ulong aligned = (next + alignment - 1) & ~(alignment - 1);
            ulong length = (ulong)count * PageBytes;
            if (aligned < next || aligned > end || length > end - aligned)
            {
                continue;
            }

            for (ulong skipped = next; skipped < aligned; skipped += PageBytes)
            {
                _freed.Add(skipped);
            }

            _regions[index] = (start, aligned + length, end);
            first = aligned;
            Zero(first, count);
            return true;
        }

        first = 0;
        return false;
    }

    /// <summary>Gives pages back.</summary>
    /// <exception cref="InvalidOperationException">One of them is free already: two owners had it.</exception>
    public void Free(ulong first, int count = 1)
    {
        for (int n = 0; n < count; n++)
        {
            ulong page = first + (ulong)n * PageBytes;
            if (!_freed.Add(page))
            {
                throw new InvalidOperationException($"The page at 0x{page:x} is free already.");
            }
        }

        FreePages += (ulong)count;
    }

    private void Zero(ulong first, int count)
    {
        FreePages -= (ulong)count;
        Span<byte> zeros = stackalloc byte[PageBytes];
        zeros.Clear();
        for (int n = 0; n < count; n++)
        {
            _cpu.Store(first + (ulong)n * PageBytes, zeros);
        }
    }
}
