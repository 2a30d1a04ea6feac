namespace Emulator.KernelShim;

/// <summary>pci-stub: takes a function so that nobody else does (drivers/pci/pci-stub.c).</summary>
public sealed class PciStubDriver(Kernel kernel) : PciDriver
{
    /// <inheritdoc/>
    public override string Name => "pci-stub";

    /// <inheritdoc/>
    public override string Module => "pci_stub";

    /// <inheritdoc/>
    public override IReadOnlyList<PciDeviceId> Ids => [];

    /// <summary>Functions under it do no DMA of the host's (driver_managed_dma).</summary>
    public override bool ManagesDma => true;

    /// <inheritdoc/>
    public override long Probe(PciDevice device)
    {
        kernel.Pci.Info(device, "claimed by stub");
        return 0;
    }

    /// <inheritdoc/>
    public override void Remove(PciDevice device) { }
}
