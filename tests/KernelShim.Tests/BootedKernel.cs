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
        var kernel = new Kernel(board, KernelProfiles.VosysV6);
        kernel.InitCalls.Add(new InitCall("init_IRQ", InitLevel.Interrupts, started => IrqSubsystem.Start(started)));
        kernel.InitCalls.Add(new InitCall("iommu_init", InitLevel.Core, started => IommuCore.Start(started)));
        kernel.InitCalls.Add(new InitCall("smmu", InitLevel.Subsystem, started => ArmSmmuDriver.Start(started)));
        kernel.InitCalls.Add(VfioCore.InitCall);
        kernel.Boot();
        return kernel;
    }
}
