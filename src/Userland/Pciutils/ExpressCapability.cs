using System.Globalization;
using static Emulator.Userland.CapabilityText;
using static Emulator.Userland.PortTypes;

namespace Emulator.Userland;

/// <summary>The PCI Express capability as lspci writes it (PCI Express base specification, 7.5.3).</summary>
internal static class ExpressCapability
{
    private const int DeviceCapabilities = 0x04;
    private const int DeviceControl = 0x08;
    private const int LinkCapabilities = 0x0C;
    private const int LinkControl = 0x10;
    private const int LinkStatus = 0x12;
    private const int SlotCapabilities = 0x14;
    private const int SlotControl = 0x18;
    private const int SlotStatus = 0x1A;
    private const int RootControl = 0x1C;
    private const int RootCapabilities = 0x1E;
    private const int RootStatus = 0x20;

    private static readonly Func<CapabilityView, bool> IsEndpoint = Are(Endpoint, LegacyEndpoint);
    private static readonly Func<CapabilityView, bool> CanReset = Are(Endpoint, LegacyEndpoint, IntegratedEndpoint);
    private static readonly Func<CapabilityView, bool> IsRoot = Are(RootPort, EventCollector);

    /// <summary>The capability's text.</summary>
    public static CapabilityText Text { get; } =
        new(
            Title,
            new CapabilityStage(DeviceCapabilities, FirstBytes, [.. Device(), .. Link(), .. Slot(), .. Root()]),
            new CapabilityStage(0x24, view => HasSlot(view) ? 24 : 16, [.. ExpressCapability2.Lines()])
            {
                When = view => (view.Flags & 0xF) >= 2,
            }
        );

    /// <summary>The type in the capability's flags.</summary>
    public static int TypeOf(uint flags) => (int)RegisterText.Bits(flags, 4, 7);

    /// <summary>Whether the function has a link: what is integrated into the root complex has none.</summary>
    public static bool HasLink(CapabilityView view) => view.PortType is not IntegratedEndpoint and not EventCollector;

    private static string Title(CapabilityView view)
    {
        string version = view.IsDetailed ? RegisterText.Render("(v{0-3}) ", view.Flags) : "";
        string type = NameOf(TypeOf(view.Flags), (view.Flags & 0x100) != 0);
        return $"Express {version}{type}{RegisterText.Render(", MSI {9-13:x2}\n", view.Flags)}";
    }

    private static bool HasSlot(CapabilityView view) =>
        view.PortType is RootPort or Downstream or FromPciBridge && (view.Flags & 0x100) != 0;

    private static int FirstBytes(CapabilityView view) =>
        IsRoot(view) ? 32
        : HasSlot(view) ? 24
        : 16;

    private static IEnumerable<CapabilityLine> Device() =>
        [
            Long(DeviceCapabilities, "\t\tDevCap:\tMaxPayload {0-2:payload} bytes, PhantFunc {3-4:phantom}"),
            Long(DeviceCapabilities, ", Latency L0s {6-8:l0s}, L1 {9-11:l1}", IsEndpoint),
            Long(DeviceCapabilities, "\n\t\t\tExtTag{5}"),
            Long(
                DeviceCapabilities,
                " AttnBtn{12} AttnInd{13} PwrInd{14}",
                Are(Endpoint, LegacyEndpoint, Upstream, ToPciBridge)
            ),
            Long(DeviceCapabilities, " RBE{15}"),
            Long(DeviceCapabilities, " FLReset{28}", CanReset),
            Computed(
                view => " SlotPowerLimit " + PowerLimit(view.Long(DeviceCapabilities) >> 18),
                Are(Endpoint, Upstream, ToPciBridge)
            ),
            Word(DeviceControl, "\n\t\tDevCtl:\tCorrErr{0} NonFatalErr{1} FatalErr{2} UnsupReq{3}\n"),
            Word(DeviceControl, "\t\t\tRlxdOrd{4} ExtTag{8} PhantFunc{9} AuxPwr{10} NoSnoop{11}"),
            Word(DeviceControl, " BrConfRtry{15}", Are(ToPciBridge)),
            Word(
                DeviceControl,
                " FLReset{15}",
                view => CanReset(view) && (view.Long(DeviceCapabilities) & 0x1000_0000) != 0
            ),
            Word(DeviceControl, "\n\t\t\tMaxPayload {5-7:payload} bytes, MaxReadReq {12-14:payload} bytes\n"),
            Word(0x0A, "\t\tDevSta:\tCorrErr{0} NonFatalErr{1} FatalErr{2} UnsupReq{3} AuxPwr{4} TransPend{5}\n"),
        ];

    private static IEnumerable<CapabilityLine> Link() =>
        [
            Long(
                LinkCapabilities,
                "\t\tLnkCap:\tPort #{24-31}, Speed {0-3:speed}, Width x{4-9}, ASPM {10-11:aspm}",
                HasLink
            ),
            Computed(view => ExitLatency(view.Long(LinkCapabilities)), HasLink),
            Long(
                LinkCapabilities,
                "\n\t\t\tClockPM{18} Surprise{19} LLActRep{20} BwNot{21} ASPMOptComp{22}\n",
                HasLink
            ),
            Word(LinkControl, "\t\tLnkCtl:\tASPM {0-1:aspmctl};", HasLink),
            Word(
                LinkControl,
                " RCB {3-3:rcb} bytes,",
                view => HasLink(view) && view.PortType is RootPort or Endpoint or LegacyEndpoint or ToPciBridge
            ),
            Word(LinkControl, " Disabled{4} CommClk{6}\n\t\t\tExtSynch{7} ClockPM{8} AutWidDis{9}", HasLink),
            Word(LinkControl, " BWInt{10} AutBWInt{11}\n", HasLink),
            Computed(LinkState, HasLink),
            Word(LinkStatus, "\t\t\tTrErr{10} Train{11} SlotClk{12} DLActive{13} BWMgmt{14} ABWMgmt{15}\n", HasLink),
        ];

    private static IEnumerable<CapabilityLine> Slot() =>
        [
            Long(
                SlotCapabilities,
                "\t\tSltCap:\tAttnBtn{0} PwrCtrl{1} MRL{2} AttnInd{3} PwrInd{4} HotPlug{6} Surprise{5}\n",
                HasSlot
            ),
            Long(SlotCapabilities, "\t\t\tSlot #{19-31}, PowerLimit ", HasSlot),
            Computed(view => PowerLimit(view.Long(SlotCapabilities) >> 7), HasSlot),
            Long(SlotCapabilities, "; Interlock{17} NoCompl{18}\n", HasSlot),
            Word(SlotControl, "\t\tSltCtl:\tEnable: AttnBtn{0} PwrFlt{1} MRL{2} PresDet{3} CmdCplt{4}", HasSlot),
            Word(SlotControl, " HPIrq{5} LinkChg{12}\n", HasSlot),
            Word(SlotControl, "\t\t\tControl: AttnInd {6-7:indicator}, PwrInd {8-9:indicator},", HasSlot),
            Word(SlotControl, " Power{10} Interlock{11}\n", HasSlot),
            Word(SlotStatus, "\t\tSltSta:\tStatus: AttnBtn{0} PowerFlt{1} MRL{5} CmdCplt{4} PresDet{6}", HasSlot),
            Word(SlotStatus, " Interlock{7}\n\t\t\tChanged: MRL{2} PresDet{3} LinkState{8}\n", HasSlot),
        ];

    private static IEnumerable<CapabilityLine> Root() =>
        [
            Word(RootCapabilities, "\t\tRootCap: CRSVisible{0}\n", IsRoot),
            Word(
                RootControl,
                "\t\tRootCtl: ErrCorrectable{0} ErrNon-Fatal{1} ErrFatal{2} PMEIntEna{3} CRSVisible{4}\n",
                IsRoot
            ),
            Long(RootStatus, "\t\tRootSta: PME ReqID {0-15:x4}, PMEStatus{16} PMEPending{17}\n", IsRoot),
        ];

    private static string ExitLatency(uint capabilities)
    {
        string[] latencies = RegisterText.Bits(capabilities, 10, 11) switch
        {
            1 => ["L0s {12-14:l0s}"],
            2 => ["L1 {15-17:l1}"],
            3 => ["L0s {12-14:l0s}", "L1 {15-17:l1}"],
            _ => [],
        };
        return latencies.Length == 0
            ? ""
            : ", Exit Latency " + RegisterText.Render(string.Join(", ", latencies), capabilities);
    }

    /// <summary>Speed and width, each compared with what the link could do.</summary>
    private static string LinkState(CapabilityView view)
    {
        uint can = view.Long(LinkCapabilities);
        uint does = view.Word(LinkStatus);
        string speed = Compared(view, RegisterText.Bits(does, 0, 3), RegisterText.Bits(can, 0, 3));
        string width = Compared(view, RegisterText.Bits(does, 4, 9), RegisterText.Bits(can, 4, 9));
        return RegisterText.Render($"\t\tLnkSta:\tSpeed {{0-3:speed}}{speed}, Width x{{4-9}}{width}\n", does);
    }

    private static string Compared(CapabilityView view, uint does, uint can) =>
        does > can ? " (overdriven)"
        : does == can || view.PortType is RootPort or Downstream or FromPciBridge ? ""
        : " (downgraded)";

    /// <summary>Watts: a value of eight bits, and above it a scale of two.</summary>
    private static string PowerLimit(uint bits)
    {
        uint value = bits & 0xFF;
        uint scale = (bits >> 8) & 3;
        if (scale == 0 && value == 0xFF)
        {
            return ">600W";
        }

        decimal watts = scale == 0 && value >= 0xF0 ? 250 + 25 * (value - 0xF0) : value;
        decimal unit = scale switch
        {
            0 => 1,
            1 => 0.1m,
            2 => 0.01m,
            _ => 0.001m,
        };
        return (watts * unit).ToString("0.###", CultureInfo.InvariantCulture) + "W";
    }
}
