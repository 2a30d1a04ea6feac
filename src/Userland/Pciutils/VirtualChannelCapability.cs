namespace Emulator.Userland;

/// <summary>The Virtual Channel extended capability (PCI Express base specification, 7.9.1).</summary>
internal static class VirtualChannelCapability
{
    private const string PortArbitrations = "\t\tArb:\tFixed{0} WRR32{1} WRR64{2} WRR128{3}";

    private const string ChannelArbitrations = "\t\t\tArb:\tFixed{0} WRR32{1} WRR64{2} WRR128{3} TWRR128{4} WRR256{5}";

    /// <summary>Writes it.</summary>
    public static async Task Write(CapabilityView view)
    {
        view.Print("Virtual Channel\n");
        if (!view.IsDetailed || !await view.Fetch(4, 0x18))
        {
            return;
        }

        uint port = view.Long(4);
        uint port2 = view.Long(8);
        view.Print("\t\tCaps:\tLPEVC={4-6} RefClk={8-9:refclock} PATEntryBits={10-11:pow2}\n", port);
        view.Print(PortArbitrations + Unknown(port2, 4), port2);
        view.Print("\n\t\tCtrl:\tArbSelect={1-3:arbitration}\n", view.Word(0x0C));
        view.Print("\t\tStatus:\tInProgress{0}\n", view.Word(0x0E));
        if (port2 >> 24 != 0)
        {
            view.Print($"\t\tPort Arbitration Table [{view.Where + 16 * (port2 >> 24):x}] <?>\n");
        }

        for (int n = 0; n <= (int)(port & 7); n++)
        {
            view.Print($"\t\tVC{n}:\t");
            if (await view.Fetch(0x10 + 12 * n, 12))
            {
                WriteChannel(view, 0x10 + 12 * n);
            }
            else
            {
                view.Print("<unreadable>\n");
            }
        }
    }

    private static void WriteChannel(CapabilityView view, int at)
    {
        uint can = view.Long(at);
        uint slots = RegisterText.Bits(can, 16, 22) + 1;
        view.Print($"Caps:\tPATOffset={{24-31:x2}} MaxTimeSlots={slots} RejSnoopTrans{{15}}\n", can);
        view.Print(ChannelArbitrations + Unknown(can, 6), can);
        view.Print(
            "\n\t\t\tCtrl:\tEnable{31} ID={24-26} ArbSelect={17-19:vcarbitration} TC/VC={0-7:x2}\n",
            view.Long(at + 4)
        );
        view.Print("\t\t\tStatus:\tNegoPending{1} InProgress{0}\n", view.Word(at + 10));
        view.Print(can >> 24 != 0 ? "\t\t\tPort Arbitration Table <?>\n" : "");
    }

    /// <summary>Arbitrations without a name are shown where they are there.</summary>
    private static string Unknown(uint set, int first) =>
        string.Concat(Enumerable.Range(first, 8 - first).Where(n => ((set >> n) & 1) != 0).Select(n => $" ??{n}+"));
}
