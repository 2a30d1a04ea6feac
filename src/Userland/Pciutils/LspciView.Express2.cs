namespace Emulator.Userland;

/// <content>The registers that version 2 of the PCI Express capability added.</content>
internal sealed partial class LspciView
{
    private void ExpressDevice2(PciSysfsDevice device, int at, int type)
    {
        uint capability = device.Long(at + 0x24);
        bool isPort = type is RootPort or UpstreamPort or DownstreamPort;
        bool hasMemory = HasMemoryBar(device);
        string ranges = (capability & 0xF) switch
        {
            0 => "Not Supported",
            1 => "Range A",
            2 => "Range B",
            3 => "Range AB",
            6 => "Range BC",
            7 => "Range ABC",
            14 => "Range BCD",
            15 => "Range ABCD",
            _ => "Unknown",
        };
        Put(
            $"\t\tDevCap2: Completion Timeout: {ranges}, {PciFlags.Show(capability, "TimeoutDis:4 NROPrPrP:10 LTR:11")}\n"
        );
        string[] buffers = ["Not Supported", "Via message", "Via WAKE#", "Via message/WAKE#"];
        Put(
            $"\t\t\t {PciFlags.Show(capability, "10BitTagComp:16 10BitTagReq:17")} OBFF {buffers[PciFlags.Field(capability, 18, 2)]}, "
        );
        Put($"{PciFlags.Show(capability, "ExtFmt:20 EETLPPrefix:21")}");
        uint prefixes = PciFlags.Field(capability, 22, 2);
        Put(
            (capability & (1 << 21)) != 0
                ? $", MaxEETLPPrefixes {(prefixes == 0 ? 4 : prefixes)}"
                : (FormattableString)$""
        );
        string[] reductions = ["Not Supported", "Dev Specific", "Form Factor Dev Specific", "Reserved"];
        Put($"\n\t\t\t EmergencyPowerReduction {reductions[PciFlags.Field(capability, 24, 2)]}, ");
        Put(
            $"{PciFlags.Show(capability, "EmergencyPowerReductionInit:26")}\n\t\t\t {PciFlags.Show(capability, "FRS:31")}"
        );
        string[] lines = ["Not Supported", "64byte cachelines", "128byte cachelines", "Reserved"];
        string[] hints = ["TPHComp- ExtTPHComp-", "TPHComp+ ExtTPHComp-", "", "TPHComp+ ExtTPHComp+"];
        Put(type is RootPort ? $" LN System CLS {lines[PciFlags.Field(capability, 14, 2)]}," : "");
        Put(type is RootPort or Endpoint ? " " + hints[PciFlags.Field(capability, 12, 2)] : "");
        Put(type is RootPort or DownstreamPort ? $" {PciFlags.Show(capability, "ARIFwd:5")}\n" : "\n");
        if (isPort || hasMemory)
        {
            Put("\t\t\t AtomicOpsCap:");
            Put(isPort ? " " + PciFlags.Show(capability, "Routing:6") : "");
            Put(type is RootPort || hasMemory ? " " + PciFlags.Show(capability, "32bit:7 64bit:8 128bitCAS:9") : "");
            Put("\n");
        }

        ExpressControl2(device.Word(at + 0x28), type, isPort);
    }

    private void ExpressControl2(uint control, int type, bool isPort)
    {
        string timeout = (control & 0xF) switch
        {
            0 => "50us to 50ms",
            1 => "50us to 100us",
            2 => "1ms to 10ms",
            5 => "16ms to 55ms",
            6 => "65ms to 210ms",
            9 => "260ms to 900ms",
            10 => "1s to 3.5s",
            13 => "4s to 13s",
            14 => "17s to 64s",
            _ => "Unknown",
        };
        string[] buffers = ["Disabled", "Via message A", "Via message B", "Via WAKE#"];
        Put(
            $"\t\tDevCtl2: Completion Timeout: {timeout}, {PciFlags.Show(control, "TimeoutDis:4 LTR:10 10BitTagReq:12")} "
        );
        Put($"OBFF {buffers[PciFlags.Field(control, 13, 2)]},");
        Put(type is RootPort or DownstreamPort ? $" {PciFlags.Show(control, "ARIFwd:5")}\n" : "\n");
        bool isRequester = type is Endpoint or Integrated or LegacyEndpoint;
        if (isPort || isRequester)
        {
            Put("\t\t\t AtomicOpsCtl:");
            Put(type is RootPort || isRequester ? " " + PciFlags.Show(control, "ReqEn:6") : "");
            Put(isPort ? " " + PciFlags.Show(control, "EgressBlck:7") : "");
            Put("\n");
        }
    }

    private static bool HasMemoryBar(PciSysfsDevice device) =>
        device.Resources.Take(6).Any(line => (line.Base != 0 || line.LengthBytes != 0) && (line.Base & 1) == 0);

    private void ExpressLink2(PciSysfsDevice device, int at, int type)
    {
        uint capability = 0;
        bool isOtherFunction = type is Endpoint or LegacyEndpoint && (device.Slot != 0 || device.Function != 0);
        if (!isOtherFunction)
        {
            capability = device.Long(at + 0x2C);
            if (capability != 0)
            {
                Put($"\t\tLnkCap2: Supported Link Speeds: {Speeds(PciFlags.Field(capability, 1, 7))}, ");
                Put($"{PciFlags.Show(capability, "Crosslink:8 Retimer:23 2Retimers:24 DRS:31")}\n");
            }

            ExpressLinkControl2(device.Word(at + 0x30), type);
        }

        uint status = device.Word(at + 0x32);
        string[] crosslinks = ["unsupported", "Upstream Port", "Downstream Port", "incomplete"];
        Put($"\t\tLnkSta2: Current De-emphasis Level: {((status & 1) != 0 ? "-3.5dB" : "-6dB")}, ");
        Put($"{PciFlags.Show(status, "EqualizationComplete:1 EqualizationPhase1:2")}\n");
        Put($"\t\t\t {PciFlags.Show(status, "EqualizationPhase2:3 EqualizationPhase3:4 LinkEqualizationRequest:5")}\n");
        Put(
            $"\t\t\t {PciFlags.Show(status, "Retimer:6 2Retimers:7")} CrosslinkRes: {crosslinks[PciFlags.Field(status, 8, 2)]}"
        );
        bool isDownstream = type is RootPort or DownstreamPort or FromPciBridge;
        if (isDownstream && (capability & 0x8000_0000) != 0)
        {
            string[] components =
            [
                "Link Down - Not Determined",
                "Link Down - Not Present",
                "Link Down - Present",
                "Reserved",
                "Link Up - Present",
                "Link Up - Present and DRS Received",
                "Reserved",
                "Reserved",
            ];
            Put(
                $", {PciFlags.Show(status, "DRS:15")}\n\t\t\t DownstreamComp: {components[PciFlags.Field(status, 12, 3)]}"
            );
        }

        Put("\n");
    }

    private void ExpressLinkControl2(uint control, int type)
    {
        uint target = control & 0xF;
        Put($"\t\tLnkCtl2: Target Link Speed: {Speed(target == 0 ? 1 : target, "Unknown")}, ");
        Put($"{PciFlags.Show(control, "EnterCompliance:4 SpeedDis:5")}");
        Put(type is DownstreamPort ? $", Selectable De-emphasis: {((control & 0x40) != 0 ? "-3.5dB" : "-6dB")}" : "");
        string margin = PciFlags.Field(control, 7, 3) switch
        {
            0 => "Normal Operating Range",
            1 => "800-1200mV(full-swing)/400-700mV(half-swing)",
            >= 2 and <= 5 => "200-400mV(full-swing)/100-200mV(half-swing)",
            _ => "Unknown",
        };
        string[] presets =
        [
            "-6dB de-emphasis, 0dB preshoot",
            "-3.5dB de-emphasis, 0dB preshoot",
            "-4.4dB de-emphasis, 0dB preshoot",
            "-2.5dB de-emphasis, 0dB preshoot",
            "0dB de-emphasis, 0dB preshoot",
            "0dB de-emphasis, 1.9dB preshoot",
            "0dB de-emphasis, 2.5dB preshoot",
            "-6.0dB de-emphasis, 3.5dB preshoot",
            "-3.5dB de-emphasis, 3.5dB preshoot",
            "0dB de-emphasis, 3.5dB preshoot",
        ];
        uint preset = PciFlags.Field(control, 12, 4);
        Put(
            $"\n\t\t\t Transmit Margin: {margin}, {PciFlags.Show(control, "EnterModifiedCompliance:10 ComplianceSOS:11")}\n"
        );
        Put($"\t\t\t Compliance Preset/De-emphasis: {(preset < presets.Length ? presets[preset] : "Unknown")}\n");
    }

    private static string Speeds(uint vector) =>
        (vector & 0x60) != 0 ? "RsvdP"
        : (vector & 0x10) != 0 ? "2.5-32GT/s"
        : (vector & 0x08) != 0 ? "2.5-16GT/s"
        : (vector & 0x04) != 0 ? "2.5-8GT/s"
        : (vector & 0x02) != 0 ? "2.5-5GT/s"
        : (vector & 0x01) != 0 ? "2.5GT/s"
        : "Unknown";
}
