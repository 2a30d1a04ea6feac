using System.Text;
using Emulator.KernelShim;
using Emulator.Machine;

namespace Emulator.Userland;

/// <summary>
/// The C library of a simulated process: puts arguments into the process's own memory and makes system calls. Results are as
/// in the kernel, negative errno included; there is no errno variable.
/// </summary>
/// <remarks>A program killed by a signal ends by a <see cref="KilledException"/> at its next call.</remarks>
public sealed partial class Libc
{
    private const ulong ScratchBytes = 128 << 10;
    private const int ChunkBytes = 64 << 10;

    /// <summary>getpagesize(3).</summary>
    public const int PageBytes = 4096;

    /// <summary>What a system call costs.</summary>
    public const long SystemCallTime = VirtualTime.Microsecond;

    private readonly Process _process;
    private readonly Syscalls _calls;
    private readonly ulong _scratch;
    private readonly SimulatedProcess? _thread;

    /// <summary>Makes the library of a process.</summary>
    public Libc(Process process)
    {
        ArgumentNullException.ThrowIfNull(process);
        _process = process;
        _calls = process.Kernel.Calls;
        Attempt stack = _calls.Mmap(
            process,
            0,
            ScratchBytes,
            Protection.Read | Protection.Write,
            MapFlags.Private | MapFlags.Anonymous,
            -1,
            0
        );
        _scratch = (ulong)stack.Value;
    }

    /// <summary>The library as a further thread of the process sees it, on a stack of its own.</summary>
    private Libc(Libc first, SimulatedProcess thread, ulong scratch)
    {
        _process = first._process;
        _calls = first._calls;
        _scratch = scratch;
        _thread = thread;
        Environment = first.Environment;
    }

    /// <summary>The process.</summary>
    public Process Process => _process;

    /// <summary>The environment.</summary>
    public IDictionary<string, string> Environment { get; init; } =
        new SortedDictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Makes any system call; waits as long as it blocks.</summary>
    public async Task<long> Call(Func<WakeReason, Attempt> call)
    {
        await CurrentThread.Do(_ => SpendTime(SystemCallTime));
        long result = await CurrentThread.Do(reason => _process.PendingSignal != 0 ? -(long)Errno.EINTR : call(reason));
        return _process.PendingSignal == 0 ? result : throw new KilledException(_process.PendingSignal);
    }

    /// <summary>open(2).</summary>
    public Task<long> Open(string path, OpenFlags flags, int mode = 0x1B6)
    {
        ulong address = Put(path);
        return Call(_ => _calls.Open(_process, address, flags, mode));
    }

    /// <summary>close(2).</summary>
    public Task<long> Close(long descriptor) => Call(_ => _calls.Close(_process, (int)descriptor));

    /// <summary>read(2) into a buffer of the caller: at most 64 KiB.</summary>
    public async Task<(long Result, byte[] Data)> Read(long descriptor, int count)
    {
        ulong buffer = _scratch + ChunkBytes;
        int length = Math.Min(count, ChunkBytes);
        long result = await Call(_ => _calls.Read(_process, (int)descriptor, buffer, length));
        return (result, result > 0 ? Get(buffer, (int)result) : []);
    }

    /// <summary>One write(2) of at most 64 KiB.</summary>
    public Task<long> Write(long descriptor, ReadOnlySpan<byte> data)
    {
        ulong buffer = _scratch + ChunkBytes;
        int length = Math.Min(data.Length, ChunkBytes);
        _process.Memory.TryWrite(buffer, data[..length]);
        return Call(_ => _calls.Write(_process, (int)descriptor, buffer, length));
    }

    /// <summary>Writes a text whole, in as many writes as it takes; 0 or a negative errno.</summary>
    public async Task<long> Print(long descriptor, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        for (int done = 0; done < bytes.Length; )
        {
            long result = await Write(descriptor, bytes.AsSpan(done));
            if (result < 0)
            {
                return result;
            }

            done += (int)result;
        }

        return 0;
    }

    /// <summary>readlink(2).</summary>
    public async Task<(long Result, string Target)> ReadLink(string path)
    {
        ulong address = Put(path);
        ulong buffer = _scratch + ChunkBytes;
        long result = await Call(_ => _calls.ReadLink(_process, address, buffer, 4096));
        return (result, result > 0 ? Encoding.UTF8.GetString(Get(buffer, (int)result)) : "");
    }

    /// <summary>stat(2) or lstat(2): the 128 bytes of struct stat.</summary>
    public async Task<(long Result, byte[] Stat)> Stat(string path, bool follow = true)
    {
        ulong address = Put(path);
        ulong buffer = _scratch + ChunkBytes;
        long result = await Call(_ => _calls.Stat(_process, address, buffer, follow));
        return (result, result == 0 ? Get(buffer, Syscalls.StatBytes) : []);
    }

    /// <summary>ioctl(2) with an argument that is a number or an address.</summary>
    public Task<long> Ioctl(long descriptor, uint command, ulong argument = 0) =>
        Call(_ => _calls.Ioctl(_process, (int)descriptor, command, argument));

    /// <summary>ioctl(2) with a structure that is copied in and back out.</summary>
    public async Task<long> Ioctl(long descriptor, uint command, byte[] structure)
    {
        ArgumentNullException.ThrowIfNull(structure);
        ulong buffer = _scratch + ChunkBytes;
        _process.Memory.TryWrite(buffer, structure);
        long result = await Ioctl(descriptor, command, buffer);
        _process.Memory.TryRead(buffer, structure);
        return result;
    }

    /// <summary>mmap(2).</summary>
    public Task<long> Mmap(
        ulong length,
        Protection protection,
        MapFlags flags,
        long descriptor = -1,
        ulong offset = 0
    ) => Call(_ => _calls.Mmap(_process, 0, length, protection, flags, (int)descriptor, offset));

    /// <summary>munmap(2).</summary>
    public Task<long> Munmap(ulong address, ulong length) => Call(_ => _calls.Munmap(_process, address, length));

    /// <summary>Sleeps for a virtual time in picoseconds.</summary>
    public Task<long> Sleep(long duration)
    {
        long until = VirtualTime.Add(_process.Kernel.Simulation.Now, duration);
        return Call(reason => _calls.Sleep(_process, until, reason));
    }

    /// <summary>Puts a C string into the process's memory; valid until the next call that takes one.</summary>
    public ulong Put(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text + "\0");
        _process.Memory.TryWrite(_scratch, bytes.AsSpan(0, Math.Min(bytes.Length, ChunkBytes)));
        return _scratch;
    }

    private byte[] Get(ulong address, int length)
    {
        byte[] bytes = new byte[length];
        _process.Memory.TryRead(address, bytes);
        return bytes;
    }

    private SimulatedProcess CurrentThread => _thread ?? _process.Thread;

    private long _callTimeEnds = -1;

    /// <summary>Every call costs a little, so that a program that polls lets time pass.</summary>
    private Attempt SpendTime(long time)
    {
        long now = _process.Kernel.Simulation.Now;
        if (_callTimeEnds < 0)
        {
            _callTimeEnds = now + time;
        }

        if (now < _callTimeEnds && _process.PendingSignal == 0)
        {
            return Attempt.Block(_process.Kernel.Sleepers, _callTimeEnds);
        }

        _callTimeEnds = -1;
        return 0;
    }
}

/// <summary>The process was killed by a signal.</summary>
public sealed class KilledException(int signal) : Exception($"killed by signal {signal}")
{
    /// <summary>Which.</summary>
    public int Signal { get; } = signal;
}

/// <summary>exit(3), from wherever in a program: the process ends with all its threads.</summary>
public sealed class ExitException(int status) : Exception($"exit with status {status}")
{
    /// <summary>The exit status.</summary>
    public int Status { get; } = status;
}
