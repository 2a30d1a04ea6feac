namespace Emulator.Userland;

/// <summary>What kind of capability a register of setpci is counted from.</summary>
internal enum CapabilityKind
{
    /// <summary>None: from the beginning of the configuration space.</summary>
    None,

    /// <summary>An ordinary one.</summary>
    Normal,

    /// <summary>An extended one.</summary>
    Extended,
}

/// <summary>A register that setpci knows by name.</summary>
/// <param name="Kind">From what its address is counted.</param>
/// <param name="Id">The capability's ID.</param>
/// <param name="Address">Its address.</param>
/// <param name="Bytes">How wide it is; 0 when the command has to say.</param>
/// <param name="HeaderTypes">The header types that have it, a bit each; 0 for all.</param>
/// <param name="Name">Its name.</param>
internal readonly record struct SetpciRegister(
    CapabilityKind Kind,
    int Id,
    int Address,
    int Bytes,
    int HeaderTypes,
    string Name
);

/// <summary>The registers that setpci knows by name: those of <c>setpci --dumpregs</c>.</summary>
internal static class SetpciRegisters
{
    private const int All = 0;
    private const int Device = 1;
    private const int Bridge = 2;
    private const int CardBus = 4;

    // csharpier-ignore
    private static readonly (int Address, int Bytes, int HeaderTypes, string Name)[] Headers =
    [
        (0x00, 2, All, "VENDOR_ID"), (0x02, 2, All, "DEVICE_ID"), (0x04, 2, All, "COMMAND"), (0x06, 2, All, "STATUS"),
        (0x08, 1, All, "REVISION"), (0x09, 1, All, "CLASS_PROG"), (0x0A, 2, All, "CLASS_DEVICE"),
        (0x0C, 1, All, "CACHE_LINE_SIZE"), (0x0D, 1, All, "LATENCY_TIMER"), (0x0E, 1, All, "HEADER_TYPE"),
        (0x0F, 1, All, "BIST"),
        (0x10, 4, Device | Bridge, "BASE_ADDRESS_0"), (0x14, 4, Device | Bridge, "BASE_ADDRESS_1"),
        (0x18, 4, Device, "BASE_ADDRESS_2"), (0x1C, 4, Device, "BASE_ADDRESS_3"), (0x20, 4, Device, "BASE_ADDRESS_4"),
        (0x24, 4, Device, "BASE_ADDRESS_5"), (0x28, 4, Device, "CARDBUS_CIS"), (0x2C, 2, Device, "SUBSYSTEM_VENDOR_ID"),
        (0x2E, 2, Device, "SUBSYSTEM_ID"), (0x30, 4, Device, "ROM_ADDRESS"), (0x34, 1, Device | Bridge, "CAPABILITIES"),
        (0x3C, 1, Device | Bridge, "INTERRUPT_LINE"), (0x3D, 1, Device | Bridge, "INTERRUPT_PIN"),
        (0x3E, 1, Device, "MIN_GNT"), (0x3F, 1, Device, "MAX_LAT"),
        (0x18, 1, Bridge, "PRIMARY_BUS"), (0x19, 1, Bridge, "SECONDARY_BUS"), (0x1A, 1, Bridge, "SUBORDINATE_BUS"),
        (0x1B, 1, Bridge, "SEC_LATENCY_TIMER"), (0x1C, 1, Bridge, "IO_BASE"), (0x1D, 1, Bridge, "IO_LIMIT"),
        (0x1E, 2, Bridge, "SEC_STATUS"), (0x20, 2, Bridge, "MEMORY_BASE"), (0x22, 2, Bridge, "MEMORY_LIMIT"),
        (0x24, 2, Bridge, "PREF_MEMORY_BASE"), (0x26, 2, Bridge, "PREF_MEMORY_LIMIT"),
        (0x28, 4, Bridge, "PREF_BASE_UPPER32"), (0x2C, 4, Bridge, "PREF_LIMIT_UPPER32"),
        (0x30, 2, Bridge, "IO_BASE_UPPER16"), (0x32, 2, Bridge, "IO_LIMIT_UPPER16"),
        (0x38, 4, Bridge, "BRIDGE_ROM_ADDRESS"), (0x3E, 2, Bridge, "BRIDGE_CONTROL"),
        (0x10, 4, CardBus, "CB_CARDBUS_BASE"), (0x14, 2, CardBus, "CB_CAPABILITIES"), (0x16, 2, CardBus, "CB_SEC_STATUS"),
        (0x18, 1, CardBus, "CB_BUS_NUMBER"), (0x19, 1, CardBus, "CB_CARDBUS_NUMBER"),
        (0x1A, 1, CardBus, "CB_SUBORDINATE_BUS"), (0x1B, 1, CardBus, "CB_CARDBUS_LATENCY"),
        (0x1C, 4, CardBus, "CB_MEMORY_BASE_0"), (0x20, 4, CardBus, "CB_MEMORY_LIMIT_0"),
        (0x24, 4, CardBus, "CB_MEMORY_BASE_1"), (0x28, 4, CardBus, "CB_MEMORY_LIMIT_1"),
        (0x2C, 2, CardBus, "CB_IO_BASE_0"), (0x2E, 2, CardBus, "CB_IO_BASE_0_HI"), (0x30, 2, CardBus, "CB_IO_LIMIT_0"),
        (0x32, 2, CardBus, "CB_IO_LIMIT_0_HI"), (0x34, 2, CardBus, "CB_IO_BASE_1"),
        (0x36, 2, CardBus, "CB_IO_BASE_1_HI"), (0x38, 2, CardBus, "CB_IO_LIMIT_1"),
        (0x3A, 2, CardBus, "CB_IO_LIMIT_1_HI"), (0x40, 2, CardBus, "CB_SUBSYSTEM_VENDOR_ID"),
        (0x42, 2, CardBus, "CB_SUBSYSTEM_ID"), (0x44, 4, CardBus, "CB_LEGACY_MODE_BASE"),
    ];

    // csharpier-ignore
    private static readonly (int First, string[] Names)[] Capabilities =
    [
        (0x01, ["PM", "AGP", "VPD", "SLOTID", "MSI", "CHSWP", "PCIX", "HT", "VNDR", "DBG", "CCRC", "HOTPLUG", "SSVID",
                "AGP3", "SECURE", "EXP", "MSIX", "SATA", "AF", "EA"]),
    ];

    // csharpier-ignore
    private static readonly (int First, string[] Names)[] Extended =
    [
        (0x01, ["AER", "VC", "DSN", "PB", "RCLINK", "RCILINK", "RCEC", "MFVC", "VC2", "RBCB", "VNDR"]),
        (0x0D, ["ACS", "ARI", "ATS", "SRIOV", "MRIOV", "MCAST", "PRI"]),
        (0x15, ["REBAR", "DPA", "TPH", "LTR", "SECPCI", "PMUX", "PASID", "LNR", "DPC", "L1PM", "PTM", "M_PCIE", "FRS",
                "RTR", "DVSEC", "VF_REBAR", "DLNK", "16GT", "LMR", "HIER_ID", "NPEM"]),
    ];

    /// <summary>All of them.</summary>
    public static IReadOnlyList<SetpciRegister> Known { get; } =
    [
        .. Headers.Select(row => new SetpciRegister(
            CapabilityKind.None,
            0,
            row.Address,
            row.Bytes,
            row.HeaderTypes,
            row.Name
        )),
        .. Numbered(CapabilityKind.Normal, "CAP_", Capabilities),
        .. Numbered(CapabilityKind.Extended, "ECAP_", Extended),
    ];

    /// <summary>The text of --dumpregs.</summary>
    public static string Dump()
    {
        IEnumerable<string> lines = Known.Select(row =>
        {
            string capability = row.Kind switch
            {
                CapabilityKind.Extended => $"{row.Id:x4}",
                CapabilityKind.Normal => $"  {row.Id:x2}",
                _ => "    ",
            };
            return $"{capability} {row.Address:x2} {"-BW?L"[row.Bytes]} {row.Name}\n";
        });
        return "cap pos w name\n" + string.Concat(lines);
    }

    private static IEnumerable<SetpciRegister> Numbered(
        CapabilityKind kind,
        string prefix,
        (int First, string[] Names)[] runs
    ) =>
        runs.SelectMany(run =>
            run.Names.Select((name, n) => new SetpciRegister(kind, run.First + n, 0, 0, All, prefix + name))
        );
}
