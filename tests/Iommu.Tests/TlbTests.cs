using Emulator.Machine;
using FsCheck;
using FsCheck.Fluent;

namespace Emulator.Iommu.Tests;

/// <summary>The TLB as software can see it: by what it keeps when tables change (fact sheet 8, T1 to T4 and T7).</summary>
public sealed class TlbTests
{
    private static SmmuBench Warm(Action<StandaloneContext>? configure = null)
    {
        SmmuBench bench = new SmmuBench(configure).Route(bank: 2);
        bench.MapPage(0x1_0000, 0x9001_07FF);
        bench.ReadShouldReach(0x1_0ABC, 0x9001_0ABC);
        bench.ReadShouldReach(0x1_0ABC, 0x9001_0ABC);
        return bench;
    }

    [Fact]
    public void An_emptied_leaf_is_used_until_it_is_invalidated() // T1, T2
    {
        SmmuBench bench = Warm();
        bench.Poke(0x8001_3080, 0);
        bench.ReadShouldReach(0x1_0ABC, 0x9001_0ABC);
        bench["TLBIVMID"] = 3;
        bench["sTLBGSYNC"] = 0;
        bench["sTLBGSTATUS"].Should().Be(0);
        bench.Read(0x1_0ABC, out _).Should().Be(BusStatus.SlaveError);
        bench.ShouldHaveFaulted(2, 0x2, 0x1_0ABC, 0x03);
    }

    [Fact]
    public void Invalidating_another_VMID_changes_nothing() // T3
    {
        SmmuBench bench = Warm();
        bench.Poke(0x8001_3080, 0);
        bench["TLBIVMID"] = 4;
        bench.ReadShouldReach(0x1_0ABC, 0x9001_0ABC);
    }

    [Fact]
    public void A_leaf_changed_without_invalidation_leads_to_the_old_page() // T4
    {
        SmmuBench bench = Warm();
        bench.Poke(0x8001_3080, 0x9005_07FF);
        bench.WriteShouldReach(0x1_0ABC, 0x9001_0ABC);
        bench["TLBIALLNSNH"] = 0;
        bench.WriteShouldReach(0x1_0ABC, 0x9005_0ABC);
    }

    [Fact]
    public void A_stream_match_change_counts_at_once() // T7
    {
        SmmuBench bench = Warm();
        bench["SMR0"] = 0;
        bench.Read(0x1_0ABC, out _).Should().Be(BusStatus.SlaveError);
        bench["sGFSR"].Should().Be(0x2);
    }

    [Theory]
    [InlineData("TLBIALLH")]
    [InlineData("STLBIALL")]
    [InlineData("TLBIVAH")]
    [InlineData("CB2_TLBSYNC")]
    public void Invalidations_of_other_classes_leave_stage_2_entries_alone(string register)
    {
        SmmuBench bench = Warm();
        bench.Poke(0x8001_3080, 0);
        bench[register] = 0;
        bench.ReadShouldReach(0x1_0ABC, 0x9001_0ABC);
    }

    [Fact]
    public void Banks_with_one_VMID_share_entries_and_others_do_not()
    {
        SmmuBench bench = Warm();
        bench.Route(stream: 1, bank: 3, vmid: 3, group: 1, ttbr: 0x8008_0000);
        bench.Route(stream: 2, bank: 4, vmid: 5, group: 2, ttbr: 0x8008_0000);
        bench.ReadShouldReach(0x1_0ABC, 0x9001_0ABC, stream: 1);
        bench.Read(0x1_0ABC, out _, stream: 2).Should().Be(BusStatus.SlaveError);
    }

    [Fact]
    public void A_read_only_entry_refuses_writes_though_the_table_now_permits_them()
    {
        SmmuBench bench = new SmmuBench().Route();
        bench.MapPage(0x1000, 0x9000_077F);
        bench.Read(0x1000, out _).Should().Be(BusStatus.Okay);
        bench.MapPage(0x1000, 0x9000_07FF);
        bench.Write(0x1010, 1).Should().Be(BusStatus.SlaveError);
        bench.ShouldHaveFaulted(0, 0x8, 0x1010, 0x13);
        bench["TLBIVMID"] = 1;
        bench.WriteShouldReach(0x1010, 0x9000_0010);
    }

    [Theory]
    [InlineData(0x9000_0000UL)]
    [InlineData(0x9000_03FFUL)]
    [InlineData(0x9000_07FDUL)]
    public void A_faulting_leaf_is_never_kept(ulong leaf)
    {
        SmmuBench bench = new SmmuBench().Route();
        bench.MapPage(0x1000, leaf);
        bench.Read(0x1000, out _).Should().Be(BusStatus.SlaveError);
        bench["CB0_FSR"] = 0x1FE;
        bench.MapPage(0x1000, 0x9000_07FF);
        bench.ReadShouldReach(0x1000, 0x9000_0000);
    }

    [Fact]
    public void A_block_is_one_entry_whatever_its_size()
    {
        SmmuBench bench = new SmmuBench(context => context.With("emulator,tlb-entries", 2)).Route();
        bench.Poke(0x8001_0000, 0x8001_1003);
        bench.Poke(0x8001_0008, 0x0000_0000_C000_07FD);
        bench.Poke(0x8001_1008, 0x0000_0008_8020_07FD);
        bench.Read(0x4000_0000, out _);
        bench.Read(0x0020_0000, out _);
        bench.Poke(0x8001_0008, 0);
        bench.Poke(0x8001_1008, 0);
        bench.ReadShouldReach(0x7FFF_FFFF, 0xFFFF_FFFF);
        bench.ReadShouldReach(0x003F_FFFF, 0x8_803F_FFFF);
    }

    [Fact]
    public void A_full_TLB_replaces_entries_in_turn()
    {
        SmmuBench bench = new SmmuBench(context => context.With("emulator,tlb-entries", 2)).Route();
        for (ulong page = 1; page <= 3; page++)
        {
            bench.MapPage(page << 12, 0x9000_07FF + (page << 12));
            bench.Read(page << 12, out _);
        }

        for (ulong page = 1; page <= 3; page++)
        {
            bench.MapPage(page << 12, 0);
        }

        bench.Read(0x2000, out _).Should().Be(BusStatus.Okay);
        bench.Read(0x3000, out _).Should().Be(BusStatus.Okay);
        bench.Read(0x1000, out _).Should().Be(BusStatus.SlaveError, "it was the oldest of three");
    }

    [Fact]
    public void Without_a_TLB_every_change_of_the_tables_counts_at_once()
    {
        SmmuBench bench = Warm(context => context.With("emulator,tlb-entries", 0));
        bench.Poke(0x8001_3080, 0x9005_07FF);
        bench.ReadShouldReach(0x1_0ABC, 0x9005_0ABC);
    }

    [Fact]
    public void A_restored_state_brings_the_TLB_back()
    {
        SmmuBench bench = Warm();
        SmmuState saved = bench.Smmu.Snapshot();
        bench.Poke(0x8001_3080, 0x9005_07FF);
        bench["TLBIALLNSNH"] = 0;
        bench.ReadShouldReach(0x1_0ABC, 0x9005_0ABC);
        System.Runtime.InteropServices.MemoryMarshal.Write(((IStateful)bench.Smmu).StateBytes, saved);
        bench.Context.Epoch.Bump();
        bench.ReadShouldReach(0x1_0ABC, 0x9001_0ABC);
    }

    [Fact]
    public void The_TLB_finds_what_a_plain_list_finds()
    {
        Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed => CompareWithList(new Random(seed)))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(200));
    }

    private static void CompareWithList(Random random)
    {
        SmmuTlb tlb = default;
        int capacity = random.Next(1, SmmuParameters.MostTlbEntries + 1);
        var list = new List<(ushort Vmid, int Level, ulong Page, ulong Output)>();
        for (int step = 0; step < 1500; step++)
        {
            var vmid = (ushort)random.Next(256);
            ulong address = (ulong)random.Next(64) << (random.Next(2) == 0 ? 12 : 21);
            int found = tlb.Find(new TlbTag(TlbStages.Stage2, vmid), address);
            ulong? expected = null;
            for (int level = 3; level >= 1 && expected is null; level--)
            {
                int at = list.FindIndex(entry =>
                    entry.Vmid == vmid && entry.Level == level && entry.Page == address >> ShiftOf(level)
                );
                expected = at < 0 ? null : list[at].Output;
            }

            (found < 0 ? (ulong?)null : tlb.Entries[found].Output).Should().Be(expected);
            switch (random.Next(40))
            {
                case 0:
                    tlb.InvalidateVmid(vmid).Should().Be(list.RemoveAll(entry => entry.Vmid == vmid));
                    break;
                case 1 when random.Next(10) == 0:
                    tlb.InvalidateAll().Should().Be(list.Count);
                    list.Clear();
                    break;
                default:
                    if (found < 0)
                    {
                        Insert(ref tlb, capacity, list, vmid, address, random);
                    }

                    break;
            }

            tlb.Count.Should().Be(list.Count).And.BeLessThanOrEqualTo(capacity);
        }
    }

    private static void Insert(
        ref SmmuTlb tlb,
        int capacity,
        List<(ushort Vmid, int Level, ulong Page, ulong Output)> list,
        ushort vmid,
        ulong address,
        Random random
    )
    {
        int level = random.Next(1, 4);
        var entry = new SmmuTlbEntry
        {
            Vmid = vmid,
            Stages = (byte)TlbStages.Stage2,
            SizeBits = (byte)ShiftOf(level),
            Page = address >> ShiftOf(level),
            Output = (ulong)random.NextInt64(),
        };
        ulong evicted = tlb.Entries[(int)tlb.NextVictim].Output;
        if (tlb.Insert(capacity, in entry, out _))
        {
            list.RemoveAll(old => old.Output == evicted).Should().Be(1);
        }

        list.Add((vmid, level, entry.Page, entry.Output));
    }

    private static int ShiftOf(int level) => 12 + 9 * (3 - level);
}
