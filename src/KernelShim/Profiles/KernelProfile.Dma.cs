namespace Emulator.KernelShim;

/// <content>What differs in the DMA engine and the PL330 driver. The defaults are those of 6.12.</content>
public sealed partial record KernelProfile
{
    /// <summary>Whether the PL330 driver is built in (CONFIG_PL330_DMA).</summary>
    public bool HasPl330Driver { get; init; } = true;

    /// <summary>
    /// Whether the PL330 driver logs the peripheral ID in hexadecimal (<c>DMAC-341330</c>); 3.x printed it in decimal.
    /// </summary>
    public bool Pl330LogsHexadecimalId { get; init; } = true;

    /// <summary>
    /// How many bits the PL330 driver keeps of the number of MFIFO lines (pl330_config.data_buf_dep): 11, so that 1024 fit.
    /// 3.x had 10, in which 1024 lines become 0.
    /// </summary>
    public int Pl330BufferDepthBits { get; init; } = 11;

    /// <summary>
    /// Whether the PL330 driver chooses beats that both addresses are multiples of, and single beats below the width of the
    /// bus (pl330_prep_dma_memcpy since 3.18). Before, the length alone decided.
    /// </summary>
    public bool Pl330AlignsBeats { get; init; } = true;

    /// <summary>Whether dma_sync_wait names the device when time is up (5.x); before, <c>dmaengine:</c>.</summary>
    public bool DmaEngineLogsDevice { get; init; } = true;
}
