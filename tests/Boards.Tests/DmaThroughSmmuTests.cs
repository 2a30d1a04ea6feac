using System.Globalization;
using Emulator.Iommu;
using Emulator.Machine;
using Emulator.Peripherals;

namespace Emulator.Boards.Tests;

/// <summary>
/// A DMA-330 behind an SMMU-400 with small TLBs: copies in bulk against copies instruction by instruction against traced
/// ones, while a driver unmaps, remaps, protects and invalidates in between. <c>DMA330_PROGRAMS</c> sets how many.
/// </summary>
public sealed class DmaThroughSmmuTests
{
    private const ulong Ram = 0x8000_0000;
    private const ulong Tables = 0x8000_0000;
    private const ulong Code = 0x8001_0000;
    private const ulong Data = 0x8010_0000;
    private const ulong CodeIova = 0x3000_0000;
    private const ulong SourceIova = 0x1000_0000;
    private const ulong TargetIova = 0x2000_0000;
    private const ulong Pages = 24;

    [Fact]
    public void Translated_copies_leave_the_same_state_in_bulk_and_step_by_step()
    {
        int count = int.TryParse(
            Environment.GetEnvironmentVariable("DMA330_PROGRAMS"),
            CultureInfo.InvariantCulture,
            out int wanted
        )
            ? wanted
            : 150;
        for (int seed = 0; seed < count; seed++)
        {
            World bulk = new(seed);
            World stepped = new(seed);
            World traced = new(seed);
            stepped.Dma.StepsEachInstruction = true;
            traced.Board.Simulation.Trace.Add(new HashTraceSink());
            World[] worlds = [bulk, stepped, traced];
            var looks = new Random(seed);
            for (int look = 0; look < 8; look++)
            {
                long time = bulk.Board.Simulation.Now + looks.NextInt64(60 * VirtualTime.Microsecond);
                int what = looks.Next(10);
                ulong page = (ulong)looks.Next((int)Pages);
                ulong other = (ulong)looks.Next((int)Pages);
                foreach (World world in worlds)
                {
                    world.Board.Simulation.RunUntil(time);
                    world.Interfere(what, page, other);
                }

                string why = string.Create(CultureInfo.InvariantCulture, $"seed {seed}, look {look}");
                stepped.MustEqual(bulk, why);
                traced.MustEqual(bulk, why);
            }
        }
    }

    /// <summary>A small board, made twice alike from one seed.</summary>
    private sealed class World
    {
        private ulong _nextTable = Tables + 0x1000;

        public World(int seed)
        {
            var random = new Random(seed);
            int entries = random.Next(4) == 0 ? random.Next(1, 6) : random.Next(6, 30);
            Board = Emulation.Assemble(
                $$"""
                memory@80000000 { device_type = "memory"; reg = <0x80000000 0x1000000>; };
                dma: dma@2c0a0000 {
                    compatible = "arm,pl330";
                    reg = <0x2c0a0000 0x1000>;
                    #stream-id-cells = <2>;
                    emulator,stream-id-shift = <3>;
                };
                smmu: smmu@2c0b0000 {
                    compatible = "arm,smmu-v2";
                    reg = <0x2c0b0000 0x10000>;
                    #global-interrupts = <0>;
                    mmu-masters = <&dma 0x0 0x8>;
                    emulator,model = "arm,mmu-400";
                    emulator,context-interrupts = <1>;
                    emulator,tlb-entries = <{{entries}}>;
                };
                """
            );
            Dma = (Dma330)Board.Find("dma")!.Device!;
            Smmu = (Smmu)Board.Find("smmu")!.Device!;
            var data = new byte[2 * Pages * 0x1000];
            random.NextBytes(data);
            Board.Cpu.Store(Data, data);
            Map(CodeIova, Code);
            for (ulong n = 0; n < Pages; n++)
            {
                Map(SourceIova + n * 0x1000, Data + n * 7 % Pages * 0x1000);
                Map(TargetIova + n * 0x1000, Data + (Pages + n * 5 % Pages) * 0x1000);
            }

            Set("smmu", "SMR0", 0x8008_0000);
            Set("smmu", "S2CR0", 0);
            Set("smmu", "CBAR0", 1);
            Set("smmu", "CB0_TTBR0", Tables);
            Set("smmu", "CB0_TCR", 0x8000_3540);
            Set("smmu", "CB0_SCTLR", random.Next(2) == 0 ? 0x67UL : 0xE7);
            Set("smmu", "sCR0", 0x406);
            int channels = random.Next(1, 3);
            for (int channel = 0; channel < channels; channel++)
            {
                Board.Cpu.Store(Code + (ulong)channel * 0x100, ProgramOf(random));
                Go(channel);
            }
        }

        public Board Board { get; }

        public Dma330 Dma { get; }

        public Smmu Smmu { get; }

        /// <summary>What a driver does: unmap, remap, protect, with or without invalidating; retry; start again.</summary>
        public void Interfere(int what, ulong page, ulong other)
        {
            ulong iova = (other % 2 == 0 ? SourceIova : TargetIova) + page * 0x1000;
            switch (what)
            {
                case 0:
                    Store(iova, 0);
                    break;
                case 1:
                    Store(iova, 0);
                    Set("smmu", "TLBIALLNSNH", 0);
                    break;
                case 2:
                    Map(iova, Data + (Pages + other) * 0x1000);
                    Set("smmu", "TLBIVMID", 1);
                    break;
                case 3:
                    Store(iova, (Data + other * 0x1000) | 0x77F);
                    Set("smmu", "TLBIALLNSNH", 0);
                    break;
                case 4:
                    Map(iova, Data + (Pages + other) * 0x1000);
                    Set("smmu", "CB0_FSR", 0xFFFF_FFFF);
                    Set("smmu", "CB0_RESUME", other & 1);
                    break;
                case 5:
                    Go((int)(page & 1));
                    break;
                case 6:
                    Set("dma", "DBGINST0", 0x0001_0001 | ((page & 1) << 8));
                    Set("dma", "DBGCMD", 0);
                    break;
            }
        }

        public void MustEqual(World world, string why)
        {
            int same = Dma.StateBytes.CommonPrefixLength(world.Dma.StateBytes);
            same.Should().Be(Dma.StateBytes.Length, "{0}: the DMA-330", why);
            Smmu.StateBytes.SequenceEqual(world.Smmu.StateBytes).Should().BeTrue("{0}: the SMMU with its TLB", why);
            Board.Simulation.Actions.Should().Be(world.Board.Simulation.Actions, why);
            Memory().AsSpan().SequenceEqual(world.Memory()).Should().BeTrue("{0}: memory", why);
        }

        private byte[] Memory()
        {
            var bytes = new byte[2 * Pages * 0x1000];
            Board.Cpu.Load(Data, bytes);
            return bytes;
        }

        private void Go(int channel)
        {
            Set("dma", "DBGINST0", 0x00A2_0000U | ((uint)channel << 24));
            Set("dma", "DBGINST1", CodeIova + (ulong)channel * 0x100);
            Set("dma", "DBGCMD", 0);
        }

        private void Map(ulong iova, ulong memory) => Store(iova, memory | 0x7FF);

        private void Store(ulong iova, ulong descriptor)
        {
            ulong first = Table(Tables + (iova >> 30) * 8);
            ulong second = Table(first + ((iova >> 21) & 0x1FF) * 8);
            Board.Cpu.Store(second + ((iova >> 12) & 0x1FF) * 8, 8, descriptor);
        }

        private ulong Table(ulong entry)
        {
            Board.Cpu.Load(entry, 8, out ulong descriptor);
            if (descriptor == 0)
            {
                descriptor = _nextTable | 3;
                _nextTable += 0x1000;
                Board.Cpu.Store(entry, 8, descriptor);
            }

            return descriptor & ~0xFFFUL;
        }

        private void Set(string device, string register, ulong value)
        {
            BoardRegister found = Board.Find(device)!.FindRegister(register)!.Value;
            Board.Cpu.Store(found.Address, found.Register.WidthBits / 8, value);
        }

        private static byte[] ProgramOf(Random random)
        {
            var code = new List<byte>();
            void Move(byte register, uint value) => code.AddRange([0xBC, register, .. BitConverter.GetBytes(value)]);
            uint size = (uint)random.Next(5);
            uint half = 1 | (size << 1) | ((uint)random.Next(16) << 4) | 0x200;
            Move(1, half | (half << 14) | (random.Next(8) == 0 ? (uint)random.Next(4) << 28 : 0));
            uint offset = random.Next(3) == 0 ? (uint)random.Next(256) : 0;
            Move(0, (uint)SourceIova + (uint)random.Next(0x400) * 16 + offset);
            Move(2, (uint)TargetIova + (uint)random.Next(0x400) * 16 + (random.Next(2) == 0 ? offset : 0));
            byte[][] bodies =
            [
                [0x04, 0x08],
                [0x04, 0x08],
                [0x04, 0x12, 0x08, 0x13],
                [0x04, 0x04, 0x08, 0x08],
                [0x04, 0x08, 0x04, 0x08],
                [0x18, 0x04, 0x08],
                [0x0C],
            ];
            byte[] body = bodies[random.Next(bodies.Length)];
            code.AddRange([0x22, (byte)random.Next(6), 0x20, (byte)random.Next(256)]);
            code.AddRange([.. body, 0x38, (byte)body.Length, 0x3C, (byte)(body.Length + 4), 0x13, 0x00]);
            return [.. code];
        }
    }
}
