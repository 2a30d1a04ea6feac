using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// What a description of a PCI function can say, where nobody knows more: <c>emulator,ids</c> (vendor, device),
/// <c>emulator,class</c> (24 bits), <c>emulator,express-type</c> (none: conventional), <c>emulator,acs</c> (capability and control word).
/// </summary>
internal static class FunctionDescription
{
    private const int ExpressAt = 0x40;
    private const int AccessControlAt = 0x100;

    public static bool IsExpress(DeviceContext context) => context.Has("emulator,express-type");

    public static PciIdentity Identity(DeviceContext context)
    {
        uint[] ids = context.Cells("emulator,ids") is [var vendor, var device] ? [vendor, device] : [0x1234, 0x0001];
        return new PciIdentity((ushort)ids[0], (ushort)ids[1], context.Cell("emulator,class", 0x00FF00));
    }

    public static ConfigurationLayout Complete(ConfigurationLayout layout, DeviceContext context)
    {
        if (!IsExpress(context))
        {
            return layout;
        }

        var type = (ExpressPortType)context.Cell("emulator,express-type", 0);
        layout.AddExpress(ExpressAt, new ExpressCapability { Type = type });
        if (context.Cells("emulator,acs") is not [var capability, var control])
        {
            return layout;
        }

        layout.AddAccessControl(AccessControlAt, (AccessControl)capability);
        return layout.Set16(AccessControlAt + 6, (int)control, writable: (int)capability);
    }
}

/// <summary>A function of which only a description is known; it has one window of 4 KiB, so that others can reach for it.</summary>
public sealed class DescribedFunction : PciModel<PciNoState>
{
    /// <summary>Makes the function.</summary>
    public DescribedFunction(DeviceContext context)
        : base(
            context,
            place =>
                FunctionDescription.Complete(
                    Headers.Endpoint(
                        FunctionDescription.Identity(context),
                        FunctionDescription.IsExpress(context),
                        interruptPin: 0,
                        place.IsMultiFunction
                    ),
                    context
                )
        )
    {
        AddBar(0, PciBarKind.Memory32, 0x1000, new UnmodelledMemory(Name, "BAR 0", Trace));
        Reset();
    }
}

/// <summary>A bridge or port of which only a description is known.</summary>
public sealed class DescribedBridge : PciBridgeModel<PciNoState>
{
    /// <summary>Makes the bridge and what is behind it.</summary>
    public DescribedBridge(DeviceContext context)
        : base(
            context,
            isSecondaryExpress: IsSecondaryExpress(context),
            place =>
                FunctionDescription.Complete(
                    Headers.Bridge(
                        FunctionDescription.Identity(context),
                        FunctionDescription.IsExpress(context),
                        isPort: IsSecondaryExpress(context),
                        interruptPin: 0,
                        place.IsMultiFunction
                    ),
                    context
                )
        ) => PlugIn(context);

    private static bool IsSecondaryExpress(DeviceContext context) =>
        FunctionDescription.IsExpress(context)
        && (ExpressPortType)context.Cell("emulator,express-type", 0) != ExpressPortType.ToConventionalBridge;
}
