using System.Diagnostics;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>
/// The DMA test of the VFIO guide's kernel (drivers/dma/vosys_dmatest.c of the vendor's branch): a write to
/// <c>/sys/kernel/debug/vosys_dmatest/start</c> copies a buffer by any channel and compares.
/// </summary>
/// <remarks>
/// Its habits are kept: the write gives 1 whatever was written, so that a shell writes the rest again; buffers are never
/// freed; a channel is given back after success alone; and only the callback of a finished copy makes it ready for another
/// run, so that a run that ends before that is the last.
/// </remarks>
[DebuggerDisplay("vosys_dmatest, running: {_isRunning}")]
public sealed class VosysDmatest
{
    private const string ModuleName = "vosys_dmatest";
    private const uint DefaultBufferBytes = 1024;
    private const byte SourceFill = 0x0A;
    private const byte DestinationFill = 0x0B;

    /// <summary>KMALLOC_MAX_SIZE with pages of 4 KiB and MAX_ORDER 11.</summary>
    private const int MaximumBufferBytes = 4 << 20;

    private readonly Kernel _kernel;
    private readonly Dictionary<Process, Run> _writers = [];
    private bool _isRunning;
    private byte _type;
    private uint _bufferBytes = DefaultBufferBytes;

    private VosysDmatest(Kernel kernel) => _kernel = kernel;

    /// <summary>dmatest_init: where the profile has the module, its files appear in debugfs.</summary>
    public static InitCall InitCall { get; } = new("dmatest_init", InitLevel.Late, Start);

    private static void Start(Kernel kernel)
    {
        if (!kernel.Profile.Modules.Contains(ModuleName, StringComparer.Ordinal))
        {
            return;
        }

        var test = new VosysDmatest(kernel);
        test.Print(LogLevel.Debug, "vosys dmatest module init");
        DirectoryInode directory = kernel.Files.Debug.AddDirectory(ModuleName);
        directory.Add(
            "start",
            new AttributeInode(
                AttributeMode.ReadWrite,
                () => test._isRunning ? "Y\n"u8.ToArray() : "N\n"u8.ToArray(),
                null
            )
            {
                BlockingStore = test.StoreStart,
            }
        );
        directory.AddByte("type", () => test._type, value => test._type = value);
        directory.AddUInt32("size", () => test._bufferBytes, value => test._bufferBytes = value);
    }

    /// <summary>
    /// start_write: the writer waits for the run that it has begun, which goes on when the writer is killed.
    /// </summary>
    private Attempt StoreStart(Process process, string text)
    {
        const long result = 1;
        if (!_writers.TryGetValue(process, out Run? run))
        {
            // strtobool looks at the first character alone.
            if (text[0] is not ('y' or 'Y' or '1') || _isRunning)
            {
                return result;
            }

            run = new Run();
            Begin(run);
            _writers[process] = run;
        }

        if (!run.IsOver)
        {
            return Attempt.Block(run.Over);
        }

        _writers.Remove(process);
        return result;
    }

    /// <summary>start_test_thread up to dma_sync_wait.</summary>
    private void Begin(Run run)
    {
        _isRunning = true;
        run.IsOver = true;
        if (_kernel.Dma.RequestChannel(DmaCapabilities.Memcpy) is not { } channel)
        {
            Print(LogLevel.Error, "no DMA channel available");
            return;
        }

        int length = unchecked((int)_bufferBytes);
        if (Allocate(length) is not { } source || Allocate(length) is not { } destination)
        {
            Print(LogLevel.Error, "error while allocating buffers");
            return;
        }

        Fill(source, length, SourceFill);
        Fill(destination, length, DestinationFill);
        int cookie = Copy(channel, destination, source, (ulong)length);
        if (cookie < 0)
        {
            Print(LogLevel.Error, "error during copy");
            return;
        }

        run.IsOver = false;
        _kernel.Dma.SyncWait(
            channel,
            cookie,
            status =>
            {
                Finish(channel, status, destination, source, length);
                run.IsOver = true;
                run.Over.WakeAll();
            }
        );
    }

    /// <summary>cpy_mem_to_mem: on this board devices see physical addresses.</summary>
    private int Copy(DmaChannel channel, ulong destination, ulong source, ulong lengthBytes)
    {
        if (channel.PrepareMemcpy(destination, source, lengthBytes) is not { } descriptor)
        {
            return -(int)Errno.ENOMEM;
        }

        descriptor.Callback = () =>
        {
            _isRunning = false;
            Print(LogLevel.Debug, "callback: transfer completed");
        };
        int cookie = descriptor.Submit();
        channel.BytesTransferred += (uint)lengthBytes;
        channel.MemcpyCount++;
        return cookie;
    }

    /// <summary>start_test_thread after dma_sync_wait. After an error it falls through to the line of success.</summary>
    private void Finish(DmaChannel channel, DmaStatus status, ulong destination, ulong source, int length)
    {
        switch (status)
        {
            case DmaStatus.InProgress:
                Print(LogLevel.Error, "tx in progress");
                break;
            case DmaStatus.Paused:
                Print(LogLevel.Error, "tx paused");
                break;
            case DmaStatus.Error:
                Print(LogLevel.Error, "tx error");
                goto default;
            default:
                Print(LogLevel.Debug, "tx completed");
                break;
        }

        if (!Load(source, length).AsSpan().SequenceEqual(Load(destination, length)))
        {
            Print(LogLevel.Error, "src and destination do not match");
            return;
        }

        Print(LogLevel.Debug, "source and destination match.");
        DmaEngine.ReleaseChannel(channel);
    }

    /// <summary>kmalloc: 0 bytes give an address that is none (ZERO_SIZE_PTR), more than 4 MiB give nothing.</summary>
    private ulong? Allocate(int length)
    {
        if (length == 0)
        {
            return 16;
        }

        int pages = (length + PageAllocator.PageBytes - 1) / PageAllocator.PageBytes;
        return length is > 0 and <= MaximumBufferBytes && _kernel.Pages.TryAllocate(pages, out ulong first)
            ? first
            : null;
    }

    private void Fill(ulong address, int length, byte value)
    {
        byte[] bytes = new byte[length];
        bytes.AsSpan().Fill(value);
        _kernel.Board.Cpu.Store(address, bytes);
    }

    private byte[] Load(ulong address, int length)
    {
        byte[] bytes = new byte[length];
        _kernel.Board.Cpu.Load(address, bytes);
        return bytes;
    }

    private void Print(LogLevel level, string text) => _kernel.Log.Print(level, "vosys dmatest: " + text);

    private sealed class Run
    {
        public bool IsOver { get; set; }

        public WaitQueue Over { get; } = new("dma_sync_wait");
    }
}
