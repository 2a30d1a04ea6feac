using System.Buffers.Binary;
using System.Text;
using Emulator.KernelShim;
using Emulator.Machine;

namespace Emulator.Userland;

/// <content>Processes, the clock, the kernel log, names of the system.</content>
public sealed partial class Libc
{
    /// <summary>No more processes than this exist at once in a simulated system (RLIMIT_NPROC).</summary>
    public const int MaximumProcesses = 256;

    /// <summary>Lets the time of a system call pass: what work without system calls costs.</summary>
    public Task<long> SpendTimeOnce() => Call(_ => 0);

    /// <summary>waitpid(2) for a child: its exit status as the kernel gives it, or a negative errno.</summary>
    public Task<long> Wait(int id, bool noHang = false) => Call(_ => _calls.Wait(_process, id, noHang));

    /// <summary>kill(2).</summary>
    public Task<long> Kill(int id, int signal) => Call(_ => _calls.Kill(_process, id, signal));

    /// <summary>finit_module(2).</summary>
    public Task<long> InitModule(long descriptor, string parameters)
    {
        ulong address = Put(parameters);
        return Call(_ => _calls.FInitModule(_process, (int)descriptor, address));
    }

    /// <summary>delete_module(2).</summary>
    public Task<long> DeleteModule(string name)
    {
        ulong address = Put(name);
        return Call(_ => _calls.DeleteModule(_process, address));
    }

    /// <summary>setrlimit(2) of RLIMIT_MEMLOCK.</summary>
    public Task<long> SetMemlockLimit(ulong bytes) => Call(_ => _calls.SetMemlockLimit(_process, bytes));

    /// <summary>clock_gettime(2): seconds and nanoseconds; clock 0 is CLOCK_REALTIME.</summary>
    public async Task<(long Seconds, long Nanoseconds)> Clock(int clock = 0)
    {
        ulong buffer = _scratch + ChunkBytes;
        await Call(_ => _calls.ClockGetTime(_process, clock, buffer));
        byte[] time = Get(buffer, 16);
        return (BinaryPrimitives.ReadInt64LittleEndian(time), BinaryPrimitives.ReadInt64LittleEndian(time.AsSpan(8)));
    }

    /// <summary>uname(2): system, node, release, version, machine.</summary>
    public async Task<IReadOnlyList<string>> UName()
    {
        ulong buffer = _scratch + ChunkBytes;
        await Call(_ => _calls.UName(_process, buffer));
        byte[] bytes = Get(buffer, 5 * Syscalls.UtsFieldBytes);
        return
        [
            .. Enumerable
                .Range(0, 5)
                .Select(field =>
                    Encoding.UTF8.GetString(bytes, field * Syscalls.UtsFieldBytes, Syscalls.UtsFieldBytes).TrimEnd('\0')
                ),
        ];
    }

    /// <summary>syslog(2): the text for the actions that read, else the call's result alone.</summary>
    public async Task<(long Result, string Text)> SysLog(int type, int length = 0)
    {
        if (type is not (3 or 4))
        {
            return (await Call(_ => _calls.SysLog(_process, type, 0, length)), "");
        }

        long size = await Call(_ => _calls.SysLog(_process, 10, 0, 0));
        long buffer = await Mmap(
            (ulong)size,
            Protection.Read | Protection.Write,
            MapFlags.Private | MapFlags.Anonymous
        );
        if (buffer < 0)
        {
            return (buffer, "");
        }

        long result = await Call(_ => _calls.SysLog(_process, type, (ulong)buffer, (int)size));
        string text = result > 0 ? Encoding.UTF8.GetString(Get((ulong)buffer, (int)result)) : "";
        await Munmap((ulong)buffer, (ulong)size);
        return (result, text);
    }

    /// <summary>
    /// fork(2) into a program of this library's own making: the child has this process's descriptors and environment.
    /// </summary>
    /// <param name="program">The program.</param>
    /// <param name="arguments">Its argv.</param>
    /// <param name="places">Descriptors of the child, each with the one of this process that it is a copy of.</param>
    /// <returns>The child's pid, or a negative errno.</returns>
    public async Task<long> Fork(
        IProgram program,
        IReadOnlyList<string> arguments,
        IReadOnlyDictionary<int, int>? places = null
    )
    {
        await SpendTimeOnce();
        if (_process.Kernel.Processes.Count >= MaximumProcesses)
        {
            return _process.Refuse(Errno.EAGAIN, "copy_process", $"there are {MaximumProcesses} processes already");
        }

        var descriptors = new SortedDictionary<int, OpenFile>();
        foreach ((int number, Descriptor descriptor) in _process.Descriptors)
        {
            if (!descriptor.CloseOnExec)
            {
                descriptors[number] = descriptor.File;
            }
        }

        foreach ((int number, int source) in places ?? new SortedDictionary<int, int>())
        {
            if (_process.FindFile(source) is { } file)
            {
                descriptors[number] = file;
            }
        }

        return ProgramRunner.Start(_process, program, arguments, Environment, descriptors).Id;
    }

    /// <summary>
    /// execve(2): runs the program that a file holds in this process, and returns its exit status, or a negative errno when
    /// the file cannot be run. A script's first line names its interpreter.
    /// </summary>
    public async Task<long> Exec(string path, IReadOnlyList<string> arguments)
    {
        RegularInode? file = null;
        ulong address = Put(path);
        long result = await Call(_ => _calls.Exec(_process, address, out file));
        if (result < 0)
        {
            return result;
        }

        if (file!.Program is { } name && Programs.TryGetValue(name, out IProgram? program))
        {
            _process.Command = path[(path.LastIndexOf('/') + 1)..];
            return await program.Main(this, arguments);
        }

        string[] line = FirstLine(file)[2..].Trim().Split((char[]?)null, 2, StringSplitOptions.RemoveEmptyEntries);
        if (line.Length == 0 || string.Equals(line[0], path, StringComparison.Ordinal))
        {
            return _process.Refuse(Errno.ENOEXEC, "load_script", $"{path} names no interpreter");
        }

        address = Put(line[0]);
        result = await Call(_ => _calls.Exec(_process, address, out file));
        if (result < 0)
        {
            return result;
        }

        if (file!.Program is not { } interpreter || !Programs.TryGetValue(interpreter, out program))
        {
            return _process.Refuse(Errno.ELOOP, "load_script", $"{line[0]} is a script itself");
        }

        _process.Command = path[(path.LastIndexOf('/') + 1)..];
        return await program.Main(this, [.. line, path, .. arguments.Skip(1)]);
    }

    private IReadOnlyDictionary<string, IProgram> Programs =>
        (_process.Kernel.BinaryFormat as ProgramRunner)?.Programs
        ?? new SortedDictionary<string, IProgram>(StringComparer.Ordinal);

    private static string FirstLine(RegularInode file)
    {
        byte[] start = [.. file.Content.Take(127)];
        int end = Array.IndexOf(start, (byte)'\n');
        return Encoding.UTF8.GetString(start, 0, end < 0 ? start.Length : end);
    }
}
