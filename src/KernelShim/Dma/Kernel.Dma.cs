namespace Emulator.KernelShim;

/// <content>The DMA engine.</content>
public sealed partial class Kernel
{
    private DmaEngine? _dma;

    /// <summary>The DMA engine core; it begins when it is first asked for (dma_bus_init).</summary>
    public DmaEngine Dma => _dma ??= new DmaEngine(this);
}
