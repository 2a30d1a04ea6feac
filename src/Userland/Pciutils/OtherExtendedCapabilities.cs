using static Emulator.Userland.CapabilityText;

namespace Emulator.Userland;

/// <summary>Extended capabilities of one line or two, and those whose length is in their registers.</summary>
internal static class OtherExtendedCapabilities
{
    private const int SmallestBar = 0;

    // What the size fields of Resizable BAR count from: 1 MiB, in units of ten powers of two.
    private static readonly string[] SizeUnits = ["MB", "GB", "TB", "PB", "EB"];

    /// <summary>Device Serial Number.</summary>
    public static CapabilityText SerialNumber { get; } =
        new(
            "",
            new CapabilityStage(
                4,
                8,
                Long(8, "Device Serial Number {24-31:x2}-{16-23:x2}-{8-15:x2}-{0-7:x2}"),
                Long(4, "-{24-31:x2}-{16-23:x2}-{8-15:x2}-{0-7:x2}\n")
            )
            {
                IsAlwaysShown = true,
            }
        );

    /// <summary>Vendor-Specific Extended Capability.</summary>
    public static CapabilityText VendorSpecific { get; } =
        new(
            "Vendor Specific Information: ",
            new CapabilityStage(4, 4, Long(4, "ID={0-15:x4} Rev={16-19} Len={20-31:x3} <?>\n")) { IsAlwaysShown = true }
        )
        {
            Unreadable = "<unreadable>\n",
        };

    /// <summary>Designated Vendor-Specific Extended Capability; what CXL's mean is not decoded.</summary>
    public static CapabilityText DesignatedVendor { get; } =
        new(
            "Designated Vendor-Specific: ",
            new CapabilityStage(
                4,
                8,
                Long(4, "Vendor={0-15:x4}"),
                Word(8, " ID={0-15:x4}"),
                Long(4, " Rev={16-19} Len={20-31} <?>\n")
            )
            {
                IsAlwaysShown = true,
            }
        )
        {
            Unreadable = "<unreadable>\n",
        };

    /// <summary>Data Object Exchange.</summary>
    public static CapabilityText DataObjects { get; } =
        new(
            "Data Object Exchange\n",
            new CapabilityStage(
                4,
                0x14,
                Long(4, "\t\tDOECap: IntSup{0}\n"),
                Long(4, "\t\t\tInterrupt Message Number {1-11:x3}\n", view => (view.Long(4) & 1) != 0),
                Long(8, "\t\tDOECtl: IntEn{1}\n"),
                // The mask of Error in 3.9 is 3, the other two bits of the register.
                Computed(view =>
                    RegisterText.Render(
                        $"\t\tDOESta: Busy{{0}} IntSta{{1}} Error{((view.Long(12) & 3) != 0 ? '+' : '-')} ObjectReady{{31}}\n",
                        view.Long(12)
                    )
                )
            )
        )
        {
            Unreadable = "\t\t<unreadable>\n",
        };

    /// <summary>Resizable BAR, of the function or of its virtual functions.</summary>
    public static async Task WriteResizableBars(CapabilityView view, string kind)
    {
        view.Print($"{kind} Resizable BAR\n");
        uint count = 1;
        for (int n = 0; n < count && view.IsDetailed; n++)
        {
            int at = 4 + 8 * n;
            if (!await view.Fetch(at, 8))
            {
                view.Print("\t\t<unreadable>\n");
                return;
            }

            uint control = view.Long(at + 4);
            if (n == 0)
            {
                count = RegisterText.Bits(control, 5, 7);
                if (count is < 1 or > 6)
                {
                    view.Print($"\t\t<error in resizable BAR: num_bars={count} is out of specification>\n");
                    return;
                }
            }

            ulong sizes = (view.Long(at) >> 4) | ((ulong)(control >> 16) << 28);
            string current = BarSize((int)RegisterText.Bits(control, 8, 13));
            string supported = string.Concat(
                Enumerable.Range(SmallestBar, 44).Where(size => ((sizes >> size) & 1) != 0).Select(BarSize)
            );
            view.Print($"\t\tBAR {control & 7}: current size:{current}");
            view.Print(sizes != 0 ? $", supported:{supported}\n" : "\n");
        }
    }

    private static string BarSize(int power) =>
        power < 44 ? $" {1 << (power % 10)}{SizeUnits[power / 10]}" : " <unknown>";

    /// <summary>Root Complex Link Declaration.</summary>
    public static async Task WriteRootComplexLink(CapabilityView view)
    {
        view.Print("Root Complex Link\n");
        if (!view.IsDetailed || !await view.Fetch(4, 12))
        {
            return;
        }

        uint self = view.Long(4);
        string element = (self & 0xFF) switch
        {
            0 => "Config",
            1 => "Egress",
            2 => "Internal",
            var other => $"??{other}",
        };
        view.Print($"\t\tDesc:\tPortNumber={{24-31:x2}} ComponentID={{16-23:x2}} EltType={element}\n", self);
        for (int n = 0; n < (int)((self >> 8) & 0xFF); n++)
        {
            int at = 0x10 + 16 * n;
            view.Print($"\t\tLink{n}:\t");
            if (!await view.Fetch(at, 16))
            {
                view.Print("<unreadable>\n");
                return;
            }

            WriteLink(view, at);
        }
    }

    private static void WriteLink(CapabilityView view, int at)
    {
        uint link = view.Long(at);
        uint low = view.Long(at + 8);
        uint high = view.Long(at + 12);
        view.Print("Desc:\tTargetPort={24-31:x2} TargetComponent={16-23:x2} AssocRCRB{2}", link);
        view.Print(" LinkType={1-1:linktype} LinkValid{0}\n", link);
        if ((link & 2) == 0)
        {
            view.Print($"\t\t\tAddr:\t{high:x8}{low:x8}\n");
            return;
        }

        int busBits = (low & 7) == 0 ? 8 : (int)(low & 7);
        view.Print($"\t\t\tAddr:\t{{20-{19 + busBits}:x2}}:{{15-19:x2}}.{{12-14}}  CfgSpace={high:x8}{low:x8}\n", low);
    }

    /// <summary>Root Complex Event Collector Endpoint Association.</summary>
    public static async Task WriteEventCollector(CapabilityView view)
    {
        view.Print("Root Complex Event Collector Endpoint Association\n");
        if (!view.IsDetailed || !await view.Fetch(0, 12))
        {
            return;
        }

        uint map = view.Long(4);
        string none = view.Show.Verbose > 2 ? "00000000 [none]" : "[none]";
        view.Print($"\t\tRCiEPBitmap: {(map == 0 ? none : "RCiEP at Device(s):" + Ranges(map))}\n");
        if ((view.Long(0) >> 16 & 0xF) < 2)
        {
            return;
        }

        uint last = (view.Long(8) >> 16) & 0xFF;
        uint next = (view.Long(8) >> 8) & 0xFF;
        string nobody = view.Show.Verbose > 2 ? "ff-00 [none]" : "[none]";
        view.Print($"\t\tAssociatedBusNumbers: {(last == 0 && next == 0xFF ? nobody : $"{next:x2}-{last:x2}")}\n");
    }

    /// <summary>The set bits as ranges; a range that bit 31 ends stays open, as in the original.</summary>
    private static string Ranges(uint map)
    {
        string text = "";
        int length = 0;
        for (int device = 0; device < 32; device++)
        {
            if (((map >> device) & 1) == 0)
            {
                text += length > 1 ? $"-{device - 1}" : "";
                length = 0;
            }
            else if (length++ == 0)
            {
                text += text.Length > 0 ? $", {device}" : $" {device}";
            }
        }

        return text;
    }
}
