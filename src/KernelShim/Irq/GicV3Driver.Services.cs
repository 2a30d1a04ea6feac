using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim;

/// <content>What needs the numbers of Linux: interrupts between CPUs, and the ITS (gic_smp_init, its_init).</content>
internal sealed partial class GicV3Driver
{
    private const int SoftwareInterruptsOfLinux = 8;

    /// <summary>The ITS, once it is there.</summary>
    public ItsDriver? Its { get; private set; }

    /// <summary>gic_smp_init takes eight numbers; then the services below the controller's node are started.</summary>
    public void StartServices(Kernel kernel, IrqSubsystem interrupts)
    {
        for (int number = 0; number < SoftwareInterruptsOfLinux; number++)
        {
            interrupts.Add(new IrqSource(this, number, Name, number, IsLevel: false), number);
        }

        DeviceTreeNode? node = Node.Children.FirstOrDefault(child =>
            child.IsEnabled && child.IsCompatible("arm,gic-v3-its") && child.HasProperty("msi-controller")
        );
        if (node is not null)
        {
            Its = ItsDriver.Start(kernel, interrupts, node, _redistributors);
        }
    }
}
