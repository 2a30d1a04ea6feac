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
}
