using Emulator.Boards;
using Emulator.Machine;
using Emulator.Peripherals;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.Bench;

/// <summary>
/// An fvp-ve board whose first DMA-330 runs programs from RAM, started through its registers; translated by the SMMU-400 with
/// 4 KiB pages that lie scattered in RAM, or in blocks of 2 MiB, or not.
/// </summary>
internal sealed class DmaWorld
{
    private const ulong Tables = 0x8000_0000;
    private const ulong SourceIova = 0x1000_0000;
    private const ulong DestinationIova = 0x2000_0000;
    private const ulong CodeIova = 0x3000_0000;
    private const ulong SourceMemory = 0x9000_0000;
    private const ulong DestinationMemory = 0xA000_0000;
    private const ulong CodeMemory = 0x8F00_0000;
    private const ulong PageBytes = 4096;
    private const ulong BlockBytes = 2 << 20;

    private readonly Board _board;
    private readonly int _lengthBytes;
    private readonly ulong _code;
    private ulong _nextTable = Tables + PageBytes;

    private readonly int _channels;
    private readonly bool _inBlocks;

    public DmaWorld(
        IServiceProvider services,
        int lengthBytes,
        bool translated,
        bool stepped,
        string body,
        int channels = 1,
        bool inBlocks = false
    )
    {
        _inBlocks = inBlocks;
        _lengthBytes = lengthBytes;
        _channels = channels;
        IBoardLibrary library = services.GetRequiredService<IBoardLibrary>();
        _board = library.Create("fvp-ve", options: null, new Simulation());
        ((Dma330)_board.Find("dma0")!.Device!).StepsEachInstruction = stepped;
        _code = translated ? CodeIova : CodeMemory;
        string text = $"""
            DMAMOV SAR, {(translated ? SourceIova : SourceMemory)}
            DMAMOV DAR, {(translated ? DestinationIova : DestinationMemory)}
            {body}
            DMAEND
            """;
        Dma330Assembly assembly = Dma330Assembler.Assemble(text, 0);
        if (!assembly.Succeeded)
        {
            throw new InvalidOperationException(assembly.Errors[0].Message);
        }

        _board.Cpu.Store(CodeMemory, assembly.Code.ToArray());
        FillSource();
        if (translated)
        {
            Translate();
        }
    }

    /// <summary>Starts the program on every channel and runs until all have ended.</summary>
    public void Run()
    {
        for (uint channel = 0; channel < _channels; channel++)
        {
            Write("dma0", "DBGINST0", 0x00A2_0000 | (channel << 24));
            Write("dma0", "DBGINST1", _code);
            Write("dma0", "DBGCMD", 0);
        }

        ulong status = Register("dma0", "CSR0").Address;
        _board.Simulation.RunFor(VirtualTime.Microsecond);
        RunResult result = _board.Simulation.RunUntil(
            () => AreStopped(status),
            _board.Simulation.Now + 10 * VirtualTime.Second
        );
        if (result != RunResult.Reached)
        {
            throw new InvalidOperationException("The program did not end.");
        }
    }

    /// <summary>Runs once and compares destination and source.</summary>
    public DmaWorld Verified()
    {
        Run();
        byte[] from = new byte[_lengthBytes];
        byte[] to = new byte[_lengthBytes];
        _board.Cpu.Load(SourceMemory, from);
        _board.Cpu.Load(DestinationMemory, to);
        return from.AsSpan().SequenceEqual(to) ? this : throw new InvalidOperationException("The copy is wrong.");
    }

    /// <summary>Runs once and tells how many actions, about as many as instructions, it took.</summary>
    public long CountActions()
    {
        long before = _board.Simulation.Actions;
        Run();
        return _board.Simulation.Actions - before;
    }

    private bool AreStopped(ulong status)
    {
        for (ulong channel = 0; channel < (ulong)_channels; channel++)
        {
            if (_board.Cpu.Load(status + 8 * channel, 4, out ulong state) != BusStatus.Okay || (state & 0xF) != 0)
            {
                return false;
            }
        }

        return true;
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
        for (ulong n = 0; n < pages && _inBlocks; n += BlockBytes / PageBytes)
        {
            MapBlock(SourceIova + n * PageBytes, SourceMemory + n * PageBytes);
            MapBlock(DestinationIova + n * PageBytes, DestinationMemory + n * PageBytes);
        }

        for (ulong n = 0; n < pages && !_inBlocks; n++)
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

    private void MapBlock(ulong iova, ulong memory) =>
        _board.Cpu.Store(Table(Tables + (iova >> 30) * 8) + ((iova >> 21) & 0x1FF) * 8, 8, memory | 0x7FD);

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

    private BoardRegister Register(string device, string register) =>
        _board.Find(device)!.FindRegister(register)!.Value;

    private void Write(string device, string register, ulong value)
    {
        BoardRegister found = Register(device, register);
        _board.Cpu.Store(found.Address, found.Register.WidthBits / 8, value);
    }
}
