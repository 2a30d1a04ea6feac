namespace Emulator.KernelShim;

/// <summary>Bits of the ACS capability and control words (PCI_ACS_*).</summary>
[Flags]
public enum AcsFlags
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>SV: requester IDs must belong below the port.</summary>
    SourceValidation = 0x01,

    /// <summary>TB: only untranslated requests pass.</summary>
    TranslationBlocking = 0x02,

    /// <summary>RR: requests to a peer go up to the IOMMU.</summary>
    RequestRedirect = 0x04,

    /// <summary>CR: completions to a peer go up.</summary>
    CompletionRedirect = 0x08,

    /// <summary>UF: what would turn round at the port goes up.</summary>
    UpstreamForwarding = 0x10,

    /// <summary>EC: a vector says which peers can be reached.</summary>
    EgressControl = 0x20,

    /// <summary>DT: translated requests may go to a peer directly.</summary>
    DirectTranslated = 0x40,
}

/// <summary>Why a function counts as isolated from its peers, or not.</summary>
public enum AcsReason
{
    /// <summary>A known device without the capability behaves so (pci_dev_specific_acs_enabled).</summary>
    Quirk,

    /// <summary>A conventional function has no access control.</summary>
    Conventional,

    /// <summary>A bridge between PCI and PCI Express, or an event collector, has none.</summary>
    KindWithoutAcs,

    /// <summary>A single function that is no downstream port has no peers to control.</summary>
    NothingToControl,

    /// <summary>There is no ACS capability.</summary>
    NoCapability,

    /// <summary>Bits that the capability offers are switched off.</summary>
    SwitchedOff,

    /// <summary>All required bits that the capability offers are on.</summary>
    SwitchedOn,
}

/// <summary>Whether a function is isolated, and what its registers say.</summary>
/// <param name="IsIsolated">The verdict (pci_acs_enabled).</param>
/// <param name="Reason">Why.</param>
/// <param name="Capability">The capability word.</param>
/// <param name="Control">The control word.</param>
/// <param name="SwitchedOff">Required bits that the capability offers and the control word lacks.</param>
/// <param name="Missing">Required bits that the capability does not offer, which count as hard-wired.</param>
public readonly record struct AcsVerdict(
    bool IsIsolated,
    AcsReason Reason,
    AcsFlags Capability = AcsFlags.None,
    AcsFlags Control = AcsFlags.None,
    AcsFlags SwitchedOff = AcsFlags.None,
    AcsFlags Missing = AcsFlags.None
);

/// <summary>Access control services (drivers/pci/pci.c): switching them on, and judging them.</summary>
public static class PciAcs
{
    /// <summary>What a group needs (REQ_ACS_FLAGS of drivers/iommu/iommu.c).</summary>
    public const AcsFlags Required =
        AcsFlags.SourceValidation
        | AcsFlags.RequestRedirect
        | AcsFlags.CompletionRedirect
        | AcsFlags.UpstreamForwarding;

    private const int CapabilityWord = 4;
    private const int ControlWord = 6;

    /// <summary>pci_enable_acs: what the port offers of the required services is switched on, once somebody has asked.</summary>
    internal static void Enable(PciCore core, PciDevice device)
    {
        if (!core.AcsIsRequested || device.AcsCapability == 0)
        {
            return;
        }

        ushort capability = device.ReadWord(device.AcsCapability + CapabilityWord);
        ushort control = device.ReadWord(device.AcsCapability + ControlWord);
        device.WriteWord(device.AcsCapability + ControlWord, (ushort)(control | capability & (ushort)Required));
    }

    /// <summary>pci_acs_enabled: whether nothing that a function sends reaches a peer behind the IOMMU's back.</summary>
    public static AcsVerdict Judge(PciDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (PciQuirks.IsolatesByQuirk(device) is { } verdict)
        {
            return new AcsVerdict(verdict, AcsReason.Quirk);
        }

        if (!device.IsExpress)
        {
            return new AcsVerdict(false, AcsReason.Conventional);
        }

        switch (device.ExpressType)
        {
            case PciExpressType.PcieBridge or PciExpressType.PciBridge or PciExpressType.EventCollector:
                return new AcsVerdict(false, AcsReason.KindWithoutAcs);
            case PciExpressType.Downstream or PciExpressType.RootPort:
                return JudgeFlags(device);
            case PciExpressType.Endpoint
            or PciExpressType.LegacyEndpoint
            or PciExpressType.RootComplexEndpoint
            or PciExpressType.Upstream when device.IsMultifunction:
                return JudgeFlags(device);
            default:
                return new AcsVerdict(true, AcsReason.NothingToControl);
        }
    }

    /// <summary>pci_acs_flags_enabled.</summary>
    private static AcsVerdict JudgeFlags(PciDevice device)
    {
        if (device.AcsCapability == 0)
        {
            return new AcsVerdict(false, AcsReason.NoCapability, Missing: Required);
        }

        var capability = (AcsFlags)(device.ReadWord(device.AcsCapability + CapabilityWord) & 0x7F);
        var control = (AcsFlags)(device.ReadWord(device.AcsCapability + ControlWord) & 0x7F);
        AcsFlags off = Required & capability & ~control;
        return new AcsVerdict(
            off == AcsFlags.None,
            off == AcsFlags.None ? AcsReason.SwitchedOn : AcsReason.SwitchedOff,
            capability,
            control,
            off,
            Required & ~capability
        );
    }
}
