using static Emulator.Userland.CapabilityText;
using static Emulator.Userland.PortTypes;

namespace Emulator.Userland;

/// <summary>The second set of registers of the PCI Express capability (version 2 and up).</summary>
internal static class ExpressCapability2
{
    private const int DeviceCapabilities = 0x24;
    private const int DeviceControl = 0x28;
    private const int LinkCapabilities = 0x2C;
    private const int LinkControl = 0x30;
    private const int LinkStatus = 0x32;

    private static readonly Func<CapabilityView, bool> IsRootPort = Are(RootPort);
    private static readonly Func<CapabilityView, bool> IsAboveLink = Are(RootPort, Downstream);
    private static readonly Func<CapabilityView, bool> IsPort = Are(RootPort, Upstream, Downstream);

    private static readonly Func<CapabilityView, bool> CanRequest = Are(
        RootPort,
        Endpoint,
        IntegratedEndpoint,
        LegacyEndpoint
    );

    /// <summary>The text.</summary>
    public static IEnumerable<CapabilityLine> Lines() =>
        [.. DeviceCapabilityLines(), .. DeviceControlLines(), .. LinkTargetLines(), .. LinkStatusLines()];

    private static IEnumerable<CapabilityLine> DeviceCapabilityLines() =>
        [
            Long(
                DeviceCapabilities,
                "\t\tDevCap2: Completion Timeout: {0-3:ranges}, TimeoutDis{4} NROPrPrP{10} LTR{11}"
            ),
            Long(DeviceCapabilities, "\n\t\t\t 10BitTagComp{16} 10BitTagReq{17} OBFF {18-19:obffcap}, ExtFmt{20}"),
            Long(DeviceCapabilities, " EETLPPrefix{21}"),
            Long(
                DeviceCapabilities,
                ", MaxEETLPPrefixes {22-23:prefixes}",
                view => (view.Long(DeviceCapabilities) & 0x20_0000) != 0
            ),
            Long(DeviceCapabilities, "\n\t\t\t EmergencyPowerReduction {24-25:epr}, EmergencyPowerReductionInit{26}"),
            Long(DeviceCapabilities, "\n\t\t\t FRS{31}"),
            Long(DeviceCapabilities, " LN System CLS {14-15:lncls},", IsRootPort),
            Long(DeviceCapabilities, " {12-13:tph}", Are(RootPort, Endpoint)),
            Long(DeviceCapabilities, " ARIFwd{5}", IsAboveLink),
            Plain("\n"),
            Plain("\t\t\t AtomicOpsCap:", view => IsPort(view) || HasMemory(view)),
            Long(DeviceCapabilities, " Routing{6}", IsPort),
            Long(DeviceCapabilities, " 32bit{7} 64bit{8} 128bitCAS{9}", view => IsRootPort(view) || HasMemory(view)),
            Plain("\n", view => IsPort(view) || HasMemory(view)),
        ];

    private static IEnumerable<CapabilityLine> DeviceControlLines() =>
        [
            Word(DeviceControl, "\t\tDevCtl2: Completion Timeout: {0-3:timeout}, TimeoutDis{4} LTR{10}"),
            Word(DeviceControl, " 10BitTagReq{12} OBFF {13-14:obffctl},"),
            Word(DeviceControl, " ARIFwd{5}", IsAboveLink),
            Plain("\n"),
            Plain("\t\t\t AtomicOpsCtl:", view => IsPort(view) || CanRequest(view)),
            Word(DeviceControl, " ReqEn{6}", CanRequest),
            Word(DeviceControl, " EgressBlck{7}", IsPort),
            Plain("\n", view => IsPort(view) || CanRequest(view)),
        ];

    private static IEnumerable<CapabilityLine> LinkTargetLines() =>
        [
            Computed(SupportedSpeeds, HasTarget),
            Word(
                LinkControl,
                "\t\tLnkCtl2: Target Link Speed: {0-3:target}, EnterCompliance{4} SpeedDis{5}",
                HasTarget
            ),
            Word(
                LinkControl,
                ", Selectable De-emphasis: {6-6:deemphasis}",
                view => HasTarget(view) && view.PortType == Downstream
            ),
            Word(LinkControl, "\n\t\t\t Transmit Margin: {7-9:margin}, EnterModifiedCompliance{10}", HasTarget),
            Word(LinkControl, " ComplianceSOS{11}\n\t\t\t Compliance Preset/De-emphasis: {12-15:preset}\n", HasTarget),
        ];

    private static IEnumerable<CapabilityLine> LinkStatusLines() =>
        [
            Word(
                LinkStatus,
                "\t\tLnkSta2: Current De-emphasis Level: {0-0:deemphasis}, EqualizationComplete{1} EqualizationPhase1{2}\n",
                ExpressCapability.HasLink
            ),
            Word(
                LinkStatus,
                "\t\t\t EqualizationPhase2{3} EqualizationPhase3{4} LinkEqualizationRequest{5}\n",
                ExpressCapability.HasLink
            ),
            Word(LinkStatus, "\t\t\t Retimer{6} 2Retimers{7} CrosslinkRes: {8-9:crosslink}", ExpressCapability.HasLink),
            Word(LinkStatus, ", DRS{15}\n\t\t\t DownstreamComp: {12-14:component}", KnowsReadiness),
            Plain("\n", ExpressCapability.HasLink),
        ];

    /// <summary>Whether the function has a memory BAR, and so could complete atomic operations.</summary>
    private static bool HasMemory(CapabilityView view) =>
        view.Function.Bars.Any(bar => (bar.Address != 0 || bar.Size != 0) && (bar.Address & 1) == 0);

    /// <summary>Endpoints other than function 0 of device 0 have no say in the link's speed.</summary>
    private static bool HasTarget(CapabilityView view) =>
        ExpressCapability.HasLink(view)
        && !(view.PortType is Endpoint or LegacyEndpoint && view.Function.Address is not { Slot: 0, Function: 0 });

    private static bool KnowsReadiness(CapabilityView view) =>
        view.PortType is RootPort or Downstream or FromPciBridge && view.Long(LinkCapabilities) >> 31 != 0;

    private static string SupportedSpeeds(CapabilityView view)
    {
        uint value = view.Long(LinkCapabilities);
        if (value == 0)
        {
            return "";
        }

        uint vector = RegisterText.Bits(value, 1, 7);
        string speeds =
            (vector & 0x60) != 0 ? "RsvdP"
            : (vector & 0x10) != 0 ? "2.5-32GT/s"
            : (vector & 0x08) != 0 ? "2.5-16GT/s"
            : (vector & 0x04) != 0 ? "2.5-8GT/s"
            : (vector & 0x02) != 0 ? "2.5-5GT/s"
            : (vector & 0x01) != 0 ? "2.5GT/s"
            : "Unknown";
        return $"\t\tLnkCap2: Supported Link Speeds: {speeds}, "
            + RegisterText.Render("Crosslink{8} Retimer{23} 2Retimers{24} DRS{31}\n", value);
    }
}
