namespace Emulator.KernelShim;

/// <summary>
/// Drivers of PrimeCells that a kernel has built in and of which nothing shows but that they have their devices: the serial ports
/// whose console is the board's own affair, and drivers of parts that no board has.
/// </summary>
internal static class AmbaBuiltInDrivers
{
    /// <summary>amba_id tables of drivers/tty/serial/amba-pl010.c, amba-pl011.c, drivers/video/fbdev/amba-clcd.c.</summary>
    private static readonly (string Name, uint Id, uint Mask, bool SuppressesBind)[] Known =
    [
        ("uart-pl010", 0x0004_1010, 0x000F_FFFF, false),
        ("uart-pl011", 0x0004_1011, 0x000F_FFFF, true),
        ("clcd-pl11x", 0x0004_1110, 0x000F_FFFE, false),
        // Stands for devices whose identification cannot be read yet (drivers/amba/bus.c); its table is empty.
        ("amba-proxy", uint.MaxValue, 0, false),
    ];

    /// <summary>Registers those that the profile has.</summary>
    public static void Start(Kernel kernel)
    {
        foreach (string name in kernel.Profile.AmbaDrivers)
        {
            (string Name, uint Id, uint Mask, bool SuppressesBind) known = Known.First(driver =>
                string.Equals(driver.Name, name, StringComparison.Ordinal)
            );
            kernel.Drivers.Register(new QuietDriver(known.Name, known.Id, known.Mask, known.SuppressesBind));
        }
    }

    private sealed class QuietDriver(string name, uint id, uint mask, bool suppressesBind) : Driver
    {
        public override string Name => name;

        public override string BusName => "amba";

        public override bool SuppressesBindAttributes => suppressesBind;

        public override bool Matches(Device device) => (device.PeripheralId & mask) == id;

        public override long Probe(Device device) => 0;

        public override void Remove(Device device) { }
    }
}
