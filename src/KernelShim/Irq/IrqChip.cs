using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim;

/// <summary>What masks and unmasks interrupts (struct irq_chip).</summary>
public interface IIrqChip
{
    /// <summary>irq_mask.</summary>
    void Mask(int number);

    /// <summary>irq_unmask.</summary>
    void Unmask(int number);
}

/// <summary>The controller in front of the CPU.</summary>
internal interface IRootIrqChip : IIrqChip
{
    /// <summary>Its name in /proc/interrupts.</summary>
    string Name { get; }

    /// <summary>Reads a specifier; null when it is not this controller's, or names what it does not have.</summary>
    GicInterrupt? Translate(InterruptSpecifier specifier);

    /// <summary>Sets the trigger; false when the controller cannot.</summary>
    bool SetTrigger(GicInterrupt interrupt);

    /// <summary>Takes the most urgent interrupt.</summary>
    uint TakeInterrupt();

    /// <summary>The number of the interrupt that was taken; null for none.</summary>
    int? NumberOf(uint acknowledged);

    /// <summary>Ends the interrupt that was taken.</summary>
    void End(uint acknowledged);
}

/// <summary>An interrupt as its chip and /proc/interrupts know it.</summary>
/// <param name="Chip">Its chip.</param>
/// <param name="ChipNumber">Its number for the chip.</param>
/// <param name="ChipName">The name in /proc/interrupts.</param>
/// <param name="HardwareNumber">The number in /proc/interrupts.</param>
/// <param name="IsLevel">Level or edge.</param>
/// <param name="ChipPrintsName">See <see cref="IrqDescriptor.ChipPrintsName"/>.</param>
public sealed record IrqSource(
    IIrqChip Chip,
    int ChipNumber,
    string ChipName,
    int HardwareNumber,
    bool IsLevel,
    bool ChipPrintsName = false
);
