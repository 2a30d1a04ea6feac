using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// A generic root port, as QEMU's <c>pcie-root-port</c> (1b36:000c; capabilities as QEMU 7.2 shows them): a slot of 16 GT/s
/// and 32 lanes, MSI-X, AER, ACS. <c>emulator,no-acs</c> leaves ACS out, <c>emulator,slot</c> is the slot's number.
/// </summary>
public sealed class GenericRootPort : ExpressPort, IMsixOwner
{
    private const int MsixPending = 0x800;

    /// <summary>Makes a root port and what is plugged into it.</summary>
    public GenericRootPort(DeviceContext context)
        : base(context, place => Layout(context, place))
    {
        var rest = new UnmodelledMemory(Name, "BAR 0", Trace);
        AddBar(0, PciBarKind.Memory32, 0x1000, new MsixTable(this, 1, 0, MsixPending, rest));
        PlugIn(context);
    }

    ref PciMsixState IMsixOwner.Msix => ref State.Own;

    private static ConfigurationLayout Layout(DeviceContext context, PciPlace place)
    {
        var identity = new PciIdentity(0x1B36, 0x000C, 0x060400);
        ConfigurationLayout layout = Headers
            .Bridge(identity, isExpress: true, isPort: true, interruptPin: 1, place.IsMultiFunction)
            .WithClosedWindows()
            .AddSubsystemId(0x40, 0x1B36, 0)
            .AddMsix(0x48, vectors: 1, bar: 0, tableAt: 0, MsixPending)
            .AddExpress(
                0x54,
                new ExpressCapability
                {
                    Type = ExpressPortType.RootPort,
                    DeviceControlWritable = ExpressCapability.ErrorReporting,
                    LinkCapabilities = 0x0030_0604,
                    Slot = (int)context.Cell("emulator,slot", 0),
                    DeviceCapabilities2 = ExpressCapability.EndToEndPrefixes | ExpressCapability.AriForwarding,
                    LinkCapabilities2 = 0x1E,
                    LinkControl2 = 4,
                }
            )
            .AddErrorReporting(0x100, isRootPort: true);
        return context.Has("emulator,no-acs") ? layout : layout.AddAccessControl(0x148, AllButEgressControl);
    }

    private const AccessControl AllButEgressControl =
        AccessControl.SourceValidation
        | AccessControl.TranslationBlocking
        | AccessControl.RequestRedirect
        | AccessControl.CompletionRedirect
        | AccessControl.UpstreamForwarding
        | AccessControl.DirectTranslated;
}

/// <summary>
/// Root port of Intel's 5520/X58 I/O hub (8086:3420), as QEMU's <c>ioh3420</c>: 2.5 GT/s, one lane, two MSI vectors, no ACS.
/// </summary>
public sealed class Ioh3420RootPort : ExpressPort
{
    /// <summary>Makes a root port and what is plugged into it.</summary>
    public Ioh3420RootPort(DeviceContext context)
        : base(context, place => Layout(context, place)) => PlugIn(context);

    private static ConfigurationLayout Layout(DeviceContext context, PciPlace place) =>
        Headers
            .Bridge(
                new PciIdentity(0x8086, 0x3420, 0x060400, RevisionId: 2),
                isExpress: true,
                isPort: true,
                interruptPin: 1,
                place.IsMultiFunction
            )
            .WithClosedWindows()
            .AddSubsystemId(0x40, 0x8086, 0)
            .AddMsi(0x60, vectors: 2, is64Bit: false, isMaskable: true)
            .AddExpress(
                0x90,
                new ExpressCapability
                {
                    Type = ExpressPortType.RootPort,
                    DeviceControlWritable = ExpressCapability.ErrorReporting,
                    Slot = (int)context.Cell("emulator,slot", 0),
                    DeviceCapabilities2 = ExpressCapability.EndToEndPrefixes | ExpressCapability.AriForwarding,
                }
            )
            .AddErrorReporting(0x100, isRootPort: true);

    /// <summary>The message number of AER is 1 where software grants both messages (Root Error Status, bits 31:27).</summary>
    private protected override void ConfigurationWritten(int offset, int sizeBytes)
    {
        base.ConfigurationWritten(offset, sizeBytes);
        ConfigurationSpace space = Function.Configuration;
        int status = space.Layout.ErrorReportingAt + 0x30;
        uint message = Function.GrantedMessages > 1 ? 1u << 27 : 0;
        space.Set32(status, (space.Get32(status) & 0x07FF_FFFF) | message);
    }
}
