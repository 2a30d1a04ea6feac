namespace Emulator.Peripherals;

/// <summary>
/// The capabilities of the first 256 bytes (PCI Local Bus 3.0, appendix H; PCI Power Management 1.2; PCI Express Base 7.7).
/// </summary>
public static class Capabilities
{
    /// <summary>Power management.</summary>
    /// <param name="layout">Where.</param>
    /// <param name="at">The offset.</param>
    /// <param name="capabilities">The PMC register.</param>
    /// <param name="status">The PMCSR register after reset.</param>
    /// <param name="writable">What of PMCSR can be written; the power state at least.</param>
    public static ConfigurationLayout AddPowerManagement(
        this ConfigurationLayout layout,
        int at,
        int capabilities,
        int status = 0,
        int writable = 0x0003
    )
    {
        ArgumentNullException.ThrowIfNull(layout);
        layout.LinkCapability(CapabilityId.PowerManagement, at);
        layout.PowerManagementAt = at;
        layout.Set16(at + 2, capabilities);
        return layout.Set16(at + 4, status, writable, clearedByOne: 0x8000);
    }

    /// <summary>MSI.</summary>
    /// <param name="layout">Where.</param>
    /// <param name="at">The offset.</param>
    /// <param name="vectors">How many messages: a power of two up to 32.</param>
    /// <param name="is64Bit">Whether the address has 64 bits.</param>
    /// <param name="isMaskable">Whether there are mask and pending bits.</param>
    public static ConfigurationLayout AddMsi(
        this ConfigurationLayout layout,
        int at,
        int vectors,
        bool is64Bit,
        bool isMaskable
    )
    {
        ArgumentNullException.ThrowIfNull(layout);
        layout.LinkCapability(CapabilityId.Msi, at);
        layout.MsiAt = at;
        int capable = int.Log2(vectors) << 1;
        layout.Set16(at + 2, capable | (is64Bit ? 0x80 : 0) | (isMaskable ? 0x100 : 0), writable: 0x71);
        layout.Set32(at + 4, 0, writable: 0xFFFF_FFFC);
        int data = at + 8;
        if (is64Bit)
        {
            layout.Set32(at + 8, 0, writable: 0xFFFF_FFFF);
            data = at + 12;
        }

        layout.Set16(data, 0, writable: 0xFFFF);
        return isMaskable ? layout.Set32(data + 4, 0, writable: uint.MaxValue >> (32 - vectors)) : layout;
    }

    /// <summary>MSI-X.</summary>
    /// <param name="layout">Where.</param>
    /// <param name="at">The offset.</param>
    /// <param name="vectors">How many table entries, up to 2048.</param>
    /// <param name="bar">The base address register that holds table and pending bits.</param>
    /// <param name="tableAt">The table's offset there.</param>
    /// <param name="pendingAt">The pending bits' offset there.</param>
    public static ConfigurationLayout AddMsix(
        this ConfigurationLayout layout,
        int at,
        int vectors,
        int bar,
        uint tableAt,
        uint pendingAt
    )
    {
        ArgumentNullException.ThrowIfNull(layout);
        layout.LinkCapability(CapabilityId.Msix, at);
        layout.MsixAt = at;
        layout.Set16(at + 2, vectors - 1, writable: 0xC000);
        layout.Set32(at + 4, tableAt | (uint)bar);
        return layout.Set32(at + 8, pendingAt | (uint)bar);
    }

    /// <summary>The subsystem IDs of a bridge.</summary>
    public static ConfigurationLayout AddSubsystemId(
        this ConfigurationLayout layout,
        int at,
        ushort vendorId,
        ushort deviceId
    )
    {
        ArgumentNullException.ThrowIfNull(layout);
        layout.LinkCapability(CapabilityId.SubsystemId, at);
        return layout.Set16(at + 4, vendorId).Set16(at + 6, deviceId);
    }

    /// <summary>A vendor's own capability: its length and what follows.</summary>
    public static ConfigurationLayout AddVendor(this ConfigurationLayout layout, int at, params ReadOnlySpan<byte> body)
    {
        ArgumentNullException.ThrowIfNull(layout);
        layout.LinkCapability(CapabilityId.Vendor, at);
        layout.Set8(at + 2, body.Length + 3);
        for (int n = 0; n < body.Length; n++)
        {
            layout.Set8(at + 3 + n, body[n]);
        }

        return layout;
    }

    /// <summary>Slot numbering of a bridge in a chassis (PCI-to-PCI Bridge 1.2, section 13).</summary>
    public static ConfigurationLayout AddSlotIdentification(this ConfigurationLayout layout, int at, byte chassis)
    {
        ArgumentNullException.ThrowIfNull(layout);
        layout.LinkCapability(CapabilityId.SlotIdentification, at);
        const int FirstInChassis = 0x20;
        return layout.Set8(at + 2, FirstInChassis).Set8(at + 3, chassis, writable: 0xFF);
    }

    /// <summary>The window of a standard hot-plug controller (PCI Standard Hot-Plug Controller 1.0, 4.3).</summary>
    public static ConfigurationLayout AddHotPlugController(this ConfigurationLayout layout, int at)
    {
        ArgumentNullException.ThrowIfNull(layout);
        layout.LinkCapability(CapabilityId.HotPlugController, at);
        layout.HotPlugAt = at;
        layout.Set8(at + 2, 0, writable: 0xFF);
        return layout.Set32(at + 4, 0, writable: 0xFFFF_FFFF);
    }
}
