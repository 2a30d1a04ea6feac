using System.Numerics;

namespace Emulator.KernelShim;

/// <summary>What drivers of IOMMUs work out in the same way.</summary>
internal static class IommuPieces
{
    /// <summary>The size of the piece that iommu_map takes next (iommu_pgsize).</summary>
    /// <param name="pageSizes">The page sizes, each a bit.</param>
    /// <param name="addresses">The addresses, or-ed, to whose alignment it is bound.</param>
    /// <param name="lengthBytes">How much is left.</param>
    public static ulong Next(ulong pageSizes, ulong addresses, ulong lengthBytes)
    {
        ulong fitting = pageSizes & ((2UL << BitOperations.Log2(lengthBytes)) - 1);
        if (addresses != 0)
        {
            ulong aligned = addresses & (0 - addresses);
            fitting &= aligned | (aligned - 1);
        }

        return 1UL << BitOperations.Log2(fitting);
    }

    /// <summary>What a size field of an SMMU's identification registers stands for, in bits (arm_smmu_id_size_to_bits).</summary>
    public static int AddressBits(uint size) =>
        size switch
        {
            0 => 32,
            1 => 36,
            2 => 40,
            3 => 42,
            4 => 44,
            _ => 48,
        };
}
