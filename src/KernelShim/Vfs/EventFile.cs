using System.Buffers.Binary;
using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>An eventfd (fs/eventfd.c).</summary>
public sealed class EventFile(ulong initial, bool isSemaphore) : OpenFile
{
    private const ulong Maximum = ulong.MaxValue - 1;

    private ulong _count = initial;

    /// <inheritdoc/>
    public override string Description => "anon_inode:[eventfd]";

    /// <inheritdoc/>
    public override bool IsSeekable => false;

    /// <summary>The counter.</summary>
    public ulong Count => _count;

    /// <summary>Told when the counter has grown (an irqfd, an unmask eventfd).</summary>
    public event Action? Signalled;

    /// <summary>Adds to the counter from inside the kernel: eventfd_signal.</summary>
    public void Signal(ulong value = 1)
    {
        _count = value > Maximum - _count ? Maximum : _count + value;
        Waiters.WakeAll();
        Signalled?.Invoke();
    }

    /// <summary>Takes the whole count from inside the kernel: eventfd_ctx_do_read.</summary>
    internal void Drain()
    {
        _count = 0;
        Waiters.WakeAll();
    }

    /// <inheritdoc/>
    public override Attempt Read(Process process, ulong buffer, long count, long position)
    {
        if (count < 8)
        {
            return process.Refuse(Errno.EINVAL, "eventfd_read", "the buffer is smaller than 8 bytes");
        }

        if (_count == 0)
        {
            return Flags.HasFlag(OpenFlags.NonBlocking)
                ? process.Refuse(Errno.EAGAIN, "eventfd_read", "the counter is 0")
                : Attempt.Block(Waiters);
        }

        ulong value = isSemaphore ? 1 : _count;
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        if (!process.Memory.TryWrite(buffer, bytes))
        {
            return process.Refuse(Errno.EFAULT, "eventfd_read", "the buffer is not in the process's memory");
        }

        _count -= value;
        Waiters.WakeAll();
        return 8;
    }

    /// <inheritdoc/>
    public override Attempt Write(Process process, ulong buffer, long count, long position)
    {
        if (count < 8)
        {
            return process.Refuse(Errno.EINVAL, "eventfd_write", "the buffer is smaller than 8 bytes");
        }

        Span<byte> bytes = stackalloc byte[8];
        if (!process.Memory.TryRead(buffer, bytes))
        {
            return process.Refuse(Errno.EFAULT, "eventfd_write", "the buffer is not in the process's memory");
        }

        ulong value = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        if (value == ulong.MaxValue)
        {
            return process.Refuse(Errno.EINVAL, "eventfd_write", "the value is the largest there is");
        }

        if (value > Maximum - _count)
        {
            return Flags.HasFlag(OpenFlags.NonBlocking)
                ? process.Refuse(Errno.EAGAIN, "eventfd_write", "the counter would overflow")
                : Attempt.Block(Waiters);
        }

        Signal(value);
        return 8;
    }

    /// <inheritdoc/>
    public override PollEvents Poll() =>
        (_count > 0 ? PollEvents.In : PollEvents.None) | (_count < Maximum ? PollEvents.Out : PollEvents.None);
}
