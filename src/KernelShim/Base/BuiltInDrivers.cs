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
        new InitCall("iommu_init", InitLevel.Core, kernel => IommuCore.Start(kernel)),
        new InitCall("arm_smmu_init", InitLevel.Subsystem, kernel => ArmSmmuDriver.Start(kernel)),
        S3cI2cDriver.InitCall,
        Pl330Driver.InitCall,
        ModuleLoader.InitCall,
        VosysDmatest.InitCall,
    ];

    /// <summary>A kernel with all of them, booted.</summary>
    /// <param name="board">The board.</param>
    /// <param name="profile">Which kernel.</param>
    /// <param name="tree">The device tree it is told; null for the board's own. It is copied.</param>
    public static Kernel Boot(Machine.Board board, KernelProfile profile, Machine.DeviceTrees.DeviceTree? tree = null)
    {
        var kernel = new Kernel(board, profile, tree?.DeepClone());
        foreach (IInitCall call in InitCalls)
        {
            kernel.InitCalls.Add(call);
        }

        kernel.Boot();
        return kernel;
    }
}
