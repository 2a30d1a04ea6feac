using Emulator.Machine;
using Emulator.Peripherals;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.Boards.Tests;

/// <summary>What the SMMU is for, on the whole board: microcode at random, mappings at random, all of the arena compared.</summary>
public sealed class IsolationTests
{
    private const ulong Tables = 0x8001_0000;
    private const ulong Arena = 0x8100_0000;
    private const int Pages = 32;
    private const int PageBytes = 4096;
    private const ulong Code = 0x8200_0000;
    private const byte Secret = 0xEE;

    private static readonly ServiceProvider Services = new ServiceCollection().AddEmulator().BuildServiceProvider();

    private enum PageAccess
    {
        Unmapped,
        ReadOnly,
        ReadWrite,
        WriteOnly,
    }

    [Fact]
    public void No_program_reads_or_writes_a_byte_outside_its_window()
    {
        Gen<Move> move =
            from source in Gen.Choose(0, Pages * PageBytes - 1)
            from destination in Gen.Choose(0, Pages * PageBytes - 1)
            from sizeLog in Gen.Choose(0, 4)
            from beats in Gen.Choose(1, 16)
            from bursts in Gen.Choose(1, 24)
            select new Move(source, destination, sizeLog, beats, bursts);
        Arbitrary<Story> stories = (
            from pages in Gen.ArrayOf(Gen.Choose(0, 3).Select(n => (PageAccess)n), Pages)
            from moves in Gen.ListOf(move, 6)
            from dmac in Gen.Choose(0, 3)
            from nonSecure in Gen.Elements(true, false)
            select new Story(pages, moves, dmac, nonSecure)
        ).ToArbitrary();
        Prop.ForAll(stories, Holds).Check(Config.QuickThrowOnFailure.WithMaxTest(150));
    }

    private static void Holds(Story story)
    {
        IBoardLibrary library = Services.GetRequiredService<IBoardLibrary>();
        Board board = library.Create("fvp-ve", options: null, new Simulation());
        byte[] before = FillArena(board, story);
        Confine(board, story);
        foreach (Move move in story.Moves)
        {
            RunToItsEnd(board, story, move);
        }

        byte[] after = new byte[before.Length];
        board.Cpu.Load(Arena, after).Should().Be(BusStatus.Okay);
        for (int page = 0; page < Pages; page++)
        {
            Range bytes = (page * PageBytes)..((page + 1) * PageBytes);
            if (story.Access[page] is PageAccess.Unmapped or PageAccess.ReadOnly)
            {
                after[bytes].SequenceEqual(before[bytes]).Should().BeTrue("page {0} is not writable", page);
            }
            else if (story.Access[page] == PageAccess.ReadWrite)
            {
                after[bytes].Should().NotContain(Secret, "nothing readable holds it");
            }
        }
    }

    /// <summary>What must never be read holds the secret byte, everything else does not.</summary>
    private static byte[] FillArena(Board board, Story story)
    {
        byte[] arena = new byte[Pages * PageBytes];
        for (int at = 0; at < arena.Length; at++)
        {
            bool isReadable = story.Access[at / PageBytes] is PageAccess.ReadOnly or PageAccess.ReadWrite;
            arena[at] = isReadable ? (byte)(at * 7 % 0xE0) : Secret;
        }

        board.Cpu.Store(Arena, arena);
        return arena;
    }

    /// <summary>Maps one to one, so that a transaction which is not translated would do harm.</summary>
    private static void Confine(Board board, Story story)
    {
        ulong second = Tables + PageBytes;
        ulong third = second + PageBytes;
        ulong codeThird = third + PageBytes;
        board.Cpu.Store(Tables + (Arena >> 30) * 8, 8, second | 3);
        board.Cpu.Store(second + ((Arena >> 21) & 0x1FF) * 8, 8, third | 3);
        board.Cpu.Store(second + ((Code >> 21) & 0x1FF) * 8, 8, codeThird | 3);
        board.Cpu.Store(codeThird + ((Code >> 12) & 0x1FF) * 8, 8, Code | 0x77F);
        for (int page = 0; page < Pages; page++)
        {
            ulong permission = story.Access[page] switch
            {
                PageAccess.ReadOnly => 0x40UL,
                PageAccess.ReadWrite => 0xC0UL,
                PageAccess.WriteOnly => 0x80UL,
                _ => 0,
            };
            ulong descriptor = permission == 0 ? 0 : (Arena + (ulong)page * PageBytes) | 0x73F | permission;
            board.Cpu.Store(third + (ulong)page * 8, 8, descriptor);
        }

        Write(board, "smmu", "SMR0", 0x800B_0000); // every stream of every DMAC
        Write(board, "smmu", "S2CR0", 0);
        Write(board, "smmu", "CBAR0", 1);
        Write(board, "smmu", "CB0_TTBR0", Tables);
        Write(board, "smmu", "CB0_TCR", 0x8000_3540);
        Write(board, "smmu", "CB0_SCTLR", 0x67);
        Write(board, "smmu", "sCR0", 0x406);
    }

    private static void RunToItsEnd(Board board, Story story, Move move)
    {
        int bits = 8 << move.SizeLog;
        int protection = story.NonSecure ? 2 : 0;
        string program = $"""
            DMAMOV CCR, SB{move.Beats} SS{bits} SAI SP{protection} DB{move.Beats} DS{bits} DAI DP{protection}
            DMAMOV SAR, {Arena + (ulong)move.Source}
            DMAMOV DAR, {Arena + (ulong)move.Destination}
            DMALP {move.Bursts}
            DMALD
            DMAST
            DMALPEND
            DMAWMB
            DMAEND
            """;
        Dma330Assembly assembly = Dma330Assembler.Assemble(program);
        assembly.Succeeded.Should().BeTrue();
        board.Cpu.Store(Code, assembly.Code.Span);
        string dmac = $"dma{story.Dmac}";
        Debug(board, dmac, 0x00A0_0000U | (story.NonSecure ? 0x0002_0000U : 0), (uint)Code);
        board.Simulation.RunFor(VirtualTime.Millisecond);
        Debug(board, dmac, 0x0001_0001, 0); // DMAKILL, in case it faulted
        board.Simulation.RunFor(VirtualTime.Millisecond);
        (Read(board, dmac, "CSR0") & 0xF).Should().Be(0);
    }

    private static void Debug(Board board, string dmac, uint word0, uint word1)
    {
        Write(board, dmac, "DBGINST0", word0);
        Write(board, dmac, "DBGINST1", word1);
        Write(board, dmac, "DBGCMD", 0);
    }

    private static void Write(Board board, string device, string register, ulong value)
    {
        BoardRegister found = board.Find(device)!.FindRegister(register)!.Value;
        board.Cpu.Store(found.Address, found.Register.WidthBits / 8, value).Should().Be(BusStatus.Okay);
    }

    private static ulong Read(Board board, string device, string register)
    {
        BoardRegister found = board.Find(device)!.FindRegister(register)!.Value;
        board.Cpu.Load(found.Address, found.Register.WidthBits / 8, out ulong value).Should().Be(BusStatus.Okay);
        return value;
    }

    private sealed record Move(int Source, int Destination, int SizeLog, int Beats, int Bursts);

    private sealed record Story(PageAccess[] Access, IReadOnlyList<Move> Moves, int Dmac, bool NonSecure)
    {
        public override string ToString() =>
            $"dma{Dmac} ns={NonSecure} pages [{string.Join(' ', Access)}] moves [{string.Join("; ", Moves)}]";
    }
}
