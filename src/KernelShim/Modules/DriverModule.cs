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
}
