using System.Runtime.InteropServices;
using Emulator.Iommu;
using Emulator.Machine;

namespace Emulator.Bench;

/// <summary>
/// Translations of an MMU-500: TLB hits against a dictionary, cold walks of four levels against four bare loads, and what a
/// million mappings cost where a thousand cost little.
/// </summary>
internal sealed class SmmuBench
{
    private const ulong RamStart = 0x8000_0000;
    private const ulong RamBytes = 64UL << 20;
    private const ulong PageBytes = 4096;
    private const ulong Iova = 0x12_3400_0000;
    private const int Accesses = 4096;

    private readonly Smmu _smmu;
    private readonly byte[] _memory = new byte[RamBytes];
    private readonly ulong[] _addresses = new ulong[Accesses];
    private ulong _nextTable = RamStart + PageBytes;

    private SmmuBench(int pages, int used, uint tlbEntries)
    {
        BuildTables(pages);
        StandaloneContext context = new StandaloneContext("smmu").With("emulator,tlb-entries", tlbEntries);
        var ram = new Ram("ram", RamBytes);
        context.Bus.Map("ram", RamStart, RamBytes, ram);
        context.Bus.Write(RamStart, _memory, default);
        _smmu = new Smmu(context, SmmuPart.Mmu500);
        Configure();
        var random = new Random(1);
        int apart = pages / used;
        for (int n = 0; n < Accesses; n++)
        {
            int page = used == Accesses ? (n * 1541 + 77) & (Accesses - 1) : random.Next(used);
            _addresses[n] = Iova + (ulong)(page * apart) * PageBytes + (ulong)random.Next(4096);
        }
    }

    public static void Run(int rounds)
    {
        RunHits(rounds);
        RunWalks(rounds);
        RunSizes(rounds);
    }

    private static void RunHits(int rounds)
    {
        var hits = new SmmuBench(pages: 512, used: 512, tlbEntries: 512);
        var random = new Random(1);
        var dictionary = new Dictionary<ulong, int>();
        ulong[] keys = new ulong[1024];
        for (int n = 0; n < keys.Length; n++)
        {
            keys[n] = (Iova >> 12) + (ulong)n;
            dictionary[keys[n]] = n;
        }

        ulong[] wanted = [.. Enumerable.Range(0, Accesses).Select(_ => keys[random.Next(keys.Length)])];
        Contest.Run(
            "TLB hit, 512 entries at random",
            "look-up",
            rounds,
            new Party("Dictionary<ulong, int> of 1,024 entries", Accesses, () => LookUp(dictionary, wanted)),
            new Party("MMU-500, TLB hit", Accesses, () => hits.Translate())
        );
    }

    private static void RunWalks(int rounds)
    {
        var walks = new SmmuBench(pages: 4096, used: 4096, tlbEntries: 0);
        var misses = new SmmuBench(pages: 4096, used: 4096, tlbEntries: 64);
        Contest.Run(
            "Cold walk, stage 1, four levels of 4 KiB tables, 4,096 pages at random",
            "walk",
            rounds,
            new Party("four loads in a byte array", Accesses, () => walks.WalkBare()),
            new Party("MMU-500 without TLB", Accesses, () => walks.TranslateChain()),
            new Party("MMU-500, 64 TLB entries that never hit", Accesses, () => misses.TranslateChain())
        );
    }

    private static void RunSizes(int rounds)
    {
        var small = new SmmuBench(pages: 1000, used: 500, tlbEntries: 512);
        var large = new SmmuBench(pages: 1_000_000, used: 500, tlbEntries: 512);
        Contest.Run(
            "500 pages in use of so many mapped",
            "look-up",
            rounds,
            new Party("a thousand mappings", Accesses, () => small.Translate()),
            new Party("a million mappings", Accesses, () => large.Translate())
        );
        var smallWalks = new SmmuBench(pages: 1000, used: 1000, tlbEntries: 0);
        var largeWalks = new SmmuBench(pages: 1_000_000, used: 1000, tlbEntries: 0);
        Contest.Run(
            "a walk for each, 1,000 pages in use of so many mapped",
            "walk",
            rounds,
            new Party("a thousand mappings", Accesses, () => smallWalks.Translate()),
            new Party("a million mappings", Accesses, () => largeWalks.Translate())
        );
    }

    private static long LookUp(Dictionary<ulong, int> dictionary, ulong[] wanted)
    {
        long sum = 0;
        foreach (ulong key in wanted)
        {
            dictionary.TryGetValue(key, out int value);
            sum += value;
        }

        return sum;
    }

    private void BuildTables(int pages)
    {
        for (int n = 0; n < pages; n++)
        {
            ulong address = Iova + (ulong)n * PageBytes;
            ulong table = RamStart;
            for (int shift = 39; shift > 12; shift -= 9)
            {
                ulong entry = table + ((address >> shift) & 0x1FF) * 8;
                if (Word(entry) == 0)
                {
                    Word(entry) = _nextTable | 3;
                    _nextTable += PageBytes;
                }

                table = Word(entry) & ~0xFFFUL;
            }

            Word(table + ((address >> 12) & 0x1FF) * 8) = 0x0060_0010_0000_0747 + (ulong)n * PageBytes;
        }
    }

    private ref ulong Word(ulong address) =>
        ref MemoryMarshal.AsRef<ulong>(_memory.AsSpan((int)(address - RamStart), 8));

    private void Configure()
    {
        Write("SMR0", 0x8000_0000);
        Write("S2CR0", 0);
        Write("CBA2R0", 1);
        Write("CBAR0", 0x0001_F300);
        Write("CB0_TCR2", 0x0003_8015);
        Write("CB0_TCR", 0x0080_3510);
        Write("CB0_TTBR0", RamStart);
        Write("CB0_SCTLR", 0x1067);
        Write("sCR0", 0x0020_0406);
    }

    private void Write(string register, ulong value)
    {
        IRegisterWindow window = _smmu.Windows[0];
        window.TryFind(register, out ulong offset, out RegisterDescription row);
        window.WriteWord(offset, row.WidthBits / 8, value, default);
    }

    private ulong Translate()
    {
        ulong sum = 0;
        var signals = new Transaction();
        foreach (ulong address in _addresses)
        {
            if (!_smmu.TryTranslate(address, AccessKind.Read, signals, out ulong physical, out _))
            {
                throw new InvalidOperationException("A translation fault.");
            }

            sum += physical;
        }

        return sum;
    }

    /// <summary>Translates page after page; which is next is known only when the last is done.</summary>
    private ulong TranslateChain()
    {
        ulong physical = 0;
        var signals = new Transaction();
        for (int n = 0; n < Accesses; n++)
        {
            ulong address = Next(physical);
            if (!_smmu.TryTranslate(address, AccessKind.Read, signals, out physical, out _))
            {
                throw new InvalidOperationException("A translation fault.");
            }
        }

        return physical;
    }

    private ulong Next(ulong physical) => _addresses[(int)(physical >> 12) & (Accesses - 1)];

    private ulong WalkBare()
    {
        ulong sum = 0;
        for (int n = 0; n < Accesses; n++)
        {
            ulong address = Next(sum);
            ulong table = RamStart;
            table = Word(table + ((address >> 39) & 0x1FF) * 8) & ~0xFFFUL;
            table = Word(table + ((address >> 30) & 0x1FF) * 8) & ~0xFFFUL;
            table = Word(table + ((address >> 21) & 0x1FF) * 8) & ~0xFFFUL;
            sum = (Word(table + ((address >> 12) & 0x1FF) * 8) & 0xFFFF_FFFF_F000) | (address & 0xFFF);
        }

        return sum;
    }
}
