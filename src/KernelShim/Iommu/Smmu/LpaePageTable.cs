using System.Diagnostics;
using System.Numerics;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>
/// Page tables in RAM as io-pgtable-arm.c builds them: long descriptors of a 4 KiB granule, pages and blocks of 2 MiB and
/// 1 GiB, stage 1 or stage 2 with its concatenated first tables. They are read and written by loads and stores of the CPU;
/// nothing of them is kept here but where the first is.
/// </summary>
[DebuggerDisplay("stage {IsStageTwo ? 2 : 1} tables of {InputBits} bits at {Base,h}")]
internal sealed class LpaePageTable
{
    /// <summary>What the tables take at once: 1 GiB, 2 MiB, 4 KiB.</summary>
    public const ulong PageSizes = (1UL << 30) | (1UL << 21) | PageBytes;

    private const ulong PageBytes = PageAllocator.PageBytes;
    private const int GranuleBits = 12;
    private const int LevelBits = 9;
    private const int LastLevel = 3;
    private const int EntryBytes = 8;
    private const ulong AddressMask = 0xFFFF_FFFF_F000;
    private const ulong Valid = 1;
    private const ulong Table = 3;
    private const ulong Page = 3;
    private const ulong Accessed = 1UL << 10;
    private const ulong InnerShareable = 3UL << 8;
    private const ulong OuterShareable = 2UL << 8;
    private const ulong NoExecute = 3UL << 53;
    private const ulong NotGlobal = 1UL << 11;
    private const ulong Unprivileged = 1UL << 6;
    private const ulong ReadOnly = 1UL << 7;
    private const ulong CacheableIndex = 1UL << 2;
    private const ulong StageTwoRead = 1UL << 6;
    private const ulong StageTwoWrite = 1UL << 7;
    private const ulong StageTwoWriteBack = 0xFUL << 2;
    private const ulong StageTwoNonCacheable = 0x5UL << 2;

    private readonly CpuPort _cpu;
    private readonly PageAllocator _pages;
    private readonly int _startLevel;
    private readonly int _startPages;

    private LpaePageTable(Kernel kernel, bool isStageTwo, int inputBits, int startLevel, int startPages, ulong address)
    {
        _cpu = kernel.Board.Cpu;
        _pages = kernel.Pages;
        IsStageTwo = isStageTwo;
        InputBits = inputBits;
        _startLevel = startLevel;
        _startPages = startPages;
        Base = address;
    }

    /// <summary>Whether these are stage-2 descriptors.</summary>
    public bool IsStageTwo { get; }

    /// <summary>How many bits an input address has.</summary>
    public int InputBits { get; }

    /// <summary>The address of the first table, or of the first of several that count as one.</summary>
    public ulong Base { get; }

    /// <summary>The level at which a walk begins.</summary>
    public int StartLevel => _startLevel;

    /// <summary>The last input address.</summary>
    public ulong LastInput => (1UL << InputBits) - 1;

    /// <summary>Makes empty tables (arm_lpae_alloc_pgtable); null when there are no pages for the first.</summary>
    public static LpaePageTable? Create(Kernel kernel, bool isStageTwo, int inputBits)
    {
        int levels = (inputBits - GranuleBits + LevelBits - 1) / LevelBits;
        int start = LastLevel + 1 - levels;
        int topBits = inputBits - GranuleBits - (levels - 1) * LevelBits;

        // Stage 2 may begin a level later with up to 16 tables in a row (ARM_LPAE_S2_MAX_CONCAT_PAGES).
        int pages = 1;
        if (isStageTwo && levels > 1 && topBits <= 4)
        {
            pages = 1 << topBits;
            start++;
        }

        return kernel.Pages.TryAllocate(pages, out ulong first)
            ? new LpaePageTable(kernel, isStageTwo, inputBits, start, pages, first)
            : null;
    }

    /// <summary>
    /// Maps a piece of one of the page sizes (arm_lpae_map_pages).
    /// </summary>
    /// <returns>0; -EEXIST when something is mapped there, -ENOMEM when a table cannot be had.</returns>
    public long Map(ulong iova, ulong physical, ulong pieceBytes, IommuProtection protection)
    {
        int level = LevelOf(pieceBytes);
        ulong entry = FindEntry(iova, level, mayAdd: true, out long error);
        if (entry == 0)
        {
            return error;
        }

        if ((Read(entry) & Valid) != 0)
        {
            return -(long)Errno.EEXIST;
        }

        Write(entry, physical | AttributesOf(protection) | (level == LastLevel ? Page : Valid));
        return 0;
    }

    /// <summary>
    /// Unmaps what lies in a range; a block that is wider than the range is split (arm_lpae_unmap_pages).
    /// </summary>
    /// <param name="iova">Where it begins.</param>
    /// <param name="lengthBytes">How long it is.</param>
    /// <param name="forget">Told of each leaf that is gone: its address and size.</param>
    /// <returns>How many bytes were mapped and are no more, up to the first hole.</returns>
    public ulong Unmap(ulong iova, ulong lengthBytes, Action<ulong, ulong> forget)
    {
        ulong done = 0;
        while (done < lengthBytes)
        {
            ulong at = iova + done;
            (ulong entry, int level) = FindLeaf(at);
            if (entry == 0)
            {
                break;
            }

            ulong size = SizeOf(level);
            if ((at & (size - 1)) != 0 || size > lengthBytes - done)
            {
                if (!Split(entry, level))
                {
                    break;
                }

                continue;
            }

            Write(entry, 0);
            forget(at, size);
            done += size;
        }

        return done;
    }

    /// <summary>Walks the tables (arm_lpae_iova_to_phys).</summary>
    public ulong? Translate(ulong iova)
    {
        (ulong entry, int level) = iova > LastInput ? (0, 0) : FindLeaf(iova);
        return entry == 0 ? null : (Read(entry) & AddressMask) | (iova & (SizeOf(level) - 1));
    }

    /// <summary>Gives all tables back (arm_lpae_free_pgtable).</summary>
    public void Free()
    {
        for (int page = 0; page < _startPages; page++)
        {
            FreeBelow(Base + (ulong)page * PageBytes, _startLevel);
        }

        _pages.Free(Base, _startPages);
    }

    private static ulong SizeOf(int level) => 1UL << (GranuleBits + (LastLevel - level) * LevelBits);

    private static int LevelOf(ulong size) => LastLevel - (BitOperations.Log2(size) - GranuleBits) / LevelBits;

    private void FreeBelow(ulong table, int level)
    {
        for (int index = 0; level < LastLevel && index < 1 << LevelBits; index++)
        {
            ulong entry = Read(table + (ulong)index * EntryBytes);
            if ((entry & Table) == Table)
            {
                FreeBelow(entry & AddressMask, level + 1);
                _pages.Free(entry & AddressMask);
            }
        }
    }

    /// <summary>arm_lpae_prot_to_pte.</summary>
    private ulong AttributesOf(IommuProtection protection)
    {
        bool reads = protection.HasFlag(IommuProtection.Read);
        bool writes = protection.HasFlag(IommuProtection.Write);
        bool isCached = protection.HasFlag(IommuProtection.Cache);
        ulong attributes = Accessed | (isCached ? InnerShareable : OuterShareable);
        attributes |= protection.HasFlag(IommuProtection.NoExecute) ? NoExecute : 0;
        if (IsStageTwo)
        {
            attributes |= isCached ? StageTwoWriteBack : StageTwoNonCacheable;
            attributes |= reads ? StageTwoRead : 0;
            return attributes | (writes ? StageTwoWrite : 0);
        }

        // Stage 1 knows no write-only pages: what may be written may be read.
        attributes |= NotGlobal | Unprivileged | (isCached ? CacheableIndex : 0);
        return attributes | (writes ? 0 : ReadOnly);
    }

    private ulong EntryAddress(ulong table, ulong iova, int level)
    {
        int shift = GranuleBits + (LastLevel - level) * LevelBits;
        ulong index = iova >> shift;
        ulong mask = level == _startLevel ? ulong.MaxValue : (1UL << LevelBits) - 1;
        return table + (index & mask) * EntryBytes;
    }

    /// <summary>The entry for an address at a level; 0 when there is no table for it, or a block in the way.</summary>
    private ulong FindEntry(ulong iova, int level, bool mayAdd, out long error)
    {
        ulong table = Base;
        for (int at = _startLevel; at < level; at++)
        {
            ulong entry = EntryAddress(table, iova, at);
            ulong value = Read(entry);
            if ((value & Valid) == 0)
            {
                if (!mayAdd || !_pages.TryAllocate(out ulong added))
                {
                    error = -(long)Errno.ENOMEM;
                    return 0;
                }

                value = added | Table;
                Write(entry, value);
            }
            else if ((value & Table) != Table)
            {
                error = -(long)Errno.EEXIST;
                return 0;
            }

            table = value & AddressMask;
        }

        error = 0;
        return EntryAddress(table, iova, level);
    }

    private (ulong Entry, int Level) FindLeaf(ulong iova)
    {
        ulong table = Base;
        for (int level = _startLevel; ; level++)
        {
            ulong entry = EntryAddress(table, iova, level);
            ulong value = Read(entry);
            if ((value & Valid) == 0)
            {
                return (0, 0);
            }

            if (level == LastLevel || (value & Table) != Table)
            {
                return (entry, level);
            }

            table = value & AddressMask;
        }
    }

    /// <summary>A block becomes a table of the next smaller leaves (arm_lpae_split_blk_unmap). False without a page for it.</summary>
    private bool Split(ulong entry, int level)
    {
        ulong block = Read(entry);
        if (level == LastLevel || !_pages.TryAllocate(out ulong table))
        {
            return false;
        }

        ulong attributes = block & ~AddressMask & ~Table;
        ulong kind = level + 1 == LastLevel ? Page : Valid;
        for (ulong n = 0; n < 1 << LevelBits; n++)
        {
            Write(table + n * EntryBytes, ((block & AddressMask) + n * SizeOf(level + 1)) | attributes | kind);
        }

        Write(entry, table | Table);
        return true;
    }

    private ulong Read(ulong address)
    {
        _cpu.Load(address, EntryBytes, out ulong value);
        return value;
    }

    private void Write(ulong address, ulong value) => _cpu.Store(address, EntryBytes, value);
}
