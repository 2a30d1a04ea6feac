using System.Buffers.Binary;
using System.Diagnostics;
using System.Numerics;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>
/// Stage-2 tables in RAM as the arm-smmu driver of 3.x builds them (arm_smmu_alloc_init_pud/pmd/pte): Long-descriptor
/// format, 32 bits of IOVA, a first table of four entries, 4 KiB pages only, with the contiguous hint on runs of 64 KiB.
/// They are read and written by loads and stores of the CPU; nothing of them is kept here but the address of the first.
/// </summary>
[DebuggerDisplay("tables at {Base,h}")]
internal sealed class StageTwoPageTable
{
    /// <summary>How many bits an IOVA has (input_size of an SMMUv1).</summary>
    public const int InputBits = 32;

    /// <summary>The last IOVA.</summary>
    public const ulong LastIova = (1UL << InputBits) - 1;

    /// <summary>What the tables take at once: SECTION_SIZE of LPAE, ARM_SMMU_PTE_CONT_SIZE, PAGE_SIZE.</summary>
    public const ulong PageSizes = SectionBytes | RunBytes | PageBytes;

    private const ulong SectionBytes = 2UL << 20;
    private const ulong RunBytes = 64UL << 10;
    private const ulong PageBytes = PageAllocator.PageBytes;
    private const ulong AddressMask = 0xFF_FFFF_F000;
    private const int TopEntries = 4;
    private const int Entries = 512;
    private const int RunEntries = 16;
    private const int EntryBytes = 8;
    private const ulong Valid = 1;
    private const ulong Table = 3;
    private const ulong Page = 3;
    private const ulong NormalNonCacheable = 0x5UL << 2;
    private const ulong NormalWriteBack = 0xFUL << 2;
    private const ulong MayRead = 1UL << 6;
    private const ulong MayWrite = 2UL << 6;
    private const ulong InnerShareable = 3UL << 8;
    private const ulong Accessed = 1UL << 10;
    private const ulong Contiguous = 1UL << 52;
    private const ulong NoExecute = 3UL << 53;

    private readonly CpuPort _cpu;
    private readonly PageAllocator _pages;

    private StageTwoPageTable(Kernel kernel, ulong address)
    {
        _cpu = kernel.Board.Cpu;
        _pages = kernel.Pages;
        Base = address;
    }

    /// <summary>The address of the first table.</summary>
    public ulong Base { get; }

    /// <summary>Makes empty tables; null when there is no page for them.</summary>
    public static StageTwoPageTable? Create(Kernel kernel) =>
        kernel.Pages.TryAllocate(out ulong page) ? new StageTwoPageTable(kernel, page) : null;

    /// <summary>
    /// Maps pages; no protection makes descriptors that fault (arm_smmu_handle_mapping). False when a table cannot be had:
    /// what was mapped until then stays.
    /// </summary>
    public bool TryWrite(ulong iova, ulong physical, ulong lengthBytes, IommuProtection protection)
    {
        ulong attributes = AttributesOf(protection);
        bool isMapping = (attributes & Valid) != 0;
        for (ulong end = iova + lengthBytes; iova < end; )
        {
            ulong next = Math.Min(end, (iova & ~(SectionBytes - 1)) + SectionBytes);
            ulong table = FindTable(iova, mayAdd: isMapping);
            if (table != 0)
            {
                WriteEntries(table, iova, next, physical, attributes);
            }
            else if (isMapping)
            {
                return false;
            }

            physical += next - iova;
            iova = next;
        }

        return true;
    }

    /// <summary>Walks the tables (arm_smmu_iova_to_phys).</summary>
    public ulong? Translate(ulong iova)
    {
        ulong table = iova > LastIova ? 0 : FindTable(iova, mayAdd: false);
        ulong entry = table == 0 ? 0 : Read(table + (ulong)IndexOf(iova) * EntryBytes);
        return (entry & Valid) == 0 ? null : (entry & AddressMask) | (iova & (PageBytes - 1));
    }

    /// <summary>Gives all tables back (arm_smmu_free_pgtables).</summary>
    public void Free()
    {
        for (ulong top = 0; top < TopEntries; top++)
        {
            ulong middle = Read(Base + top * EntryBytes) & AddressMask;
            for (ulong index = 0; middle != 0 && index < Entries; index++)
            {
                if ((Read(middle + index * EntryBytes) & AddressMask) is var table and not 0)
                {
                    _pages.Free(table);
                }
            }

            if (middle != 0)
            {
                _pages.Free(middle);
            }
        }

        _pages.Free(Base);
    }

    private static int IndexOf(ulong iova) => (int)(iova >> 12) & (Entries - 1);

    /// <summary>
    /// A descriptor without its address. Execution is permitted unless IOMMU_NOEXEC is asked for, as the vendor's branch
    /// has it; mainline of the time had it the other way round.
    /// </summary>
    private static ulong AttributesOf(IommuProtection protection)
    {
        ulong attributes = Page | Accessed | InnerShareable;
        attributes |= protection.HasFlag(IommuProtection.Cache) ? NormalWriteBack : NormalNonCacheable;
        attributes |= protection.HasFlag(IommuProtection.Read) ? MayRead : 0;
        attributes |= protection.HasFlag(IommuProtection.Write) ? MayWrite : 0;
        attributes |= protection.HasFlag(IommuProtection.NoExecute) ? NoExecute : 0;

        // No access: an entry that faults, so that no TLB keeps it.
        return (attributes & (MayRead | MayWrite)) == 0 ? attributes & ~Page : attributes;
    }

    /// <summary>The last-level table for an IOVA; 0 when there is none.</summary>
    private ulong FindTable(ulong iova, bool mayAdd)
    {
        ulong middle = FindNext(Base + (iova >> 30) * EntryBytes, mayAdd);
        return middle == 0 ? 0 : FindNext(middle + (iova >> 21 & (Entries - 1)) * EntryBytes, mayAdd);
    }

    private ulong FindNext(ulong entry, bool mayAdd)
    {
        ulong next = Read(entry) & AddressMask;
        if (next == 0 && mayAdd && _pages.TryAllocate(out next))
        {
            _cpu.Store(entry, EntryBytes, next | Table);
        }

        return next;
    }

    /// <summary>
    /// arm_smmu_alloc_init_pte. A run whose hint is about to become a lie loses it on all sixteen entries, so whole runs are
    /// read and written.
    /// </summary>
    private void WriteEntries(ulong table, ulong iova, ulong end, ulong physical, ulong attributes)
    {
        int first = IndexOf(iova) & ~(RunEntries - 1);
        int last = IndexOf(end - 1) | (RunEntries - 1);
        Span<byte> buffer = stackalloc byte[Entries * EntryBytes];
        Span<byte> entries = buffer[..((last - first + 1) * EntryBytes)];
        ulong address = table + (ulong)first * EntryBytes;
        _cpu.Load(address, entries);
        while (iova < end)
        {
            int index = IndexOf(iova) - first;
            bool isRun = ((iova | physical) & (RunBytes - 1)) == 0 && end - iova >= RunBytes;
            if (!isRun)
            {
                ForgetRun(entries, index & ~(RunEntries - 1));
            }

            ulong descriptor = isRun ? attributes | Contiguous : attributes;
            for (int n = isRun ? RunEntries : 1; n > 0; n--, index++)
            {
                // What faults has no address: arm_smmu_unmap passes physical address 0.
                ulong output = (attributes & Valid) != 0 ? physical : 0;
                BinaryPrimitives.WriteUInt64LittleEndian(entries[(index * EntryBytes)..], descriptor | output);
                iova += PageBytes;
                physical += PageBytes;
            }
        }

        _cpu.Store(address, entries);
    }

    private static void ForgetRun(Span<byte> entries, int first)
    {
        for (int index = first; index < first + RunEntries; index++)
        {
            Span<byte> entry = entries[(index * EntryBytes)..];
            ulong value = BinaryPrimitives.ReadUInt64LittleEndian(entry);
            BinaryPrimitives.WriteUInt64LittleEndian(entry, value & ~Contiguous);
        }
    }

    private ulong Read(ulong address)
    {
        _cpu.Load(address, EntryBytes, out ulong value);
        return value;
    }
}
