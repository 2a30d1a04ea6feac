namespace Emulator.KernelShim;

/// <content>What differs between kernels in gpiolib and the classes of GPIOs and clocks.</content>
public sealed partial record KernelProfile
{
    /// <summary>Whether it has gpiolib, its class in sysfs (CONFIG_GPIO_SYSFS) and the driver of the PL061 built in.</summary>
    public bool HasGpioClass { get; init; }

    /// <summary>Whether it has the class of clocks and the driver of the PL031 built in.</summary>
    public bool HasRtcClass { get; init; }

    /// <summary>
    /// Whether there are 512 GPIO numbers and chips get theirs from the end down (ARCH_NR_GPIOS, before 6.2); since then they get
    /// them from 512 up.
    /// </summary>
    public bool GpioNumbersAreBounded { get; init; }

    /// <summary>gpio_keys: what it says when it gets no line (dev_err_probe since 6.2 or so).</summary>
    public string GpioKeysBusyText { get; init; } = "error -EBUSY: failed to get gpio";
}
