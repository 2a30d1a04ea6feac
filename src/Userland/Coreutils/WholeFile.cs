using Emulator.KernelShim;

namespace Emulator.Userland;

/// <summary>Files read whole, where a program needs them so: no more than the largest file there is, for /dev/zero has no end.</summary>
internal static class WholeFile
{
    private const int ChunkBytes = 64 << 10;

    /// <summary>Reads to the end; the negative errno of the first failing read instead, -EFBIG when there is no end.</summary>
    public static async Task<(long Result, byte[] Data)> Read(Libc libc, long descriptor)
    {
        var all = new List<byte>();
        while (all.Count <= RegularInode.MaximumBytes)
        {
            (long result, byte[] data) = await libc.Read(descriptor, ChunkBytes);
            if (result <= 0)
            {
                return (result < 0 ? result : all.Count, all.ToArray());
            }

            all.AddRange(data);
        }

        return (-(long)Errno.EFBIG, []);
    }
}
