using Emulator.Machine;

namespace Emulator.Boards.Tests;

/// <summary>
/// Random microcode behind a real SMMU: it may do what it likes to the pages it was given, and nothing to any other byte.
/// </summary>
public sealed class HostileMicrocodeTests
{
    private const ulong Memory = 0x8000_0000;
    private const int MemoryBytes = 0x20_0000;
    private const ulong Tables = 0x8001_0000;
    private const ulong Window = 0x8010_0000;
    private const int WindowBytes = 0x1_0000;
    private const ulong ReadOnlyPage = 0x8018_0000;

    /// <summary>Addresses that a hostile program would like to reach, I/O virtual and physical.</summary>
    private static readonly uint[] Targets =
    [
        0x0000_0000,
        0x0000_0FF8,
        0x0000_7F01,
        0x0000_FF80, // the end of the window
        0x0000_FFFF,
        0x0001_0000, // the read-only page
        0x0001_0FFC,
        0x0001_1000, // nothing
        0x8000_0000,
        (uint)Tables,
        (uint)Window - 8,
        (uint)Window + WindowBytes - 8,
        (uint)ReadOnlyPage,
        0x2C0B_0000, // the SMMU's registers
        0x2C0A_0D04,
        0xFFFF_FFF0,
    ];

    [Theory]
    [InlineData(0x0000_0067U)] // faults end the transaction
    [InlineData(0x0000_00E7U)] // faults stall it
    public void Random_programs_change_nothing_outside_their_window(uint sctlr)
    {
        int wrote = 0;
        for (int seed = 1; seed <= 40; seed++)
        {
            var random = new Random(seed);
            Board board = Emulation.Create("fvp-ve");
            var before = new byte[MemoryBytes];
            random.NextBytes(before);
            WriteTables(before);
            Write(board, Memory, before);
            SwitchOn(board, sctlr);
            Attack(board, random);

            var after = new byte[MemoryBytes];
            board.Bus.Read(Memory, after, default).Should().Be(BusStatus.Okay);
            int window = (int)(Window - Memory);
            after.AsSpan(0, window).SequenceEqual(before.AsSpan(0, window)).Should().BeTrue($"seed {seed}: below");
            after
                .AsSpan(window + WindowBytes)
                .SequenceEqual(before.AsSpan(window + WindowBytes))
                .Should()
                .BeTrue($"seed {seed}: above");
            Span<byte> beyondPrograms = after.AsSpan(window + 0x2000, WindowBytes - 0x2000);
            wrote += beyondPrograms.SequenceEqual(before.AsSpan(window + 0x2000, beyondPrograms.Length)) ? 0 : 1;
            Read(board, "smmu", "CB0_SCTLR").Should().Be(sctlr, "registers cannot be reached");
        }

        wrote.Should().BeGreaterThan(35, "most attacks do write, within the window");
    }

    private static void Attack(Board board, Random random)
    {
        for (int round = 0; round < 12; round++)
        {
            Write(board, Window + 0x1000, Program(random));
            for (int channel = 0; channel < 8; channel++)
            {
                uint start = random.Next(4) switch
                {
                    0 => Targets[random.Next(Targets.Length)],
                    1 => 0x1000 + (uint)random.Next(0x400),
                    _ => 0x1000,
                };
                Debug(board, (random.Next(2) == 0 ? 0x00A2_0000U : 0x00A0_0000) | ((uint)channel << 24), start);
            }

            board.Simulation.RunFor(20 * VirtualTime.Microsecond);
            for (int resumed = 0; resumed < 16; resumed++)
            {
                Write(board, "smmu", "CB0_RESUME", (uint)random.Next(2));
                Write(board, "smmu", "CB0_FSR", uint.MaxValue);
                board.Simulation.RunFor(VirtualTime.Microsecond);
            }

            for (uint channel = 0; channel < 8; channel++)
            {
                Debug(board, 0x0001_0001 | (channel << 8), 0);
            }

            Debug(board, 0x0001_0000, 0);
            for (int resumed = 0; resumed < 32; resumed++)
            {
                Write(board, "smmu", "CB0_RESUME", 1);
                Write(board, "smmu", "CB0_FSR", uint.MaxValue);
                board.Simulation.RunFor(VirtualTime.Microsecond);
            }

            for (int channel = 0; channel < 8; channel++)
            {
                (Read(board, "dma0", $"CSR{channel}") & 0xF).Should().Be(0, "a kill always ends");
            }
        }
    }

    /// <summary>Moves to tempting addresses, loads, stores and loops, with random bytes in between.</summary>
    private static byte[] Program(Random random)
    {
        var code = new List<byte>();
        while (code.Count < 0x800)
        {
            switch (random.Next(6))
            {
                case 0:
                    uint half = (uint)random.Next(2) | ((uint)random.Next(5) << 1) | ((uint)random.Next(16) << 4);
                    uint control = half | (half << 14) | 0x0080_0200;
                    code.AddRange([0xBC, 0x01, .. BitConverter.GetBytes(control)]);
                    break;
                case 1:
                    uint target =
                        random.Next(3) == 0
                            ? Targets[random.Next(Targets.Length)] + (uint)random.Next(4) * 4
                            : 0x2000 + (uint)random.Next(WindowBytes - 0x2000);
                    code.AddRange([
                        0xBC,
                        random.Next(2) == 0 ? (byte)0x00 : (byte)0x02,
                        .. BitConverter.GetBytes(target),
                    ]);
                    break;
                case 2:
                    code.AddRange([0x04, 0x08]);
                    break;
                case 3:
                    code.Add(0x0C);
                    break;
                case 4:
                    code.AddRange([0x20, (byte)random.Next(8), 0x04, 0x08, 0x38, 0x02]);
                    break;
                default:
                    code.Add(random.Next(20) == 0 ? (byte)random.Next(256) : (byte)0x18);
                    break;
            }
        }

        return [.. code];
    }

    /// <summary>Stage 2: the window read-write at 0, one page read-only after it, and nothing else.</summary>
    private static void WriteTables(Span<byte> memory)
    {
        Span<byte> tables = memory[(int)(Tables - Memory)..];
        tables[..0x3000].Clear();
        BitConverter.TryWriteBytes(tables, (Tables + 0x1000) | 3);
        BitConverter.TryWriteBytes(tables[0x1000..], (Tables + 0x2000) | 3);
        for (int page = 0; page < WindowBytes / 0x1000; page++)
        {
            BitConverter.TryWriteBytes(tables[(0x2000 + page * 8)..], (Window + (ulong)page * 0x1000) | 0x7FF);
        }

        BitConverter.TryWriteBytes(tables[(0x2000 + WindowBytes / 0x1000 * 8)..], ReadOnlyPage | 0x77F);
    }

    private static void SwitchOn(Board board, uint sctlr)
    {
        Write(board, "smmu", "SMR0", 0x8008_0000);
        Write(board, "smmu", "S2CR0", 0);
        Write(board, "smmu", "CBAR0", 1);
        Write(board, "smmu", "CB0_TTBR0", (uint)Tables);
        Write(board, "smmu", "CB0_TCR", 0x8000_3540);
        Write(board, "smmu", "CB0_SCTLR", sctlr);
        Write(board, "smmu", "TLBIALLNSNH", 0);
        Write(board, "smmu", "sCR0", 0x406);
    }

    private static void Debug(Board board, uint word0, uint word1)
    {
        Write(board, "dma0", "DBGINST0", word0);
        Write(board, "dma0", "DBGINST1", word1);
        Write(board, "dma0", "DBGCMD", 0);
        board.Simulation.RunFor(100 * VirtualTime.Nanosecond);
    }

    private static void Write(Board board, ulong address, ReadOnlySpan<byte> bytes) =>
        board.Bus.Write(address, bytes, default).Should().Be(BusStatus.Okay);

    private static void Write(Board board, string device, string register, uint value) =>
        board
            .Cpu.Store(board.Find(device)!.FindRegister(register)!.Value.Address, 4, value)
            .Should()
            .Be(BusStatus.Okay);

    private static uint Read(Board board, string device, string register)
    {
        ulong address = board.Find(device)!.FindRegister(register)!.Value.Address;
        board.Cpu.Load(address, 4, out ulong value).Should().Be(BusStatus.Okay);
        return (uint)value;
    }
}
