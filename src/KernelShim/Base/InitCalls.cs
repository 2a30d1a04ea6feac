namespace Emulator.KernelShim;

/// <summary>The order of a boot (include/linux/init.h); lower levels run first.</summary>
public static class InitLevel
{
    /// <summary>init_IRQ: interrupt controllers, before anything asks for an interrupt.</summary>
    public const int Interrupts = -1;

    /// <summary>pure_initcall.</summary>
    public const int Pure = 0;

    /// <summary>core_initcall: subsystems without hardware (the IOMMU core).</summary>
    public const int Core = 1;

    /// <summary>postcore_initcall.</summary>
    public const int PostCore = 2;

    /// <summary>arch_initcall: devices appear from the device tree, at the end of the level.</summary>
    public const int Arch = 3;

    /// <summary>subsys_initcall: drivers that others need (IOMMUs), so that they have their devices first.</summary>
    public const int Subsystem = 4;

    /// <summary>fs_initcall.</summary>
    public const int FileSystem = 5;

    /// <summary>device_initcall, module_init: ordinary drivers.</summary>
    public const int Device = 6;

    /// <summary>late_initcall.</summary>
    public const int Late = 7;
}

/// <summary>A step of the boot. Steps of one level run in the order in which they were added.</summary>
public interface IInitCall
{
    /// <summary>Its name, as the kernel's function: <c>arm_smmu_init</c>.</summary>
    string Name { get; }

    /// <summary>When it runs: see <see cref="InitLevel"/>.</summary>
    int Level { get; }

    /// <summary>Does it.</summary>
    void Run(Kernel kernel);
}

/// <summary>A step of the boot made of a method.</summary>
/// <param name="Name">Its name, as the kernel's function.</param>
/// <param name="Level">When it runs.</param>
/// <param name="Action">What it does.</param>
public sealed record InitCall(string Name, int Level, Action<Kernel> Action) : IInitCall
{
    /// <inheritdoc/>
    public void Run(Kernel kernel) => Action(kernel);
}
