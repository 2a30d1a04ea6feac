using static Emulator.Userland.CapabilityText;
using static Emulator.Userland.PortTypes;

namespace Emulator.Userland;

/// <summary>
/// Extended capabilities about the link, its power and what travels on it: LTR, L1 PM substates, PTM, secondary PCI Express,
/// TPH, multicast (PCI Express base specification, chapter 7).
/// </summary>
internal static class LinkCapabilities
{
    private const uint PmL12 = 1;
    private const uint AspmL12 = 4;

    /// <summary>Latency Tolerance Reporting.</summary>
    public static CapabilityText LatencyTolerance { get; } =
        new(
            "Latency Tolerance Reporting\n",
            new CapabilityStage(
                4,
                4,
                Computed(view => $"\t\tMax snoop latency: {Latency(view.Word(4))}ns\n"),
                Computed(view => $"\t\tMax no snoop latency: {Latency(view.Word(6))}ns\n")
            )
        );

    /// <summary>L1 PM Substates.</summary>
    public static CapabilityText L1Substates { get; } =
        new(
            "L1 PM Substates\n",
            new CapabilityStage(
                4,
                12,
                Long(4, "\t\tL1SubCap: PCI-PM_L1.2{0} PCI-PM_L1.1{1} ASPM_L1.2{2} ASPM_L1.1{3} L1_PM_Substates{4}\n"),
                Long(4, "\t\t\t  PortCommonModeRestoreTime={8-15}us ", HasL12),
                Computed(view => $"PortTPowerOnTime={PowerOnTime(view.Long(4) >> 16, view.Long(4) >> 19)}\n", HasL12),
                Long(8, "\t\tL1SubCtl1: PCI-PM_L1.2{0} PCI-PM_L1.1{1} ASPM_L1.2{2} ASPM_L1.1{3}\n"),
                Long(8, "\t\t\t   T_CommonMode={8-15}us", HasL12),
                Computed(view => $" LTR1.2_Threshold={Threshold(view.Long(8))}", view => (view.Long(4) & AspmL12) != 0),
                Plain("\n", HasL12),
                Plain("\t\tL1SubCtl2:"),
                Computed(view => $" T_PwrOn={PowerOnTime(view.Long(12), view.Long(12) >> 3)}", HasL12),
                Plain("\n")
            )
        )
        {
            Unreadable = "\t\t<unreadable>\n",
        };

    /// <summary>Precision Time Measurement.</summary>
    public static CapabilityText PrecisionTime { get; } =
        new(
            "Precision Time Measurement\n",
            new CapabilityStage(
                4,
                8,
                Long(
                    4,
                    "\t\tPTMCap: Requester:{0} Responder:{1} Root:{2}\n\t\tPTMClockGranularity: {8-15:granularity}\n"
                ),
                Long(8, "\t\tPTMControl: Enabled:{0} RootSelected:{1}\n\t\tPTMEffectiveGranularity: {8-15:effective}\n")
            )
        )
        {
            Unreadable = "\t\t<unreadable>\n",
        };

    /// <summary>Secondary PCI Express.</summary>
    public static CapabilityText SecondaryExpress { get; } =
        new(
            "Secondary PCI Express\n",
            new CapabilityStage(
                4,
                12,
                Word(4, "\t\tLnkCtl3: LnkEquIntrruptEn{1} PerformEqu{0}\n"),
                Computed(view => $"\t\tLaneErrStat: {LaneErrors(view.Word(8))}\n")
            )
        );

    /// <summary>Transaction Processing Hints.</summary>
    public static CapabilityText ProcessingHints { get; } =
        new(
            "Transaction Processing Hints\n",
            new CapabilityStage(
                4,
                4,
                Plain("\t\tInterrupt vector mode supported\n", view => (view.Long(4) & 0x002) != 0),
                Plain("\t\tDevice specific mode supported\n", view => (view.Long(4) & 0x004) != 0),
                Plain("\t\tExtended requester support\n", view => (view.Long(4) & 0x100) != 0),
                Long(4, "\t\t{9-10:steering}\n")
            )
        );

    /// <summary>Multicast.</summary>
    public static CapabilityText Multicast { get; } =
        new(
            "Multicast\n",
            new CapabilityStage(
                4,
                0x30,
                Computed(view => $"\t\tMcastCap: MaxGroups {(view.Word(4) & 0x3F) + 1}"),
                Computed(
                    view => $", WindowSz {(view.Word(4) >> 8) & 0x3F} ({1 << (int)((view.Word(4) >> 8) & 0x3F)} bytes)",
                    Are(Endpoint, IntegratedEndpoint)
                ),
                Word(4, ", ECRCRegen{15}\n", Are(RootPort, Upstream, Downstream)),
                Computed(view =>
                    RegisterText.Render(
                        $"\t\tMcastCtl: NumGroups {(view.Word(6) & 0x3F) + 1}, Enable{{15}}\n",
                        view.Word(6)
                    )
                ),
                Computed(view =>
                    $"\t\tMcastBAR: IndexPos {view.Quad(8) & 0x3F}, BaseAddr {view.Quad(8) & ~0xFFFUL:x16}\n"
                ),
                Computed(view => $"\t\tMcastReceiveVec:      {view.Quad(0x10):x16}\n"),
                Computed(view => $"\t\tMcastBlockAllVec:     {view.Quad(0x18):x16}\n"),
                Computed(view => $"\t\tMcastBlockUntransVec: {view.Quad(0x20):x16}\n"),
                Computed(
                    view => $"\t\tMcastOverlayBAR: {Overlay(view.Quad(0x28))}\n",
                    view => view.PortType is not Endpoint and not IntegratedEndpoint
                )
            )
        );

    private static bool HasL12(CapabilityView view) => (view.Long(4) & (PmL12 | AspmL12)) != 0;

    /// <summary>A value of ten bits with a scale of three: 32 to the power of the scale, in nanoseconds.</summary>
    private static ulong Latency(uint value)
    {
        // A shift of 32 or more is one of the shift's low five bits, as the processor does it in the original.
        uint scale = 1U << (int)(((value >> 10) & 7) * 5 & 31);
        return (ulong)(value & 0x3FF) * scale;
    }

    private static string Threshold(uint control)
    {
        int scale = (int)(control >> 29);
        return scale > 5 ? "<error>" : $"{(ulong)((control >> 16) & 0x3FF) << (5 * scale)}ns";
    }

    private static string PowerOnTime(uint scale, uint value) =>
        (scale & 3) switch
        {
            0 => $"{2 * (value & 0x1F)}us",
            1 => $"{10 * (value & 0x1F)}us",
            2 => $"{100 * (value & 0x1F)}us",
            _ => "<error>",
        };

    private static string LaneErrors(uint lanes) =>
        lanes == 0
            ? "0"
            : "LaneErr at lane:"
                + string.Concat(
                    Enumerable.Range(0, 16).Where(lane => ((lanes >> lane) & 1) != 0).Select(lane => $" {lane}")
                );

    private static string Overlay(ulong register)
    {
        int size = (int)(register & 0x3F);
        string words = size >= 6 ? $"({1 << size} bytes)" : "(disabled)";
        return $"OverlaySize {size} {words}, BaseAddr {register & ~0x3FUL:x16}";
    }
}
