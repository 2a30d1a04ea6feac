using System.Globalization;

namespace Emulator.KernelShim;

/// <summary>
/// e1000e (drivers/net/ethernet/intel/e1000e/netdev.c), as far as a network card shows that has no cable: it takes its function, reads
/// who it is, and has a network interface by name. No packet moves.
/// </summary>
internal sealed class E1000eDriver(Kernel kernel) : PciDriver
{
    private const ulong ReceiveAddressLow = 0x5400;
    private const ulong ReceiveAddressHigh = 0x5404;
    private const int ExpressLinkStatus = 0x12;

    /// <summary>enum e1000_mac_type and e1000_phy_type of the 82574.</summary>
    private const int Mac82574 = 3;
    private const int PhyBm = 8;

    /// <summary>e1000_pci_tbl, the discrete parts: the driver data is the board's number.</summary>
    public static IReadOnlyList<PciDeviceId> Table { get; } =
    [
        .. new uint[] { 0x105E, 0x105F, 0x10A4, 0x10BC, 0x10A5, 0x1060, 0x10D9, 0x10DA, 0x10D5 }.Select(id =>
            Entry(id, 0)
        ),
        .. new uint[] { 0x10B9, 0x107D, 0x107E, 0x107F }.Select(id => Entry(id, 1)),
        .. new uint[] { 0x108B, 0x108C, 0x109A }.Select(id => Entry(id, 2)),
        Entry(0x10D3, Mac82574),
        Entry(0x10F6, Mac82574),
        Entry(0x150C, 4),
    ];

    private readonly SortedDictionary<int, PciDevice> _interfaces = [];

    public override string Name => "e1000e";

    public override string? Module => "e1000e";

    public override IReadOnlyList<PciDeviceId> Ids => Table;

    /// <summary>e1000_init_module.</summary>
    public static E1000eDriver Create(Kernel kernel)
    {
        kernel.Log.Print(LogLevel.Info, "e1000e: Intel(R) PRO/1000 Network Driver");
        kernel.Log.Print(LogLevel.Info, "e1000e: Copyright(c) 1999 - 2015 Intel Corporation.");
        return new E1000eDriver(kernel);
    }

    /// <summary>e1000_probe.</summary>
    public override long Probe(PciDevice device)
    {
        long error = kernel.Pci.EnableMemory(device);
        if (error != 0)
        {
            return error;
        }

        kernel.Pci.SetMaster(device);
        PciCore core = kernel.Pci;
        core.Info(device, "Interrupt Throttling Rate (ints/sec) set to dynamic conservative mode");
        Log(device, device.Name, "registered PHC clock", isNamed: false);
        int number = 0;
        while (_interfaces.ContainsKey(number))
        {
            number++;
        }

        _interfaces[number] = device;
        string name = string.Create(CultureInfo.InvariantCulture, $"eth{number}");
        string address = ReadAddress(device);
        AddInterface(device, name, address);
        Log(device, name, $"(PCI Express:{Speed(device)}:{Width(device)}) {address}");
        Log(device, name, "Intel(R) PRO/1000 Network Connection");
        Log(
            device,
            name,
            string.Create(CultureInfo.InvariantCulture, $"MAC: {Mac82574}, PHY: {PhyBm}, PBA No: 000000-000")
        );
        return 0;
    }

    /// <summary>e1000_remove.</summary>
    public override void Remove(PciDevice device)
    {
        KeyValuePair<int, PciDevice> found = _interfaces.First(entry => ReferenceEquals(entry.Value, device));
        string name = string.Create(CultureInfo.InvariantCulture, $"eth{found.Key}");
        Log(device, name, "removed PHC");
        _interfaces.Remove(found.Key);
        device.Directory?.Remove("net");
        Classes.Remove(name);
        kernel.Pci.Disable(device);
    }

    private DirectoryInode Classes => kernel.Files.Make("/sys/class/net");

    private static PciDeviceId Entry(uint device, ulong board) => new(0x8086, device, DriverData: board);

    /// <summary>netdev_info: before the interface has a name it says so.</summary>
    private void Log(PciDevice device, string name, string text, bool isNamed = true) =>
        kernel.Log.Print(LogLevel.Info, $"{Name} {device.Name} {name}{(isNamed ? "" : " (uninitialized)")}: {text}");

    /// <summary>e1000e_read_mac_addr: the first receive address, which the card has loaded from its memory.</summary>
    private string ReadAddress(PciDevice device)
    {
        ulong registers = device.Regions[0].Start;
        kernel.Board.Cpu.Load(registers + ReceiveAddressLow, 4, out ulong low);
        kernel.Board.Cpu.Load(registers + ReceiveAddressHigh, 4, out ulong high);
        byte[] bytes = [.. BitConverter.GetBytes((uint)low), .. BitConverter.GetBytes((ushort)high)];
        return string.Join(':', bytes.Select(part => part.ToString("x2", CultureInfo.InvariantCulture)));
    }

    private static string Speed(PciDevice device) => (LinkStatus(device) & 0xF) == 1 ? "2.5GT/s" : "Unknown";

    private static string Width(PciDevice device) =>
        (LinkStatus(device) >> 4 & 0x3F) switch
        {
            4 => "Width x4",
            1 => "Width x1",
            _ => "Unknown",
        };

    private static int LinkStatus(PciDevice device) => device.ReadWord(device.ExpressCapability + ExpressLinkStatus);

    private void AddInterface(PciDevice device, string name, string address)
    {
        DirectoryInode directory = device.Directory!.GetOrAddDirectory("net").AddDirectory(name);
        directory.AddAttribute("address", AttributeMode.ReadOnly, () => address + "\n");
        directory.AddAttribute("operstate", AttributeMode.ReadOnly, () => "down\n");
        directory.AddRelativeLink("device", device.Directory!);
        directory.AddRelativeLink("subsystem", Classes);
        Classes.AddRelativeLink(name, directory);
    }
}
