using System.Globalization;

namespace Emulator.Userland;

/// <content>The PCI Express capability.</content>
internal sealed partial class LspciView
{
    private const int Endpoint = 0;
    private const int LegacyEndpoint = 1;
    private const int RootPort = 4;
    private const int UpstreamPort = 5;
    private const int DownstreamPort = 6;
    private const int ToPciBridge = 7;
    private const int FromPciBridge = 8;
    private const int Integrated = 9;
    private const int EventCollector = 10;

    private static readonly string[] EntryLatencies =
    [
        "<64ns",
        "<128ns",
        "<256ns",
        "<512ns",
        "<1us",
        "<2us",
        "<4us",
        "unlimited",
    ];

    private static readonly string[] ExitLatencies =
    [
        "<1us",
        "<2us",
        "<4us",
        "<8us",
        "<16us",
        "<32us",
        "<64us",
        "unlimited",
    ];

    private int Express(PciSysfsDevice device, int at, uint word)
    {
        int type = (int)PciFlags.Field(word, 4, 4);
        bool hasSlot = type is RootPort or DownstreamPort or FromPciBridge && (word & 0x100) != 0;
        string slot = PciFlags.Show(word, "Slot:8");
        string name = type switch
        {
            Endpoint => "Endpoint",
            LegacyEndpoint => "Legacy Endpoint",
            RootPort => $"Root Port ({slot})",
            UpstreamPort => "Upstream Port",
            DownstreamPort => $"Downstream Port ({slot})",
            ToPciBridge => "PCI-Express to PCI/PCI-X Bridge",
            FromPciBridge => $"PCI/PCI-X to PCI-Express Bridge ({slot})",
            Integrated => "Root Complex Integrated Endpoint",
            EventCollector => "Root Complex Event Collector",
            _ => $"Unknown type {type}",
        };
        Put($"Express {(verbosity >= 2 ? $"(v{word & 0xF}) " : "")}{name}, MSI {PciFlags.Field(word, 9, 5):x2}\n");
        if (verbosity < 2)
        {
            return type;
        }

        bool hasLink = type is not (Integrated or EventCollector);
        ExpressDevice(device, at, type);
        if (hasLink)
        {
            ExpressLink(device, at, type);
        }

        if (hasSlot)
        {
            ExpressSlot(device, at);
        }

        if (type is RootPort or EventCollector)
        {
            ExpressRoot(device, at);
        }

        if ((word & 0xF) >= 2)
        {
            ExpressDevice2(device, at, type);
            if (hasLink)
            {
                ExpressLink2(device, at, type);
            }
        }

        return type;
    }

    private void ExpressDevice(PciSysfsDevice device, int at, int type)
    {
        uint capability = device.Long(at + 0x04);
        bool isEndpoint = type is Endpoint or LegacyEndpoint;
        Put($"\t\tDevCap:\tMaxPayload {128 << (int)(capability & 7)} bytes, ");
        Put($"PhantFunc {(1 << (int)PciFlags.Field(capability, 3, 2)) - 1}");
        if (isEndpoint)
        {
            Put($", Latency L0s {EntryLatencies[PciFlags.Field(capability, 6, 3)]}, ");
            Put($"L1 {ExitLatencies[PciFlags.Field(capability, 9, 3)]}");
        }

        Put($"\n\t\t\t{PciFlags.Show(capability, "ExtTag:5")}");
        Put(
            isEndpoint || type is UpstreamPort or ToPciBridge
                ? " " + PciFlags.Show(capability, "AttnBtn:12 AttnInd:13 PwrInd:14")
                : ""
        );
        Put($" {PciFlags.Show(capability, "RBE:15")}");
        Put(isEndpoint || type is Integrated ? " " + PciFlags.Show(capability, "FLReset:28") : "");
        if (type is Endpoint or UpstreamPort or ToPciBridge)
        {
            Put($" SlotPowerLimit {PowerLimit(PciFlags.Field(capability, 18, 8), PciFlags.Field(capability, 26, 2))}");
        }

        uint control = device.Word(at + 0x08);
        Put($"\n\t\tDevCtl:\t{PciFlags.Show(control, "CorrErr:0 NonFatalErr:1 FatalErr:2 UnsupReq:3")}\n");
        Put($"\t\t\t{PciFlags.Show(control, "RlxdOrd:4 ExtTag:8 PhantFunc:9 AuxPwr:10 NoSnoop:11")}");
        Put(type is ToPciBridge ? " " + PciFlags.Show(control, "BrConfRtry:15") : "");
        bool canReset = (isEndpoint || type is Integrated) && (capability & (1 << 28)) != 0;
        Put(canReset ? " " + PciFlags.Show(control, "FLReset:15") : "");
        Put($"\n\t\t\tMaxPayload {128 << (int)PciFlags.Field(control, 5, 3)} bytes, ");
        Put($"MaxReadReq {128 << (int)PciFlags.Field(control, 12, 3)} bytes\n");
        const string Status = "CorrErr:0 NonFatalErr:1 FatalErr:2 UnsupReq:3 AuxPwr:4 TransPend:5";
        Put($"\t\tDevSta:\t{PciFlags.Show(device.Word(at + 0x0A), Status)}\n");
    }

    private static string PowerLimit(uint value, uint scale)
    {
        if (scale == 0 && value == 0xFF)
        {
            return ">600W";
        }

        double watts = scale == 0 && value >= 0xF0 ? 250 + 25 * (value - 0xF0) : value;
        double limit = Math.Round(watts * Math.Pow(10, -scale), 3);
        return limit.ToString("0.######", CultureInfo.InvariantCulture) + "W";
    }

    private static string Speed(uint code, string unknown) =>
        code switch
        {
            1 => "2.5GT/s",
            2 => "5GT/s",
            3 => "8GT/s",
            4 => "16GT/s",
            5 => "32GT/s",
            6 => "64GT/s",
            _ => unknown,
        };

    private static string Compare(int type, uint status, uint capability) =>
        status > capability ? " (overdriven)"
        : status == capability || type is RootPort or DownstreamPort or FromPciBridge ? ""
        : " (downgraded)";

    private void ExpressLink(PciSysfsDevice device, int at, int type)
    {
        uint capability = device.Long(at + 0x0C);
        uint power = PciFlags.Field(capability, 10, 2);
        uint speed = capability & 0xF;
        uint width = PciFlags.Field(capability, 4, 6);
        string[] states = ["not supported", "L0s", "L1", "L0s L1"];
        Put(
            $"\t\tLnkCap:\tPort #{capability >> 24}, Speed {Speed(speed, "unknown")}, Width x{width}, ASPM {states[power]}"
        );
        if (power != 0)
        {
            Put(", Exit Latency ");
            Put((power & 1) != 0 ? $"L0s {EntryLatencies[PciFlags.Field(capability, 12, 3)]}" : "");
            Put((power & 1) != 0 && (power & 2) != 0 ? ", " : "");
            Put((power & 2) != 0 ? $"L1 {ExitLatencies[PciFlags.Field(capability, 15, 3)]}" : "");
        }

        Put($"\n\t\t\t{PciFlags.Show(capability, "ClockPM:18 Surprise:19 LLActRep:20 BwNot:21 ASPMOptComp:22")}\n");
        uint control = device.Word(at + 0x10);
        string[] enabled = ["Disabled", "L0s Enabled", "L1 Enabled", "L0s L1 Enabled"];
        Put($"\t\tLnkCtl:\tASPM {enabled[control & 3]};");
        bool hasBoundary = type is RootPort or Endpoint or LegacyEndpoint or ToPciBridge;
        Put(hasBoundary ? $" RCB {((control & 8) != 0 ? 128 : 64)} bytes," : (FormattableString)$"");
        Put($" {PciFlags.Show(control, "Disabled:4 CommClk:6")}\n");
        Put($"\t\t\t{PciFlags.Show(control, "ExtSynch:7 ClockPM:8 AutWidDis:9 BWInt:10 AutBWInt:11")}\n");
        uint status = device.Word(at + 0x12);
        uint now = status & 0xF;
        uint lanes = PciFlags.Field(status, 4, 6);
        Put(
            $"\t\tLnkSta:\tSpeed {Speed(now, "unknown")}{Compare(type, now, speed)}, Width x{lanes}{Compare(type, lanes, width)}\n"
        );
        Put($"\t\t\t{PciFlags.Show(status, "TrErr:10 Train:11 SlotClk:12 DLActive:13 BWMgmt:14 ABWMgmt:15")}\n");
    }

    private void ExpressSlot(PciSysfsDevice device, int at)
    {
        uint capability = device.Long(at + 0x14);
        const string Parts = "AttnBtn:0 PwrCtrl:1 MRL:2 AttnInd:3 PwrInd:4 HotPlug:6 Surprise:5";
        Put($"\t\tSltCap:\t{PciFlags.Show(capability, Parts)}\n");
        string limit = PowerLimit(PciFlags.Field(capability, 7, 8), PciFlags.Field(capability, 15, 2));
        Put(
            $"\t\t\tSlot #{capability >> 19}, PowerLimit {limit}; {PciFlags.Show(capability, "Interlock:17 NoCompl:18")}\n"
        );
        uint control = device.Word(at + 0x18);
        const string Enables = "AttnBtn:0 PwrFlt:1 MRL:2 PresDet:3 CmdCplt:4 HPIrq:5 LinkChg:12";
        string[] lights = ["Unknown", "On", "Blink", "Off"];
        Put($"\t\tSltCtl:\tEnable: {PciFlags.Show(control, Enables)}\n");
        Put(
            $"\t\t\tControl: AttnInd {lights[PciFlags.Field(control, 6, 2)]}, PwrInd {lights[PciFlags.Field(control, 8, 2)]}, "
        );
        Put($"{PciFlags.Show(control, "Power:10 Interlock:11")}\n");
        uint status = device.Word(at + 0x1A);
        Put(
            $"\t\tSltSta:\tStatus: {PciFlags.Show(status, "AttnBtn:0 PowerFlt:1 MRL:5 CmdCplt:4 PresDet:6 Interlock:7")}\n"
        );
        Put($"\t\t\tChanged: {PciFlags.Show(status, "MRL:2 PresDet:3 LinkState:8")}\n");
    }

    private void ExpressRoot(PciSysfsDevice device, int at)
    {
        Put($"\t\tRootCap: {PciFlags.Show(device.Word(at + 0x1E), "CRSVisible:0")}\n");
        const string Control = "ErrCorrectable:0 ErrNon-Fatal:1 ErrFatal:2 PMEIntEna:3 CRSVisible:4";
        Put($"\t\tRootCtl: {PciFlags.Show(device.Word(at + 0x1C), Control)}\n");
        uint status = device.Long(at + 0x20);
        Put($"\t\tRootSta: PME ReqID {status & 0xFFFF:x4}, {PciFlags.Show(status, "PMEStatus:16 PMEPending:17")}\n");
    }
}
