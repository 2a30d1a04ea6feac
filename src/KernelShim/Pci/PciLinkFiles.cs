using System.Globalization;

namespace Emulator.KernelShim;

/// <summary>Files of Express functions: the link, and counters of errors (drivers/pci/pci-sysfs.c, pcie/aer.c).</summary>
internal static class PciLinkFiles
{
    private static readonly string[] CorrectableErrors =
    [
        "RxErr",
        "BadTLP",
        "BadDLLP",
        "Rollover",
        "Timeout",
        "NonFatalErr",
        "CorrIntErr",
        "HeaderOF",
        "TOTAL_ERR_COR",
    ];

    private static readonly string[] UncorrectableErrors =
    [
        "Undefined",
        "DLP",
        "SDES",
        "TLP",
        "FCP",
        "CmpltTO",
        "CmpltAbrt",
        "UnxCmplt",
        "RxOF",
        "MalfTLP",
        "ECRC",
        "UnsupReq",
        "ACSViol",
        "UncorrIntErr",
        "BlockedTLP",
        "AtomicOpBlocked",
        "TLPBlockedErr",
        "PoisonTLPBlocked",
        "DMWrReqBlocked",
        "IDECheck",
        "MisIDETLP",
        "PCRC_CHECK",
        "TLPXlatBlocked",
    ];

    public static void Add(PciDevice device, DirectoryInode directory)
    {
        Show(directory, "current_link_speed", () => Speed(LinkOf(device, PciExpress.LinkStatus) & 0xF));
        Show(directory, "current_link_width", () => Width(LinkOf(device, PciExpress.LinkStatus)));
        Show(directory, "max_link_speed", () => MaximumSpeed(device));
        Show(directory, "max_link_width", () => Width(LinkOf(device, PciExpress.LinkCapabilities)));
        if (device.AerCapability == 0)
        {
            return;
        }

        Show(directory, "aer_dev_correctable", () => Counters(CorrectableErrors));
        Show(directory, "aer_dev_fatal", () => Counters([.. UncorrectableErrors, "TOTAL_ERR_FATAL"]));
        Show(directory, "aer_dev_nonfatal", () => Counters([.. UncorrectableErrors, "TOTAL_ERR_NONFATAL"]));
        if (device.ExpressType is PciExpressType.RootPort or PciExpressType.EventCollector)
        {
            Show(directory, "aer_rootport_total_err_cor", () => "0\n");
            Show(directory, "aer_rootport_total_err_fatal", () => "0\n");
            Show(directory, "aer_rootport_total_err_nonfatal", () => "0\n");
        }
    }

    /// <summary>A register of the link; an endpoint of the root complex has none (pcie_capability_reg_implemented).</summary>
    private static ushort LinkOf(PciDevice device, int register) =>
        device.ExpressType is PciExpressType.RootComplexEndpoint or PciExpressType.EventCollector
            ? (ushort)0
            : device.ReadWord(device.ExpressCapability + register);

    private static string MaximumSpeed(PciDevice device) => Speed(LinkOf(device, PciExpress.LinkCapabilities) & 0xF);

    /// <summary>The files of link/: the states that both ends of an endpoint's link can be in (pcie_aspm_init_link_state).</summary>
    public static void AddLink(PciDevice device, DirectoryInode directory)
    {
        const int supportsL0s = 0x400;
        DirectoryInode link = directory.AddDirectory("link");
        if (
            device
                is { IsExpress: true, ExpressType: PciExpressType.Endpoint, OnBus.Bridge: { IsExpress: true } bridge }
            && (LinkOf(device, PciExpress.LinkCapabilities) & LinkOf(bridge, PciExpress.LinkCapabilities) & supportsL0s)
                != 0
        )
        {
            link.AddAttribute("l0s_aspm", AttributeMode.ReadWrite, () => "0\n", (_, text) => text.Length);
        }
    }

    /// <summary>pci_speed_string of PCIe generations.</summary>
    internal static string Speed(int generation) =>
        generation switch
        {
            1 => "2.5 GT/s PCIe\n",
            2 => "5.0 GT/s PCIe\n",
            3 => "8.0 GT/s PCIe\n",
            4 => "16.0 GT/s PCIe\n",
            5 => "32.0 GT/s PCIe\n",
            6 => "64.0 GT/s PCIe\n",
            _ => "Unknown\n",
        };

    private static string Width(ushort link) => (link >> 4 & 0x3F).ToString(CultureInfo.InvariantCulture) + "\n";

    private static string Counters(string[] names) => string.Concat(names.Select(name => name + " 0\n"));

    private static void Show(DirectoryInode directory, string name, Func<string> show) =>
        directory.AddAttribute(name, AttributeMode.ReadOnly, show);
}
