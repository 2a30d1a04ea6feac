using static Emulator.Userland.CapabilityText;
using static Emulator.Userland.PortTypes;

namespace Emulator.Userland;

/// <summary>Extended capabilities about errors: AER and DPC (PCI Express base specification, 7.8.4 and 7.9.14).</summary>
internal static class ErrorCapabilities
{
    private const string Uncorrectable =
        "DLP{4} SDES{5} TLP{12} FCP{13} CmpltTO{14} CmpltAbrt{15} UnxCmplt{16} RxOF{17} MalfTLP{18} ECRC{19} "
        + "UnsupReq{20} ACSViol{21}\n";

    private const string Correctable = "RxErr{0} BadTLP{6} BadDLLP{7} Rollover{8} Timeout{12} AdvNonFatalErr{13}\n";

    /// <summary>Advanced Error Reporting.</summary>
    public static CapabilityText AdvancedErrorReporting { get; } =
        new(
            "Advanced Error Reporting\n",
            new CapabilityStage(
                4,
                40,
                Long(0x04, "\t\tUESta:\t" + Uncorrectable),
                Long(0x08, "\t\tUEMsk:\t" + Uncorrectable),
                Long(0x0C, "\t\tUESvrt:\t" + Uncorrectable),
                Long(0x10, "\t\tCESta:\t" + Correctable),
                Long(0x14, "\t\tCEMsk:\t" + Correctable),
                Long(0x18, "\t\tAERCap:\tFirst Error Pointer: {0-4:x2}, ECRCGenCap{5} ECRCGenEn{6}"),
                Long(0x18, " ECRCChkCap{7} ECRCChkEn{8}\n"),
                Long(0x18, "\t\t\tMultHdrRecCap{9} MultHdrRecEn{10} TLPPfxPres{11} HdrLogCap{12}\n"),
                Long(0x1C, "\t\tHeaderLog: {0-31:x8}"),
                Long(0x20, " {0-31:x8}"),
                Long(0x24, " {0-31:x8}"),
                Long(0x28, " {0-31:x8}\n")
            ),
            new CapabilityStage(
                0x2C,
                12,
                Long(0x2C, "\t\tRootCmd: CERptEn{0} NFERptEn{1} FERptEn{2}\n"),
                Long(0x30, "\t\tRootSta: CERcvd{0} MultCERcvd{1} UERcvd{2} MultUERcvd{3}\n"),
                Long(0x30, "\t\t\t FirstFatal{4} NonFatalMsg{5} FatalMsg{6} IntMsg {27-31}\n"),
                Word(0x34, "\t\tErrorSrc: ERR_COR: {0-15:x4} "),
                Word(0x36, "ERR_FATAL/NONFATAL: {0-15:x4}\n")
            )
            {
                When = Are(RootPort, EventCollector),
            }
        );

    /// <summary>Downstream Port Containment.</summary>
    public static CapabilityText DownstreamPortContainment { get; } =
        new(
            "Downstream Port Containment\n",
            new CapabilityStage(
                4,
                8,
                Word(4, "\t\tDpcCap:\tINT Msg #{0-4}, RPExt{5} PoisonedTLP{6} SwTrigger{7} RP PIO Log {8-11},"),
                Word(4, " DL_ActiveErr{12}\n"),
                Word(6, "\t\tDpcCtl:\tTrigger:{0-1:x1} Cmpl{2} INT{3} ErrCor{4} PoisonedTLP{5} SwTrigger{6}"),
                Word(6, " DL_ActiveErr{7}\n"),
                Word(8, "\t\tDpcSta:\tTrigger{0} Reason:{1-2:x2} INT{3} RPBusy{4} TriggerExt:{5-6:x2}"),
                Word(8, " RP PIO ErrPtr:{8-12:x2}\n"),
                Word(10, "\t\tSource:\t{0-15:x4}\n")
            )
        );
}
