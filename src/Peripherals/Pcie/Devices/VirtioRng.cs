using Emulator.Machine;

namespace Emulator.Peripherals;

/// <summary>
/// A virtio entropy source (Virtual I/O Device 1.2, 4.1), as QEMU's <c>virtio-rng-pci</c>: configuration space only. Behind a port
/// it is a modern express function (1af4:1044), integrated in the root complex a transitional conventional one (1af4:1005).
/// </summary>
public sealed class VirtioRng : StandInEndpoint
{
    private const uint MsixPending = 0x800;
    private const int Vectors = 2;
    private const int MsixBar = 1;
    private const int DeviceBar = 4;

    /// <summary>Makes the function.</summary>
    public VirtioRng(DeviceContext context)
        : base(context, Layout)
    {
        if (!IsModern(Function.Bus))
        {
            AddBar(0, PciBarKind.Io, 0x20, Unmodelled(0));
        }

        AddBar(MsixBar, PciBarKind.Memory32, 0x1000, new MsixTable(this, Vectors, 0, MsixPending, Unmodelled(MsixBar)));
        AddBar(DeviceBar, PciBarKind.Memory64, 0x4000, Unmodelled(DeviceBar), isPrefetchable: true);
        Reset();
    }

    private static bool IsModern(PciBus bus) => bus.IsExpress && bus.Bridge is not null;

    private static ConfigurationLayout Layout(PciPlace place) =>
        IsModern(place.Bus) ? ModernLayout(place) : TransitionalLayout(place);

    private static ConfigurationLayout ModernLayout(PciPlace place) =>
        Headers
            .Endpoint(
                new PciIdentity(0x1AF4, 0x1044, 0x00FF00, 1, QemuSubsystem.Vendor, QemuSubsystem.Device),
                isExpress: true,
                interruptPin: 1,
                place.IsMultiFunction
            )
            .AddExpress(
                0x40,
                new ExpressCapability
                {
                    Type = place.EndpointType,
                    DeviceCapabilities = ExpressCapability.RoleBasedErrors | ExpressCapability.FunctionLevelReset,
                    DeviceControlWritable =
                        ExpressCapability.ErrorReporting | ExpressCapability.FunctionLevelResetTrigger,
                    LinkControlWritable = 0xC0,
                }
            )
            .AddPowerManagement(0x7C, capabilities: 0x0003)
            .AddVirtio(0x84)
            .AddMsix(0xDC, Vectors, MsixBar, tableAt: 0, MsixPending);

    private static ConfigurationLayout TransitionalLayout(PciPlace place) =>
        Headers
            .Endpoint(
                new PciIdentity(0x1AF4, 0x1005, 0x00FF00, 0, QemuSubsystem.Vendor, 4),
                isExpress: false,
                interruptPin: 1,
                place.IsMultiFunction
            )
            .AddVirtio(0x40)
            .AddMsix(0x98, Vectors, MsixBar, tableAt: 0, MsixPending);
}

/// <summary>The vendor capabilities by which a virtio device says where its structures are (Virtual I/O Device 1.2, 4.1.4).</summary>
internal static class VirtioCapabilities
{
    private const byte Bar = 4;

    /// <summary>Common configuration, ISR, device configuration, notifications, and the window of configuration cycles.</summary>
    public static ConfigurationLayout AddVirtio(this ConfigurationLayout layout, int at)
    {
        AddStructure(layout, at, type: 1, offset: 0x0000);
        AddStructure(layout, at + 0x10, type: 3, offset: 0x1000);
        AddStructure(layout, at + 0x20, type: 4, offset: 0x2000);
        const byte NotifyMultiplier = 4;
        AddStructure(layout, at + 0x30, type: 2, offset: 0x3000, NotifyMultiplier, 0, 0, 0);
        const int Window = 0x44;
        layout.AddVendor(at + Window, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        layout.Set8(at + Window + 4, 0, writable: 0xFF);
        layout.Set32(at + Window + 8, 0, writable: 0xFFFF_FFFF);
        layout.Set32(at + Window + 12, 0, writable: 0xFFFF_FFFF);
        return layout.Set32(at + Window + 16, 0, writable: 0xFFFF_FFFF);
    }

    private static void AddStructure(
        ConfigurationLayout layout,
        int at,
        byte type,
        int offset,
        params ReadOnlySpan<byte> more
    )
    {
        const byte Length = 0x10;
        layout.AddVendor(at, [type, Bar, 0, 0, 0, 0, (byte)(offset >> 8), 0, 0, 0, Length, 0, 0, .. more]);
    }
}
