using Emulator.KernelShim;
using Emulator.Machine;

namespace Emulator.Userland;

/// <summary>A terminal: what programs write goes to a listener, what is typed they can read.</summary>
public sealed class ConsoleFile : OpenFile
{
    private const uint GetTerminalAttributes = 0x5401;
    private const int MaximumTyped = 64 << 10;

    private readonly Queue<byte> _typed = new();
    private bool _endOfFile;

    /// <summary>Creates a terminal that is open for reading and writing.</summary>
    public ConsoleFile() => Flags = OpenFlags.ReadWrite;

    /// <summary>Told of every write.</summary>
    public event Action<byte[]>? Written;

    /// <inheritdoc/>
    public override string Description => "/dev/console";

    /// <inheritdoc/>
    public override bool IsSeekable => false;

    /// <summary>Types bytes; those beyond 64 KiB that nobody reads are lost.</summary>
    public void Type(ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes[..Math.Min(bytes.Length, MaximumTyped - _typed.Count)])
        {
            _typed.Enqueue(value);
        }

        Waiters.WakeAll();
    }

    /// <summary>Ctrl-D at the start of a line: the next read that finds nothing typed gets the end of the file, once.</summary>
    public void EndInput()
    {
        _endOfFile = true;
        Waiters.WakeAll();
    }

    /// <inheritdoc/>
    public override Attempt Read(Process process, ulong buffer, long count, long position)
    {
        ArgumentNullException.ThrowIfNull(process);
        if (count == 0)
        {
            return 0;
        }

        if (_typed.Count == 0)
        {
            bool ends = _endOfFile;
            _endOfFile = false;
            return ends ? 0
                : Flags.HasFlag(OpenFlags.NonBlocking) ? process.Refuse(Errno.EAGAIN, "n_tty_read", "nothing was typed")
                : Attempt.Block(Waiters);
        }

        var line = new List<byte>();
        foreach (byte value in _typed)
        {
            if (line.Count >= count)
            {
                break;
            }

            line.Add(value);
            if (value == '\n')
            {
                break;
            }
        }

        if (!process.Memory.TryWrite(buffer, line.ToArray()))
        {
            return process.Refuse(Errno.EFAULT, "n_tty_read", "the buffer is not in the process's memory");
        }

        for (int n = 0; n < line.Count; n++)
        {
            _typed.Dequeue();
        }

        return line.Count;
    }

    /// <inheritdoc/>
    public override Attempt Write(Process process, ulong buffer, long count, long position)
    {
        ArgumentNullException.ThrowIfNull(process);
        byte[] bytes = new byte[Math.Min(count, MaximumTyped)];
        if (!process.Memory.TryRead(buffer, bytes))
        {
            return process.Refuse(Errno.EFAULT, "n_tty_write", "the buffer is not in the process's memory");
        }

        Written?.Invoke(bytes);
        return bytes.Length;
    }

    /// <inheritdoc/>
    public override Attempt Ioctl(Process process, uint command, ulong argument) =>
        command == GetTerminalAttributes ? 0 : base.Ioctl(process, command, argument);

    /// <inheritdoc/>
    public override PollEvents Poll() =>
        PollEvents.Out | (_typed.Count > 0 || _endOfFile ? PollEvents.In : PollEvents.None);
}
