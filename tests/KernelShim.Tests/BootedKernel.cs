using Emulator.Boards;
using Emulator.Machine;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.KernelShim.Tests;

/// <summary>A kernel with everything that the guide's has, on the real board.</summary>
internal static class BootedKernel
{
    private static readonly Lazy<ServiceProvider> Services = new(() =>
        new ServiceCollection().AddEmulator().BuildServiceProvider()
    );

    public static Kernel Boot()
    {
        Board board = Services
            .Value.GetRequiredService<IBoardLibrary>()
            .Create("fvp-ve", options: null, new Simulation());
        return BuiltInDrivers.Boot(board, KernelProfiles.VosysV6);
    }

    /// <summary>A kernel with PCI on a board that has no host bridge, and without the drivers of ports.</summary>
    public static Kernel BootWithoutPciHost()
    {
        Board board = Services
            .Value.GetRequiredService<IBoardLibrary>()
            .Create("fvp-ve", options: null, new Simulation());
        Kernel kernel = BuiltInDrivers.Boot(board, KernelProfiles.Linux612);
        kernel.Drivers.Buses["pci"].AutoProbe = false;
        return kernel;
    }
}
