namespace Emulator.Iommu;

/// <summary>Which part of the family a model is. The choices an integrator makes are in <see cref="SmmuParameters"/>.</summary>
/// <param name="Name">The manual's name.</param>
/// <param name="Version">The architecture: 1 for SMMUv1, 2 for SMMUv2.</param>
/// <param name="HasStage1">Whether context banks can do stage 1, and nest it in stage 2.</param>
/// <param name="Has64KiBGranule">Whether tables may have a 64 KiB granule.</param>
/// <param name="HasReadOnlyControls">
/// The quirks of MMU-500: sCR0.SMCFCFG is fixed at 1, GCFGFRE, GCFGFIE, GSE and STALLD at 0, TCR2.TBI0 and TBI1 at 1, and
/// CBn_ACTLR is locked until sACR.CACHE_LOCK is cleared (fact sheet 2.2, 2.4, 3.2).
/// </param>
/// <param name="Identification">PIDR0, PIDR1, PIDR2.</param>
/// <param name="Revision">IDR7.</param>
public sealed record SmmuPart(
    string Name,
    int Version,
    bool HasStage1,
    bool Has64KiBGranule,
    bool HasReadOnlyControls,
    (byte First, byte Second, byte Third) Identification,
    uint Revision
)
{
    /// <summary>CoreLink MMU-400 (Arm DDI 0472): SMMUv1, stage 2 only, 40-bit addresses, 4 KiB granule.</summary>
    public static SmmuPart Mmu400 { get; } = new("SMMU-400", 1, false, false, false, (0x80, 0xB4, 0x0B), 0);

    /// <summary>CoreLink MMU-401 (Arm DDI 0521): MMU-400 with tables of a 64 KiB granule beside those of 4 KiB.</summary>
    public static SmmuPart Mmu401 { get; } = new("MMU-401", 1, false, true, false, (0x80, 0xB4, 0x0B), 0);

    /// <summary>CoreLink MMU-500 (Arm DDI 0517): SMMUv2, both stages and nesting.</summary>
    public static SmmuPart Mmu500 { get; } = new("MMU-500", 2, true, true, true, (0x81, 0xB4, 0x1B), 0x21);

    /// <summary>What Arm IHI 0062 describes, without any part's quirks, and with address translation operations.</summary>
    public static SmmuPart Version2 { get; } = new("SMMUv2", 2, true, true, false, (0x81, 0xB4, 0x1B), 0);
}
