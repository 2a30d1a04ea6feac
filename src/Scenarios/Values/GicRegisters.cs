using System.Globalization;
using Emulator.Machine;

namespace Emulator.Scenarios;

/// <summary>
/// The board's interrupt controller as software on CPU 0 sees it: a GICv2 by its registers in memory, a GICv3 by those and by system
/// registers. Which one it is, its registers tell.
/// </summary>
internal sealed class GicRegisters
{
    private const ulong FirstShared = 32;

    private readonly World _world;
    private readonly BoardDevice _gic;
    private readonly bool _hasSystemRegisters;
    private readonly Place _place;

    private GicRegisters(World world, BoardDevice gic, bool hasSystemRegisters, Place place)
    {
        _world = world;
        _gic = gic;
        _hasSystemRegisters = hasSystemRegisters;
        _place = place;
    }

    public static GicRegisters Of(World world, Place place)
    {
        foreach (BoardDevice device in world.Board.Devices)
        {
            bool hasInterface = device.FindRegister("GICC_IAR") is not null;
            if (hasInterface || device.FindRegister("GICR_CTLR_0") is not null)
            {
                return new GicRegisters(world, device, !hasInterface, place);
            }
        }

        throw StepFailedException.At(place, $"board {world.Board.Name} has no GIC whose registers this step could use");
    }

    public ulong Acknowledge() =>
        _hasSystemRegisters ? SystemRegisterStep.Load(_world, "ICC_IAR1_EL1", _place) : Load("GICC_IAR") & 0x3FF;

    public void EndOfInterrupt(ulong id)
    {
        if (_hasSystemRegisters)
        {
            SystemRegisterStep.Store(_world, "ICC_EOIR1_EL1", id, _place);
        }
        else
        {
            Store("GICC_EOIR", id);
        }
    }

    public bool IsPending(ulong id) => Bit("ISPENDR", id);

    public bool IsEnabled(ulong id) => Bit("ISENABLER", id);

    /// <summary>A GICv3 has the bits of private interrupts in the redistributors, and those of LPIs in memory: these count as 0.</summary>
    private bool Bit(string registers, ulong id)
    {
        string register =
            _hasSystemRegisters && id < FirstShared
                ? $"GICR_{registers}0_0"
                : string.Create(CultureInfo.InvariantCulture, $"GICD_{registers}{id / 32}");
        return id < 1020 && ((Load(register) >> (int)(id % 32)) & 1) != 0;
    }

    private ulong Load(string register)
    {
        (BoardRegister found, _) = _world.Register($"{_gic.Name}.{register}", _place);
        return _world.Load(found.Address, 4, _place, found.Name);
    }

    private void Store(string register, ulong value)
    {
        (BoardRegister found, _) = _world.Register($"{_gic.Name}.{register}", _place);
        _world.Store(found.Address, 4, value, _place, found.Name);
    }
}
