using System.Text;
using Emulator.KernelShim;
using Emulator.Machine;

namespace Emulator.Scenarios;

/// <summary>
/// Looks at files for expectations, by system calls of init, whose memory is as before afterwards: no time passes, no process
/// appears and no page is kept, so that what is expected changes nothing of what comes.
/// </summary>
internal sealed class FileObserver(Kernel kernel)
{
    private const int BufferBytes = 4096;
    private const int MaximumFileBytes = 1 << 20;

    /// <summary>A file's content as root reads it, or a negative errno.</summary>
    public (long Result, string Text) Read(string path) =>
        WithBuffer(
            path,
            (name, buffer) =>
            {
                OpenFlags flags = OpenFlags.ReadOnly | OpenFlags.NonBlocking;
                long file = kernel.Calls.Open(kernel.Init, name, flags, 0).Value;
                return file < 0 ? (file, "") : ReadToEnd((int)file, buffer);
            }
        );

    /// <summary>What a link says, or a negative errno.</summary>
    public (long Result, string Target) ReadLink(string path) =>
        WithBuffer(
            path,
            (name, buffer) =>
            {
                long result = kernel.Calls.ReadLink(kernel.Init, name, buffer, BufferBytes).Value;
                return (Math.Min(result, 0), Encoding.UTF8.GetString(Bytes(buffer, result)));
            }
        );

    /// <summary>Whether a path leads to anything; nothing is opened.</summary>
    public bool Exists(string path) =>
        WithBuffer(path, (name, buffer) => (kernel.Calls.Stat(kernel.Init, name, buffer).Value, "")).Result == 0;

    private (long Result, string Text) ReadToEnd(int file, ulong buffer)
    {
        var all = new List<byte>();
        long result;
        do
        {
            Attempt attempt = kernel.Calls.Read(kernel.Init, file, buffer, BufferBytes);
            result = attempt.IsBlocked ? -(long)Errno.EAGAIN : attempt.Value;
            all.AddRange(Bytes(buffer, result));
        } while (result > 0 && all.Count < MaximumFileBytes);

        kernel.Calls.Close(kernel.Init, file);
        return (Math.Min(result, 0), Encoding.UTF8.GetString([.. all]));
    }

    private byte[] Bytes(ulong buffer, long length)
    {
        byte[] bytes = new byte[Math.Max(0, length)];
        kernel.Init.Memory.TryRead(buffer, bytes);
        return bytes;
    }

    private (long Result, string Text) WithBuffer(string path, Func<ulong, ulong, (long, string)> look)
    {
        const ulong Room = 3 * BufferBytes;
        const Protection Both = Protection.Read | Protection.Write;
        const MapFlags Anonymous = MapFlags.Private | MapFlags.Anonymous;
        ulong buffer = (ulong)kernel.Calls.Mmap(kernel.Init, 0, Room, Both, Anonymous, -1, 0).Value;
        byte[] name = Encoding.UTF8.GetBytes(path + "\0");
        kernel.Init.Memory.TryWrite(buffer + BufferBytes, name.AsSpan(0, Math.Min(name.Length, 2 * BufferBytes)));
        (long, string) found = look(buffer + BufferBytes, buffer);
        kernel.Calls.Munmap(kernel.Init, buffer, Room);
        return found;
    }
}
