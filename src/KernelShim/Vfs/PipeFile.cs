using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>A pipe (fs/pipe.c): two open files on one buffer of 64 KiB.</summary>
public sealed class PipeFile : OpenFile
{
    private const int Capacity = 64 << 10;

    /// <summary>PIPE_BUF: what is no longer goes in whole or not at all.</summary>
    private const int AtomicBytes = 4096;

    private readonly Shared _shared;
    private readonly bool _isReader;

    private PipeFile(Shared shared, bool isReader)
    {
        _shared = shared;
        _isReader = isReader;
    }

    /// <inheritdoc/>
    public override string Description => "pipe:";

    /// <inheritdoc/>
    public override bool IsSeekable => false;

    /// <summary>Makes a pipe.</summary>
    public static (OpenFile Reader, OpenFile Writer) Create(OpenFlags flags)
    {
        var shared = new Shared();
        var reader = new PipeFile(shared, isReader: true) { Flags = OpenFlags.ReadOnly | flags };
        var writer = new PipeFile(shared, isReader: false) { Flags = OpenFlags.WriteOnly | flags };
        shared.Ends = [reader, writer];
        return (reader, writer);
    }

    /// <inheritdoc/>
    public override Attempt Read(Process process, ulong buffer, long count, long position)
    {
        if (count == 0)
        {
            return 0;
        }

        if (_shared.Bytes.Count == 0)
        {
            return !_shared.HasWriter ? 0
                : Flags.HasFlag(OpenFlags.NonBlocking) ? process.Refuse(Errno.EAGAIN, "pipe_read", "the pipe is empty")
                : Attempt.Block(Waiters);
        }

        byte[] bytes = [.. _shared.Bytes.Take((int)Math.Min(count, _shared.Bytes.Count))];
        if (!process.Memory.TryWrite(buffer, bytes))
        {
            return process.Refuse(Errno.EFAULT, "copy_page_to_iter", "the buffer is not in the process's memory");
        }

        for (int n = 0; n < bytes.Length; n++)
        {
            _shared.Bytes.Dequeue();
        }

        _shared.Wake();
        return bytes.Length;
    }

    /// <inheritdoc/>
    public override Attempt Write(Process process, ulong buffer, long count, long position)
    {
        if (count == 0)
        {
            return 0;
        }

        if (!_shared.HasReader)
        {
            process.PendingSignal = 13;
            return process.Refuse(Errno.EPIPE, "pipe_write", "nobody can read the pipe any more");
        }

        int room = Capacity - _shared.Bytes.Count;
        if (room < Math.Min(count, AtomicBytes))
        {
            return Flags.HasFlag(OpenFlags.NonBlocking)
                ? process.Refuse(Errno.EAGAIN, "pipe_write", "the pipe has no room")
                : Attempt.Block(Waiters);
        }

        byte[] bytes = new byte[(int)Math.Min(count, room)];
        if (!process.Memory.TryRead(buffer, bytes))
        {
            return process.Refuse(Errno.EFAULT, "copy_page_from_iter", "the buffer is not in the process's memory");
        }

        foreach (byte value in bytes)
        {
            _shared.Bytes.Enqueue(value);
        }

        _shared.Wake();
        return bytes.Length;
    }

    /// <inheritdoc/>
    public override PollEvents Poll() =>
        _isReader
            ? (_shared.Bytes.Count > 0 ? PollEvents.In : PollEvents.None)
                | (_shared.HasWriter ? PollEvents.None : PollEvents.HangUp)
            : (_shared.Bytes.Count <= Capacity - AtomicBytes ? PollEvents.Out : PollEvents.None)
                | (_shared.HasReader ? PollEvents.None : PollEvents.Error);

    /// <inheritdoc/>
    public override void Release(Process? process)
    {
        if (_isReader)
        {
            _shared.HasReader = false;
        }
        else
        {
            _shared.HasWriter = false;
        }

        _shared.Wake();
    }

    private sealed class Shared
    {
        public Queue<byte> Bytes { get; } = new();

        public bool HasReader { get; set; } = true;

        public bool HasWriter { get; set; } = true;

        public PipeFile[] Ends { get; set; } = [];

        public void Wake()
        {
            foreach (PipeFile end in Ends)
            {
                end.Waiters.WakeAll();
            }
        }
    }
}
