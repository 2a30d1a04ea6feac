namespace Emulator.Userland;

/// <content>Reads and writes at a position.</content>
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
}
