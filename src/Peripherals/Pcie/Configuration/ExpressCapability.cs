namespace Emulator.Peripherals;

/// <summary>Device/Port Type of the PCI Express Capabilities register (PCI Express Base 7.5.3.2).</summary>
public enum ExpressPortType
{
    /// <summary>PCI Express endpoint.</summary>
    Endpoint = 0,

    /// <summary>Legacy PCI Express endpoint.</summary>
    LegacyEndpoint = 1,

    /// <summary>Root port of a root complex.</summary>
    RootPort = 4,

    /// <summary>Upstream port of a switch.</summary>
    UpstreamPort = 5,

    /// <summary>Downstream port of a switch.</summary>
    DownstreamPort = 6,

    /// <summary>PCI Express to PCI/PCI-X bridge.</summary>
    ToConventionalBridge = 7,

    /// <summary>PCI/PCI-X to PCI Express bridge.</summary>
    FromConventionalBridge = 8,

    /// <summary>Endpoint integrated in a root complex.</summary>
    IntegratedEndpoint = 9,

    /// <summary>Event collector of a root complex.</summary>
    EventCollector = 10,
}

/// <summary>A PCI Express capability: what differs from part to part. The rest is as the specification asks.</summary>
public sealed record ExpressCapability
{
    /// <summary>What the function is.</summary>
    public required ExpressPortType Type { get; init; }

    /// <summary>1 or 2; version 1 of an endpoint ends after the link registers.</summary>
    public int Version { get; init; } = 2;

    /// <summary>Device Capabilities; role-based error reporting at least.</summary>
    public uint DeviceCapabilities { get; init; } = RoleBasedErrors;

    /// <summary>What of Device Control software may write.</summary>
    public int DeviceControlWritable { get; init; }

    /// <summary>Link Capabilities.</summary>
    public uint LinkCapabilities { get; init; } = 0x411;

    /// <summary>What of Link Control software may write.</summary>
    public int LinkControlWritable { get; init; }

    /// <summary>Link Status: negotiated width and speed.</summary>
    public int LinkStatus { get; init; } = 0x11;

    /// <summary>The physical slot's number; null where the port has no slot.</summary>
    public int? Slot { get; init; }

    /// <summary>Device Capabilities 2.</summary>
    public uint DeviceCapabilities2 { get; init; } = EndToEndPrefixes;

    /// <summary>Link Capabilities 2: supported speeds.</summary>
    public uint LinkCapabilities2 { get; init; }

    /// <summary>Link Control 2: target speed.</summary>
    public int LinkControl2 { get; init; }

    internal const uint RoleBasedErrors = 1 << 15;
    internal const uint FunctionLevelReset = 1 << 28;
    internal const uint EndToEndPrefixes = 3 << 20;
    internal const uint AriForwarding = 1 << 5;
    internal const int FunctionLevelResetTrigger = 1 << 15;

    /// <summary>Correctable, non-fatal, fatal and unsupported-request reporting.</summary>
    internal const int ErrorReporting = 0xF;
}

/// <summary>Places the PCI Express capability (PCI Express Base 7.5.3).</summary>
public static class ExpressCapabilityLayout
{
    internal const int DeviceCapabilities = 0x04;
    internal const int DeviceControl = 0x08;
    internal const int DeviceStatus = 0x0A;
    internal const int LinkCapabilities = 0x0C;
    internal const int LinkControl = 0x10;
    internal const int LinkStatus = 0x12;
    internal const int SlotCapabilities = 0x14;
    internal const int SlotControl = 0x18;
    internal const int SlotStatus = 0x1A;
    internal const int RootControl = 0x1C;
    internal const int DeviceCapabilities2 = 0x24;
    internal const int DeviceControl2 = 0x28;
    internal const int LinkCapabilities2 = 0x2C;
    internal const int LinkControl2 = 0x30;

    /// <summary>Attention button, power controller, attention and power indicators, surprise, hot-plug, interlock.</summary>
    private const uint FullSlot = 0x0002_007B;

    /// <summary>Enables of button, presence, command completed and the interrupt; both indicators; power; interlock.</summary>
    private const int SlotControlWritable = 0x0FF9;

    /// <summary>Button, presence and command completed.</summary>
    private const int SlotStatusCleared = 0x0019;

    /// <summary>Adds the capability.</summary>
    public static ConfigurationLayout AddExpress(this ConfigurationLayout layout, int at, ExpressCapability express)
    {
        ArgumentNullException.ThrowIfNull(layout);
        ArgumentNullException.ThrowIfNull(express);
        layout.LinkCapability(CapabilityId.Express, at);
        layout.ExpressAt = at;
        int slotBit = express.Slot is null ? 0 : 0x100;
        layout.Set16(at + 2, express.Version | ((int)express.Type << 4) | slotBit);
        layout.Set32(at + DeviceCapabilities, express.DeviceCapabilities);
        layout.Set16(at + DeviceControl, 0, express.DeviceControlWritable);
        bool reports = (express.DeviceControlWritable & ExpressCapability.ErrorReporting) != 0;
        layout.Set16(at + DeviceStatus, 0, clearedByOne: reports ? ExpressCapability.ErrorReporting : 0);
        layout.Set32(at + LinkCapabilities, express.LinkCapabilities);
        layout.Set16(at + LinkControl, 0, express.LinkControlWritable);
        layout.Set16(at + LinkStatus, express.LinkStatus);
        if (express.Version < 2)
        {
            return layout;
        }

        if (express.Slot is { } slot)
        {
            layout.Set32(at + SlotCapabilities, FullSlot | ((uint)slot << 19));
            layout.Set16(at + SlotControl, 0, SlotControlWritable);
            layout.Set16(at + SlotStatus, 0, clearedByOne: SlotStatusCleared);
        }

        if (express.Type == ExpressPortType.RootPort)
        {
            layout.Set16(at + RootControl, 0, writable: 0x7);
        }

        bool forwards = (express.DeviceCapabilities2 & ExpressCapability.AriForwarding) != 0;
        layout.Set32(at + DeviceCapabilities2, express.DeviceCapabilities2);
        layout.Set16(at + DeviceControl2, 0, writable: 0x8000 | (forwards ? 0x20 : 0));
        layout.Set32(at + LinkCapabilities2, express.LinkCapabilities2);
        return layout.Set16(at + LinkControl2, express.LinkControl2);
    }
}
