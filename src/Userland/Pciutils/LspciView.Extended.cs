namespace Emulator.Userland;

/// <content>Extended capabilities.</content>
internal sealed partial class LspciView
{
    private void ExtendedCapabilities(PciSysfsDevice device, int type)
    {
        var seen = new HashSet<int>();
        for (int at = 0x100; at != 0 && device.Has(at, 4); at = (int)(device.Long(at) >> 20) & ~3)
        {
            uint header = device.Long(at);
            if (header is 0 or uint.MaxValue)
            {
                break;
            }

            Put($"\tCapabilities: [{at:x3}{(verbosity > 1 ? $" v{PciFlags.Field(header, 16, 4)}" : "")}] ");
            if (!seen.Add(at))
            {
                Put("<chain looped>\n");
                break;
            }

            Extended(device, at, header & 0xFFFF, type);
        }
    }

    private void Extended(PciSysfsDevice device, int at, uint id, int type)
    {
        switch (id)
        {
            case 0x00:
                Put("Null\n");
                break;
            case 0x01:
                ErrorReporting(device, at, type);
                break;
            case 0x03:
                SerialNumber(device, at);
                break;
            case 0x0D:
                AccessControl(device, at);
                break;
            case 0x0E:
                AlternativeRouting(device, at);
                break;
            case 0x0F:
                AddressTranslation(device, at);
                break;
            case 0x10:
                Virtualization(device, at);
                break;
            default:
                Put($"Extended Capability ID 0x{id:x}\n");
                break;
        }
    }

    private void SerialNumber(PciSysfsDevice device, int at)
    {
        uint low = device.Long(at + 4);
        uint high = device.Long(at + 8);
        Put(
            $"Device Serial Number {high >> 24:x2}-{PciFlags.Field(high, 16, 8):x2}-{PciFlags.Field(high, 8, 8):x2}-{high & 0xFF:x2}"
        );
        Put($"-{low >> 24:x2}-{PciFlags.Field(low, 16, 8):x2}-{PciFlags.Field(low, 8, 8):x2}-{low & 0xFF:x2}\n");
    }

    private void ErrorReporting(PciSysfsDevice device, int at, int type)
    {
        Put("Advanced Error Reporting\n");
        if (verbosity < 2)
        {
            return;
        }

        const string Uncorrectable =
            "DLP:4 SDES:5 TLP:12 FCP:13 CmpltTO:14 CmpltAbrt:15 UnxCmplt:16 RxOF:17 MalfTLP:18 ECRC:19 UnsupReq:20 ACSViol:21";
        const string Correctable = "RxErr:0 BadTLP:6 BadDLLP:7 Rollover:8 Timeout:12 AdvNonFatalErr:13";
        Put($"\t\tUESta:\t{PciFlags.Show(device.Long(at + 0x04), Uncorrectable)}\n");
        Put($"\t\tUEMsk:\t{PciFlags.Show(device.Long(at + 0x08), Uncorrectable)}\n");
        Put($"\t\tUESvrt:\t{PciFlags.Show(device.Long(at + 0x0C), Uncorrectable)}\n");
        Put($"\t\tCESta:\t{PciFlags.Show(device.Long(at + 0x10), Correctable)}\n");
        Put($"\t\tCEMsk:\t{PciFlags.Show(device.Long(at + 0x14), Correctable)}\n");
        uint capability = device.Long(at + 0x18);
        Put($"\t\tAERCap:\tFirst Error Pointer: {capability & 0x1F:x2}, ");
        Put($"{PciFlags.Show(capability, "ECRCGenCap:5 ECRCGenEn:6 ECRCChkCap:7 ECRCChkEn:8")}\n");
        Put($"\t\t\t{PciFlags.Show(capability, "MultHdrRecCap:9 MultHdrRecEn:10 TLPPfxPres:11 HdrLogCap:12")}\n");
        Put($"\t\tHeaderLog: {device.Long(at + 0x1C):x8} {device.Long(at + 0x20):x8} ");
        Put($"{device.Long(at + 0x24):x8} {device.Long(at + 0x28):x8}\n");
        if (type is RootPort or EventCollector)
        {
            Put($"\t\tRootCmd: {PciFlags.Show(device.Long(at + 0x2C), "CERptEn:0 NFERptEn:1 FERptEn:2")}\n");
            uint status = device.Long(at + 0x30);
            Put($"\t\tRootSta: {PciFlags.Show(status, "CERcvd:0 MultCERcvd:1 UERcvd:2 MultUERcvd:3")}\n");
            Put($"\t\t\t {PciFlags.Show(status, "FirstFatal:4 NonFatalMsg:5 FatalMsg:6")} IntMsg {status >> 27}\n");
            Put(
                $"\t\tErrorSrc: ERR_COR: {device.Word(at + 0x34):x4} ERR_FATAL/NONFATAL: {device.Word(at + 0x36):x4}\n"
            );
        }
    }

    private void AccessControl(PciSysfsDevice device, int at)
    {
        const string Bits = "SrcValid:0 TransBlk:1 ReqRedir:2 CmpltRedir:3 UpstreamFwd:4 EgressCtrl:5 DirectTrans:6";
        Put("Access Control Services\n");
        if (verbosity >= 2)
        {
            Put($"\t\tACSCap:\t{PciFlags.Show(device.Word(at + 4), Bits)}\n");
            Put($"\t\tACSCtl:\t{PciFlags.Show(device.Word(at + 6), Bits)}\n");
        }
    }

    private void AlternativeRouting(PciSysfsDevice device, int at)
    {
        Put("Alternative Routing-ID Interpretation (ARI)\n");
        if (verbosity >= 2)
        {
            uint capability = device.Word(at + 4);
            uint control = device.Word(at + 6);
            Put($"\t\tARICap:\t{PciFlags.Show(capability, "MFVC:0 ACS:1")}, Next Function: {capability >> 8}\n");
            Put(
                $"\t\tARICtl:\t{PciFlags.Show(control, "MFVC:0 ACS:1")}, Function Group: {PciFlags.Field(control, 4, 3)}\n"
            );
        }
    }

    private void AddressTranslation(PciSysfsDevice device, int at)
    {
        Put("Address Translation Service (ATS)\n");
        if (verbosity >= 2)
        {
            uint control = device.Word(at + 6);
            Put($"\t\tATSCap:\tInvalidate Queue Depth: {device.Word(at + 4) & 0x1F:x2}\n");
            Put(
                $"\t\tATSCtl:\t{PciFlags.Show(control, "Enable:15")}, Smallest Translation Unit: {control & 0x1F:x2}\n"
            );
        }
    }

    private void Virtualization(PciSysfsDevice device, int at)
    {
        Put("Single Root I/O Virtualization (SR-IOV)\n");
        if (verbosity < 2)
        {
            return;
        }

        uint capability = device.Long(at + 0x04);
        uint control = device.Word(at + 0x08);
        Put(
            $"\t\tIOVCap:\t{PciFlags.Show(capability, "Migration:0 10BitTagReq:2")} Interrupt Message Number: {capability >> 21:x3}\n"
        );
        const string Controls = "Enable:0 Migration:1 Interrupt:2 MSE:3 ARIHierarchy:4 10BitTagReq:5";
        Put($"\t\tIOVCtl:\t{PciFlags.Show(control, Controls)}\n");
        Put($"\t\tIOVSta:\t{PciFlags.Show(device.Word(at + 0x0A), "Migration:0")}\n");
        Put($"\t\tInitial VFs: {device.Word(at + 0x0C)}, Total VFs: {device.Word(at + 0x0E)}, ");
        Put($"Number of VFs: {device.Word(at + 0x10)}, Function Dependency Link: {device.Byte(at + 0x12):x2}\n");
        Put(
            $"\t\tVF offset: {device.Word(at + 0x14)}, stride: {device.Word(at + 0x16)}, Device ID: {device.Word(at + 0x1A):x4}\n"
        );
        Put($"\t\tSupported Page Size: {device.Long(at + 0x1C):x8}, System Page Size: {device.Long(at + 0x20):x8}\n");
        for (int n = 0; n < 6; n++)
        {
            uint low = device.Long(at + 0x24 + 4 * n);
            if (low is 0 or uint.MaxValue)
            {
                continue;
            }

            bool is64Bit = (low & 6) == 4;
            Put(
                $"\t\tRegion {n}: Memory at {(is64Bit ? $"{device.Long(at + 0x28 + 4 * n):x8}" : "")}{low & ~0xFu:x8} "
            );
            Put($"({((low & 6) == 0 ? "32" : "64")}-bit, {((low & 8) != 0 ? "" : "non-")}prefetchable)\n");
            n += is64Bit ? 1 : 0;
        }

        uint migration = device.Long(at + 0x3C);
        Put($"\t\tVF Migration: offset: {migration & ~7u:x8}, BIR: {migration & 7:x}\n");
    }
}
