namespace Emulator.Peripherals;

/// <summary>What a function says it is.</summary>
/// <param name="VendorId">Vendor ID.</param>
/// <param name="DeviceId">Device ID.</param>
/// <param name="ClassCode">Base class, subclass and programming interface, 24 bits.</param>
/// <param name="RevisionId">Revision ID.</param>
/// <param name="SubsystemVendorId">Subsystem vendor ID (type 0 only).</param>
/// <param name="SubsystemId">Subsystem ID (type 0 only).</param>
public readonly record struct PciIdentity(
    ushort VendorId,
    ushort DeviceId,
    uint ClassCode,
    byte RevisionId = 0,
    ushort SubsystemVendorId = 0,
    ushort SubsystemId = 0
);

/// <summary>The first 64 bytes, of both header types (facts: PCI Local Bus 3.0, 6.1; PCI-to-PCI Bridge 1.2, 3.2).</summary>
public static class Headers
{
    /// <summary>IO, memory, bus master, SERR# and INTx disable; what else PCI had there is hard-wired to 0 in these parts.</summary>
    private const int CommandWritable = 0x0507;

    private const int StatusCleared = 0xF900;

    /// <summary>Bridge Control of an express port: parity, SERR#, ISA, VGA, secondary bus reset.</summary>
    private const int ExpressBridgeControl = 0x004F;

    /// <summary>Bridge Control of a conventional bridge: 16-bit VGA, master abort, fast back-to-back and discard timers, too.</summary>
    private const int ConventionalBridgeControl = 0x0BFF;

    private const int DiscardTimerStatus = 1 << 10;

    /// <summary>A type 0 header: an endpoint.</summary>
    /// <param name="identity">What it is.</param>
    /// <param name="isExpress">Whether it has 4096 bytes.</param>
    /// <param name="interruptPin">1 to 4 for INTA to INTD, 0 for none.</param>
    /// <param name="isMultiFunction">Bit 7 of the header type.</param>
    public static ConfigurationLayout Endpoint(
        in PciIdentity identity,
        bool isExpress,
        int interruptPin,
        bool isMultiFunction
    )
    {
        var layout = new ConfigurationLayout(Length(isExpress));
        Common(layout, identity, interruptPin, isMultiFunction, headerType: 0);
        layout.Set16(PciRegister.SubsystemVendorId, identity.SubsystemVendorId);
        layout.Set16(PciRegister.SubsystemId, identity.SubsystemId);
        return layout;
    }

    /// <summary>A type 1 header: a bridge or port. I/O windows are 16-bit, prefetchable ones 64-bit.</summary>
    /// <param name="identity">What it is; a bridge tells its subsystem by a capability.</param>
    /// <param name="isExpress">Whether it has 4096 bytes.</param>
    /// <param name="isPort">Whether it is a port of a root complex or switch, whose unused conventional bits are 0.</param>
    /// <param name="interruptPin">1 to 4 for INTA to INTD, 0 for none.</param>
    /// <param name="isMultiFunction">Bit 7 of the header type.</param>
    public static ConfigurationLayout Bridge(
        in PciIdentity identity,
        bool isExpress,
        bool isPort,
        int interruptPin,
        bool isMultiFunction
    )
    {
        var layout = new ConfigurationLayout(Length(isExpress));
        Common(layout, identity, interruptPin, isMultiFunction, headerType: 1);
        int conventional = isPort ? 0 : (int)(PciStatus.Clock66 | PciStatus.FastBackToBack);
        layout.Set16(PciRegister.Status, conventional, clearedByOne: StatusCleared);
        layout.Set32(PciRegister.PrimaryBus, 0, writable: 0xFFFF_FFFF);
        layout.Set16(PciRegister.IoBase, 0, writable: 0xF0F0);
        layout.Set16(PciRegister.SecondaryStatus, conventional, clearedByOne: StatusCleared);
        layout.Set32(PciRegister.MemoryBase, 0, writable: 0xFFF0_FFF0);
        layout.Set32(PciRegister.PrefetchableBase, 0x0001_0001, writable: 0xFFF0_FFF0);
        layout.Set32(PciRegister.PrefetchableBaseUpper, 0, writable: 0xFFFF_FFFF);
        layout.Set32(PciRegister.PrefetchableLimitUpper, 0, writable: 0xFFFF_FFFF);
        layout.Set16(
            PciRegister.BridgeControl,
            0,
            isPort ? ExpressBridgeControl : ConventionalBridgeControl,
            clearedByOne: isPort ? 0 : DiscardTimerStatus
        );
        return layout;
    }

    /// <summary>Makes a port forward nothing after reset: its bases are above its limits.</summary>
    internal static ConfigurationLayout WithClosedWindows(this ConfigurationLayout layout)
    {
        layout.Set16(PciRegister.IoBase, 0x00F0, writable: 0xF0F0);
        layout.Set32(PciRegister.MemoryBase, 0x0000_FFF0, writable: 0xFFF0_FFF0);
        return layout.Set32(PciRegister.PrefetchableBase, 0x0001_FFF1, writable: 0xFFF0_FFF0);
    }

    private static void Common(
        ConfigurationLayout layout,
        in PciIdentity identity,
        int interruptPin,
        bool isMultiFunction,
        int headerType
    )
    {
        layout.Set16(PciRegister.VendorId, identity.VendorId);
        layout.Set16(PciRegister.DeviceId, identity.DeviceId);
        layout.Set16(PciRegister.Command, 0, writable: CommandWritable);
        layout.Set16(PciRegister.Status, 0, clearedByOne: StatusCleared);
        layout.Set32(PciRegister.RevisionId, (identity.ClassCode << 8) | identity.RevisionId);
        layout.Set8(PciRegister.CacheLineSize, 0, writable: 0xFF);
        layout.Set8(PciRegister.HeaderType, headerType | (isMultiFunction ? 0x80 : 0));
        layout.Set8(PciRegister.InterruptLine, 0, writable: 0xFF);
        layout.Set8(PciRegister.InterruptPin, interruptPin);
    }

    private static int Length(bool isExpress) =>
        isExpress ? PciRegister.ExpressLengthBytes : PciRegister.ConventionalLengthBytes;
}
