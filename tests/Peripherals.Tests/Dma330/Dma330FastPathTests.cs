using System.Globalization;
using Emulator.Machine;

namespace Emulator.Peripherals.Tests;

/// <summary>
/// The fast path against the plain one: the same random programs run in batches and bulk, instruction by instruction, and
/// traced (which is the plain path, an action an event). <c>DMA330_PROGRAMS</c> sets how many, <c>DMA330_SEED</c> the first.
/// </summary>
public sealed class Dma330FastPathTests
{
    private const uint Device = 0xF000_0000;

    [Fact]
    public void Bulk_short_and_plain_path_leave_the_same_state_at_the_same_times_for_the_same_count_of_actions()
    {
        int first = Setting("DMA330_SEED", 0);
        int count = Setting("DMA330_PROGRAMS", 1500);
        for (int seed = first; seed < first + count; seed++)
        {
            World bulk = new(seed);
            World stepped = new(seed);
            World traced = new(seed);
            stepped.Bench.Dma.StepsEachInstruction = true;
            traced.Bench.Simulation.Trace.Add(new HashTraceSink());
            var looks = new Random(seed);
            for (int look = 0; look < 6; look++)
            {
                long span = looks.Next(4) == 0 ? 200 : 8;
                long time = bulk.Bench.Simulation.Now + looks.NextInt64(span * VirtualTime.Microsecond);
                int what = looks.Next(12);
                uint place = 0x1000 + (uint)looks.Next(0x800);
                byte value = (byte)looks.Next(256);
                foreach (World world in (World[])[bulk, stepped, traced])
                {
                    world.Bench.Simulation.RunUntil(time);
                    world.Interfere(what, place, value);
                }

                string why = string.Create(CultureInfo.InvariantCulture, $"seed {seed}, look {look}");
                stepped.MustEqual(bulk, why);
                traced.MustEqual(bulk, why);
            }

            byte[] memory = bulk.Memory;
            memory.AsSpan().SequenceEqual(stepped.Memory).Should().BeTrue("seed {0}", seed);
            memory.AsSpan().SequenceEqual(traced.Memory).Should().BeTrue("seed {0}", seed);
        }
    }

    [Theory]
    [InlineData(0x11, "what is stored is loaded again 17 bytes later")]
    [InlineData(0x80, "each burst loads what the one before stored")]
    [InlineData(0x100, "two bursts lie between")]
    [InlineData(-0x80, "the target lies before the source")]
    [InlineData(0, "source and target are one")]
    public void An_overlapping_copy_moves_burst_by_burst(int gap, string why)
    {
        var bench = new Dma330Bench();
        var memory = new byte[0x2_0000];
        new Random(gap).NextBytes(memory.AsSpan(0x8000));
        byte[] code =
        [
            .. Dma330Bench.Bytes("BC 01 F7 C0 3D 00 BC 00 00 00 01 00 BC 02"),
            .. BitConverter.GetBytes(0x1_0000 + gap),
            .. Dma330Bench.Bytes("20 C7 04 08 38 02 00"),
        ];
        code.CopyTo(memory, 0x1000);
        bench.Write(0, memory);
        bench.Go();
        bench.Settle();
        var naive = new NaiveDma330(memory);
        naive.Run(0x1000);
        bench["CSR0"].Should().Be(0);
        bench.Read(0, memory.Length).AsSpan().SequenceEqual(memory).Should().BeTrue(why);
    }

    [Fact]
    public void A_copy_over_its_own_loop_stops_where_the_program_is_gone()
    {
        foreach (bool steps in (bool[])[false, true])
        {
            var bench = new Dma330Bench { Dma = { StepsEachInstruction = steps } };
            bench.Write(0x2000, new byte[0x1000]);
            bench.Run(
                "BC 01 01 40 00 00 BC 00 00 20 00 00 BC 02 00 0F 00 00 22 FF 20 FF 04 08 38 02 3C 06 00 FF FF FF"
            );
            bench["DAR0"]
                .Should()
                .Be(0x1017, "the DMALD was the last instruction overwritten, and DMAEND took its place");
            bench["CSR0"].Should().Be(0);
        }
    }

    [Fact]
    public void An_endless_loop_costs_its_time_and_its_actions_and_nothing_else()
    {
        var counts = new List<long>();
        foreach (bool steps in (bool[])[false, true])
        {
            var bench = new Dma330Bench { Dma = { StepsEachInstruction = steps } };
            bench.Write(0x1000, Dma330Bench.Bytes("18 18 2C 02 FF FF FF FF FF FF"));
            bench.Go();
            bench.Simulation.RunUntil(VirtualTime.Millisecond);
            counts.Add(bench.Simulation.Actions);
            counts.Add((long)bench["CPC0"]);
            bench.Kill(0);
            bench.Simulation.RunFor(VirtualTime.Microsecond);
            (bench["CSR0"] & 15).Should().Be(0);
        }

        counts[..2].Should().Equal(counts[2..]);
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out int value)
            ? value
            : otherwise;

    /// <summary>A controller with random programs, made twice alike from one seed.</summary>
    private sealed class World
    {
        private readonly List<string> _lines = [];
        private readonly StallingMemory _device = new(new Ram("behind", 0x1000)) { Stalls = false };

        public World(int seed)
        {
            var random = new Random(seed);
            Bench = new Dma330Bench(
                context => context.Bus.Map("device", Device, 0x1000, _device),
                (
                    "mfifo-lines",
                    random.Next(4) switch
                    {
                        0 => 16U,
                        1 => 8U,
                        _ => 64U,
                    }
                ),
                ("read-capability", random.Next(2) == 0 ? 8 : (uint)random.Next(1, 9)),
                ("write-capability", random.Next(2) == 0 ? 8 : (uint)random.Next(1, 9)),
                ("mfifo-by-lines", random.Next(4) == 0 ? 1U : 0)
            );
            foreach ((string name, InterruptLine line) in Bench.Context.Lines)
            {
                line.Connect(new InterruptInput(name, level => _lines.Add($"{Bench.Simulation.Now} {name} {level}")));
            }

            var data = new byte[0x2_0000];
            random.NextBytes(data);
            Bench.Write(0x1_0000, data);
            Bench["INTEN"] = 0x5;
            int channels = random.Next(3) == 0 ? random.Next(2, 9) : 1;
            for (int channel = 0; channel < channels; channel++)
            {
                uint address = 0x1000 + (uint)channel * 0x100;
                Bench.Write(address, ProgramOf(random, address));
                Bench.Go(channel, address);
            }
        }

        public Dma330Bench Bench { get; }

        public byte[] Memory => Bench.Read(0, 0x6_0000);

        /// <summary>What others do between the looks: kill, start, write code, take the device away.</summary>
        public void Interfere(int what, uint place, byte value)
        {
            switch (what)
            {
                case < 2:
                    Bench.Kill(value & 7);
                    break;
                case 2:
                    Bench.Go(value & 7, 0x1000 + (uint)(value & 7) * 0x100);
                    break;
                case < 5:
                    Bench.Write(place, [value]);
                    break;
                case 5:
                    Bench.Write(place, [0x04, 0x08, 0x38, 0x02]);
                    break;
                case 6:
                    Bench["INTCLR"] = value;
                    break;
            }
        }

        public void MustEqual(World other, string why)
        {
            Bench.Dma.StateBytes.SequenceEqual(other.Bench.Dma.StateBytes).Should().BeTrue(why);
            Bench.Simulation.Actions.Should().Be(other.Bench.Simulation.Actions, why);
            _lines.Should().Equal(other._lines, why);
            _device.Seen.Count.Should().Be(other._device.Seen.Count, why);
        }

        private static byte[] ProgramOf(Random random, uint address)
        {
            var code = new List<byte>();
            void Move(byte register, uint value) => code.AddRange([0xBC, register, .. BitConverter.GetBytes(value)]);
            for (int part = random.Next(1, 4); part > 0; part--)
            {
                Move(1, Control(random));
                uint source = 0x1_0000 + (uint)random.Next(0x800) * 16;
                Move(0, random.Next(12) == 0 ? Device : source + (random.Next(5) == 0 ? (uint)random.Next(64) : 0));
                uint target = random.Next(16) switch
                {
                    0 => Device,
                    1 => address - (uint)random.Next(0x400),
                    2 => source + (uint)random.Next(64) * 16,
                    3 => source - (uint)random.Next(64) * 16,
                    4 => 0x2_0000 + (uint)random.Next(0x1_0000),
                    _ => 0x2_0000 + (uint)random.Next(0x1000) * 16,
                };
                Move(2, target);
                AddLoops(random, code);
            }

            byte[][] ends =
            [
                [0x00],
                [0x34, 0x00, 0x00],
                [0x13, 0x34, 0x08, 0x00],
                [0x18, 0x2C, 1],
                [0x04, 0x00],
                [0xFF],
            ];
            code.AddRange(ends[random.Next(ends.Length)]);
            return [.. code.Take(0xF8), 0];
        }

        private static uint Control(Random random)
        {
            uint size = (uint)random.Next(5);
            uint beats = (uint)random.Next(16);
            uint half = (size << 1) | (beats << 4);
            uint other = random.Next(5) == 0 ? ((uint)random.Next(5) << 1) | ((uint)random.Next(16) << 4) : half;
            uint fixedOnes = random.Next(8) switch
            {
                0 => 1U,
                1 => 1U << 14,
                _ => 0,
            };
            uint swap = random.Next(6) == 0 ? (uint)random.Next(5) << 28 : 0;
            return ((half | 1 | (other << 14) | (1U << 14)) ^ fixedOnes) | swap;
        }

        private static void AddLoops(Random random, List<byte> code)
        {
            byte[][] bodies =
            [
                [0x04, 0x08],
                [0x04, 0x08],
                [0x04, 0x12, 0x08, 0x13],
                [0x04, 0x18, 0x08],
                [0x04, 0x04, 0x08, 0x08],
                [0x04, 0x08, 0x04, 0x08],
                [0x04, 0x04, 0x08, 0x18, 0x08, 0x13],
                [0x18, 0x04, 0x08],
                [0x0C],
                [0x0C, 0x13, 0x0C],
                [0x18],
                [0x12, 0x13],
                [0x18, 0x18, 0x18],
                [0x04, 0x08, 0x54, 0x10, 0x00],
                [0x34, 0x18, 0x04, 0x08],
                [0x05, 0x09],
                [0x04],
                [],
            ];
            byte[] body = bodies[random.Next(bodies.Length)];
            byte count = random.Next(3) == 0 ? (byte)random.Next(256) : (byte)random.Next(40);
            bool nested = random.Next(2) == 0;
            if (nested)
            {
                code.AddRange([0x22, (byte)random.Next(4)]);
            }

            code.AddRange([0x20, count, .. body, 0x38, (byte)body.Length]);
            if (nested)
            {
                code.AddRange([0x3C, (byte)(body.Length + 4)]);
            }
        }
    }
}
