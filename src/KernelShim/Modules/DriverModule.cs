namespace Emulator.KernelShim;

/// <summary>A module that is a driver: it is registered while the module is loaded (module_platform_driver and its kin).</summary>
/// <param name="kernel">The kernel.</param>
/// <param name="name">The module's name.</param>
/// <param name="create">Makes the driver.</param>
/// <param name="dependsOn">The modules it needs.</param>
internal sealed class DriverModule(Kernel kernel, string name, Func<Kernel, Driver> create, params string[] dependsOn)
    : KernelModule(name)
{
    private Driver? _driver;

    public override IReadOnlyList<string> DependsOn => dependsOn;

    /// <summary>The driver's table of PCI functions (MODULE_DEVICE_TABLE).</summary>
    public IReadOnlyList<PciDeviceId> PciIds { get; init; } = [];

    public override IReadOnlyList<string> Aliases => [.. PciIds.Select(AliasOf)];

    public override long Load()
    {
        _driver = create(kernel);
        if (!kernel.Drivers.Buses.ContainsKey(_driver.BusName))
        {
            return -(long)Errno.ENODEV;
        }

        kernel.Drivers.Register(_driver);
        return 0;
    }

    public override void Unload() => kernel.Drivers.Unregister(_driver!);

    /// <summary>The pattern of functions that an entry means, as do_pci_entry (scripts/mod/file2alias.c) writes it.</summary>
    private static string AliasOf(PciDeviceId id)
    {
        string Word(uint? value) => value is { } number ? $"{number:X8}" : "*";
        string Part(int shift) => ((id.ClassMask >> shift) & 0xFF) == 0xFF ? $"{(id.Class >> shift) & 0xFF:X2}" : "*";
        string pattern =
            $"pci:v{Word(id.Vendor)}d{Word(id.Device)}sv{Word(id.SubsystemVendor)}sd{Word(id.SubsystemDevice)}"
            + $"bc{Part(16)}sc{Part(8)}i{Part(0)}";
        return pattern.EndsWith('*') ? pattern : pattern + "*";
    }
}
