using System.Text;
using Emulator.Machine;

namespace Emulator.KernelShim.Tests;

/// <content>Arguments: plausible ones, edges, and nonsense.</content>
internal sealed partial class SyscallFuzz
{
    private int Id() => Pick([0, -1, 1, .. _kernel.Processes.Keys]);

    private OpenFlags Flags()
    {
        OpenFlags flags = Pick(OpenFlags.ReadOnly, OpenFlags.WriteOnly, OpenFlags.ReadWrite, OpenFlags.ReadWrite);
        foreach (OpenFlags flag in Enum.GetValues<OpenFlags>())
        {
            flags |= _random.Next(10) == 0 ? flag : OpenFlags.ReadOnly;
        }

        return flags;
    }

    private string OwnPath() =>
        _isWild && _random.Next(3) == 0
            ? Pick(_paths)
            : Pick("/tmp/f", "/tmp/g", "/tmp/d", "/tmp/d/e", "/tmp", "/", "f", "..");

    private ulong PutOwnPath(Process process) => PutText(process, OwnPath());

    private ulong PutPath(Process process) =>
        PutText(
            process,
            _random.Next(4) switch
            {
                0 => OwnPath(),
                1 => Pick(
                    "",
                    ".",
                    "..",
                    "/tmp/l/l",
                    "/dev/vfio/0",
                    "/dev/vfio/1",
                    new string('a', 300),
                    "/proc/1",
                    "/sys//bus/"
                ),
                _ => Pick(_paths),
            }
        );

    private ulong PutText(Process process, string text)
    {
        // Memory that has become read-only still holds an older text, which may name what this run must not touch.
        bool isThere = Put(process, Encoding.UTF8.GetBytes(text + "\0"));
        return _random.Next(40) == 0 || !isThere ? ulong.MaxValue - 3 : Buffer(process);
    }

    private int Descriptor(Process process) =>
        _random.Next(12) == 0 || process.Descriptors.Count == 0
            ? Pick(-1, 0, 5, 99, int.MaxValue, int.MinValue)
            : Pick([.. process.Descriptors.Keys]);

    private VmArea? Area(Process process) => process.Memory.Areas is { Count: > 0 } areas ? Pick([.. areas]) : null;

    private ulong Address(Process process) =>
        _random.Next(8) == 0
            ? Pick(0UL, 1UL, 0xBEFF_FFFF, 0xFFFF_FFFF, ulong.MaxValue, ulong.MaxValue - 0xFFF)
            : (Area(process)?.Start ?? 0) + (ulong)_random.Next(3 * 4096);

    /// <summary>The start of the process's memory; calls fault there when it was unmapped, which is as good.</summary>
    private static ulong Buffer(Process process) => process.Memory.Areas is [var first, ..] ? first.Start : 8;

    private static bool Put(Process process, byte[] bytes) => process.Memory.TryWrite(Buffer(process), bytes);

    private void Map(Process process, ulong length) =>
        Take(
            "mmap",
            process,
            Calls.Mmap(process, 0, length, Protection.Read | Protection.Write, (MapFlags)0x22, -1, 0)
        );

    private long Open(Process process, string path, OpenFlags flags)
    {
        Put(process, Encoding.UTF8.GetBytes(path + "\0"));
        Attempt result = Calls.Open(process, Buffer(process), flags, 0);
        Take("open", process, result);
        return result.Value;
    }

    private void Ioctl(Process process, long file, uint command, params object[] words)
    {
        Put(process, VfioBench.Pack(words));
        Take("ioctl", process, Calls.Ioctl(process, (int)file, command, Buffer(process)));
    }

    private T Pick<T>(params IReadOnlyList<T> values) => values[_random.Next(values.Count)];
}
