namespace Emulator.KernelShim;

/// <summary>What a kernel with PCI starts at boot, in the order of the kernel's Makefiles.</summary>
internal static class PciDrivers
{
    /// <summary>The bus.</summary>
    public static void StartCore(Kernel kernel)
    {
        if (kernel.Profile.HasPci)
        {
            PciCore.Start(kernel);
        }
    }

    /// <summary>The drivers of ports and bridges.</summary>
    public static void StartPorts(Kernel kernel)
    {
        if (kernel.Pci is null)
        {
            return;
        }

        PciPortDriver.Start(kernel);
        kernel.Log.Print(LogLevel.Info, "shpchp: Standard Hot Plug PCI Controller Driver version: 0.4");
        kernel.Drivers.Register(new ShpcDriver(kernel));
    }

    /// <summary>The drivers of host bridges: with them functions appear.</summary>
    public static void StartHosts(Kernel kernel)
    {
        if (kernel.Pci is not null)
        {
            kernel.Drivers.Register(new PciHostGenericDriver(kernel));
        }
    }

    /// <summary>The drivers of functions that are built in.</summary>
    public static void StartFunctions(Kernel kernel)
    {
        if (kernel.Pci is null)
        {
            return;
        }

        if (kernel.Profile.HasVirtioPci)
        {
            kernel.Drivers.Register(PciClassDriver.Virtio(kernel));
        }

        kernel.Drivers.Register(PciClassDriver.Serial(kernel));
        kernel.Drivers.Register(PciClassDriver.Pericom(kernel));
    }
}
