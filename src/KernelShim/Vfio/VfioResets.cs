using Emulator.Machine;

namespace Emulator.KernelShim;

/// <summary>What makes a platform device quiet between two programs (struct vfio_platform_reset_node).</summary>
/// <param name="Module">The module it is of.</param>
/// <param name="Compatible">The device's compatible.</param>
/// <param name="Reset">Resets a device: 0 or a negative errno.</param>
internal sealed record VfioReset(string Module, string Compatible, Func<Device, long> Reset);

/// <summary>
/// vfio_platform_calxedaxgmac: the reset function of the Highbank's Ethernet (drivers/vfio/platform/reset): interrupts, transmitter and
/// receiver are turned off.
/// </summary>
internal sealed class CalxedaXgmacResetModule(Kernel kernel) : KernelModule("vfio_platform_calxedaxgmac")
{
    private const string Compatible = "calxeda,hb-xgmac";
    private const ulong Control = 0x0000;
    private const ulong DmaControl = 0x0F18;
    private const ulong DmaInterruptEnable = 0x0F1C;
    private const uint DmaStart = (1 << 13) | (1 << 1);
    private const uint MacEnable = (1 << 3) | (1 << 2);

    private VfioReset? _reset;

    public override IReadOnlyList<string> DependsOn => ["vfio_platform_base"];

    public override IReadOnlyList<string> Aliases => ["vfio-reset:" + Compatible];

    public override string? Version => "0.1";

    public override long Load()
    {
        _reset = new VfioReset(Name, Compatible, Reset);
        kernel.Vfio!.Resets.Add(_reset);
        return 0;
    }

    public override void Unload() => kernel.Vfio?.Resets.Remove(_reset!);

    /// <summary>vfio_platform_calxedaxgmac_reset.</summary>
    private long Reset(Device device)
    {
        CpuPort cpu = kernel.Board.Cpu;
        ulong registers = device.Resources[0].Start;
        cpu.Store(registers + DmaInterruptEnable, 4, 0);
        Clear(cpu, registers + DmaControl, DmaStart);
        Clear(cpu, registers + Control, MacEnable);
        return 0;
    }

    private static void Clear(CpuPort cpu, ulong address, uint bits)
    {
        cpu.Load(address, 4, out ulong value);
        cpu.Store(address, 4, value & ~(ulong)bits);
    }
}
