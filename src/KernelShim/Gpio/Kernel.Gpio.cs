namespace Emulator.KernelShim;

/// <content>GPIO.</content>
public sealed partial class Kernel
{
    /// <summary>gpiolib; null on a kernel without it.</summary>
    internal GpioCore? Gpio { get; set; }

    /// <summary>The number of the next device of the input core.</summary>
    internal int NextInput { get; set; }
}
