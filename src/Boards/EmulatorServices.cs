using Emulator.Iommu;
using Emulator.Machine;
using Emulator.Peripherals;
using Emulator.Scenarios;
using Microsoft.Extensions.DependencyInjection;

namespace Emulator.Boards;

/// <summary>The composition root for the command line, tests and embedders.</summary>
public static class EmulatorServices
{
    /// <summary>
    /// Registers everything: device models, boards, the scenario language. Build the container once per process; nothing in
    /// it is mutable, so scenarios may run in parallel.
    /// </summary>
    public static IServiceCollection AddEmulator(this IServiceCollection services) =>
        services
            .AddDeviceModels()
            .AddSingleton<IBoardFactory, BoardFactory>()
            .AddSingleton<IBoardLibrary, BoardLibrary>()
            .AddSingleton<IProgramAssembler, Dma330ProgramAssembler>()
            .AddSingleton<ScenarioReader>()
            .AddSingleton<ScenarioRunner>();

    // csharpier-ignore
    private static IServiceCollection AddDeviceModels(this IServiceCollection services) =>
        services
            .AddDeviceModel("arm,cortex-a15-gic", "Cortex-A15 Generic Interrupt Controller (GICv2)", context => new GicV2(context, GicPart.CortexA15))
            .AddDeviceModel("arm,gic-400", "Generic Interrupt Controller (GIC-400)", context => new GicV2(context, GicPart.Gic400))
            .AddDeviceModel("arm,mmu-400", "System MMU (MMU-400)", context => new Smmu400(context))
            .AddDeviceModel("arm,pl031", "PrimeCell Real Time Clock (PL031)", context => new Pl031(context))
            .AddDeviceModel("mtd-ram",            "static RAM",               context => new MemoryDevice(context))
            .AddDeviceModel("arm,vexpress-vram",  "video RAM",                context => new MemoryDevice(context));
}
