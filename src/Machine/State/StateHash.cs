namespace Emulator.Machine;

/// <summary>
/// FNV-1a, 64 bits. The runtime's own hash is seeded per process, so that two runs would differ;
/// this one is the same on every run and host.
/// </summary>
public static class StateHash
{
    /// <summary>The hash of nothing (the FNV-1a offset basis).</summary>
    public const ulong Seed = 0xCBF2_9CE4_8422_2325;

    private const ulong Prime = 0x0000_0100_0000_01B3;

    /// <summary>Folds bytes into a hash.</summary>
    public static ulong Fold(ulong hash, ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes)
        {
            hash = (hash ^ value) * Prime;
        }

        return hash;
    }

    /// <summary>The hash of some bytes.</summary>
    public static ulong Of(ReadOnlySpan<byte> bytes) => Fold(Seed, bytes);
}
