using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim;

/// <summary>
/// The generic timer as an owner of interrupts (drivers/clocksource/arm_arch_timer.c, arch_timer_of_init): all its private
/// interrupts are mapped, and that of the virtual timer is asked for. Nothing ticks in this kernel, so it never comes.
/// </summary>
internal static class ArchTimer
{
    private const int VirtualTimer = 2;

    public static InitCall InitCall { get; } = new("time_init", InitLevel.Interrupts, Start);

    private static void Start(Kernel kernel)
    {
        DeviceTreeNode? node = kernel.Tree.Nodes.FirstOrDefault(candidate =>
            candidate.IsEnabled && candidate.IsCompatible("arm,armv8-timer")
        );
        if (node is null || !kernel.Profile.MapsInterruptsAtProbe)
        {
            return;
        }

        int?[] numbers = [.. kernel.Tree.ReadInterrupts(node).Select(kernel.Interrupts.Map)];
        if (numbers.Length > VirtualTimer && numbers[VirtualTimer] is { } number)
        {
            kernel.Interrupts.Request(number, "arch_timer", () => false, kernel);
        }
    }
}
