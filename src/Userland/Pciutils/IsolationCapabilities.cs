using static Emulator.Userland.CapabilityText;

namespace Emulator.Userland;

/// <summary>
/// Extended capabilities about who may reach whom, and as whom: ACS, ARI, ATS, PRI, PASID, SR-IOV (PCI Express base
/// specification, chapters 7, 9 and 10).
/// </summary>
internal static class IsolationCapabilities
{
    private const string Acs =
        "SrcValid{0} TransBlk{1} ReqRedir{2} CmpltRedir{3} UpstreamFwd{4} EgressCtrl{5} DirectTrans{6}\n";

    /// <summary>Access Control Services.</summary>
    public static CapabilityText AccessControl { get; } =
        new(
            "Access Control Services\n",
            new CapabilityStage(4, 4, Word(4, "\t\tACSCap:\t" + Acs), Word(6, "\t\tACSCtl:\t" + Acs))
        );

    /// <summary>Alternative Routing-ID Interpretation.</summary>
    public static CapabilityText AlternativeRouting { get; } =
        new(
            "Alternative Routing-ID Interpretation (ARI)\n",
            new CapabilityStage(
                4,
                4,
                Word(4, "\t\tARICap:\tMFVC{0} ACS{1}, Next Function: {8-15}\n"),
                Word(6, "\t\tARICtl:\tMFVC{0} ACS{1}, Function Group: {4-6}\n")
            )
        );

    /// <summary>Address Translation Service.</summary>
    public static CapabilityText AddressTranslation { get; } =
        new(
            "Address Translation Service (ATS)\n",
            new CapabilityStage(
                4,
                4,
                Word(4, "\t\tATSCap:\tInvalidate Queue Depth: {0-4:x2}\n"),
                Word(6, "\t\tATSCtl:\tEnable{15}, Smallest Translation Unit: {0-4:x2}\n")
            )
        );

    /// <summary>Page Request Interface.</summary>
    public static CapabilityText PageRequests { get; } =
        new(
            "Page Request Interface (PRI)\n",
            new CapabilityStage(
                4,
                12,
                Word(4, "\t\tPRICtl: Enable{0} Reset{1}\n"),
                Word(6, "\t\tPRISta: RF{0} UPRGI{1} Stopped{8}\n"),
                Long(8, "\t\tPage Request Capacity: {0-31:x8}, "),
                Long(12, "Page Request Allocation: {0-31:x8}\n")
            )
        );

    /// <summary>Process Address Space IDs.</summary>
    public static CapabilityText ProcessAddressSpaces { get; } =
        new(
            "Process Address Space ID (PASID)\n",
            new CapabilityStage(
                4,
                4,
                Word(4, "\t\tPASIDCap: Exec{1} Priv{2}, Max PASID Width: {8-12:x2}\n"),
                Word(6, "\t\tPASIDCtl: Enable{0} Exec{1} Priv{2}\n")
            )
        );

    /// <summary>Single Root I/O Virtualization.</summary>
    public static CapabilityText SingleRoot { get; } =
        new(
            "Single Root I/O Virtualization (SR-IOV)\n",
            new CapabilityStage(
                4,
                0x3C,
                Long(0x04, "\t\tIOVCap:\tMigration{0} 10BitTagReq{2} Interrupt Message Number: {21-31:x3}\n"),
                Word(0x08, "\t\tIOVCtl:\tEnable{0} Migration{1} Interrupt{2} MSE{3} ARIHierarchy{4} 10BitTagReq{5}\n"),
                Word(0x0A, "\t\tIOVSta:\tMigration{0}\n"),
                Word(0x0C, "\t\tInitial VFs: {0-15}, "),
                Word(0x0E, "Total VFs: {0-15}, "),
                Word(0x10, "Number of VFs: {0-15}, "),
                Byte(0x12, "Function Dependency Link: {0-7:x2}\n"),
                Word(0x14, "\t\tVF offset: {0-15}, "),
                Word(0x16, "stride: {0-15}, "),
                Word(0x1A, "Device ID: {0-15:x4}\n"),
                Long(0x1C, "\t\tSupported Page Size: {0-31:x8}, "),
                Long(0x20, "System Page Size: {0-31:x8}\n"),
                Computed(VirtualRegions),
                Computed(view =>
                    $"\t\tVF Migration: offset: {view.Long(0x3C) & ~7U:x8}, BIR: {view.Long(0x3C) & 7:x}\n"
                )
            )
        );

    private static string VirtualRegions(CapabilityView view)
    {
        string text = "";
        for (int n = 0; n < 6; n++)
        {
            int region = n;
            uint bar = view.Long(0x24 + 4 * n);
            if (bar is 0 or uint.MaxValue)
            {
                continue;
            }

            bool is32 = (bar & 6) == 0;
            string high = "";
            if ((bar & 6) == 4)
            {
                n++;
                high = $"{view.Long(0x24 + 4 * n):x8}";
            }

            string prefetchable = (bar & 8) != 0 ? "" : "non-";
            text +=
                $"\t\tRegion {region}: Memory at {high}{bar & ~0xFU:x8} ({(is32 ? "32" : "64")}-bit, {prefetchable}prefetchable)\n";
        }

        return text;
    }
}
