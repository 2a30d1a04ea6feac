using System.Buffers.Binary;
using Emulator.KernelShim;
using Emulator.Machine;

namespace Emulator.Userland;

/// <content>Calls of programs that drive devices.</content>
public sealed partial class Libc
{
    /// <summary>pread(2) of at most 64 KiB.</summary>
    public async Task<(long Result, byte[] Data)> PRead(long descriptor, int count, long position)
    {
        ulong buffer = _scratch + ChunkBytes;
        int length = Math.Min(count, ChunkBytes);
        long result = await Call(_ => _calls.PRead(_process, (int)descriptor, buffer, length, position));
        return (result, result > 0 ? Get(buffer, (int)result) : []);
    }

    /// <summary>pwrite(2) of at most 64 KiB.</summary>
    public Task<long> PWrite(long descriptor, ReadOnlySpan<byte> data, long position)
    {
        ulong buffer = _scratch + ChunkBytes;
        int length = Math.Min(data.Length, ChunkBytes);
        _process.Memory.TryWrite(buffer, data[..length]);
        return Call(_ => _calls.PWrite(_process, (int)descriptor, buffer, length, position));
    }

    /// <summary>eventfd2(2).</summary>
    public Task<long> EventFd(uint initial, int flags) => Call(_ => _calls.EventFd(_process, initial, flags));

    /// <summary>poll(2) of one descriptor for reading, for so many picoseconds: 1 when it is ready, 0 when time is up.</summary>
    public Task<long> PollRead(long descriptor, long patience)
    {
        const short PollIn = 1;
        byte[] entry = new byte[8];
        BinaryPrimitives.WriteInt32LittleEndian(entry, (int)descriptor);
        BinaryPrimitives.WriteInt16LittleEndian(entry.AsSpan(4), PollIn);
        ulong buffer = _scratch + ChunkBytes;
        _process.Memory.TryWrite(buffer, entry);
        long deadline = VirtualTime.Add(_process.Kernel.Simulation.Now, patience);
        return Call(_ => _calls.Poll(_process, buffer, 1, deadline));
    }
}
