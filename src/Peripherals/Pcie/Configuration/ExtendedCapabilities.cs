namespace Emulator.Peripherals;

/// <summary>Extended capabilities, from 0x100 on (PCI Express Base 7.7 to 7.9; SR-IOV 1.1; ATS 1.1).</summary>
public static class ExtendedCapabilities
{
    /// <summary>Data link, surprise down, poisoned TLP, flow control, completions, overflow, malformed, ECRC, UR, ACS and further.</summary>
    private const uint UncorrectableErrors = 0x03FF_F030;

    /// <summary>Fatal by default: data link, surprise down, flow control, overflow, malformed, internal.</summary>
    private const uint DefaultSeverity = 0x0046_2030;

    private const uint CorrectableErrors = 0xF1C1;

    /// <summary>Advisory non-fatal, internal, header log overflow.</summary>
    private const uint DefaultCorrectableMask = 0xE000;

    /// <summary>Advanced error reporting, version 2.</summary>
    /// <param name="layout">Where.</param>
    /// <param name="at">The offset.</param>
    /// <param name="recordsSeveralHeaders">Whether several headers can be recorded.</param>
    /// <param name="isRootPort">Whether the root error registers are there.</param>
    public static ConfigurationLayout AddErrorReporting(
        this ConfigurationLayout layout,
        int at,
        bool recordsSeveralHeaders = true,
        bool isRootPort = false
    )
    {
        ArgumentNullException.ThrowIfNull(layout);
        layout.LinkExtended(ExtendedCapabilityId.ErrorReporting, 2, at);
        layout.ErrorReportingAt = at;
        layout.Set32(at + 0x04, 0, clearedByOne: UncorrectableErrors);
        layout.Set32(at + 0x08, 0, writable: UncorrectableErrors);
        layout.Set32(at + 0x0C, DefaultSeverity, writable: UncorrectableErrors);
        layout.Set32(at + 0x10, 0, clearedByOne: CorrectableErrors);
        layout.Set32(at + 0x14, DefaultCorrectableMask, writable: CorrectableErrors);
        layout.Set32(at + 0x18, recordsSeveralHeaders ? 0x2A0u : 0xA0u, recordsSeveralHeaders ? 0x540u : 0x140u);
        if (isRootPort)
        {
            layout.Set32(at + 0x2C, 0, writable: 0x7);
            layout.Set32(at + 0x30, 0, clearedByOne: 0x7F);
        }

        return layout;
    }

    /// <summary>Access control services: the control register has the bits that the capability has.</summary>
    public static ConfigurationLayout AddAccessControl(
        this ConfigurationLayout layout,
        int at,
        AccessControl capability
    )
    {
        ArgumentNullException.ThrowIfNull(layout);
        layout.LinkExtended(ExtendedCapabilityId.AccessControl, 1, at);
        layout.AccessControlAt = at;
        return layout.Set16(at + 4, (int)capability).Set16(at + 6, 0, writable: (int)capability);
    }

    /// <summary>Alternative routing-ID interpretation.</summary>
    public static ConfigurationLayout AddAlternativeRouting(
        this ConfigurationLayout layout,
        int at,
        byte nextFunction,
        int capability = 0
    )
    {
        ArgumentNullException.ThrowIfNull(layout);
        layout.LinkExtended(ExtendedCapabilityId.AlternativeRouting, 1, at);
        return layout.Set16(at + 4, capability | (nextFunction << 8)).Set16(at + 6, 0);
    }

    /// <summary>Address translation services.</summary>
    /// <param name="layout">Where.</param>
    /// <param name="at">The offset.</param>
    /// <param name="queueDepth">Invalidations that can be outstanding, 0 for 32.</param>
    public static ConfigurationLayout AddAddressTranslation(this ConfigurationLayout layout, int at, int queueDepth = 0)
    {
        ArgumentNullException.ThrowIfNull(layout);
        layout.LinkExtended(ExtendedCapabilityId.AddressTranslation, 1, at);
        const int PageAligned = 1 << 5;
        return layout.Set16(at + 4, queueDepth | PageAligned).Set16(at + 6, 0, writable: 0x801F);
    }

    /// <summary>The device serial number.</summary>
    public static ConfigurationLayout AddSerialNumber(this ConfigurationLayout layout, int at, ulong number)
    {
        ArgumentNullException.ThrowIfNull(layout);
        layout.LinkExtended(ExtendedCapabilityId.SerialNumber, 1, at);
        return layout.Set32(at + 4, (uint)number).Set32(at + 8, (uint)(number >> 32));
    }

    /// <summary>Single root I/O virtualization.</summary>
    /// <param name="layout">Where.</param>
    /// <param name="at">The offset.</param>
    /// <param name="functions">How many virtual functions there can be.</param>
    /// <param name="firstOffset">The routing ID of the first one, less that of the physical function.</param>
    /// <param name="stride">The distance of the others.</param>
    /// <param name="deviceId">Their device ID.</param>
    public static ConfigurationLayout AddVirtualization(
        this ConfigurationLayout layout,
        int at,
        ushort functions,
        ushort firstOffset,
        ushort stride,
        ushort deviceId
    )
    {
        ArgumentNullException.ThrowIfNull(layout);
        const uint PageSizes = 0x553;
        layout.LinkExtended(ExtendedCapabilityId.SingleRootVirtualization, 1, at);
        layout.VirtualizationAt = at;
        layout.Set16(at + VirtualizationControl, 0, writable: 0x19);
        layout.Set16(at + 0x0C, functions).Set16(at + 0x0E, functions);
        layout.Set16(at + VirtualizationCount, 0, writable: 0xFFFF);
        layout.Set16(at + 0x14, firstOffset).Set16(at + 0x16, stride);
        layout.Set16(at + 0x1A, deviceId);
        return layout.Set32(at + 0x1C, PageSizes).Set32(at + 0x20, 1, writable: PageSizes);
    }

    internal const int VirtualizationControl = 0x08;
    internal const int VirtualizationCount = 0x10;
    internal const int VirtualizationBars = 0x24;
}

/// <summary>Bits of the ACS Capability and ACS Control registers (PCI Express Base 7.7.8).</summary>
[Flags]
public enum AccessControl
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>ACS Source Validation.</summary>
    SourceValidation = 1 << 0,

    /// <summary>ACS Translation Blocking.</summary>
    TranslationBlocking = 1 << 1,

    /// <summary>ACS P2P Request Redirect.</summary>
    RequestRedirect = 1 << 2,

    /// <summary>ACS P2P Completion Redirect.</summary>
    CompletionRedirect = 1 << 3,

    /// <summary>ACS Upstream Forwarding.</summary>
    UpstreamForwarding = 1 << 4,

    /// <summary>ACS P2P Egress Control.</summary>
    EgressControl = 1 << 5,

    /// <summary>ACS Direct Translated P2P.</summary>
    DirectTranslated = 1 << 6,
}
