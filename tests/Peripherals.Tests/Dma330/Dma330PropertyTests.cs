using Emulator.Machine;
using FsCheck;
using FsCheck.Fluent;

namespace Emulator.Peripherals.Tests;

/// <summary>Random programs: against a naive interpreter, in batches against step by step, and hostile ones.</summary>
public sealed class Dma330PropertyTests
{
    private const uint Window = 0x1_0000;
    private const uint Device = 0xF000_0000;

    [Fact]
    public void Memory_to_memory_programs_leave_what_a_naive_interpreter_leaves() =>
        Prop.ForAll<int>(seed =>
            {
                var random = new Random(seed);
                byte[] program = LegalProgram(random);
                var bench = new Dma330Bench();
                var memory = new byte[2 * Window];
                random.NextBytes(memory.AsSpan((int)Window / 2));
                program.CopyTo(memory, 0x1000);
                bench.Write(0, memory);
                bench.Go();
                bench.Settle();
                var naive = new NaiveDma330(memory);
                naive.Run(0x1000);
                bench["CSR0"].Should().Be(0, "fault {0:x}", bench["FTR0"]);
                (bench["SAR0"], bench["DAR0"], bench["CCR0"]).Should().Be((naive.Sar, naive.Dar, naive.Ccr));
                (bench["LC0_0"], bench["LC1_0"]).Should().Be((naive.Counters[0], naive.Counters[1]));
                return bench.Read(0, memory.Length).AsSpan().SequenceEqual(memory);
            })
            .QuickCheckThrowOnFailure();

    [Fact]
    public void Batches_leave_what_single_instructions_leave_at_the_same_times() =>
        Prop.ForAll<int>(seed =>
            {
                Machine batches = Machine.Make(seed);
                Machine traced = Machine.Make(seed);
                traced.Bench.Simulation.Trace.Add(new HashTraceSink());
                Machine stepped = Machine.Make(seed);
                var looks = new Random(seed);
                for (int look = 0; look < 12; look++)
                {
                    long time = batches.Bench.Simulation.Now + looks.NextInt64(3 * VirtualTime.Microsecond);
                    int kill = looks.Next(16);
                    foreach (Machine machine in (Machine[])[batches, traced, stepped])
                    {
                        machine.RunTo(time, steps: machine == stepped);
                        if (kill < 3)
                        {
                            machine.Bench.Kill(kill);
                        }
                        else if (kill < 6)
                        {
                            machine.Bench.Go(kill - 3, 0x1000U + (uint)(kill - 3) * 0x200);
                        }
                    }

                    batches.MustEqual(traced);
                    batches.MustEqual(stepped);
                }
            })
            .QuickCheckThrowOnFailure();

    [Fact]
    public void Hostile_microcode_neither_crashes_nor_hangs() =>
        Prop.ForAll<int>(seed =>
            {
                var random = new Random(seed);
                var bench = new Dma330Bench(
                    ("mfifo-lines", (uint)random.Next(1, 32)),
                    ("boot-from-pc", (uint)random.Next(2)),
                    ("boot-address", 0x1800)
                );
                var code = new byte[0x1000];
                random.NextBytes(code);
                byte[] defined = [.. Dma330InstructionSet.Encodings.Select(row => row.Value)];
                for (int place = 0; place < code.Length; place++)
                {
                    code[place] = random.Next(3) == 0 ? code[place] : defined[random.Next(defined.Length)];
                }

                bench.Write(0x1000, code);
                for (int round = 0; round < 30; round++)
                {
                    int channel = random.Next(8);
                    bench.Kill(channel);
                    uint address =
                        random.Next(10) == 0 ? (uint)random.NextInt64(1L << 32) : 0x1000 + (uint)random.Next(0x1000);
                    bench.Go(channel, address, random.Next(2) == 0);
                    bench.Debug((uint)random.NextInt64(1L << 32), (uint)random.NextInt64(1L << 32));
                    bench["INTEN"] = (uint)random.Next();
                    bench.Dma.Request(random.Next(4), (Dma330RequestKind)random.Next(2), random.Next(2) == 0);
                    bench.Simulation.RunFor(random.NextInt64(2 * VirtualTime.Microsecond));
                    for (int n = 0; n < 8; n++)
                    {
                        (bench[$"CSR{n}"] & 15).Should().BeOneOf(0U, 1, 2, 4, 5, 7, 8, 9, 14, 15);
                    }

                    (bench["DSR"] & 15).Should().BeOneOf(0U, 1, 2, 4, 15);
                    bench.Abort.Should().Be(bench["FSRC"] != 0 || bench["FSRD"] != 0);
                    bench.Dma.Explain().Should().OnlyContain(sentence => sentence.Length > 0);
                    bench.Dma.Channels.Select(view => view.ToString()).Should().OnlyContain(text => text.Length > 0);
                }

                for (int n = 0; n < 8; n++)
                {
                    bench.Kill(n);
                }

                bench.KillManager();
                bench.Simulation.RunFor(100 * VirtualTime.Microsecond);
                for (int n = 0; n < 8; n++)
                {
                    bench[$"CSR{n}"].Should().Match(status => (status & 15) == 0);
                    bench.Dma.Channels[n].MfifoBytes.Should().Be(0);
                }
            })
            .QuickCheckThrowOnFailure();

    [Fact]
    public void A_program_that_overwrites_itself_runs_what_it_wrote()
    {
        var bench = new Dma330Bench();
        bench.Write(0x2000, Dma330Bench.Bytes("54 05 00 00"));
        bench.Run("BC 01 05 40 01 00 BC 00 00 20 00 00 BC 02 14 10 00 00 04 08 FF FF FF FF");
        (bench["CSR0"], bench["SAR0"]).Should().Be((0, 0x2009));
    }

    /// <summary>Loads and stores in any legal mix, drained at the end.</summary>
    private static byte[] LegalProgram(Random random)
    {
        var code = new List<byte>();
        int filled = 0;
        uint sar = 0;
        uint dar = 0;
        uint ccr = 0;
        void Move(byte register, uint value) => code.AddRange([0xBC, register, .. BitConverter.GetBytes(value)]);
        int BytesOf(uint address, uint settings, bool one)
        {
            int size = 1 << (int)((settings >> 1) & 7);
            int beats = one ? 1 : (int)((settings >> 4) & 15) + 1;
            int offset = (int)address & (size - 1);
            return (settings & 1) != 0 ? size * beats - offset : (size - offset) * beats;
        }

        for (int part = random.Next(1, 12); part > 0; part--)
        {
            ccr =
                (uint)random.Next(2)
                | ((uint)random.Next(5) << 1)
                | ((uint)random.Next(16) << 4)
                | ((uint)random.Next(2) << 14)
                | ((uint)random.Next(5) << 15)
                | ((uint)random.Next(16) << 18);
            sar = Window / 2 + (uint)random.Next((int)Window / 4);
            dar = Window + (uint)random.Next((int)Window / 2);
            Move(1, ccr);
            Move(0, sar);
            Move(2, dar);
            if (random.Next(3) == 0)
            {
                // The same beats on both sides, aligned: whole loops of them.
                ccr = (ccr & 0xFE) | 1;
                Move(1, ccr | (ccr << 14));
                Move(0, sar & ~15U);
                Move(2, dar & ~15U);
                code.AddRange([0x22, (byte)random.Next(3), 0x20, (byte)random.Next(20), 0x04, 0x12, 0x08, 0x13]);
                code.AddRange([0x38, 4, 0x0C, 0x54, (byte)(random.Next(4) * 16), 0, 0x3C, 10]);
                ccr |= ccr << 14;
                Move(0, sar);
                Move(2, dar);
            }

            for (int count = random.Next(1, 12); count > 0; count--)
            {
                bool one = random.Next(4) == 0;
                int load = BytesOf(sar, ccr & 0x3FF, one);
                int store = BytesOf(dar, ccr >> 14, one);
                if (random.Next(2) == 0 && filled + load < 8192)
                {
                    code.Add(one ? (byte)0x05 : (byte)0x04);
                    filled += load;
                    sar += (ccr & 1) != 0 ? (uint)load : 0;
                }
                else if (filled >= store)
                {
                    code.Add(one ? (byte)0x09 : (byte)0x08);
                    filled -= store;
                    dar += (ccr & 0x4000) != 0 ? (uint)store : 0;
                }
                else
                {
                    code.AddRange([0x5C, 0xF0, 0xFF, 0x18]);
                    sar -= 16;
                }
            }
        }

        code.Add(0);
        return [.. code];
    }

    private sealed class Nobody : IEventTarget
    {
        public string Name => "the end of a step-by-step run";

        public void OnEvent(int code, ulong argument) { }
    }

    /// <summary>A controller with three channels' random programs, some of which reach something that is no memory.</summary>
    private sealed record Machine(Dma330Bench Bench, Ram Behind, StallingMemory Stalling, List<string> Lines)
    {
        public static Machine Make(int seed)
        {
            var random = new Random(seed);
            var behind = new Ram("behind", 0x1000);
            var stalling = new StallingMemory(behind) { Stalls = false };
            var bench = new Dma330Bench(
                context => context.Bus.Map("device", Device, 0x1000, stalling),
                ("mfifo-lines", random.Next(3) == 0 ? 16U : 64),
                ("read-capability", (uint)random.Next(1, 9)),
                ("write-capability", (uint)random.Next(1, 9))
            );
            var lines = new List<string>();
            foreach ((string name, InterruptLine line) in bench.Context.Lines)
            {
                line.Connect(new InterruptInput(name, level => lines.Add($"{bench.Simulation.Now} {name} {level}")));
            }

            bench["INTEN"] = 0x5;
            for (uint channel = 0; channel < 3; channel++)
            {
                bench.Write(0x1000 + channel * 0x200, RandomProgram(random));
                bench.Go((int)channel, 0x1000 + channel * 0x200);
            }

            return new Machine(bench, behind, stalling, lines);
        }

        /// <summary>Runs to a time, by single steps if wanted: events then only do what must be done at its exact time.</summary>
        public void RunTo(long time, bool steps)
        {
            Simulation simulation = Bench.Simulation;
            if (steps)
            {
                EventHandle end = simulation.Schedule(time, new Nobody());
                while (simulation.Events.NextTime < time)
                {
                    while (Bench.Dma.Step()) { }
                    simulation.RunOne(time - 1);
                }

                simulation.Cancel(end);
            }

            simulation.RunUntil(time);
        }

        public void MustEqual(Machine other)
        {
            int same = other.Bench.Dma.StateBytes.CommonPrefixLength(Bench.Dma.StateBytes);
            same.Should().Be(Bench.Dma.StateBytes.Length, "the state is the same");
            other.Lines.Should().Equal(Lines);
            other
                .Stalling.Seen.Select(seen => (seen.Address, seen.Length, seen.Write, seen.Signals.RequesterId))
                .Should()
                .Equal(Stalling.Seen.Select(seen => (seen.Address, seen.Length, seen.Write, seen.Signals.RequesterId)));
            other.Bench.Read(0, (int)(2 * Window)).Should().Equal(Bench.Read(0, (int)(2 * Window)));
        }

        private static byte[] RandomProgram(Random random)
        {
            var code = new List<byte>();
            for (int part = 0; part < 4; part++)
            {
                uint size = (uint)random.Next(5);
                uint beats = (uint)random.Next(16);
                uint half = 1U | (size << 1) | (beats << 4);
                uint source = random.Next(8) == 0 ? Device : Window;
                uint target = random.Next(8) == 0 ? Device : Window + 0x8000;
                code.AddRange([0xBC, 1, .. BitConverter.GetBytes(half | (half << 14))]);
                code.AddRange([0xBC, 0, .. BitConverter.GetBytes(source + (uint)random.Next(16) * 16)]);
                code.AddRange([0xBC, 2, .. BitConverter.GetBytes(target + (uint)random.Next(16) * 16)]);
                code.AddRange([0x20, (byte)random.Next(6)]);
                byte[][] bodies =
                [
                    [0x04, 0x08],
                    [0x04, 0x12, 0x08, 0x13],
                    [0x04, 0x04, 0x08, 0x18, 0x08],
                    [0x0C, 0x18],
                    [0x34, 0x18, 0x04, 0x08],
                ];
                byte[] body = bodies[random.Next(bodies.Length)];
                code.AddRange(body);
                code.AddRange([0x38, (byte)body.Length]);
                byte[][] ends =
                [
                    [0x34, 0x00],
                    [0x34, 0x08],
                    [0x36, 0x08],
                    [0x34, 0x10],
                    [0x18],
                    [0xFF],
                    [0x13],
                    [0x04],
                ];
                code.AddRange(ends[random.Next(ends.Length)]);
            }

            code.AddRange(random.Next(3) == 0 ? [0x18, 0x2C, 1, 0] : [0x00]);
            return [.. code];
        }
    }

    [Fact]
    public void Step_executes_one_instruction_at_a_time()
    {
        var bench = new Dma330Bench();
        bench.Write(0x1000, Dma330Bench.Bytes("18 54 05 00 18 2C 01 00"));
        bench.Dma.Step().Should().BeFalse();
        bench.Go();
        bench.Simulation.RunOne();
        (bench.Dma.Step(), bench["CPC0"]).Should().Be((true, 0x1001));
        (bench.Dma.Step(), bench["CPC0"], bench["SAR0"]).Should().Be((true, 0x1004, 5));
        bench.Dma.Channels[0].ToString().Should().Be("Channel 0: Executing @0x1004 DMANOP");
        bench.Dma.Manager.ToString().Should().Be("Manager: Stopped");
    }

    [Fact]
    public void What_is_upcoming_shows_thread_instruction_bursts_and_data()
    {
        var bench = new Dma330Bench { Dma = { StepsEachInstruction = true } };
        bench.Dma.Upcoming.ToString().Should().Be("nothing to do");
        bench.Write(0x1000, Dma330Bench.Bytes("BC 01 05 40 01 00 BC 00 00 20 00 00 04 08 00"));
        bench.Go();
        bench.Simulation.RunOne();
        byte[] before = bench.Dma.StateBytes.ToArray();
        Dma330Upcoming upcoming = bench.Dma.Upcoming;
        upcoming.Thread.Should().BeSameAs(bench.Dma.Channels[0]);
        (upcoming.ProgramCounter, upcoming.Instruction?.ToString())
            .Should()
            .Be((0x1000U, "DMAMOV CCR, SB1 SS32 SAI SP0 DB1 DS32 DAI DP0"));
        for (int n = 0; n < 3; n++)
        {
            before.Should().Equal(bench.Dma.StateBytes.ToArray(), "looking changes nothing");
            bench.Dma.Step().Should().BeTrue();
            before = bench.Dma.StateBytes.ToArray();
        }

        bench
            .Dma.Upcoming.ToString()
            .Should()
            .Be(
                "Channel 0: Executing @0x100d DMAST; outstanding: 1 R, 0 W; MFIFO 4 of "
                    + $"{bench.Dma.Configuration.MfifoBytes} bytes"
            );
        bench.Dma.Upcoming.MfifoData.Should().Equal(3, 10, 17, 24);
    }

    [Fact]
    public void The_trace_tells_of_instructions_bursts_states_and_events()
    {
        var bench = new Dma330Bench { ["INTEN"] = 1 };
        var tail = new TailTraceSink(200);
        bench.Simulation.Trace.Add(tail);
        bench.Run("BC 01 35 40 0D 00 BC 00 00 20 00 00 BC 02 00 30 00 00 04 08 13 34 00 00");
        string[] messages = [.. tail.Events.Select(traced => $"{traced.Kind.Name}: {traced.Message}")];
        messages
            .Should()
            .ContainInOrder(
                "dma.instruction: manager 0x0 debug DMAGO C0, 0x00001000",
                "dma.state: ch0 Stopped -> Executing at 0x1000",
                "dma.read: ch0 0x1012 DMALD  <- 0x2000 16 B (burst 4x4) INCR prot 0b000 cache 0b0000 030A11181F262D343B424950575E656C",
                "dma.instruction: ch0 0x1012 DMALD",
                "dma.write: ch0 0x1013 DMAST  -> 0x3000 16 B (burst 4x4) INCR prot 0b000 cache 0b0000 030A11181F262D343B424950575E656C",
                "dma.instruction: ch0 0x1013 DMAST",
                "dma.state: ch0 Executing -> AtBarrier at 0x1014",
                "dma.event: ch0 signals event 0: interrupt",
                "dma.instruction: ch0 0x1017 DMAEND"
            );
        tail.Events.Select(traced => traced.Time).Should().BeInAscendingOrder();
    }
}
