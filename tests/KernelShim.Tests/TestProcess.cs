using System.Buffers.Binary;
using System.Text;
using Emulator.Boards;
using Emulator.Machine;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.KernelShim.Tests;

/// <summary>
/// A process of a kernel on the fvp-ve board, driven call by call as a test program would be: arguments go through its memory.
/// </summary>
internal sealed class TestProcess
{
    private static readonly ServiceProvider Services = new ServiceCollection().AddEmulator().BuildServiceProvider();

    private readonly ulong _buffer;

    public TestProcess(Kernel? kernel = null, Process? parent = null)
    {
        Kernel = kernel ?? CreateKernel();
        Process = Kernel.CreateProcess("test", parent ?? Kernel.Init);
        _buffer = (ulong)Mmap(64 << 10);
    }

    public Kernel Kernel { get; }

    public Process Process { get; }

    public Syscalls Calls => Kernel.Calls;

    /// <summary>A buffer of 64 KiB in the process's memory.</summary>
    public ulong Buffer => _buffer;

    /// <summary>The check that refused the last refused call.</summary>
    public string RefusedBy => Process.LastRefusal!.Function;

    public static Kernel CreateKernel()
    {
        Board board = Services.GetRequiredService<IBoardLibrary>().Create("fvp-ve", options: null, new Simulation());
        return new Kernel(board, KernelProfiles.VosysV6);
    }

    /// <summary>Makes a call and runs the world until it has its result.</summary>
    public long Do(Func<WakeReason, Attempt> call) => Kernel.Simulation.Scheduler.Call(Process.Thread, call);

    public long Open(string path, OpenFlags flags = OpenFlags.ReadOnly, int mode = 0x1B6) =>
        Do(_ => Calls.Open(Process, Put(path), flags, mode));

    public long Close(long descriptor) => Do(_ => Calls.Close(Process, (int)descriptor));

    public long Write(long descriptor, string text)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(text);
        Poke(bytes);
        return Do(_ => Calls.Write(Process, (int)descriptor, _buffer, bytes.Length));
    }

    public (long Result, string Text) Read(long descriptor, int count = 4096)
    {
        long result = Do(_ => Calls.Read(Process, (int)descriptor, _buffer, count));
        return (result, result > 0 ? Encoding.Latin1.GetString(Peek((int)result)) : "");
    }

    /// <summary>Opens, reads whole and closes; the errno's name in angle brackets when the open fails.</summary>
    public string Cat(string path)
    {
        long descriptor = Open(path);
        if (descriptor < 0)
        {
            return $"<{(Errno)(-descriptor)}>";
        }

        string text = Read(descriptor, 64 << 10).Text;
        Close(descriptor);
        return text;
    }

    /// <summary>What <c>echo TEXT > PATH</c> does: the result of the one write, or of the open that failed.</summary>
    public long Echo(string text, string path)
    {
        long descriptor = Open(path, OpenFlags.WriteOnly);
        if (descriptor < 0)
        {
            return descriptor;
        }

        long result = Write(descriptor, text + "\n");
        Close(descriptor);
        return result;
    }

    public string ReadLink(string path)
    {
        ulong address = Put(path);
        long result = Do(_ => Calls.ReadLink(Process, address, _buffer + 8192, 4096));
        return result < 0 ? $"<{(Errno)(-result)}>" : Encoding.UTF8.GetString(Peek((int)result, 8192));
    }

    public long Mmap(ulong length, Protection protection = Protection.Read | Protection.Write) =>
        Do(_ => Calls.Mmap(Process, 0, length, protection, MapFlags.Private | MapFlags.Anonymous, -1, 0));

    /// <summary>Puts a C string into the buffer and gives its address.</summary>
    public ulong Put(string text)
    {
        Poke([.. Encoding.UTF8.GetBytes(text), 0]);
        return _buffer;
    }

    public void Poke(byte[] bytes, int offset = 0) =>
        Process.Memory.TryWrite(_buffer + (ulong)offset, bytes).Should().BeTrue();

    public byte[] Peek(int length, int offset = 0)
    {
        byte[] bytes = new byte[length];
        Process.Memory.TryRead(_buffer + (ulong)offset, bytes).Should().BeTrue();
        return bytes;
    }

    public ulong PeekWord(int offset = 0) => BinaryPrimitives.ReadUInt64LittleEndian(Peek(8, offset));
}
