using System.Buffers.Binary;
using Emulator.KernelShim;
using Emulator.Machine;

namespace Emulator.Userland;

/// <content>Threads, eventfds, select and poll.</content>
public sealed partial class Libc
{
    private const ulong ThreadStackBytes = 8 << 20;
    private const int SelectBytes = 128;

    /// <summary>
    /// pthread_create(3): a stack with a guard page, then clone(2). The thread has the memory and the descriptors of the
    /// process, and ends with it at the latest.
    /// </summary>
    /// <param name="body">What it runs, with a library of its own, for each thread has its own stack.</param>
    /// <returns>0, or an errno.</returns>
    public async Task<long> CreateThread(Func<Libc, Task> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        const Protection Both = Protection.Read | Protection.Write;
        long stack = await Mmap(ThreadStackBytes, Both, MapFlags.Private | MapFlags.Anonymous);
        if (stack < 0)
        {
            return (long)Errno.EAGAIN;
        }

        await Mprotect((ulong)stack, PageBytes, Protection.None);
        ulong scratch = (ulong)stack + ThreadStackBytes - ScratchBytes;
        long id = await Call(_ => _calls.Clone(_process, thread => RunThread(thread, scratch, body)));
        return id < 0 ? -id : 0;
    }

    /// <summary>eventfd(2).</summary>
    public Task<long> EventFd(uint initial, int flags) => Call(_ => _calls.EventFd(_process, initial, flags));

    /// <summary>
    /// select(2) for reading, without a time-out: how many of the descriptors can be read, and which; a negative errno.
    /// </summary>
    public async Task<(long Result, IReadOnlyList<int> Ready)> Select(IReadOnlyCollection<int> readers)
    {
        ArgumentNullException.ThrowIfNull(readers);
        ulong buffer = _scratch + ChunkBytes;
        byte[] set = new byte[SelectBytes];
        foreach (int descriptor in readers)
        {
            set[descriptor / 8] |= (byte)(1 << (descriptor % 8));
        }

        _process.Memory.TryWrite(buffer, set);
        int count = readers.Count == 0 ? 0 : readers.Max() + 1;
        long result = await Call(_ => _calls.Select(_process, count, buffer, 0, 0, VirtualTime.Never));
        set = Get(buffer, SelectBytes);
        return (result, [.. readers.Where(descriptor => (set[descriptor / 8] >> (descriptor % 8) & 1) != 0)]);
    }

    /// <summary>poll(2): the events of each descriptor; an absolute virtual time ends it.</summary>
    public async Task<(long Result, IReadOnlyList<PollEvents> Events)> Poll(
        IReadOnlyList<(int Descriptor, PollEvents Wanted)> descriptors,
        long deadline = VirtualTime.Never
    )
    {
        ArgumentNullException.ThrowIfNull(descriptors);
        ulong buffer = _scratch + ChunkBytes;
        byte[] array = new byte[8 * descriptors.Count];
        for (int n = 0; n < descriptors.Count; n++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(array.AsSpan(8 * n), descriptors[n].Descriptor);
            BinaryPrimitives.WriteInt16LittleEndian(array.AsSpan(8 * n + 4), (short)descriptors[n].Wanted);
        }

        _process.Memory.TryWrite(buffer, array);
        long result = await Call(_ => _calls.Poll(_process, buffer, descriptors.Count, deadline));
        array = Get(buffer, array.Length);
        return (
            result,
            [
                .. Enumerable
                    .Range(0, descriptors.Count)
                    .Select(n => (PollEvents)BinaryPrimitives.ReadInt16LittleEndian(array.AsSpan(8 * n + 6))),
            ]
        );
    }

    private async Task RunThread(SimulatedProcess thread, ulong scratch, Func<Libc, Task> body)
    {
        try
        {
            await body(new Libc(this, thread, scratch));
        }
        catch (ExitException exit)
        {
            _process.Exit((exit.Status & 0xFF) << 8);
        }
        catch (KilledException killed)
        {
            // A signal that ends one thread ends the process.
            _process.Exit(killed.Signal);
        }
    }
}
