namespace Emulator.KernelShim;

/// <summary>
/// The drivers of virtio and NVMe functions as far as the PCI core sees them: they take their functions, enable decoding and
/// bus mastering, and do nothing with the device behind.
/// </summary>
internal sealed class PciClassDriver(
    Kernel kernel,
    string name,
    string? module,
    IReadOnlyList<PciDeviceId> ids,
    bool decodesIo,
    bool hasSriov
) : PciDriver
{
    private static readonly PciDeviceId[] VirtioIds = [new(0x1AF4, null)];
    private static readonly PciDeviceId[] SerialIds = [new(null, null, Class: 0x0700_00, ClassMask: 0xFF_FF00)];
    private static readonly PciDeviceId[] PericomIds =
    [
        .. new uint[] { 0x7951, 0x7952, 0x7954, 0x7958 }.Select(device => new PciDeviceId(0x12D8, device)),
    ];

    /// <summary>nvme_id_table: every controller of the class.</summary>
    public static IReadOnlyList<PciDeviceId> NvmeIds { get; } =
    [new(null, null, Class: 0x0108_02, ClassMask: 0xFF_FFFF)];

    public override string Name => name;

    public override string? Module => module;

    public override IReadOnlyList<PciDeviceId> Ids => ids;

    public override Func<PciDevice, int, long>? ConfigureSriov => hasSriov ? ConfigureSimple : null;

    /// <summary>virtio-pci (drivers/virtio/virtio_pci_common.c).</summary>
    public static PciClassDriver Virtio(Kernel kernel) =>
        new(kernel, "virtio-pci", null, VirtioIds, decodesIo: true, hasSriov: false);

    /// <summary>serial (drivers/tty/serial/8250/8250_pci.c): cards of serial ports, of which no board has one.</summary>
    public static PciClassDriver Serial(Kernel kernel) =>
        new(kernel, "serial", null, SerialIds, decodesIo: true, hasSriov: false);

    /// <summary>8250_pericom (drivers/tty/serial/8250/8250_pericom.c).</summary>
    public static PciClassDriver Pericom(Kernel kernel) =>
        new(kernel, "8250_pericom", null, PericomIds, decodesIo: true, hasSriov: false);

    /// <summary>nvme (drivers/nvme/host/pci.c).</summary>
    public static PciClassDriver Nvme(Kernel kernel) =>
        new(kernel, "nvme", "nvme", NvmeIds, decodesIo: false, hasSriov: true);

    public override long Probe(PciDevice device)
    {
        long error = decodesIo ? kernel.Pci.Enable(device) : kernel.Pci.EnableMemory(device);
        if (error != 0)
        {
            return error;
        }

        kernel.Pci.SetMaster(device);
        kernel.Pci.Messages.TryEnable(device, 2, out _);
        return 0;
    }

    public override void Remove(PciDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (device.Sriov is { Functions.Count: > 0 } sriov)
        {
            sriov.Disable();
        }

        kernel.Pci.Messages.Disable(device);
        kernel.Pci.Disable(device);
    }

    /// <summary>pci_sriov_configure_simple.</summary>
    private static long ConfigureSimple(PciDevice device, int count)
    {
        if (count == 0)
        {
            device.Sriov!.Disable();
            return 0;
        }

        long error = device.Sriov!.Enable(count);
        return error == 0 ? count : error;
    }
}
