using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// A PCI Express to PCI bridge, as QEMU's <c>pcie-pci-bridge</c> (1b36:000e): a shared conventional bus behind an express
/// function, with a hot-plug controller.
/// </summary>
public sealed class ExpressToPciBridge : HotPlugBridge
{
    /// <summary>Makes the bridge and what is on its bus.</summary>
    public ExpressToPciBridge(DeviceContext context)
        : base(context, Layout) => PlugIn(context);

    private static ConfigurationLayout Layout(PciPlace place) =>
        Headers
            .Bridge(
                new PciIdentity(0x1B36, 0x000E, 0x060400),
                isExpress: true,
                isPort: false,
                interruptPin: 1,
                place.IsMultiFunction
            )
            .AddHotPlugController(0x40)
            .AddExpress(
                0x48,
                new ExpressCapability
                {
                    Type = ExpressPortType.ToConventionalBridge,
                    DeviceControlWritable = ExpressCapability.ErrorReporting,
                    DeviceCapabilities2 = ExpressCapability.EndToEndPrefixes | ExpressCapability.AriForwarding,
                }
            )
            .AddPowerManagement(0x84, capabilities: 0x0003)
            .AddMsi(0x8C, vectors: 1, is64Bit: true, isMaskable: true)
            .AddErrorReporting(0x100, recordsSeveralHeaders: false);
}

/// <summary>
/// A conventional PCI-PCI bridge with a hot-plug controller, as QEMU's <c>pci-bridge</c> (1b36:0001). <c>emulator,chassis</c> is
/// its number.
/// </summary>
public sealed class PciToPciBridge : HotPlugBridge
{
    /// <summary>Makes the bridge and what is on its bus.</summary>
    public PciToPciBridge(DeviceContext context)
        : base(context, place => Layout(context, place)) => PlugIn(context);

    private static ConfigurationLayout Layout(DeviceContext context, PciPlace place) =>
        Headers
            .Bridge(
                new PciIdentity(0x1B36, 0x0001, 0x060400),
                isExpress: false,
                isPort: false,
                interruptPin: 1,
                place.IsMultiFunction
            )
            .AddHotPlugController(0x40)
            .AddSlotIdentification(0x48, (byte)context.Cell("emulator,chassis", 0))
            .AddMsi(0x4C, vectors: 1, is64Bit: true, isMaskable: true);
}

/// <summary>
/// The PCI bridge of Intel's I/O controller hub (8086:244e), as QEMU's <c>i82801b11-bridge</c>: a conventional function of the
/// root complex. It says that it decodes subtractively.
/// </summary>
public sealed class IchPciBridge : PciBridgeModel<PciNoState>
{
    /// <summary>Makes the bridge and what is on its bus.</summary>
    public IchPciBridge(DeviceContext context)
        : base(context, isSecondaryExpress: false, Layout) => PlugIn(context);

    private static ConfigurationLayout Layout(PciPlace place) =>
        Headers
            .Bridge(
                new PciIdentity(0x8086, 0x244E, 0x060401, RevisionId: 0x92),
                isExpress: false,
                isPort: false,
                interruptPin: 0,
                place.IsMultiFunction
            )
            .AddSubsystemId(0x50, 0, 0);
}
