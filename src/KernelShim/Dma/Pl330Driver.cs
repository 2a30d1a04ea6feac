using System.Diagnostics;

namespace Emulator.KernelShim;

/// <summary>
/// dma-pl330 (drivers/dma/pl330.c): the AMBA driver of the DMA-330, which makes its channels channels of the DMA engine. As
/// it was in 3.13 to 3.16; what later kernels do otherwise is in the profile.
/// </summary>
[DebuggerDisplay("dma-pl330")]
public sealed class Pl330Driver : Driver
{
    private const uint Id = 0x0004_1330;
    private const uint IdMask = 0x000F_FFFF;

    private readonly Kernel _kernel;
    private readonly DmaEngine _engine;

    internal Pl330Driver(Kernel kernel)
    {
        _kernel = kernel;
        _engine = kernel.Dma;
    }

    /// <summary>Registers the driver where it is built in.</summary>
    public static InitCall InitCall { get; } = new("pl330_driver_init", InitLevel.Device, Start);

    /// <inheritdoc/>
    public override string Name => "dma-pl330";

    /// <inheritdoc/>
    public override string BusName => "amba";

    /// <inheritdoc/>
    public override bool Matches(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return HasId(device.PeripheralId);
    }

    /// <inheritdoc/>
    public override long Probe(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        long error = Pl330Controller.Probe(_kernel, _engine, device, out Pl330Controller? controller);
        device.DriverData = controller;
        return error;
    }

    /// <inheritdoc/>
    public override void Remove(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        (device.DriverData as Pl330Controller)?.Remove();
    }

    internal static bool HasId(uint peripheralId) => (peripheralId & IdMask) == Id;

    private static void Start(Kernel kernel)
    {
        if (kernel.Profile.HasPl330Driver)
        {
            kernel.Drivers.Register(new Pl330Driver(kernel));
        }
    }
}
