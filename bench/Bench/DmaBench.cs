using System.Globalization;
using Emulator.Boards;
using Emulator.Machine;
using Emulator.Peripherals;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.Bench;

/// <summary>
/// Copies by the DMA-330 of the fvp-ve board, started through its registers, running microcode from RAM, translated by the
/// SMMU-400 with 4 KiB pages that lie scattered in RAM; against Span.CopyTo of the same size.
/// </summary>
internal sealed class DmaBench
{
    private const ulong Tables = 0x8000_0000;
    private const ulong SourceIova = 0x1000_0000;
    private const ulong DestinationIova = 0x2000_0000;
    private const ulong CodeIova = 0x3000_0000;
    private const ulong SourceMemory = 0x9000_0000;
    private const ulong DestinationMemory = 0xA000_0000;
    private const ulong CodeMemory = 0x8F00_0000;
    private const ulong PageBytes = 4096;

    private readonly Board _board;
    private readonly int _lengthBytes;
    private readonly ulong _code;
    private ulong _nextTable = Tables + PageBytes;

    private DmaBench(IServiceProvider services, int lengthBytes, bool translated)
    {
        _lengthBytes = lengthBytes;
        IBoardLibrary library = services.GetRequiredService<IBoardLibrary>();
        _board = library.Create("fvp-ve", options: null, new Simulation());
        _code = translated ? CodeIova : CodeMemory;
        ulong source = translated ? SourceIova : SourceMemory;
        ulong destination = translated ? DestinationIova : DestinationMemory;
        byte[] program = Assemble(source, destination, lengthBytes);
        _board.Cpu.Store(CodeMemory, program);
        FillSource();
        if (translated)
        {
            Translate();
        }
    }

    public static void Run(int rounds)
    {
        using ServiceProvider services = new ServiceCollection().AddEmulator().BuildServiceProvider();
        foreach (int mebibytes in new[] { 1, 16 })
        {
            int length = mebibytes << 20;
            byte[] from = new byte[length];
            byte[] to = new byte[length];
            var plain = new DmaBench(services, length, translated: false);
            var translated = new DmaBench(services, length, translated: true);
            plain.Verify();
            translated.Verify();
            string title = string.Create(
                CultureInfo.InvariantCulture,
                $"DMA-330 copies {mebibytes} MiB, 16 x 16 byte bursts"
            );
            Contest.Run(
                title,
                "byte",
                rounds,
                new Party("Span.CopyTo", length, () => from.AsSpan().CopyTo(to)),
                new Party("DMA-330, SMMU off", length, plain.Copy),
                new Party("DMA-330 through the SMMU-400, 4 KiB pages", length, translated.Copy)
            );
        }
    }

    private static byte[] Assemble(ulong source, ulong destination, int lengthBytes)
    {
        int bursts = lengthBytes / 256;
        int inner = 256;
        string text = string.Create(
            CultureInfo.InvariantCulture,
            $"""
            DMAMOV CCR, SB16 SS128 SAI SP2 DB16 DS128 DAI DP2
            DMAMOV SAR, {source}
            DMAMOV DAR, {destination}
            DMALP LC1, {bursts / inner}
            DMALP LC0, {inner}
            DMALD
            DMAST
            DMALPEND LC0
            DMALPEND LC1
            DMAWMB
            DMAEND
            """
        );
        Dma330Assembly assembly = Dma330Assembler.Assemble(text, 0);
        return assembly.Succeeded
            ? assembly.Code.ToArray()
            : throw new InvalidOperationException(assembly.Errors[0].Message);
    }

    private void FillSource()
    {
        byte[] page = new byte[PageBytes];
        for (int at = 0; at < _lengthBytes; at += page.Length)
        {
            for (int i = 0; i < page.Length; i++)
            {
                page[i] = (byte)((at >> 12) + i * 7);
            }

            _board.Cpu.Store(SourceMemory + (ulong)at, page);
            _board.Cpu.Store(DestinationMemory + (ulong)at, new byte[PageBytes]);
        }
    }

    private void Translate()
    {
        ulong pages = (ulong)_lengthBytes / PageBytes;
        for (ulong n = 0; n < pages; n++)
        {
            ulong scattered = n * 97 % pages;
            Map(SourceIova + n * PageBytes, SourceMemory + scattered * PageBytes);
            Map(DestinationIova + n * PageBytes, DestinationMemory + scattered * PageBytes);
        }

        Map(CodeIova, CodeMemory);
        Write("smmu", "SMR0", 0x8008_0000);
        Write("smmu", "S2CR0", 0);
        Write("smmu", "CBAR0", 1);
        Write("smmu", "CB0_TTBR0", Tables);
        Write("smmu", "CB0_TCR", 0x8000_3540);
        Write("smmu", "CB0_SCTLR", 0x67);
        Write("smmu", "sCR0", 0x406);
    }

    private void Map(ulong iova, ulong memory)
    {
        ulong first = Table(Tables + (iova >> 30) * 8);
        ulong second = Table(first + ((iova >> 21) & 0x1FF) * 8);
        _board.Cpu.Store(second + ((iova >> 12) & 0x1FF) * 8, 8, memory | 0x7FF);
    }

    private ulong Table(ulong entry)
    {
        _board.Cpu.Load(entry, 8, out ulong descriptor);
        if (descriptor == 0)
        {
            descriptor = _nextTable | 3;
            _nextTable += PageBytes;
            _board.Cpu.Store(entry, 8, descriptor);
        }

        return descriptor & ~0xFFFUL;
    }

    private void Copy()
    {
        Write("dma0", "DBGINST0", 0x00A2_0000);
        Write("dma0", "DBGINST1", _code);
        Write("dma0", "DBGCMD", 0);
        BoardRegister status = Register("dma0", "CSR0");
        _board.Simulation.RunFor(VirtualTime.Microsecond);
        RunResult result = _board.Simulation.RunUntil(
            () => _board.Cpu.Load(status.Address, 4, out ulong state) == BusStatus.Okay && (state & 0xF) == 0,
            _board.Simulation.Now + 10 * VirtualTime.Second
        );
        if (result != RunResult.Reached)
        {
            throw new InvalidOperationException("The copy did not end.");
        }
    }

    private void Verify()
    {
        Copy();
        byte[] from = new byte[_lengthBytes];
        byte[] to = new byte[_lengthBytes];
        _board.Cpu.Load(SourceMemory, from);
        _board.Cpu.Load(DestinationMemory, to);
        if (!from.AsSpan().SequenceEqual(to))
        {
            throw new InvalidOperationException("The copy is wrong.");
        }
    }

    private BoardRegister Register(string device, string register) =>
        _board.Find(device)!.FindRegister(register)!.Value;

    private void Write(string device, string register, ulong value)
    {
        BoardRegister found = Register(device, register);
        _board.Cpu.Store(found.Address, found.Register.WidthBits / 8, value);
    }
}
