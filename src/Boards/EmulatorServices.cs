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
            .AddDeviceModel("arm,cortex-a15-gic", "GICv2 of the Cortex-A15",                  context => new GicV2(context, GicPart.CortexA15))
            .AddDeviceModel("arm,cortex-a7-gic",  "GICv2 of the Cortex-A7",                   context => new GicV2(context, GicPart.CortexA7))
            .AddDeviceModel("arm,gic-400",        "GIC-400",                                  context => new GicV2(context, GicPart.Gic400))
            .AddDeviceModel("arm,gic-v3",         "GICv3",                                    context => new GicV3(context))
            .AddDeviceModel("arm,gic-v3-its",     "Interrupt Translation Service of a GICv3", context => new GicIts(context))
            .AddDeviceModel("arm,mmu-400",        "System MMU (MMU-400)",                     context => new Smmu(context, SmmuPart.Mmu400))
            .AddDeviceModel("arm,mmu-401",        "System MMU (MMU-401)",                     context => new Smmu(context, SmmuPart.Mmu401))
            .AddDeviceModel("arm,mmu-500",        "System MMU (MMU-500)",                     context => new Smmu(context, SmmuPart.Mmu500))
            .AddDeviceModel("arm,smmu-v1",        "System MMU of architecture version 1",     context => new Smmu(context, SmmuPart.Mmu400))
            .AddDeviceModel("arm,smmu-v2",        "System MMU of architecture version 2",     context => new Smmu(context, SmmuPart.Version2))
            .AddDeviceModel("arm,pl011",          "PrimeCell UART (PL011)",                   context => new Pl011(context))
            .AddDeviceModel("arm,pl031",          "PrimeCell Real Time Clock (PL031)",        context => new Pl031(context))
            .AddDeviceModel("arm,pl061",          "PrimeCell GPIO (PL061)",                   context => new Pl061(context))
            .AddDeviceModel("gpio-keys",          "keys on pins of a GPIO controller",        context => new GpioKeys(context))
            .AddDeviceModel("qemu,fw-cfg-mmio",   "QEMU's firmware configuration (fw_cfg)",   context => new FirmwareConfiguration(context))
            .AddDeviceModel("arm,pl330",          "DMA controller (DMA-330, PL330)",          context => new Dma330(context))
            .AddDeviceModel("samsung,s3c2440-i2c", "I2C controller (S3C2440)",               context => new S3c2440I2c(context))
            .AddDeviceModel("samsung,s3c2440-hdmiphy-i2c", "I2C controller (S3C2440)",       context => new S3c2440I2c(context))
            .AddDeviceModel("arm,sp804",          "Dual-Timer Module (SP804)",                context => new Sp804(context))
            .AddDeviceModel("arm,sp805",          "Watchdog Module (SP805)",                  context => new Sp805(context))
            .AddDeviceModel("arm,sp810",          "System Controller (SP810)",                context => new Sp810(context))
            .AddDeviceModel("arm,vexpress-sysreg", "Versatile Express system registers",      context => new VexpressSysreg(context))
            .AddDeviceModel("arm,vexpress-vram",  "video RAM",                                context => new MemoryDevice(context))
            .AddDeviceModel("virtio,mmio",        "virtio transport without a device",        context => new VirtioMmio(context))
            .AddDeviceModel("mtd-ram",            "static RAM",                               context => new MemoryDevice(context))
            .AddPciModels();

    // csharpier-ignore
    private static IServiceCollection AddPciModels(this IServiceCollection services) =>
        services
            .AddDeviceModel("pci-host-ecam-generic",      "PCI Express root complex with ECAM",             context => new PciHost(context))
            .AddDeviceModel("emulator,gpex-root",         "host bridge function of QEMU's generic host",    context => new GenericHostBridge(context))
            .AddDeviceModel("emulator,pcie-root-port",    "generic root port",                              context => new GenericRootPort(context))
            .AddDeviceModel("emulator,ioh3420",           "root port of Intel's 5520/X58 I/O hub",          context => new Ioh3420RootPort(context))
            .AddDeviceModel("emulator,x3130-upstream",    "upstream port of a TI X3130 switch",             context => new X3130UpstreamPort(context))
            .AddDeviceModel("emulator,xio3130-downstream", "downstream port of a TI X3130 switch",          context => new Xio3130DownstreamPort(context))
            .AddDeviceModel("emulator,pcie-pci-bridge",   "PCI Express to PCI bridge",                      context => new ExpressToPciBridge(context))
            .AddDeviceModel("emulator,pci-bridge",        "PCI-PCI bridge",                                 context => new PciToPciBridge(context))
            .AddDeviceModel("emulator,i82801b11-bridge",  "PCI bridge of Intel's I/O controller hub",       context => new IchPciBridge(context))
            .AddDeviceModel("emulator,described-function", "PCI function that is only described",            context => new DescribedFunction(context))
            .AddDeviceModel("emulator,described-bridge",  "PCI bridge that is only described",              context => new DescribedBridge(context))
            .AddDeviceModel("emulator,edu",               "QEMU's teaching device edu",                     context => new Edu(context))
            .AddDeviceModel("emulator,e1000e",            "Intel 82574L (configuration space only)",        context => new E1000e(context))
            .AddDeviceModel("emulator,e1000",             "Intel 82540EM (configuration space only)",       context => new E1000(context))
            .AddDeviceModel("emulator,nvme",              "NVM Express controller (configuration space only)", context => new Nvme(context))
            .AddDeviceModel("emulator,virtio-rng-pci",    "virtio entropy source (configuration space only)", context => new VirtioRng(context))
            .AddDeviceModel("emulator,pci-testdev",       "QEMU's pci-testdev (configuration space only)",  context => new PciTestDevice(context));
}
