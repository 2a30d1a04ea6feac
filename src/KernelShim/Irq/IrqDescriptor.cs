using System.Diagnostics;
using Emulator.Machine.DeviceTrees;

namespace Emulator.KernelShim;

/// <summary>A handler of an interrupt (struct irqaction).</summary>
/// <param name="Name">What /proc/interrupts shows.</param>
/// <param name="Handle">Runs at interrupt level; true when the interrupt was its device's (IRQ_HANDLED).</param>
/// <param name="Owner">Who asked, to free it again.</param>
public sealed record IrqAction(string Name, Func<bool> Handle, object Owner);

/// <summary>An interrupt of Linux (struct irq_desc).</summary>
[DebuggerDisplay("{Number}: {ChipName,nq} {HardwareNumber}, depth {DisableDepth}")]
public sealed class IrqDescriptor
{
    /// <summary>The Linux number.</summary>
    public required int Number { get; init; }

    /// <summary>The controller's number (SPI n is n + 32).</summary>
    public required int HardwareNumber { get; init; }

    /// <summary>The controller's name in /proc/interrupts.</summary>
    public required string ChipName { get; init; }

    /// <summary>Whether the chip prints its name itself (irq_print_chip), without the column's width.</summary>
    public bool ChipPrintsName { get; init; }

    /// <summary>Level or edge, as the specifier says.</summary>
    public bool IsLevel { get; init; }

    /// <summary>The handlers.</summary>
    public IList<IrqAction> Actions { get; } = [];

    /// <summary>How often it was disabled; enabled at 0. 1 until somebody asks for it.</summary>
    public int DisableDepth { get; set; } = 1;

    /// <summary>How often it was taken.</summary>
    public ulong Count { get; set; }
}

/// <summary>
/// The interrupts of a kernel (kernel/irq): mapping specifiers, asking for lines, disabling and enabling them. The GIC driver
/// behind it masks and unmasks by the distributor's registers and takes interrupts by GICC_IAR.
/// </summary>
public interface IIrqSubsystem
{
    /// <summary>The descriptors in order of number.</summary>
    IReadOnlyList<IrqDescriptor> Descriptors { get; }

    /// <summary>How many interrupts came that nobody had mapped (irq_err_count, the row Err of /proc/interrupts).</summary>
    ulong ErrorCount => 0;

    /// <summary>The Linux number for a specifier of the device tree; null when no driver has its controller.</summary>
    int? Map(InterruptSpecifier specifier);

    /// <summary>request_irq: adds a handler and enables the line. -EBUSY when it is taken and not shared.</summary>
    long Request(int number, string name, Func<bool> handle, object owner, bool isShared = false);

    /// <summary>free_irq.</summary>
    void Free(int number, object owner);

    /// <summary>disable_irq_nosync: nests.</summary>
    void Disable(int number);

    /// <summary>enable_irq: undoes one disable.</summary>
    void Enable(int number);
}
