using System.Buffers.Binary;
using System.Text;
using Emulator.KernelShim;
using Emulator.Machine;

namespace Emulator.Conformance.Linux;

/// <summary>
/// The program that ran the scripts: a process that makes one system call after the other, with descriptors and buffers by
/// name. Arguments go through its memory.
/// </summary>
internal sealed class OpsProcess
{
    private const int ScratchBytes = 128 << 10;

    private readonly SortedDictionary<string, long> _files = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, (ulong Address, ulong Length)> _buffers = new(StringComparer.Ordinal);
    private readonly ulong _scratch;

    public OpsProcess(Kernel kernel)
    {
        Kernel = kernel;
        Process = kernel.CreateProcess("orc", kernel.Init);
        Process.MemlockLimitBytes = 8 << 20;
        _scratch = (ulong)Call(_ =>
            Map(ScratchBytes, Protection.Read | Protection.Write, MapFlags.Private | MapFlags.Anonymous, -1, 0)
        );
        for (int descriptor = 0; descriptor < 3; descriptor++)
        {
            Open("/dev/null");
        }
    }

    public Kernel Kernel { get; }

    public Process Process { get; }

    public Syscalls Calls => Kernel.Calls;

    /// <summary>Where arguments go.</summary>
    public ulong Scratch => _scratch;

    /// <summary>Makes a call and runs the world until it has its result.</summary>
    public long Call(Func<WakeReason, Attempt> call) => Kernel.Simulation.Scheduler.Call(Process.Thread, call);

    public Attempt Map(ulong length, Protection protection, MapFlags flags, long file, ulong offset) =>
        Calls.Mmap(Process, 0, length, protection, flags, (int)file, offset);

    public long Open(string path, OpenFlags flags = OpenFlags.ReadWrite)
    {
        Poke(path);
        return Call(_ => Calls.Open(Process, _scratch, flags, 0));
    }

    public long Close(long descriptor) => Call(_ => Calls.Close(Process, (int)descriptor));

    /// <summary>An ioctl whose argument is a struct: it is put into memory, and read back.</summary>
    public long Ioctl(string file, uint command, byte[] argument)
    {
        Poke(argument);
        long result = Ioctl(file, command, _scratch);
        Process.Memory.TryRead(_scratch, argument);
        return result;
    }

    public long Ioctl(string file, uint command, ulong argument)
    {
        long descriptor = Find(file);
        return Call(_ => Calls.Ioctl(Process, (int)descriptor, command, argument));
    }

    /// <summary>The descriptor of a name, <c>#N</c> being a number; -1 for a name that has none.</summary>
    public long Find(string name) =>
        name.StartsWith('#') ? (long)OpsWords.ParseNumber(name[1..]) : _files.GetValueOrDefault(name, -1);

    /// <summary>Gives what a call returned a name: a name of something that failed is no descriptor.</summary>
    public void Name(string name, long result) => _files[name] = result < 0 ? -1 : result;

    public void NameBuffer(string name, ulong address, ulong length) => _buffers[name] = (address, length);

    public (ulong Address, ulong Length) Buffer(string name) => _buffers.GetValueOrDefault(name);

    /// <summary>An address: a number, a buffer's name, or one with an offset.</summary>
    public ulong Address(string text)
    {
        int plus = text.IndexOf('+', StringComparison.Ordinal);
        string name = plus < 0 ? text : text[..plus];
        ulong offset = plus < 0 ? 0 : OpsWords.ParseNumber(text[(plus + 1)..]);
        return char.IsAsciiDigit(name[0]) ? OpsWords.ParseNumber(name) + offset : Buffer(name).Address + offset;
    }

    public void Poke(byte[] bytes, int offset = 0) => Process.Memory.TryWrite(_scratch + (ulong)offset, bytes);

    public void Poke(string text) => Poke([.. Encoding.UTF8.GetBytes(text), 0]);

    public byte[] Peek(int length, int offset = 0)
    {
        byte[] bytes = new byte[length];
        Process.Memory.TryRead(_scratch + (ulong)offset, bytes);
        return bytes;
    }

    /// <summary>Structs of the uapi as words: 32-bit ones, and 64-bit ones for what is given as <c>ulong</c>.</summary>
    public static byte[] Struct(int atLeast, params object[] fields)
    {
        var bytes = new List<byte>();
        Span<byte> word = stackalloc byte[8];
        foreach (object field in fields)
        {
            if (field is ulong wide)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(word, wide);
                bytes.AddRange(word);
            }
            else
            {
                BinaryPrimitives.WriteUInt32LittleEndian(
                    word,
                    field is int number ? unchecked((uint)number) : (uint)field
                );
                bytes.AddRange(word[..4]);
            }
        }

        while (bytes.Count < atLeast)
        {
            bytes.Add(0);
        }

        return [.. bytes];
    }
}
