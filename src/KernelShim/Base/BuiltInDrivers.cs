namespace Emulator.KernelShim;

/// <summary>
/// What is linked into every simulated kernel: subsystems and drivers in the order of the kernel's Makefiles. Each looks at the
/// profile and the hardware itself, so one list serves every kernel and board.
/// </summary>
public static class BuiltInDrivers
{
    /// <summary>The steps of the boot, for <see cref="Kernel.InitCalls"/>.</summary>
    public static IReadOnlyList<IInitCall> InitCalls { get; } =
    [
        new InitCall("init_IRQ", InitLevel.Interrupts, kernel => IrqSubsystem.Start(kernel)),
        ArchTimer.InitCall,
        new InitCall("iommu_init", InitLevel.Core, kernel => IommuCore.Start(kernel)),
        GpioCore.InitCall,
        new InitCall("pci_driver_init", InitLevel.PostCore, PciDrivers.StartCore),
        new InitCall("arm_smmu_init", InitLevel.Subsystem, StartSmmus),
        S3cI2cDriver.InitCall,
        Pl061Driver.InitCall,
        new InitCall("pcie_portdrv_init", InitLevel.Device, PciDrivers.StartPorts),
        new InitCall("gen_pci_driver_init", InitLevel.Device, PciDrivers.StartHosts),
        new InitCall("virtio_pci_driver_init", InitLevel.Device, PciDrivers.StartFunctions),
        new InitCall("pl011_init", InitLevel.Device, AmbaBuiltInDrivers.Start),
        RtcPl031Driver.InitCall,
        Pl330Driver.InitCall,
        ModuleLoader.InitCall,
        VosysDmatest.InitCall,
    ];

    private static void StartSmmus(Kernel kernel)
    {
        if (kernel.Profile.ArmSmmuIsThatOf3x)
        {
            ArmSmmuDriver.Start(kernel);
        }
        else
        {
            SmmuDriver.Start(kernel);
        }
    }

    /// <summary>A kernel with all of them, booted.</summary>
    /// <param name="board">The board.</param>
    /// <param name="profile">Which kernel.</param>
    /// <param name="tree">The device tree it is told; null for the board's own. It is copied.</param>
    /// <param name="byAcpi">Whether firmware describes the board by ACPI (see <see cref="Kernel.BootsByAcpi"/>).</param>
    public static Kernel Boot(
        Machine.Board board,
        KernelProfile profile,
        Machine.DeviceTrees.DeviceTree? tree = null,
        bool byAcpi = false
    )
    {
        var kernel = new Kernel(board, profile, tree?.DeepClone()) { BootsByAcpi = byAcpi };
        foreach (IInitCall call in InitCalls)
        {
            kernel.InitCalls.Add(call);
        }

        kernel.Boot();
        return kernel;
    }
}
