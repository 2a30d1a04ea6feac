using static Emulator.Userland.CapabilityText;

namespace Emulator.Userland;

/// <summary>The small ordinary capabilities as lspci writes them, by their IDs (PCI Code and ID Assignment Specification).</summary>
internal static class PlainCapabilities
{
    /// <summary>Power Management (PCI Bus Power Management Interface Specification).</summary>
    public static CapabilityText PowerManagement { get; } =
        OfFlags(
            "Power Management version {0-2}\n",
            new CapabilityStage(
                0,
                0,
                Word(2, "\t\tFlags: PMEClk{3} DSI{5} D1{9} D2{10} AuxCurrent={6-8:aux}mA"),
                Word(2, " PME(D0{11},D1{12},D2{13},D3hot{14},D3cold{15})\n")
            ),
            new CapabilityStage(
                4,
                4,
                Word(4, "\t\tStatus: D{0-1} NoSoftRst{3} PME-Enable{8} DSel={9-12} DScale={13-14} PME{15}\n"),
                Computed(
                    view =>
                        RegisterText.Render("\t\tBridge: PM{7}", view.Byte(6))
                        + RegisterText.Render(" B3{6}\n", ~view.Byte(6)),
                    view => view.Byte(6) != 0
                )
            )
        );

    /// <summary>MSI.</summary>
    public static CapabilityText Msi { get; } =
        OfFlags(
            "MSI: Enable{0} Count={4-6:pow2}/{1-3:pow2} Maskable{8} 64bit{7}\n",
            new CapabilityStage(
                4,
                view => Is64(view) ? 10 : 6,
                [
                    Plain("\t\tAddress: "),
                    Long(8, "{0-31:x8}", Is64),
                    Long(4, "{0-31:x8}"),
                    Word(12, "  Data: {0-15:x4}\n", Is64),
                    Word(8, "  Data: {0-15:x4}\n", view => !Is64(view)),
                ]
            ),
            new CapabilityStage(
                0,
                view => (Is64(view) ? 16 : 12) + 8,
                [Computed(view => MaskText(view, Is64(view) ? 16 : 12))]
            )
            {
                When = view => (view.Flags & 0x100) != 0,
            }
        );

    /// <summary>MSI-X.</summary>
    public static CapabilityText MsiX { get; } =
        new(
            view =>
                RegisterText.Render($"MSI-X: Enable{{15}} Count={(view.Flags & 0x7FF) + 1} Masked{{14}}\n", view.Flags),
            new CapabilityStage(
                4,
                8,
                Computed(view => $"\t\tVector table: BAR={view.Long(4) & 7} offset={view.Long(4) & ~7U:x8}\n"),
                Computed(view => $"\t\tPBA: BAR={view.Long(8) & 7} offset={view.Long(8) & ~7U:x8}\n")
            )
        );

    /// <summary>A bridge's subsystem.</summary>
    public static CapabilityText Subsystem { get; } =
        new(
            "",
            new CapabilityStage(
                0,
                8,
                Computed(view =>
                    $"Subsystem: {view.Show.Names.FullSubsystem(view.Function, (int)view.Word(4), (int)view.Word(6))}\n"
                )
            )
            {
                IsAlwaysShown = true,
            }
        );

    /// <summary>Advanced Features of conventional PCI.</summary>
    public static CapabilityText AdvancedFeatures { get; } =
        new(
            "PCI Advanced Features\n",
            new CapabilityStage(
                3,
                3,
                Byte(3, "\t\tAFCap: TP{0} FLR{1}\n"),
                Byte(4, "\t\tAFCtrl: FLR{0}\n"),
                Byte(5, "\t\tAFStatus: TP{0}\n")
            )
        );

    /// <summary>PCI-X, of a device or of a bridge.</summary>
    public static CapabilityText PciX(bool isBridge) => isBridge ? PciXBridge : PciXDevice;

    private static CapabilityText PciXDevice { get; } =
        new(
            "PCI-X non-bridge device\n",
            new CapabilityStage(
                4,
                4,
                Word(2, "\t\tCommand: DPERE{0} ERO{1} RBC={2-3:readcount} OST={4-6:splits}\n"),
                Long(4, "\t\tStatus: Dev={8-15:x2}:{3-7:x2}.{0-2} 64bit{16} 133MHz{17} SCD{18} USC{19}"),
                Long(4, " DC={20-20:complexity} DMMRBC={21-22:readcount} DMOST={23-25:splits}"),
                Long(4, " DMCRS={26-28:readsize} RSCEM{29} 266MHz{30} 533MHz{31}\n")
            )
        );

    private static CapabilityText PciXBridge { get; } =
        new(
            "PCI-X bridge device\n",
            new CapabilityStage(
                4,
                12,
                Word(2, "\t\tSecondary Status: 64bit{0} 133MHz{1} SCD{2} USC{3} SCO{4} SRD{5} Freq={6-8:frequency}\n"),
                Long(
                    4,
                    "\t\tStatus: Dev={8-15:x2}:{3-7:x2}.{0-2} 64bit{16} 133MHz{17} SCD{18} USC{19} SCO{20} SRD{21}\n"
                ),
                Long(8, "\t\tUpstream: Capacity={0-15} CommitmentLimit={16-31}\n"),
                Long(12, "\t\tDownstream: Capacity={0-15} CommitmentLimit={16-31}\n")
            )
        );

    private static bool Is64(CapabilityView view) => (view.Flags & 0x80) != 0;

    private static string MaskText(CapabilityView view, int at) =>
        $"\t\tMasking: {view.Long(at):x8}  Pending: {view.Long(at + 4):x8}\n";
}
