using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>The upstream port of a TI X3130 switch (104c:8232), as QEMU's <c>x3130-upstream</c>.</summary>
public sealed class X3130UpstreamPort : ExpressPort
{
    /// <summary>Makes the port and the downstream ports behind it.</summary>
    public X3130UpstreamPort(DeviceContext context)
        : base(context, Layout) => PlugIn(context);

    private static ConfigurationLayout Layout(PciPlace place) =>
        X3130
            .Begin(0x8232, revision: 2, place)
            .AddExpress(
                0x90,
                new ExpressCapability
                {
                    Type = ExpressPortType.UpstreamPort,
                    DeviceCapabilities = X3130.DeviceCapabilities,
                    DeviceControlWritable = X3130.DeviceControl,
                }
            )
            .AddErrorReporting(0x100);
}

/// <summary>
/// A downstream port of a TI X3130 switch (104c:8233), as QEMU's <c>xio3130-downstream</c>: a slot (<c>emulator,slot</c>), and no
/// ACS, like the part. <c>emulator,acs</c> gives it what other switches have.
/// </summary>
public sealed class Xio3130DownstreamPort : ExpressPort
{
    /// <summary>Makes the port and what is plugged into it.</summary>
    public Xio3130DownstreamPort(DeviceContext context)
        : base(context, place => Layout(context, place)) => PlugIn(context);

    private static ConfigurationLayout Layout(DeviceContext context, PciPlace place)
    {
        ConfigurationLayout layout = X3130
            .Begin(0x8233, revision: 1, place)
            .AddExpress(
                0x90,
                new ExpressCapability
                {
                    Type = ExpressPortType.DownstreamPort,
                    DeviceCapabilities = X3130.DeviceCapabilities,
                    DeviceControlWritable = X3130.DeviceControl,
                    LinkCapabilities = 0x400,
                    Slot = (int)context.Cell("emulator,slot", 0),
                    DeviceCapabilities2 = ExpressCapability.EndToEndPrefixes | ExpressCapability.AriForwarding,
                }
            )
            .AddErrorReporting(0x100);
        return context.Has("emulator,acs") ? layout.AddAccessControl(0x148, X3130.AllServices) : layout;
    }
}

/// <summary>What both kinds of ports of the switch have in common.</summary>
internal static class X3130
{
    public const uint DeviceCapabilities = ExpressCapability.RoleBasedErrors | ExpressCapability.FunctionLevelReset;

    public const int DeviceControl = ExpressCapability.ErrorReporting | ExpressCapability.FunctionLevelResetTrigger;

    public const AccessControl AllServices =
        AccessControl.SourceValidation
        | AccessControl.TranslationBlocking
        | AccessControl.RequestRedirect
        | AccessControl.CompletionRedirect
        | AccessControl.UpstreamForwarding
        | AccessControl.DirectTranslated;

    public static ConfigurationLayout Begin(ushort deviceId, byte revision, PciPlace place) =>
        Headers
            .Bridge(
                new PciIdentity(0x104C, deviceId, 0x060400, revision),
                isExpress: true,
                isPort: true,
                interruptPin: 0,
                place.IsMultiFunction
            )
            .AddMsi(0x70, vectors: 1, is64Bit: true, isMaskable: false)
            .AddSubsystemId(0x80, 0, 0);
}
